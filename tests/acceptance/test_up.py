"""`sra up` as a real process: what it says, what it keeps, what it sees, and how it ends."""
from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from sra_cli import doctor
from sra_sdk.api import Client

REFUSED = "database: could not connect to server: Connection refused (host db, port 5432)"


def lines(count: int, before: timedelta, text: str, level: str = "ERROR") -> str:
    now = datetime.now()
    return "".join(f"{(now - before + timedelta(seconds=n)):%Y-%m-%d %H:%M:%S} {level} shop: {text}\n"
                   for n in range(count))


class Up:
    """A running `sra up` whose lines can be waited for."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.said: list[str] = []
        self._lines: queue.Queue[str] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line.rstrip("\n"))

    def until(self, words: str, seconds: float = 30.0) -> str:
        end = time.monotonic() + seconds
        while True:
            try:
                line = self._lines.get(timeout=max(0.01, end - time.monotonic()))
            except queue.Empty:
                raise AssertionError(f"not said within {seconds} s: {words}; said {self.said}") from None
            self.said.append(line)
            if words in line:
                return line


@contextlib.contextmanager
def up(folder: Path, *arguments: str) -> Iterator[Up]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SRA_")}
    environment |= {"XDG_CONFIG_HOME": str(folder / "config"), "SRA_DATA_DIR": str(folder / "data"),
                    "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring", "PYTHONUNBUFFERED": "1"}
    folder.mkdir(parents=True, exist_ok=True)
    process = subprocess.Popen(
        [sys.executable, "-m", "sra_cli", "up", "--port", "0", *arguments], env=environment, cwd=folder,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        yield Up(process)
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def children(pid: int) -> list[int]:
    found = []
    for process in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError):
            parent = (process / "stat").read_text().rpartition(")")[2].split()[1]
            if process.name.isdigit() and int(parent) == pid:
                found.append(int(process.name))
    return found


def test_up_says_what_it_sees_and_cannot_see_and_sees_what_comes(tmp_path: Path) -> None:
    log = tmp_path / "shop.log"
    log.write_text(lines(40, timedelta(minutes=20), REFUSED))
    begun = time.monotonic()
    with up(tmp_path, "--file", f"shop={log}") as running:
        url = running.until("SRA listens on").split()[3].rstrip(",")
        running.until(f"shop={log}")
        running.until("Not watched:")
        for place, missing in (("/run/systemd/system", "systemd"), ("/var/run/docker.sock", "docker")):
            if not Path(place).exists():
                running.until(f"  {missing}: not running here", 5)
        running.until("no action is allowed yet: sra agent policy init", 10)
        running.until("incident", 12)
        running.until("database_failure")
        running.until("Watching from now on")
        assert time.monotonic() - begun < 15, "ten seconds, and the grace of a busy machine"

        session = json.loads((tmp_path / "config/sra/session.json").read_text())
        with Client(url, token=session["sessions"][url]["token"]) as client:
            assert client.incidents() == [], "nobody is told of the past"
            assert [host.host for host in client.hosts()] == [socket.gethostname()]
            with log.open("a") as file:
                file.write(lines(20, timedelta(seconds=20), REFUSED))
            running.until("database", 20)
            assert client.incidents(status="open")[0].class_ == "database_failure"
            checks = {each.check: each.state for each in doctor.server(client)}
        assert checks == {"server": "ok", "database": "ok", "clock": "ok"}
        started = children(running.process.pid)
        assert started, "the executor is a process of its own"
        running.process.send_signal(signal.SIGINT)
        assert running.process.wait(20) == 0
        assert not any(Path(f"/proc/{pid}").exists() for pid in started)


def test_the_account_and_the_key_are_made_once_for_each_database(tmp_path: Path) -> None:
    kept = tmp_path / "data" / "local-account.json"
    said = []
    for _ in range(3):
        with up(tmp_path, "--once") as running:
            running.until("Watching from now on")
            assert running.process.wait(20) == 0
        assert kept.stat().st_mode & 0o777 == 0o600
        said.append(json.loads(kept.read_text()))
        if len(said) == 2:  # the database gets lost
            for file in (tmp_path / "data").glob("sra.db*"):
                file.unlink()
    assert said[0] == said[1]
    assert said[2]["email"] != said[0]["email"] and said[2]["key"] != said[0]["key"]


def test_ending_early_is_clean(tmp_path: Path) -> None:
    with up(tmp_path) as running:
        running.until("SRA listens on")
        running.process.send_signal(signal.SIGTERM)
        assert running.process.wait(30) == 0


def test_a_port_in_use_is_explained(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, \
            up(tmp_path, "--port", str(taken.getsockname()[1])) as running:
        running.until("error: cannot listen")
        running.until("what to do")
        assert running.process.wait(20) == 1  # it failed; nothing was asked wrongly
