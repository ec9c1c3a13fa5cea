"""Sends orders to the packers through RabbitMQ and wants each confirmed."""
import json
import logging
import sys
import time

import pika

logging.basicConfig(level=logging.INFO, stream=sys.stdout, format="%(asctime)s %(levelname)-7s %(name)s - %(message)s")
logging.getLogger("pika").setLevel(logging.ERROR)
log = logging.getLogger("dispatch")
number, conn = 0, None
while True:
    try:
        if conn is None or conn.is_closed:
            conn = pika.BlockingConnection(pika.ConnectionParameters("mq.lan", virtual_host="orders", credentials=pika.PlainCredentials("shop", "secret"), blocked_connection_timeout=10, socket_timeout=5))
            channel = conn.channel()
            channel.confirm_delivery()
            channel.queue_declare("pack", durable=True)
            log.info("connected to mq.lan")
        number += 1
        channel.basic_publish("", "pack", json.dumps({"order": number}), pika.BasicProperties(delivery_mode=2), mandatory=True)
        if number % 25 == 0:
            log.info("order %d sent to the packers", number)
        conn.sleep(0.4)
    except Exception as error:
        log.error("order %d could not be sent: %r", number, error, exc_info=True)
        if not isinstance(error, (pika.exceptions.NackError, pika.exceptions.UnroutableError)):
            conn = None
        time.sleep(2)
