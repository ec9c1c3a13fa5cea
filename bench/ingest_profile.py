"""Show where the server's CPU time goes during ingest, and what holds its requests up (goals P1, P2, P3, P5).

    python bench/ingest_profile.py [--database sqlite|postgresql|both] [--sizes 50 500] [--seconds 5] [--json]

One `sra serve` as in `bench/ingest.py`, under a sampler: first as fast as it goes, then at half of that.
Shares are of the server's CPU time alone; the sampler takes part of it, so rates are below `ingest.py`'s.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from ingest import cpu_seconds, create, served
from load import Load
from postgres import cluster


def measure(database: str, sizes: list[int], seconds: float) -> dict[str, Any]:
    """Profile one database; shares by part and by function for each size of batch."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sra-bench-")))
        url = None
        if database == "postgresql":
            server = stack.enter_context(cluster())
            asyncio.run(create(server))
            url = f"{server}/sra"
        out = folder / "profile.json"
        address, key, pid = stack.enter_context(
            served(folder, url, program=(str(Path(__file__).with_name("sampled.py").resolve()), str(out)))
        )
        return {str(size): _one(Load(address, key, size), pid, out, seconds) for size in sizes}


def _one(load: Load, pid: int, out: Path, seconds: float) -> dict[str, Any]:
    load.run(1.0)
    before = cpu_seconds(pid)
    full, profile = _sampled(load, pid, out, seconds, None)
    spent = cpu_seconds(pid) - before
    half, calm = _sampled(load, pid, out, seconds, full.rate / 2)
    parts, functions = Counter[str](), Counter[str]()
    for part, function, used in profile["rows"]:
        parts[part] += used
        functions[function] += used
    whole = sum(parts.values()) or 1.0
    return {
        "rows_s": round(full.rate),
        "cpu_us_a_row": round(spent * 1e6 / max(1, full.rows), 1),
        "parts": {name: round(used / whole, 3) for name, used in parts.most_common()},
        "functions": {name: round(used / whole, 3) for name, used in functions.most_common(40)},
        "p99_half_ms": round(half.quantile(0.99), 1),
        "loop_held_ms": [round(one, 1) for one in reversed(calm["held_ms"])],
    }


def _sampled(load: Load, pid: int, out: Path, seconds: float, rate: float | None) -> tuple[Any, Any]:
    out.unlink(missing_ok=True)
    os.kill(pid, signal.SIGUSR1)
    result = load.run(seconds, rate=rate)
    os.kill(pid, signal.SIGUSR2)
    while not out.exists():
        time.sleep(0.05)
    return result, json.loads(out.read_text())


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--database", choices=("sqlite", "postgresql", "both"), default="both")
    parser.add_argument("--sizes", type=int, nargs="+", default=[50, 500])
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--top", type=int, default=12, help="functions to print")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    databases = ("sqlite", "postgresql") if given.database == "both" else (given.database,)
    result = {name: measure(name, given.sizes, given.seconds) for name in databases}
    if given.json:
        print(json.dumps(result))
        return 0
    for name, sizes in result.items():
        for size, found in sizes.items():
            cost = found["cpu_us_a_row"]
            print(f"{name}, batches of {size}: {found['rows_s']:,} rows/s, {cost} µs of CPU a row")
            for part, share in found["parts"].items():
                print(f"  {share:6.1%}  {share * found['cpu_us_a_row']:5.1f} µs  {part}")
            print("  of it, by function:")
            for function, share in list(found["functions"].items())[: given.top]:
                print(f"  {share:6.1%}  {function}")
            print(
                f"  at half of that: p99 {found['p99_half_ms']} ms; "
                f"the loop was held longest for {', '.join(map(str, found['loop_held_ms'][:5]))} ms"
            )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
