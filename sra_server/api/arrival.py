"""From wire models to rows: what an ingest body brings, with its defaults filled in and its secrets gone.

From ingest; to store.batches. Every text that is stored is redacted here as well as on the host, because
not every sender is an agent.
"""
from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from sra_sdk.errors import BadInput
from sra_sdk.lines.infer import level_of
from sra_sdk.lines.level import NUMBER
from sra_sdk.lines.multiline import Joiner, cut
from sra_sdk.lines.parse import LineReader
from sra_sdk.lines.parsed import by_logger
from sra_sdk.models import PointIn, RawLogsIn, RecordIn, Snapshot
from sra_sdk.models.base import EARLIEST, LATEST
from sra_sdk.models.ingest import NAME_CHARACTERS
from sra_server.store.rows import NewPoint, NewRecord, as_json

from .clean import redact

HEX = r"[0-9a-f-]{16,64}"
_HEX = re.compile(HEX)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: The original's fields of a snapshot, and the names that host metrics have everywhere.
_SNAPSHOT = {"cpu_percent": "system.cpu_percent", "memory_percent": "system.memory_percent",
             "disk_percent": "system.disk_percent", "error_rate": "error_rate", "latency_ms": "latency_ms",
             "throughput": "throughput"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Defaults:
    """What serves the records and points that do not say it themselves."""

    service: str = ""
    host: str = ""
    source: str | None = None
    received_at: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """What is to be stored of one body; `given` is the count that is answered."""

    given: int
    records: list[NewRecord] = field(default_factory=list)
    points: list[NewPoint] = field(default_factory=list)


def micros(moment: datetime) -> int:
    """Return a wire time as epoch microseconds, exactly."""
    delta = moment - EPOCH
    return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds


_EARLIEST, _LATEST = micros(EARLIEST), micros(LATEST)


@lru_cache(maxsize=4096)
def _redacted(name: str) -> str:
    return redact(name)[:NAME_CHARACTERS]


def named(name: str | None) -> str | None:
    """Return the name of a service, host, source or the like without secrets; few names are many."""
    return _redacted(name) if name else name


def traced(trace_id: str | None) -> str | None:
    """Return a trace's id without secrets; the usual ones, in hexadecimal, hold none that can be known."""
    return redact(trace_id)[:NAME_CHARACTERS] if trace_id and not _HEX.fullmatch(trace_id) else trace_id


def first(name: str | None, default: str) -> str:
    """Return the name if there is one, even an empty one, or the default; without secrets."""
    return named(default if name is None else name) or ""


def records(given: Iterable[RecordIn], defaults: Defaults) -> list[NewRecord]:
    """Return the rows of structured records."""
    return [NewRecord(
        at=micros(one.timestamp) if one.timestamp is not None else defaults.received_at,
        level=NUMBER[one.level], message=redact(one.message),
        service=first(one.service, defaults.service), host=first(one.host, defaults.host),
        source=named(one.source), trace_id=traced(one.trace_id),
        metadata=metadata_text(one.metadata) if one.metadata else None) for one in given]


def points(given: Iterable[PointIn], defaults: Defaults) -> list[NewPoint]:
    """Return the rows of metric values."""
    return [NewPoint(
        at=micros(one.timestamp) if one.timestamp is not None else defaults.received_at,
        name=first(one.name, ""), value=one.value, unit=named(one.unit),
        service=first(one.service, defaults.service), host=first(one.host, defaults.host),
        tags=metadata_text(one.tags)) for one in given]


def snapshot(given: Snapshot, defaults: Defaults) -> list[NewPoint]:
    """Return the rows of the values of one instant."""
    at = micros(given.timestamp) if given.timestamp is not None else defaults.received_at
    values = {name: getattr(given, name_given) for name_given, name in _SNAPSHOT.items()}
    for name, value in given.custom_metrics.items():
        place = f"snapshot.custom_metrics.{name[:50]}"
        if not name or len(name) > NAME_CHARACTERS or not name.isprintable():
            raise wrong(place, f"a name must have 1 to {NAME_CHARACTERS} printable characters")
        if not math.isfinite(value):
            raise wrong(place, "must be a finite number")
        values[name] = value
    return [NewPoint(at=at, name=first(name, ""), value=value, service=first(defaults.service, ""),
                     host=first(defaults.host, ""))
            for name, value in values.items() if value is not None]


def raw(given: RawLogsIn, defaults: Defaults) -> list[NewRecord]:
    """Return the rows of raw lines: joined, parsed, given a level. A line of no known format is kept."""
    reader = LineReader(service=defaults.service, host=defaults.host, tz=UTC,
                        now=lambda: defaults.received_at)
    joiner = Joiner()
    events = [event for line in given.logs for event in joiner.feed(line.rstrip("\r\n"))] + joiner.flush()
    return [_read(reader, text, defaults) for text, _ in events if text.strip()]


def _read(reader: LineReader, text: str, defaults: Defaults) -> NewRecord:
    parsed = reader.read(text)
    at = parsed.at if parsed.at is not None and _EARLIEST <= parsed.at <= _LATEST else defaults.received_at
    level = level_of(parsed.message, parsed.level, parsed.format, parsed.metadata)
    return NewRecord(
        at=at, level=NUMBER[level], message=cut(redact(parsed.message))[0],
        service=first(by_logger(parsed), ""),
        host=first(parsed.host, ""), source=named(defaults.source),
        metadata=metadata_text(parsed.metadata) if parsed.metadata else None)


def metadata_text(given: Mapping[str, Any]) -> str | None:
    """Return the text under which metadata or tags are stored, without their secrets."""
    text = as_json(given)
    if text is None:
        return None
    clean = redact(text)
    if clean is not text and clean != text:
        try:
            json.loads(clean)
        except ValueError:  # the secret took a quote with it: go value by value
            return as_json(_clean(dict(given)))
    return clean


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, dict):
        return {redact(key): _clean(inner) for key, inner in value.items()}
    return [_clean(inner) for inner in value] if isinstance(value, list) else value


def wrong(place: str, message: str) -> BadInput:
    """Return the error for one wrong field that the models do not check."""
    return BadInput(f"{place}: {message}", code="validation_failed",
                    errors=[{"field": place, "message": message}])
