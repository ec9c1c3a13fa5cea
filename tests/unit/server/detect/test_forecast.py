"""A disk that fills up is told early; habits, trifles and what has ended are not."""
from __future__ import annotations

import json
import math
import random

import pytest

from sra_server.detect.forecast import Forecast
from sra_server.detect.leak import Leak
from sra_server.detect.memory import Memory
from sra_server.domain.signal import Signal

from ..world import START, batch, point

GB = 1e9
HOUR = 3600


def feed(detector: Forecast | Leak, name: str, values: list[float], *, step: float = 30,
         through: bool = False, **tags: str) -> list[tuple[float, Signal]]:
    """Return what is said and after how many seconds; `through`: the memory goes through JSON each time."""
    memory, found = Memory(), []
    for n, value in enumerate(values):
        found += [(n * step, each) for each in detector.detect(
            memory, batch(n * step, points=[point(name, value, n * step, **tags)]))]
        if through:
            memory = Memory.from_json(json.loads(json.dumps(memory.to_json())))
    assert len(json.dumps(memory.to_json())) < 2000
    return found


def free(values: list[float], **given: float) -> list[tuple[float, Signal]]:
    return feed(Forecast(), "system.disk_free_bytes", values, mount="/data", **given)  # type: ignore[arg-type]


def test_a_disk_that_fills_fast_is_told_within_a_minute_of_measuring() -> None:
    found = free([10 * GB - n * 10 * GB / 18 for n in range(9)], step=10)
    assert found and found[0][0] <= 60
    assert found[0][1].severity == "high"


@pytest.mark.parametrize(("minutes", "most"), [(3, 90), (5, 130), (11, 280), (15, 380), (25, 900)])
@pytest.mark.parametrize("before", ["flat", "trickling"])
def test_a_disk_that_begins_to_fill_fast_is_told_long_before_it_is_full(
        before: str, minutes: int, most: int) -> None:
    still = [50 * GB - (n * 1e6 if before == "trickling" else 0) for n in range(360)]
    filling = [still[-1] * (1 - n / (minutes * 6)) for n in range(1, minutes * 6)]
    said = free([*still, *filling], step=10)
    assert said[0][0] - 3590 <= most
    assert said[0][1].severity == "high"


