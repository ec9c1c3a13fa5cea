"""Leases at work: one worker an account, taken over when its holder is gone, and a late one cannot commit."""
from __future__ import annotations

import asyncio

import pytest

from sra_server import rounds, tenancy
from sra_server.store import Store, heads, incidents, leases
from sra_server.store.incidents import Stale
from sra_server.tenancy import Tenancy
from sra_server.worker import Worker
from tests.services import needs
from tests.unit.server.test_worker import FAILURE, Context, send

pytestmark = [needs("postgresql"), pytest.mark.xdist_group("postgresql")]


@pytest.fixture
def database_url(empty_postgresql: str) -> str:
    """Only PostgreSQL has many workers."""
    return empty_postgresql


async def test_one_of_two_works_and_the_other_takes_over(
        store: Store, account: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tenancy, "LEASE", 0.5)
    monkeypatch.setattr(tenancy, "ASK", 0.05)
    context = Context(store)
    await send(context, account, FAILURE)
    holder, other = Worker(context), Worker(context)
    assert await holder.step(account)
    await send(context, account, FAILURE)
    assert not await other.step(account)
    async with asyncio.timeout(2):
        while not await other.step(account):
            await asyncio.sleep(0.02)
    assert other.counters.batches == 1


async def test_leases_given_back_need_not_run_out(store: Store, account: str) -> None:
    one, two = Tenancy(store), Tenancy(store)
    assert await one.enter(account)
    await one.leave()
    assert await two.enter(account)


async def test_a_worker_whose_lease_was_lost_cannot_commit(
        store: Store, account: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It reads and folds, sleeps through its lease, another works meanwhile, and then it writes."""
    context = Context(store)
    await send(context, account, FAILURE)
    late, other = Worker(context), Worker(context)
    folded = rounds.fold_all

    def slowly(*given):
        # the lease of the one that folds becomes another's at the worst moment
        asyncio.run_coroutine_threadsafe(_steal(store, account), loop).result(10)
        return folded(*given)

    loop = asyncio.get_running_loop()
    with monkeypatch.context() as patched:
        patched.setattr(rounds, "fold_all", slowly)
        assert not await late.step(account)
    assert late.tenancy.lost == 1
    async with store.reading() as conn:
        head = await heads.load(conn, account)
        assert head is not None and (head.cursor, head.state) == (0, None)
        assert await incidents.active(conn, account) == ()
    async with store.writing() as conn:
        await leases.release(conn, account, "thief")
    assert await other.step(account)
    async with store.reading() as conn:
        assert len(await incidents.active(conn, account)) == 1


async def _steal(store: Store, account: str) -> None:
    async with store.writing() as conn:
        now = await leases.clock(conn)
        assert await leases.take(conn, account, "thief", now=now + 60_000_000, until=now + 90_000_000)


async def test_a_tick_of_a_lost_lease_is_thrown_away_as_well(store: Store, account: str) -> None:
    one, two = Tenancy(store), Tenancy(store)
    assert await one.enter(account)
    await _steal(store, account)
    with pytest.raises(Stale):
        async with store.writing() as conn:
            await one.fence(conn, account)
    assert not await two.enter(account)


async def test_nobody_takes_a_lease_over_while_it_is_committed_under(store: Store, account: str) -> None:
    one = Tenancy(store)
    assert await one.enter(account)
    async with store.writing() as conn:
        await one.fence(conn, account)
        async with store.writing() as other:
            later = await leases.clock(other) + 60_000_000
            assert not await leases.take(other, account, "thief", now=later, until=later + 1)
    async with store.writing() as other:
        assert await leases.take(other, account, "thief", now=later, until=later + 1)


async def test_a_long_step_renews(store: Store, account: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tenancy, "LEASE", 0.6)
    monkeypatch.setattr(tenancy, "RENEW", 0.2)
    one, two = Tenancy(store), Tenancy(store)
    assert await one.enter(account)
    async with one.kept(account):
        await asyncio.sleep(1.2)
        assert not await two.enter(account)
    async with store.writing() as conn:
        await one.fence(conn, account)


async def test_an_account_won_again_is_won_under_a_new_name(store: Store, account: str) -> None:
    """So that what a worker began before it lost the lease does not pass as done under the new one."""
    one = Tenancy(store)
    assert await one.enter(account)
    first = one._held[account]
    await one.leave()
    assert await one.enter(account)
    assert one._held[account][0] != first[0]
