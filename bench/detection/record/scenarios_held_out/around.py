"""What several held-out scenarios share. To them."""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import suppress

import estate as e
import programs as p
from world import World

WEB = "stock.log apache-access.log apache-error.log"


DB = WEB + " pgbouncer.log postgresql.log"


OWN = dict(e.FILES)


def web(
    w: World, *settings: str, clients: int = 100, workers: int = 30, alone: bool = False, **env: str
) -> dict[str, subprocess.Popen[bytes]]:
    """Apache, the stock service and, unless alone, pgbouncer and PostgreSQL under the usual load."""
    e.apps()
    made = {}
    if not alone:
        made["postgresql"] = p.postgres(w, *settings)
        made["pgbouncer"] = e.pgbouncer(w, clients)
    made["stock"] = e.stock(w, **({"STOCK_ALONE": "1"} if alone else {}), **env)
    made["apache"] = e.apache(w, workers)
    w.ready()
    w.measure(10, e.probes(*made))
    e.asked(w)
    w.sleep(25)
    return made


def group(process: subprocess.Popen[bytes], how: signal.Signals) -> None:
    children = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(process.pid)], capture_output=True, text=True, check=False
    )
    for pid in (process.pid, *children.stdout.split()):
        with suppress(OSError):
            os.kill(int(pid), how)
