"""Units of a booted systemd fail."""

from __future__ import annotations

import programs as p
from machine import Machine
from scenario import scenario
from world import HOME, World

API = {"name": "api", "service": "shop-api", "http": "http://127.0.0.33:8090/health"}


def units(w: World, changed: dict[str, str] | None = None) -> Machine:
    """The usual units in a booted systemd."""
    machine = Machine(w, changed)
    machine.start("shop-worker", "shop-api", "shop-index", "shop-report.timer", "shop-backup.timer")
    w.ready()
    w.measure(10, (API,))
    w.every(2.3, lambda n: p.get("/basket" if n % 31 else "/old-basket", "127.0.0.33", 8090))
    w.sleep(20)
    return machine


@scenario(
    "service_crash",
    "shop-worker",
    ("system.journal", "shop-worker.*(Failed with result|start-limit|status=1)"),
    "system.journal",
    effects=("error_burst",),
    extra={"system.journal": ""},
)
def systemd_crash_loop(w: World) -> None:
    """A deploy gives the worker a queue that it does not know; it dies at each start until systemd gives up."""
    machine = units(w)
    w.breaks()
    (HOME / "unit/worker.env").write_text("WORKER_QUEUE=jbos\n")
    machine.do("systemctl", "restart", "shop-worker")
    w.sleep(35)
    machine.keep()


@scenario(
    "service_crash",
    "shop-index",
    ("system.journal", "shop-index.*(code=dumped|code=killed|core-dump|SEGV)"),
    "system.journal",
    effects=("error_burst",),
    extra={"system.journal": ""},
)
def systemd_segfault(w: World) -> None:
    """The index, a C program, follows a null pointer some seconds after each start."""
    machine = units(w)
    w.breaks()
    (HOME / "unit/index.env").write_text("CRUNCH=segv\n")
    machine.do("systemctl", "restart", "shop-index")
    w.sleep(40)
    machine.keep()


@scenario(
    "service_crash",
    "shop-api",
    ("system.journal", "shop-api.*(Failed with result|status=2)"),
    "system.journal",
    effects=("error_burst",),
    extra={"system.journal": ""},
)
def systemd_pre_start(w: World) -> None:
    """A new configuration lacks the currency; the API's ExecStartPre fails and the API stays down."""
    machine = units(w)
    w.breaks()
    (HOME / "unit/api.json").write_text('{"port": 8090}\n')
    machine.do("systemctl", "restart", "shop-api")
    w.sleep(35)
    machine.keep()


@scenario(
    "service_crash",
    "shop-index",
    ("system.journal", "shop-index.*(code=killed|oom)"),
    "system.journal",
    also=("memory_exhaustion",),
    why_also="whoever reads the unit's limit calls it memory; the journal says only that the process was killed",
    effects=("error_burst",),
    extra={"system.journal": ""},
)
def systemd_killed(w: World) -> None:
    """Something kills the index with SIGKILL each few seconds (as a memory guard does)."""
    machine = units(w)
    w.breaks()
    for _ in range(6):
        machine.do("systemctl", "kill", "--signal=SIGKILL", "shop-index")
        w.sleep(6)
    machine.keep()
