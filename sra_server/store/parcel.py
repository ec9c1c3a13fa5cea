"""A batch on its way into the store, and what becomes of it. From batches; to group and the commits."""
from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from sra_server.domain.record import MINUTE

from .rows import LOUD, NewPoint, NewRecord

DAY = 86_400_000_000
#: What a row weighs in the queue when nobody has counted its bytes.
_ROW_BYTES = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Seal:
    """What an agent or SDK put on a batch: who, its number (from 1) and the SHA-256 of its bytes."""

    producer: str
    sequence: int
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Appended:
    """What became of a batch. `head` is 0 when there was nothing to store."""

    head: int
    duplicate: bool = False
    gap: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What detection needs of all records without reading them; the lists are JSON."""

    counts: str
    loud: str
    min_at: int | None = None
    max_at: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """A batch that was validated; `size` is its bytes, for the bounds of queue and group."""

    account_id: str
    received_at: int
    records: Sequence[NewRecord] = ()
    points: Sequence[NewPoint] = ()
    seal: Seal | None = None
    host: str | None = None
    ends: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    dropped: Mapping[str, int] = field(default_factory=dict)
    tally: Tally
    size: int = 0

    @property
    def day(self) -> int:
        """The day of receipt."""
        return self.received_at // DAY

    @property
    def rows(self) -> int:
        """How many rows it brings."""
        return len(self.records) + len(self.points)

    @property
    def weight(self) -> int:
        """Its bytes, at least those that its rows must have."""
        return max(self.size, self.rows * _ROW_BYTES)


def record_rows(parcel: Parcel, ticket: int) -> list[tuple[Any, ...]]:
    """Return the rows of its records, in the order of RECORD_COLUMNS; a line is the place in the batch."""
    account, day, at = parcel.account_id, parcel.day, parcel.received_at
    return [(account, day, ticket, line, at, *record) for line, record in enumerate(parcel.records)]


def point_rows(parcel: Parcel, ticket: int) -> list[tuple[Any, ...]]:
    """Return the rows of its points, in the order of POINT_COLUMNS."""
    account, day = parcel.account_id, parcel.day
    return [(account, day, ticket, line, *point) for line, point in enumerate(parcel.points)]


def tally(records: Sequence[NewRecord]) -> Tally:
    """Count records by minute, service, host and level, and note the lines of WARNING and above."""
    if not records:
        return Tally(counts="[]", loud="[]")
    columns = tuple(zip(*records, strict=True))
    times, levels = columns[0], columns[1]
    minutes = [at - at % MINUTE for at in times]
    counts = Counter(zip(minutes, columns[3], columns[4], levels, strict=True))
    return Tally(
        counts=orjson.dumps([[*key, n] for key, n in sorted(counts.items())]).decode(),
        loud=orjson.dumps([line for line, level in enumerate(levels) if level >= LOUD]).decode(),
        min_at=min(times), max_at=max(times))
