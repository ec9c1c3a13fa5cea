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


@pytest.mark.parametrize("fall", [
    [], [0, [0, 0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]]], ids=["first", "second"])
def test_what_older_releases_stored_of_a_disk_is_read(fall: list[object]) -> None:
    """The second shape told of fast falls; both kept four spans and the floor beside them."""
    memory, old = Memory(), [[START, 6, 50.0, 4.0, 25.0, 40 * GB, 1.0, -1.0, 1.0]] * 4
    memory.put("forecast|web-1||/data|bytes", [START, 40 * GB, 40 * GB, 30 * GB, 0, 0, *fall, old])
    given = batch(10, points=[point("system.disk_free_bytes", 40 * GB, 10, mount="/data")])
    assert Forecast().detect(memory, given) == []
    assert len(memory.get("forecast|web-1||/data|bytes")) == 12
    # the floor is trusted as before: nothing is said above four fifths of it
    filling = [40 * GB * (1 - n / 720) for n in range(1, 600)]
    said = [(value, each) for n, value in enumerate(filling, 2) for each in Forecast().detect(
        memory, batch(n * 10, points=[point("system.disk_free_bytes", value, n * 10, mount="/data")]))]
    assert said and 20 * GB <= said[0][0] <= 24 * GB


def test_a_disk_that_will_be_full_in_hours_is_told_with_the_time() -> None:
    found = free([100 * GB - n * 30 * 20 * GB / HOUR for n in range(480)])
    after, first = found[0]
    assert after < 1.6 * HOUR and first.subject == "/data" and first.cls == "disk_full"
    left = (100 - after * 20 / HOUR) / 20
    assert f"full in {left:.0f} h at this rate" in first.evidence[0].text
    assert first.severity == "medium"
    assert "falls by 20.0 GB an hour" in first.evidence[0].text


def falling(hours: float, *, start: float = 100 * GB, before: float = 24, jitter: float = 0.0,
            swing: float = 0.0, every: float = 1200, seed: int = 4) -> list[float]:
    """Return a quiet time and a disk that then fills, each 10 s; `swing`: logs are rotated beside it."""
    chance, values = random.Random(seed), []
    for at in range(0, int((before + hours) * HOUR), 10):
        value = start * (1 - max(0.0, at - before * HOUR) / (hours * HOUR))
        value -= swing * start * (at % every) / every
        values.append(max(0.0, value * (1 + chance.gauss(0, jitter))))
    return values


def seconds(title: str) -> float:
    """Return the time that a title tells."""
    n, unit = title.removeprefix("the disk will be full in ").split()
    return float(n) * {"s": 1, "min": 60, "h": HOUR, "days": 24 * HOUR}[unit]


@pytest.mark.parametrize(("hours", "given"), [
    *((hours, {"jitter": jitter}) for hours in (1, 3, 5, 12) for jitter in (0.0, 0.005, 0.01)),
    # within an hour what swings is as large as what fills
    *((hours, given) for hours in (3, 5, 12) for given in (
        {"swing": 0.02}, {"swing": 0.05, "every": HOUR}, {"swing": 0.02, "jitter": 0.005, "start": 40 * GB})),
], ids=str)
def test_a_disk_that_fills_after_a_quiet_day_is_told_before_a_third_has_gone(
        hours: float, given: dict[str, float]) -> None:
    said = [(after - 24 * HOUR, each) for after, each in free(falling(hours, **given), step=10)]
    assert 900 <= said[0][0] <= hours * HOUR / 3 + 60
    assert said[0][1].severity == ("medium" if hours < 8 else "low")
    for after, each in said:
        if after <= hours * HOUR * 0.7:
            # what swings is half used up on the mean
            left = hours * HOUR * (1 - given.get("swing", 0.0) / 2) - after
            assert each.state == "firing"
            assert abs(seconds(each.title) - left) <= 0.25 * left + 60, (after, each.title)


@pytest.mark.parametrize(("share", "minutes"), [(0.25, 20), (0.25, 90), (0.25, 240)])
def test_a_copy_of_a_quarter_of_what_is_free_is_no_forecast(share: float, minutes: int) -> None:
    taken = [min(1.0, n / (minutes * 6)) * share for n in range(minutes * 6 + 360)]
    assert not free([*[90 * GB] * 8640, *(90 * GB * (1 - each) for each in taken)], step=10)


