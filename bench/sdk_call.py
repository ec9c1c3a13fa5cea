"""Measure what one logging call costs in the application's thread: SRAHandler beside stdlib's QueueHandler.

Rounds are interleaved and the medians compared; `--json` prints one object. The receiver is a real
HTTP server in another process, so that its work does not count as the application's.
"""
from __future__ import annotations

import argparse
import collections
import json
import logging
import logging.handlers
import queue
import statistics
import subprocess
import sys
import time

from sra_sdk import SRAHandler

RECEIVER = """
import http.server, sys
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")
    def log_message(self, *a): pass
server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
"""


class Deque(logging.Handler):
    """The limit: a bounded append and nothing else."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: collections.deque[logging.LogRecord] = collections.deque(maxlen=100_000)

    def handle(self, record: logging.LogRecord) -> bool:
        self.kept.append(record)
        return True


def one_round(handler: logging.Handler, calls: int) -> float:
    """Return CPU microseconds of this thread for one call."""
    logger = logging.Logger("bench")
    logger.addHandler(handler)
    started = time.thread_time()
    for i in range(calls):
        logger.info("user %s bought %d things", "alice", i)
    return (time.thread_time() - started) / calls * 1e6


def main() -> int:
    """Run the rounds and print the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--calls", type=int, default=5000)
    given = parser.parse_args()
    receiver = subprocess.Popen([sys.executable, "-c", RECEIVER], stdout=subprocess.PIPE, text=True)
    assert receiver.stdout is not None
    endpoint = f"http://127.0.0.1:{receiver.stdout.readline().strip()}"
    ours = SRAHandler("sra_bench", endpoint, max_queue_size=100_000, flush_interval=0.5)
    deque = Deque()
    costs: dict[str, list[float]] = {"deque": [], "queue_handler": [], "sra_handler": []}
    try:
        for _ in range(given.rounds):
            waiting: queue.SimpleQueue[logging.LogRecord] = queue.SimpleQueue()
            costs["queue_handler"].append(one_round(logging.handlers.QueueHandler(waiting), given.calls))
            costs["sra_handler"].append(one_round(ours, given.calls))
            ours.client.flush()
            costs["deque"].append(one_round(deque, given.calls))
            deque.kept.clear()
        stats = ours.client.stats()
        ours.close()
    finally:
        receiver.kill()
        receiver.wait()
    medians = {name: round(statistics.median(values), 2) for name, values in costs.items()}
    ratios = [ours_cost / theirs for ours_cost, theirs in
              zip(costs["sra_handler"], costs["queue_handler"], strict=True)]
    result = {"microseconds": medians, "ratio_to_queue_handler": round(statistics.median(ratios), 3),
              "goal": 0.65, "calls": given.rounds * given.calls, "stats": stats}
    if given.json:
        print(json.dumps(result))
    else:
        for name, value in medians.items():
            print(f"{name:15} {value:6.2f} µs a call")
        print(f"ratio to QueueHandler {result['ratio_to_queue_handler']} (goal <= 0.65); {stats}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
