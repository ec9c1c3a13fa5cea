"""Thresholds with a duration, and health checks."""
from __future__ import annotations

import json

import pytest

from sra_server.detect.memory import Memory
from sra_server.detect.probe import Probe
from sra_server.detect.threshold import BOUNDS, Threshold
from sra_server.domain.record import Point
from sra_server.domain.remedy import ACTIONS
from sra_server.domain.signal import CLASSES, Signal

from ..world import batch, point, probe


def feed(detector: Threshold | Probe, points: list[Point]) -> list[Signal]:
    memory, found = Memory(), []
    for each in points:
        found += detector.detect(memory, batch(0, points=[each]))
        memory = Memory.from_json(json.loads(json.dumps(memory.to_json())))
    return found


def cpu(*values: float, step: float = 10) -> list[Point]:
    return [point("system.cpu_percent", value, n * step) for n, value in enumerate(values)]


def test_a_peak_is_no_trouble() -> None:
    assert not feed(Threshold(), cpu(*[99] * 11, 20, *[99] * 11))


def test_what_stays_high_fires_and_says_for_how_long() -> None:
    found = feed(Threshold(), cpu(*[99.0] * 13))
    assert [each.state for each in found] == ["firing"]
    assert found[0].cls == "cpu_overload"
    assert "is 99.0, at or above 95.0 for 120 s" in found[0].evidence[0].text


def test_it_clears_only_well_below_and_for_as_long() -> None:
    values = [99.0] * 13 + [90.0] * 30 + [50.0] * 12
    assert feed(Threshold(), cpu(*values))[-1].state == "firing"
    assert feed(Threshold(), cpu(*values, 50.0))[-1].state == "cleared"


def test_a_hole_in_the_points_is_not_counted_as_lasting() -> None:
    assert not feed(Threshold(), [point("system.cpu_percent", 99, at) for at in (0, 2000, 4000, 6000)])


def calm(minutes: float, load: float | None = None, *, start: int = 0) -> list[Point]:
    """A host with little to do; some hosts measure the load as well, and before the processor."""
    return _host([30.0] * round(minutes * 6), load, start=start)


def _host(values: list[float], load: float | None, *, start: int) -> list[Point]:
    found = []
    for n, value in enumerate(values):
        loads = [] if load is None else [point("system.load1_per_core", load, start + n * 10)]
        found += [*loads, point("system.cpu_percent", value, start + n * 10)]
    return found


def test_a_processor_that_was_never_used_up_for_so_long_is_told_within_a_minute() -> None:
    found = feed(Threshold(), calm(40) + _host([99.9] * 6, None, start=2400))
    assert [each.severity for each in found] == ["medium"]
    assert "at or above 99.0 for 50 s" in found[0].evidence[0].text
    # in the first hour it stays medium while nobody is known to feel it
    assert feed(Threshold(), calm(40) + _host([99.9] * 13, None, start=2400))[-1].severity == "medium"


def test_a_little_less_than_used_up_for_a_moment_changes_nothing() -> None:
    values = [99.9, 98.0, 99.9, 97.6, 99.9, 99.9]
    assert feed(Threshold(), calm(40) + _host(values, None, start=2400))
    assert not feed(Threshold(), calm(40) + _host([98.0] * 12, None, start=2400))
    assert not feed(Threshold(), calm(40) + _host([99.9, 99.9, 97.4, *[99.9] * 3], None, start=2400))


def test_what_is_not_used_up_waits_for_its_whole_time() -> None:
    assert not feed(Threshold(), calm(40) + _host([97.0] * 12, None, start=2400))
    assert not feed(Threshold(), calm(40) + _host([99.9, 99.9, 96, 99.9, 99.9, 99.9], None, start=2400))


def test_a_host_that_was_not_watched_for_long_waits_for_its_whole_time() -> None:
    assert not feed(Threshold(), calm(10) + _host([99.9] * 12, None, start=600))


def test_one_job_for_each_processor_is_work_and_no_trouble() -> None:
    busy = calm(40, 0.2) + _host([99.9] * 12, 0.9, start=2400)
    assert not feed(Threshold(), busy)
    assert feed(Threshold(), calm(40, 0.2) + _host([99.9] * 6, 2.0, start=2400))


def test_what_happens_now_and_then_is_not_told_early_again() -> None:
    day = 86_400
    nightly = calm(40) + _host([99.9] * 8 + [20.0] * 30, None, start=2400)
    again = _host([99.9] * 12, None, start=day)
    assert feed(Threshold(), nightly + calm(10, start=day - 600) + again)[-1].state == "cleared"
    later = 20 * day
    found = feed(Threshold(), nightly + calm(10, start=later - 600) + _host([99.9] * 6, None, start=later))
    assert found[-1].state == "firing"


