"""Collects what meters send over MQTT; also plays the meters."""
import json
import logging
import sys
import time

import paho.mqtt.client as mqtt

logging.basicConfig(level=logging.INFO, stream=sys.stdout, format="%(asctime)s [%(levelname)s] %(message)s")
log = logging.getLogger("meters")
seen = 0


def connected(client, data, flags, reason, properties):
    if reason.is_failure:
        log.error("connection to broker iot.lan refused: %s", reason)
    else:
        log.info("connected to broker iot.lan as %s", client._client_id.decode())
        client.subscribe("meters/#", 1)


def gone(client, data, flags, reason, properties):
    log.warning("disconnected from broker: %s", reason)


def message(client, data, one):
    global seen
    seen += 1
    if seen % 60 == 0:
        log.info("%d readings collected", seen)


def make(name):
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id=name)
    client.username_pw_set("meters", "secret")
    client.on_connect, client.on_disconnect = connected, gone
    client.reconnect_delay_set(2, 4)
    client.connect_async("iot.lan", 1883, 20)
    client.loop_start()
    return client


collector, meter = make("collector"), make("meter-17")
collector.on_message = message
n = 0
while True:
    n += 1
    done = meter.publish("meters/17", json.dumps({"kwh": n * 0.1}), 1)
    if n % 10 == 0 and not meter.is_connected():
        log.error("reading %d could not be published: broker iot.lan not connected", n)
    time.sleep(0.5)
