"""Two servers race for every approval and every execution: one decision, one claim."""
from __future__ import annotations

import asyncio
import statistics
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from sra_server.store import Store, remedies
from tests.cluster import cluster
from tests.fakes.host import ScriptedHost
from tests.faults.extent import by_form, figure
from tests.faults.replicas import replicas
from tests.services import needs
from tests.unit.server import making

pytestmark = [needs("postgresql"), pytest.mark.xdist_group("replicas")]

RACES = by_form(50, 150, 10_000)


@pytest.fixture
def database_url() -> Iterator[str]:
    with cluster() as server:
        yield f"{server}/postgres"


@pytest.mark.timeout(120 + RACES // 10)
async def test_one_decision_and_one_claim(database_url: str, tmp_path: Path) -> None:
    """The host polls both servers all the time, and each plan is approved at both at once."""
    with replicas(database_url, tmp_path, ("api", "api")) as servers:
        for server in servers:
            await server.ready()
        async with (httpx.AsyncClient(base_url=servers[0].url, timeout=30) as one,
                    httpx.AsyncClient(base_url=servers[1].url, timeout=30) as two):
            made = (await one.post("/auth/register", json={
                "email": "a@example.com", "password": "long enough"})).json()
            for client in (one, two):
                client.headers["Authorization"] = f"Bearer {made['access_token']}"
            key = (await one.post("/api-keys", json={"name": "host"})).json()["key"]
            await ScriptedHost(one).announce()
            account = await plant(database_url)
            assert account
            handed: Counter[str] = Counter()
            at: dict[str, float] = {}
            polling = [asyncio.create_task(poll(server.url, key, handed, at)) for server in servers]
            delays = []
            for number in range(RACES):
                remedy_id = f"rem_{number}"
                answers = await asyncio.gather(*(
                    client.post(f"/remedies/{remedy_id}/approve", json={"digest": "d1"})
                    for client in (one, two)))
                assert sorted(answer.status_code for answer in answers) == [200, 409], answers[0].text
                approved = time.monotonic()
                async with asyncio.timeout(10):
                    while remedy_id not in at:
                        await asyncio.sleep(0.002)
                delays.append(at[remedy_id] - approved)
            await asyncio.sleep(0.3)
            for task in polling:
                task.cancel()
            await asyncio.gather(*polling, return_exceptions=True)
    figure("two servers race for one approval and one execution", "1 decision, 1 claim, 0 double runs",
           f"{len(handed):,} of {RACES:,} handed to the host, {sum(handed.values()) - len(handed)} twice; "
           f"median {statistics.median(delays) * 1000:.0f} ms after the approval")
    assert len(handed) == RACES
    assert set(handed.values()) == {1}


async def test_an_approval_at_one_server_wakes_the_poll_at_the_other(
        database_url: str, tmp_path: Path) -> None:
    with replicas(database_url, tmp_path, ("api", "api")) as servers:
        for server in servers:
            await server.ready()
        async with httpx.AsyncClient(base_url=servers[0].url, timeout=30) as here:
            made = (await here.post("/auth/register", json={
                "email": "a@example.com", "password": "long enough"})).json()
            here.headers["Authorization"] = f"Bearer {made['access_token']}"
            key = (await here.post("/api-keys", json={"name": "host"})).json()["key"]
            await ScriptedHost(here).announce()
            await plant(database_url, 7)
            handed: Counter[str] = Counter()
            at: dict[str, float] = {}
            polling = asyncio.create_task(poll(servers[1].url, key, handed, at))
            took = []
            for number in range(7):
                await asyncio.sleep(0.7)  # the poll is asleep
                began = time.monotonic()
                await here.post(f"/remedies/rem_{number}/approve", json={"digest": "d1"})
                async with asyncio.timeout(10):
                    while f"rem_{number}" not in at:
                        await asyncio.sleep(0.002)
                took.append(at[f"rem_{number}"] - began)
            polling.cancel()
            await asyncio.gather(polling, return_exceptions=True)
    assert statistics.median(took) < 0.3, took


async def plant(url: str, count: int = RACES) -> str:
    """Store remedies whose plans wait for approval; return the account."""
    store = await Store.open(url)
    try:
        async with store.writing() as conn:
            account = str(await conn.scalar(remedies.remedies.metadata.tables["accounts"].select()))
            now = time.time_ns() // 1000
            for number in range(count):
                await remedies.create(conn, account, making.planned(
                    id=f"rem_{number}", task_token=f"token-{number}", created_at=now, updated_at=now))
    finally:
        await store.close()
    return account


async def poll(url: str, key: str, handed: Counter[str], at: dict[str, float]) -> None:
    """Poll as a host does, and note what it is given to execute."""
    async with httpx.AsyncClient(base_url=url, headers={"X-API-Key": key}, timeout=30) as http:
        while True:
            answer = await http.get("/agent/tasks", params={"host": "web-1", "wait": 25})
            assert answer.status_code == 200, answer.text
            for task in answer.json()["tasks"]:
                assert task["kind"] == "execute"
                handed[task["remedy_id"]] += 1
                at[task["remedy_id"]] = time.monotonic()
