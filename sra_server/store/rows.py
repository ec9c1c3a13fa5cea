"""Records and points as rows: their columns, and those that detection reads. From batches.

A row's id names its key: `r{day}-{ticket}-{line}` for records, `p…` for points.
"""
from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import orjson
from sqlalchemy import ColumnElement, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from sra_sdk.lines.level import NUMBER, WARNING
from sra_server.domain.record import Point, Record

from .schema import points as points_table
from .schema import records as records_table

#: Detection reads the text of records from this level on.
LOUD = NUMBER[WARNING]
#: Lines picked by one statement: with many more, PostgreSQL goes through all rows instead.
_PAIRS_AT_ONCE = 128
#: Where one line in so many is loud, a batch is read by its level.
_MUCH = 8


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


class Loud(NamedTuple):
    """Which lines of a batch detection reads, of how many."""

    day: int
    ticket: int
    lines: Sequence[int]
    records: int


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


async def load_records(conn: AsyncConnection, account_id: str, batches: Sequence[Loud],
                       ) -> dict[tuple[int, int], list[Record]]:
    """Return the loud records of batches, by day and ticket, in order.

    The few of a batch are picked by their numbers; where much is loud the whole batch is gone through.
    """
    table = records_table.c
    found: dict[tuple[int, int], list[Record]] = {}
    for day in sorted({each.day for each in batches}):
        today = [each for each in batches if each.day == day and each.lines]
        whole = [each.ticket for each in today if len(each.lines) * _MUCH >= each.records]
        few = [(each.ticket, line) for each in today if len(each.lines) * _MUCH < each.records
               for line in each.lines]
        picks: list[ColumnElement[bool]] = [
            tuple_(table.ticket, table.line).in_(_padded(few[start:start + _PAIRS_AT_ONCE]))
            for start in range(0, len(few), _PAIRS_AT_ONCE)]
        if whole:
            picks.append(table.ticket.in_(_padded(whole)) & (table.level >= LOUD))
        for pick in picks:
            rows = await conn.execute(
                select(table.ticket, table.line, table.at, table.level, table.message, table.service,
                       table.host, table.source, table.metadata)
                .where(table.account_id == account_id, table.day == day, pick)
                .order_by(table.ticket, table.line))
            for row in rows:
                found.setdefault((day, row.ticket), []).append(_record(day, row))
    return found


def _padded(values: list[Any]) -> list[Any]:
    """Return the values with the last one repeated, so that statements come in few lengths."""
    return values + values[-1:] * ((1 << (len(values) - 1).bit_length()) - len(values))


def _record(day: int, row: Any) -> Record:
    metadata = json.loads(row.metadata) if row.metadata else {}
    number = metadata.get("line")
    return Record(
        id=record_id(day, row.ticket, row.line), at=row.at, level=row.level, message=row.message,
        service=row.service, host=row.host, source=row.source or "", metadata=metadata,
        line=number if type(number) is int and 0 < number < 2**31 else None)


async def load_points(conn: AsyncConnection, account_id: str,
                      batches: Sequence[tuple[int, int]]) -> dict[tuple[int, int], list[Point]]:
    """Return the points of batches, by day and ticket, in order."""
    table = points_table.c
    found: dict[tuple[int, int], list[Point]] = {}
    for day in sorted({day for day, _ in batches}):
        rows = await conn.execute(
            select(table.ticket, table.line, table.at, table.name, table.value, table.service, table.host,
                   table.tags)
            .where(table.account_id == account_id, table.day == day,
                   table.ticket.in_(_padded([ticket for of, ticket in batches if of == day])))
            .order_by(table.ticket, table.line))
        for row in rows:
            found.setdefault((day, row.ticket), []).append(Point(
                id=f"p{day}-{row.ticket}-{row.line}", at=row.at, name=row.name, value=row.value,
                service=row.service, host=row.host, tags=_tags(row.tags)))
    return found


def _tags(text: str | None) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((name, str(value)) for name, value in json.loads(text).items())) if text else ()
