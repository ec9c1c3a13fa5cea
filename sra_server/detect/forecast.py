"""Forecast: a disk that will be full soon at the rate at which it fills. From points; to correlate.

What fills for hours is followed from where it began (blocks.py), and told once somewhat more than a quarter
of what was free has gone; what fills fast, over short spans and by itself from where it began. A forecast is
believed for so many times as long as the growth was watched. What usually ends by itself or is cleaned up
(lows.py) is trusted to do so again, until it goes further than it ever did. Growth that has ended is over.
"""
from __future__ import annotations

from math import inf
from typing import Any, NamedTuple

from ..domain.evidence import of_point
from ..domain.record import SECOND, Batch, Point
from ..domain.signal import Severity, Signal
from . import blocks
from .blocks import Blocks, Fall
from .lows import Lows
from .memory import Memory
from .threshold import HARMLESS_MOUNTS
from .trend import POINTS, Trend, courses, follow, words

SPANS = (90.0, 300.0, 900.0)
#: A line must explain so much of it; growth that has just begun leaves a bend in the longer spans.
STEADY = 0.8
#: What is followed for hours must be so straight, and still go on at so much of its rate.
_LINE, _STILL = 0.95, 0.7
#: To go on firing; what was told pauses, and goes on at another rate.
_LINE_FIRING, _STILL_FIRING = 0.85, 0.25
#: So many blocks may a value lag behind the line of its fall, or the fall has ended.
_LAG, _LAG_FIRING = 0.25, 2.0
#: Believed for so many times the time that was watched; nothing is said of what is further away.
BELIEVED = 3.0
#: What is followed for hours a little less: of large files that are copied many take a quarter of the room.
_BELIEVED_SLOW = 2.5
FURTHEST = 12 * 3600.0
_SHORTEST = 60.0
#: A fall is fast at a rate that leaves an hour, and goes on over pauses as writing to disks has them.
_FAST, _PAUSE = 3600.0, 45 * SECOND
#: It is told if the disk is full within a quarter of an hour, and two fifths of what was free have gone.
_SOON, _BELIEVED_FAST, _STRAIGHT = 900.0, 1.5, 0.9
#: Seconds until full, and how bad that is. Half an hour is bad once so much of what was free has gone: large
#: files that are copied fall just so, and most end before.
_SEVERITY: tuple[tuple[float, Severity], ...] = ((900, "high"), (4 * 3600, "medium"), (FURTHEST, "low"))
_NEAR, _MOST = 1800.0, 0.6
#: Free space that grows at once by this share was cleaned up.
_CLEANED = 0.05
#: What has fallen by less in the newest blocks does not fall.
_LEVEL = 0.02
#: So much of a fall is made good when it is over, not only held up by logs that are rotated.
_MADE_GOOD = 0.5
_CALM = 300 * SECOND
_GAP = 600 * SECOND


class _Track(NamedTuple):
    """One mount: its last and lowest free space, whether it fires, its habit, and the courses that it takes.

    `fell` is when it last fell fast, `fall` the course since this began, `blocks` the last hours, `slow` the
    fall that they show, and `top` the level from which it falls.
    """

    last: int
    free: float
    low: float
    since: int = 0
    calm: int = 0
    fell: int = 0
    fall: Trend = Trend()
    trends: tuple[Trend, ...] = (Trend(),) * len(SPANS)
    blocks: Blocks = Blocks()
    lows: Lows = Lows()
    slow: Fall | None = None
    top: float = 0.0


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
            memory.put(place, _stored(after))
            if after.since and left is not None:
                found[key] = _signal(key, point, mount, after, left, found.get(key))
            elif track is not None and track.since and not after.since:
                found[key] = _cleared(key, point)
        return list(found.values())


def _stored(track: _Track) -> list[Any]:
    return [*track[:6], list(track.fall), [list(trend) for trend in track.trends],
            blocks.store(track.blocks), list(track.lows), list(track.slow or ()), track.top]


def _read(stored: list[Any] | None) -> _Track | None:
    if stored is None:
        return None
    if len(stored) < 10:
        # an older release knew no blocks, kept the floor by itself, and one that was older still no fall
        last, free, low, floor, since, calm, *fall, trends = stored
        fell, course = fall or (0, ())
        return _Track(last, free, low, since, calm, fell, Trend(*course), _trends(trends), top=free,
                      lows=Lows(floor=floor, reached=last if floor else 0))
    last, free, low, since, calm, fell, fall, trends, past, lows, slow, top = stored
    return _Track(last, free, low, since, calm, fell, Trend(*fall), _trends(trends), blocks.read(past),
                  Lows(*lows), Fall(*slow) if slow else None, top)


def _trends(stored: list[Any]) -> tuple[Trend, ...]:
    return tuple(Trend(*each) for each in stored[:len(SPANS)])


