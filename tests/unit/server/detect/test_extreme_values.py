"""Values that are finite and absurd: each detector takes them in, and its memory stays JSON."""
from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import pytest

from sra_server.detect import DETECTORS, Detector, Memory
from sra_server.detect.tail import Tail
from sra_server.detect.threshold import BOUNDS
from tests.unit.server.world import batch, point

NAMES = (*sorted(BOUNDS), "latency_ms", "orders", "process.memory.rss", "system.memory.percent",
         "queue_depth", "system.disk.percent", "system.disk.free", "probe.up")
EXTREMES = (1e308, -1e308, 1.7e308, 5e-324, -5e-324, 1e-300, 0.0, -1.7e308, 1e200, 3.0)


def _numbers(stored: Any) -> Iterator[float]:
    if isinstance(stored, float):
        yield stored
    inner = stored.values() if isinstance(stored, dict) else stored
    for each in inner if isinstance(stored, dict | list | tuple) else ():
        yield from _numbers(each)


@pytest.mark.parametrize("detector", DETECTORS, ids=lambda each: each.name)
@pytest.mark.parametrize("before", [(120.0, 125.0), (0.0, 0.0), (1e-310, 2e-310), (1e308, -1e308)])
def test_a_detector_takes_any_finite_value(detector: Detector, before: tuple[float, float]) -> None:
    memory, moment = Memory(), 0.0
    values = [*before * 40, *EXTREMES * 4, *before * 10]
    for value in values:
        moment += 15
        points = [point(name, value, moment, service="shop", mount="/data", process="shop") for name in NAMES]
        for each in detector.detect(memory, batch(moment, points=points)):
            assert all(map(math.isfinite, _numbers(each.to_json() if hasattr(each, "to_json") else [])))
        stored = memory.to_json()
        assert all(map(math.isfinite, _numbers(stored)))
    memory = Memory.from_json(stored, memory.limit)
    detector.detect(memory, batch(moment + 15, points=[point(name, 1e308, moment + 15, service="shop")
                                                       for name in NAMES]))


def test_the_rank_of_any_distance_is_finite() -> None:
    for first in (0.0, 5e-324, 1.0, 1e308):
        tail = Tail()
        ranks = [tail.rank(value) for value in (*[first] * 40, 1.7e308, math.inf, 5e-324, math.inf, 0.0)]
        assert all(map(math.isfinite, ranks))
        assert max(ranks) > 0 and math.isfinite(tail.most)
