"""Doubt: what a lesson holds back until its evidence is strong enough. From correlate; pure.

What is held is remembered in the state, so that evidence adds up over batches and restarts: of a text by
lesson, for it may come from many hosts; of what is measured by sign. The signs themselves are kept for as
long as their trouble goes on: whoever forgets the lesson is told of it then, though nothing comes anew. Who
fell silent is told of only once, so that sign is also judged again when its time has come.
"""
from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from typing import Any, Protocol

from ..domain.case import merged
from ..domain.incident import Change
from ..domain.lesson import Lesson, lesson_for
from ..domain.record import SECOND
from ..domain.signal import Signal, restored

#: So many held troubles are remembered; the least recent goes, and its evidence begins anew.
HELD = 512
#: Of each lesson so many signs are kept, those that came last, each with so much of its evidence, and of
#: that so many characters.
PLACES, EVIDENCE, LETTERS = 8, 2, 4000
#: Detectors that speak at the beginning and the end, and not in between.
ONCE = frozenset({"absence"})
#: By fingerprint: when a sign is to be judged again (None: when it comes), when it came last, the sign.
Kept = dict[str, list[Any]]


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
        doubts.put(key, [first, last, count, now, _with(_kept(doubts.get(key)), signal, now, memory,
                                                        first + lesson.lasting(now))])
        return None
    doubts.drop(key)
    return (f"believed in spite of lesson {lesson.id} ({lesson.needs(now)}): {count} records or points "
            f"over {(last - first) // SECOND} s, {signal.severity}")


def _kept(held: Any) -> Kept:
    """Return the signs that are kept of what is held; older releases kept one at most."""
    more = held[4:] if held else []
    if len(more) == 2:
        return {more[1]["fingerprint"]: [more[0], held[3], more[1]]}
    return more[0] if more else {}


def _with(kept: Kept, signal: Signal, now: int, memory: int, until: int) -> Kept:
    """Return what is kept with a sign that came, joined with what it was before; the latest, and no more."""
    before = kept.get(signal.fingerprint)
    if before is not None and now - before[1] <= memory:
        signal = merged(restored(before[2]), signal)
    told = (*signal.evidence[:1], *signal.evidence[1:][1 - EVIDENCE:])
    signal = replace(signal, evidence=tuple(replace(each, text=each.text[:LETTERS]) for each in told))
    rest = {key: each for key, each in kept.items() if key != signal.fingerprint and now - each[1] <= memory}
    fresh = {**rest, signal.fingerprint: [until if signal.detector in ONCE else None, now, asdict(signal)]}
    return dict(list(fresh.items())[-PLACES:])


def again(doubts: Doubts | None, lessons: Mapping[str, Lesson], signals: list[Signal], now: int,
          quiet: int) -> list[Signal]:
    """Return the kept signs whose time has come or whose lesson is gone, and forget what is over.

    Over is what says so, or has been as quiet as an incident must be to end.
    """
    if doubts is None or not holds(doubts):
        return []
    over = {each.fingerprint for each in signals if each.state == "cleared"}
    found: list[Signal] = []
    for key, held in doubts.items():
        kept = _kept(held)
        left = {one: each for one, each in kept.items()
                if one not in over and (each[0] is not None or now - each[1] <= quiet)}
        told = [one for one, (until, *_) in left.items()
                if (until is not None and now >= until) or lesson_for(lessons, one, now) is None]
        for one in told:
            until, _, stored = left.pop(one)
            signal = restored(stored)
            found.append(signal if until is None else replace(signal, last_at=now))
        once = any(until is not None for until, *_ in kept.values())
        if not left and (told or once):
            doubts.drop(key)
        elif len(left) < len(kept):
            doubts.put(key, [*held[:4], left])
    return found


def holds(doubts: Doubts) -> bool:
    """Say whether anything is kept that is told if its lesson is forgotten."""
    return any(_kept(held) for _, held in doubts.items())


def due(doubts: Doubts) -> int | None:
    """Return when the next of the kept signs is to be judged again."""
    return min((each[0] for _, held in doubts.items() for each in _kept(held).values()
                if each[0] is not None), default=None)


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
