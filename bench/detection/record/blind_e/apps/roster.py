"""Duty rosters of a hospital's wards, kept in a Galera cluster; each request is one transaction."""

import logging
import os
import time

import pymysql
from flask import Flask, jsonify, request

logging.basicConfig(format="%(asctime)s %(levelname)s [%(name)s] %(message)s", level=logging.INFO)
logging.getLogger("werkzeug").setLevel(logging.WARNING)
NODE = os.environ["NODE"]
NAME = os.environ["NAME"]
app = Flask(NAME)
log = logging.getLogger(NAME)


def connect() -> pymysql.Connection:
    return pymysql.connect(host=NODE, user="roster", password=os.environ.get("DB_PASSWORD", "night-shift"), database="wards",
                           connect_timeout=3, read_timeout=8, write_timeout=8)


@app.get("/roster/<int:ward>")
def roster(ward: int) -> object:
    with connect() as one, one.cursor() as cursor:
        cursor.execute("SELECT nurse, hours FROM duty WHERE ward = %s LIMIT 20", (ward,))
        return jsonify(cursor.fetchall())


@app.post("/swap/<int:ward>")
def swap(ward: int) -> object:
    began = time.monotonic()
    with connect() as one, one.cursor() as cursor:
        cursor.execute("UPDATE duty SET hours = hours + 1 WHERE ward = %s AND nurse = %s", (ward, request.args.get("nurse", "1")))
        if request.args.get("slow"):
            time.sleep(float(request.args["slow"]))
        one.commit()
    log.info("swap in ward %d, %d ms", ward, (time.monotonic() - began) * 1000)
    return jsonify("ok")


@app.get("/health")
def health() -> str:
    return "ok"


host, port = os.environ["LISTEN"].split(":")
log.info("%s listens on %s, database %s", NAME, os.environ["LISTEN"], NODE)
app.run(host, int(port), threaded=True)