@pytest.mark.parametrize(("left", "minutes"), [(50, 20), (40, 40), (40, 90), (30, 90), (30, 240)])
def test_a_copy_that_ends_with_room_is_never_called_bad_and_is_over_soon(left: float, minutes: int) -> None:
    copied = [90 * GB - (90 - left) * GB * min(1.0, n / (minutes * 6)) for n in range(minutes * 6 + 720)]
    said = free([*[90 * GB] * 8640, *copied], step=10)
    assert {each.severity for _, each in said} <= {"low", "medium"}
    assert said[-1][1].state == "cleared"
    assert said[-1][0] <= 24 * HOUR + minutes * 60 + 30 * 60


def day_of(hours: float, low: float) -> list[float]:
    """Return a disk that is cleaned each so many hours, when `low` percent are free."""
    n = int(hours * 360)
    return [GB * (100 - (100 - low) * k / n) for k in range(n)]


def test_what_is_cleaned_each_half_day_is_told_once_and_low() -> None:
    said = free(day_of(12, 25) * 6, step=10)
    assert {each.severity for _, each in said} == {"low"}
    assert {int(after // (12 * HOUR)) for after, each in said if each.state == "firing"} == {0}


def test_what_is_cleaned_late_is_a_habit_only_the_second_time() -> None:
    said = free(day_of(12, 15) * 5, step=10)
    assert {int(after // (12 * HOUR)) for after, each in said if each.state == "firing"} == {0, 1}
    never = free(day_of(12, 5) * 4, step=10)
    assert {int(after // (12 * HOUR)) for after, each in never if each.state == "firing"} == {0, 1, 2, 3}


def test_a_clean_up_that_no_longer_comes_is_told() -> None:
    failing = [GB * max(0.0, 25 - 75 * k / 4320) for k in range(1440)]
    said = [each for after, each in free([*day_of(12, 25) * 4, *day_of(12, 25), *failing], step=10)
            if after > 60 * HOUR]
    assert said[0].state == "firing" and seconds(said[0].title) >= 2 * HOUR


@pytest.mark.parametrize("jitter", [0.0, 0.01])
def test_a_daily_backup_is_told_on_the_first_day_at_most(jitter: float) -> None:
    """It takes 30 of 70 in an hour and is gone four hours later, within ten minutes."""
    chance, values = random.Random(4), []
    for at in range(0, 96 * HOUR, 10):
        hour = at % (24 * HOUR) / HOUR
        gone = max(0.0, 1 - max(0.0, hour - 6) * 6)
        values.append(GB * (70 - 30 * min(1.0, max(0.0, hour - 2)) * gone) * (1 + chance.gauss(0, jitter)))
    said = free(values, step=10)
    assert {after // (24 * HOUR) for after, _ in said} <= {0}
    assert {each.severity for _, each in said} <= {"low", "medium"}


def test_what_came_to_nothing_is_trusted_to_go_as_far_again_but_not_further() -> None:
    copied = [GB * (100 - 34 * min(1.0, n / 360)) for n in range(1080)]
    again = [GB * (66 - 34 * min(1.0, n / 360)) for n in range(1080)]
    further = [GB * (66 - 34 * n / 360) for n in range(600)]
    first = free(copied, step=10)
    assert first[-1][1].state == "cleared"
    assert free([66 * GB] * 1080 + again, step=10)
    assert len(free([*copied, *again], step=10)) == len(first)
    beyond = free([*copied, *further], step=10)[len(first):]
    assert 3 * HOUR + 3900 <= beyond[0][0] <= 3 * HOUR + 4500


@pytest.mark.parametrize("jitter", [0.0, 0.01])
def test_a_disk_that_grows_by_one_percent_a_day_is_no_forecast(jitter: float) -> None:
    chance = random.Random(4)
    assert not free([GB * (40 - n / 8640) * (1 + chance.gauss(0, jitter)) for n in range(3 * 8640)], step=10)


def test_what_begins_to_fill_faster_is_told_at_its_new_rate() -> None:
    slow = falling(12, before=2)[:7 * 360]
    faster = [slow[-1] * (1 - n / 180) for n in range(1, 180)]
    said = [(after - 7 * HOUR, each) for after, each in free([*slow, *faster], step=10)]
    high = next(after for after, each in said if each.severity == "high")
    assert 0 <= high <= 900


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
    hours = falling(3, before=6, jitter=0.005)
    assert free(hours, step=10) == free(hours, step=10, through=True)
    memory = [50 + n * 30 * 10 / HOUR for n in range(400)]
    assert feed(Leak(), "system.memory_percent", memory) == feed(
        Leak(), "system.memory_percent", memory, through=True)
