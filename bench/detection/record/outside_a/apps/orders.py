"""Orders: writes through the pool, statistics from the replica."""
import logging
import os
import sys

import psycopg
from flask import Flask, jsonify, request

logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s [%(name)s] %(message)s")
log = logging.getLogger("orders")
app = Flask("orders")
POOL = "host=pool.lan port=6432 dbname=orders user=orders_app password=" + os.environ.get("PASSWORD", "orders") + " connect_timeout=5"
READ = "host=db2.lan port=5432 dbname=orders user=orders_app password=orders connect_timeout=5"


def ask(where, text, values=(), rows=True):
    with psycopg.connect(where, prepare_threshold=None) as conn:
        done = conn.execute(text, values)
        return done.fetchall() if rows else None


@app.post("/orders")
def place():
    body = request.get_json()
    number = ask(POOL, "insert into orders (customer, note) values (%s, %s) returning id", (body["customer"], body["note"]))
    if number[0][0] % 20 == 0:
        log.info("order %s placed by customer %s", number[0][0], body["customer"])
    return jsonify(id=number[0][0]), 201


@app.get("/orders/<int:customer>")
def of(customer):
    return jsonify(ask(POOL, "select id, note from orders where customer = %s order by id desc limit 5", (customer,)))


@app.get("/customers/<int:n>")
def customer(n):
    found = ask(POOL, "select id, email from customers where regexp_replace(lower(email), '[^a-z0-9@.]', '', 'g') = lower(%s)", (f"Customer{n}@Example.com",))
    return (jsonify(found[0]), 200) if found else (jsonify(error="no such customer"), 404)


@app.get("/stats")
def stats():
    return jsonify(ask(READ, "select count(*) from orders where at > now() - interval '1 minute'"))


@app.errorhandler(psycopg.Error)
def failed(error):
    log.error("%s %s failed: %s", request.method, request.path, str(error).strip(), exc_info=True)
    return jsonify(error="internal"), 500
