"""Keeps switches and locks in etcd, by its HTTP gateway, as a small controller does."""
import base64
import logging
import sys
import time

import requests

logging.basicConfig(level=logging.INFO, stream=sys.stdout, format="%(levelname)s %(asctime)s %(name)s] %(message)s")
log = logging.getLogger("flags")
MEMBERS = ["http://127.0.0.82:2379", "http://127.0.0.82:2381", "http://127.0.0.82:2383"]


def b64(text):
    return base64.b64encode(text.encode()).decode()


def call(n, path, body):
    answer = requests.post(MEMBERS[n % len(MEMBERS)] + path, json=body, timeout=6)
    if answer.status_code != 200:
        raise RuntimeError(f"etcd answered {answer.status_code}: {answer.text.strip()}")
    return answer.json()


n = 0
while True:
    n += 1
    for member in range(3):
        try:
            call(n + member, "/v3/kv/put", {"key": b64(f"heartbeat/{n % 50}"), "value": b64("x" * 300)})
            call(n + member, "/v3/kv/range", {"key": b64("flags/checkout")})
            break
        except Exception as error:  # noqa: BLE001
            log.error("could not renew the lease of the controller: %s", error)
    if n % 30 == 0:
        log.info("controller renewed, round %d", n)
    time.sleep(0.7)
