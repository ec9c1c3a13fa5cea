"""An agent as a process, killed and started again, that reports to a recorder. From the tests of sources."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

from tests.acceptance.executor_host import eventually
from tests.unit.agent.recorder import KEY, Recorder


class Process:
    """One agent with settings of its own."""

    def __init__(self, folder: Path, recorder: Recorder, settings: str) -> None:
        self.folder, self.recorder = folder, recorder
        self._config = folder / "sra.toml"
        self._config.write_text(
            f'[agent]\nserver = "{recorder.url}"\nhost = "web-1"\nstate_dir = "{folder / "state"}"\n'
            f'executor = "off"\nmetrics_seconds = 0\n{settings}\n'
        )
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self, *, wait: bool = True) -> None:
        """Start, and wait until it has said what it watches."""
        hellos = len(self.recorder.hellos)
        environment = {name: value for name, value in os.environ.items() if not name.startswith("SRA_")}
        with (self.folder / "agent.err").open("ab") as errors:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "sra_cli", "agent", "run", "--config", self._config],
                env={**environment, "SRA_API_KEY": KEY},
                stderr=errors,
            )
        if wait:
            assert eventually(lambda: len(self.recorder.hellos) > hellos, 30), self.errors()

    def kill(self) -> None:
        """kill -9, now."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        """Ask it to end."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        assert self._process.wait(30) == 0, self.errors()

    def close(self) -> None:
        """End it whatever it does."""
        if self._process is not None and self._process.poll() is None:
            self.kill()

    def rss_mb(self) -> float:
        """Return its resident memory."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS"):
                return int(line.split()[1]) / 1024
        raise LookupError("VmRSS")

    def errors(self) -> str:
        """Return what it complained of."""
        return (self.folder / "agent.err").read_text()[-3000:]

    def lines(self, service: str) -> Counter[str]:
        """Return what arrived of a service, each line and how often."""
        with self.recorder.lock:
            records = [one for one in self.recorder.records if one["service"] == service]
        return Counter(line for record in records for line in record["message"].split("\n"))
