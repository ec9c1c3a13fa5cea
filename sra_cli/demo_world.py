"""Everything that `sra demo` sets up and takes down: a folder, free ports, and real processes.

From demo; to `sra serve`, `sra agent run` and demo_shop, each a process group of its own, ended in `close`
whatever happened before.
"""
from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from http.client import HTTPException
from pathlib import Path

from sra_sdk.errors import SraError

from . import demo_shop
from .demo_shop import HOST, ask

SERVICE = Path(demo_shop.__file__)
#: Seconds between two orders; so many a second make a log that looks lived in.
PACE = 0.15
_PORTS = range(20_000, 32_000)  # Linux gives those from 32,768 on to outgoing connections

SRA_TOML = """\
# Written by `sra demo`.
[server]
host = "127.0.0.1"
port = {server}

[services.shop]
depends_on = ["inventory"]

[agent]
host = "demo-host"
files = [{files}]
metrics_seconds = 2.0
from_start = true
state_dir = {state}
policy = {policy}
executor = "child"

[[agent.probes]]
name = "inventory-health"
service = "inventory"
http = "http://127.0.0.1:{inventory}/health"
seconds = 1.0
timeout = 1.0

[[agent.probes]]
name = "shop-health"
service = "shop"
http = "http://127.0.0.1:{shop}/health"
seconds = 1.0
timeout = 1.0
"""

