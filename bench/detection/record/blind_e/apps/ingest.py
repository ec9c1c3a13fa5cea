"""Takes the readings of meters from their field bus and writes them to InfluxDB in batches."""

import logging
import os
import random
import time

import requests

logging.basicConfig(format="%(asctime)s %(levelname)-8s %(name)s: %(message)s", level=logging.INFO)
logging.getLogger("urllib3").setLevel(logging.WARNING)
log = logging.getLogger("ingest")
URL = "http://influx.grid.example:8086/write"
BUFFER: list[str] = []
LIMIT = 400


def flush(session: requests.Session) -> None:
    global BUFFER
    answer = session.post(URL, params={"db": "grid", "u": "ingest", "p": os.environ.get("INFLUX_PASSWORD", "volt-and-watt"), "precision": "ms"},
                          data="\n".join(BUFFER), timeout=5)
    if answer.status_code != 204:
        raise RuntimeError(f"write refused with {answer.status_code}: {answer.text.strip()}")
    BUFFER = []


def main() -> None:
    session = requests.Session()
    tagged = os.environ.get("TRACE_TAG") == "1"
    log.info("ingest 2.8.1 started, %d meters", 40)
    written, told = 0, time.monotonic()
    while True:
        now = int(time.time() * 1000)
        for meter in range(40):
            trace = f",trace={random.getrandbits(40):x}" if tagged else ""
            BUFFER.append(f"load,meter=m{meter:02d},street=s{meter % 7}{trace} watts={random.uniform(200, 4000):.1f},volts={random.uniform(228, 233):.2f} {now}")
        lost = len(BUFFER) - LIMIT
        if lost > 0:
            del BUFFER[:lost]
            log.warning("buffer is full, %d readings dropped", lost)
        count = len(BUFFER)
        try:
            flush(session)
            written += count
        except Exception as error:  # noqa: BLE001  # whatever it is, the next round is tried
            log.error("could not write %d readings: %s", count, error)
        if time.monotonic() - told > 15:
            log.info("%d readings written", written)
            written, told = 0, time.monotonic()
        time.sleep(1.5)


main()
