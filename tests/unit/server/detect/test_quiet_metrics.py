"""All detectors over what one host's agent sends: nothing on ordinary days, one thing on bad ones."""
from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import replace

import pytest

from sra_server.domain.record import Point

from ..world import World, at, batch, point, probe

HOUR, DAY = 3600, 86_400


def measured(second: float, chance: random.Random, cpu: float) -> list[Point]:
    """Return what an agent measures; the disk breathes, memory wavers, one process comes and goes."""
    def near(value: float, spread: float) -> float:
        return max(0.0, chance.gauss(value, spread))

    points = [point("system.cpu_percent", min(100.0, near(cpu, 4)), second),
              point("system.load1", near(cpu / 25, 0.3), second),
              point("system.load1_per_core", near(cpu / 100, 0.1), second),
              point("system.memory_percent", near(55, 1), second),
              point("system.swap_percent", 3.0, second),
              point("system.disk_percent", 62.0, second, mount="/"),
              point("system.disk_free_bytes", 4e10 - 1e9 * (second % HOUR) / HOUR, second, mount="/"),
              point("system.network_bytes_sent", 1e6 * second, second),
              point("latency_ms", near(110 + cpu, 5), second, service="shop"),
              point("requests_per_second", near(20 + cpu, 3), second, service="shop"),
              probe(1.0, second), point("probe.seconds", near(0.02, 0.005), second, service="inventory")]
    if chance.random() < 0.5:
        points.append(point("process.memory_bytes", near(3e8, 1e7), second, process="java"))
    return points


def lived(cpu: Callable[[float], float], until: float,
          bad: Callable[[float, list[Point]], list[Point]] | None = None, *, begin: float = math.inf,
          step: int = 30) -> World:
    world, chance = World(through_json=False), random.Random(7)
    for second in range(0, int(until), step):
        points = measured(second, chance, cpu(second))
        if bad is not None and second >= begin:
            points = bad(second - begin, points)
        world.fold(replace(batch(second, points=points, alive=["shop"]), listening=at(1)))
    return world


@pytest.mark.parametrize(("cpu", "hours", "step"), [
    (lambda second: 30, 1.5, 30),
    (lambda second: 45 + 35 * math.sin(second / DAY * 2 * math.pi), 50, 600),
    (lambda second: 85 if second % DAY >= DAY - HOUR else 20, 50, 600),
], ids=["noise", "daily season", "load each noon"])
def test_ordinary_days_are_quiet(cpu: Callable[[float], float], hours: float, step: int) -> None:
    world = lived(cpu, hours * HOUR, step=step)
    assert not [each.title for each in world.incidents.values()]
    assert len(world.state.to_json()) < 100_000


def test_a_disk_that_fills_within_eleven_minutes_is_told_after_seven() -> None:
    def fills(since: float, points: list[Point]) -> list[Point]:
        return [replace(each, value=max(0.0, 4e10 - since * 6e7))
                if each.name == "system.disk_free_bytes" else each for each in points]

    world = lived(lambda second: 30, HOUR + 8 * 60, fills, begin=HOUR)
    incident = world.only()
    assert incident.cls == "disk_full" and incident.created_at <= at(HOUR + 430)


def test_answers_that_take_five_times_as_long_are_one_incident() -> None:
    def slow(_: float, points: list[Point]) -> list[Point]:
        return [replace(each, value=each.value * 5) if each.name == "latency_ms" else each for each in points]

    world = lived(lambda second: 30, 2 * HOUR, slow, begin=1.5 * HOUR)
    assert world.only().service == "shop"
