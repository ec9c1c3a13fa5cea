"""A PostgreSQL of a benchmark's own: durable, in a folder of its own, as user postgres where we are root."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def programs() -> Path:
    """Return the folder of initdb and pg_ctl."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    named = shutil.which("initdb")
    if found or named:
        return found[-1].parent if found else Path(str(named)).resolve().parent
    raise SystemExit("needs PostgreSQL: apt-get install postgresql")


@contextmanager
def cluster(parent: str | None = None) -> Iterator[str]:
    """Run a server with its defaults (fsync on); give its URL without a database's name."""
    folder = Path(tempfile.mkdtemp(prefix="sra-bench-pg-", dir=parent))
    root = os.geteuid() == 0
    user = "postgres" if root else pwd.getpwuid(os.geteuid()).pw_name
    more = {"user": user, "extra_groups": [], "cwd": folder} if root else {"cwd": folder}
    if root:
        shutil.chown(folder, user)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    quiet = {"check": True, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "timeout": 60, **more}
    control = [str(programs() / "pg_ctl"), "-D", str(folder / "data")]
    subprocess.run(
        [
            str(programs() / "initdb"),
            "-D",
            str(folder / "data"),
            "-U",
            "postgres",
            "-A",
            "trust",
            "-E",
            "UTF8",
        ],
        **quiet,
    )
    subprocess.run(
        [*control, "-o", f"-p {port} -h 127.0.0.1 -k {folder}", "-l", str(folder / "log"), "-w", "start"],
        **quiet,
    )
    try:
        yield f"postgresql://postgres@127.0.0.1:{port}"
    finally:
        subprocess.run([*control, "-m", "immediate", "stop"], **quiet)
        shutil.rmtree(folder)
