"""Fetches the rates of a partner through the proxy."""
import logging
import sys
import time

import requests

logging.basicConfig(level=logging.INFO, stream=sys.stdout, format="%(asctime)s %(levelname)s feeds: %(message)s")
logging.getLogger("urllib3").setLevel(logging.ERROR)
n = 0
while True:
    n += 1
    try:
        answer = requests.get(f"http://rates.partner.example/rates/{n % 40}", proxies={"http": "http://127.0.0.69:3128"}, timeout=7)
        answer.raise_for_status()
        if n % 30 == 0:
            logging.info("%d rates fetched", n)
    except requests.RequestException as error:
        logging.error("rates of the partner could not be fetched: %s", error)
    time.sleep(0.8)
