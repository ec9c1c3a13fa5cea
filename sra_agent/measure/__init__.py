"""What is measured on this host. A collector returns points; `Points` takes them to the spool.

From psutil and the probes; to spool. A new measurement is one module with a class that fits `Collector`.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Protocol

Point = dict[str, Any]


class Collector(Protocol):
    """Measures one kind of thing; called from one thread, each time after some seconds."""

    def collect(self, now: float) -> list[Point]:
        """Return the present values; an absent thing has no point, rather than a zero."""


def point(
    name: str, value: float, now: float, *, unit: str | None = None, service: str | None = None, **tags: str
) -> Point:
    """Return one value as it goes over the wire."""
    made: Point = {
        "name": name,
        "value": round(float(value), 6),
        "timestamp": datetime.fromtimestamp(now, UTC),
    }
    if unit:
        made["unit"] = unit
    if service:
        made["service"] = service
    if tags:
        made["tags"] = {key: text[:200] for key, text in tags.items()}
    return made
