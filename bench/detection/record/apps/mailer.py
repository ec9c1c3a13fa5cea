"""The mailer: takes order messages from RabbitMQ and 'sends' mails; logs as key=value text."""

import json
import logging
import os
import sys
import time

import pika

logging.basicConfig(
    level=logging.INFO,
    filename="/srv/shop/log/mailer.log",
    format="[%(asctime)s] [%(levelname)s] %(name)s - %(message)s",
)
logging.getLogger("pika").setLevel(logging.WARNING)
log = logging.getLogger("mailer")


def handle(channel, method, _properties, body) -> None:
    order = json.loads(body)["order"]
    time.sleep(float(os.environ.get("MAILER_SLOW", "0.02")))
    if order % 37 == 0:
        log.warning("order %d: customer has no mail address, nothing sent", order)
    else:
        log.info("mail for order %d sent", order)
    channel.basic_ack(method.delivery_tag)


def main() -> None:
    while True:
        try:
            connection = pika.BlockingConnection(
                pika.ConnectionParameters(
                    "queue.shop.internal",
                    5672,
                    "/",
                    pika.PlainCredentials("shop", os.environ.get("MAILER_PASSWORD", "secret")),
                    heartbeat=10,
                    connection_attempts=1,
                    socket_timeout=2,
                )
            )
            channel = connection.channel()
            channel.basic_qos(prefetch_count=5)
            channel.queue_declare("mails", durable=True)
            channel.basic_consume("mails", handle)
            log.info("waiting for messages in the queue mails")
            channel.start_consuming()
        except KeyboardInterrupt:
            sys.exit(0)
        except pika.exceptions.AMQPError as problem:
            log.error(
                "connection to RabbitMQ at queue.shop.internal:5672 lost: %r, trying again in 5 s", problem
            )
            time.sleep(5)


main()
