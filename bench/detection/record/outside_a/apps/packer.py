"""Packs what it is told through RabbitMQ."""
import json
import logging
import sys
import time

import pika

logging.basicConfig(level=logging.INFO, stream=sys.stdout, format="%(asctime)s %(levelname)-7s %(name)s - %(message)s")
logging.getLogger("pika").setLevel(logging.ERROR)
log = logging.getLogger("packer")


def pack(channel, method, properties, body):
    order = json.loads(body)["order"]
    time.sleep(0.05)
    channel.basic_ack(method.delivery_tag)
    if order % 25 == 0:
        log.info("order %d packed", order)


while True:
    try:
        conn = pika.BlockingConnection(pika.ConnectionParameters("mq.lan", virtual_host="orders", credentials=pika.PlainCredentials("shop", "secret"), socket_timeout=5))
        channel = conn.channel()
        channel.queue_declare("pack", durable=True)
        channel.basic_qos(prefetch_count=5)
        channel.basic_consume("pack", pack)
        log.info("waiting for orders")
        channel.start_consuming()
    except Exception as error:  # noqa: BLE001
        log.error("no orders from mq.lan: %r", error)
        time.sleep(3)
