"""Lows: how low a series usually falls before it ends by itself, or is filled again. To forecast.

What is cleaned up now and then while there is ample room is trusted to be so again. What was cleaned up late
may have been a trouble that somebody ended; only when it comes again is it a habit. And a fall that was told
and came to nothing is trusted to go as far again, while that leaves room.
"""
from __future__ import annotations

from typing import NamedTuple

from ..domain.record import MINUTE

#: A clean-up that came while so much of the room was left is a habit at once; above the other share, when
#: it comes a second time.
AMPLE, TWICE = 0.2, 0.1
#: A smaller fall is never told, and so needs no trust.
_DEEP = 0.85
#: What comes within this time of a clean-up is the same one.
_ONE = 15 * MINUTE
#: What was not so for more than a week is no habit.
LASTING = 8 * 24 * 60 * MINUTE
#: So far beyond its habit may a fall go, and so much must such a fall leave.
BEYOND, ROOM = 0.2, 0.3


class Lows(NamedTuple):
    """The lowest that clean-ups leave, when it was reached; one late clean-up; a fall that ended by itself.

    `told` is when the latest clean-up was told.
    """

    floor: float = 0.0
    reached: int = 0
    late: float = 0.0
    depth: float = 0.0
    ended: int = 0
    told: int = 0

    def cleaned(self, at: int, low: float, free: float) -> Lows:
        """Return the habit after the room grew from `low` to `free`."""
        if low > _DEEP * free or low < TWICE * free:
            return self
        habit, another = self._replace(told=at), at - self.told > _ONE
        if low < AMPLE * free and (not self.floor or low < (1 - BEYOND) * self.floor):
            if not (self.late and another):
                return habit._replace(late=min(low, self.late or low))
            low = min(low, self.late)
        if not self.floor or low < self.floor or at - self.reached > LASTING:
            return habit._replace(floor=low, reached=at, late=0.0)
        return habit._replace(reached=at) if low * (1 - BEYOND) <= self.floor else habit

    def came_to_nothing(self, at: int, began: float, free: float) -> Lows:
        """Return the habit after a fall that was told ended by itself, with room left."""
        if free < ROOM * began:
            return self
        before = self.depth if at - self.ended <= LASTING else 0.0
        return self._replace(depth=max(before, began - free), ended=at)

    def trusts(self, at: int, began: float, free: float) -> bool:
        """Say whether a fall from `began` to `free` is no more than usual."""
        if self.floor and at - self.reached <= LASTING and free > (1 - BEYOND) * self.floor:
            return True
        end = began - (1 + BEYOND) * self.depth
        return bool(self.depth) and at - self.ended <= LASTING and end >= ROOM * began and free > end
