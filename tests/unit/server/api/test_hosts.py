"""/hosts says within seconds that an agent is gone, at every server, and never that a healthy one is."""
from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

import httpx
import pytest

from sra_server import app
from sra_server.api import agent
from sra_server.config import ServerConfig
from sra_server.domain.record import SECOND
from sra_server.store import hosts

POLL = "/agent/tasks?host=web-1&wait=25"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a tenth of the seconds pass, after seeing that the true ones keep the promise."""
    assert agent.LOOK + hosts.BACK / SECOND <= 15 and agent.LOOK < agent.LATE < hosts.BACK / SECOND
    monkeypatch.setattr(agent, "LOOK", agent.LOOK / 10)
    monkeypatch.setattr(agent, "LATE", agent.LATE / 10)
    monkeypatch.setattr(hosts, "BACK", hosts.BACK // 10)


@contextlib.asynccontextmanager
async def client(url: str, key: str) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=url, headers={"X-API-Key": key}, timeout=40) as made:
        yield made


async def key_of(url: str) -> str:
    async with httpx.AsyncClient(base_url=url) as http:
        made = await http.post("/auth/register", json={"email": "a@example.com", "password": "long enough"})
        http.headers["Authorization"] = f"Bearer {made.json()['access_token']}"
        return str((await http.post("/api-keys", json={"name": "k"})).json()["key"])


async def poll(http: httpx.AsyncClient) -> None:
    with contextlib.suppress(httpx.HTTPError):
        await http.get(POLL)


async def hang_up(waiting: asyncio.Task[None]) -> None:
    waiting.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await waiting


async def online(http: httpx.AsyncClient) -> bool:
    return bool((await http.get("/hosts/web-1")).json()["online"])


async def gone_after(http: httpx.AsyncClient) -> float:
    began = time.monotonic()
    while await online(http):
        assert time.monotonic() - began < 10
        await asyncio.sleep(0.05)
    return time.monotonic() - began


@pytest.fixture
async def servers(database_url: str, tmp_path: object) -> AsyncIterator[list[str]]:
    """Two servers on one PostgreSQL, or one on its SQLite file."""
    one = ServerConfig(port=0, database_url=database_url)
    async with contextlib.AsyncExitStack() as stack:
        n = 1 if database_url.startswith("sqlite") else 2
        yield [await stack.enter_async_context(app.serving(one)) for _ in range(n)]


async def test_a_killed_agent_is_soon_offline_at_every_server(servers: list[str]) -> None:
    key = await key_of(servers[0])
    async with client(servers[0], key) as here, client(servers[-1], key) as there:
        await here.post("/agent/hello", json={"host": "web-1", "agent_version": "1", "boot_id": "b"})
        seen = (await there.get("/hosts/web-1")).json()["last_seen"]
        waiting = asyncio.create_task(poll(here))
        await asyncio.sleep(1.5)
        assert await online(here) and await online(there)
        await here.post("/agent/hello", json={"host": "web-1", "agent_version": "1", "boot_id": "b"})
        await hang_up(waiting)
        assert 0.5 < await gone_after(there) < 3.0
        assert not await online(here) and (await here.get("/status")).json()["hosts_online"] == 0
        assert (await there.get("/hosts/web-1")).json()["last_seen"] > seen  # what is told stays true
        waiting = asyncio.create_task(poll(there))
        await asyncio.sleep(0.5)
        assert await online(here) and await online(there)
        await hang_up(waiting)


async def test_an_agent_that_connects_anew_is_never_offline(servers: list[str]) -> None:
    key = await key_of(servers[0])
    async with client(servers[0], key) as here, client(servers[-1], key) as there:
        await here.post("/agent/hello", json={"host": "web-1", "agent_version": "1", "boot_id": "b"})
        until, said = time.monotonic() + 6.0, []
        waiting, n = asyncio.create_task(poll(here)), 0
        while time.monotonic() < until:
            if n % 12 == 11:  # its connection breaks, and the next one goes to the other server at once
                await hang_up(waiting)
                waiting = asyncio.create_task(poll(there if n % 24 == 11 else here))
            said.append(await online(here))
            await asyncio.sleep(0.1)
            n += 1
        await asyncio.sleep(2.0)  # the last one stays, and the end of the one before was noted late
        said.append(await online(there))
        assert all(said) and len(said) > 20
        await hang_up(waiting)
