"""What a host got over by itself is no news; what lasts longer, or comes at another time, is told as ever."""
from __future__ import annotations

import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sra_server.detect.baseline import Baseline
from sra_server.detect.habit import HOUR, HOURS, LONGER, MOST, Past, allowed, learn
from sra_server.detect.memory import Memory
from sra_server.detect.threshold import BOUNDS, Threshold
from sra_server.detect.watch import WATCHES
from sra_server.domain.record import SECOND

from ..world import START, World, at, batch, point

DAY = 86_400
NIGHT, NOON = 2 * 3600, 12 * 3600
CPU = "system.cpu_percent"


class Host:
    """One series, point by point: when it was told, how badly, and when that was over. Known for a week."""

    def __init__(self, name: str = CPU, usual: float = 20.0, step: int = 10) -> None:
        self.name, self.usual, self.step = name, usual, step
        self.memory, self.detector = Memory(), Threshold()
        self.told: list[tuple[int, str]] = []
        self.cleared: list[int] = []
        self.firing = False
        self.second = -8 * DAY
        self.lives(self.second + 1)
        self.second = 0

    def lives(self, until: float, value: float | None = None, step: int = 0) -> Host:
        while self.second < until:
            given = point(self.name, self.usual if value is None else value, self.second)
            for signal in self.detector.detect(self.memory, batch(self.second, points=[given])):
                if not signal.opens:
                    continue
                if signal.state == "firing" and not self.firing:
                    self.told.append((self.second, signal.severity))
                    self.text = signal.evidence[0].text
                if signal.state == "cleared":
                    self.cleared.append(self.second)
                self.firing = signal.state == "firing"
            self.second += step or self.step
        self.memory = Memory.from_json(json.loads(json.dumps(self.memory.to_json())))
        return self

    def works(self, begin: float, minutes: float, value: float = 100.0) -> Host:
        """Be calm until then, watched seldom at first, and then busy; and calm again for ten minutes."""
        self.lives(begin - 1200, step=300).lives(begin)
        return self.lives(begin + 60 * minutes, value).lives(begin + 60 * minutes + 600)

    def days(self) -> list[int]:
        return [second // DAY for second, _ in self.told]


def test_a_job_of_each_night_is_told_twice_and_no_more() -> None:
    host = Host()
    for day in range(9):
        host.works(day * DAY + NIGHT + 60 * (day % 4), 11 + day % 3)
    assert host.days() == [0, 1]
    assert len(host.cleared) == 2


def nightly(days: int = 4, minutes: float = 12, **how: object) -> Host:
    host = Host(**how)  # type: ignore[arg-type]
    for day in range(days):
        host.works(day * DAY + NIGHT, minutes)
    host.told.clear()
    host.cleared.clear()
    return host


def test_what_lasts_longer_than_the_job_is_told_mildly_and_then_as_it_is() -> None:
    host = nightly()
    begin = 4 * DAY + NIGHT
    host.works(begin, 30)
    assert host.told == [(begin + 18 * 60, "medium")]
    assert "at or above 95.0 for 1080 s; before, it was over after 720 s" in host.text
    assert len(host.cleared) == 1
    begin += DAY
    severities = []
    host.lives(begin)
    for second in range(begin, begin + 7200, 10):
        severities += [each.severity for each in host.detector.detect(
            host.memory, batch(second, points=[point(CPU, 100.0, second)])) if each.opens]
    assert severities[0] == "medium" and severities[-1] == "high"


def test_at_another_hour_it_is_told_as_ever() -> None:
    host = nightly().works(4 * DAY + NOON, 5)
    assert host.told == [(4 * DAY + NOON + 120, "high")]


def test_the_first_overload_is_told_within_a_minute() -> None:
    host = Host().works(DAY, 5)
    assert host.told == [(DAY + 50, "medium")]


def test_a_machine_that_builds_all_day_is_told_three_times() -> None:
    host = Host()
    for spell in range(4 * 32):
        host.works(spell * 2700 + 1200, 13 + spell % 3)
    assert host.days() == [0, 0, 0]
    begin = host.second + 1200
    host.works(begin, 60)
    assert len(host.told) == 4 and host.told[-1][0] - begin <= 1.5 * 15 * 60


def test_a_job_of_each_week_is_told_twice() -> None:
    host = Host()
    for week in range(5):
        host.works(week * 7 * DAY + NIGHT, 38)
    assert host.days() == [0, 7]


def test_a_habit_that_was_given_up_is_forgotten() -> None:
    host = nightly().works(20 * DAY + NIGHT, 5)
    assert len(host.told) == 1


def test_no_habit_is_waited_for_longer_than_its_cap() -> None:
    host = Host()
    for day in range(6):
        host.works(day * DAY + NIGHT, 5 * 60)
    waited = [second - day * DAY - NIGHT for day, (second, _) in enumerate(host.told)]
    assert waited[2:] == [HOUR, HOURS, HOURS, HOURS]


@pytest.mark.parametrize("name", [each.name for each in BOUNDS.values() if not each.habit])
def test_what_breaks_things_or_is_felt_is_no_habit(name: str) -> None:
    host = Host(name, usual=0.01)
    # latency and checks are held against their own mean
    host.lives(600)
    for day in range(5):
        host.works(day * DAY + NIGHT, 12, value=99.9 if BOUNDS[name].high > 1 and not BOUNDS[name].times else
                   0.9 if name == "error_rate" else 5000.0)
    assert host.days() == [0, 1, 2, 3, 4]


def test_the_bounds_with_a_habit_are_those_that_lose_nothing() -> None:
    assert {each.name for each in BOUNDS.values() if each.habit} == {
        CPU, "system.load1_per_core", "system.iowait_percent", "queue_depth"}
    assert {each.cls for each in WATCHES if each.habit} == {
        "cpu_overload", "queue_backlog", "memory_exhaustion"}
    assert not next(each for each in WATCHES if each.name.search("latency")).habit


@pytest.mark.parametrize(("name", "busy"), [
    ("system.iowait_percent", 70.0), ("system.load1_per_core", 6.0), ("queue_depth", 5000.0)])
def test_backups_and_backlogs_of_each_night_are_told_twice(name: str, busy: float) -> None:
    host = Host(name, usual=1.0, step=30)
    host.lives(3600)
    for day in range(6):
        host.works(day * DAY + NIGHT, 30, value=busy)
    assert host.days() == [0, 1]
    host.works(host.second + 10 * 3600, 30, value=busy)
    assert len(host.told) == 3


def test_what_ended_in_a_hole_of_the_points_was_not_got_over() -> None:
    host = Host()
    for day in range(5):
        begin = day * DAY + NIGHT
        host.lives(begin - 1200, step=300).lives(begin).lives(begin + 720, 100.0)
        # the host is started again, which takes it two minutes
        host.second += 120
        host.lives(begin + 1800)
    assert host.days() == [0, 1, 2, 3, 4]


def test_a_hole_while_it_is_held_begins_anew_and_tells_no_end() -> None:
    host = nightly().lives(4 * DAY + NIGHT - 1200, step=300).lives(4 * DAY + NIGHT)
    host.lives(4 * DAY + NIGHT + 600, 100.0)
    host.second += 3600
    host.lives(host.second + 1200)
    assert not host.told and not host.cleared


def test_what_an_older_release_stored_is_read_and_what_it_told_is_ended() -> None:
    host = Host().works(DAY, 3)
    key, stored = host.memory.items()[0]
    assert len(stored) == 13
    older = [at(DAY), 13, 0, True, 0.0, 0, at(DAY + 130), 100.0, at(0), at(DAY), 0]
    host = Host()
    host.memory.put(key, older)
    host.second, host.firing = DAY + 140, True
    host.lives(DAY + 600)
    assert len(host.cleared) == 1
    # a series without a past takes no more room than before
    calm = Host().lives(60)
    assert len(calm.memory.items()[0][1]) == 11


def test_while_it_is_held_it_is_evidence_for_what_breaks_then() -> None:
    world = World()
    for second in [*range(0, 1200, 20), *(day * DAY + n for day in range(2) for n in range(1800, 3600, 20))]:
        value = 100.0 if 2400 <= second % DAY < 3000 else 20.0
        world.fold(batch(second, points=[point(CPU, value, second)]))
    before = len(world.incidents)
    begin = 2 * DAY + 2400
    for second in range(begin - 600, begin + 600, 20):
        failing = second >= begin + 300
        points = [point(CPU, 100.0 if second >= begin else 20.0, second),
                  point("error_rate", 0.5 if failing else 0.0, second, service="shop")]
        world.fold(batch(second, points=points))
        if not failing:
            assert len(world.incidents) == before
    latest = max(world.incidents.values(), key=lambda each: each.created_at)
    assert latest.cls == "error_burst" and len(world.incidents) == before + 1
    signals = world.state.cases[latest.id].signals
    assert {(each.fingerprint.split("|")[0], each.opens) for each in signals} == {
        ("threshold", True), ("habit", False)}
    held = next(each for each in signals if not each.opens)
    assert held.title == "the processor is fully used, as it was before"
    assert "before, it was over after 600 s" in held.evidence[0].text


def test_the_baseline_waits_for_a_habit_as_well() -> None:
    memory, told, chance = Memory(), [], random.Random(3)
    for second in range(0, 8 * DAY, 20):
        day, hour = divmod(second, DAY)
        busy = NIGHT <= hour < NIGHT + 720 or (day == 7 and NOON <= hour < NOON + 2400)
        given = point(CPU, 99.0 if busy else chance.gauss(20, 5), second)
        for signal in Baseline().detect(memory, batch(second, points=[given])):
            if signal.opens and signal.state == "firing":
                told.append(second)
        if second % 3600 == 0:
            memory = Memory.from_json(json.loads(json.dumps(memory.to_json())))
    assert len({second // DAY for second in told if second % DAY < NOON}) <= 2
    assert min(second for second in told if second % DAY >= NOON) - 7 * DAY - NOON <= 1080


SPELLS = st.lists(st.tuples(st.integers(0, 20 * 24 * 60), st.integers(45, 5 * 3600)), max_size=60)


@given(SPELLS, st.integers(0, 24 * 60))
def test_a_past_is_small_and_what_it_allows_was_so_at_least_twice(
        spells: list[tuple[int, int]], later: int) -> None:
    past: Past = ()
    for minute, seconds in sorted(spells):
        since = START + minute * 60 * SECOND
        past = learn(past, since, since + seconds * SECOND)
        assert len(past) <= MOST
    assert len(json.dumps(past)) <= 20 * MOST
    since = START + (20 * 24 * 60 + later) * 60 * SECOND
    most, length = allowed(past, since)
    assert most <= HOURS and most <= LONGER * length
    if most:
        assert sum(seconds >= length for _, seconds in spells) >= 2


def test_one_spell_is_no_habit() -> None:
    past = learn((), at(0), at(720))
    assert allowed(past, at(DAY)) == (0, 0)
    past = learn(past, at(DAY), at(DAY + 3600))
    assert allowed(past, at(2 * DAY)) == (1080, 720)
    assert allowed(past, at(2 * DAY + 5 * 3600)) == (0, 0)
