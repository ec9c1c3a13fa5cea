"""Measure how many lines a CPU second reads: join, read and rate, redact, on files that you name.

`python bench/lines.py FILE... [--json]`; the best of several rounds each, on one core.
"""
from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path

from sra_sdk.lines.infer import level_of
from sra_sdk.lines.multiline import Joiner
from sra_sdk.lines.parse import LineReader
from sra_sdk.lines.redact import redact


def read_and_rate(lines: list[str]) -> None:
    """What `sra analyze` does to each line."""
    reader = LineReader()
    for line in lines:
        parsed = reader.read(line)
        level_of(parsed.message, parsed.level, parsed.format, parsed.metadata)


def join(lines: list[str]) -> None:
    """What comes before it."""
    joiner = Joiner()
    for line in lines:
        joiner.feed(line)
    joiner.flush()


def clean(lines: list[str]) -> None:
    """What the agent does besides."""
    for line in lines:
        redact(line)


def rate(work: Callable[[list[str]], None], lines: list[str], rounds: int) -> int:
    """Return lines per CPU second, the best round."""
    best = float("inf")
    for _ in range(rounds):
        started = time.process_time()
        work(lines)
        best = min(best, time.process_time() - started)
    return int(len(lines) / best)


def main() -> int:
    """Measure each file and print a line (or one JSON object) of figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--repeat", type=int, default=10)
    given = parser.parse_args()
    result = {}
    for path in given.files:
        lines = path.read_text("utf-8", "replace").splitlines() * given.repeat
        result[path.name] = {"lines": len(lines),
                             "read_and_rate": rate(read_and_rate, lines, given.rounds),
                             "join": rate(join, lines, given.rounds),
                             "redact": rate(clean, lines, given.rounds)}
    if given.json:
        print(json.dumps({"lines_per_cpu_second": result, "goal_read_and_rate": 100_000}))
    else:
        for name, figures in result.items():
            print(f"{name:24}", "  ".join(f"{key} {value:>9,}" for key, value in figures.items()))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
