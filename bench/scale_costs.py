"""Measure what a record costs: CPU of api, worker and PostgreSQL, bytes on disk, connections. For scale.py.

Two real server processes on a PostgreSQL of its own that syncs its commits, fed with sealed batches of two
sizes in turn. Small batches are mostly requests and large ones mostly records, so the two give the cost of
each. Needs PostgreSQL's programs on this machine.
"""
from __future__ import annotations

import asyncio
import hashlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import asyncpg
import httpx

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from tests.cluster import cluster

SMALL, LARGE = 10, 500
TICK = os.sysconf("SC_CLK_TCK")
TEXT = ("GET /api/v1/orders/{n}?expand=items,customer 200 in {n} ms; cache miss, upstream shard-{n} answered "
        "after one retry; request id 6f1e{n:012d}, session 8a{n:010d}, 1834 bytes sent to the client")


def seconds(pid: int) -> float:
    """Return the CPU seconds of a process and of its children that have ended."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(int(value) for value in fields[11:15]) / TICK


def resident(pid: int) -> float:
    """Return a process's memory in MB."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def tree(parent: int) -> float:
    """Return the CPU seconds of PostgreSQL: the first process and its children."""
    total = seconds(parent)
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if int((entry / "stat").read_text().rpartition(")")[2].split()[1]) == parent:
                    total += seconds(int(entry.name))
            except (FileNotFoundError, ProcessLookupError):
                continue
    return total


def body(size: int, number: int) -> bytes:
    """Return a batch as an agent sends it; one line in fifty is a warning."""
    logs = [{"level": "info" if (number * size + line) % 50 else "warning", "service": f"shop-{line % 5}",
             "message": TEXT.format(n=(number * size + line) % 100_000)} for line in range(size)]
    return json.dumps({"host": f"web-{number % 50}", "logs": logs}).encode()


def serve(role: str, url: str, folder: str) -> tuple[subprocess.Popen[str], str]:
    """Start a server; return it and what it said."""
    process = subprocess.Popen(
        [sys.executable, "-m", "sra_cli", "serve", "--role", role, "--port", "0", "--database-url", url],
        stdout=subprocess.PIPE, text=True, cwd=folder, env={**os.environ})
    assert process.stdout is not None
    return process, process.stdout.readline().split()[-1]


async def feed(http: httpx.AsyncClient, size: int, first: int, count: int, name: str) -> None:
    """Send batches from four producers."""
    bodies = [body(size, number) for number in range(count)]

    async def one(producer: int) -> None:
        for number, content in enumerate(bodies[producer::4], first + 1):
            answer = await http.post("/ingest/logs", content=content, headers={
                "X-SRA-Producer": f"{name}-{producer}", "X-SRA-Sequence": str(number),
                "X-SRA-Digest": hashlib.sha256(content).hexdigest(), "Content-Type": "application/json"})
            assert answer.status_code == 200, answer.text
    await asyncio.gather(*(one(producer) for producer in range(4)))


async def settled(conn: asyncpg.Connection) -> None:
    """Wait until detection has read all."""
    while await conn.fetchval("SELECT count(*) FROM heads WHERE head > cursor"):
        await asyncio.sleep(0.05)


async def measured(url: str, api: subprocess.Popen[str], base: str, worker: subprocess.Popen[str],
                   rounds: int) -> dict[str, Any]:
    """Feed both sizes in turn and return the medians of the costs."""
    conn = await asyncpg.connect(url)
    postmaster = int(await conn.fetchval(
        "SELECT split_part(pg_read_file('postmaster.pid'), E'\\n', 1)"))
    costs: dict[str, list[float]] = {}
    async with httpx.AsyncClient(base_url=base, timeout=30) as http:
        made = (await http.post("/auth/register", json={"email": "a@b.c", "password": "long enough"})).json()
        key = (await http.post("/api-keys", json={"name": "k"}, headers={
            "Authorization": f"Bearer {made['access_token']}"})).json()["key"]
        http.headers["X-API-Key"] = key
        await feed(http, LARGE, 0, 8, "warm")
        connections = 0
        for number in range(rounds):
            for size, count in ((SMALL, 400), (LARGE, 40)):
                await settled(conn)
                before = (seconds(api.pid), seconds(worker.pid), tree(postmaster),
                          int(await conn.fetchval("SELECT pg_current_wal_lsn() - '0/0'")))
                began = time.monotonic()
                await feed(http, size, 0, count, f"r{number}-{size}")
                took = time.monotonic() - began
                connections = max(connections, await conn.fetchval(
                    "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'sra%'"))
                await settled(conn)
                after = (seconds(api.pid), seconds(worker.pid), tree(postmaster),
                         int(await conn.fetchval("SELECT pg_current_wal_lsn() - '0/0'")))
                for what, old, new in zip(("api", "worker", "database", "wal"), before, after, strict=True):
                    costs.setdefault(f"{what}_{size}", []).append((new - old) / count)
                costs.setdefault(f"rate_{size}", []).append(size * count / took)
    rows = await conn.fetchval("SELECT count(*) FROM records")
    await conn.execute("VACUUM ANALYZE")
    bytes_ = await conn.fetchval("SELECT sum(pg_total_relation_size(c.oid)) FROM pg_class c "
                                 "WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace")
    await conn.close()
    middle = {name: statistics.median(values) for name, values in costs.items()}
    found: dict[str, Any] = {"records": rows, "rounds": rounds, "connections_of_two_servers": connections,
                             "bytes_per_record": round(float(bytes_) / rows),
                             "api_mb": round(resident(api.pid)), "worker_mb": round(resident(worker.pid)),
                             "records_per_second": {size: round(middle[f"rate_{size}"])
                                                    for size in (SMALL, LARGE)}}
    for what in ("api", "worker", "database", "wal"):
        small, large = middle[f"{what}_{SMALL}"], middle[f"{what}_{LARGE}"]
        each = max(0.0, (large - small) / (LARGE - SMALL))
        unit = "bytes" if what == "wal" else "seconds"
        found[what] = {f"{unit}_per_million_records": round(each * 1e6, 2),
                       f"{unit}_per_million_batches": round(max(0.0, small - each * SMALL) * 1e6, 1)}
    return found


def costs(rounds: int) -> dict[str, Any]:
    """Start everything, measure, and stop it."""
    with cluster("shared_buffers=256MB", "max_wal_size=2GB", "autovacuum=off") as server, \
            tempfile.TemporaryDirectory() as folder:
        api, base = serve("api", f"{server}/postgres", folder)
        worker, _ = serve("worker", f"{server}/postgres", folder)
        try:
            return asyncio.run(measured(f"{server}/postgres", api, base, worker, rounds))
        finally:
            for process in (api, worker):
                process.terminate()
                process.wait()
