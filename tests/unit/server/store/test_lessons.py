"""Lessons at rest: one for each fingerprint, growing by doubling alone, bounded, of one account."""

from __future__ import annotations

import pytest

from sra_server.domain.lesson import FADE
from sra_server.store import Store, lessons
from tests.unit.server.making import NOW, incident


async def test_taught_again_it_doubles_and_keeps_its_first_count(store: Store, account: str) -> None:
    two = incident(fingerprints=("f1", "f2"))
    async with store.writing() as conn:
        first = await lessons.teach(conn, account, two, {"f1": 3}, who="ann", why=None, at=NOW)
        await lessons.held(conn, account, ["f1"], NOW + 1)
        again = await lessons.teach(
            conn, account, incident(id="inc_2"), {"f1": 99}, who="bob", why="x", at=NOW + 2
        )
    assert [(each.fingerprint, each.count) for each in first] == [("f1", 3), ("f2", 1)]
    async with store.reading() as conn:
        found = {each.fingerprint: each for each in await lessons.listed(conn, account, NOW + 3)}
        assert await lessons.listed(conn, "account-2", NOW + 3) == []
    one = found["f1"]
    assert (one.id, one.alarms, one.count, one.incident_id) == (first[0].id, 2, 3, "inc_2")
    assert (one.held, one.held_at) == (1, NOW + 1)
    assert again == [one]
    assert found["f2"].alarms == 1


async def test_what_has_faded_is_taught_from_the_beginning(store: Store, account: str) -> None:
    async with store.writing() as conn:
        await lessons.teach(conn, account, incident(), {"f1": 3}, who="ann", why=None, at=NOW)
        [one] = await lessons.teach(
            conn, account, incident(), {"f1": 7}, who="ann", why=None, at=NOW + 2 * FADE
        )
    assert (one.alarms, one.count) == (1, 7)
    async with store.reading() as conn:
        assert await lessons.listed(conn, account, NOW + 3 * FADE) == []


async def test_they_are_bounded_and_the_oldest_go(
    store: Store, account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lessons, "LIMIT", 3)
    async with store.writing() as conn:
        for n in range(5):
            one = incident(fingerprints=(f"f{n}",))
            await lessons.teach(conn, account, one, {}, who="ann", why=None, at=NOW + n)
    async with store.reading() as conn:
        found = await lessons.listed(conn, account, NOW + 9)
    assert [each.fingerprint for each in found] == ["f4", "f3", "f2"]
