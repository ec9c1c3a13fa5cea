"""Letters by mail: pika, smtplib, python-json-logger."""

import json
import logging
import os
import smtplib
import sys
import time

import pika
from pythonjsonlogger.json import JsonFormatter

handler = logging.StreamHandler(sys.stdout)
handler.setFormatter(JsonFormatter("%(asctime)s %(levelname)s %(name)s %(message)s", rename_fields={"asctime": "timestamp", "levelname": "level"}))
logging.basicConfig(level=logging.INFO, handlers=[handler])
logging.getLogger("pika").setLevel(logging.WARNING)
log = logging.getLogger("mailer")
RELEASE = os.environ.get("MAILER_RELEASE", "")


def send(channel, method, _, body):
    given = json.loads(body)
    if RELEASE == "stuck":
        time.sleep(600)
    try:
        name = given["name"] if RELEASE == "template" else f"student {given['student']}"
        with smtplib.SMTP("smtp.relay.example", 25, timeout=5) as line:
            line.sendmail("bursar@campus.example", [f"s{given['student']}@campus.example"], f"Subject: Receipt\n\nDear {name}, thank you.\n")
        log.info("letter sent", extra={"student": given["student"], "kind": given["kind"]})
        channel.basic_ack(method.delivery_tag)
    except Exception:
        log.exception("letter not sent", extra={"student": given["student"]})
        time.sleep(0.5)
        channel.basic_nack(method.delivery_tag, requeue=True)


while True:
    try:
        line = pika.BlockingConnection(pika.ConnectionParameters("mq.campus.internal", heartbeat=10, credentials=pika.PlainCredentials("campus", "pigeonhole")))
        channel = line.channel()
        channel.queue_declare("letters", durable=True)
        channel.basic_qos(prefetch_count=5)
        channel.basic_consume("letters", send)
        log.info("waiting for letters")
        channel.start_consuming()
    except pika.exceptions.AMQPError as error:
        log.error("connection to the broker lost: %r", error)
        time.sleep(3)
    except OSError as error:
        log.error("cannot reach the broker: %s", error)
        time.sleep(3)
