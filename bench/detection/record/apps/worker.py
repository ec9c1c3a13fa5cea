"""A worker under systemd: takes jobs and prints what it does."""

import os
import signal
import sys
import time

signal.signal(
    signal.SIGTERM, lambda *_: (print("SIGTERM: finishing the job at hand", flush=True), sys.exit(0))
)
print("worker started", flush=True)
queue = os.environ.get("WORKER_QUEUE", "jobs")
if queue not in ("jobs",):
    raise KeyError(f"unknown queue {queue!r}")
n = 0
while True:
    n += 1
    print(f"job {n} done in {20 + n % 9} ms", flush=True)
    if n % 45 == 0:
        print(f"<4>job {n}: attachment missing, sent without it", flush=True)
    time.sleep(2)
