"""What detection costs beside ingest, and what a storm does to it (goal P9). One `sra serve` on PostgreSQL.

    python bench/detection/load.py [--rows 10000] [--seconds 15] [--storm 60] [--json]

First records are sent at a steady rate, one in a hundred of them a warning; the server process's CPU time
is taken until detection has read the last one. Then 10,000 error messages of which no two are alike come
within a minute, from a service that was known and quiet. The database and the sender are other processes;
their time does not count. Lag is what waits for detection, in seconds of the present rate, or the time to
catch up at the end, whichever is longer.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import threading
import time
import urllib.request
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from ingest import _post, cpu_seconds, create, served
from load import Load
from postgres import cluster

BATCH = 500
CPU_GOAL, LAG_GOAL = 40.0, 5.0
STORM, STORM_BATCHES = 10_000, 100
#: Errors as services write them; the words in between make each of them its own.
_WORDS = ("ledger", "tariff", "beacon", "quorum", "anchor", "violet", "marble", "copper", "lagoon", "summit",
          "harbor", "meadow", "cobalt", "saffron", "timber", "canyon", "ember", "willow", "garnet", "prairie",
          "zephyr", "island")


def asked(url: str, key: str, path: str) -> Any:
    """Return the server's answer."""
    request = urllib.request.Request(url + path, headers={"X-API-Key": key})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def memory(pid: int) -> float:
    """Return the process's resident memory in MB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return round(next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024, 1)


class Watch:
    """Looks at what waits for detection while a load runs."""

    def __init__(self, url: str, key: str, batches_a_second: float) -> None:
        self.url, self.key, self.pace = url, key, batches_a_second
        self.worst = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._over.wait(0.5):
            self.worst = max(self.worst, asked(self.url, self.key, "/status")["detection_lag_batches"])

    def caught_up(self) -> float:
        """Wait until nothing waits; return the seconds."""
        begun = time.perf_counter()
        while asked(self.url, self.key, "/status")["detection_lag_batches"]:
            time.sleep(0.05)
        return time.perf_counter() - begun

    def lag(self, end: float) -> float:
        return round(max(end, self.worst / self.pace), 2)


def steady(url: str, key: str, pid: int, rows: int, seconds: float) -> dict[str, Any]:
    """Send at a steady rate; return what a record costs and how far behind detection was."""
    load = Load(url, key, BATCH)
    load.run(2.0, rate=rows)
    before = memory(pid)
    spent = cpu_seconds(pid)
    with Watch(url, key, rows / BATCH) as watch:
        result = load.run(seconds, rate=rows)
        end = watch.caught_up()
    spent = cpu_seconds(pid) - spent
    cost = spent / max(1, result.rows) * 1e6
    lag = watch.lag(end)
    return {"rows": result.rows, "rows_s": round(result.rate), "refused": result.refused,
            "cpu_s_a_million": round(cost, 1), "cpu_goal": CPU_GOAL, "cpu_reached": cost <= CPU_GOAL,
            "lag_s": lag, "lag_goal": LAG_GOAL, "lag_reached": lag <= LAG_GOAL,
            "rss_mb": [before, memory(pid)]}


def distinct(number: int) -> str:
    """Return an error message that no other number has, in words and not in digits alone."""
    words = []
    for _ in range(4):
        number, word = divmod(number, len(_WORDS))
        words.append(_WORDS[word])
    return f"{words[0]} of {words[1]} refused its {words[2]} because the {words[3]} was lost"


def storm(url: str, key: str, pid: int, seconds: float, database: str) -> dict[str, Any]:
    """Send the distinct errors; return the incidents and the memory that they made."""
    known = {one["id"] for one in asked(url, key, "/incidents?limit=500")}
    past = [{"level": "info", "service": "billing", "host": "web-1", "message": "served",
             "timestamp": datetime.fromtimestamp(time.time() - 60 * minute, UTC).isoformat()}
            for minute in range(8, 0, -1)]
    _post(f"{url}/ingest/logs", {"logs": past}, **{"X-API-Key": key})
    before, spent = memory(pid), cpu_seconds(pid)
    size = STORM // STORM_BATCHES
    most = before
    start = time.perf_counter()
    with Watch(url, key, STORM_BATCHES / seconds) as watch:
        for part in range(STORM_BATCHES):
            time.sleep(max(0.0, start + part * seconds / STORM_BATCHES - time.perf_counter()))
            lines = [{"level": "error", "service": "billing", "host": "web-1",
                      "message": distinct(part * size + n)} for n in range(size)]
            alive = [{"level": "info", "service": name, "host": "web-1", "message": "served"}
                     for name in ("billing", "shop")]
            _post(f"{url}/ingest/logs", {"logs": lines + alive}, **{"X-API-Key": key})
            most = max(most, memory(pid))
        end = watch.caught_up()
    found = [one for one in asked(url, key, "/incidents?limit=500") if one["id"] not in known]
    state = asyncio.run(_state_bytes(database))
    return {"messages": STORM, "seconds": round(time.perf_counter() - start, 1), "incidents": len(found),
            "titles": [one["title"] for one in found[:5]], "reached": len(found) == 1,
            "rss_mb": [before, most, memory(pid)], "state_kb": round(state / 1024, 1),
            "cpu_s": round(cpu_seconds(pid) - spent, 2), "lag_s": watch.lag(end)}


async def _state_bytes(database: str) -> int:
    conn = await asyncpg.connect(database)
    size = await conn.fetchval("SELECT max(length(state)) FROM heads")
    await conn.close()
    return int(size or 0)


def main() -> int:
    """Measure and print; the exit code is 0 whatever was reached."""
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=10_000, help="records a second")
    parser.add_argument("--seconds", type=float, default=15.0)
    parser.add_argument("--storm", type=float, default=60.0, help="seconds in which the storm comes")
    parser.add_argument("--folder", help="where the databases are made; else the place for temporary files")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sra-bench-", dir=given.folder)))
        server = stack.enter_context(cluster(given.folder))
        asyncio.run(create(server))
        url, key, pid = stack.enter_context(served(folder, f"{server}/sra"))
        result = {"steady": steady(url, key, pid, given.rows, given.seconds),
                  "storm": storm(url, key, pid, given.storm, f"{server}/sra")}
    if given.json:
        print(json.dumps(result))
        return 0
    one, two = result["steady"], result["storm"]
    print(f"steady: {one['rows']:,} records at {one['rows_s']:,}/s: {one['cpu_s_a_million']} CPU s a million "
          f"(goal {CPU_GOAL:.0f}), lag {one['lag_s']} s (goal {LAG_GOAL:.0f}), memory MB {one['rss_mb']}")
    print(f"storm: {two['messages']:,} distinct errors in {two['seconds']} s: {two['incidents']} incident(s) "
          f"(goal 1), lag {two['lag_s']} s, CPU {two['cpu_s']} s, state {two['state_kb']} KB, "
          f"memory MB {two['rss_mb']}")
    for title in two["titles"]:
        print("   ", title)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
