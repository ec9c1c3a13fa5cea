"""Bodies of /ingest and of log search: records, points and the sealed batch of an agent."""
from __future__ import annotations

from typing import Annotated, Any, Literal, Optional, Union

from pydantic import AfterValidator, BeforeValidator, Field

from ..lines.level import LEVELS
from .base import Incoming, JsonObject, Outgoing, Timestamp, storable

#: Bounds of one record; the agent cuts longer lines and says by how much.
MESSAGE_BYTES = 256 * 1024
NAME_CHARACTERS = 200
BATCH_ITEMS = 10_000


def _level(value: Any) -> Any:
    """Give the name of a level in the five that SRA stores; synonyms and case are accepted."""
    if isinstance(value, str):
        name = LEVELS.get(value.strip().lower())
        if name is None:
            raise ValueError("unknown level; use debug, info, warning, error or critical")
        return name
    return value


def _text(value: str) -> str:
    storable(value)
    if len(value) * 4 > MESSAGE_BYTES and len(value.encode("utf-8", "surrogatepass")) > MESSAGE_BYTES:
        raise ValueError(f"must not be longer than {MESSAGE_BYTES} bytes in UTF-8")
    return value


def _name(value: str) -> str:
    storable(value)
    if any(ord(c) < 32 or ord(c) == 127 for c in value):
        raise ValueError("must not contain control characters")
    return value


LevelName = Annotated[Literal["debug", "info", "warning", "error", "critical"], BeforeValidator(_level)]
Text = Annotated[str, AfterValidator(_text)]
Name = Annotated[str, Field(max_length=NAME_CHARACTERS), AfterValidator(_name)]


class RecordIn(Incoming):
    """One log event. Without a timestamp it is given the time of receipt."""

    message: Text
    level: LevelName = "info"
    service: Optional[Name] = None
    host: Optional[Name] = None
    timestamp: Optional[Timestamp] = None
    source: Optional[Name] = Field(default=None, description="A logger or file name.")
    trace_id: Optional[Name] = None
    metadata: JsonObject = Field(default_factory=dict)


class LogsIn(Incoming):
    """POST /ingest/logs. `service` and `host` serve the records that name none."""

    logs: list[RecordIn] = Field(max_length=BATCH_ITEMS)
    service: Optional[Name] = None
    host: Optional[Name] = None


class RawLogsIn(Incoming):
    """POST /ingest/logs/raw as a JSON object; a bare list of strings and text/plain serve as well."""

    logs: list[Text] = Field(max_length=BATCH_ITEMS)
    service: Optional[Name] = None
    host: Optional[Name] = None
    source: Optional[Name] = None


class PointIn(Incoming):
    """One metric value."""

    name: Annotated[str, Field(min_length=1, max_length=NAME_CHARACTERS), AfterValidator(_name)]
    value: float = Field(allow_inf_nan=False)
    unit: Optional[Name] = None
    service: Optional[Name] = None
    host: Optional[Name] = None
    timestamp: Optional[Timestamp] = None
    tags: dict[str, Union[str, int, float, bool]] = Field(default_factory=dict, max_length=32)


class MetricsIn(Incoming):
    """POST /ingest/metrics."""

    metrics: list[PointIn] = Field(max_length=BATCH_ITEMS)
    service: Optional[Name] = None
    host: Optional[Name] = None


class Snapshot(Incoming):
    """Several values of one instant; the named fields are those of the original."""

    timestamp: Optional[Timestamp] = None
    cpu_percent: Optional[float] = Field(default=None, allow_inf_nan=False)
    memory_percent: Optional[float] = Field(default=None, allow_inf_nan=False)
    disk_percent: Optional[float] = Field(default=None, allow_inf_nan=False)
    error_rate: Optional[float] = Field(default=None, allow_inf_nan=False, description="0 to 1.")
    latency_ms: Optional[float] = Field(default=None, allow_inf_nan=False)
    throughput: Optional[float] = Field(default=None, allow_inf_nan=False)
    custom_metrics: dict[str, float] = Field(default_factory=dict, max_length=500)


class SnapshotIn(Incoming):
    """POST /ingest/snapshot."""

    snapshot: Snapshot
    service: Optional[Name] = None
    host: Optional[Name] = None


class BatchIn(Incoming):
    """POST /ingest/batch: what an agent seals. Records and points of one host, with end positions.

    `ends` maps a source to the position after its last line in this batch; the server keeps the
    latest of each, so that an agent that lost its own can ask. `dropped` counts, by reason, what
    could not be kept since the last batch.
    """

    host: Name
    logs: list[RecordIn] = Field(default_factory=list, max_length=BATCH_ITEMS)
    metrics: list[PointIn] = Field(default_factory=list, max_length=BATCH_ITEMS)
    ends: dict[str, JsonObject] = Field(default_factory=dict, max_length=10_000)
    dropped: dict[str, int] = Field(default_factory=dict, max_length=100)


class IngestOut(Outgoing):
    """Answered only after the commit.

    `duplicate` says that this very batch had been stored before; `gap` how many numbers of the
    producer are missing before this one.
    """

    status: Literal["accepted"] = "accepted"
    count: int
    duplicate: bool = False
    gap: int = 0
    timestamp: Timestamp


class EndsOut(Outgoing):
    """GET /ingest/ends?host=: the latest end position of each source of a host."""

    host: str
    ends: dict[str, JsonObject]


class RecordOut(Outgoing):
    """A stored record; `id` is what evidence cites."""

    id: str
    timestamp: Timestamp
    received_at: Timestamp
    level: str
    message: str
    service: Optional[str] = None
    host: Optional[str] = None
    source: Optional[str] = None
    trace_id: Optional[str] = None
    metadata: JsonObject = Field(default_factory=dict)


class LogsOut(Outgoing):
    """GET /logs, newest first; `next_cursor` continues where this page ends."""

    logs: list[RecordOut]
    next_cursor: Optional[str] = None
