"""Outage: nearly all that a service writes is errors now, though it was well before. From burst; pure.

A count of errors says little where little is written, and in the first minutes of a service; but what used to
be well and now only fails is broken, however few ask for it. A run are batches of almost nothing but errors.
It is an outage when it lasts, when the service would have written well in that time (so nobody is told of a
job that runs at night), when what was well fails now (not where merely the log's level was turned up), and
when it is much longer than the runs that came and went. An outage is not learned: the next is told, too.
"""
from __future__ import annotations

from math import exp, log10
from typing import NamedTuple

from ..domain.record import MINUTE, SECOND

#: Nearly all: such a part of the records, over a run and over about its latest twenty records.
_NEARLY, _LATELY = 0.8, 0.95
#: So many errors in a run that lasts so long are an outage: soon if many, else when it has lasted.
_MANY, _SOON = 20, 30 * SECOND
_FEW, _LONG = 12, 3 * MINUTE
#: Well is who wrote so many records without error, not only within the moment of a start.
_WELL, _WATCHED = 20, 15 * SECOND
#: In the time of the run so many good records were to be expected; so great a part of them is left at most,
#: and so great a part fails instead. Of a minute in which half fails, more is left.
_EXPECTED, _LEFT, _TURNED, _REMAINS = 6, 0.5, 0.5, 0.75
#: Calls that hang are fewer: so great a part is enough if it is many times what failed as a rule.
_HUNG, _MORE = 0.1, 5
#: Who mostly errs has no outages. With the usual share, a run is as unlikely as 10 to the minus this.
_MOSTLY, _UNLIKELY = 0.6, 12
#: A share so low is that of a service that is well.
_LOW = 0.1
#: Who writes less than is expected, and seldom errs, is a job: it also tells that it begins. Then such a part
#: is nearly all, and so much of what was well may be left.
_BEGINS, _BEGUN = 0.45, 0.6
#: A run is to be so many times longer than those that were none.
_TIMES = 2
#: After so long without a record a run is over; one that is none is learned after half an hour, and what has
#: lasted three days is how the service is now: nobody is at work between Friday evening and Monday.
_SILENT, _LEARNED, _NORMAL = 5 * MINUTE, 30 * MINUTE, 3 * 24 * 60 * MINUTE
#: Who writes seldom is silent for longer: after so many times the usual time between two of its records, and
#: learned once there could have been so many of them; nobody is waited for longer than an hour.
_PAUSES, _RECORDS, _PATIENCE = 4, 40, 60 * MINUTE
#: What was learned weighs half after about two hours, as in track.
_MEMORY = 200 * MINUTE


class Outage(NamedTuple):
    """One service: what was learned of it, and its run.

    `good` and `bad` records of the learned `time`, `longest` run that was none, all faded; `last` when it was
    heard; the run `since` which batch, `after` which one before it, its errors `n` of `all`; `fails` the
    share of its latest records; `told` that it is an outage.
    """

    good: float = 0.0
    bad: float = 0.0
    time: float = 0.0
    longest: float = 0.0
    last: int = 0
    since: int = 0
    after: int = 0
    n: int = 0
    all: int = 0
    fails: float = 1.0
    told: int = 0

    @property
    def share(self) -> float:
        """Return the learned share of errors."""
        return self.bad / (self.good + self.bad) if self.bad else 0.0

    @property
    def well(self) -> bool:
        """Say whether it is well as a rule, and writes so much that one would miss it."""
        return self.good >= _WELL and self.share <= _LOW and self._usual(self.good, MINUTE) >= _EXPECTED

    @property
    def pace(self) -> float:
        """Return the usual time between two of its records."""
        return self.time / max(self.good + self.bad, 1.0)

    @property
    def job(self) -> bool:
        """Say whether it seldom errs, and writes as little as what runs by the clock."""
        return (self.good >= _WELL and self.share <= _LOW
                and self._usual(self.good + self.bad, MINUTE) < _EXPECTED)

    @property
    def nearly(self) -> float:
        """Return which part of its records is nearly all."""
        return _BEGINS if self.job else _NEARLY

    @property
    def silent(self) -> float:
        """Return after how long without a record a run is over."""
        return max(_SILENT, min(_PAUSES * self.pace, _PATIENCE))

    def missed(self, n: int, every: int) -> bool:
        """Say whether so many errors in one minute are instead of what is written well as a rule."""
        good = self._usual(self.good, MINUTE)
        return self.share <= _LOW and good >= _EXPECTED and n >= every / 2 and every - n <= good * _REMAINS

    def _usual(self, records: float, time: int) -> float:
        """Return how many of the records that were learned are usual in some time."""
        return records * time / (self.time + 10 * SECOND)


def followed(outage: Outage, n: int, every: int, *, now: int) -> Outage:
    """Return the state after a batch received at `now` with `n` errors in `every` records of the service."""
    if every <= 0:
        return outage
    before = outage.last or now
    if outage.since and _over(outage, n, every, now):
        outage = _closed(outage)
    outage = outage._replace(last=max(now, before))
    if outage.since:
        weight = 1 - _LATELY ** every
        fails = outage.fails + weight * (n / every - outage.fails)
        return _judged(outage._replace(n=outage.n + n, all=outage.all + every, fails=fails), now)
    if n >= every * outage.nearly:
        return outage._replace(since=now, after=max(before, now - MINUTE), n=n, all=every, fails=1.0)
    return _learned(outage, n, every, max(0, now - before))


def _over(outage: Outage, n: int, every: int, now: int) -> bool:
    """Say whether a batch ends the run."""
    lately = outage.fails + (1 - _LATELY ** every) * (n / every - outage.fails)
    nearly, learned = outage.nearly, max(_LEARNED, _RECORDS * outage.pace)
    return (now - outage.last > outage.silent or lately < nearly
            or outage.n + n < (outage.all + every) * nearly
            or now - outage.since > (_NORMAL if outage.told else learned))


def _closed(outage: Outage) -> Outage:
    """Return the state without its run, which is learned if it was no outage, or has become normal."""
    lasted = outage.last - outage.after
    if not outage.told or lasted >= _NORMAL:
        n = outage.n
        outage = _learned(outage, n, outage.all, lasted)
        outage = outage._replace(longest=max(outage.longest, n))
    return outage._replace(since=0, after=0, n=0, all=0, fails=1.0, told=0)


def _learned(outage: Outage, n: int, every: int, time: int) -> Outage:
    fade = exp(-time / _MEMORY)
    return outage._replace(good=outage.good * fade + every - n, bad=outage.bad * fade + n,
                           time=outage.time * fade + time, longest=outage.longest * fade)


def _judged(outage: Outage, now: int) -> Outage:
    """Say whether the run is an outage."""
    n, lasts = outage.n, now - outage.since
    if outage.told or not ((n >= _MANY and lasts >= _SOON) or (n >= _FEW and lasts >= _LONG)):
        return outage
    if outage.good < _WELL or outage.time < _WATCHED or outage.share > _MOSTLY:
        return outage
    good, bad = (outage._usual(each, now - outage.after) for each in (outage.good, outage.bad))
    if good < _EXPECTED or outage.all - n > good * (_BEGUN if outage.job else _LEFT):
        return outage
    if n < bad + good * _TURNED and n < max(_MORE * bad, good * _HUNG):
        return outage
    unlikely = n * -log10(max(outage.share, 0.001)) >= _UNLIKELY
    return outage._replace(told=int(unlikely and n > _TIMES * outage.longest))
