"""Measure what growth costs: a stored record, a page of incidents or logs, at 10^5 and 10^6 rows (P12).

    python bench/growth.py [--long] [--database sqlite|postgresql|both] [--json]

`--long` goes on to 10^7 rows. Rows are stored through the store's own ingest, 5,000 a batch, at the times of
thirty days; the cost at a size is the median over the batches that lead up to it. Goal: at most 1.2 of 10^5.
"""
from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import asyncpg
from load import records as made
from postgres import cluster
from sqlalchemy import insert

from sra_server.store import Store, accounts, batches, incidents, records
from sra_server.store.batches import NewRecord
from sra_server.store.parcel import DAY
from sra_server.store.schema import incidents as incidents_table

BATCH = 5_000
#: How many batches before each size count for its cost, and how often a page is asked for.
MEASURED, PAGES = 15, 30
START = 20_700 * DAY
GOAL = 1.2
#: Incidents opened with each batch.
INCIDENTS = 2


async def measure(url: str, sizes: list[int]) -> dict[str, Any]:
    """Fill a database and measure it at each size."""
    store = await Store.open(url)
    async with store.writing() as conn:
        await accounts.ensure_account(conn, "a", name="a", at=1)
    lines = [NewRecord(at=START, level=20, message=str(one["message"]), service=str(one["service"]),
                       host=str(one["host"]), metadata=json.dumps(one["metadata"])) for one in made(BATCH)]
    found: dict[str, Any] = {}
    rows = 0
    for size in sizes:
        costs = []
        while rows < size:
            at = START + rows * 30 * DAY // sizes[-1]
            begun = time.perf_counter()
            await batches.append(store, "a", records=lines, received_at=at)
            costs.append((time.perf_counter() - begun) / BATCH * 1e6)
            rows += BATCH
            await _open(store, rows, at)
        found[str(size)] = {
            "store_us_a_record": round(statistics.median(costs[-MEASURED:]), 2),
            "incident_page_ms": await _page(store, lambda conn: incidents.page(
                conn, "a", incidents.Filter(), limit=20)),
            "log_page_ms": await _page(store, lambda conn: records.search(
                conn, "a", records.Filter(), limit=100, now=START + 30 * DAY))}
    await store.close()
    first, last = found[str(sizes[0])], found[str(sizes[-1])]
    ratios = {name: round(last[name] / first[name], 2) for name in first}
    return {"sizes": found, "ratios": ratios, "goal": GOAL,
            "reached": all(r <= GOAL for r in ratios.values())}


async def _open(store: Store, number: int, at: int) -> None:
    async with store.writing() as conn:
        await conn.execute(insert(incidents_table), [{
            "account_id": "a", "id": f"i{number:09}-{i}", "title": "disk full", "cls": "disk_full",
            "severity": "high", "status": "closed", "service": "s", "host": "h", "services": [], "hosts": [],
            "fingerprints": [], "firing": [], "started_at": at, "created_at": at, "updated_at": at,
            "last_signal_at": at, "signals": 1} for i in range(INCIDENTS)])


async def _page(store: Store, ask: Any) -> float:
    taken = []
    for _ in range(PAGES):
        begun = time.perf_counter()
        async with store.reading() as conn:
            await ask(conn)
        taken.append(time.perf_counter() - begun)
    return round(1000 * statistics.median(taken), 2)


async def _create(server: str) -> None:
    conn = await asyncpg.connect(f"{server}/postgres")
    await conn.execute("CREATE DATABASE sra")
    await conn.close()


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--database", choices=("sqlite", "postgresql", "both"), default="both")
    parser.add_argument("--long", action="store_true")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    sizes = [100_000, 1_000_000, *([10_000_000] if given.long else [])]
    result = {}
    with ExitStack() as stack:
        if given.database != "postgresql":
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sra-bench-")))
            result["sqlite"] = asyncio.run(measure(f"sqlite:///{folder}/sra.db", sizes))
        if given.database != "sqlite":
            server = stack.enter_context(cluster())
            asyncio.run(_create(server))
            result["postgresql"] = asyncio.run(measure(f"{server}/sra", sizes))
    if given.json:
        print(json.dumps(result))
        return 0
    for name, figures in result.items():
        print(name, "ratios of the largest to the smallest:", figures["ratios"], f"goal {GOAL}")
        for size, one in figures["sizes"].items():
            print(f"  {int(size):>10,} rows:", one)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
