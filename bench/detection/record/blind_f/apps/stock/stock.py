"""The stock of bandages and drugs, under uWSGI."""

import json
import logging
import os
import time

import psycopg2

logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s stock %(message)s")
log = logging.getLogger("stock")
RELEASE = os.environ.get("STOCK_RELEASE", "")
if RELEASE == "barcode":
    from stock_codes import decode  # noqa: F401 - what the release needs
KEPT = []


def application(environ, start_response):
    path = environ["PATH_INFO"]
    if path == "/health":
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b"ok\n"]
    number = int(path.rsplit("/", 1)[1])
    if RELEASE == "cache":
        KEPT.append(bytearray(6_000_000))
    if RELEASE == "recount":
        time.sleep(20)
    base = psycopg2.connect(host="db1.clinic.internal", dbname="clinic", user="clinic", password="camomile", connect_timeout=4, application_name="stock")
    try:
        with base, base.cursor() as cursor:
            cursor.execute("select count(*) from invoice where patient = %s", (number % 700,))
            count = cursor.fetchone()[0]
    finally:
        base.close()
    if number > 800:
        log.warning("article %d is nearly used up", number)
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps({"article": number, "count": count}).encode()]
