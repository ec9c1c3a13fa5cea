"""Doubt: what a lesson holds back until its evidence is strong enough. From correlate; pure.

What is held is remembered in the state, so that evidence adds up over batches and restarts.
"""
from __future__ import annotations

from typing import Any, Protocol

from .domain.lesson import Lesson
from .domain.record import SECOND
from .domain.signal import Signal

#: So many held troubles are remembered; the least recent goes, and its evidence begins anew.
HELD = 512


class Doubts(Protocol):
    """What of the state's Memory is needed here."""

    def get(self, key: str) -> Any: ...
    def put(self, key: str, value: Any) -> None: ...
    def drop(self, key: str) -> None: ...
    def items(self) -> list[tuple[str, Any]]: ...


def believed(doubts: Doubts, lesson: Lesson, signal: Signal, now: int, memory: int) -> str | None:
    """Return why a signal may open an incident in spite of a lesson, or None while it is held back.

    Evidence adds up as long as it comes again within `memory`.
    """
    first, last, count, heard = doubts.get(signal.fingerprint) or (signal.at, signal.last_at, 0, now)
    if now - heard > memory:
        first, last, count = signal.at, signal.last_at, 0
    first, last, count = min(first, signal.at), max(last, signal.last_at), count + signal.count
    if not lesson.believes(signal.severity, count, last - first, now):
        doubts.put(signal.fingerprint, [first, last, count, now])
        return None
    doubts.drop(signal.fingerprint)
    return (f"believed in spite of lesson {lesson.id} ({lesson.needs(now)}): {count} records or points "
            f"over {(last - first) // SECOND} s, {signal.severity}")


def newly_held(before: Doubts, after: Doubts) -> tuple[str, ...]:
    """Return the fingerprints that were not held before."""
    return tuple(key for key, (first, *_) in after.items()
                 if (was := before.get(key)) is None or was[0] != first)
