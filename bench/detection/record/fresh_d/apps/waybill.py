"""Waybills over HTTP: Flask under waitress, PostgreSQL, a queue of labels, the scale's service, the carrier's API."""

import logging
import os
import re
import sys
import tempfile
import time
from pathlib import Path

import psycopg
import requests
from flask import Flask, abort, jsonify, request
from loguru import logger
from psycopg.rows import dict_row
from psycopg_pool import ConnectionPool
from redis import Redis
from rq import Queue
from waitress import serve
from werkzeug.exceptions import HTTPException

RELEASE = os.environ.get("RELEASE", "")
HOME = Path("/srv/freight")
TARIFF = {"DE": 4.1, "FR": 5.2, "NL": 4.6, "SE": 6.9, "PL": 5.0}
if RELEASE == "tariff":
    TARIFF = {"DE": 4.3, "FR": 5.4, "NL": 4.8, "PL": 5.1}
CONNINFO = os.environ.get("PG_DSN", "host=pg1.freight.internal dbname=freight user=freight password=harbour application_name=waybill")
NOTE = re.compile(r"^(\w+\s?)+$")

logger.remove()
logger.add(sys.stderr, backtrace=False, diagnose=False, colorize=False)
logging.basicConfig(format="%(asctime)s %(levelname)s [%(name)s] %(message)s", level=logging.WARNING)
pool = ConnectionPool(CONNINFO, min_size=1, max_size=4, timeout=4, kwargs={"row_factory": dict_row}, open=True)
labels = Queue("labels", connection=Redis("kv1.freight.internal"))
carrier = requests.Session()
carrier.verify = str(HOME / "tls/ca.pem")
carrier.cert = (str(HOME / "tls/client.pem"), str(HOME / "tls/client.key"))
app = Flask("waybill")
kept = []


@app.before_request
def begin():
    request.began = time.monotonic()


@app.after_request
def told(answer):
    logger.info("{} {} -> {} in {:.0f} ms", request.method, request.path, answer.status_code, (time.monotonic() - request.began) * 1000)
    return answer


@app.errorhandler(Exception)
def failed(error):
    if isinstance(error, HTTPException):
        return jsonify(error=error.name), error.code
    logger.exception("request failed: {} {}", request.method, request.path)
    return jsonify(error="internal"), 500


@app.get("/health")
def health():
    return "ok"


def row(number):
    if RELEASE == "connections":
        connection = psycopg.connect(CONNINFO, row_factory=dict_row)
        kept.append(connection)
        return connection.execute("select * from waybill where id = %s", (number,)).fetchone()
    with pool.connection() as connection:
        return connection.execute("select * from waybill where id = %s", (number,)).fetchone()


@app.get("/waybill/<int:number>")
def waybill(number):
    found = row(number)
    if found is None:
        abort(404)
    if RELEASE == "leak":
        kept.append(bytearray(2_500_000))
    if RELEASE == "insurance":
        with pool.connection() as connection:
            found.update(connection.execute("select value, insured_until from waybill where id = %s", (number,)).fetchone())
    weighed = requests.get(f"http://weigh.freight.internal:8600/weigh/{number}", timeout=None if RELEASE == "patient" else 5).json()
    if RELEASE == "notes":
        found["clean"] = bool(NOTE.match("parcel of the customer " + "a" * 22 + "!"))
    if RELEASE == "printed":
        print(f"waybill {number} by Müller & Söhne, Łódź")
    return jsonify(**found, price=round(TARIFF[found["country"]] + weighed["grams"] / 900, 2))


@app.post("/waybill")
def create():
    told = request.get_json()
    with tempfile.NamedTemporaryFile(delete=False) as scan:
        scan.write(os.urandom(60_000))
    with pool.connection() as connection:
        made = connection.execute("insert into waybill (country, weight, note) values (%s, %s, %s) returning id",
                                  (told["country"], told["weight"], "made")).fetchone()
    target = HOME / f"scans/{made['id']}.tif"
    target.write_bytes(Path(scan.name).read_bytes())
    os.unlink(scan.name)
    labels.enqueue("parcels.label", made["id"])
    if made["id"] % 3:
        target.unlink()
    return jsonify(made), 201


@app.get("/surcharge/<int:number>")
def surcharge(number):
    answer = carrier.get(f"https://api.carrier.example/v2/surcharge/{number}", timeout=6, headers={"Authorization": "Bearer 3fa9"})
    if answer.status_code != 200:
        logger.error("carrier answered {}: {}", answer.status_code, answer.text[:200])
        return jsonify(error="carrier"), 502
    return jsonify(answer.json())


logger.info("waybill {} listens on 127.0.0.41:8400", RELEASE or "3.8.1")
serve(app, host="127.0.0.41", port=8400, threads=4, ident="waybill")
