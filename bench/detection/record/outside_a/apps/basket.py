"""Baskets in Redis, read from its replica. Log lines are JSON."""
import logging
import sys

import redis
from flask import Flask, jsonify, request
from pythonjsonlogger import jsonlogger

handler = logging.StreamHandler(sys.stderr)
handler.setFormatter(jsonlogger.JsonFormatter("%(asctime)s %(levelname)s %(name)s %(message)s", rename_fields={"asctime": "time", "levelname": "level", "name": "logger"}))
logging.basicConfig(level=logging.INFO, handlers=[handler])
log = logging.getLogger("basket")
app = Flask("basket")
write = redis.Redis(host="cache1.lan", socket_timeout=3, socket_connect_timeout=3, decode_responses=True)
read = redis.Redis(host="cache2.lan", socket_timeout=3, socket_connect_timeout=3, decode_responses=True)


@app.post("/basket")
def add():
    body = request.get_json()
    key = f"basket:{body['customer']}"
    with write.pipeline() as pipe:
        pipe.rpush(key, body["note"])
        pipe.ltrim(key, -20, -1)
        pipe.expire(key, 3600)
        size = pipe.execute()[0]
    if body["customer"] % 25 == 0:
        log.info("item added", extra={"customer": body["customer"], "size": size})
    return jsonify(size=size), 201


@app.get("/basket/<int:n>")
def show(n):
    return jsonify(read.lrange(f"basket:{n}", 0, -1))


@app.get("/visits")
def visits():
    return jsonify(write.incr("visits"))


@app.errorhandler(redis.RedisError)
def failed(error):
    log.error("redis failed: %s", error, exc_info=True, extra={"path": request.path})
    return jsonify(error="internal"), 500
