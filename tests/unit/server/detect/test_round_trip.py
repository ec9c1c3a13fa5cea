"""What a detector remembers goes through JSON and comes back as it was: every detector of the table."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sra_server.detect import DETECTORS, Detector, Memory
from sra_server.detect.threshold import BOUNDS
from sra_server.domain.record import MINUTE, Batch
from tests.unit.server.world import at, batch, point, probe, record

TEXTS = (
    "No space left on device",
    "deadlock detected",
    "Failed password for root",
    "panic: runtime error: nil",
    "worker 17 took 250 ms",
    "cannot reach 10.0.0.5:5432: Connection refused",
    "Grüße: ошибка 東京",
)
EVENT = st.tuples(
    st.integers(0, 90),
    st.sampled_from(["shop", "inventory", ""]),
    st.sampled_from(TEXTS),
    st.sampled_from([20, 30, 40, 50]),
    st.integers(1, 40),
    st.sampled_from([*sorted(BOUNDS), "probe.up", "orders"]),
    st.floats(0, 1000, allow_nan=False) | st.sampled_from([0.0, 1.0, 99.0]),
)


def made(events: list[Any]) -> list[Batch]:
    moment, found = 0, []
    for gap, service, text, level, times, name, value in events:
        moment += gap
        lines = [record(text, moment, service=service, level=level, number=n) for n in range(times)]
        points = (
            [probe(value >= 1, moment)]
            if name == "probe.up"
            else [point(name, value, moment, service=service, mount="/data")]
        )
        found.append(batch(moment, *lines, points=points, alive=["shop"]))
    return found


@pytest.mark.parametrize("detector", DETECTORS, ids=lambda each: each.name)
@settings(max_examples=25, deadline=None)
@given(st.lists(EVENT, min_size=1, max_size=12))
@example([(30, "", TEXTS[1], 20, 1, "system.cpu_percent", 100.0)] * 12)
def test_with_and_without_a_restart_between_batches(detector: Detector, events: list[Any]) -> None:
    whole, restarted = Memory(), Memory()
    for each in made(events):
        found = detector.detect(whole, each)
        assert found == detector.detect(restarted, each)
        restarted = Memory.from_json(orjson.loads(orjson.dumps(restarted.to_json())), restarted.limit)
        assert whole.to_json() == restarted.to_json()


def test_the_batches_reach_what_detectors_look_at() -> None:
    """The histories above are no idle ones: over an hour of them each of today's detectors speaks."""
    spoke = set()
    for detector in DETECTORS:
        memory = Memory()
        for second in range(0, 600, 15):
            lines = [record(TEXTS[0], second, number=n) for n in range(60 if second > 300 else 0)]
            points = [point("system.disk_percent", 99.0, second, mount="/data"), probe(0, second)]
            if detector.detect(memory, batch(second, *lines, points=points, alive=["shop"])):
                spoke.add(detector.name)
    assert spoke >= {"signature", "probe", "threshold", "burst"}
    assert at(60) - at(0) == MINUTE
