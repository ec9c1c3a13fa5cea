"""How many lines a CPU second the agent tails, parses, redacts, spools durably, packs and has acknowledged.

    python bench/agent.py [--json] [--rounds 5] [--lines 300000] [--shapes python,nginx,syslog]

Goal P6, beside `wc -l` (reads and counts) and rsyslog's imfile sending to a TCP discard (no joining, no
parsing, no redaction, no durable queue, no packing, no acknowledgement) in the same interleaved rounds. CPU
is that of the whole process, system time included, from when the log appears until all of it has arrived.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import shapes

ROOT = Path(__file__).resolve().parent
GOAL = 150_000
TICKS = os.sysconf("SC_CLK_TCK")
AGENT = """
import sys
from sra_agent.app import run
from sra_agent.config import AgentConfig
server, state, *files = sys.argv[1:]
run(AgentConfig(server=server, key="bench", host="bench", files=tuple(files), state_dir=state, executor="off",
                metrics_seconds=0, spool_bytes=1 << 30))
"""
RSYSLOG = """
global(workDirectory="{folder}")
module(load="imfile" mode="inotify")
template(name="raw" type="string" string="%msg%\\n")
input(type="imfile" File="{log}" Tag="bench" ruleset="out" freshStartTail="off")
ruleset(name="out") {{ action(type="omfwd" target="127.0.0.1" port="{port}" protocol="tcp" template="raw"
  TCP_Framing="traditional" queue.type="LinkedList" queue.size="200000" queue.dequeueBatchSize="2000") }}
"""


def cpu(pid: int) -> float:
    """Return the CPU seconds that a process has used, system time included."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def memory(pid: int) -> float:
    """Return the highest resident size so far, in MB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1024
    return 0.0


class Sink:
    """The process that takes everything."""

    def __init__(self) -> None:
        self.process = subprocess.Popen([sys.executable, ROOT / "sink.py"], stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.http, self.tcp = map(int, self.process.stdout.readline().split())

    def count(self) -> dict[str, int]:
        """Return what came so far."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.http}/count", timeout=10) as answer:
            return dict(json.load(answer))

    def close(self) -> None:
        """End it."""
        self.process.kill()
        self.process.wait()


