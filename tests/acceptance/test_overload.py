"""A full disk, a database that stands still or dies: 503, nothing acknowledged is lost, it goes on."""
from __future__ import annotations

import asyncio
import hashlib
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import asyncpg
import httpx
import pytest

from bench.postgres import cluster, programs
from sra_server.app import serving
from sra_server.config import ServerConfig
from tests.services import needs

#: How soon it must take batches again.
RECOVERS = 10.0


class Sender:
    """An agent's way of sending: numbered batches, the same again until it is acknowledged."""

    def __init__(self, client: httpx.AsyncClient, producer: str) -> None:
        self.client, self.producer, self.number, self.answers = client, producer, 1, dict[int, int]()

    async def once(self) -> httpx.Response | None:
        """Send the present batch once; on 200 go on to the next."""
        body = json.dumps({"host": "h", "logs": [
            {"message": f"{self.producer} {self.number} {line} " + "x" * 500, "service": "s"}
            for line in range(50)]}).encode()
        try:
            answer = await self.client.post("/ingest/batch", content=body, headers={
                "Content-Type": "application/json", "X-SRA-Producer": self.producer,
                "X-SRA-Sequence": str(self.number), "X-SRA-Digest": hashlib.sha256(body).hexdigest()})
        except httpx.TransportError:
            return None
        self.answers[answer.status_code] = self.answers.get(answer.status_code, 0) + 1
        if answer.status_code == 200:
            self.number += 1
        return answer

    @property
    def acknowledged(self) -> int:
        return (self.number - 1) * 50


async def signed_in(client: httpx.AsyncClient) -> None:
    session = await client.post("/auth/register", json={"email": "a@example.com", "password": "long enough"})
    key = await client.post("/api-keys", json={"name": "agent"},
                            headers={"Authorization": f"Bearer {session.json()['access_token']}"})
    client.headers["X-API-Key"] = key.json()["key"]


async def until_refused(senders: list[Sender], seconds: float = 60.0) -> httpx.Response:
    """Send until somebody is told to come back."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        for answer in await asyncio.gather(*(sender.once() for sender in senders)):
            if answer is not None and answer.status_code != 200:
                return answer
    raise AssertionError("nothing was refused")


async def until_taken(sender: Sender) -> float:
    """Send the same again until it is stored; return how long that took."""
    begun = time.monotonic()
    while True:
        answer = await sender.once()
        if answer is not None and answer.status_code == 200:
            return time.monotonic() - begun
        assert time.monotonic() - begun < 30, "it does not recover"
        await asyncio.sleep(0.2)


def told_to_wait(answer: httpx.Response) -> bool:
    return answer.status_code == 503 and int(answer.headers["Retry-After"]) >= 1 and "code" in answer.json()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", folder], check=True, timeout=10)
    yield folder
    subprocess.run(["umount", "-l", folder], check=True, timeout=10)


@needs("root")
async def test_a_full_disk_loses_nothing_that_was_acknowledged(small_disk: Path) -> None:
    ballast = small_disk / "ballast"
    ballast.write_bytes(b"\0" * (12 << 20))
    config = ServerConfig(port=0, data_dir=small_disk / "data")
    async with serving(config) as url, httpx.AsyncClient(base_url=url, timeout=30) as client:
        await signed_in(client)
        senders = [Sender(client, f"p{n}") for n in range(4)]
        refused = await until_refused(senders)
        assert told_to_wait(refused), refused.text
        assert (await client.get("/health")).status_code in (200, 503)
        ballast.unlink()
        for sender in senders:
            assert await until_taken(sender) <= RECOVERS
        with closing(sqlite3.connect(small_disk / "data" / "sra.db")) as conn:
            n, distinct = conn.execute("SELECT count(*), count(DISTINCT message) FROM records").fetchone()
            assert conn.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert n == distinct == sum(sender.acknowledged for sender in senders)


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with cluster() as url:
        yield url


async def folder_of(server: str) -> Path:
    conn = await asyncpg.connect(f"{server}/postgres")
    folder = await conn.fetchval("SHOW data_directory")
    await conn.execute("DROP DATABASE IF EXISTS sra WITH (FORCE)")
    await conn.execute("CREATE DATABASE sra")
    await conn.close()
    return Path(folder)


async def stored(server: str, database: str = "sra") -> tuple[int, int]:
    conn = await asyncpg.connect(f"{server}/{database}")
    row = await conn.fetchrow("SELECT count(*), count(DISTINCT message) FROM records")
    await conn.close()
    return row[0], row[1]


@needs("root", "postgresql")
@pytest.mark.xdist_group("postgresql")
async def test_a_full_disk_under_postgresql_loses_nothing_that_was_acknowledged(
        server: str, small_disk: Path, tmp_path: Path) -> None:
    """The tables' disk is full; the database's own log lies elsewhere, so that the database itself lives."""
    small_disk.parent.chmod(0o711)
    for above in small_disk.parents:
        if str(above).startswith(tempfile.gettempdir() + "/"):
            above.chmod(0o711)
    small_disk.chmod(0o700)
    shutil.chown(small_disk, "postgres")
    conn = await asyncpg.connect(f"{server}/postgres")
    await conn.execute(f"CREATE TABLESPACE small LOCATION '{small_disk}'")
    await conn.execute("CREATE DATABASE full_disk TABLESPACE small")
    await conn.close()
    ballast = small_disk / "ballast"
    ballast.write_bytes(b"\0" * (10 << 20))
    config = ServerConfig(port=0, data_dir=tmp_path / "data", database_url=f"{server}/full_disk")
    async with serving(config) as url, httpx.AsyncClient(base_url=url, timeout=30) as client:
        await signed_in(client)
        senders = [Sender(client, f"p{n}") for n in range(4)]
        refused = await until_refused(senders)
        assert told_to_wait(refused), refused.text
        ballast.unlink()
        for sender in senders:
            assert await until_taken(sender) <= RECOVERS
        assert await stored(server, "full_disk") == (sum(sender.acknowledged for sender in senders),) * 2
    conn = await asyncpg.connect(f"{server}/postgres")
    await conn.execute("DROP DATABASE full_disk WITH (FORCE)")
    await conn.execute("DROP TABLESPACE small")
    await conn.close()


def processes(postmaster: int) -> list[int]:
    """Return the server's main process and its children."""
    children = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split()
    return [postmaster, *map(int, children)]