def _step(track: _Track | None, at: int, free: float) -> _Track:
    """Return the track after a value; a clean-up or a hole in the points begins the trends anew."""
    if track is None or at - track.last > _GAP:
        fresh = _Track(last=at, free=free, low=free, top=free)
        if track is not None:
            fresh = fresh._replace(since=track.since, lows=track.lows)
        return fresh._replace(trends=follow(fresh.trends, SPANS, at, free), blocks=Blocks().add(at, free))
    track = _hours(track, at, free)
    if free > track.free * (1 + _CLEANED):
        lows = track.lows.cleaned(at, track.low, free) if track.trends[0].last >= _SHORTEST else track.lows
        # twice the room that was left: whatever filled the disk, there is time again
        since = 0 if free >= 2 * track.low else track.since
        return track._replace(last=at, free=free, low=free, since=since, lows=lows, fell=0, fall=Trend(),
                              trends=follow((Trend(),) * len(SPANS), SPANS, at, free))
    fell = at if (track.free - free) * _FAST * SECOND > free * (at - track.last) else track.fell
    fall = (track.fall if at - fell <= _PAUSE else Trend()).add(at, free, inf)
    return track._replace(last=at, free=free, low=min(track.low, free), fell=fell, fall=fall,
                          trends=follow(track.trends, SPANS, at, free))


def _hours(track: _Track, at: int, free: float) -> _Track:
    """Return the track with the value in its blocks; the slow course is judged anew when one ends."""
    after = track.blocks.add(at, free)
    if after.begun == track.blocks.begun:
        return track._replace(blocks=after)
    means = [mean for _, mean in after.newest()]
    if not means:
        return track._replace(blocks=after)
    now, low, top = means[0], min(means), max(means)
    if now > low * (1 + _CLEANED) and now - low >= _MADE_GOOD * (top - low):
        # it was filled again: what comes is another fall
        return track._replace(blocks=Blocks().add(at, free), slow=None, top=now,
                              lows=track.lows.cleaned(at, min(low, track.low), max(top, now)))
    level = max(after.past[0]) - now <= _LEVEL * now
    top = now if level else max(track.top, now)
    if track.since:
        slow = after.fall(steady=_LINE_FIRING, still=_STILL_FIRING)
    else:
        # most disks are level most of the time, and need no line
        slow = None if level else after.fall(steady=_LINE, still=_STILL)
    return track._replace(blocks=after, slow=slow, top=top)


def _left(track: _Track, *, relaxed: bool) -> tuple[float, float] | None:
    """Return the seconds until full and what is lost per second, or None; `relaxed`: to go on firing."""
    if not track.free or track.lows.trusts(track.last, track.top, track.free):
        return None
    patience, found = 2 if relaxed else 1, []
    slow = track.slow
    if slow is not None and not slow.ended(track.last, track.free, blocks=_LAG_FIRING if relaxed else _LAG):
        left = slow.left(track.last, track.free)
        if left <= min(FURTHEST, slow.seconds * _BELIEVED_SLOW) * patience:
            found.append((left, -slow.rate))
    if not found or slow is None or not slow.explains(track.last, track.free):
        # else what it does in the short run, as logs that are rotated, is part of its slow course
        for course in (courses(track.trends, SPANS, steady=0.5, still=0.1, bends=True) if relaxed
                       else courses(track.trends, SPANS, steady=STEADY)):
            if course.rate < 0 and course.seconds >= _SHORTEST:
                left = track.free / -course.rate
                if left <= min(FURTHEST, course.seconds * BELIEVED) * patience:
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
        return track._replace(since=0, calm=0, lows=track.lows.came_to_nothing(at, track.top, track.free))
    return track._replace(calm=calm)


def _severity(left: float, track: _Track) -> Severity:
    if left <= _NEAR and track.free <= (1 - _MOST) * track.top:
        return "high"
    return next((each for most, each in _SEVERITY if left <= most), "low")


def _signal(key: str, point: Point, mount: str, track: _Track, left: tuple[float, float],
            before: Signal | None) -> Signal:
    seconds, rate = left
    hourly = rate * 3600
    lost = f"{hourly:.1f} points" if point.name == "system.disk_percent" else _bytes(hourly)
    where = point.host or point.service or "the host"
    text = (f"free space of {mount or 'the disk'} on {where} falls by {lost} an hour: "
            f"full in {_words(seconds)} at this rate")
    evidence = of_point(point, text)
    return Signal(
        detector="forecast", fingerprint=key, cls="disk_full", severity=_severity(seconds, track),
        title=f"the disk will be full in {_words(seconds)}", at=track.since, last_at=point.at,
        service=point.service, host=point.host, count=before.count + 1 if before else 1,
        cause="something fills the file system steadily", subject=mount, remedies=("clear_disk",),
        evidence=(before.evidence[0], evidence) if before else (evidence,))


def _words(seconds: float) -> str:
    """Return a time for people; two hours and three are too far apart."""
    halves = round(seconds / 1800)
    return f"{halves / 2} h" if halves == 5 else words(seconds)


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
