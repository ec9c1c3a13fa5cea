"""Asks a partner for exchange rates each second and logs what came."""

import logging
import os
import sys
import time

import requests

logging.basicConfig(
    level=logging.INFO, stream=sys.stdout, format="%(asctime)s - %(name)s - %(levelname)s - %(message)s"
)
log = logging.getLogger("rates.fetch")
url, began, n = sys.argv[1], time.monotonic(), 0
limited = float(os.environ.get("LIMITED_AFTER", "0"))
while True:
    n += 1
    asked = url
    if limited and time.monotonic() - began > limited:
        asked = url.replace("/v1/rates", "/limited")
    try:
        answer = requests.get(asked, timeout=3)
        answer.raise_for_status()
        log.info("rates updated, run %d, %d bytes", n, len(answer.content))
    except requests.RequestException as problem:
        if n % 5:
            log.error("rates could not be updated: %s", problem)
        else:
            log.exception("rates could not be updated")
    if n % 40 == 39:
        log.warning("rate of ISK is older than a day, using it all the same")
    time.sleep(1)
