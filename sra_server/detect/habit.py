"""Habit: what got over itself before, and so how long it may last again. To threshold, baseline, patience.

A nightly job, a backup, a machine that builds: beyond a bound for a while, and then it is over, without
anybody. Who is told each time stops to listen. So spells that ended are remembered, a few for each time of
the day; what is no longer than one and a half times those before it is waited for, and all else is told as
ever. Two days make a habit at their hour, three spells within hours a busy day; at any hour counts only what
was so at four times of the day. A habit never holds longer than an hour, three hours what came on three days
at its hour.

How a spell ended cannot be seen here: one that was remedied counts as well. So the second longest is what
counts, never a single one, and what ended in a hole of the points, as a reboot leaves it, is left out.
"""
from __future__ import annotations

from collections.abc import Sequence

from ..domain.record import MINUTE, SECOND

#: Spells as [minute of the beginning, seconds] and what else their owner notes, for they are kept as JSON;
#: never changed in place.
Past = Sequence[Sequence[int]]

#: A weekly job is a habit at its third time.
REMEMBERED = 15 * 24 * 60
#: What begins within two hours of another's time of day is at its hour: jobs wait for each other, and clocks
#: are put forward. More than three hours away is another time of the day.
_NEAR, _APART = 120, 180
#: A machine that builds today goes on to build.
_LATELY = 360
#: Kept near one time of day, and in all: the longest, and not more, so that each hour finds room for its own.
_EACH, MOST = 3, 12
#: Times of the day at which it must have happened before no hour is told from another.
_SPREAD = 4
#: Clearly longer than before.
LONGER = 1.5
#: No habit is waited for longer; what came at its hour on so many days as are kept is believed more.
HOUR, HOURS = 3600, 3 * 3600
#: Within so long nobody knows the habits of a host.
WEEK = 7 * 24 * 60 * MINUTE
#: What is told at last is unusual; twice as long, or an hour longer, is broken.
_BROKEN = 2
#: Who did not look for so long does not know how it ended.
HOLE = 90 * SECOND
_DAY = 24 * 60


def learn(past: Past, since: int, until: int, *height: int) -> Past:
    """Return the past with a spell that is over, and how high it was; it stays as small as it may be."""
    begun = since // MINUTE
    spell = [begun, (until - since) // SECOND, *height]
    kept = [*(each for each in past if begun - each[0] <= REMEMBERED), spell]
    near = [each for each in kept if _between(each[0], begun) <= _NEAR]
    for same, most in ((near, _EACH), (kept, MOST)):
        if len(same) > most:
            # of two that are alike the older one goes
            kept.remove(min(same, key=lambda each: (each[1], each[0])))
    return kept


def allowed(past: Past, since: int) -> tuple[int, int]:
    """Return for how many seconds a spell may last that began then, and what it got over; 0 if no habit."""
    if not past:
        return 0, 0
    begun = since // MINUTE
    known = sorted((each for each in past if begun - each[0] <= REMEMBERED), key=lambda each: -each[1])
    near = [each for each in known if _between(each[0], begun) <= _NEAR or begun - each[0] <= _LATELY]
    days = len({(each[0] - begun + _DAY // 2) // _DAY for each in near})
    lengths = [(near[1][1], HOURS if days >= _EACH else HOUR)] if days > 1 or len(near) >= _EACH else []
    apart: list[Sequence[int]] = []
    for each in known:
        if all(_between(each[0], other[0]) > _APART for other in apart):
            apart.append(each)
    if len(apart) >= _SPREAD:
        lengths.append((apart[_SPREAD - 1][1], HOUR))
    return max(((min(most, int(LONGER * length)), length) for length, most in lengths), default=(0, 0))


def broken(most: int) -> int:
    """Return after how many seconds what lasts longer than its habit is as bad as what has none."""
    return min(_BROKEN * most, most + HOUR)


def _between(one: int, other: int) -> int:
    """Return the minutes between two times of the day, the short way round the clock."""
    off = (one - other) % _DAY
    return min(off, _DAY - off)
