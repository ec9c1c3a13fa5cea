"""Tail: how rare a magnitude is against the past of its own kind. From unusual; pure arithmetic.

The past is a histogram with four bins an octave, the highest bin the greatest value so far and 16 octaves
below it: a fixed size, whatever the unit. Being a rank, the answer means the same for every series, and so
one threshold serves all. What a tenth of the past reached is not rare and costs next to nothing: it lies
below `floor`, is only noted, and finds its bin when it is next counted.
"""
from __future__ import annotations

from bisect import bisect_left
from math import frexp, ldexp, log2, log10
from typing import Any

BINS = 64
#: Beyond so many values the past is halved, so that what is long ago fades.
FULL = 20_000
#: Too little is known before so many values.
FEW = 30
#: A share that is not rare, and after how many values the bin that holds it is looked for again.
_COMMON = 0.1
LOOK = 64
#: So many values that were only noted are given to their bins at the latest.
MANY = 512
#: Up to so many it is no gain to sort them.
_FEW_NOTED = 12
_EMPTY = [0] * BINS
#: What is divided by next to nothing is greater than any number, and taken for this one.
_ENDLESS = 1e300
#: The lower edges of all bins that a float may lie in, and of those below. A bin has the number
#: 4 * exponent + int(8 * mantissa), where frexp gives both.
_LEAST, _GREATEST = -4352, 4103
_EDGES = tuple(ldexp(4 + number % 4, number // 4 - 4) for number in range(_LEAST, _GREATEST + 1))


class Tail:
    """`most` is the greatest value so far, `top` the number of its bin, `counts` from there downwards.

    From the bin `common` on downwards nothing is rare: what lies below `floor` may be given to `note`
    instead of `rank`, for its rank is 0. Whoever does either calls `settle` as often as that asks for.
    """

    __slots__ = ("common", "counted", "counts", "floor", "most", "note", "noted", "top")

    def __init__(self) -> None:
        self.most, self.top, self.counted, self.common, self.floor = 0.0, 0, 0, BINS, 0.0
        self.counts = [0] * BINS
        self.noted: list[float] = []
        self.note = self.noted.append

    @property
    def total(self) -> int:
        """Return how many values weigh in the past."""
        return self.counted + len(self.noted)

    def rank(self, value: float) -> float:
        """Return -log10 of the share of earlier values that were as great, and take the value in.

        What exceeds everything so far is rarer still by as many octaves as it exceeds it.
        """
        if value < self.floor:
            self.note(value)
            return 0.0
        if value > _ENDLESS:
            value = _ENDLESS
        counts, most = self.counts, self.most
        if value > 0:
            mantissa, exponent = frexp(value)
            place = self.top - 4 * exponent - int(8 * mantissa)
        else:
            place = BINS - 1
        rarity = 0.0
        if place >= self.common and most:
            place = place if place < BINS else BINS - 1
        else:
            total = self.counted + len(self.noted)
            if total >= FEW:
                if value > most:
                    rarity = log10(total + 1) + (log2(min(value / most, _ENDLESS)) if most else 0.0)
                else:
                    # what was only noted lies below
                    rarity = log10((total + 1) / (sum(counts[:place]) + counts[place] / 2 + 1))
            if place < 0 or (value > 0 and not most):
                self._rise(-place)
                counts, place = self.counts, 0
            if value > most:
                self.most = value
        counts[place] += 1
        self.counted += 1
        return rarity

    def settle(self) -> int:
        """Look anew for what is common if that is due; return after how many values to call again."""
        total = self.counted + len(self.noted)
        if total and not total % LOOK:
            self._look()
        return self.rest()

    def rest(self) -> int:
        """Return after how many values to settle next."""
        return LOOK - (self.counted + len(self.noted)) % LOOK

    def _count(self) -> None:
        """Give what was noted to its bins; all of it lies below the floor."""
        noted, counts = self.noted, self.counts
        if len(noted) > _FEW_NOTED:
            self._count_many()
        else:
            for value in noted:
                place = BINS - 1
                if value > 0:
                    mantissa, exponent = frexp(value)
                    place = min(place, self.top - 4 * exponent - int(8 * mantissa))
                counts[place] += 1
        self.counted += len(noted)
        noted.clear()

    def _count_many(self) -> None:
        """Do so from the highest bin to the lowest: values part faster once they are sorted."""
        noted, counts, base = sorted(self.noted), self.counts, self.top - _LEAST
        end = len(noted)
        for place in range(self.common, BINS - 1):
            if not end:
                break
            begin = bisect_left(noted, _EDGES[base - place], 0, end)
            counts[place] += end - begin
            end = begin
        counts[-1] += end

    def _rise(self, by: int) -> None:
        """Move the bins up; what falls below the lowest is kept in it."""
        # what lies below the lowest bin that may be rare could come to lie in it
        self._count()
        self.top += by
        if not self.most:
            return
        keep = max(0, BINS - by)
        below = sum(self.counts[keep:])
        self.counts = [*[0] * (BINS - keep), *self.counts[:keep]]
        self.counts[-1] += below
        self.common = min(BINS, self.common + by)
        self._set_floor()

    def _look(self) -> None:
        """Look for the common bin; halve a past that has become long."""
        total = self.total
        if total > FULL:
            self._fade()
            total = self.counted
        enough = total * _COMMON
        if len(self.noted) >= MANY or sum(self.counts[:self.common]) < enough:
            self._count()
        reached = 0
        for place, count in enumerate(self.counts):
            reached += count
            if reached >= enough:
                if self.common != place + 1:
                    self.common = place + 1
                    self._set_floor()
                break

    def _set_floor(self) -> None:
        """Set the lower edge of the last bin that may be rare; with all of them nothing lies below."""
        self.floor = _EDGES[self.top - self.common + 1 - _LEAST] if self.most and self.common < BINS else 0.0

    def _fade(self) -> None:
        self._count()
        counts = [each >> 1 for each in self.counts]
        empty = next((place for place, each in enumerate(counts) if each), 0)
        if empty:
            # the greatest is forgotten, too: the upper edge of what is left takes its place
            counts = [*counts[empty:], *[0] * empty]
            self.top -= empty
            self.most = _EDGES[self.top + 1 - _LEAST]
        self.counts, self.counted = counts, sum(counts)

    def to_json(self) -> list[Any]:
        """Return the past without the empty bins at its low end."""
        if self.noted:
            self._count()
        counts = self.counts
        last = BINS
        while last and not counts[last - 1]:
            last -= 1
        return [self.most, self.top, self.common, *counts[:last]]

    @classmethod
    def from_json(cls, stored: list[Any]) -> Tail:
        """Read what to_json gave."""
        self = cls.__new__(cls)
        self.most, self.top, self.common = stored[:3]
        self.counts = counts = stored[3:]
        self.counted = sum(counts)
        counts += _EMPTY[len(counts):]
        self.noted = []
        self.note = self.noted.append
        self._set_floor()
        return self
