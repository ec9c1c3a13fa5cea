"""Forecast: a disk that will be full soon at the rate at which it fills. From points; to correlate.

Three things keep it quiet. A forecast is believed for three times as long as the growth was watched, so a
quarter of what was free must have gone, steadily. What is cleaned up now and then, as logs that are rotated,
is trusted to be so again, until there is less room than it ever left. And growth that has ended is over.

What begins to fill fast after a quiet time bends every span; so a fast fall is followed by itself, too, from
where it began. It is believed for less long, for a large file falls just so.
"""
from __future__ import annotations

from math import inf
from typing import Any, NamedTuple

from ..domain.evidence import of_point
from ..domain.record import SECOND, Batch, Point
from ..domain.signal import Severity, Signal
from .memory import Memory
from .threshold import HARMLESS_MOUNTS
from .trend import POINTS, Trend, courses, follow, words

SPANS = (90.0, 300.0, 900.0, 7200.0)
#: A line must explain so much of it; growth that has just begun leaves a bend in the longer spans.
STEADY = 0.8
#: Believed for so many times the time that was watched; nothing is said of what is further away.
BELIEVED = 3.0
FURTHEST = 12 * 3600.0
_SHORTEST = 60.0
#: A fall is fast at a rate that leaves an hour, and goes on over pauses as writing to disks has them.
_FAST, _PAUSE = 3600.0, 45 * SECOND
#: It is told if the disk is full within a quarter of an hour, and two fifths of what was free have gone.
_SOON, _BELIEVED_FAST, _STRAIGHT = 900.0, 1.5, 0.9
#: Seconds until full, and how bad that is.
_SEVERITY: tuple[tuple[float, Severity], ...] = ((1800, "high"), (4 * 3600, "medium"), (FURTHEST, "low"))
#: Free space that grows at once by this share was cleaned up.
_CLEANED = 0.05
#: A clean-up that came while so much of the room was left is a habit, not the end of a trouble.
_AMPLE = 0.3
_CALM = 300 * SECOND
_GAP = 600 * SECOND


class _Track(NamedTuple):
    """One mount: its last and lowest free space, the room that clean-ups leave, and whether it fires.

    `fell` is when it last fell fast, `fall` the course since this began.
    """

    last: int
    free: float
    low: float
    floor: float = 0.0
    since: int = 0
    calm: int = 0
    fell: int = 0
    fall: Trend = Trend()
    trends: tuple[Trend, ...] = (Trend(),) * len(SPANS)


class Forecast:
    """Memory: fingerprint|unit → _Track as a list. Bytes are looked at where there are some, else percent."""

    name = "forecast"
    always = False

    def detect(self, memory: Memory, batch: Batch) -> list[Signal]:
        """Return a signal for each disk that fills up, and for each that no longer does."""
        found: dict[str, Signal] = {}
        for point in batch.points:
            mount = dict(point.tags).get("mount", "")
            if point.name not in ("system.disk_free_bytes", "system.disk_percent") or mount.startswith(
                    HARMLESS_MOUNTS):
                continue
            key = f"forecast|{point.host}|{point.service}|{mount}"
            percent = point.name == "system.disk_percent"
            if percent and memory.get(f"{key}|bytes"):
                continue
            place = f"{key}|{'percent' if percent else 'bytes'}"
            track = _read(memory.get(place))
            if track is not None and point.at <= track.last:
                continue
            free = max(0.0, 100 - point.value if percent else point.value)
            after = _step(track, point.at, free)
            left = _left(after, relaxed=bool(after.since))
            after = _decide(after, point.at, left)
            memory.put(place, [*after[:-2], list(after.fall), [list(trend) for trend in after.trends]])
            if after.since and left is not None:
                found[key] = _signal(key, point, mount, after, left, found.get(key))
            elif track is not None and track.since and not after.since:
                found[key] = _cleared(key, point)
        return list(found.values())


def _read(stored: list[Any] | None) -> _Track | None:
    if stored is None:
        return None
    # what an older release stored has no fall
    last, free, low, floor, since, calm, *fall, trends = stored
    fell, course = fall or (0, ())
    return _Track(last, free, low, floor, since, calm, fell, Trend(*course),
                  tuple(Trend(*each) for each in trends))


