"""Season: what a series is usually like at this hour, on working days and at weekends. From unusual.

Each hour of the day has a mean of its own, which fades over days; a value that is far out moves it only a
little. The hours are UTC, for the rhythm is what counts and not its name.
"""
from __future__ import annotations

from typing import Any

_DAY = 86_400_000_000
_HOURS = 24
_HOUR = _DAY // _HOURS
#: An hour's earlier days together weigh so much of each new day: about five days of memory.
_FADE = 0.8
_OUTLIER = 4.0
#: How far one value can pull `off`.
_PULL = 8.0
_LEARN = 20
_SPREAD = 1000
_STEP = 1 / _SPREAD


class Season:
    """`means`, `weights` and `days` for each hour of both kinds of day; `spread`: the usual residual.

    `off` is the last value's residual, bounded; where the hour is new, the same hour of the other kind of
    day stands in.
    """

    __slots__ = ("begin", "day", "days", "end", "hour", "means", "n", "off", "spread", "weights")

    def __init__(self) -> None:
        self.n, self.spread, self.off = 0, 0.0, 0.0
        #: The hour of the last value, so that it is made out once.
        self.begin = self.end = self.day = self.hour = 0
        self.means = [0.0] * (2 * _HOURS)
        self.weights = [0.0] * (2 * _HOURS)
        self.days = [0] * (2 * _HOURS)

    def residual(self, at: int, value: float) -> float:
        """Return the distance from what is usual at this time in usual distances, and learn the value."""
        if not self.begin <= at < self.end:
            self.day, self.hour = _hour(at)
            self.begin = at - at % _HOUR
            self.end = self.begin + _HOUR
        day, hour = self.day, self.hour
        n = self.n = self.n + 1
        weight, spread, far = self.weights[hour], self.spread, 0.0
        if not weight:
            other = (hour + _HOURS) % (2 * _HOURS)
            off = value - self.means[other] if self.weights[other] else 0.0
            self.means[hour] = value
            if spread > 0:
                off = min(_PULL * spread, max(-_PULL * spread, off))
            self.off = off
        else:
            if day != self.days[hour]:
                weight *= _FADE ** min(60, day - self.days[hour])
            self.off = off = value - self.means[hour]
            if spread > 0:
                far = abs(off) / spread
                if far > _OUTLIER and n > _LEARN:
                    if far > _PULL:
                        self.off = _PULL * spread if off > 0 else -_PULL * spread
                    off = _OUTLIER * spread if off > 0 else -_OUTLIER * spread
            step = 1 / n if n < _SPREAD else _STEP
            self.spread = spread + (abs(off) - spread) * step
            self.means[hour] += off / (weight + 1)
        self.weights[hour], self.days[hour] = weight + 1, day
        return far

    def usual(self, at: int) -> float | None:
        """Return what is usual at a time, or None while nothing is known of its hour."""
        _, hour = _hour(at)
        return self.means[hour] if self.weights[hour] else None

    def to_json(self) -> list[Any]:
        """Return the known hours as [hour, day, weight, mean] after n and spread."""
        known = [[hour, self.days[hour], self.weights[hour], self.means[hour]]
                 for hour in range(2 * _HOURS) if self.weights[hour]]
        return [self.n, self.spread, known]

    @classmethod
    def from_json(cls, stored: list[Any]) -> Season:
        """Read what to_json gave."""
        self = cls()
        self.n, self.spread, known = stored
        for hour, day, weight, mean in known:
            self.days[hour], self.weights[hour], self.means[hour] = day, weight, mean
        return self


def _hour(at: int) -> tuple[int, int]:
    """Return the day and the hour, those of weekends after those of working days."""
    day, rest = divmod(at, _DAY)
    # the first day of the epoch was a Thursday
    return day, rest * _HOURS // _DAY + (_HOURS if (day + 3) % 7 >= 5 else 0)
