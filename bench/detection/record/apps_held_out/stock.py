"""The stock service: FastAPI under uvicorn, asyncpg through pgbouncer; loguru-like lines of its own."""

import asyncio
import logging
import os
import sys

import asyncpg
from fastapi import FastAPI, HTTPException

logging.basicConfig(
    level=logging.INFO,
    stream=sys.stdout,
    format="%(asctime)s | %(levelname)s | %(name)s:%(funcName)s:%(lineno)d - %(message)s",
)
log = logging.getLogger("stock.api")
app = FastAPI()
state = {}
URL = os.environ.get("STOCK_DB", "postgresql://shop:secret@127.0.0.61:6432/shop")


async def pool():
    if "pool" not in state:
        state["pool"] = await asyncpg.create_pool(
            URL, min_size=1, max_size=4, command_timeout=3, timeout=3, statement_cache_size=0
        )
    return state["pool"]


@app.get("/health")
async def health():
    return "ok"


@app.get("/stock/{number}")
async def stock(number: int):
    if os.environ.get("STOCK_ALONE"):
        return {"id": number, "stock": 7}
    try:
        row = await (await pool()).fetchrow("select stock from products where id = $1", number)
    except (TimeoutError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as problem:
        log.exception("stock of product %d not readable: %r", number, problem)
        raise HTTPException(503, "stock not readable") from problem
    if row is None:
        raise HTTPException(404, "no such product")
    if number % 50 == 0:
        log.warning("product %d has no warehouse, counting the shop's own shelf", number)
    log.info("stock of product %d is %d", number, row[0])
    return {"id": number, "stock": row[0]}


@app.get("/slow")
async def slow():
    await asyncio.sleep(float(os.environ.get("STOCK_SLOW", "2")))
    return "ok"
