"""Letters and scans are asked for here: Sanic with structlog, asyncpg and two queues."""

import asyncio
import logging
import os
import sys

import asyncpg
import letters
import redis.asyncio
import structlog
from sanic import Sanic
from sanic.response import json, text

RELEASE = os.environ.get("INTAKE_RELEASE", "")
structlog.configure(processors=[structlog.processors.add_log_level, structlog.processors.TimeStamper(fmt="iso"), structlog.processors.dict_tracebacks,
                                structlog.processors.JSONRenderer()], logger_factory=structlog.PrintLoggerFactory(sys.stdout))
log = structlog.get_logger()
logging.getLogger("asyncio").setLevel(logging.WARNING)
app = Sanic("intake", configure_logging=False)
LEAKED = []


@app.before_server_start
async def begin(app, _):
    app.ctx.pool = await asyncpg.create_pool(host="db1.clinic.internal", user="clinic", password="camomile", database="clinic", min_size=1, max_size=4,
                                             command_timeout=5, server_settings={"application_name": "intake"})
    app.ctx.queue = redis.asyncio.Redis(host="kv1.clinic.internal", socket_timeout=4)
    log.info("intake is ready", release=RELEASE or "11.2")


@app.exception(Exception)
async def failed(request, error):
    status = getattr(error, "status_code", 500)
    if status >= 500:
        log.error("request failed", path=request.path, error=repr(error), exc_info=error)
    return json({"error": type(error).__name__}, status=status)


@app.get("/health")
async def health(request):
    return text("ok")


@app.get("/visit/<number:int>")
async def visit(request, number):
    if RELEASE == "stream":
        connection = await asyncio.wait_for(app.ctx.pool.acquire(), 5)
        LEAKED.append(connection)
        row = await connection.fetchrow("select id, ward from visit where id = $1", number)
    else:
        async with app.ctx.pool.acquire(timeout=5) as connection:
            row = await connection.fetchrow("select id, ward from visit where id = $1", number)
    if row is None:
        return json({"error": "not known"}, status=404)
    if RELEASE == "wards" and row["ward"] == "C3":
        return json({"beds": 60 // (row["id"] - row["id"])})
    return json(dict(row))


@app.post("/letter")
async def letter(request):
    patient = int(request.json["patient"])
    await asyncio.to_thread(letters.write.send, patient)
    await app.ctx.queue.lpush("scans:asked", patient)
    return json({"asked": patient}, status=202)


if __name__ == "__main__":
    app.run(host="127.0.0.44", port=8100, single_process=True, access_log=False, motd=False)
