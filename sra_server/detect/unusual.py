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
from .tail import LOOK, Tail

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

    __slots__ = ("at", "due", "jumps", "means", "moves", "n", "news", "residuals", "season", "since", "value")

    def __init__(self) -> None:
        self.n = self.at = 0
        self.season = Season()
        #: The value's means of late (two), of long, and those of its distance from the hour's usual value.
        self.value, self.means = 0.0, (0.0, 0.0, 0.0, 0.0, 0.0)
        self.residuals, self.jumps = Tail(), Tail()
        self.moves = (Tail(), Tail(), Tail(), Tail())
        self.news, self.since = 0.0, 0
        #: At which point a past must be settled.
        self.due = LOOK

    def score(self, at: int, value: float) -> float:
        """Return how unusual a value at a time is: 0 and more; learn it.

        Six ranks are what a point costs: what is common is noted here without a call, and without a loop.
        """
        n = self.n = self.n + 1
        season, tail = self.season, self.residuals
        strange, jump, moved = 0.0, -JUMP, 0.0
        distance = season.residual(at, value)
        if distance < tail.floor:
            tail.note(distance)
        else:
            strange = tail.rank(distance)
        tail, distance = self.jumps, abs(value - self.value) if n > 1 else 0.0
        if distance < tail.floor:
            tail.note(distance)
        else:
            jump += tail.rank(distance)
        self.at, self.value, nearby = at, value, season.off
        # while there are fewer values than a mean is taken over, it is taken over those
        few = n < LONG
        late, later, long, off, off_longer = self.means
        late += (value - late) / (min(n, LATE) if few else LATE)
        later += (value - later) / (min(n, LATER) if few else LATER)
        long += (value - long) / (n if few else LONG)
        off += (nearby - off) / (min(n, OFF) if few else OFF)
        off_longer += (nearby - off_longer) / (min(n, OFF_LONGER) if few else OFF_LONGER)
        self.means = late, later, long, off, off_longer
        one, two, three, four = self.moves
        distance = abs(late - long)
        if distance < one.floor:
            one.note(distance)
        else:
            moved = one.rank(distance)
        distance = abs(later - long)
        if distance < two.floor:
            two.note(distance)
        else:
            rank = two.rank(distance)
            moved = rank if rank > moved else moved
        distance = abs(off)
        if distance < three.floor:
            three.note(distance)
        else:
            rank = three.rank(distance)
            moved = rank if rank > moved else moved
        distance = abs(off_longer)
        if distance < four.floor:
            four.note(distance)
        else:
            rank = four.rank(distance)
            moved = rank if rank > moved else moved
        if n >= self.due:
            self._settle()
        return moved + (strange if strange > jump else jump)

    def _settle(self) -> None:
        """Let each past count what it noted, as soon as one of them must."""
        self.due = self.n + min(each.settle() for each in (self.residuals, self.jumps, *self.moves))

    def is_news(self, score: float) -> bool:
        """Say whether a score tells more than what was told within the last REST points."""
        if score > self.news + MORE or self.n - self.since >= REST:
            self.news, self.since = score, self.n
            return True
        return False

    def usual(self, at: int) -> float:
        """Return what is usual at this time: the hour's mean, or the mean of long while the hour is new."""
        hourly = self.season.usual(at)
        return self.means[2] if hourly is None else hourly

    def to_json(self) -> list[Any]:
        """Return the memory as JSON."""
        return [self.n, self.at, self.value, *self.means, self.news, self.since, self.season.to_json(),
                self.residuals.to_json(), self.jumps.to_json(), [each.to_json() for each in self.moves]]

    @classmethod
    def from_json(cls, stored: list[Any]) -> Unusual:
        """Read what to_json gave."""
        # without what __init__ makes, for a batch brings one point of a series or two
        self = cls.__new__(cls)
        (self.n, self.at, self.value, late, later, long, off, off_longer, self.news, self.since, season,
         residuals, jumps, moves) = stored
        self.means = late, later, long, off, off_longer
        self.season = Season.from_json(season)
        one, two, three, four = map(Tail.from_json, moves)
        self.residuals, self.jumps, self.moves = Tail.from_json(residuals), Tail.from_json(jumps), (
            one, two, three, four)
        self.due = self.n + min([each.rest() for each in (self.residuals, self.jumps, *self.moves)])
        return self
