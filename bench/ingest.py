"""Measure durable ingest over HTTP against the bare database, SQLite and PostgreSQL (goals P1, P2, P3, P5).

    python bench/ingest.py [--database sqlite|postgresql|both] [--rounds 5] [--seconds 3] [--json]

Each round measures the bare peer and then one `sra serve` (detection running, a real API key, sealed
batches, four connections), so that both meet the same machine. The peer writes the same rows with the same
key and durability: `sqlite3` executemany of 500 a transaction, asyncpg COPY of 500 a transaction.
Ratios are medians over the rounds; the CPU time a row holds detection until it has caught up.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import secrets
import signal
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import asyncpg
from load import Load, Result, records
from postgres import cluster

PEER_ROWS = 500
GOALS = {"sqlite": {50: 0.5, 500: 0.5}, "postgresql": {50: 0.5, 500: 0.7}}
P99_MS = 50.0
#: The table as the server makes it, less its partitions; the peer's b-tree is the server's.
COLUMNS = {
    "account_id": "VARCHAR(36)",
    "day": "INTEGER",
    "ticket": "BIGINT",
    "line": "INTEGER",
    "at": "BIGINT",
    "received_at": "BIGINT",
    "level": "SMALLINT",
    "service": "VARCHAR(200)",
    "host": "VARCHAR(200)",
    "source": "VARCHAR(200)",
    "message": "TEXT",
    "trace_id": "VARCHAR(200)",
    "metadata": "TEXT",
}
KEY = "PRIMARY KEY (account_id, day, ticket, line)"
NOT_NULL = {"account_id", "day", "ticket", "line", "at", "received_at", "level", "service", "host", "message"}
TABLE = "CREATE TABLE records ({})".format(
    ", ".join(
        [f"{name} {kind}{' NOT NULL' if name in NOT_NULL else ''}" for name, kind in COLUMNS.items()] + [KEY]
    )
)


def peer_rows() -> list[tuple[Any, ...]]:
    """Return what the server would store of the records that the load sends."""
    return [
        (
            "0d9f4a51-58f5-4b4e-8f5e-6a2f6f1d7a10",
            20700,
            0,
            line,
            1_790_000_000_000_000 + line,
            1_790_000_000_000_000,
            20,
            one["service"],
            one["host"],
            None,
            one["message"],
            one["trace_id"],
            json.dumps(one["metadata"], separators=(",", ":")),
        )
        for line, one in enumerate(records(PEER_ROWS))
    ]


class SQLitePeer:
    """`sqlite3` executemany, one transaction of 500 rows after another, WAL and synchronous=FULL."""

    def __init__(self, folder: Path) -> None:
        self.conn = sqlite3.connect(folder / "peer.db", isolation_level=None)
        for pragma in ("journal_mode=WAL", "synchronous=FULL"):
            self.conn.execute(f"PRAGMA {pragma}")
        self.conn.execute(TABLE + " WITHOUT ROWID")
        self.rows, self.ticket = peer_rows(), 0
        marks = ", ".join("?" * len(COLUMNS))
        self.insert = f"INSERT INTO records VALUES ({marks})"

    def run(self, seconds: float) -> float:
        """Write for some seconds; return rows/s."""
        start, n = time.perf_counter(), 0
        while time.perf_counter() - start < seconds:
            self.ticket += 1
            ticket = self.ticket
            batch = [(*row[:2], ticket, *row[3:]) for row in self.rows]
            self.conn.execute("BEGIN IMMEDIATE")
            self.conn.executemany(self.insert, batch)
            self.conn.execute("COMMIT")
            n += len(batch)
        return n / (time.perf_counter() - start)

    def settle(self) -> None:
        """SQLite leaves nothing to be written later."""

    def close(self) -> None:
        self.conn.close()


class PostgreSQLPeer:
    """asyncpg's COPY, one transaction of 500 rows after another, on one connection."""

    def __init__(self, url: str) -> None:
        self.url, self.rows, self.ticket = url, peer_rows(), 0
        asyncio.run(self._prepare())

    async def _prepare(self) -> None:
        conn = await asyncpg.connect(f"{self.url}/postgres")
        await conn.execute("CREATE DATABASE peer")
        await conn.close()
        conn = await asyncpg.connect(f"{self.url}/peer")
        await conn.execute(TABLE)
        await conn.close()

    def run(self, seconds: float) -> float:
        """Write for some seconds; return rows/s."""
        return asyncio.run(self._run(seconds))

    async def _run(self, seconds: float) -> float:
        conn = await asyncpg.connect(f"{self.url}/peer")
        start, n = time.perf_counter(), 0
        while time.perf_counter() - start < seconds:
            self.ticket += 1
            ticket = self.ticket
            batch = [(*row[:2], ticket, *row[3:]) for row in self.rows]
            await conn.copy_records_to_table("records", records=batch, columns=list(COLUMNS))
            n += len(batch)
        took = time.perf_counter() - start
        await conn.close()
        return n / took

    def settle(self) -> None:
        """Let the database write what it put off, so that nobody pays for who wrote before."""
        asyncio.run(self._settle())

    async def _settle(self) -> None:
        conn = await asyncpg.connect(f"{self.url}/postgres")
        await conn.execute("CHECKPOINT")
        await conn.close()

    def close(self) -> None:
        """Nothing is held."""


