"""Baseline: a series that is far from its own past, at this hour. From points; to correlate.

Unusual is not broken, and so this detector opens an incident only for what is watched (watch.py), after a
whole day of learning, where the value hurts, is strange to the point of once in 100,000, and stays so for two
minutes, and for longer than it got over by itself before (habit.py). Any other strange series is evidence: it
joins an open incident nearby, or is heard by nobody. Not so what has a limit, is far below it, and has moved
by next to nothing of it: that 3 % of the inodes are in use where 2.9 % were is strange, and says nothing.
"""
from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from ..domain.evidence import of_point
from ..domain.record import MINUTE, SECOND, Batch, Point
from ..domain.signal import Signal
from .habit import HOUR, WEEK, Past, allowed, learn
from .memory import Memory
from .threshold import BOUNDS
from .unusual import Unusual
from .watch import Watch, class_of, watch_of

#: A score that is strange: for one series by chance once in 100,000 points.
STRANGE = 5.0
LASTING = 120 * SECOND
_POINTS = 6
LEARN = 24 * 60 * MINUTE
#: Series that are remembered of an account, watched and others. What comes when all places are taken waits
#: until one has not been heard for a day.
WATCHED, OTHERS = 96, 32
_STALE = 24 * 60 * MINUTE
#: Evidence of something strange is offered for so long.
_FRESH = 10 * MINUTE
#: What has lasted for so long is the new usual.
_USUAL = 6 * 60 * MINUTE
#: Of its limit: so near to it, or moved by so much, a measure says something.
_NEAR, _MUCH = 0.8, 0.1
#: Others look after these, or they only ever rise.
_LEFT_OUT = ("probe.up", "probe.status", "agent.", "system.disk", "system.network", "process.")


class _Mood(NamedTuple):
    """Since when a series is strange, how far it then was from `usual`, how often; firing; calm since.

    `held`: it fires, and nobody is told yet; `past` are the spells that it got over.
    """

    first: int = 0
    since: int = 0
    usual: float = 0.0
    distance: float = 0.0
    n: int = 0
    firing: bool = False
    calm: int = 0
    held: bool = False
    past: Past = ()


class Baseline:
    """Memory: watched|series or other|series → [_Mood, Unusual]."""

    name = "baseline"
    always = False

    def detect(self, memory: Memory, batch: Batch) -> list[Signal]:
        """Return a signal for each series that is strange, and for each watched one that no longer is."""
        found: list[Signal] = []
        series: dict[str, list[Point]] = {}
        for point in batch.points:
            if not point.name.startswith(_LEFT_OUT) and not point.name.endswith("_total"):
                series.setdefault(point.series(), []).append(point)
        for name, points in series.items():
            watch = _watch_of(points[0].name)
            key = f"{'watched' if watch else 'other'}|{name}"
            stored = memory.get(key)
            if stored is None and not _room(memory, key, points[0].at):
                if watch:
                    memory.refuse(key)
                continue
            mood, past = (_Mood(*stored[0]), Unusual.from_json(stored[1])) if stored else (_Mood(), Unusual())
            signal = None
            for point in points:
                if past.n and point.at <= past.at:
                    continue
                mood, signal = _judge(mood, past, point, watch)
                if signal is not None and signal.state == "cleared":
                    found.append(signal)
                    signal = None
            if signal is not None:
                found.append(signal)
            stands = list(mood) if mood.held or mood.past else list(mood[:-2])
            memory.put(key, [stands, past.to_json()])
        return found


@lru_cache(maxsize=1024)
def _watch_of(name: str) -> Watch | None:
    return watch_of(name)


def _room(memory: Memory, key: str, at: int) -> bool:
    """Say whether a new series may be learned; one that fell silent makes room."""
    kind = key.partition("|")[0]
    same = [each for each in memory if each.startswith(kind)]
    if len(same) < (WATCHED if kind == "watched" else OTHERS):
        return True
    if at - memory.get(same[0])[1][1] < _STALE:
        return False
    memory.drop(same[0])
    return True


