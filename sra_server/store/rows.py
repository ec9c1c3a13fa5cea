"""Records and points as rows: write those of a batch, load those that detection reads. From batches.

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


_KEY_COLUMNS = ("account_id", "day", "ticket", "line")
_RECORD_COLUMNS = (*_KEY_COLUMNS, "received_at", *NewRecord._fields)
_POINT_COLUMNS = (*_KEY_COLUMNS, *NewPoint._fields)


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


async def write_records(conn: AsyncConnection, account_id: str, day: int, ticket: int, received_at: int,
                        records: Sequence[NewRecord]) -> None:
    """Insert records; their line is their place in the batch."""
    await _write(conn, "records", _RECORD_COLUMNS, [
        (account_id, day, ticket, line, received_at, *record) for line, record in enumerate(records)])


async def write_points(conn: AsyncConnection, account_id: str, day: int, ticket: int,
                       points: Sequence[NewPoint]) -> None:
    """Insert points; their line is their place in the batch."""
    await _write(conn, "points", _POINT_COLUMNS, [
        (account_id, day, ticket, line, *point) for line, point in enumerate(points)])


async def _write(conn: AsyncConnection, table: str, columns: tuple[str, ...],
                 rows: list[tuple[Any, ...]]) -> None:
    """Hand the rows to the driver as they are: COPY on PostgreSQL, one prepared INSERT on SQLite.

    SQLAlchemy's own way costs five times as much for each row.
    """
    if not rows:
        return
    if conn.dialect.name == "postgresql":
        driver = (await conn.get_raw_connection()).driver_connection
        assert driver is not None
        await driver.copy_records_to_table(table, records=rows, columns=columns)
    else:
        names, marks = ", ".join(columns), ", ".join("?" * len(columns))
        await conn.exec_driver_sql(f"INSERT INTO {table} ({names}) VALUES ({marks})", rows)  # noqa: S608


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
