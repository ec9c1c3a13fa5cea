"""How many letters wait: each ten seconds, a warning when they are many."""

import logging
import time

import pika

logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
logging.getLogger("pika").setLevel(logging.CRITICAL)
while True:
    try:
        line = pika.BlockingConnection(pika.ConnectionParameters("mq.campus.internal", socket_timeout=4, credentials=pika.PlainCredentials("campus", "pigeonhole")))
        state = line.channel().queue_declare("letters", durable=True, passive=True).method
        logging.log(logging.WARNING if state.message_count > 100 else logging.INFO, "queue letters: %d messages ready, %d consumers", state.message_count, state.consumer_count)
        line.close()
    except (pika.exceptions.AMQPError, OSError) as error:
        logging.error("cannot ask the broker: %r", error)
    time.sleep(10)
