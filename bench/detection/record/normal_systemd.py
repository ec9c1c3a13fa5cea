"""An hour in which nothing is wrong in a booted systemd: services, timers, planned restarts, reloads.

CORPUS_SECONDS shortens it to try the script.
"""

from __future__ import annotations

import os
import time

import programs as p
from keep import version
from machine import Machine
from world import World

SECONDS = float(os.environ.get("CORPUS_SECONDS", "3620"))
world = World("normal_systemd", cpu=0.3, memory_mb=800)
machine = Machine(world)
machine.start("shop-worker", "shop-api", "shop-index", "shop-report.timer", "shop-backup.timer")
world.ready()
world.measure(10, ({"name": "api", "service": "shop-api", "http": "http://127.0.0.33:8090/health"},))
world.every(2.3, lambda n: p.get("/basket" if n % 31 else "/old-basket", "127.0.0.33", 8090))
EVENTS = (
    (300, "restart", "shop-worker"),
    (620, "reload", "shop-api"),
    (
        1000,
        "daemon-reload",
    ),
    (1400, "restart", "shop-api"),
    (1900, "restart", "shop-index"),
    (2300, "stop", "shop-worker"),
    (2302, "start", "shop-worker"),
    (
        2700,
        "daemon-reexec",
    ),
    (3100, "restart", "shop-worker"),
    (3300, "restart", "systemd-journald"),
)
began = time.monotonic()
for moment, *command in EVENTS:
    time.sleep(max(0.0, began + moment * min(1.0, SECONDS / 3660) - time.monotonic()))
    print(time.strftime("%H:%M:%S"), command, machine.do("systemctl", *command), flush=True)
time.sleep(max(0.0, began + SECONDS - time.monotonic()))
machine.keep()
world.finish(
    {
        "name": "normal_systemd",
        "kind": "normal",
        "story": "an hour of normal operation of units under systemd",
        "software": [version("systemd-nspawn", "--version"), version(p.PYTHON, "--version")],
    },
    {"system.journal": ""},
)
