"""What follows a verdict: an incident ends, goes back to people, or had ended already; and never twice."""
from __future__ import annotations

from typing import Any

import pytest

from sra_sdk.lines.level import NUMBER
from sra_server.domain.record import SECOND
from sra_server.heal import resolve
from sra_server.store import Store, batches, heads, incidents, remedies, timeline
from tests.unit.server import making
from tests.unit.server.making import NOW

ACTED, ENDED, LATER = NOW + 60 * SECOND, NOW + 90 * SECOND, NOW + 91 * SECOND


async def acted(
    store: Store, account: str, *, incident: dict[str, Any] | None = None, **outcome: Any
) -> None:
    """Store an incident being dealt with, an act on it that ended, and a sign of life after it."""
    found = making.incident(**{"status": "mitigating", **(incident or {})})
    told = {"status": "succeeded", "verdict": None, "reason": "done", "steps": [], "unchanged": True,
            "checks": [{"text": "http", "before": False, "after": [True] * 3, "passed": True}],
            "checks_recovered": True, "acted_at": ACTED, "received_at": ENDED,
            "finished_at": "2027-01-15T08:01:30+00:00", **outcome}
    async with store.writing() as conn:
        await incidents.apply(conn, account, [making.change(incident=found)], ())
        await remedies.create(conn, account, making.planned(
            status=told["status"], incident_id="inc_1", outcome=told, updated_at=ENDED, approved_by="ann"))
    await batches.append(store, account, received_at=ACTED + SECOND, records=[batches.NewRecord(
        at=ACTED + SECOND, level=NUMBER["info"], service="checkout", host="web-1", message="up")])
    async with store.writing() as conn:
        await heads.save(conn, account, was=0, cursor=1, state="{}")


async def settle(store: Store, account: str, fired: dict[str, int] | None = None) -> resolve.Settled | None:
    async with store.writing(urgent=True) as conn:
        remedy = await remedies.get(conn, account, "rem_1")
        return (
            await resolve.settle(conn, account, remedy, LATER, fired or {})
            if resolve.undecided(remedy)
            else None
        )


async def kinds(store: Store, account: str) -> list[str]:
    async with store.reading() as conn:
        return [event.kind for event in await timeline.of(conn, account, "inc_1")]


async def test_recovered_ends_the_incident_and_says_how(store: Store, account: str) -> None:
    await acted(store, account)
    async with store.writing() as conn:
        await remedies.create(conn, account, making.planned(id="rem_2", incident_id="inc_1"))
    settled = await settle(store, account)
    assert settled is not None
    assert settled.incident is not None
    assert (settled.resolved, settled.incident.status, settled.incident.firing) == (True, "resolved", ())
    assert settled.incident.resolution == (
        "restarted checkout on web-1, approved by ann; check failed before, passed 3 times after; quiet since"
    )
    assert await settle(store, account) is None
    assert (await kinds(store, account)).count("resolved") == 1
    async with store.reading() as conn:
        assert (await remedies.get(conn, account, "rem_2")).status == "cancelled"


async def test_a_trouble_that_had_ended_is_not_ended_again(store: Store, account: str) -> None:
    await acted(store, account, incident={"status": "resolved", "resolved_at": ENDED})
    settled = await settle(store, account)
    assert settled is not None
    assert (settled.resolved, settled.judgement.verdict) == (False, "recovered")
    assert await kinds(store, account) == ["opened", "verdict"]


@pytest.mark.parametrize(("outcome", "fired", "verdict"), [
    ({"checks_recovered": False, "status": "failed"}, {}, "ineffective"),
    ({"checks_recovered": None}, {}, "inconclusive"),
    ({"unchanged": False}, {}, "inconclusive"),
    ({}, {"inc_1": ACTED + 20 * SECOND}, "ineffective"),
    ({"checks": [{"text": "tcp", "before": True, "passed": False}]}, {}, "worse"),
])
async def test_everything_else_goes_back_to_people(store: Store, account: str, outcome: dict[str, Any],
                                                   fired: dict[str, int], verdict: str) -> None:
    await acted(store, account, **outcome)
    settled = await settle(store, account, fired)
    assert settled is not None
    assert settled.incident is not None
    assert (settled.judgement.verdict, settled.incident.status) == (verdict, "investigating")
    assert await kinds(store, account) == ["opened", "verdict", "escalated"]


async def test_a_new_trouble_of_the_service_is_worse(store: Store, account: str) -> None:
    await acted(store, account)
    async with store.writing() as conn:
        other = making.incident(id="inc_2", service="cart", services=("cart", "checkout"),
                                created_at=ACTED + 20 * SECOND, last_signal_at=ACTED + 20 * SECOND)
        await incidents.apply(conn, account, [making.change(incident=other)], ())
    settled = await settle(store, account)
    assert settled is not None
    assert settled.judgement.verdict == "worse"


async def test_without_an_incident_the_verdict_is_the_remedys_alone(store: Store, account: str) -> None:
    await acted(store, account)
    async with store.writing() as conn:
        before = await remedies.get(conn, account, "rem_1")
        alone = making.planned(id="rem_3", status="succeeded", outcome=before.outcome, updated_at=ENDED)
        await remedies.create(conn, account, alone)
        settled = await resolve.settle(conn, account, alone, LATER, {})
    assert settled is not None
    assert (settled.incident, settled.judgement.verdict) == (None, "recovered")
