"""Leak: memory that grows steadily for long, with no plateau. From points; to correlate.

Of a host it is a trouble once the end is in sight: the memory that is left will be gone at this rate within
three times the time that was watched. Of a process it is evidence only, for nobody knows how much it may
take: it tells who the culprit is once memory has become scarce. A warm-up bends before it has lasted, and
what bends is left out.
"""
from __future__ import annotations

from typing import Any, NamedTuple

from ..domain.evidence import of_point
from ..domain.record import SECOND, Batch, Point
from ..domain.signal import Signal
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


class _Track(NamedTuple):
    """One series: its last value, since when it leaks and since when it no longer does."""

    last: int
    value: float
    since: int = 0
    calm: int = 0
    trends: tuple[Trend, ...] = (Trend(),) * len(SPANS)


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
            memory.put(key, [*after[:-1], [list(trend) for trend in after.trends]])
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
    last, value, since, calm, trends = stored
    return _Track(last, value, since, calm, tuple(Trend(*each) for each in trends))


def _step(track: _Track | None, point: Point) -> _Track:
    """Return the track after a point; what gave memory back, or was not seen for long, begins anew."""
    if track is None or point.at - track.last > _GAP or point.value < track.value * (1 - _DROP):
        before = track or _Track(last=point.at, value=point.value)
        track = before._replace(trends=(Trend(),) * len(SPANS))
    return track._replace(last=point.at, value=point.value,
                          trends=follow(track.trends, SPANS, point.at, point.value))


def _leaks(track: _Track, point: Point) -> Course | None:
    """Return the course of a leak, or None; once it fires a lower bar keeps it."""
    grown = courses(track.trends, SPANS, steady=0.5 if track.since else 0.9,
                    still=0.4 if track.since else _STILL, bends=True)
    for course in grown:
        took = course.rate * course.seconds
        if course.rate <= 0 or course.seconds < LASTED:
            continue
        if point.name == PROCESS:
            if took >= max(BYTES, SHARE * point.value):
                return course
        elif point.value >= SCARCE and took >= POINTS and (
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
