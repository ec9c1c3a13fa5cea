"""Patience: is a burst told now, or does it have time to pass by itself? From burst; pure.

A replaced container, a retry, a lock: much that fails is over within a minute, and nobody has to get up for
it. A job, a newsletter or the logins of the morning bring work of their own, and errors that are a part of
that work. And what a service got over at this hour before, it is trusted to get over again (habit.py). All
of it may be waited for while most of what the service does is well; what mostly fails is told at once.
"""
from __future__ import annotations

from ..domain.record import MINUTE, SECOND
from .habit import HOUR, allowed
from .track import BRIEF, FLOOR, MOSTLY, Track

#: What is over within so long was a moment; a shorter one where most of a minute that only begins fails.
_MOMENT, _BLINK = 60 * SECOND, 20 * SECOND
#: At least twice as much is written as before; so great a part of what came on top may fail.
_ON_TOP, _PART = 1.0, 0.3
#: Of so many brief ones that came and went, three as high make the next one wait until it is not brief.
_OFTEN = 3
#: No higher than so many times the errors and the share that were got over, and a little: they are few.
_HIGHER, _LITTLE = 1.5, 3
#: Errors come by the minute, and jobs begin a little earlier or later: a habit may last so much longer.
_LATER = 300


def spoken(track: Track, *, now: int) -> Track:
    """Return the track of which people may be told, once what it could pass by was waited for."""
    if not track.since or track.spoken or track.own < track.holds or _waits(track, now):
        return track
    return track._replace(spoken=1)


def _waits(track: Track, now: int) -> bool:
    if track.outage.told or (track.sudden.told and not _habit(track)):
        return False
    brief = track.minute - track.since < BRIEF * MINUTE
    if brief and sum(2 * each >= track.own for each in track.peaks) >= _OFTEN:
        return True
    if track.share >= MOSTLY:
        return False
    lasts = now - track.begun
    if track.own >= max(FLOOR, track.all * MOSTLY):
        return lasts < _BLINK
    return lasts < _MOMENT or (lasts < HOUR * SECOND and _on_top(track)) or lasts < _habit(track) * SECOND


def _on_top(track: Track) -> bool:
    """Say whether the errors are a small part of work that is not usually done."""
    written = max(track.all, track.before)
    more = written - track.own - track.lines
    return more >= max(_ON_TOP * track.lines, track.own / _PART)


def _habit(track: Track) -> int:
    """Return how many seconds are the like of what it got over at this hour."""
    n, percent = max(track.own, track.peak), max(track.percent, round(100 * track.share))
    alike = [each for each in track.past if n <= _HIGHER * each[2] + _LITTLE
             and percent <= _HIGHER * each[3] + _LITTLE]
    most, _ = allowed(alike, track.since)
    return most + _LATER if most else 0
