"""One real `sra serve` and one real `sra agent run`, with their data in a folder. To every test here.

Both keep their place and port over any number of deaths; the key is the administrator's, given by the
environment, so that a site stands in the time that the processes need to start.
"""
from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.ports import free_port

from .numbered import Database, Verdict, line

ROOT = Path(__file__).resolve().parents[2]
KEY = "sra_admin_key_of_the_fault_tests_0123456789"


class Process:
    """One program that may die and be started again."""

    def __init__(self, folder: Path, name: str, *arguments: str) -> None:
        self.name, self._folder, self._arguments = name, folder, arguments
        self.child: subprocess.Popen[bytes] | None = None

    def start(self, environment: Mapping[str, str]) -> None:
        """Start it."""
        with (self._folder / f"{self.name}.err").open("ab") as errors:
            self.child = subprocess.Popen(
                [sys.executable, "-m", "sra_cli", *self._arguments], cwd=self._folder, env=environment,
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors)

    @property
    def pid(self) -> int:
        """Return its process id."""
        assert self.child is not None
        return self.child.pid

    def died(self) -> int | None:
        """Return how it ended, or None while it runs."""
        assert self.child is not None
        return self.child.poll()

    def kill(self) -> None:
        """kill -9, now."""
        assert self.child is not None
        self.child.kill()
        self.child.wait()

    def stop(self) -> int:
        """Ask it to end, and return its exit code."""
        assert self.child is not None
        self.child.send_signal(signal.SIGTERM)
        return self.child.wait(30)

    def signal(self, number: int) -> None:
        """Send a signal."""
        os.kill(self.pid, number)

    def rss(self) -> int:
        """Return its resident memory in bytes."""
        pages = Path(f"/proc/{self.pid}/statm").read_text(encoding="ascii").split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")


class Site:
    """A server, an agent, the files that the agent follows and the database that the server keeps."""

    def __init__(self, folder: Path, *, database_url: str = "", data: Path | None = None,
                 state: Path | None = None, agent_settings: str = "") -> None:
        self.folder, self.port = folder, free_port()
        self.data, self.state = data or folder / "data", state or folder / "state"
        self.logs = folder / "logs"
        self.logs.mkdir()
        self.database = Database(database_url.replace("+asyncpg", "") or self.data / "sra.db")
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("SRA_")},
            "PYTHONPATH": f"{ROOT}:{ROOT / 'sdk'}", "ADMIN_API_KEY": KEY, "SRA_API_KEY": KEY,
            **({"DATABASE_URL": database_url} if database_url else {})}
        self.server = Process(folder, "server", "serve", "--port", str(self.port),
                              "--data-dir", str(self.data))
        self.agent = Process(folder, "agent", "agent", "run", "--config", str(folder / "sra.toml"))
        self.written: dict[str, int] = {}
        self.no_retry_after = 0  # answers 503 that did not say when to come again
        self._settings = agent_settings
        self.point_agent_at(self.port)

    def point_agent_at(self, port: int) -> None:
        """Tell the agent, from its next start on, where the server is."""
        (self.folder / "sra.toml").write_text(
            f'[agent]\nserver = "http://127.0.0.1:{port}"\nhost = "web-1"\nfiles = ["{self.logs}/*.log"]\n'
            f'state_dir = "{self.state}"\nfrom_start = true\nexecutor = "off"\nmetrics_seconds = 0\n'
            f"{self._settings}", encoding="utf-8")

    def start_server(self, *, crash_at: str = "", wait: bool = True, **environment: str) -> None:
        """Start the server; with `wait`, return once it answers."""
        more = {"SRA_CRASH_AT": crash_at} if crash_at else {}
        self.server.start({**self.environment, **more, **environment})
        if wait:
            self.wait_for(self.answers, 30, "the server to answer")

    def start_agent(self, *, crash_at: str = "", **environment: str) -> None:
        """Start the agent."""
        more = {"SRA_CRASH_AT": crash_at} if crash_at else {}
        self.agent.start({**self.environment, **more, **environment})

    def answers(self) -> bool:
        """Return whether the server answers."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/ingest/ends?host=nobody", timeout=5):
                return True
        except urllib.error.HTTPError:
            return True
        except OSError:
            return False

    def post(self, path: str, body: bytes, headers: Mapping[str, str], *, timeout: float = 30) -> int:
        """Send a body with the key and return the status."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", body, {
            "Content-Type": "application/json", "X-API-Key": KEY, **headers}, method="POST")
        try:
            with urllib.request.urlopen(request, timeout=timeout) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            with error:
                self.no_retry_after += error.code == 503 and "Retry-After" not in error.headers
                return error.code

    def write(self, n: int, *, file: str = "app", poison: frozenset[int] = frozenset()) -> None:
        """Append the next n numbered lines to a file."""
        first = self.written.get(file, 0)
        with (self.logs / f"{file}.log").open("a", encoding="utf-8") as log:
            for seq in range(first, first + n):
                log.write(line(file, seq, poison=seq in poison) + "\n")
        self.written[file] = first + n

    def wait_for(self, holds: Callable[[], bool], seconds: float, what: str) -> float:
        """Wait until it holds, and return how long that took."""
        began = time.monotonic()
        while not holds():
            assert time.monotonic() - began < seconds, f"waited {seconds} s for {what}; {self.errors()}"
            time.sleep(0.02)
        return time.monotonic() - began

    def all_stored(self) -> bool:
        """Return whether as many lines are stored as were written."""
        return self.database.stored() >= sum(self.written.values())

    def settled(self, seconds: float = 60, *, dropped: int = 0) -> Verdict:
        """Wait until all is stored, give what is stored twice time to show, and return the verdict."""
        self.wait_for(lambda: self.database.stored() + dropped >= sum(self.written.values()), seconds,
                      f"{self.written} lines; {self.database.stored()} are stored")
        time.sleep(0.3)
        return self.database.verdict(self.written)

    def errors(self) -> str:
        """Return the end of what both programs wrote to stderr."""
        return "; ".join(f"{path.name}: {path.read_text(errors='replace')[-1500:]}"
                         for path in self.folder.glob("*.err"))

    def end(self) -> None:
        """End what runs."""
        for process in (self.agent, self.server):
            if process.child is not None and process.died() is None:
                process.signal(signal.SIGCONT)
                process.kill()
        self.database.close()


@contextmanager
def site(folder: Path, **settings: object) -> Iterator[Site]:
    """Give a site whose processes are gone after the block."""
    made = Site(folder, **settings)  # type: ignore[arg-type]
    try:
        yield made
    finally:
        made.end()