def test_what_is_written_at_intervals_is_one_course() -> None:
    still = [50 * GB] * 360
    filling = [50 * GB * (1 - n // 3 * 3 / 66) for n in range(1, 60)]
    assert free([*still, *filling], step=10)[0][0] - 3590 <= 330


@pytest.mark.parametrize("taken", [
    [0.45] * 60,  # a file that is given its whole size at once
    [0.45 + n * 1e-4 for n in range(60)],
    [0.35 * n / 18 for n in range(18)] + [0.35] * 40,  # a dump of a third in three minutes
    [0.1 * n / 3 if n < 3 else 0.1 for n in range(60)],
])
def test_a_large_file_is_no_forecast(taken: list[float]) -> None:
    still = [50 * GB - n * 1e6 for n in range(360)]
    assert not free([*still, *(still[-1] * (1 - share) for share in taken)], step=10)


def test_what_an_older_release_stored_of_a_disk_is_read() -> None:
    memory, old = Memory(), [[START, 6, 50.0, 4.0, 25.0, 40 * GB, 1.0, -1.0, 1.0]] * 4
    memory.put("forecast|web-1||/data|bytes", [START, 40 * GB, 40 * GB, 0.0, 0, 0, old])
    given = batch(10, points=[point("system.disk_free_bytes", 40 * GB, 10, mount="/data")])
    assert Forecast().detect(memory, given) == []
    assert len(memory.get("forecast|web-1||/data|bytes")) == 9


def test_a_disk_that_will_be_full_in_hours_is_told_with_the_time() -> None:
    found = free([100 * GB - n * 30 * 20 * GB / HOUR for n in range(480)])
    after, first = found[0]
    assert after < 1.6 * HOUR and first.subject == "/data" and first.cls == "disk_full"
    left = (100 - after * 20 / HOUR) / 20
    assert f"full in {left:.0f} h at this rate" in first.evidence[0].text
    assert first.severity == "medium"
    assert "falls by 20.0 GB an hour" in first.evidence[0].text


def test_percent_is_looked_at_where_there_are_no_bytes() -> None:
    found = feed(Forecast(), "system.disk_percent", [50 + n * 30 * 20 / HOUR for n in range(240)], mount="/")
    assert found and "falls by 20.0 points an hour" in found[0][1].evidence[0].text


@pytest.mark.parametrize("depth", [0.05, 0.15])
def test_logs_that_are_rotated_are_no_trouble(depth: float) -> None:
    rotated = [100 * GB * (1 - depth * (n % 120) / 120) for n in range(1200)]
    assert not free(rotated)


def test_a_deep_habit_is_learned() -> None:
    """What takes half a disk each hour is told once and trusted from then on, but not beyond its habit."""
    habit = [100 * GB * (1 - 0.5 * (n % 120) / 120) for n in range(960)]
    told = {int(after // HOUR) for after, each in free(habit) if each.state == "firing"}
    assert told <= {0, 1}
    beyond = [each for _, each in free([*habit, *(100 * GB * (1 - 0.5 * n / 120) for n in range(200))])]
    assert beyond[-1].state == "firing"


@pytest.mark.parametrize("values", [
    [100 * GB - n * 1e5 for n in range(600)],
    [0.2 * GB for _ in range(600)],
    [0.0 for _ in range(100)],
    [100 * GB + 5 * GB * math.sin(n / 100) for n in range(600)],
])
def test_trifles_and_a_full_disk_that_stays_so_are_no_forecast(values: list[float]) -> None:
    assert not free(values)


def test_noise_is_no_forecast() -> None:
    chance = random.Random(4)
    assert not free([50 * GB + chance.gauss(0, 2 * GB) for _ in range(1000)])


def test_it_clears_when_growth_ends_or_somebody_cleans_up() -> None:
    filling = [50 * GB - n * 0.8 * GB for n in range(40)]
    for after in ([filling[-1]] * 120, [90 * GB] * 10):
        said = free([*filling, *after], step=10)
        assert said[0][1].state == "firing"
        assert said[-1][1].state == "cleared"


def test_memory_that_leaks_is_told_once_the_end_is_in_sight() -> None:
    found = feed(Leak(), "system.memory_percent", [50 + n * 30 * 10 / HOUR for n in range(500)])
    after, first = found[0]
    assert 3 * HOUR <= after <= 3.2 * HOUR and first.opens and first.cls == "memory_exhaustion"
    assert "has grown by 10.0 points an hour" in first.evidence[0].text


def test_a_process_that_leaks_is_evidence_only() -> None:
    found = feed(Leak(), "process.memory_bytes", [2e8 + n * 30 * 3e8 / HOUR for n in range(400)],
                 process="java")
    assert found and not found[0][1].opens
    assert "memory of java" in found[0][1].evidence[0].text


@pytest.mark.parametrize("tau", [300, 900, 1800, 3600])
def test_a_warm_up_is_no_leak(tau: float) -> None:
    values = [30 + 55 * (1 - math.exp(-n * 30 / tau)) for n in range(1200)]
    assert not feed(Leak(), "system.memory_percent", values)
    assert not feed(Leak(), "system.memory_percent", [70 + 15 * math.sin(n / 400) for n in range(1500)])


def test_a_leak_ends_with_the_restart_that_gives_memory_back() -> None:
    leaking = [50 + n * 30 * 12 / HOUR for n in range(420)]
    found = feed(Leak(), "system.memory_percent", [*leaking, *[40.0] * 30])
    assert found[-1][1].state == "cleared"


def test_nothing_is_lost_in_json() -> None:
    values = [50 * GB - n * 0.4 * GB for n in range(60)]
    assert free(values) == free(values, through=True)
    memory = [50 + n * 30 * 10 / HOUR for n in range(400)]
    assert feed(Leak(), "system.memory_percent", memory) == feed(
        Leak(), "system.memory_percent", memory, through=True)
