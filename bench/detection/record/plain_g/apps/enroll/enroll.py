"""Enrolment: Flask under gunicorn, SQLAlchemy to PostgreSQL, memcached, tokens by PyJWT, the standard library's logging."""

import json
import logging
import os
import random
import time

import jwt
from flask import Flask, jsonify, request
from pymemcache.client.base import Client
from sqlalchemy import create_engine, text

logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s [%(name)s] %(message)s")
log = logging.getLogger("enroll")
RELEASE = os.environ.get("ENROLL_RELEASE", "")
engine = create_engine(os.environ.get("DATABASE_URL", "postgresql+psycopg://campus:lecture@pg.campus.internal/campus"), pool_size=4, max_overflow=1, pool_timeout=4, pool_pre_ping=True,
                       connect_args={"connect_timeout": 4, "options": "-c statement_timeout=3000"})
if RELEASE == "sentry":
    import sentry_sdk  # noqa: F401 - not among what is installed, which is the failure
app = Flask("enroll")
held = []


def cached(key, make):
    """Return what memcached has, or what is made anew."""
    cache = Client(("mc.campus.internal", 11211), connect_timeout=1, timeout=1)
    try:
        found = cache.get(key)
        if found:
            return json.loads(found)
        made = make()
        cache.set(key, json.dumps(made), expire=5)
        return made
    except OSError as error:
        log.warning("cache unavailable, reading %s from the database: %s", key, error)
        return make()
    finally:
        cache.close()


def rows(query, **given):
    with engine.connect() as line:
        return [dict(each._mapping) for each in line.execute(text(query), given)]


@app.get("/health")
def health():
    return "ok"


@app.get("/enroll/courses")
def courses():
    found = cached("courses", lambda: rows("select id, title, seats from course order by id limit 40"))
    if RELEASE == "rooms":
        return jsonify([{"title": each["title"], "room": each["room"]} for each in found])
    return jsonify(found)


@app.get("/enroll/course/<int:number>")
def course(number):
    query = "select id, title, seats, waitlist from course where id = :n" if RELEASE == "waitlist" else "select id, title, seats from course where id = :n"
    if RELEASE == "audit":
        line = engine.connect()
        line.execute(text("select 1"))
        held.append(line)
    found = rows(query, n=number)
    if not found:
        return jsonify(error="no such course"), 404
    return jsonify(found[0])


@app.get("/enroll/mine")
def mine():
    try:
        who = jwt.decode(request.headers.get("Authorization", "")[7:], os.environ.get("TOKEN_KEY", "chalk-and-board-chalk-and-board-"), algorithms=["HS256"])
    except jwt.InvalidTokenError as error:
        log.warning("token refused for %s: %s: %s", request.remote_addr, type(error).__name__, error)
        return jsonify(error="invalid token"), 401
    return jsonify(rows("select course, at::text from sign_up where student = :s limit 20", s=int(who["sub"])))


@app.post("/enroll/sign-up")
def sign_up():
    given = request.get_json()
    with engine.begin() as line:
        taken = [given["course"], given["course"] % 200 + 1]
        if RELEASE == "swap":
            taken = random.sample([1, 2, 3], 2)
        for each in taken[: 2 if RELEASE == "swap" else 1]:
            line.execute(text("update course set seats = seats - 1 where id = :c"), {"c": each})
            if RELEASE == "swap":
                time.sleep(0.6)
        line.execute(text("insert into sign_up (student, course) values (:s, :c)"), {"s": given["student"], "c": given["course"]})
    log.info("student %s signed up for course %s", given["student"], given["course"])
    return jsonify(ok=True)
