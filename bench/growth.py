"""Measure what growth costs: a stored record, a page of incidents or logs, at 10^5 and 10^6 rows (P12).

    python bench/growth.py [--long] [--database sqlite|postgresql|both] [--json]

A small database of 10^5 rows and one of 10^6 (`--long`: also one of 10^7) are filled through the store's
own ingest, each with the times of thirty days, and then measured by turns, so that all meet the same machine.
Ratios are medians over the rounds; the goal is at most 1.2 of the small one.
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

#: Rows of a batch while filling and while measuring.
FILL, BATCH = 5_000, 1_000
SMALL = 100_000
ROUNDS = 30
START = 20_700 * DAY
END = START + 30 * DAY
GOAL = 1.2
#: Incidents opened with each batch.
INCIDENTS = 2


class Grown:
    """A store with so many rows."""

    def __init__(self, store: Store, size: int) -> None:
        self.store, self.size = store, size
        self._lines = [
            NewRecord(at=START, level=20, message=str(one["message"]), service=str(one["service"]),
                      host=str(one["host"]), metadata=json.dumps(one["metadata"])) for one in made(FILL)]

    @classmethod
    async def open(cls, url: str, size: int) -> Grown:
        """Make the database and fill it."""
        store = await Store.open(url)
        async with store.writing() as conn:
            await accounts.ensure_account(conn, "a", name="a", at=1)
        grown = cls(store, size)
        for rows in range(0, size, FILL):
            at = START + rows * 30 * DAY // size
            await grown.add(FILL, at)
            async with store.writing() as conn:
                await conn.execute(insert(incidents_table), [incident(f"i{rows:09}-{i}", at)
                                                             for i in range(INCIDENTS)])
        return grown

    async def add(self, n: int, at: int) -> None:
        """Store a batch."""
        await batches.append(self.store, "a", records=[one._replace(at=at) for one in self._lines[:n]],
                             received_at=at)

    async def costs(self) -> dict[str, float]:
        """Measure each kind of work once."""
        begun = time.perf_counter()
        await self.add(BATCH, END - DAY)
        stored = time.perf_counter() - begun
        return {
            "store_us_a_record": stored / BATCH * 1e6,
            "incident_page_ms": await self._page(lambda conn: incidents.page(
                conn, "a", incidents.Filter(), limit=20)),
            "log_page_ms": await self._page(lambda conn: records.search(
                conn, "a", records.Filter(), limit=100, now=END))}

    async def _page(self, ask: Any) -> float:
        begun = time.perf_counter()
        async with self.store.reading() as conn:
            await ask(conn)
        return (time.perf_counter() - begun) * 1000


async def measure(urls: dict[int, str]) -> dict[str, Any]:
    """Fill a database of each size and measure them by turns."""
    grown = [await Grown.open(url, size) for size, url in urls.items()]
    rounds: list[list[dict[str, float]]] = []
    for number in range(ROUNDS + 3):
        costs = [await one.costs() for one in grown]
        if number >= 3:  # the first ones prepare statements and caches
            rounds.append(costs)
    for one in grown:
        await one.store.close()
    sizes = {str(one.size): {name: round(statistics.median(costs[place][name] for costs in rounds), 2)
                             for name in rounds[0][0]} for place, one in enumerate(grown)}
    ratios = {name: round(statistics.median(costs[-1][name] / costs[0][name] for costs in rounds), 2)
              for name in rounds[0][0]}
    return {"sizes": sizes, "ratios": ratios, "goal": GOAL,
            "reached": all(ratio <= GOAL for ratio in ratios.values())}


def incident(incident_id: str, at: int) -> dict[str, Any]:
    """Return the row of an incident that is over."""
    return {"account_id": "a", "id": incident_id, "title": "disk full", "cls": "disk_full",
            "severity": "high", "status": "closed", "service": "s", "host": "h", "services": [], "hosts": [],
            "fingerprints": [], "firing": [], "started_at": at, "created_at": at, "updated_at": at,
            "last_signal_at": at, "signals": 1}


async def _create(server: str, name: str) -> str:
    conn = await asyncpg.connect(f"{server}/postgres")
    await conn.execute(f"CREATE DATABASE {name}")
    await conn.close()
    return f"{server}/{name}"


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--database", choices=("sqlite", "postgresql", "both"), default="both")
    parser.add_argument("--long", action="store_true")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    sizes = [SMALL, 1_000_000, *([10_000_000] if given.long else [])]
    result = {}
    with ExitStack() as stack:
        if given.database != "postgresql":
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sra-bench-")))
            result["sqlite"] = asyncio.run(measure(
                {size: f"sqlite:///{folder}/{size}/sra.db" for size in sizes}))
        if given.database != "sqlite":
            server = stack.enter_context(cluster())
            urls = {size: asyncio.run(_create(server, f"sra{size}")) for size in sizes}
            result["postgresql"] = asyncio.run(measure(urls))
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
