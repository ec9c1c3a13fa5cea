"""The hand-over: once, not after the approval is void, and narrowed by the switch as it stands."""
from __future__ import annotations

import asyncio

import pytest

from sra_server.domain.record import MINUTE, SECOND
from sra_server.heal import lease
from sra_server.store import Store, remedies
from tests.unit.server import making
from tests.unit.server.making import NOW


def test_a_plan_is_asked_without_a_digest_and_an_execution_with_it() -> None:
    asked = lease.task_of("a", making.remedy(parameters={"n": 2}))
    assert (asked.kind, asked.digest, asked.token, asked.parameters) == ("plan", None, "token-one", {"n": 2})
    ordered = lease.task_of("a", making.planned(status="leased", dry_run=False, approved_by="ann"))
    assert (ordered.kind, ordered.digest, ordered.dry_run, ordered.approved_by) == (
        "execute",
        "d1",
        False,
        "ann",
    )
    assert ordered.id.startswith("rem_1.")
    assert len(ordered.id) <= 64


async def test_of_many_pollers_one_gets_it(store: Store, account: str) -> None:
    approved = making.planned(status="approved", dry_run=False)
    async with store.writing() as conn:
        await remedies.create(conn, account, approved)

    async def poll() -> bool:
        async with store.writing(urgent=True) as conn:
            return await lease.hand_over(conn, account, approved, dry_run=False, now=NOW + SECOND) is not None

    assert sum(await asyncio.gather(*(poll() for _ in range(10)))) == 1
    async with store.reading() as conn:
        assert (await remedies.get(conn, account, "rem_1")).status == "leased"
        assert await lease.waiting(conn, account, "web-1") == []


async def test_the_switch_thrown_after_the_approval_still_narrows(store: Store, account: str) -> None:
    approved = making.planned(status="approved", dry_run=False)
    async with store.writing() as conn:
        await remedies.create(conn, account, approved)
        task = await lease.hand_over(conn, account, approved, dry_run=True, now=NOW + SECOND)
        assert task is not None
        assert task.dry_run
        assert (await remedies.get(conn, account, "rem_1")).dry_run


@pytest.mark.parametrize("waited", [10 * MINUTE, -2 * MINUTE, -10 * 365 * 24 * 60 * MINUTE])
async def test_a_void_approval_is_not_handed_over(store: Store, account: str, waited: int) -> None:
    """Nor one that was given in the future, for then the clock was set back and nobody knows its age."""
    approved = making.planned(status="approved", dry_run=False)
    async with store.writing() as conn:
        await remedies.create(conn, account, approved)
        assert await lease.hand_over(conn, account, approved, dry_run=False, now=NOW + waited) is None
        assert (await remedies.get(conn, account, "rem_1")).status == "approved"