POLICY = """\
# Written by `sra demo`: what may be done on this host. Nothing else may.
mode = "live"

[verify]
window = "3s"

[[allow]]
action = "restart_service"
service = "inventory"
platform = "command"
argv = {argv}
timeout = "15s"
check = {{ http = "http://127.0.0.1:{inventory}/health" }}
pidfile = {pidfile}
"""


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on now.

    They lie below those that the system gives to outgoing connections: the service that the demo kills must
    find its port free when it comes back.
    """
    with contextlib.ExitStack() as held:
        found: list[int] = []
        for port in random.sample(_PORTS, len(_PORTS)):
            probe = held.enter_context(socket.socket())
            with contextlib.suppress(OSError):
                probe.bind((HOST, port))
                found.append(port)
            if len(found) == count:
                return found
    raise SraError(f"fewer than {count} ports between {_PORTS[0]} and {_PORTS[-1]} are free on {HOST}",
                   hint="end what listens there, and run the demo again")


def environment() -> dict[str, str]:
    """This process's environment without what would point the demo at somebody's real server or database."""
    from sra_server.config import ORIGINAL_NAMES
    known = set(ORIGINAL_NAMES.values())
    return {name: value for name, value in os.environ.items()
            if not name.startswith("SRA_") and name not in known}


class World:
    """The processes of one demo. Use it as a context manager."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.server_port, self.inventory_port, self.shop_port = free_ports(3)
        self.url = f"http://{HOST}:{self.server_port}"
        self.pidfile = folder / "inventory.pid"
        self.inventory_log, self.shop_log = folder / "inventory.log", folder / "shop.log"
        self.killed: int | None = None
        self.orders = {"served": 0, "failed": 0}
        self.last_served = 0.0
        self._processes: list[tuple[str, subprocess.Popen[bytes]]] = []
        self._stop = threading.Event()

    def __enter__(self) -> World:
        return self

    def __exit__(self, *problem: object) -> None:
        # from here on only the taking down matters; a second Ctrl-C must not leave processes behind
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            self.close()
        finally:
            signal.signal(signal.SIGINT, before)

    def write(self) -> None:
        """Write sra.toml and the host's policy, readable by nobody else."""
        quoted = {name: json.dumps(str(self.folder / name)) for name in ("agent", "policy.toml")}
        files = ", ".join(json.dumps(f"{name}={path}") for name, path in (
            ("shop", self.shop_log), ("inventory", self.inventory_log)))
        argv = [os.path.abspath(sys.executable), str(SERVICE.resolve()), "start", "--port",
                str(self.inventory_port), "--pidfile", str(self.pidfile), "--log", str(self.inventory_log)]
        ports = {"server": self.server_port, "inventory": self.inventory_port, "shop": self.shop_port}
        for name, text in (
            ("sra.toml", SRA_TOML.format(
                files=files, state=quoted["agent"], policy=quoted["policy.toml"], **ports)),
            ("policy.toml", POLICY.format(argv=json.dumps(argv), inventory=self.inventory_port,
                                          pidfile=json.dumps(str(self.pidfile)))),
            ("ports.json", json.dumps(ports)),
        ):
            path = self.folder / name
            path.write_text(text, "utf-8")
            path.chmod(0o600)

    def start(self, name: str, *argv: str, key: str | None = None) -> None:
        """Start a process whose output goes to a file of the folder."""
        extra = {"SRA_API_KEY": key} if key else {}
        with open(self.folder / f"{name}.out", "ab") as out:
            process = subprocess.Popen(
                [sys.executable, *argv], stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd=self.folder,
                env={**environment(), **extra}, start_new_session=True)
        self._processes.append((name, process))

    def start_services(self) -> None:
        """Start the inventory, the shop and the customers."""
        self.start("inventory", str(SERVICE), "inventory", "--port", str(self.inventory_port),
                   "--pidfile", str(self.pidfile), "--log", str(self.inventory_log))
        self.start("shop", str(SERVICE), "shop", "--port", str(self.shop_port), "--log", str(self.shop_log),
                   "--inventory", f"{HOST}:{self.inventory_port}")
        threading.Thread(target=self._customers, daemon=True).start()

    def start_server(self) -> None:
        """Start `sra serve` on the folder's sra.toml."""
        self.start("server", "-m", "sra_cli", "serve", "--host", HOST, "--port", str(self.server_port),
                   "--data-dir", str(self.folder / "data"))

    def start_agent(self, key: str) -> None:
        """Start `sra agent run`, which starts the executor."""
        self.start("agent", "-m", "sra_cli", "agent", "run", "--config", str(self.folder / "sra.toml"),
                   "--server", self.url, key=key)

    def _customers(self) -> None:
        items = ("tea", "coffee", "cocoa")
        number = 0
        while not self._stop.wait(PACE):
            number += 1
            try:
                served = ask(f"{HOST}:{self.shop_port}", f"/order/{items[number % 3]}", 3.0)[0] == 200
            except (OSError, HTTPException, ValueError):
                served = False
            self.orders["served" if served else "failed"] += 1
            if served:
                self.last_served = time.monotonic()

    def kill_inventory(self) -> int:
        """Kill the inventory as a crash does: no warning, no clean end."""
        pid = demo_shop.running(str(self.pidfile))
        if pid is None:
            raise SraError("the inventory of the demo does not run", hint=self.tail("inventory"))
        (self.folder / "killed.pid").write_text(f"{pid}\n", "ascii")
        os.kill(pid, signal.SIGKILL)
        self.killed = pid
        for name, process in self._processes:
            if name == "inventory":
                process.wait(5)
        return pid

    def check(self) -> None:
        """Raise when a process that must run has ended."""
        for name, process in self._processes:
            if process.poll() is not None and process.pid != self.killed:
                raise SraError(f"the {name} of the demo ended with {process.returncode}",
                               hint=self.tail(name))

    def tail(self, name: str, lines: int = 12) -> str:
        """The end of what a process printed."""
        try:
            text = (self.folder / f"{name}.out").read_text("utf-8", "replace")
        except OSError:
            text = ""
        last = "\n".join(text.splitlines()[-lines:])
        return f"its last output:\n{last}" if last else "it printed nothing"

    def close(self) -> None:
        """End every process that was started, and the inventory that the repair started."""
        self._stop.set()
        agents = [process for name, process in self._processes if name == "agent"]
        _end(agents)  # first, while the server still takes what it has to send
        for process in agents:  # and an executor that outlived it
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
        _end([process for name, process in self._processes if name != "agent"])
        demo_shop.end(str(self.pidfile))


def _end(processes: list[subprocess.Popen[bytes]]) -> None:
    """End process groups: politely, then surely."""
    for number, seconds in ((signal.SIGTERM, 6.0), (signal.SIGKILL, 2.0)):
        living = [process for process in processes if process.poll() is None]
        for process in living:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, number)
        until = time.monotonic() + seconds
        while any(process.poll() is None for process in living) and time.monotonic() < until:
            time.sleep(0.03)
