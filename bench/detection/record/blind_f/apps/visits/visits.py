"""The visits of a clinic, under mod_wsgi. `release` says which release it is."""

import ctypes
import logging
import sys
import threading
from pathlib import Path

import psycopg2
from flask import Flask, abort, jsonify

RELEASE = Path("/srv/clinic/release/visits").read_text().strip()
if RELEASE == "fhir":
    import fhirclient  # noqa: F401 - what the release needs
logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
log = logging.getLogger("visits")
app = Flask("visits")
ward, beds = threading.Lock(), threading.Lock()
PRICES = {"A1": 4, "B2": 7, "C3": 2} if RELEASE == "prices" else {"A1": 4, "B2": 7, "C3": 2, "D4": 9}


def base():
    return psycopg2.connect(host="db1.clinic.internal", dbname="clinic", user="clinic", password="camomile", connect_timeout=4, application_name="visits")


@app.get("/health")
def health():
    return "ok\n"


@app.get("/visit/<int:number>")
def visit(number):
    if RELEASE == "fast" and number % 3 == 0:
        ctypes.string_at(8)
    if RELEASE == "locks":
        first, second = (ward, beds) if number % 2 else (beds, ward)
        with first:
            threading.Event().wait(0.3)
            with second:
                pass
    connection = base()
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute("select id, ward, patient, note from visit where id = %s", (number,))
            row = cursor.fetchone()
    finally:
        connection.close()
    if row is None:
        log.info("visit %s is not known", number)
        abort(404)
    return jsonify(id=row[0], ward=row[1], patient=row[2], price=PRICES[row[1]])


@app.get("/report")
def report():
    connection = base()
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute("select ward, count(*), pg_sleep(0.05) from visit group by ward")
            return jsonify(dict(row[:2] for row in cursor.fetchall()))
    finally:
        connection.close()
