"""What the agent costs at idle (goal P10): 20 quiet files, measurements every 10 s, its executor beside it.

    python bench/idle.py [--json] [--seconds 60]

Resident size and CPU of the shipper and of the executor, system time included, over a span that begins after
both have started. The server is the small real one of bench/sink.py and is not counted.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

from agent import Sink, cpu, process

FILES = 20
SETTLE_SECONDS = 5.0
GOALS = {"shipper_rss_mb": 45.0, "executor_rss_mb": 35.0, "cpu_percent": 0.5}
SETTINGS = """[agent]
server = "{server}"
key = "bench"
host = "bench"
files = ["{folder}/*.log"]
metrics_seconds = 10
state_dir = "{folder}/state"
policy = "{folder}/policy.toml"
"""


def resident(pid: int) -> float:
    """Return the resident size in MB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return round(int(line.split()[1]) / 1024, 1)
    return 0.0


def executor_of(pid: int) -> int:
    """Return the agent's only child."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        children = children or path.read_text().split()
    assert children, "the executor has not started"
    return int(children[0])


def measure(sink: Sink, seconds: float) -> dict[str, float]:
    """Run the agent idle for a while and return what it took."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for n in range(FILES):
            (folder / f"app-{n}.log").write_text("2026-03-14 10:00:00,123 - app - INFO - started\n")
        settings = folder / "sra.toml"
        settings.write_text(SETTINGS.format(server=f"http://127.0.0.1:{sink.http}", folder=folder))
        arguments = [sys.executable, "-m", "sra_cli", "agent", "run", "--config", str(settings)]
        with process(arguments, folder / "errors") as shipper:
            time.sleep(SETTLE_SECONDS)
            assert shipper.poll() is None, (folder / "errors").read_text()
            executor = executor_of(shipper.pid)
            before, began = (cpu(shipper.pid), cpu(executor)), time.monotonic()
            time.sleep(seconds)
            span = time.monotonic() - began
            used = cpu(shipper.pid) - before[0], cpu(executor) - before[1]
            return {
                "seconds": round(span, 1),
                "shipper_rss_mb": resident(shipper.pid),
                "executor_rss_mb": resident(executor),
                "shipper_cpu_percent": round(100 * used[0] / span, 3),
                "executor_cpu_percent": round(100 * used[1] / span, 3),
                "cpu_percent": round(100 * sum(used) / span, 3),
            }


def main() -> int:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__.split("\n\n", 1)[0])
    options.add_argument("--json", action="store_true")
    options.add_argument("--seconds", type=float, default=60.0)
    given = options.parse_args()
    sink = Sink()
    try:
        found = measure(sink, given.seconds)
    finally:
        sink.close()
    if given.json:
        print(json.dumps({**found, "goals": GOALS}))
        return 0
    print(f"shipper  {found['shipper_rss_mb']:5.1f} MB  {found['shipper_cpu_percent']:.3f} % of a core")
    print(f"executor {found['executor_rss_mb']:5.1f} MB  {found['executor_cpu_percent']:.3f} % of a core")
    print(f"together {found['cpu_percent']:.3f} % over {found['seconds']:.0f} s; goals {GOALS}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
