"""What several scenarios share: the usual surroundings, and ways to break a program."""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import suppress

import programs as p
from world import World, quiet

URL = "host=127.0.0.11 port=5432 dbname=shop user=shop password=secret connect_timeout=3"


SHOP = "postgresql.log shop.log gunicorn.log nginx-access.log nginx-error.log"


WEB = "shop.log gunicorn.log nginx-access.log nginx-error.log"


def web(
    w: World, *settings: str, uses: str = "pg", pool: str = "4", **more: object
) -> subprocess.Popen[bytes]:
    """PostgreSQL, the shop and nginx under the usual load."""
    server = p.postgres(w, *settings, **more)  # type: ignore[arg-type]
    p.shop(w, uses, SHOP_POOL=pool)
    p.nginx(w)
    w.ready()
    w.measure(10, p.probes("postgresql", "shop", "nginx"))
    p.visitors(w, logins=False)
    w.sleep(20)
    return server


def killed(process: subprocess.Popen[bytes], how: signal.Signals = signal.SIGKILL) -> None:
    os.kill(process.pid, how)


def group(process: subprocess.Popen[bytes], how: signal.Signals) -> None:
    """Signal a program with all its children."""
    children = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(process.pid)], capture_output=True, text=True, check=False
    )
    for pid in (process.pid, *children.stdout.split()):
        with suppress(OSError):
            os.kill(int(pid), how)


def fill(path: object, keep: int = 0) -> None:
    """Fill a file system, as a forgotten backup does."""
    quiet("dd", "if=/dev/zero", f"of={path}/backup.tar", "bs=256k")
    if keep:
        with open(f"{path}/backup.tar", "r+b") as file:
            file.truncate(max(0, file.seek(0, 2) - keep))
