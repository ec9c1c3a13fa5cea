"""The shop: Flask under gunicorn, with PostgreSQL (SQLAlchemy's pool), Redis, memcached, RabbitMQ and a payment service."""

import json
import logging
import logging.handlers
import os
import time

import pika
import redis
import requests
from flask import Flask, jsonify, request
from pymemcache.client.base import Client
from sqlalchemy import create_engine, text

handler = logging.handlers.WatchedFileHandler("/srv/shop/log/shop.log")
handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s [%(process)d] %(name)s: %(message)s"))
logging.basicConfig(level=logging.INFO, handlers=[handler])
for name in ("pika", "urllib3", "werkzeug"):
    logging.getLogger(name).setLevel(logging.WARNING)
log = logging.getLogger("shop")

DSN = os.environ.get(
    "SHOP_DSN", "postgresql+psycopg://shop:secret@db.shop.internal:5432/shop?connect_timeout=3"
)
engine = create_engine(DSN, pool_size=int(os.environ.get("SHOP_POOL", "4")), max_overflow=1, pool_timeout=2)
cache = redis.Redis(
    host="cache.shop.internal",
    port=6379,
    password=os.environ.get("SHOP_REDIS_PASSWORD"),
    socket_timeout=2,
    socket_connect_timeout=2,
)
PAYMENT = os.environ.get("SHOP_PAYMENT", "http://payment.shop.internal:3000")
USES = os.environ.get("SHOP_USES", "pg redis memcached rabbit payment").split()
app = Flask("shop")
leak: list[bytes] = []


@app.get("/health")
def health():
    return "ok\n"


@app.get("/product/<int:number>")
def product(number: int):
    key = f"product:{number}"
    if "redis" in USES:
        try:
            found = cache.get(key)
            if found:
                return app.response_class(found, mimetype="application/json")
        except redis.RedisError as problem:
            log.warning("cache not available, reading product %d from the database: %s", number, problem)
    row = {"id": number, "name": f"product {number}"}
    if "pg" in USES:
        with engine.connect() as connection:
            found = connection.execute(
                text("select name, stock from products where id = :id"), {"id": number}
            ).first()
        if found is None:
            return jsonify(error="no such product"), 404
        row = {"id": number, "name": found[0], "stock": found[1]}
    body = json.dumps(row)
    if "redis" in USES:
        try:
            cache.set(key, body, ex=20)
        except redis.RedisError as problem:
            log.warning("product %d not cached: %s", number, problem)
    return app.response_class(body, mimetype="application/json")


@app.post("/order")
def order():
    given = request.get_json(silent=True)
    if not given or "product" not in given:
        log.warning("order refused: no product given by %s", request.remote_addr)
        return jsonify(error="give a product"), 400
    number = given["product"]
    if "pg" in USES:
        with engine.begin() as connection:
            connection.execute(text("update products set stock = stock - 1 where id = :id"), {"id": number})
            order_id = connection.execute(
                text("insert into orders (product, body) values (:id, :body) returning id"),
                {"id": number, "body": "x" * 200},
            ).scalar()
    else:
        order_id = int(time.time() * 1000) % 1_000_000
    if "redis" in USES:
        cache.incr("orders")
    if "payment" in USES:
        answer = requests.post(
            f"{PAYMENT}/charge", json={"order": order_id, "cents": 100 + number}, timeout=2
        )
        answer.raise_for_status()
    if "rabbit" in USES:
        publish({"order": order_id})
    log.info("order %d: product %d sold", order_id, number)
    return jsonify(order=order_id), 201


def publish(message: dict) -> None:
    credentials = pika.PlainCredentials("shop", os.environ.get("SHOP_RABBIT_PASSWORD", "secret"))
    connection = pika.BlockingConnection(
        pika.ConnectionParameters(
            "queue.shop.internal",
            5672,
            "/",
            credentials,
            connection_attempts=1,
            socket_timeout=2,
            blocked_connection_timeout=3,
        )
    )
    channel = connection.channel()
    channel.queue_declare("mails", durable=True)
    channel.basic_publish("", "mails", json.dumps(message).encode(), pika.BasicProperties(delivery_mode=2))
    connection.close()


@app.post("/login")
def login():
    given = request.get_json(silent=True) or {}
    if given.get("password") != "right":
        log.warning("login of %s failed: wrong password", given.get("user"))
        return jsonify(error="wrong user or password"), 401
    if "memcached" in USES:
        try:
            sessions = Client(("sessions.shop.internal", 11211), connect_timeout=1, timeout=1)
            sessions.set(f"session-{given.get('user')}", str(time.time()), expire=600)
            sessions.close()
        except Exception:
            log.exception("session of %s could not be stored", given.get("user"))
            return jsonify(error="try again later"), 503
    log.info("login of %s", given.get("user"))
    return jsonify(ok=True)


@app.get("/report")
def report():
    began = time.monotonic()
    with engine.connect() as connection:
        total = connection.execute(
            text("select count(*), pg_sleep(:wait) from orders"),
            {"wait": float(request.args.get("wait", "0.3"))},
        ).first()[0]
    took = time.monotonic() - began
    if took > 0.25:
        log.warning("slow report: %.2f s for %d orders", took, total)
    return jsonify(orders=total)


@app.get("/broken")
def broken():
    return jsonify({}["missing"])


@app.get("/leak")
def leaking():
    leak.append(os.urandom(1 << 20) * int(request.args.get("mb", "1")))
    return "ok\n"


@app.get("/burn")
def burn():
    end = time.monotonic() + float(request.args.get("seconds", "2"))
    while time.monotonic() < end:
        sum(range(2000))
    return "ok\n"