def _step(track: _Track | None, at: int, free: float) -> _Track:
    """Return the track after a value; a clean-up or a hole in the points begins the trends anew."""
    if track is None or at - track.last > _GAP:
        floor, since = (track.floor, track.since) if track else (0.0, 0)
        fresh = _Track(last=at, free=free, low=free, floor=floor, since=since)
        return fresh._replace(trends=follow(fresh.trends, SPANS, at, free))
    if free > track.free * (1 + _CLEANED):
        floor = track.floor
        if track.trends[0].last >= _SHORTEST and track.low >= _AMPLE * free:
            # the lowest that it ever left; a floor that is no longer reached fades
            floor = min(track.low, floor + (track.low - floor) / 5) if floor else track.low
        # twice the room that was left: whatever filled the disk, there is time again
        since = 0 if free >= 2 * track.low else track.since
        fresh = _Track(last=at, free=free, low=free, floor=floor, since=since, calm=track.calm)
        return fresh._replace(trends=follow(fresh.trends, SPANS, at, free))
    fell = at if (track.free - free) * _FAST * SECOND > free * (at - track.last) else track.fell
    fall = (track.fall if at - fell <= _PAUSE else Trend()).add(at, free, inf)
    return track._replace(last=at, free=free, low=min(track.low, free), fell=fell, fall=fall,
                          trends=follow(track.trends, SPANS, at, free))


def _left(track: _Track, *, relaxed: bool) -> tuple[float, float] | None:
    """Return the seconds until full and what is lost per second, or None; `relaxed`: to go on firing."""
    if not track.free or (track.floor and track.free > 0.8 * track.floor):
        return None
    found = []
    seen = (courses(track.trends, SPANS, steady=0.5, still=0.1, bends=True) if relaxed
            else courses(track.trends, SPANS, steady=STEADY))
    for course in seen:
        if course.rate < 0 and course.seconds >= _SHORTEST:
            left = track.free / -course.rate
            if left <= min(FURTHEST, course.seconds * BELIEVED) * (2 if relaxed else 1):
                found.append((left, -course.rate))
    fall = track.fall
    if fall.rate < 0 and fall.last >= _SHORTEST and fall.n >= POINTS and fall.steady >= _STRAIGHT:
        left = track.free / -fall.rate
        if left <= min(_SOON, fall.last * _BELIEVED_FAST):
            found.append((left, -fall.rate))
    return min(found, default=None)


def _decide(track: _Track, at: int, left: tuple[float, float] | None) -> _Track:
    if left is not None:
        return track._replace(since=track.since or at, calm=0)
    if not track.since:
        return track
    calm = track.calm or at
    if at - calm >= _CALM and track.free:
        return track._replace(since=0, calm=0)
    return track._replace(calm=calm)


def _signal(key: str, point: Point, mount: str, track: _Track, left: tuple[float, float],
            before: Signal | None) -> Signal:
    seconds, rate = left
    severity: Severity = next((each for most, each in _SEVERITY if seconds <= most), "low")
    hourly = rate * 3600
    lost = f"{hourly:.1f} points" if point.name == "system.disk_percent" else _bytes(hourly)
    where = point.host or point.service or "the host"
    text = (f"free space of {mount or 'the disk'} on {where} falls by {lost} an hour: "
            f"full in {words(seconds)} at this rate")
    evidence = of_point(point, text)
    return Signal(
        detector="forecast", fingerprint=key, cls="disk_full", severity=severity,
        title=f"the disk will be full in {words(seconds)}", at=track.since, last_at=point.at,
        service=point.service, host=point.host, count=before.count + 1 if before else 1,
        cause="something fills the file system steadily", subject=mount, remedies=("clear_disk",),
        evidence=(before.evidence[0], evidence) if before else (evidence,))


def _cleared(key: str, point: Point) -> Signal:
    return Signal(detector="forecast", fingerprint=key, cls="disk_full", severity="low",
                  title="the disk no longer fills up", at=point.at, last_at=point.at, state="cleared",
                  service=point.service, host=point.host)


def _bytes(value: float) -> str:
    for unit in ("bytes", "KB", "MB", "GB"):
        if value < 1000:
            return f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} TB"
