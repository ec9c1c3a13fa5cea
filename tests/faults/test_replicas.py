"""Many servers on one PostgreSQL, one of them killed again and again: nothing lost, nothing twice."""
from __future__ import annotations

import asyncio
import itertools
import json
import time
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import httpx
import pytest

from sra_server.store import Store, accounts, batches
from sra_server.store.batches import NewRecord
from tests.cluster import cluster
from tests.faults.extent import by_form, figure
from tests.faults.replicas import FAILING, Producer, Replica, replicas
from tests.services import needs

pytestmark = [needs("postgresql"), pytest.mark.xdist_group("replicas")]

SECONDS = by_form(11.0, 11.0, 120.0, whole=True)
KILL_EVERY = 5.0
PRODUCERS = 4


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with cluster() as url:
        yield url


@pytest.fixture
def database_url(server: str, request: pytest.FixtureRequest) -> str:
    """Give the URL of a database in which there is nothing at all."""
    name = f"sra_{abs(hash(request.node.name))}"

    async def make() -> None:
        conn = await asyncpg.connect(f"{server}/postgres")
        await conn.execute(f"CREATE DATABASE {name}")
        await conn.close()
    asyncio.run(make())
    return f"{server}/{name}"


async def sign_in(server: Replica) -> str:
    """Return a key of a new account."""
    async with httpx.AsyncClient(base_url=server.url, timeout=20) as http:
        made = await http.post("/auth/register", json={"email": "a@example.com", "password": "long enough"})
        bearer = {"Authorization": f"Bearer {made.json()['access_token']}"}
        return str((await http.post("/api-keys", headers=bearer, json={"name": "k"})).json()["key"])


async def kill_in_turn(servers: list[Replica], stop: asyncio.Event) -> int:
    """Kill one server every few seconds and start it again a second later; return how often."""
    for number in itertools.count():
        try:
            async with asyncio.timeout(KILL_EVERY - 1):
                await stop.wait()
            return number
        except TimeoutError:
            victim = servers[(number - 1) % len(servers)]  # the worker, which is the last, comes first
            victim.kill()
            await asyncio.sleep(1)
            victim.start()


async def folded(conn: asyncpg.Connection, seconds: float) -> None:
    """Wait until detection has read all."""
    async with asyncio.timeout(seconds):
        while await conn.fetchval("SELECT count(*) FROM heads WHERE head > cursor"):
            await asyncio.sleep(0.1)


@pytest.mark.timeout(SECONDS * 2 + 120)
async def test_nothing_is_lost_or_twice_while_servers_are_killed(database_url: str, tmp_path: Path) -> None:
    with replicas(database_url, tmp_path, ("api", "api", "worker")) as servers:
        for one in servers:
            await one.ready()
        key = await sign_in(servers[0])
        producers = [Producer(f"producer-{number}", key, servers[:2]) for number in range(PRODUCERS)]
        stop = asyncio.Event()
        asyncio.get_running_loop().call_later(SECONDS, stop.set)
        killed, *_ = await asyncio.gather(kill_in_turn(servers, stop), *(one.run(stop) for one in producers))
        conn = await asyncpg.connect(database_url)
        try:
            await folded(conn, 30)
            await check(conn, producers)
        finally:
            await conn.close()
    figure(f"two servers and a worker, one killed every {KILL_EVERY:.0f} s for {SECONDS:.0f} s",
           "0 lost, 0 duplicate rows, 0 duplicate incidents",
           f"0, 0 and 0 of {sum(one.lines for one in producers):,} lines; "
           f"{sum(one.resent for one in producers):,} sent again, {killed} kills")
    assert killed >= SECONDS // KILL_EVERY - 1


async def check(conn: asyncpg.Connection, producers: list[Producer]) -> None:
    """Every line once; one incident a failing service, which counts every error once; one message each."""
    for one in producers:
        numbers = await conn.fetch(
            "SELECT substring(message FROM 'line ([0-9]+)')::int AS n, count(*) AS times FROM records "
            "WHERE message LIKE $1 GROUP BY 1", f"%{one.name} line %")
        assert {row["times"] for row in numbers} == {1}
        assert {row["n"] for row in numbers} == set(range(one.lines))
    heads = [row["head"] for row in await conn.fetch("SELECT head FROM batches ORDER BY head")]
    assert heads == list(range(1, len(heads) + 1))
    assert len(heads) == sum(one.batches for one in producers)
    incidents = await conn.fetch("SELECT id, services FROM incidents")
    named = [service for row in incidents for service in json.loads(row["services"])]
    assert sorted(named) == sorted(FAILING)  # each in one incident; those that fail together share one
    state = json.loads(await conn.fetchval("SELECT state FROM heads"))
    assert sum(case["count"] for case in state["cases"].values()) == sum(one.errors for one in producers)
    opened = await conn.fetch("SELECT incident_id, count(*) AS n FROM incident_events WHERE kind = 'opened' "
                              "GROUP BY 1")
    assert sorted((row["incident_id"], row["n"]) for row in opened) == sorted(
        (row["id"], 1) for row in incidents)
    assert await conn.fetchval("SELECT count(*) FROM outbox WHERE kind = 'incident.opened'") == len(incidents)


async def test_a_killed_workers_accounts_are_taken_over(database_url: str, tmp_path: Path) -> None:
    with replicas(database_url, tmp_path, ("worker",)) as [holder]:
        await holder.ready()
        store = await Store.open(database_url)
        try:
            async with store.writing() as conn:
                await accounts.ensure_account(conn, "a", name="a", at=1)
            looking = await asyncpg.connect(database_url)
            await send(store)
            await folded(looking, 10)
            with replicas(database_url, tmp_path, ("worker",)) as [other]:
                await other.ready()
                for _ in range(10):
                    await send(store)
                    await asyncio.sleep(0.05)
                before = await looking.fetchval("SELECT owner FROM leases")
                holder.kill()
                await send(store)
                began = time.monotonic()
                await folded(looking, 10)
                took = time.monotonic() - began
                assert await looking.fetchval("SELECT owner FROM leases") != before
            await looking.close()
        finally:
            await store.close()
    assert took <= 6
    print(f"taken over after {took:.1f} s")


async def send(store: Store) -> None:
    now = time.time_ns() // 1000
    await batches.append(store, "a", received_at=now,
                         records=[NewRecord(at=now, level=40, message="connection refused", service="shop")])


async def test_a_batch_taken_in_at_one_server_wakes_the_worker_at_another(
        database_url: str, tmp_path: Path) -> None:
    """Five times: the worker looks by itself each second, and the median is far below that."""
    with replicas(database_url, tmp_path, ("worker",)) as [worker]:
        await worker.ready()
        store = await Store.open(database_url)
        looking = await asyncpg.connect(database_url)
        try:
            async with store.writing() as conn:
                await accounts.ensure_account(conn, "a", name="a", at=1)
            took = []
            for _ in range(7):
                await asyncio.sleep(1.3)
                began = time.monotonic()
                await send(store)
                while await looking.fetchval("SELECT count(*) FROM heads WHERE head > cursor"):
                    await asyncio.sleep(0.01)
                took.append(time.monotonic() - began)
        finally:
            await looking.close()
            await store.close()
    assert sorted(took)[3] < 0.4, took


async def test_five_servers_start_at_once_on_an_empty_database(database_url: str, tmp_path: Path) -> None:
    with replicas(database_url, tmp_path, ("all",) * 5) as servers:
        for one in servers:
            await one.ready()
        async with httpx.AsyncClient() as http:
            for one in servers:
                assert (await http.get(f"{one.url}/health")).status_code == 200
