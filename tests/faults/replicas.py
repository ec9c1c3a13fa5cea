"""Real `sra serve` processes on one PostgreSQL, and producers that number what they send. For the faults."""
from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from tests.ports import free_port

FAILING = ("checkout", "inventory", "billing")


@dataclass
class Replica:
    """One server process of a role; killed and started again at the same port."""

    role: str
    database_url: str
    folder: Path
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def output(self) -> Path:
        return self.folder / f"{self.role}-{self.port}.log"

    def start(self) -> None:
        """Start it; do not wait until it is ready."""
        with self.output.open("ab") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "sra_cli", "serve", "--role", self.role, "--port", str(self.port),
                 "--database-url", self.database_url],
                cwd=self.folder, stdout=out, stderr=out,
                env={**os.environ, "SRA_QUIET_SECONDS": "600", "SRA_WEBHOOK_URL": "http://127.0.0.1:9/x"})

    async def ready(self) -> None:
        """Wait for its first line."""
        async with asyncio.timeout(30):
            while b"SRA listens" not in (said := self.output.read_bytes()) and b"SRA works" not in said:
                assert self.process is not None and self.process.poll() is None, said.decode()
                await asyncio.sleep(0.05)

    def kill(self) -> None:
        """End it at once, as a crash does."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                self.process.send_signal(signal.SIGKILL)
            self.process.wait()


@contextmanager
def replicas(database_url: str, folder: Path, roles: Sequence[str]) -> Iterator[list[Replica]]:
    """Start servers of these roles all at once; end them with the block."""
    made = [Replica(role, database_url, folder) for role in roles]
    try:
        for one in made:
            one.start()
        yield made
    finally:
        for one in made:
            one.kill()


@dataclass
class Producer:
    """Sends sealed batches of numbered lines, each until it is acknowledged, to whichever server answers."""

    name: str
    key: str
    servers: Sequence[Replica]
    lines: int = 0
    errors: int = 0
    batches: int = 0
    resent: int = 0

    async def run(self, stop: asyncio.Event, *, size: int = 50) -> None:
        """Send until told to stop; what was begun is finished."""
        async with httpx.AsyncClient(timeout=10, headers={"X-API-Key": self.key}) as http:
            while not stop.is_set():
                await self._deliver(http, self._batch(size))

    def _batch(self, size: int) -> bytes:
        logs = [{"level": "info", "message": f"{self.name} line {self.lines + number}"}
                for number in range(size)]
        service = FAILING[self.batches % len(FAILING)]
        if self.batches % 4 == 0:
            logs[0] = {"level": "error", "service": service, "message":
                       f"{service}.service: Main process exited, code=killed, status=9/KILL "
                       f"({self.name} line {self.lines})"}
            self.errors += 1
        self.lines += size
        self.batches += 1
        return json.dumps({"service": "shop", "host": "web-1", "logs": logs}).encode()

    async def _deliver(self, http: httpx.AsyncClient, body: bytes) -> None:
        headers = {"X-SRA-Producer": self.name, "X-SRA-Sequence": str(self.batches),
                   "X-SRA-Digest": hashlib.sha256(body).hexdigest(), "Content-Type": "application/json"}
        attempt = self.batches
        while True:
            attempt += 1
            server = self.servers[attempt % len(self.servers)]
            try:
                answer = await http.post(f"{server.url}/ingest/logs", content=body, headers=headers)
            except httpx.HTTPError:
                self.resent += 1
                await asyncio.sleep(0.05)
                continue
            if answer.status_code == 200:
                return
            assert answer.status_code in (429, 503), answer.text
            self.resent += 1
            await asyncio.sleep(0.1)