@contextmanager
def served(
    folder: Path, database_url: str | None, program: tuple[str, ...] = ("-m", "sra_cli")
) -> Iterator[tuple[str, str, int]]:
    """Run one `sra serve`; give its URL, an API key and its process id."""
    argv = [sys.executable, *program, "serve", "--port", "0", "--data-dir", str(folder / "data")]
    with (folder / "server.log").open("w") as log:
        process = subprocess.Popen(
            [*argv, *(("--database-url", database_url) if database_url else ())],
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line.startswith("SRA listens on "):
            raise SystemExit((folder / "server.log").read_text())
        url = line.split()[-1]
        token = _post(
            f"{url}/auth/register", {"email": "bench@example.com", "password": secrets.token_hex(8)}
        )
        key = _post(f"{url}/api-keys", {"name": "bench"}, Authorization=f"Bearer {token['access_token']}")
        yield url, key["key"], process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=30)


def _post(url: str, body: dict[str, Any], **headers: str) -> dict[str, Any]:
    asked = urllib.request.Request(
        url, json.dumps(body).encode(), {"Content-Type": "application/json", **headers}
    )
    with urllib.request.urlopen(asked, timeout=30) as answer:
        return dict(json.load(answer))


def caught_up(url: str, key: str, *, seconds: float = 30.0) -> None:
    """Wait until detection has read all that was stored; stop where it does not, as its cost is missing."""
    end = time.monotonic() + seconds
    asked = urllib.request.Request(f"{url}/status", headers={"X-API-Key": key})
    while time.monotonic() < end:
        with urllib.request.urlopen(asked, timeout=30) as answer:
            if not json.load(answer)["detection_lag_batches"]:
                return
        time.sleep(0.1)
    raise SystemExit(f"detection has not caught up in {seconds:.0f} s")


def cpu_seconds(pid: int) -> float:
    """Return the CPU time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(
    database: str, *, rounds: int, seconds: float, sizes: list[int], parent: str | None
) -> dict[str, Any]:
    """Measure one database, peer and server by turns."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sra-bench-", dir=parent)))
        peer: SQLitePeer | PostgreSQLPeer
        if database == "sqlite":
            peer, url = SQLitePeer(folder), None
        else:
            server = stack.enter_context(cluster(parent))
            peer, url = PostgreSQLPeer(server), f"{server}/sra"
            asyncio.run(create(server))
        stack.enter_context(closing(peer))
        address, key, pid = stack.enter_context(served(folder, url))
        loads = {size: Load(address, key, size) for size in sizes}
        for load in loads.values():
            load.run(0.5)
        found: dict[int, list[tuple[float, float, Result, Result, float]]] = {size: [] for size in sizes}
        for _ in range(rounds):
            for size, load in loads.items():
                peer.settle()
                bare = peer.run(seconds)
                peer.settle()
                before = cpu_seconds(pid)
                full = load.run(seconds)
                caught_up(address, key)
                spent = (cpu_seconds(pid) - before) / max(1, full.rows)
                peer.settle()
                half = load.run(seconds, rate=full.rate / 2)
                caught_up(address, key)
                found[size].append((bare, full.rate, full, half, spent * 1e6))
        rss = (
            next(
                int(line.split()[1])
                for line in Path(f"/proc/{pid}/status").read_text().splitlines()
                if line.startswith("VmRSS")
            )
            // 1024
        )
    return {"rss_mb": rss, **{str(size): _figures(database, size, runs) for size, runs in found.items()}}


async def create(server: str) -> None:
    conn = await asyncpg.connect(f"{server}/postgres")
    await conn.execute("CREATE DATABASE sra")
    await conn.close()


def _figures(
    database: str, size: int, runs: list[tuple[float, float, Result, Result, float]]
) -> dict[str, Any]:
    ratio = statistics.median(ours / bare for bare, ours, *_ in runs)
    p99 = statistics.median(half.quantile(0.99) for *_, half, _ in runs)
    return {
        "bare_rows_s": round(statistics.median(bare for bare, *_ in runs)),
        "rows_s": round(statistics.median(ours for _, ours, *_ in runs)),
        "ratio": round(ratio, 3),
        "goal": GOALS[database].get(size, 0.0),
        "reached": ratio >= GOALS[database].get(size, 0.0),
        "ratios": [round(ours / bare, 3) for bare, ours, *_ in runs],
        "p99_full_ms": round(statistics.median(full.quantile(0.99) for _, _, full, *_ in runs), 1),
        "p50_half_ms": round(statistics.median(half.quantile(0.5) for *_, half, _ in runs), 1),
        "p99_half_ms": round(p99, 1),
        "p99_goal_ms": P99_MS,
        "p99_reached": p99 <= P99_MS,
        "server_cpu_us_a_row": round(statistics.median(spent for *_, spent in runs), 1),
        "refused": sum(full.refused + half.refused for _, _, full, half, _ in runs),
    }


def main() -> int:
    """Measure, print; the exit code is 0 whatever was reached."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--database", choices=("sqlite", "postgresql", "both"), default="both")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--sizes", type=int, nargs="+", default=[50, 500])
    parser.add_argument("--folder", help="where the databases are made; else the place for temporary files")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    databases = ("sqlite", "postgresql") if given.database == "both" else (given.database,)
    result = {
        name: measure(
            name, rounds=given.rounds, seconds=given.seconds, sizes=given.sizes, parent=given.folder
        )
        for name in databases
    }
    if given.json:
        print(json.dumps(result))
        return 0
    for name, sizes in result.items():
        print(f"{name} (server's memory {sizes.pop('rss_mb')} MB)")
        for size, figures in sizes.items():
            print(
                f"  batches of {size:>4}: {figures['rows_s']:>8,} rows/s, bare {figures['bare_rows_s']:>8,}: "
                f"{figures['ratio']:.2f} (goal {figures['goal']}), "
                f"CPU {figures['server_cpu_us_a_row']} µs a row, "
                f"p99 at half load {figures['p99_half_ms']} ms (goal {P99_MS:.0f})"
            )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