@needs("postgresql")
@pytest.mark.xdist_group("postgresql")
async def test_a_database_that_stands_still_loses_nothing_and_is_used_again(
        server: str, tmp_path: Path) -> None:
    folder = await folder_of(server)
    config = ServerConfig(port=0, data_dir=tmp_path, database_url=f"{server}/sra")
    async with serving(config) as url, httpx.AsyncClient(base_url=url, timeout=30) as client:
        await signed_in(client)
        senders = [Sender(client, f"p{n}") for n in range(4)]
        for _ in range(5):
            await asyncio.gather(*(sender.once() for sender in senders))
        stopped = processes(int((folder / "postmaster.pid").read_text().splitlines()[0]))
        for number in stopped:
            os.kill(number, signal.SIGSTOP)
        try:
            client.timeout = httpx.Timeout(20.0)
            answers = await asyncio.gather(*(sender.once() for sender in senders))
            assert all(answer is not None and told_to_wait(answer) for answer in answers), answers
        finally:
            for number in stopped:
                os.kill(number, signal.SIGCONT)
        client.timeout = httpx.Timeout(30.0)
        for sender in senders:
            assert await until_taken(sender) <= RECOVERS
        n, distinct = await stored(server)
        assert n == distinct == sum(sender.acknowledged for sender in senders)


@needs("postgresql")
@pytest.mark.xdist_group("postgresql")
async def test_a_database_that_is_restarted_again_and_again_loses_nothing(
        server: str, tmp_path: Path) -> None:
    folder = await folder_of(server)
    as_user = {"user": "postgres", "extra_groups": []} if os.geteuid() == 0 else {}
    config = ServerConfig(port=0, data_dir=tmp_path, database_url=f"{server}/sra")
    port = server.rsplit(":", 1)[1]
    restart = [str(programs() / "pg_ctl"), "-D", str(folder), "-m", "immediate", "-w", "-l",
               str(folder / "log"), "-o", f"-p {port} -h 127.0.0.1 -k {folder.parent}", "restart"]
    async with serving(config) as url, httpx.AsyncClient(base_url=url, timeout=30) as client:
        await signed_in(client)
        senders, done = [Sender(client, f"p{n}") for n in range(4)], asyncio.Event()

        async def send(sender: Sender) -> None:
            while not done.is_set():
                answer = await sender.once()
                if answer is None or answer.status_code != 200:
                    assert answer is None or told_to_wait(answer), answer.text
                    await asyncio.sleep(0.1)

        sending = [asyncio.create_task(send(sender)) for sender in senders]
        for _ in range(4):
            await asyncio.sleep(0.5)
            await asyncio.to_thread(subprocess.run, restart, check=True, timeout=60, cwd="/",
                                    stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **as_user)
            waited = time.monotonic()
            number = senders[0].number
            while senders[0].number == number:
                await asyncio.sleep(0.05)
                assert time.monotonic() - waited <= RECOVERS / 2
        done.set()
        await asyncio.gather(*sending)
        for sender in senders:
            await until_taken(sender)
        n, distinct = await stored(server)
        assert n == distinct == sum(sender.acknowledged for sender in senders)
