"""What a false alarm teaches: more evidence next time, bounded, fading, and never deafness."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from sra_server.domain.lesson import FADE, LASTS, MOST, Lesson
from sra_server.domain.record import SECOND
from sra_server.pipeline import Settings

from .world import START, World, at, batch, record

LOCKED = "ERROR: deadlock detected"
FULL = "could not extend file: No space left on device"
DAY = 24 * 3600


def lesson(**given: Any) -> Lesson:
    return Lesson(
        **{
            "id": "les_1",
            "fingerprint": "f",
            "title": "t",
            "cls": "service_crash",
            "severity": "high",
            "count": 2,
            "alarms": 1,
            "incident_id": "inc_1",
            "why": None,
            "taught_by": "ann",
            "taught_at": START - SECOND,
            **given,
        }
    )


def taught(text: str = LOCKED, **given: Any) -> World:
    """Return a world that was told that the incident of this text was none."""
    first = World()
    first.fold(batch(0, record(text, 0)))
    incident = first.only()
    made = lesson(fingerprint=incident.fingerprints[0], severity=incident.severity, count=1, **given)
    return World(Settings(lessons={made.fingerprint: made}))


def test_each_false_alarm_doubles_up_to_a_bound_and_each_four_weeks_halve() -> None:
    assert [lesson(alarms=n).factor(START) for n in (1, 2, 3, 4, 5, 50)] == [2, 4, 8, 16, 16, 16]
    old = lesson(alarms=2, taught_at=START)
    assert [old.factor(START + weeks * FADE // 4) for weeks in (0, 3, 4, 8, 400)] == [4, 4, 2, 1, 1]
    assert old.factor(old.fades_at) == 1 and old.factor(old.fades_at - 1) == 2
    assert MOST == 4


@pytest.mark.parametrize(
    ("severity", "count", "lasting", "believed"),
    [
        ("high", 3, 10 * LASTS, False),  # less than twice the two that misled
        ("high", 4, LASTS - 1, False),  # twice, but too quick
        ("high", 4, LASTS, True),
        ("high", 15, 0, False),
        ("high", 16, 0, True),  # much more of it needs no time
        ("critical", 1, 0, True),  # graver than what was a false alarm
        ("low", 3, LASTS, False),
    ],
)
def test_how_much_is_believed(severity: Any, count: int, lasting: int, believed: bool) -> None:
    assert lesson().believes(severity, count, lasting, START) is believed


def test_of_what_is_critical_no_more_than_twice_is_asked() -> None:
    grave = lesson(alarms=9, severity="critical", count=3)
    assert not grave.believes("critical", 5, 0, START)
    assert grave.believes("critical", 6, 0, START)


def test_weak_evidence_is_held_back_and_adds_up_over_batches_and_restarts() -> None:
    world = taught(alarms=2)  # four times of one, over 90 s
    for second in (0, 40, 80):
        assert world.fold(batch(second, record(LOCKED, second))) == ()
    [opened] = world.fold(batch(120, record(LOCKED, 120)))
    assert opened.kind == "opened"
    assert "needs 4x evidence since 2023-11-14, because ann closed inc_1 as a false alarm" in opened.reason
    assert len(world.state.doubts) == 0


def test_evidence_long_after_begins_anew() -> None:
    world = taught(alarms=1)
    for moment in (0, 1000, 2000, 3000):
        world.fold(batch(moment, record(LOCKED, moment)))
    assert not world.incidents


def test_a_flood_passes_at_once() -> None:
    world = taught(alarms=1)
    world.fold(batch(0, *(record(LOCKED, 0, number=n) for n in range(8))))
    assert world.only().status == "open"


def test_other_troubles_and_places_are_not_held_back() -> None:
    world = taught(alarms=4)
    world.fold(batch(0, record(LOCKED, 0, service="cart", host="web-2"), record(FULL, 0)))
    assert len(world.incidents) == 2


def test_what_is_held_back_still_joins_a_trouble_that_is_open() -> None:
    world = taught(alarms=4)
    world.fold(batch(0, record(FULL, 0)))
    world.fold(batch(3, record(LOCKED, 3)))
    assert len(world.only().fingerprints) == 2


def test_a_resolved_one_is_not_reopened_by_what_is_held_back() -> None:
    world = World()
    world.fold(batch(0, record(LOCKED, 0)))
    for second in range(10, 300, 10):
        world.fold(batch(second, alive=["shop"]))
    incident = world.only()
    assert incident.status == "resolved"
    held = lesson(
        fingerprint=incident.fingerprints[0], severity=incident.severity, count=1, alarms=3, taught_at=at(300)
    )
    world.settings = replace(world.settings, lessons={held.fingerprint: held})
    assert world.fold(batch(310, record(LOCKED, 310))) == ()


def test_a_faded_lesson_holds_nothing() -> None:
    world = taught(alarms=1, taught_at=START - FADE)
    world.fold(batch(0, record(LOCKED, 0)))
    assert world.only().status == "open"
