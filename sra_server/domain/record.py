"""What was observed: records (log events), points (metric values) and the committed batch of both.

From store (committed batches) or from files (`sra analyze`); to the fold. `Seen` is the common
currency of detectors: levels are the numbers of `sra_sdk.lines.level`, times epoch microseconds UTC.
"""
from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

SECOND = 1_000_000
MINUTE = 60 * SECOND


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One log event. `service` and `host` are "" when unknown; `line` counts from 1 in its source."""

    id: str
    at: int
    level: int
    message: str
    service: str = ""
    host: str = ""
    source: str = ""
    line: int | None = None
    metadata: dict[str, Any] = field(default_factory=dict)


#: A finite value beyond this measures nothing. It is taken for this much, so that differences, squares and
#: their sums stay finite wherever they are formed.
GREATEST = 1e100


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One metric value. `tags` are sorted pairs, so that equal series compare equal."""

    id: str
    at: int
    name: str
    value: float
    service: str = ""
    host: str = ""
    tags: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        if not -GREATEST <= self.value <= GREATEST:
            object.__setattr__(self, "value", GREATEST if self.value > 0 else -GREATEST)

    def series(self) -> str:
        """Return the key of the series: name, host, service and tags."""
        return "|".join((self.name, self.host, self.service, *(f"{k}={v}" for k, v in self.tags)))


class Count(NamedTuple):
    """How many records of one level a service on a host wrote in the minute that begins at `minute`."""

    minute: int
    service: str
    host: str
    level: int
    n: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What one commit brought to one account.

    `records` holds WARNING and above only (decision 3); `counts` covers everything; `received_at`
    is the clock of the fold; `listening` is since when somebody has waited for batches without a pause,
    or 0 where nobody does, as when files are read: who is silent can only be said by who listens.
    """

    account_id: str
    head: int
    received_at: int
    listening: int = 0
    records: tuple[Record, ...] = ()
    points: tuple[Point, ...] = ()
    counts: tuple[Count, ...] = ()
