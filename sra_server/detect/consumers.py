"""Consumers: which processes use most of what a host runs out of. From a batch's points; to threshold.

The agent measures both in one turn, so they stand in one batch; where they do not, nothing is said of it.
"""
from __future__ import annotations

from dataclasses import replace

from ..domain.evidence import of_point
from ..domain.record import Batch, Point
from ..domain.signal import Signal

#: What is used up on a host, and the metric by which its processes share in it.
_OF = {"system.cpu_percent": "process.cpu_percent", "system.load1_per_core": "process.cpu_percent",
       "system.memory_percent": "process.memory_bytes", "system.swap_percent": "process.memory_bytes"}
_NAMED = 3
#: Of what the greatest use, one who has so much of it is named as the cause.
_MOST = 0.5


def with_consumers(signal: Signal, used_up: str, batch: Batch) -> Signal:
    """Return a signal that the metric `used_up` brought about with those who use most of it as evidence."""
    name = _OF.get(used_up)
    if name is None or signal.state != "firing":
        return signal
    latest = {dict(each.tags).get("process", ""): each for each in batch.points
              if each.name == name and each.host == signal.host}
    users = sorted((each for each in latest.items() if each[0]), key=lambda each: (-each[1].value, each[0]))
    if not users:
        return signal
    process, first = users[0]
    told = ", ".join(f"{each} {_amount(point)}" for each, point in users[:_NAMED])
    evidence = of_point(first, f"{name} on {signal.host}: most is used by {told}")
    most = first.value >= _MOST * sum(each.value for _, each in users)
    cause = f"{signal.cause}; {process} uses most of it" if most else signal.cause
    return replace(signal, cause=cause, evidence=(*signal.evidence, evidence))


def _amount(point: Point) -> str:
    if point.name == "process.memory_bytes":
        return f"{point.value / 2**20:.0f} MiB"
    return f"{point.value:.0f} % of a core"
