"""Every line once: a real server and a real agent, with the server down and either of them killed.

`SRA_TEST_OUTAGE` is how many seconds the server is away (short by default, 30 where nothing may be skipped).
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest

from tests.ports import free_port

LINES = 20_000
OUTAGE = float(os.environ.get("SRA_TEST_OUTAGE", "30" if os.environ.get("SRA_REQUIRE") == "all" else "5"))


class Site:
    """One server and one agent, as processes, with their data in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port, self.key = folder, free_port(), ""
        self.log = folder / "app.log"
        self.log.touch()
        self.server: subprocess.Popen[bytes] | None = None
        self.agent: subprocess.Popen[bytes] | None = None
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith("SRA_")}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def call(self, method: str, path: str, body: Any = None, *, token: str = "") -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            self.url + path, data, {"Content-Type": "application/json"}, method=method
        )
        if token:
            request.add_header("Authorization", f"Bearer {token}")
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    def _run(self, name: str, *arguments: str) -> subprocess.Popen[bytes]:
        with (self.folder / f"{name}.err").open("ab") as errors:
            return subprocess.Popen(
                [sys.executable, "-m", "sra_cli", *arguments],
                env=self.environment,
                cwd=self.folder,
                stdout=subprocess.DEVNULL,
                stderr=errors,
            )

    def start_server(self) -> None:
        self.server = self._run(
            "server", "serve", "--port", str(self.port), "--data-dir", str(self.folder / "data")
        )
        self.wait_for(self.answers, 30, "the server to answer")

    def answers(self) -> bool:
        try:
            self.call("GET", "/openapi.json")
        except (urllib.error.URLError, OSError):
            return False
        return True

    def sign_up(self) -> None:
        person = {"email": "ada@example.com", "password": "correct horse battery", "username": "ada"}
        with suppress(urllib.error.HTTPError):
            self.call("POST", "/auth/register", person)
        said = self.call("POST", "/auth/login", person)
        token = said.get("access_token") or said.get("token")
        self.key = self.call("POST", "/api-keys", {"name": "agent"}, token=token)["key"]

    def start_agent(self) -> None:
        self.environment["SRA_API_KEY"] = self.key
        self.agent = self._run(
            "agent",
            "agent",
            "run",
            "--server",
            self.url,
            "--file",
            str(self.log),
            "--state-dir",
            str(self.folder / "state"),
            "--host",
            "web-1",
            "--from-start",
        )

    def kill(self, name: str) -> None:
        process: subprocess.Popen[bytes] = getattr(self, name)
        process.kill()
        process.wait()

    def stop(self, name: str) -> int:
        process: subprocess.Popen[bytes] = getattr(self, name)
        process.send_signal(signal.SIGTERM)
        return process.wait(30)

    def end(self) -> None:
        for process in (self.agent, self.server):
            if process is not None and process.poll() is None:
                process.kill()
                process.wait()

    def stored(self) -> Counter[str]:
        with closing(
            sqlite3.connect(f"file:{self.folder / 'data' / 'sra.db'}?mode=ro", uri=True, timeout=10)
        ) as conn:
            return Counter(
                text for (text,) in conn.execute("SELECT message FROM records WHERE message LIKE '%seq=%'")
            )

    def count(self) -> int:
        with closing(
            sqlite3.connect(f"file:{self.folder / 'data' / 'sra.db'}?mode=ro", uri=True, timeout=10)
        ) as conn:
            return int(conn.execute("SELECT count(*) FROM records WHERE message LIKE '%seq=%'").fetchone()[0])

    def wait_for(self, holds: Callable[[], bool], seconds: float, what: str) -> None:
        end = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < end, f"waited {seconds} s for {what}; {self.errors()}"
            time.sleep(0.1)

    def errors(self) -> str:
        return "; ".join(f"{path.name}: {path.read_text()[-1500:]}" for path in self.folder.glob("*.err"))


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = Site(tmp_path)
    try:
        made.start_server()
        made.sign_up()
        yield made
    finally:
        made.end()


def line(n: int) -> str:
    text = f"file=app seq={n}"
    return f"{text} crc={hashlib.sha256(text.encode()).hexdigest()[:8]}"


class Writer(threading.Thread):
    """Writes the numbered lines over some seconds, as an application would."""

    def __init__(self, path: Path, seconds: float) -> None:
        super().__init__()
        self._path, self._seconds = path, seconds

    def run(self) -> None:
        began = time.monotonic()
        with self._path.open("a", buffering=1) as file:
            for n in range(LINES):
                file.write(line(n) + "\n")
                if n % 200 == 199:
                    time.sleep(max(0.0, began + self._seconds * n / LINES - time.monotonic()))


def exactly_once(site: Site) -> None:
    site.wait_for(lambda: site.count() >= LINES, 60, f"{LINES} lines, {site.count()} are stored")
    time.sleep(1.0)  # so that what is stored twice can show
    stored = site.stored()
    assert {text: n for text, n in stored.items() if n != 1} == {}
    assert set(stored) == {line(n) for n in range(LINES)}


def test_the_server_is_down_while_lines_are_written(site: Site) -> None:
    site.start_agent()
    writer = Writer(site.log, OUTAGE + 2)
    writer.start()
    site.wait_for(lambda: site.count() > 0, 30, "the first lines")
    assert site.stop("server") == 0
    time.sleep(OUTAGE)
    site.start_server()
    writer.join()
    exactly_once(site)
    assert site.stop("agent") == 0


@pytest.mark.timeout(240)
def test_agent_and_server_are_killed_in_the_middle(site: Site) -> None:
    site.start_agent()
    writer = Writer(site.log, 8.0)
    writer.start()
    site.wait_for(lambda: site.count() > 0, 30, "the first lines")
    dice = random.Random(7)
    while writer.is_alive():
        time.sleep(0.3 + dice.random())
        if dice.random() < 0.6:
            site.kill("agent")
            time.sleep(dice.random() * 0.3)
            site.start_agent()
        else:
            site.kill("server")
            time.sleep(dice.random() * 0.5)
            site.start_server()
    exactly_once(site)


@pytest.mark.timeout(240)
def test_the_state_of_the_agent_is_lost_in_the_middle(site: Site) -> None:
    site.start_agent()
    writer = Writer(site.log, 4.0)
    writer.start()
    site.wait_for(lambda: site.count() > LINES // 4, 30, "a part of the lines")
    site.kill("agent")
    for path in (site.folder / "state").glob("spool.db*"):
        path.write_bytes(b"\0" * path.stat().st_size)
    site.start_agent()
    writer.join()
    exactly_once(site)
