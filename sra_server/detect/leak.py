"""Leak: memory that grows steadily for long, with no plateau. From points; to correlate.

Of a host it is a trouble once the end is in sight: the memory that is left will be gone at this rate within
three times the time that was watched. Of a process it is evidence only, for nobody knows how much it may
take: it tells who the culprit is once memory has become scarce. A warm-up bends before it has lasted, and
what bends is left out. So is what the host got over: memory that grew and was given back twice, as a process
that is started anew each few hours does it, is trusted to be so again until less is left than there ever was.
"""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from ..domain.evidence import of_point
from ..domain.record import MINUTE, SECOND, Batch, Point
from ..domain.signal import Signal
from .habit import REMEMBERED
from .memory import Memory
from .trend import Course, Trend, courses, follow, words

SPANS = (600.0, 3600.0, 6 * 3600.0)
HOST, PROCESS = "system.memory_percent", "process.memory_bytes"
#: Below this a host has room, and whatever grows may still find its plateau.
SCARCE = 80.0
#: A leak was watched for so long at least, in seconds, and took so much.
LASTED = 1800.0
POINTS, BYTES, SHARE = 5.0, 100e6, 0.3
BELIEVED = 3.0
#: What slows down to less than this of its rate bends towards a plateau.
_STILL = 0.9
_CALM = 600 * SECOND
_GAP = 1800 * SECOND
_DROP = 0.1
#: The greatest heights are remembered; the second of them counts, so that none does alone.
_HEIGHTS = 3
#: At this height the host may have been saved by the kernel, which kills then; nobody gets over that.
_USED_UP = 95.0
#: Clearly higher than before: a fifth of what was left then has gone as well.
_ROOM = 0.8


class _Track(NamedTuple):
    """One series: its last value, since when it leaks and since when it no longer does.

    `top` is the greatest value since memory was last given back, `past` those before as [minute, value].
    """

    last: int
    value: float
    since: int = 0
    calm: int = 0
    trends: tuple[Trend, ...] = (Trend(),) * len(SPANS)
    top: float = 0.0
    past: Sequence[Sequence[float]] = ()


class Leak:
    """Memory: fingerprint → _Track as a list."""

    name = "leak"
    always = False

    def detect(self, memory: Memory, batch: Batch) -> list[Signal]:
        """Return a signal for each host and process whose memory leaks, and for each that no longer does."""
        found: dict[str, Signal] = {}
        for point in batch.points:
            if point.name not in (HOST, PROCESS):
                continue
            key = f"leak|{point.series()}"
            track = _read(memory.get(key))
            if track is not None and point.at <= track.last:
                continue
            after = _step(track, point)
            course = _leaks(after, point)
            after = _decide(after, point.at, leaking=course is not None)
            memory.put(key, [*after[:4], [list(trend) for trend in after.trends], after.top,
                             list(after.past)])
            if course is not None:
                found[key] = _signal(key, point, after, course)
            elif track is not None and track.since and not after.since:
                found[key] = Signal(
                    detector="leak", fingerprint=key, cls="memory_exhaustion", severity="low",
                    title="memory no longer grows", at=point.at, last_at=point.at, state="cleared",
                    service=point.service, host=point.host, opens=point.name == HOST)
        return list(found.values())


def _read(stored: list[Any] | None) -> _Track | None:
    if stored is None:
        return None
    # what an older release stored has no heights
    last, value, since, calm, trends, *heights = stored
    top, past = heights or (value, ())
    return _Track(last, value, since, calm, tuple(Trend(*each) for each in trends), top, past)


def _step(track: _Track | None, point: Point) -> _Track:
    """Return the track after a point; what gave memory back, or was not seen for long, begins anew."""
    if track is None or point.at - track.last > _GAP or point.value < track.value * (1 - _DROP):
        before = track or _Track(last=point.at, value=point.value)
        seen = point.at - before.last <= _GAP
        track = before._replace(trends=(Trend(),) * len(SPANS), top=0.0,
                                past=_given_back(before, point) if seen else before.past)
    return track._replace(last=point.at, value=point.value, top=max(track.top, point.value),
                          trends=follow(track.trends, SPANS, point.at, point.value))


def _given_back(track: _Track, point: Point) -> Sequence[Sequence[float]]:
    """Return the heights from which memory was given back, with one more; only a host's are asked for."""
    if point.name != HOST or not SCARCE <= track.top < _USED_UP:
        return track.past
    minute = point.at // MINUTE
    past = [*(each for each in track.past if minute - each[0] <= REMEMBERED), [minute, track.top]]
    return sorted(past, key=lambda each: (-each[1], -each[0]))[:_HEIGHTS]


def _got_over(track: _Track, at: int) -> float:
    """Return up to where the host got over it, or 0."""
    known = sorted((top for minute, top in track.past if at // MINUTE - minute <= REMEMBERED), reverse=True)
    return 100 - _ROOM * (100 - known[1]) if len(known) > 1 else 0.0


def _leaks(track: _Track, point: Point) -> Course | None:
    """Return the course of a leak, or None; once it fires a lower bar keeps it."""
    grown = courses(track.trends, SPANS, steady=0.5 if track.since else 0.9,
                    still=0.4 if track.since else _STILL, bends=True)
    # once it fires, what it got over before is no comfort
    floor = SCARCE if track.since else max(SCARCE, _got_over(track, point.at))
    for course in grown:
        took = course.rate * course.seconds
        if course.rate <= 0 or course.seconds < LASTED:
            continue
        if point.name == PROCESS:
            if took >= max(BYTES, SHARE * point.value):
                return course
        elif point.value >= floor and took >= POINTS and (
                (100 - point.value) / course.rate <= BELIEVED * course.seconds):
            return course
    return None


def _decide(track: _Track, at: int, *, leaking: bool) -> _Track:
    if leaking:
        return track._replace(since=track.since or at, calm=0)
    if not track.since:
        return track
    calm = track.calm or at
    return track._replace(since=0, calm=0) if at - calm >= _CALM else track._replace(calm=calm)


def _signal(key: str, point: Point, track: _Track, course: Course) -> Signal:
    where = point.host or point.service or "the host"
    hourly = course.rate * 3600
    if point.name == PROCESS:
        process = dict(point.tags).get("process", "a process")
        title = f"memory of {process} grows steadily"
        text = (f"memory of {process} on {where} has grown by {hourly / 1e6:.0f} MB an hour without a pause "
                f"and is {point.value / 1e6:.0f} MB")
    else:
        left = words((100 - point.value) / course.rate)
        title = f"memory will be used up in {left}"
        text = (f"memory of {where} is {point.value:.1f} percent and has grown by {hourly:.1f} points "
                f"an hour without a pause: used up in {left} at this rate")
    return Signal(
        detector="leak", fingerprint=key, cls="memory_exhaustion", severity="medium", title=title,
        at=track.since, last_at=point.at, service=point.service, host=point.host,
        cause="something takes memory and does not give it back", opens=point.name == HOST,
        remedies=("restart_service",), evidence=(of_point(point, text),))
