"""Early: what was said just before a trouble was told, and was not enough then. From and to pipeline; pure.

A caller misses somebody a second before the health check fails for the second time. Nobody is told of the
caller alone; but when the check tells, what he said belongs to it.
"""
from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, replace
from typing import Any, Protocol

from ..domain.case import SUPPORTING
from ..domain.record import SECOND
from ..domain.signal import Signal, restored

#: So many are remembered, as many as one incident takes, and so long.
KEPT = SUPPORTING
_LONG = 30 * SECOND


class Early(Protocol):
    """What of the state's Memory is needed here."""

    def get(self, key: str) -> Any: ...
    def put(self, key: str, value: Any) -> None: ...
    def items(self) -> list[tuple[str, Any]]: ...


def remember(early: Early, signals: Iterable[Signal], now: int) -> None:
    """Keep what is evidence alone with the first line that says it."""
    for signal in signals:
        if signal.opens or signal.state != "firing" or signal.detector != "signature":
            continue
        known = early.get(signal.fingerprint)
        if known is None or now - known[0] > _LONG:
            early.put(signal.fingerprint, [now, asdict(replace(signal, evidence=signal.evidence[:1]))])


def offered(early: Early, signals: Iterable[Signal], now: int) -> list[Signal]:
    """Return what was said of late, where a trouble is told now, but not what is said again."""
    said = list(signals)
    if not any(each.opens and each.state == "firing" for each in said):
        return []
    again = {each.fingerprint for each in said}
    return [restored(stored) for key, (at, stored) in early.items() if now - at <= _LONG and key not in again]
