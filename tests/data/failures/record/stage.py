"""What every recording shares: a folder under /srv, a log, and the line at which the failure begins.

From the scenarios of this folder; to tests/data/failures. Needs root and the named programs.
"""
from __future__ import annotations

import json
import logging
import logging.handlers
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

DATA = Path(__file__).resolve().parent.parent
INDEX = DATA / "index.json"
BIN = "/usr/lib/postgresql/15/bin"


class Stage:
    """One recording. `log` is the file that becomes tests/data/failures/<name>.log."""

    def __init__(self, name: str, cls: str, software: str) -> None:
        self.name, self.cls, self.software = name, cls, software
        self.home = Path("/srv") / name.replace("_", "-")
        shutil.rmtree(self.home, ignore_errors=True)
        self.home.mkdir(parents=True)
        self.home.chmod(0o755)
        self.log = self.home / "service.log"
        self.log.touch()
        self.log.chmod(0o666)
        self.normal_lines = 0

    def logger(self, service: str) -> logging.Logger:
        """Return the logger of an ordinary Python service that writes to the log."""
        made = logging.getLogger(service)
        handler = logging.handlers.WatchedFileHandler(self.log)
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s [%(name)s] %(message)s"))
        made.addHandler(handler)
        made.setLevel(logging.INFO)
        return made

    def run(self, seconds: float, work: Callable[[int], None], pause: float = 0.4) -> None:
        """Do a piece of ordinary work again and again."""
        end, n = time.monotonic() + seconds, 0
        while time.monotonic() < end:
            n += 1
            work(n)
            time.sleep(pause)

    def fails_now(self) -> None:
        """Note that everything up to here was normal."""
        self.normal_lines = len(self.log.read_bytes().splitlines())

    def finish(self) -> None:
        """Copy the log to its place, without the paths of this machine, and note it in the index."""
        text = self.log.read_text(errors="surrogateescape")
        text = text.replace(sys.prefix, "/srv/venv").replace(str(Path(__file__).parent), str(self.home))
        text = re.sub(rf"\b{re.escape(socket.gethostname())}\b", "web-1", text)
        (DATA / f"{self.name}.log").write_text(text, errors="surrogateescape")
        index = json.loads(INDEX.read_text()) if INDEX.exists() else {}
        index[self.name] = {"class": self.cls, "normal_lines": self.normal_lines, "software": self.software}
        INDEX.write_text(json.dumps(dict(sorted(index.items())), indent=1) + "\n")
        sys.stdout.write(f"{self.name}: {self.normal_lines} normal lines of {len(text.splitlines())}\n")


def postgres(stage: Stage, port: int, data: Path, *settings: str) -> subprocess.Popen[bytes]:
    """Make and start a PostgreSQL whose log is the stage's."""
    shutil.chown(data.parent, "postgres")
    if not (data / "PG_VERSION").exists():
        as_postgres(f"{BIN}/initdb", "-D", str(data), "-A", "trust", "-E", "UTF8", "--no-sync")
    options = [f"port={port}", "unix_socket_directories=" + str(data.parent), "fsync=off",
               "log_line_prefix=%m [%p] %q%u@%d ", "log_timezone=UTC", *settings]
    out = stage.log.open("ab")
    server = subprocess.Popen(["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups",
                               f"{BIN}/postgres", "-D", str(data), *(f"-c{each}" for each in options)],
                              stdout=out, stderr=out, cwd="/")
    time.sleep(2)
    return server


def as_postgres(*argv: str) -> None:
    """Run a command as the database's own user."""
    subprocess.run(["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", *argv], check=True,
                   stdout=subprocess.DEVNULL, cwd="/")
