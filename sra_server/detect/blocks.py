"""Blocks: what a series was in the last hours, and since when it falls in a line. To forecast.

Means of five minutes, older ones joined to ten and to twenty: two dozen numbers for nearly five hours. A mean
weighs what swings within it, so jitter is gone; and a line through the newest means knows nothing of the
quiet day before, as a fading one does. The longest piece that is straight begins where the fall began.
"""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from ..domain.record import SECOND

#: Seconds of the shortest block, and how many there are of each size.
LENGTH = 300
EACH = 8
_SIZES = 3
#: A mean is kept with so many digits, for the sake of what is stored.
_DIGITS = 7
#: Fewer blocks show no line.
_BLOCKS = 3
#: Whether a fall goes on is seen in the newest quarter of its line, and whether it had begun in the oldest: a
#: piece of quiet before it bends the line, and gives a time that is too long.
_QUARTER, _BEGUN = 4, 0.7
#: A mean of five minutes hides some of what swings within them; what is near its end swings by all it has.
_SWING, _LITTLE = 1.5, 0.1
#: So many blocks are new.
_NEW = 3


class _Line(NamedTuple):
    """A line through blocks: so many lengths, its change for each, how straight it is, its newest end."""

    lengths: int
    rate: float
    steady: float
    end: float


class Fall(NamedTuple):
    """A fall that goes on: its change per second, for how many seconds it was seen, its line and its swing.

    The line is at `level` at `at`. The mean of no block was further from it than `swing`, of no older one
    than `before`: in the newest a fall may have ended.
    """

    rate: float
    seconds: float
    at: int
    level: float
    swing: float
    before: float

    def ended(self, at: int, value: float, *, blocks: float) -> bool:
        """Say whether a value is further above the line than what swings, and some blocks, explain."""
        return value > self._line(at) + _SWING * self.before - blocks * LENGTH * self.rate

    def explains(self, at: int, value: float) -> bool:
        """Say whether a value is no further below the line than values were before, and that is little."""
        beyond = _SWING * self.swing
        return beyond <= _LITTLE * value and value >= self._line(at) - beyond

    def left(self, at: int, value: float) -> float:
        """Return the seconds until nothing is left, by its line as far as what swings explains the value."""
        level = max(self._line(at), value - _SWING * self.before) if self.explains(at, value) else value
        return level / -self.rate

    def _line(self, at: int) -> float:
        return self.level + self.rate * (at - self.at) / SECOND


class Blocks(NamedTuple):
    """The block under way (when it began, points, mean); means of those before, by size, newest last."""

    begun: int = 0
    n: int = 0
    mean: float = 0.0
    past: tuple[tuple[float, ...], ...] = ((),) * _SIZES

    def add(self, at: int, value: float) -> Blocks:
        """Return the blocks with one more point; what lies in a hole is taken to be as the point after it."""
        blocks, length = self, LENGTH * SECOND
        if not blocks.n and not blocks.newest():
            return Blocks(at, 1, value)
        while at >= blocks.begun + length:
            mean = blocks.mean if blocks.n else value
            blocks = Blocks(blocks.begun + length, 0, 0.0, _closed(blocks.past, mean))
        n = blocks.n + 1
        return blocks._replace(n=n, mean=blocks.mean + (value - blocks.mean) / n)

    def newest(self) -> list[tuple[int, float]]:
        """Return the size in lengths and the mean of each closed block, the newest first."""
        return [(1 << size, mean) for size, means in enumerate(self.past) for mean in reversed(means)]

    def fall(self, *, steady: float, still: float) -> Fall | None:
        """Return the fall that goes on, from where it began: the longest line that is so straight."""
        newest = self.newest()
        for count in range(len(newest), _BLOCKS - 1, -1):
            taken = newest[:count]
            line = _line(taken)
            if (line.rate < 0 and line.steady >= steady and _quarter(taken, line) / line.rate >= still
                    and _quarter(taken[::-1], line) / -line.rate >= _BEGUN):
                off = _distances(taken, line)
                return Fall(line.rate / LENGTH, line.lengths * float(LENGTH), self.begun, line.end, max(off),
                            max(off[_NEW:], default=0.0))
        return None


def store(blocks: Blocks) -> list[Any]:
    """Return the blocks as plain lists."""
    return [*blocks[:-1], [list(means) for means in blocks.past]]


def read(stored: list[Any]) -> Blocks:
    """Return what `store` gave."""
    begun, n, mean, past = stored
    return Blocks(begun, n, mean, tuple(tuple(means) for means in past))


def _closed(past: tuple[tuple[float, ...], ...], mean: float) -> tuple[tuple[float, ...], ...]:
    """Return the means with one more; the two oldest of a size that is full become one of the next."""
    kept, coming = [], [float(f"{mean:.{_DIGITS}g}")]
    for means in past:
        means, coming = (*means, *coming), []
        if len(means) > EACH:
            coming, means = [float(f"{(means[0] + means[1]) / 2:.{_DIGITS}g}")], means[2:]
        kept.append(means)
    return tuple(kept)


def _line(blocks: Sequence[tuple[int, float]]) -> _Line:
    """Return the line through some blocks, the newest first; each weighs what it lasted."""
    lengths, time, value, tt, tv, vv = 0, 0.0, 0.0, 0.0, 0.0, 0.0
    for size, mean in blocks:
        off_time, off_value = -(lengths + size / 2) - time, mean - value
        share = size * lengths / (lengths + size)
        lengths += size
        time, value = time + off_time * size / lengths, value + off_value * size / lengths
        tt, tv = tt + share * off_time ** 2, tv + share * off_time * off_value
        vv += share * off_value ** 2
    rate = tv / tt if tt else 0.0
    return _Line(lengths, rate, tv * tv / (tt * vv) if vv > 0 else 0.0, value - rate * time)


def _quarter(blocks: Sequence[tuple[int, float]], line: _Line) -> float:
    """Return the rate of the first blocks that are a quarter of a line."""
    count = lengths = 0
    while count < _BLOCKS or lengths * _QUARTER < line.lengths:
        lengths += blocks[count][0]
        count += 1
    return _line(blocks[:count]).rate


def _distances(blocks: Sequence[tuple[int, float]], line: _Line) -> list[float]:
    """Return how far the mean of each block is from its line."""
    lengths, found = 0, []
    for size, mean in blocks:
        found.append(abs(mean - line.end + line.rate * (lengths + size / 2)))
        lengths += size
    return found
