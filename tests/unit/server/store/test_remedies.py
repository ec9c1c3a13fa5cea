"""Remedies at rest: compare-and-swap lets one win, whoever races."""
from __future__ import annotations

import asyncio

import pytest

from sra_sdk.errors import NotFound
from sra_server.domain.remedy import Remedy
from sra_server.store import Store, incidents, remedies
from tests.unit.server import making
from tests.unit.server.making import NOW


async def stored(store: Store, account: str, *found: Remedy) -> None:
    async with store.writing() as conn:
        for each in found:
            await remedies.create(conn, account, each)


async def test_a_remedy_comes_back_as_it_was(store: Store, account: str) -> None:
    full = making.planned(
        parameters={"n": 1},
        outcome={"status": "succeeded"},
        approved_by="ann",
        reason="why",
        preapproved_by="bob",
        dry_run=False,
    )
    await stored(store, account, full)
    async with store.reading() as conn:
        assert await remedies.get(conn, account, "rem_1") == full
        with pytest.raises(NotFound):
            await remedies.get(conn, "account-2", "rem_1")


async def test_of_twenty_swaps_one_wins(store: Store, account: str) -> None:
    before = making.planned()
    await stored(store, account, before)

    async def approve(number: int) -> bool:
        async with store.writing(urgent=True) as conn:
            return await remedies.swap(conn, account, before, before.move(
                "approved", NOW + 1 + number, task_token=f"t{number}", approved_by=str(number)))

    won = await asyncio.gather(*(approve(number) for number in range(20)))
    assert won.count(True) == 1
    async with store.reading() as conn:
        after = await remedies.get(conn, account, "rem_1")
    assert after.approved_by == str(won.index(True))


async def test_a_swap_over_another_token_or_time_loses(store: Store, account: str) -> None:
    before = making.remedy()
    await stored(store, account, before)
    for other in (making.remedy(task_token="another"), making.remedy(task_token=None),
                  making.remedy(updated_at=NOW + 1), making.remedy(status="planned")):
        async with store.writing() as conn:
            assert not await remedies.swap(conn, account, other, other.move("cancelled", NOW + 2))
    async with store.writing() as conn:
        assert not await remedies.swap(conn, "account-2", before, before.move("cancelled", NOW + 2))


async def test_lists(store: Store, account: str) -> None:
    async with store.writing() as conn:
        await incidents.apply(conn, account, [making.change()], ())
    await stored(store, account, making.remedy(id="a", incident_id="inc_1"),
                 making.remedy(id="b", host="web-2", created_at=NOW + 1),
                 making.remedy(id="c", status="succeeded", created_at=NOW + 2, updated_at=NOW + 2))
    async with store.reading() as conn:
        assert [r.id for r in await remedies.of_incident(conn, account, "inc_1")] == ["a"]
        assert [r.id for r in await remedies.in_status(conn, account, ("proposed",))] == ["a", "b"]
        assert [r.id for r in await remedies.in_status(conn, account, ("proposed",), host="web-2")] == ["b"]
        found, cursor = await remedies.page(conn, account, remedies.Filter(), limit=2)
        assert [r.id for r in found] == ["c", "b"]
        found, cursor = await remedies.page(conn, account, remedies.Filter(), limit=2, cursor=cursor)
        assert ([r.id for r in found], cursor) == (["a"], None)
        assert await remedies.accounts_at_work(conn, since=NOW + 5) == [account]
    async with store.writing() as conn:
        for each in await remedies.in_status(conn, account, ("proposed",)):
            assert await remedies.swap(conn, account, each, each.move("cancelled", NOW + 3))
        assert await remedies.accounts_at_work(conn, since=NOW + 5) == []
