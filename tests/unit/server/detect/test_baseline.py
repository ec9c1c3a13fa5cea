"""What is far from its own past: the scorer alone, and the detector that seldom speaks."""
from __future__ import annotations

import json
import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sra_server.detect.baseline import OTHERS, STRANGE, WATCHED, Baseline
from sra_server.detect.memory import Memory
from sra_server.detect.tail import BINS, FULL, LOOK, MANY, Tail
from sra_server.detect.unusual import Unusual
from sra_server.detect.watch import WATCHES, watch_of
from sra_server.domain.remedy import ACTIONS
from sra_server.domain.signal import CLASSES, Signal

from ..world import START, World, at, batch, point, record

MINUTES = 24 * 60
FIVE = 300 * 1_000_000


def scores(values: list[float], step: int = FIVE) -> list[float]:
    past = Unusual()
    return [past.score(START + n * step, value) for n, value in enumerate(values)]


def noise(n: int, seed: int = 1) -> list[float]:
    chance = random.Random(seed)
    return [100 + chance.gauss(0, 5) for _ in range(n)]


@pytest.mark.parametrize("values", [
    noise(3000),
    [100 + 40 * math.sin(n / 288 * 2 * math.pi) + extra - 100 for n, extra in enumerate(noise(3000, 2))],
    [(80 if n % 288 in range(144, 168) else 20) + extra / 50 for n, extra in enumerate(noise(3000, 3))],
    [7.0] * 1000,
])
def test_noise_a_daily_season_and_a_step_each_noon_are_usual(values: list[float]) -> None:
    """The first two days are learned; afterwards hardly anything scores as strange."""
    strange = [score for score in scores(values)[576:] if score >= STRANGE]
    assert len(strange) <= len(values) // 1000


@pytest.mark.parametrize("broken", [
    [200.0], [0.0], [130.0] * 12, [100.0] * 3 + [400.0],
])
def test_peaks_holes_and_shifts_are_strange_at_once(broken: list[float]) -> None:
    usual = noise(1500)
    found = scores([*usual, *broken])[1500:]
    assert max(found[:6]) >= STRANGE


@settings(max_examples=25, deadline=None)
@given(st.lists(st.floats(-1e12, 1e12), min_size=1, max_size=120), st.integers(0, 119))
def test_json_in_the_middle_changes_nothing_and_memory_is_bounded(values: list[float], cut: int) -> None:
    whole, parted = Unusual(), Unusual()
    for n, value in enumerate(values):
        if n == cut:
            parted = Unusual.from_json(json.loads(json.dumps(parted.to_json())))
        assert whole.score(START + n * FIVE, value) == parted.score(START + n * FIVE, value)
    assert whole.to_json() == parted.to_json()


def test_the_memory_of_a_series_does_not_grow() -> None:
    past = Unusual()
    chance = random.Random(3)
    sizes = []
    for n in range(6000):
        past.score(START + n * FIVE, chance.lognormvariate(0, 3))
        if n % 1000 == 999:
            sizes.append(len(json.dumps(past.to_json())))
    assert max(sizes) < 6000 and sizes[-1] < 1.2 * sizes[2]


def learned(values: list[float]) -> tuple[Tail, list[float]]:
    """Return a past, and each value's rank in it, told as a series tells them."""
    tail, ranks = Tail(), []
    due = 0
    for n, value in enumerate(values, 1):
        ranks.append(tail.rank(value))
        if n >= due:
            due = n + tail.settle()
    return tail, ranks


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(0, 1e9), min_size=1, max_size=200))
def test_a_tail_counts_everything_and_ranks_the_greatest_highest(values: list[float]) -> None:
    tail, _ = learned(values)
    kept = tail.to_json()
    assert sum(tail.counts) == tail.total == len(values) == sum(kept[3:])
    assert len(tail.counts) == BINS and tail.most == max(values)
    if len(values) > 64:
        assert tail.rank(2 * max(values) + 1) >= math.log10(len(values))


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from([0.0, 1e-9, 0.25, 1.0, 1.1, 1.24, 1.25, 1.3, 2.0, 5.0, 1e3, 1e12])
                | st.floats(0, 100, allow_subnormal=False), min_size=40, max_size=900), st.integers(1, 97))
def test_what_is_noted_ranks_as_if_it_were_counted_at_once(values: list[float], step: int) -> None:
    # reading the past back counts what was noted, so here nothing stays noted for longer than a step
    tail, due, ranks = Tail(), 0, []
    for n, value in enumerate(values, 1):
        ranks.append(tail.rank(value))
        if n >= due:
            due = n + tail.settle()
        if n % step == 0:
            tail = Tail.from_json(tail.to_json())
    noting, others = learned(values)
    assert ranks == others and tail.to_json() == noting.to_json()


def test_the_rank_is_the_share_of_values_as_great() -> None:
    chance = random.Random(7)
    values = [chance.lognormvariate(0, 1) for _ in range(640)]
    tail, _ = learned(values)
    for asked, share in ((1.05 * max(values), 1 / 641), (3.5, sum(value >= 3.5 for value in values) / 640)):
        # a bin is up to a quarter of an octave wide
        assert abs(tail.rank(asked) + math.log10(share)) < 0.15


@settings(max_examples=200)
@given(st.floats(1e-200, 1e200))
def test_a_floor_is_the_exact_edge_of_a_bin(value: float) -> None:
    tail, _ = learned([value] * 64)
    assert tail.common == 1 and tail.floor <= value
    below = math.nextafter(tail.floor, 0)
    assert math.frexp(below)[1] * 4 + int(8 * math.frexp(below)[0]) == tail.top - 1
    assert tail.rank(below) == 0 and tail.rank(tail.floor) > 0