@contextmanager
def process(arguments: list[str], errors: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program for the length of a block."""
    with errors.open("wb") as file:
        made = subprocess.Popen(arguments, stdout=file, stderr=file)
    try:
        yield made
    finally:
        made.terminate()
        try:
            made.wait(15)
        except subprocess.TimeoutExpired:
            made.kill()
            made.wait()


def follow(
    arguments: list[str], folder: Path, log: Path, lines: int, seen: Callable[[], int]
) -> dict[str, float]:
    """Start a follower, let the log appear, wait until all has arrived; return what that took."""
    place = folder / "app.log"
    with process(arguments, folder / "errors") as follower:
        time.sleep(1.5)
        assert follower.poll() is None, (folder / "errors").read_text()
        before, came, began = cpu(follower.pid), seen(), time.monotonic()
        os.link(log, place)
        while (arrived := seen() - came) < lines:
            assert follower.poll() is None and time.monotonic() - began < 120, (
                f"{arrived} of {lines} lines arrived: {(folder / 'errors').read_text()[-500:]}"
            )
            time.sleep(0.02)
        wall, used = time.monotonic() - began, cpu(follower.pid) - before
        return {"cpu": lines / used, "wall": lines / wall, "rss_mb": memory(follower.pid)}


def agent_round(sink: Sink, log: Path, lines: int, records: int) -> dict[str, float]:
    """One round of the real agent."""
    with tempfile.TemporaryDirectory(dir=log.parent) as folder:
        arguments = [sys.executable, "-c", AGENT, f"http://127.0.0.1:{sink.http}", f"{folder}/state"]
        arguments.append(f"{folder}/app.log")
        found = follow(arguments, Path(folder), log, records, lambda: sink.count()["records"])
        return {**found, "cpu": found["cpu"] * lines / records, "wall": found["wall"] * lines / records}


def rsyslog_round(sink: Sink, log: Path, lines: int) -> dict[str, float]:
    """One round of rsyslog with a configuration, a pid file and a work directory of its own."""
    with tempfile.TemporaryDirectory(dir=log.parent) as folder:
        config = Path(folder) / "rsyslog.conf"
        config.write_text(RSYSLOG.format(folder=folder, log=f"{folder}/app.log", port=sink.tcp))
        arguments = ["rsyslogd", "-n", "-f", str(config), "-i", f"{folder}/pid"]
        return follow(arguments, Path(folder), log, lines, lambda: sink.count()["discarded"])


def wc_round(log: Path, lines: int) -> dict[str, float]:
    """One round of `wc -l`."""
    began, before = time.monotonic(), os.times()
    subprocess.run(["wc", "-l", str(log)], check=True, stdout=subprocess.DEVNULL)
    after = os.times()
    used = after.children_user + after.children_system - before.children_user - before.children_system
    return {"cpu": lines / max(used, 1 / TICKS), "wall": lines / (time.monotonic() - began), "rss_mb": 0.0}


def records_of(log: Path) -> int:
    """Return how many records the log becomes: a stack trace is one."""
    from sra_sdk.lines.multiline import Joiner

    joiner, events = Joiner(), 0
    with log.open(encoding="utf-8") as file:
        for line in file:
            events += len(joiner.feed(line.rstrip("\n")))
    return events + len(joiner.flush())


def measure(
    shape: str, sink: Sink, folder: Path, lines: int, rounds: int, rsyslog: bool
) -> dict[str, object]:
    """Return the medians of one shape."""
    log = folder / f"{shape}.log"
    lines = shapes.write(log, shape, lines)
    records = records_of(log)
    runs: dict[str, list[dict[str, float]]] = {"agent": [], "rsyslog": [], "wc": []}
    for _ in range(rounds):
        runs["agent"].append(agent_round(sink, log, lines, records))
        if rsyslog:
            runs["rsyslog"].append(rsyslog_round(sink, log, lines))
        runs["wc"].append(wc_round(log, lines))
    found: dict[str, dict[str, float]] = {
        name: {key: round(statistics.median(run[key] for run in each)) for key in each[0]}
        for name, each in runs.items()
        if each
    }
    ratios = {
        name: round(
            statistics.median(a["cpu"] / p["cpu"] for a, p in zip(runs["agent"], runs[name], strict=True)), 3
        )
        for name in ("rsyslog", "wc")
        if runs[name]
    }
    size = log.stat().st_size
    log.unlink()
    return {"shape": shape, "lines": lines, "bytes": size, **found, "agent_to": ratios}


def main() -> int:
    """Measure each shape and print the medians."""
    options = argparse.ArgumentParser(description=__doc__.split("\n\n", 1)[0])
    options.add_argument("--json", action="store_true")
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--lines", type=int, default=300_000)
    options.add_argument("--shapes", default="python,nginx,syslog,java,structured,mixed")
    given = options.parse_args()
    rsyslog = shutil.which("rsyslogd") is not None
    if not rsyslog:
        print("bench/agent: without rsyslog beside it; on Debian: apt-get install rsyslog", file=sys.stderr)
    sink = Sink()
    try:
        with tempfile.TemporaryDirectory() as folder:
            rows = [
                measure(shape, sink, Path(folder), given.lines, given.rounds, rsyslog)
                for shape in given.shapes.split(",")
            ]
    finally:
        sink.close()
    if given.json:
        print(json.dumps({"rounds": given.rounds, "goal_lines_per_cpu_second": GOAL, "shapes": rows}))
        return 0
    print(
        f"{'shape':<11}{'agent/CPU s':>12}{'agent/s':>10}{'RSS MB':>8}{'rsyslog':>15}{'wc -l':>12}  ratio"
    )
    for row in rows:
        ours, peer, ratio = row["agent"], row.get("rsyslog", {"cpu": 0}), row["agent_to"].get("rsyslog", "-")
        print(
            f"{row['shape']:<11}{ours['cpu']:>12,}{ours['wall']:>10,}{ours['rss_mb']:>8,}"
            f"{peer['cpu']:>15,}{row['wc']['cpu']:>12,}  {ratio}"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
