"""Sudden: a service that was well fails in a part of what it does, and goes on failing. From burst; pure.

A count by the minute needs many errors, and waits for those that pass by themselves. Where hours were nearly
without errors a few prove as much: so many that its past does not explain, a tenth or more of all that it
writes, and again and again for longer than a restart takes. Not counted is what says that it is tried again,
and work that comes on top of the usual may have bad rows. How it is told and how it ends is in `track`.
"""
from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from ..domain.record import MINUTE, SECOND
from .counting import rate, tail
from .tries import without_last

#: So many errors in so many different seconds, the last so long after the first: a planned restart is over by
#: then, and errors of one moment are one.
_ERRORS, _MOMENTS, _LASTS = 8, 3, 16 * SECOND
#: Fewer are enough where they go on for longer.
_FEW, _LONGER = 6, 25 * SECOND
#: A smaller part proves as much where so many go on for so long: a program may write more than one line for
#: each request that is well.
_MORE, _STEADY, _LITTLE = 12, 45 * SECOND, 0.04
#: No restart brings errors in so many seconds over so long.
_OFTEN, _BEYOND = 8, 30 * SECOND
#: Such a part of what is written in the run, over all of it and lately; so many times the usual part.
_SHARE, _TIMES = 0.1, 5
#: Lately are about so many records. No error for so long is a run that is over: calls that hang fail one
#: by one.
_LATELY, _PAUSE = 0.97, 40 * SECOND
#: What has lasted three days is how the service is now.
_NORMAL = 3 * 24 * 60 * MINUTE
_UNLIKELY = 1e-6
#: Of so many runs of so many errors the length is kept. Longer is so many times as long as the second
#: longest of them, but nothing is held for more than two minutes.
_KEPT, _SOME, _LONG, _HELD = 8, 3, 1.5, 2 * MINUTE
#: Watched for so many minutes, with so many records in each, a service has a past: a job at night has none.
_KNOWN, _WRITES = 10, 4
#: Where so many times as much is well as ever, and at most this part of what came on top fails, it is other
#: work.
_ON_TOP, _PART = 1.0, 0.3
#: What a service says that tries again, and often succeeds.
_TRIES = ("attempt", "again", "retr", "deferred", "backing off", "reconnecting")
_AGAIN = re.compile(r"\battempt \d|\btr(?:y|ies|ied|ying) (?:it )?again\b|\bretr(?:y|ied|ying)\b|\bdeferred\b"
                    r"|\bbacking off\b|\breconnecting\b")
#: Where it would say so.
_READ = 300


class Sudden(NamedTuple):
    """The run of a service: its first and latest error, and in how many seconds there were some.

    `after` which batch it began, its errors `n` of `all`, the share of the latest records that `fails`;
    `minutes`, `total`, `squares` of errors and `lines` a minute that were usual before; `told`: it is ill;
    `heard` when; `lengths` in seconds of the latest runs that were over.
    """

    since: int = 0
    last: int = 0
    moments: int = 0
    n: int = 0
    all: int = 0
    fails: float = 0.0
    after: int = 0
    minutes: float = 0.0
    total: float = 0.0
    squares: float = 0.0
    lines: float = 0.0
    told: int = 0
    heard: int = 0
    lengths: Sequence[int] = ()

    @property
    def endures(self) -> bool:
        """Say whether it is told and has gone on for longer than any restart."""
        return bool(self.told) and self.moments >= _OFTEN and self.last - self.since > _BEYOND

    @property
    def least(self) -> float:
        """Return which part of the records must be errors."""
        return _LITTLE if self.n >= _MORE and self.last - self.since >= _STEADY else _SHARE


class Usual(NamedTuple):
    """What is known of the minutes before: how many, errors, squares of these, and records of a minute."""

    minutes: float
    total: float
    squares: float
    lines: float


def again(text: str) -> bool:
    """Say whether an error is one of those after which a service tries again."""
    low = text[:_READ].lower()
    return any(each in low for each in _TRIES) and _AGAIN.search(without_last(low)) is not None


def gone_on(run: Sudden, n: int, every: int, seconds: Sequence[int], usual: Usual, *, now: int) -> Sudden:
    """Return the run after a batch received at `now` with `n` errors in `every` records.

    `seconds`: in which of them errors were written, in order, in µs.
    """
    before = run.heard or now
    if run.since and ((seconds[0] if seconds else now) - run.last > _PAUSE or now - run.after > _NORMAL):
        run = _over(run)
    if n and not run.since:
        run = run._replace(
            since=seconds[0], last=seconds[0] - SECOND, after=max(before, now - MINUTE), fails=1.0,
            minutes=usual.minutes, total=usual.total, squares=usual.squares, lines=usual.lines)
    run = run._replace(heard=max(now, before))
    if not run.since or not every:
        return run
    fresh = sum(each > run.last for each in seconds)
    run = run._replace(
        n=run.n + n, all=run.all + every, moments=run.moments + fresh, last=max(run.last, *seconds, 0),
        fails=run.fails + (1 - _LATELY ** every) * (n / every - run.fails))
    if run.fails < _SHARE / 2:
        return _over(run)
    return run._replace(told=int(_ill(run, now)))


def _over(run: Sudden) -> Sudden:
    """Return the state without its run, whose length is remembered if it was more than a few errors."""
    lasted = (run.last - run.since) // SECOND
    lengths = [*run.lengths, lasted][-_KEPT:] if run.n >= _SOME else run.lengths
    return Sudden(heard=run.heard, lengths=lengths)


def _ill(run: Sudden, now: int) -> bool:
    if run.told:
        return True
    lasts = run.last - run.since
    if run.moments < _MOMENTS or run.minutes < _KNOWN or run.lines < _WRITES or not (
            (run.n >= _ERRORS and lasts >= _LASTS) or (run.n >= _FEW and lasts >= _LONGER)):
        return False
    longest = sorted(run.lengths, reverse=True)[:2]
    if len(longest) > 1 and lasts < min(_HELD, _LONG * longest[1] * SECOND):
        return False
    share = run.n / run.all
    if min(share, run.fails) < max(run.least, _TIMES * rate(run.total, run.minutes) / max(run.lines, 1.0)):
        return False
    minutes = max(SECOND, now - run.after) / MINUTE
    more = (run.all - run.n) / minutes - run.lines
    if more >= max(_ON_TOP * run.lines, run.n / minutes / _PART):
        return False
    # where each run was shorter, that errors come in clumps excuses nothing
    clumps = not longest or lasts < _LONG * longest[0] * SECOND
    squares = run.squares if clumps else run.total
    return tail(int(run.n / max(1.0, minutes)), run.total, squares, run.minutes) < _UNLIKELY