def test_memory_that_was_never_so_scarce_is_told_within_a_minute() -> None:
    scarce = [point("system.memory_percent", 96.0, 2400 + n * 10) for n in range(6)]
    usual = [point("system.memory_percent", 40.0, n * 10) for n in range(240)]
    assert [each.severity for each in feed(Threshold(), usual + scarce)] == ["high"]
    assert not feed(Threshold(), usual + scarce[:5])


def test_each_mount_is_a_series_and_read_only_images_are_none() -> None:
    full = [point("system.disk_percent", 100.0, second, mount=mount)
            for second in range(0, 60, 10) for mount in ("/", "/snap/core", "/data")]
    assert {each.subject for each in feed(Threshold(), full)} == {"/", "/data"}
    assert {each.severity for each in feed(Threshold(), full)} == {"critical"}


def test_latency_is_held_against_its_own_past() -> None:
    usual = [point("latency_ms", 100.0, n * 10, service="shop") for n in range(40)]
    slow = [point("latency_ms", 900.0, 400 + n * 10, service="shop") for n in range(14)]
    assert feed(Threshold(), usual + slow)[-1].state == "firing"
    always = [point("latency_ms", 900.0, n * 10, service="batch") for n in range(100)]
    assert not feed(Threshold(), always)


@pytest.mark.parametrize(("rate", "fires"), [(0.5, True), (50.0, True), (0.05, False), (5.0, False)])
def test_an_error_rate_is_a_share_or_percent(rate: float, fires: bool) -> None:
    found = feed(Threshold(), [point("error_rate", rate, n * 10, service="shop") for n in range(10)])
    assert bool(found) is fires


def test_bounds_speak_of_known_classes_and_actions() -> None:
    assert {each.cls for each in BOUNDS.values()} <= set(CLASSES)
    assert {action for each in BOUNDS.values() for action in each.remedies} <= set(ACTIONS)
    assert all(each.low < each.high for each in BOUNDS.values())


@pytest.mark.parametrize(("values", "states"), [
    ([1, 0, 1, 0, 1, 0], []),
    ([1, 0, 0], ["firing"]),
    ([0, 0, 0, 1, 1], ["firing", "firing"]),
    ([0, 0, 1, 1, 0, 1, 1, 1], ["firing", "firing", "cleared"]),
    ([1, 1, 1, 1], []),
    ([1, 0, 1, 0, 1, 0, 1, 0], ["firing"]),
    ([0, 1, 0, 1, 0, 1, 0, 1, 1, 1, 1], ["firing"]),
    ([0, 1, 0, 1, 0, 1, 0, *[1] * 10], ["firing", "cleared"]),
    ([0, *[1] * 9, 0, *[1] * 9, 0, *[1] * 9, 0], []),
])
def test_two_failures_fire_and_three_passes_clear(values: list[int], states: list[str]) -> None:
    found = feed(Probe(), [probe(value, n * 5) for n, value in enumerate(values)])
    assert [each.state for each in found] == states


def test_a_failing_check_tells_where_and_since_when() -> None:
    signal = feed(Probe(), [probe(0, 0), probe(0, 5)])[0]
    assert (signal.cls, signal.service, signal.subject) == ("service_crash", "inventory", "127.0.0.1:8081")
    assert signal.at == signal.evidence[0].at
    assert "2 times in a row" in signal.evidence[1].text


def test_what_an_older_release_stored_of_a_check_is_read() -> None:
    memory = Memory()
    given = probe(0, 5)
    memory.put(f"probe|inventory-http|inventory|{given.host}", [1, 0, False, given.at, "p"])
    assert [each.state for each in Probe().detect(memory, batch(5, points=[given]))] == ["firing"]


def test_a_slow_check_is_held_against_its_own_past() -> None:
    usual = [point("probe.seconds", 0.02, n * 10, service="shop") for n in range(40)]
    slow = [point("probe.seconds", 3.0, 400 + n * 10, service="shop") for n in range(14)]
    assert feed(Threshold(), usual + slow)[-1].title == "the health check takes far longer than usual"
    assert not feed(Threshold(), usual + [point("probe.seconds", 0.2, 400 + n * 10, service="shop")
                                          for n in range(14)])


@pytest.mark.parametrize(("name", "value", "fires"), [
    ("system.inode_percent", 97, True), ("system.load1_per_core", 6, True),
    ("system.load1_per_core", 1.5, False), ("system.iowait_percent", 70, True),
    ("process.fd_percent", 95, True), ("queue_depth", 5000, False)])
def test_bounds_that_an_operator_expects(name: str, value: float, fires: bool) -> None:
    found = feed(Threshold(), [point(name, value, n * 30) for n in range(30)])
    assert bool(found) is fires
