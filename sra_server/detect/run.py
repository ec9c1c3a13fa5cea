"""Run: since when the matches of a text follow each other as they do now. From signatures; pure.

A lone line of the same sign, a minute or an hour before, is not how a trouble began. A run begins anew where
a pause is far longer than those before it, and where the lines suddenly come much closer together.
"""
from __future__ import annotations

from typing import NamedTuple

from ..domain.record import SECOND

#: A pause below this is none.
_PAUSE = 10 * SECOND
#: Far longer, much closer: so many times.
_TIMES = 5


class Run(NamedTuple):
    """When the run began (event time, µs), and how far apart its matches are of late."""

    begun: int = 0
    pace: int = 0


def followed(run: Run, last: int | None, at: int) -> Run:
    """Return the run with a match at `at`, the one before it being at `last`; None if there is none."""
    if last is None or not run.begun:
        return Run(at)
    gap = abs(at - last)
    if run.pace and gap > max(_PAUSE, _TIMES * run.pace):
        return Run(at)
    if run.pace > _PAUSE and gap * _TIMES < run.pace:
        return Run(last, max(gap, 1))
    return Run(run.begun, max(1, (run.pace + gap) // 2 if run.pace else gap))
