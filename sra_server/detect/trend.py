"""Trend: at which rate a series rises or falls, how steadily, and whether it still does. To forecast, leak.

A line is fitted to the recent past, in which what is one `span` old weighs 1/e: one step a point, eight
numbers, and nothing else is kept. Three spans see a thing that takes minutes and one that takes a day.
"""
from __future__ import annotations

from collections.abc import Sequence
from math import exp
from typing import NamedTuple

from ..domain.record import SECOND

#: A line explains so much of what was seen, or it is no steady growth.
STEADY = 0.9
#: A rate that has fallen below so much of itself has ended, or is about to.
STILL = 0.5
#: Fewer points show no line.
POINTS = 6


class Trend(NamedTuple):
    """Weighted means of time (seconds since `begun`) and value, and the sums of squares around them."""

    begun: int = 0
    n: int = 0
    last: float = 0.0
    weight: float = 0.0
    time: float = 0.0
    value: float = 0.0
    tt: float = 0.0
    tv: float = 0.0
    vv: float = 0.0

    def add(self, at: int, value: float, span: float) -> Trend:
        """Return the trend with one more point; `span` in seconds."""
        if not self.n:
            return Trend(begun=at, n=1, weight=1.0, value=value)
        now = (at - self.begun) / SECOND
        fade = exp(-max(0.0, now - self.last) / span)
        weight = self.weight * fade + 1
        off_time, off_value = now - self.time, value - self.value
        time, mean = self.time + off_time / weight, self.value + off_value / weight
        return Trend(self.begun, self.n + 1, now, weight, time, mean,
                     self.tt * fade + off_time * (now - time), self.tv * fade + off_time * (value - mean),
                     self.vv * fade + off_value * (value - mean))

    @property
    def rate(self) -> float:
        """Return the change per second."""
        return self.tv / self.tt if self.tt > 0 else 0.0

    @property
    def steady(self) -> float:
        """Return how much of the movement the line explains, 0 to 1."""
        # each may be greater than nothing, and their product too small for a number
        whole = self.tt * self.vv
        return min(1.0, self.tv * self.tv / whole) if whole > 0 else 0.0


class Course(NamedTuple):
    """A steady movement that still goes on: its change per second, and for how many seconds it was seen."""

    rate: float
    seconds: float


def follow(trends: Sequence[Trend], spans: Sequence[float], at: int, value: float) -> tuple[Trend, ...]:
    """Return the trends, one for each span (shortest first), with one more point."""
    return tuple(trend.add(at, value, span) for trend, span in zip(trends, spans, strict=True))


def courses(trends: Sequence[Trend], spans: Sequence[float], *, steady: float = STEADY,
            still: float = STILL, bends: bool = False) -> list[Course]:
    """Return the steady movements, seen over the shortest span first; those that have ended are left out.

    `bends`: what slows down over any shorter span is left out as well, not only over the next one.
    """
    found: list[Course] = []
    for number, (trend, span) in enumerate(zip(trends, spans, strict=True)):
        if trend.n < POINTS or trend.steady < steady:
            continue
        shorter = trends[0 if bends else max(0, number - 1):number]
        if all(each.rate / trend.rate >= still for each in shorter):
            found.append(Course(rate=trend.rate, seconds=min(span, trend.last)))
    return found


def words(seconds: float) -> str:
    """Return a time span for people, rounded to what a forecast can know."""
    for size, unit in ((86_400, "days"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
