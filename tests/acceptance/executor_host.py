"""A host of one executor: a real process, spoken to as the agent speaks to it. For the executor's tests."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "PYTHONPATH": f"{ROOT / 'sdk'}:{ROOT}"}

LIMITS = (
    '[limits]\ncooldown = "0s"\nper_hour = 100\nfailures = 2\n[verify]\nwindow = "600ms"\nsettle = "1500ms"\n'
)


class Executor:
    """One life of the executor, at one end of a socketpair."""

    def __init__(
        self, policy: Path, state: Path, *, crash_at: str | None = None, under: tuple[str, ...] = ()
    ) -> None:
        ours, theirs = socket.socketpair()
        self.process = subprocess.Popen(
            [
                *under,
                sys.executable,
                "-m",
                "sra_agent.executor",
                "--fd",
                str(theirs.fileno()),
                "--policy",
                str(policy),
                "--state-dir",
                str(state),
            ],
            pass_fds=[theirs.fileno()],
            cwd="/",
            stderr=subprocess.PIPE,
            env={**ENVIRONMENT, **({"SRA_CRASH_AT": crash_at} if crash_at else {})},
        )
        theirs.close()
        self._connect(ours)

    def _connect(self, ours: socket.socket) -> None:
        ours.settimeout(30)
        self.socket, self.file, self.events = ours, ours.makefile("rw"), []
        self.number = 0

    def ask(self, op: str, **more: Any) -> dict[str, Any]:
        """Send a request and return its reply; events that come before it are kept."""
        self.number += 1
        self.file.write(json.dumps({"id": self.number, "op": op, **more}) + "\n")
        self.file.flush()
        while True:
            message = self._message()
            if message.get("id") == self.number:
                return message
            self.events.append(message)

    def event(self, *kinds: str) -> dict[str, Any]:
        """Wait for an answer of one of these kinds."""
        while True:
            for number, message in enumerate(self.events):
                if message.get("kind") in kinds:
                    return self.events.pop(number)
            self.events.append(self._message())

    def _message(self) -> dict[str, Any]:
        line = self.file.readline()
        if not line:
            raise EOFError("the executor is gone")
        return json.loads(line)

    def hang_up(self) -> None:
        """Be gone, as an agent that died."""
        self.socket.shutdown(socket.SHUT_RDWR)
        self.file.close()
        self.socket.close()

    def end(self) -> int:
        """Hang up and wait for its end."""
        if not self.socket._closed:
            self.hang_up()
        code = self.process.wait(30)
        self.process.stderr.close()
        return code

    def kill(self) -> None:
        """kill -9, now."""
        self.process.send_signal(signal.SIGKILL)
        self.end()


class Attached(Executor):
    """An executor that somebody else started and that listens on a path."""

    def __init__(self, path: Path) -> None:
        ours = socket.socket(socket.AF_UNIX)
        ours.connect(str(path))
        self._connect(ours)

    def end(self) -> int:
        if not self.socket._closed:
            self.hang_up()
        return 0


class Host:
    """A folder with a policy, a state directory and a little ill service that a script restarts."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder, self.port = folder, port
        self.policy, self.state = folder / "policy.toml", folder / "state"
        self.counter, self.pidfile, self.script = folder / "count", folder / "pid", folder / "restart"
        self.executors: list[Executor] = []
        self.tokens = 0

    def restarts_by(self, script: str) -> None:
        """Write the program that the policy allows; each run leaves a line in the counter."""
        self.script.write_text(f"#!/bin/sh\necho run >> {self.counter}\n{script}\n")
        self.script.chmod(0o755)

    def serves(self) -> str:
        """Return the script that really starts the service as a daemon."""
        return (
            f"cd {self.folder}; setsid {sys.executable} -m http.server {self.port} --bind 127.0.0.1 "
            f">/dev/null 2>&1 </dev/null & echo $! > {self.pidfile}"
        )

    def write_policy(
        self, *, mode: str = "live", limits: str = LIMITS, more: str = "", check: str | None = None
    ) -> None:
        """Write the policy: one rule, for the service `web`."""
        check = check or f'{{ http = "http://127.0.0.1:{self.port}/" }}'
        self.policy.write_text(
            f'mode = "{mode}"\n{limits}'
            '[[allow]]\naction = "restart_service"\nservice = "web"\nplatform = "command"\n'
            f'argv = ["{self.script}"]\ntimeout = "20s"\npidfile = "{self.pidfile}"\ncheck = {check}\n{more}'
        )
        self.policy.chmod(0o600)

    def start(self, crash_at: str | None = None, under: tuple[str, ...] = ()) -> Executor:
        """Start an executor, by the command `under` if there is one."""
        self.executors.append(Executor(self.policy, self.state, crash_at=crash_at, under=under))
        return self.executors[-1]

    def task(self, **more: Any) -> dict[str, Any]:
        """Return a task with a fresh token."""
        self.tokens += 1
        return {
            "id": f"t{self.tokens}",
            "token": f"token-{self.tokens}",
            "kind": "plan",
            "remedy_id": "r1",
            "account_id": "a1",
            "action": "restart_service",
            "service": "web",
            "dry_run": False,
            **more,
        }

    def approve(self, executor: Executor, **more: Any) -> dict[str, Any]:
        """Plan, approve and hand over; return the execute task."""
        reply = executor.ask("plan", task=self.task(**more))
        task = self.task(kind="execute", digest=reply["ok"]["digest"], **more)
        assert executor.ask("execute", task=task)["ok"]["accepted"]
        return task

    @property
    def runs(self) -> int:
        """Return how often the policy's program was really run."""
        return self.counter.read_text().count("run") if self.counter.exists() else 0

    def close(self) -> None:
        """End everything that was started here."""
        for executor in self.executors:
            if executor.process.poll() is None:
                executor.process.kill()
            executor.end()
        if self.pidfile.exists():
            with contextlib.suppress(ProcessLookupError, ValueError):
                os.kill(int(self.pidfile.read_text()), signal.SIGKILL)


def eventually(found: Any, seconds: float = 10.0) -> bool:
    """Wait until `found()` is true."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found():
            return True
        time.sleep(0.05)
    return False


def which(name: str) -> str:
    """Return the path of a program."""
    found = shutil.which(name)
    assert found, f"{name} is not installed"
    return found
