"""Creep: what fails grows so slowly that no minute is a surprise. From track; pure.

Who learns the errors of each minute gets used to a failure that spreads over half an hour, above all in
the first hours of a service, when little is known. So the share that fails is looked at by spans of five
minutes and held against the best span that was seen: who was well, and now fails in a fifth of what it does
in nearly each minute of a span, is ill, however it came there. Work that comes on top (a job with a few bad
rows) is not what the service was measured by, and is left to others.
"""
from __future__ import annotations

from typing import NamedTuple

from ..domain.record import MINUTE

_SPAN = 5
#: A span with fewer records says nothing of the share; fewer errors are too few to tell, more are needed
#: where as much is well as ever (so much of what is usual): then they come beside the work, not instead.
_ENOUGH, _ERRORS, _BESIDE, _AS_EVER = 30, 40, 75, 0.9
#: A minute is bad with so great a share; so many of a span are. The whole span has so great a share.
_BAD, _MINUTES, _ILL = 0.1, 4, 0.2
#: Well is who failed in no more of it in its best span; over is what falls below so much.
_WELL, _OVER = 0.05, 0.1
#: So many spans must have been seen, and no more good records than so many times what is usual.
_SEEN, _MORE = 2, 1.5
#: The best span is forgotten within about eight hours, for nobody is as on the best day.
_FORGET = 0.01


class Creep(NamedTuple):
    """The running span, its errors, records and bad minutes; spans seen, the least share, usual good records.

    `told`: it is ill.
    """

    span: int = 0
    n: int = 0
    all: int = 0
    bad: int = 0
    seen: int = 0
    least: float = 1.0
    good: float = 0.0
    told: int = 0


def crept(creep: Creep, minute: int, n: int, every: int) -> Creep:
    """Return the state after a whole minute with `n` errors in `every` records."""
    span = minute // (_SPAN * MINUTE)
    if span != creep.span:
        creep = _closed(creep)._replace(span=span, n=0, all=0, bad=0)
    bad = n >= max(3, every * _BAD)
    creep = creep._replace(n=creep.n + n, all=creep.all + every, bad=creep.bad + bad)
    # what is left of the span cannot make it better than ill
    return _closed(creep)._replace(n=0, all=0, bad=0) if (minute // MINUTE + 1) % _SPAN == 0 else creep


def _closed(creep: Creep) -> Creep:
    """Return the state with its span judged and learned."""
    n, every, good = creep.n, creep.all, creep.all - creep.n
    if every < _ENOUGH:
        return creep._replace(told=0)
    share = n / every
    if creep.told:
        return creep._replace(told=int(share >= max(_OVER, 2 * creep.least)))
    many = _BESIDE if good > _AS_EVER * creep.good else _ERRORS
    ill = n >= many and creep.bad >= _MINUTES and share >= _ILL
    if ill and creep.seen >= _SEEN and creep.least <= _WELL and good <= _MORE * creep.good:
        return creep._replace(told=1)
    least = share if share < creep.least else creep.least + (share - creep.least) * _FORGET
    usual = good if not creep.seen else creep.good + (good - creep.good) / min(creep.seen + 1, 6)
    return creep._replace(seen=creep.seen + 1, least=least, good=usual)
