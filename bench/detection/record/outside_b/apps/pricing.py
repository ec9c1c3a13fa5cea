"""Prices: FastAPI, SQLAlchemy and a JWT of the site's."""

import asyncio
import logging
import os
import sys
import time

import jwt
from fastapi import FastAPI, Header, HTTPException
from pythonjsonlogger.json import JsonFormatter
from sqlalchemy import create_engine, text

handler = logging.StreamHandler(sys.stdout)
handler.setFormatter(JsonFormatter("%(asctime)s %(levelname)s %(name)s %(message)s", rename_fields={"asctime": "timestamp", "levelname": "level"}))
logging.basicConfig(handlers=[handler], level="INFO", force=True)
for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
    logging.getLogger(name).handlers = []
    logging.getLogger(name).propagate = True
log = logging.getLogger("pricing")
KEY = os.environ.get("JWT_KEY", "a-key-between-site-and-pricing-32b")
LEAK = os.environ.get("PRICING_RELEASE", "") == "leak"
ORPHANS = os.environ.get("PRICING_RELEASE", "") == "orphans"
engine = create_engine("postgresql+psycopg://office:secret@db.tickets.internal/office", pool_size=3, max_overflow=1, pool_timeout=3, pool_pre_ping=True)
app = FastAPI()
kept = []


async def audit(n):
    await asyncio.sleep(0.01)
    return {"prices": {}}[str(n)]


@app.get("/health")
def health():
    with engine.connect() as connection:
        connection.execute(text("select 1"))
    return {"status": "ok"}


@app.get("/prices/{n}")
async def price(n: int, authorization: str = Header("")):
    try:
        jwt.decode(authorization.removeprefix("Bearer "), KEY, ["HS256"])
    except jwt.PyJWTError as error:
        log.warning("token refused: %s: %s", type(error).__name__, error)
        raise HTTPException(401, str(error)) from error
    if os.environ.get("PRICING_RELEASE", "") == "blocking" and n % 3 == 0:
        time.sleep(25)
    if ORPHANS:
        asyncio.create_task(audit(n))  # noqa: RUF006 - that is what fails
    return await asyncio.to_thread(look, n)


def look(n):
    connection = engine.connect()
    found = connection.execute(text("select prices.price from prices where id = :n"), {"n": n % 120 + 1}).scalar()
    if LEAK and n % 3 == 0:
        kept.append(connection)
    else:
        connection.close()
    return {"event": n, "price": float(found)}
