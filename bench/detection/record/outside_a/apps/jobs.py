"""Puts jobs into beanstalkd and works them off."""
import logging
import sys
import threading
import time

import greenstalk

logging.basicConfig(level=logging.INFO, stream=sys.stdout, format="%(asctime)s %(levelname)s %(threadName)s: %(message)s")


def forever(act):
    def run():
        while True:
            try:
                with greenstalk.Client(("jobs.lan", 11300)) as client:
                    logging.info("connected to beanstalkd")
                    act(client)
            except Exception as error:
                logging.error("beanstalkd failed: %s", repr(error), exc_info=True)
            time.sleep(2)

    return run


def put(client):
    n = 0
    while True:
        n += 1
        client.put(f"thumbnail {n} {'x' * 2000}")
        if n % 40 == 0:
            logging.info("%d jobs put", n)
        time.sleep(0.4)


def work(client):
    n = 0
    while True:
        job = client.reserve()
        client.delete(job)
        n += 1
        if n % 40 == 0:
            logging.info("%d jobs done", n)


threading.Thread(target=forever(put), name="producer", daemon=True).start()
threading.Thread(target=forever(work), name="worker", daemon=True).start()
threading.Event().wait()
