"""Doubt: what a lesson holds back until its evidence is strong enough. From correlate; pure.

What is held is remembered in the state, so that evidence adds up over batches and restarts: of a text by
lesson, for it may come from many hosts; of what is measured by sign. Who fell silent is told of only once,
so that signal is kept and judged again when its time has come.
"""
from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from typing import Any, Protocol

from ..domain.incident import Change
from ..domain.lesson import Lesson, lesson_for
from ..domain.record import SECOND
from ..domain.signal import Signal, restored

#: So many held troubles are remembered; the least recent goes, and its evidence begins anew.
HELD = 512
#: Detectors that speak at the beginning and the end, and not in between.
ONCE = frozenset({"absence"})


class Doubts(Protocol):
    """What of the state's Memory is needed here."""

    def get(self, key: str) -> Any: ...
    def put(self, key: str, value: Any) -> None: ...
    def drop(self, key: str) -> None: ...
    def items(self) -> list[tuple[str, Any]]: ...


def believed(doubts: Doubts | None, lessons: Mapping[str, Lesson], signal: Signal, now: int,
             memory: int) -> str | None:
    """Return None while a lesson holds a signal back, else what is to be said of it, mostly "".

    Evidence adds up as long as it comes again within `memory`.
    """
    lesson = lesson_for(lessons, signal.fingerprint, now)
    if lesson is None or doubts is None:
        return ""
    key = signal.fingerprint if lesson.measured else lesson.fingerprint
    first, last, count, heard = (doubts.get(key) or (signal.at, signal.last_at, 0, now))[:4]
    if now - heard > memory:
        first, last, count = signal.at, signal.last_at, 0
    first, last, count = min(first, signal.at), max(last, signal.last_at), count + signal.count
    if not lesson.believes(signal.severity, count, last - first, now):
        kept = [first + lesson.lasting(now), asdict(signal)] if signal.detector in ONCE else []
        doubts.put(key, [first, last, count, now, *kept])
        return None
    doubts.drop(key)
    return (f"believed in spite of lesson {lesson.id} ({lesson.needs(now)}): {count} records or points "
            f"over {(last - first) // SECOND} s, {signal.severity}")


def again(doubts: Doubts | None, lessons: Mapping[str, Lesson], signals: list[Signal],
          now: int) -> list[Signal]:
    """Return the kept signals whose time has come or whose lesson is gone, and forget what is over."""
    if doubts is None:
        return []
    over = {each.fingerprint for each in signals if each.state == "cleared"}
    found: list[Signal] = []
    for key, (_, _, _, _, *kept) in doubts.items():
        if not kept:
            continue
        if key in over:
            doubts.drop(key)
        elif now >= kept[0] or lesson_for(lessons, key, now) is None:
            doubts.drop(key)
            found.append(replace(restored(kept[1]), last_at=now))
    return found


def due(doubts: Doubts) -> int | None:
    """Return when the next of the kept signals is to be judged again."""
    return min((kept[0] for _, (_, _, _, _, *kept) in doubts.items() if kept), default=None)


def newly_held(before: Doubts, after: Doubts, lessons: Mapping[str, Lesson], now: int) -> tuple[str, ...]:
    """Return the fingerprints of the lessons that hold what was not held before."""
    fresh = (key for key, (first, *_) in after.items()
             if (was := before.get(key)) is None or was[0] != first)
    return tuple(dict.fromkeys(
        lesson.fingerprint for key in fresh if (lesson := lesson_for(lessons, key, now)) is not None))


def despite(change: Change, lessons: Iterable[Lesson], now: int) -> str:
    """Return what is to be said of a trouble that is told in spite of a lesson, mostly ""."""
    if change.kind not in ("opened", "reopened"):
        return ""
    known = {lesson.fingerprint: lesson for lesson in lessons}
    found = (lesson_for(known, each.fingerprint, now) for each in change.signals)
    lesson = next((each for each in found if each is not None), None)
    return "" if lesson is None else f"told in spite of lesson {lesson.id}: it {lesson.needs(now)}"
