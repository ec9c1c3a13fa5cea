"""Approvals: of the plan that was read, once; an expired plan is asked for anew."""
from __future__ import annotations

import asyncio
import contextlib

import pytest

from sra_sdk.errors import BadInput, IllegalMove
from sra_server.domain.record import MINUTE, SECOND
from sra_server.heal import approve
from sra_server.store import Store, incidents, remedies, timeline
from tests.unit.server import making
from tests.unit.server.making import NOW


def test_an_approval_replaces_the_token_and_takes_the_switch() -> None:
    after = approve.approved(making.planned(), digest="d1", actor="ann", dry_run=False, now=NOW + SECOND)
    assert (after.status, after.approved_by, after.dry_run) == ("approved", "ann", False)
    assert after.task_token not in (None, "token-one")


def test_an_approval_names_the_plan_that_was_read() -> None:
    with pytest.raises(BadInput) as raised:
        approve.approved(making.planned(), digest=None, actor="ann", dry_run=True, now=NOW)
    assert (raised.value.code, raised.value.http_status) == ("digest_required", 422)
    assert raised.value.hint


@pytest.mark.parametrize(("remedy", "digest", "code"), [
    (making.planned(), "d2", "plan_changed"),
    (making.remedy(), None, "no_plan_yet"),
    (making.remedy(preapproved_by="bob"), None, "no_plan_yet"),
    (making.planned(status="approved"), "d1", "already_decided"),
    (making.planned(status="rejected"), "d1", "already_decided"),
])
def test_what_cannot_be_approved(remedy, digest: str | None, code: str) -> None:
    with pytest.raises(IllegalMove) as raised:
        approve.approved(remedy, digest=digest, actor="ann", dry_run=True, now=NOW)
    assert raised.value.code == code


@pytest.mark.parametrize(("plan", "holds"), [
    (making.plan(), 10 * MINUTE),
    (making.plan(expires_at="2027-01-15T08:01:00+00:00"), MINUTE),
    (making.plan(expires_at="2027-01-15T20:00:00+00:00"), 10 * MINUTE),
    ({}, 10 * MINUTE),
])
def test_a_plan_holds_as_long_as_it_says_and_ten_minutes_at_most(plan: dict, holds: int) -> None:
    remedy = making.planned(plan=plan)
    assert not approve.expired(remedy, NOW + holds - 1)
    assert approve.expired(remedy, NOW + holds)
    # servers may differ by some seconds; a clock that was set back says nothing of a plan's age
    assert not approve.expired(remedy, NOW - MINUTE // 2)
    assert approve.expired(remedy, NOW - 2 * MINUTE)


def test_an_expired_plan_is_asked_for_anew_and_the_approval_waits() -> None:
    after = approve.approved(making.planned(), digest="d1", actor="ann", dry_run=False, now=NOW + 11 * MINUTE)
    assert (after.status, after.preapproved_by, after.approved_by) == ("proposed", "ann", None)
    assert after.plan_digest == "d1"
    assert after.task_token != "token-one"


async def test_of_twenty_clicks_one_counts(store: Store, account: str) -> None:
    async with store.writing() as conn:
        await incidents.apply(conn, account, [making.change()], ())
        await remedies.create(conn, account, making.planned(incident_id="inc_1"))

    async def click(number: int) -> bool:
        try:
            async with store.writing(urgent=True) as conn:
                await approve.approve(conn, account, "rem_1", digest="d1", actor=f"person {number}",
                                      dry_run=False, now=NOW + number)
        except IllegalMove as error:
            assert error.code == "already_decided"
            return False
        return True

    clicks = await asyncio.gather(*(click(number) for number in range(20)))
    assert clicks.count(True) == 1
    async with store.reading() as conn:
        told = [event for event in await timeline.of(conn, account, "inc_1") if event.kind == "approved"]
        assert [event.actor for event in told] == [f"person {clicks.index(True)}"]


async def test_reject_and_cancel_are_told_and_final(store: Store, account: str) -> None:
    async with store.writing() as conn:
        await incidents.apply(conn, account, [making.change()], ())
        await remedies.create(conn, account, making.planned(incident_id="inc_1"))
        no = await approve.withdraw(
            conn, account, "rem_1", "rejected", actor="ann", reason="not now", now=NOW
        )
        assert (no.status, no.reason, no.task_token) == ("rejected", "not now", None)
    with pytest.raises(IllegalMove, match="rejected and cannot become cancelled"):
        async with store.writing() as conn:
            await approve.withdraw(conn, account, "rem_1", "cancelled", actor="ann", reason=None, now=NOW)


async def test_the_end_of_an_incident_cancels_what_waits_and_not_what_runs(
    store: Store, account: str
) -> None:
    async with store.writing() as conn:
        await incidents.apply(conn, account, [making.change()], ())
        for name, status in (("a", "proposed"), ("b", "planned"), ("c", "approved"), ("d", "executing")):
            await remedies.create(conn, account, making.planned(id=name, status=status, incident_id="inc_1"))
        await approve.cancel_waiting(conn, account, "inc_1", reason="over", now=NOW + 1)
        found = await remedies.of_incident(conn, account, "inc_1")
    assert [r.status for r in found] == ["cancelled", "cancelled", "cancelled", "executing"]


async def test_an_approval_and_the_end_of_its_incident_never_wait_for_each_other(
    store: Store, account: str
) -> None:
    names = [f"{n:02}" for n in range(15)]
    async with store.writing() as conn:
        for name in names:
            found = making.change(incident=making.incident(id=f"inc_{name}"))
            await incidents.apply(conn, account, [found], ())
            await remedies.create(conn, account, making.planned(id=f"rem_{name}", incident_id=f"inc_{name}"))

    async def say_yes(name: str) -> None:
        with contextlib.suppress(IllegalMove):
            async with store.writing(urgent=True) as conn:
                await approve.approve(
                    conn, account, f"rem_{name}", digest="d1", actor="ann", dry_run=True, now=NOW
                )

    async def end(name: str) -> None:
        async with store.writing(urgent=True) as conn:
            await incidents.move(
                conn, account, f"inc_{name}", "resolved", at=NOW, actor="bob", kind="resolved", text="over"
            )
            await approve.cancel_waiting(conn, account, f"inc_{name}", reason="over", now=NOW + 1)

    await asyncio.gather(*(act(name) for name in names for act in (say_yes, end)))
    async with store.reading() as conn:
        for name in names:
            assert (await incidents.get(conn, account, f"inc_{name}")).status == "resolved"
            assert (await remedies.get(conn, account, f"rem_{name}")).status in ("approved", "cancelled")
