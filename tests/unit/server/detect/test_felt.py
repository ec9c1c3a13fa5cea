"""A busy host in its first week is waited for, unless somebody feels it; after that it is told as ever."""
from __future__ import annotations

import pytest

from ..world import World, batch, point

HOUR, DAY = 3600, 86_400


def lived(hours: float, *, asked: bool, usual: float = 0.02) -> tuple[World, float]:
    world, second = World(through_json=False), 0.0
    while second < hours * HOUR:
        _fold(world, second, 20, usual if asked else None)
        second += 120
    return world, second


def _fold(world: World, second: float, cpu: float, takes: float | None, name: str = "cpu_percent") -> None:
    points = [point(f"system.{name}", cpu, second)]
    if takes is not None:
        points.append(point("probe.seconds", takes, second, service="shop"))
    world.fold(batch(second, points=points))


def busy(world: World, begin: float, seconds: int, takes: float | None) -> float | None:
    """Be busy for so long; return after how many seconds an incident came."""
    for second in range(0, seconds, 15):
        _fold(world, begin + second, 100, takes)
        if world.incidents:
            return second
    return None


def test_who_is_served_as_ever_waits_an_hour_and_who_feels_it_is_heard_at_once() -> None:
    world, begin = lived(20, asked=True)
    assert busy(world, begin, 50 * 60, 0.02) is None
    world, begin = lived(20, asked=True)
    assert (busy(world, begin, 2 * HOUR, 0.02) or 0) >= HOUR
    world, begin = lived(20, asked=True)
    assert (busy(world, begin, HOUR, 0.09) or HOUR) <= 120


def test_where_nobody_looks_it_is_half_an_hour() -> None:
    world, begin = lived(20, asked=False)
    assert 1800 <= (busy(world, begin, HOUR, None) or 0) <= 1830


@pytest.mark.parametrize("hours", [0.5, 8 * 24])
def test_in_its_first_hour_and_after_a_week_it_is_told_within_two_minutes(hours: float) -> None:
    world, begin = lived(hours, asked=True)
    assert (busy(world, begin, HOUR, 0.02) or HOUR) <= 120


def test_what_is_busy_from_the_start_is_told_after_minutes_and_as_medium() -> None:
    for usual, takes in ((None, None), (0.02, 0.02)):
        world, begin = lived(0.05, asked=usual is not None)
        assert 300 <= (busy(world, begin, HOUR, takes) or 0) <= 420
        assert [each.severity for each in world.incidents.values()] == ["medium"]


def test_one_slow_answer_is_none() -> None:
    world, begin = lived(20, asked=True)
    _fold(world, begin, 100, 0.3)
    assert busy(world, begin + 15, 1800, 0.02) is None


def test_checks_that_fail_while_a_habit_holds_are_told_at_once() -> None:
    world, second = lived(30, asked=True)
    begin = second
    for more in range(0, 600, 15):
        _fold(world, begin + more, 100, 0.02)
    assert not world.incidents
    for more in range(600, 660, 15):
        world.fold(batch(begin + more, points=[
            point("system.cpu_percent", 100, begin + more),
            point("probe.up", 0.0, begin + more, service="shop", probe="http", target="http://h/health")]))
    assert world.only().cls == "service_crash"