def _judge(mood: _Mood, past: Unusual, point: Point, watch: Watch | None) -> tuple[_Mood, Signal | None]:
    """Return the mood after a point and what is to be said."""
    usual = past.usual(point.at)
    learned = bool(mood.first) and point.at - mood.first >= LEARN
    score = past.score(point.at, point.value)
    mood = mood if mood.first else mood._replace(first=point.at)
    if not mood.since:
        if score < STRANGE:
            return mood, None
        mood = mood._replace(since=point.at, usual=usual, distance=point.value - usual, n=0, calm=0)
    stays = (point.value - mood.usual) / mood.distance >= 0.5 if mood.distance else False
    if stays and point.at - mood.since < _USUAL:
        mood = mood._replace(n=mood.n + 1, calm=0)
    else:
        calm = mood.calm or point.at
        mood = mood._replace(calm=calm)
        if not mood.firing or point.at - calm >= LASTING or point.at - mood.since >= _USUAL:
            over = _cleared(point, watch) if mood.firing and not mood.held else None
            # what became the new usual was not got over
            ended = mood.firing and watch is not None and watch.habit and calm - mood.since < _USUAL
            spells = learn(mood.past, mood.since, calm) if ended else mood.past
            return _Mood(first=mood.first, past=spells), over
        return mood, None
    if watch is not None and watch.hurts(point.value, mood.usual) and (
            mood.firing or (mood.n >= _POINTS and point.at - mood.since >= LASTING)):
        most, _ = allowed(mood.past, mood.since)
        if watch.busy and mood.since - mood.first < WEEK:
            most = max(most, HOUR)
        waits = (mood.held or not mood.firing) and point.at - mood.since < most * SECOND
        mood = mood._replace(firing=True, held=waits or not learned)
        if not mood.held:
            return mood, _signal(point, mood, watch)
    if not mood.firing and point.at - mood.since <= _FRESH and _says(point, mood):
        return mood, _evidence(point, mood)
    return mood, None


def _says(point: Point, mood: _Mood) -> bool:
    """Say whether what is strange is much as well, beside the limit of what is measured, if it has one."""
    bound = BOUNDS.get(point.name)
    limit = bound.high if bound else 100.0 if point.name.endswith("_percent") else 0.0
    return point.value >= _NEAR * limit or abs(point.value - mood.usual) >= _MUCH * limit


def _text(point: Point, mood: _Mood) -> str:
    where = point.service or point.host or "the host"
    return f"{point.name} of {where} is {point.value:.4g}; {_usually(point, mood)} is about {mood.usual:.4g}"


def _usually(point: Point, mood: _Mood) -> str:
    """Say what a value is compared with: who was watched for less than a day has no usual of this hour."""
    whole_day = bool(mood.first) and point.at - mood.first >= LEARN
    return "usual at this hour" if whole_day else "usual of late"


def _signal(point: Point, mood: _Mood, watch: Watch) -> Signal:
    text = f"{_text(point, mood)}; so for {(point.at - mood.since) // SECOND} s"
    return Signal(
        detector="baseline", fingerprint=f"baseline|{point.series()}", cls=watch.cls, severity="medium",
        title=watch.title, at=mood.since, last_at=point.at, service=point.service, host=point.host,
        cause=watch.means, remedies=watch.remedies, evidence=(of_point(point, text),))


def _evidence(point: Point, mood: _Mood) -> Signal:
    """Return what is merely strange; it stands for its own moment, so that it joins what happens then."""
    return Signal(
        detector="baseline", fingerprint=f"unusual|{point.series()}", cls=class_of(point.name),
        severity="low", title=f"{point.name} is unusual", at=point.at, last_at=point.at,
        service=point.service, host=point.host, opens=False,
        cause=f"it is far from what is {_usually(point, mood)}",
        evidence=(of_point(point, _text(point, mood)),))


def _cleared(point: Point, watch: Watch | None) -> Signal:
    return Signal(
        detector="baseline", fingerprint=f"baseline|{point.series()}",
        cls=watch.cls if watch else "error_burst", severity="medium", title="it is back near its usual",
        at=point.at, last_at=point.at, state="cleared", service=point.service, host=point.host)
