"""Tail: how rare a magnitude is against the past of its own kind. From unusual; pure arithmetic.

The past is a histogram with four bins an octave, the highest bin the greatest value so far and 16 octaves
below it: a fixed size, whatever the unit. Being a rank, the answer means the same for every series, and so
one threshold serves all. What a tenth of the past reached is not rare and costs next to nothing: its rank is
not even looked for.
"""
from __future__ import annotations

from math import frexp, log2, log10
from typing import Any

BINS = 64
#: Beyond so many values the past is halved, so that what is long ago fades.
FULL = 20_000
#: Too little is known before so many values.
FEW = 30
#: A share that is not rare, and after how many values the bin that holds it is looked for again.
_COMMON = 0.1
_LOOK = 64


class Tail:
    """`most` is the greatest value so far, `top` the number of its bin, `counts` from there downwards.

    From the bin `common` on downwards nothing is rare.
    """

    __slots__ = ("common", "counts", "most", "top", "total")

    def __init__(self) -> None:
        self.most, self.top, self.total, self.common = 0.0, 0, 0, BINS
        self.counts = [0] * BINS

    def rank(self, value: float) -> float:
        """Return -log10 of the share of earlier values that were as great, and take the value in.

        What exceeds everything so far is rarer still by as many octaves as it exceeds it.
        """
        if value > 0:
            mantissa, exponent = frexp(value)
            place = self.top - 4 * exponent - int(8 * mantissa)
        else:
            place = BINS - 1
        if place < self.common or not self.most:
            return self._rare(value, place)
        self.counts[place if place < BINS else BINS - 1] += 1
        self.total += 1
        if not self.total % _LOOK:
            self._look()
        return 0.0

    def _rare(self, value: float, place: int) -> float:
        """Rank what may be rare, and take it in."""
        rarity = 0.0
        if self.total >= FEW:
            if value > self.most:
                rarity = log10(self.total + 1) + (log2(value / self.most) if self.most else 0.0)
            else:
                as_great = sum(self.counts[:place]) + self.counts[place] / 2
                rarity = log10((self.total + 1) / (as_great + 1))
        if place < 0 or (value > 0 and not self.most):
            self._rise(-place)
            place = 0
        self.counts[place] += 1
        if value > self.most:
            self.most = value
        self.total += 1
        if not self.total % _LOOK:
            self._look()
        return rarity

    def _rise(self, by: int) -> None:
        """Move the bins up; what falls below the lowest is kept in it."""
        self.top += by
        if not self.most:
            return
        keep = max(0, BINS - by)
        below = sum(self.counts[keep:])
        self.counts = [*[0] * (BINS - keep), *self.counts[:keep]]
        self.counts[-1] += below
        self.common = min(BINS, self.common + by)

    def _look(self) -> None:
        """Look for the common bin; halve a past that has become long."""
        if self.total > FULL:
            self._fade()
        reached, enough = 0, self.total * _COMMON
        for place, count in enumerate(self.counts):
            reached += count
            if reached >= enough:
                self.common = place + 1
                break

    def _fade(self) -> None:
        counts = [each >> 1 for each in self.counts]
        empty = next((place for place, each in enumerate(counts) if each), 0)
        if empty:
            # the greatest is forgotten, too: the upper edge of what is left takes its place
            counts = [*counts[empty:], *[0] * empty]
            self.top -= empty
            self.most = _upper(self.top)
        self.counts, self.total = counts, sum(counts)

    def to_json(self) -> list[Any]:
        """Return the past without the empty bins at its low end."""
        counts = self.counts
        last = BINS
        while last and not counts[last - 1]:
            last -= 1
        return [self.most, self.top, self.common, *counts[:last]]

    @classmethod
    def from_json(cls, stored: list[Any]) -> Tail:
        """Read what to_json gave."""
        self = cls.__new__(cls)
        self.most, self.top, self.common, *counts = stored
        self.counts = [*counts, *[0] * (BINS - len(counts))]
        self.total = sum(counts)
        return self


def _upper(number: int) -> float:
    """Return the upper edge of a bin."""
    exponent, quarter = divmod(number - 4, 4)
    return float((0.5 + (quarter + 1) / 8) * 2.0**exponent)