def test_a_tail_forgets() -> None:
    tail, _ = learned([1e6, *(1.0 + n % 7 for n in range(2 * FULL))])
    assert tail.total <= FULL + 64 and tail.most < 100
    assert len(tail.noted) <= MANY + LOOK


def lived(world: World, name: str, days: float, value: float, *, service: str = "shop",
          step: int = 60) -> float:
    chance = random.Random(5)
    seconds = 0.0
    while seconds < days * 86_400:
        around = value + chance.gauss(0, value / 50)
        world.fold(batch(seconds, points=[point(name, around, seconds, service=service)]))
        seconds += step
    return seconds


def went(world: World, name: str, begin: float, value: float, *, service: str = "shop", n: int = 10) -> None:
    for number in range(n):
        second = begin + 60 * number
        world.fold(batch(second, points=[point(name, value, second, service=service)]))


def test_a_watched_metric_that_hurts_for_minutes_is_an_incident_and_ends() -> None:
    world = World(through_json=False)
    begin = lived(world, "requests_per_second", 1.1, 200.0)
    assert not world.incidents
    went(world, "requests_per_second", begin, 2.0)
    incident = world.only()
    assert (incident.service, incident.severity) == ("shop", "medium")
    assert "usual at this hour is about" in (incident.root_cause or "") + str(world.changes[0].signals)
    went(world, "requests_per_second", begin + 600, 200.0)
    assert world.only().status == "resolved"


def test_one_peak_a_harmless_height_and_the_first_day_are_no_incident() -> None:
    world = World(through_json=False)
    begin = lived(world, "system.cpu_percent", 1.1, 10.0, service="")
    went(world, "system.cpu_percent", begin, 99.0, service="", n=1)
    went(world, "system.cpu_percent", begin + 60, 45.0, service="")
    assert not world.incidents
    early = World(through_json=False)
    begin = lived(early, "requests_per_second", 0.4, 200.0)
    went(early, "requests_per_second", begin, 2.0)
    assert not early.incidents


def test_what_is_not_watched_is_evidence_of_an_open_incident_and_never_opens_or_prolongs_one() -> None:
    world = World(through_json=False)
    begin = lived(world, "shop.cache_misses", 0.3, 50.0)
    went(world, "shop.cache_misses", begin, 5000.0, n=3)
    assert not world.incidents
    world.fold(batch(begin + 170, record("panic: runtime error: nil", begin + 170)))
    incident = world.only()
    went(world, "shop.cache_misses", begin + 180, 5000.0, n=1)
    after = world.only()
    assert after.cls == incident.cls and after.last_signal_at == incident.last_signal_at
    [strange] = [each for each in world.state.cases[incident.id].signals if not each.opens]
    assert "usual of late is about" in strange.evidence[0].text, "an hour of the day is known after a day"
    assert world.state.cases[incident.id].count == 1
    went(world, "shop.cache_misses", begin + 240, 5000.0, n=8)
    assert world.only().status == "resolved"


@pytest.mark.parametrize(("name", "usual", "value", "says"), [
    ("system.inode_percent", 2.9, 3.3, False), ("system.inode_percent", 93.0, 94.0, True),
    ("system.iowait_percent", 1.0, 9.0, True), ("system.memory_percent", 30.0, 36.0, False),
    ("system.load1_per_core", 0.05, 0.2, False), ("system.load1_per_core", 0.05, 1.5, True),
    ("jvm.heap_percent", 20.0, 22.0, False), ("jvm.heap_percent", 20.0, 60.0, True),
    ("shop.cache_misses", 50.0, 60.0, True)])
def test_what_is_strange_is_evidence_only_if_it_is_near_its_limit_or_moved_by_much_of_it(
        name: str, usual: float, value: float, says: bool) -> None:
    memory, chance, found = Memory(), random.Random(5), list[Signal]()
    for minute in range(600):
        now = usual * (1 + chance.gauss(0, 0.001)) if minute < 598 else value
        found += Baseline().detect(memory, batch(minute * 60, points=[point(name, now, minute * 60)]))
    late = [each for each in found if each.at >= at(598 * 60)]
    assert [each.opens for each in late] == ([False] * 2 if says else [])


def test_places_are_bounded_and_those_that_fell_silent_make_room() -> None:
    memory, detector = Memory(), Baseline()

    def send(names: list[str], seconds: float) -> list[Signal]:
        return detector.detect(memory, batch(seconds, points=[point(name, 1.0, seconds) for name in names]))

    send([f"odd.{n}" for n in range(500)], 0)
    assert len(memory) == OTHERS
    send([f"latency.p{n}.latency" for n in range(500)], 1)
    assert len(memory) == OTHERS + WATCHED
    send(["new.one"], 2 * 86_400)
    assert memory.get(f"other|{point('new.one', 1.0, 0).series()}") and len(memory) == OTHERS + WATCHED


def test_watches_speak_of_known_classes_and_actions() -> None:
    assert {each.cls for each in WATCHES} <= set(CLASSES)
    assert {action for each in WATCHES for action in each.remedies} <= set(ACTIONS)
    named = {name: watch_of(name) is not None for name in (
        "latency_ms", "http.request_duration_seconds.p99", "error_rate", "queue_depth",
        "shop.requests_per_second", "cache_misses", "latency_budget", "system.load1")}
    assert [name for name, watched in named.items() if watched] == [
        "latency_ms", "http.request_duration_seconds.p99", "error_rate", "queue_depth",
        "shop.requests_per_second"]
    assert at(0) == START
