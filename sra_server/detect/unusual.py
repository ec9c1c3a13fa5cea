"""Unusual: how far one series is from its own past, point by point. From baseline and its benchmark.

Two questions, each answered by the rank within the answers so far. Is the value strange: far from what is
usual at this hour, or from the value before it? And has the level moved: is the mean of late far from the
mean of long, or has the distance from the hour's usual value kept its sign? The first sees peaks and holes,
the second shifts that no single value shows; where both are rare the score, their sum, is high. It is -log10
of a chance: 5 is once in 100,000 points, were the two independent. Nothing ahead is looked at; the cost of a
point and the size of what is remembered are constant.
"""
from __future__ import annotations

from typing import Any

from .season import Season
from .tail import Tail

#: The mean of late, over about so many points; that of long.
LATE, LATER, LONG = 12, 24, 400
#: The mean of the distances from the hour's usual value.
OFF, OFF_LONGER = 24, 96
#: One trouble is told once: within so many points only what scores higher by MORE is news.
REST, MORE = 100, 0.2
#: Values that jump are common; a jump alone counts for less.
JUMP = 0.5


class Unusual:
    """The memory of one series: what is usual by the hour, running means, and the pasts of each distance."""

    __slots__ = ("at", "jumps", "late", "later", "long", "moves", "n", "news", "off", "off_longer",
                 "residuals", "season", "since", "value")

    def __init__(self) -> None:
        self.n = self.at = 0
        self.season = Season()
        self.value = self.late = self.later = self.long = self.off = self.off_longer = 0.0
        self.residuals, self.jumps = Tail(), Tail()
        self.moves = (Tail(), Tail(), Tail(), Tail())
        self.news, self.since = 0.0, 0

    def score(self, at: int, value: float) -> float:
        """Return how unusual a value at a time is: 0 and more; learn it."""
        n = self.n = self.n + 1
        season = self.season
        strange = self.residuals.rank(season.residual(at, value))
        jump = self.jumps.rank(abs(value - self.value) if n > 1 else 0.0) - JUMP
        self.at, self.value = at, value
        self.late += (value - self.late) / (n if n < LATE else LATE)
        self.later += (value - self.later) / (n if n < LATER else LATER)
        self.long += (value - self.long) / (n if n < LONG else LONG)
        self.off += (season.off - self.off) / (n if n < OFF else OFF)
        self.off_longer += (season.off - self.off_longer) / (n if n < OFF_LONGER else OFF_LONGER)
        late, later, off, off_longer = self.moves
        moved = max(late.rank(abs(self.late - self.long)), later.rank(abs(self.later - self.long)),
                    off.rank(abs(self.off)), off_longer.rank(abs(self.off_longer)))
        return moved + (strange if strange > jump else jump)

    def is_news(self, score: float) -> bool:
        """Say whether a score tells more than what was told within the last REST points."""
        if score > self.news + MORE or self.n - self.since >= REST:
            self.news, self.since = score, self.n
            return True
        return False

    def usual(self, at: int) -> float:
        """Return what is usual at this time: the hour's mean, or the mean of long while the hour is new."""
        hourly = self.season.usual(at)
        return self.long if hourly is None else hourly

    def to_json(self) -> list[Any]:
        """Return the memory as JSON."""
        return [self.n, self.at, self.value, self.late, self.later, self.long, self.off, self.off_longer,
                self.news, self.since, self.season.to_json(), self.residuals.to_json(), self.jumps.to_json(),
                [each.to_json() for each in self.moves]]

    @classmethod
    def from_json(cls, stored: list[Any]) -> Unusual:
        """Read what to_json gave."""
        self = cls()
        (self.n, self.at, self.value, self.late, self.later, self.long, self.off, self.off_longer,
         self.news, self.since, season, residuals, jumps, moves) = stored
        self.season = Season.from_json(season)
        self.residuals, self.jumps = Tail.from_json(residuals), Tail.from_json(jumps)
        late, later, off, off_longer = (Tail.from_json(each) for each in moves)
        self.moves = (late, later, off, off_longer)
        return self
