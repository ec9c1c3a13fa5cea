"""Records and points as rows: their columns, and those that detection reads. From batches.

A row's id names its key: `r{day}-{ticket}-{line}` for records, `p…` for points.
"""
from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import orjson
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from sra_sdk.lines.level import NUMBER, WARNING
from sra_server.domain.record import Point, Record

from .schema import points as points_table
from .schema import records as records_table

#: Detection reads the text of records from this level on.
LOUD = NUMBER[WARNING]
#: Lines asked for in one statement; databases bound the number of its parameters.
_LINES_AT_ONCE = 5_000


class NewRecord(NamedTuple):
    """A record to be stored. `metadata` is a JSON object as text, None for none."""

    at: int
    level: int
    message: str
    service: str = ""
    host: str = ""
    source: str | None = None
    trace_id: str | None = None
    metadata: str | None = None


class NewPoint(NamedTuple):
    """A point to be stored. `tags` is a JSON object as text, None for none."""

    at: int
    name: str
    value: float
    unit: str | None = None
    service: str = ""
    host: str = ""
    tags: str | None = None


KEY_COLUMNS = ("account_id", "day", "ticket", "line")
RECORD_COLUMNS = (*KEY_COLUMNS, "received_at", *NewRecord._fields)
POINT_COLUMNS = (*KEY_COLUMNS, *NewPoint._fields)


def as_json(value: Mapping[str, Any]) -> str | None:
    """Return the text under which metadata and tags are stored; None for none."""
    if not value:
        return None
    try:
        return orjson.dumps(value).decode()
    except TypeError:  # numbers above 64 bits
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def record_id(day: int, ticket: int, line: int) -> str:
    """Return the id by which evidence cites a record."""
    return f"r{day}-{ticket}-{line}"


async def load_records(conn: AsyncConnection, account_id: str, day: int, ticket: int,
                       lines: Sequence[int]) -> tuple[Record, ...]:
    """Return the records of a batch at these lines, in order."""
    table = records_table.c
    found: list[Record] = []
    for start in range(0, len(lines), _LINES_AT_ONCE):
        rows = await conn.execute(
            select(table.line, table.at, table.level, table.message, table.service, table.host, table.source,
                   table.metadata)
            .where(table.account_id == account_id, table.day == day, table.ticket == ticket,
                   table.line.in_(lines[start:start + _LINES_AT_ONCE])).order_by(table.line))
        for row in rows:
            metadata = json.loads(row.metadata) if row.metadata else {}
            number = metadata.get("line")
            found.append(Record(
                id=record_id(day, ticket, row.line), at=row.at, level=row.level, message=row.message,
                service=row.service, host=row.host, source=row.source or "", metadata=metadata,
                line=number if type(number) is int and 0 < number < 2**31 else None))
    return tuple(found)


async def load_points(conn: AsyncConnection, account_id: str, day: int, ticket: int) -> tuple[Point, ...]:
    """Return the points of a batch, in order."""
    table = points_table.c
    rows = await conn.execute(
        select(table.line, table.at, table.name, table.value, table.service, table.host, table.tags)
        .where(table.account_id == account_id, table.day == day, table.ticket == ticket).order_by(table.line))
    return tuple(
        Point(id=f"p{day}-{ticket}-{row.line}", at=row.at, name=row.name, value=row.value,
              service=row.service, host=row.host, tags=_tags(row.tags)) for row in rows)


def _tags(text: str | None) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((name, str(value)) for name, value in json.loads(text).items())) if text else ()
