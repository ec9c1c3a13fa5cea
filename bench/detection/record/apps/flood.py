"""Publishes large messages to a queue that nobody takes from."""

import os
import time

import pika

connection = pika.BlockingConnection(
    pika.ConnectionParameters("queue.shop.internal", 5672, "/", pika.PlainCredentials("shop", "secret"))
)
channel = connection.channel()
channel.queue_declare("exports")
while True:
    channel.basic_publish("", "exports", os.urandom(1 << 20))
    time.sleep(0.05)
