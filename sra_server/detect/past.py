"""Past: what is known of a fingerprint's matches, minute by minute, and whether there are more now. To usual.

A minute is learned when it is over, and fades. What is a trouble is not learned for its first half hour; it
ends after two minutes of what was usual before. What is more than usual must be unlikely beside the past, as
matches and as the clumps in which they come, and clearly more.
"""
from __future__ import annotations

from typing import NamedTuple

from ..domain.record import MINUTE, SECOND
from .counting import rate, tail
from .traffic import Traffic

#: Watched for so long, a service has a past to be compared with; so long, and its past can be trusted.
_PAST, LEARN = 5 * MINUTE, 15 * MINUTE
#: What happened in fewer minutes than these is no habit.
OCCASIONS = 2.5
#: Beside its past a count must be so unlikely, ...
UNLIKELY = 1e-6
#: ... also if matches usually come in clumps, and counted are the clumps; of those there are few.
_UNLIKELY_CLUMPS = 1e-4
#: ... and so many times what is usual, for with long watching little more is unlikely, too.
CLEARLY = 3
#: A minute weighs half after about six hours: a morning must know the day before.
_FADE = 0.998
#: A trouble is not learned as normal for so long. It ends after so many minutes of what was usual before.
_NORMAL_AFTER, _CALM = 30 * MINUTE, 2
#: Where so large a part fails for so long, and usually fewer fail than are well, no habit excuses it.
MOSTLY, _TOO_LONG = 0.5, 30 * SECOND
#: Each other record takes so much of a match away: a share below it is no outage. With a past that says
#: what is usual a smaller share is enough, for some programs write many lines about each thing they do.
SHARE, SHARE_LEARNED = 0.025, 0.002


class Past(NamedTuple):
    """The latest match, the running minute, how much traffic was seen; matches in this minute and the last.

    Then the faded sums: minutes, matches, their squares, other records, and minutes that had matches. Then
    the vessel, of late: matches, their weight, other records, since when, and whether no restart explains
    them. Then the trouble: since when, what was usual before it, calm minutes since. At last what a match
    usually weighs, the places that failed, since when most fails, the vessel of a new service, which
    others hardly empty, and since when failures follow each other without a break, wherever.
    """

    last: int
    minute: int
    read: int
    n: float = 0.0
    before: float = 0.0
    minutes: float = 0.0
    total: float = 0.0
    squares: float = 0.0
    lines: float = 0.0
    occasions: float = 0.0
    level: float = 0.0
    hits: float = 0.0
    weight: float = 0.0
    rest: float = 0.0
    began: int = 0
    lasting: bool = False
    since: int = 0
    usual: float = 0.0
    calm: int = 0
    grain: float = 1.0
    places: tuple[list[object], ...] | list[list[object]] = ()
    mostly: int = 0
    fine: float = 0.0
    unbroken: int = 0


def weak(habit: Past) -> bool:
    """Say whether most of the latest matches weigh little."""
    return habit.weight < habit.hits / 2


def over(habit: Past) -> Past:
    """Return the past without what is of late: an empty vessel, and no trouble."""
    return habit._replace(level=0.0, fine=0.0, hits=0.0, weight=0.0, rest=0.0, began=0, lasting=False,
                          since=0, calm=0, mostly=0, unbroken=0)


def outage(habit: Past) -> bool:
    """Say whether a trouble that was told lasted longer than what is a habit; its end is no habit either."""
    return bool(habit.since and habit.mostly) and habit.last - habit.mostly >= _TOO_LONG


def closed(habit: Past, minute: int, traffic: Traffic) -> Past:
    """Close the running minute where a later one begins, and the empty ones between."""
    gap = (minute - habit.minute) // MINUTE
    if gap <= 0:
        # what comes a little late is of now; what is much older, or follows a wrong clock, begins anew
        return habit if gap >= -1 else habit._replace(minute=minute, n=0.0, before=0.0)
    n, fade = habit.n, _FADE ** gap
    next_one = habit._replace(minute=minute, n=0.0, before=n if gap == 1 else 0.0)
    if not habit.since or minute - habit.since >= _NORMAL_AFTER:
        once = fade / _FADE
        next_one = next_one._replace(
            minutes=habit.minutes * fade + (1 - fade) / (1 - _FADE), lines=habit.lines * fade,
            total=habit.total * fade + n * once, squares=habit.squares * fade + n * n * once,
            occasions=habit.occasions * fade + (once if n else 0.0))
    if habit.since:
        written = traffic.before if traffic.minute == minute and gap == 1 else 0
        quiet = n <= max(2 * habit.usual, SHARE_LEARNED * written)
        calm = habit.calm + gap if quiet else gap - 1
        next_one = over(next_one) if calm >= _CALM else next_one._replace(calm=calm)
    return next_one


def recent(now: float, before: float, at: int) -> float:
    """Return about how much there was within the last minute."""
    return now + before * (1 - at % MINUTE / MINUTE)


def unusual(habit: Past, traffic: Traffic) -> bool:
    """Say whether the matches of the last minute are more than the past lets expect."""
    total, minutes = habit.total, habit.minutes
    if habit.minute - traffic.first < _PAST or habit.occasions < OCCASIONS:
        return True
    if habit.mostly and habit.last - habit.mostly >= _TOO_LONG and habit.lines >= total and not weak(habit):
        return True
    now = recent(habit.n, habit.before, habit.last)
    usual = rate(total, minutes)
    if habit.lines >= 10 * total:
        # more is done than usual, so more may fail
        usual = max(usual, total / habit.lines * recent(traffic.n, traffic.before, habit.last))
    if now < CLEARLY * usual:
        return False
    worth = minutes * rate(total, minutes) / usual
    average = total / minutes
    spread = max(habit.grain, (habit.squares / minutes - average * average) / average)
    # counted are matches, and the clumps in which they come
    grain = min(1.0, habit.grain)
    return (tail(int(now / grain), total / grain, total / grain, worth) < UNLIKELY
            and tail(int(now / spread), total / spread, total / spread, worth) < _UNLIKELY_CLUMPS)
