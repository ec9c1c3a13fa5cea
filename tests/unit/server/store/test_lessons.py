"""Lessons at rest: of the main sign, growing with what misled, bounded, of one account."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text

from sra_server.domain.lesson import FADE, Lesson
from sra_server.domain.record import MINUTE, SECOND
from sra_server.store import Store, lessons
from sra_server.store.timeline import Signs
from tests.unit.server.making import NOW, incident

HERE = ["database_failure", "checkout", "web-1"]


async def teach(store: Store, account: str, **given: Any) -> list[Lesson]:
    asked = {"who": "ann", "why": None, "at": NOW, "signs": Signs(), **given}
    async with store.writing() as conn:
        return await lessons.teach(
            conn, account, asked.pop("of", None) or incident(), asked.pop("signs"), **asked
        )


async def test_taught_again_it_asks_for_more_than_the_largest_and_longest(store: Store, account: str) -> None:
    of = incident(started_at=NOW - 5 * MINUTE, signals=4)
    [first] = await teach(store, account, of=of, signs=Signs(counts={"f1": 3}))
    assert (first.count, first.lasted) == (4, 5 * MINUTE)
    async with store.writing() as conn:
        await lessons.held(conn, account, ["f1"], NOW + 1)
    larger = incident(id="inc_2", signals=90, started_at=NOW - 20 * MINUTE)
    [again] = await teach(store, account, of=larger, who="bob", why="x", at=NOW + 2)
    async with store.reading() as conn:
        [found] = await lessons.listed(conn, account, NOW + 3)
        assert await lessons.listed(conn, "account-2", NOW + 3) == []
    assert again == found
    assert (found.id, found.alarms, found.incident_id, found.taught_by) == (first.id, 2, "inc_2", "bob")
    assert (found.held, found.held_at) == (1, NOW + 1)
    # twice as many as the 90, and half an hour longer than the 20 minutes
    assert found.factor(NOW + 3) * found.count == 180
    assert found.lasting(NOW + 3) == 50 * MINUTE + 2
    [smaller] = await teach(store, account, of=incident(id="inc_3"), at=NOW + 3)
    assert (smaller.count, smaller.lasted, smaller.alarms) == (30, found.lasted, 3)


async def test_one_that_is_over_lasted_until_its_last_sign_and_one_that_goes_on_until_now(
    store: Store, account: str
) -> None:
    at = NOW + 3600 * SECOND
    over = incident(resolved_at=NOW + 300 * SECOND, last_signal_at=NOW + 59 * SECOND)
    assert [each.lasted for each in await teach(store, account, of=over, at=at)] == [MINUTE]
    other = incident(fingerprints=("f2",))
    assert [each.lasted for each in await teach(store, account, of=other, at=at)] == [3601 * SECOND]


async def test_only_the_main_sign_is_taught_with_its_own_count(store: Store, account: str) -> None:
    of = incident(fingerprints=("f1", "f2", "f3"), signals=50)
    signs = Signs(
        counts={"f1": 3, "f2": 30, "f3": 2},
        places={"f1": HERE, "f2": ["service_crash", "cart", "web-1"], "f3": HERE},
    )
    made = await teach(store, account, of=of, signs=signs)
    assert [(each.fingerprint, each.count) for each in made] == [("f1", 18), ("f3", 17)]


async def test_a_text_seen_on_several_hosts_is_taught_for_every_host(
    store: Store, account: str
) -> None:
    two = tuple(f"signature|deadlock|shop|pod-{n}" for n in (1, 2))
    of = incident(fingerprints=two)
    signs = Signs(places={each: HERE for each in two})
    [made] = await teach(store, account, of=of, signs=signs)
    assert made.fingerprint == "signature|deadlock|shop|*"
    [wide] = await teach(store, account, of=of, signs=signs, everywhere=True)
    assert wide.fingerprint == "signature|deadlock|*|*"


async def test_a_text_of_one_host_is_taught_for_that_host_unless_it_is_a_containers(
    store: Store, account: str
) -> None:
    for host, holds in (("web-1", "web-1"), ("4f0c1a2b3c4d", "*"), ("shop-7d9f8c6b5d-x2x7z", "*")):
        sign = f"signature|login_failures|sshd|{host}"
        [made] = await teach(store, account, of=incident(id=f"inc_{host}", fingerprints=(sign,)),
                             signs=Signs(places={sign: HERE}), at=NOW + len(host))
        assert made.fingerprint == f"signature|login_failures|sshd|{holds}"


async def test_what_has_faded_is_taught_from_the_beginning(store: Store, account: str) -> None:
    await teach(store, account, of=incident(signals=30))
    [one] = await teach(store, account, of=incident(signals=7), at=NOW + 2 * FADE)
    assert (one.alarms, one.count) == (1, 7)
    async with store.reading() as conn:
        assert await lessons.listed(conn, account, NOW + 3 * FADE) == []


async def test_what_an_older_release_taught_has_no_length(store: Store, account: str) -> None:
    await teach(store, account)
    async with store.writing() as conn:
        await conn.execute(text("UPDATE lessons SET lasted = NULL"))
    async with store.reading() as conn:
        [found] = await lessons.listed(conn, account, NOW)
    assert found.lasted == 0


async def test_they_are_bounded_and_the_oldest_go(
    store: Store, account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lessons, "LIMIT", 3)
    for n in range(5):
        await teach(store, account, of=incident(fingerprints=(f"f{n}",)), at=NOW + n)
    async with store.reading() as conn:
        found = await lessons.listed(conn, account, NOW + 9)
    assert [each.fingerprint for each in found] == ["f4", "f3", "f2"]


async def test_one_incident_teaches_once_though_another_was_a_false_alarm_in_between(
    store: Store, account: str
) -> None:
    await teach(store, account)
    assert await teach(store, account, at=NOW + 1) == []
    [second] = await teach(store, account, of=incident(id="inc_2"), at=NOW + 2)
    # the first one's timeline says that it has taught this
    assert await teach(store, account, signs=Signs(taught={"f1"}), at=NOW + 3) == []
    async with store.reading() as conn:
        assert await lessons.listed(conn, account, NOW + 4) == [second]
    assert second.alarms == 2


async def test_what_was_closed_long_ago_lasted_until_then(store: Store, account: str) -> None:
    of = incident(status="closed", started_at=NOW - 9 * MINUTE, closed_at=NOW)
    [made] = await teach(store, account, of=of, at=NOW + 3600 * SECOND)
    assert made.lasted == 9 * MINUTE
