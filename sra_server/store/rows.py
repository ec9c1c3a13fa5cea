"""Records and points as rows: their columns, and those that detection reads. From batches.

A row's id names its key: `r{day}-{ticket}-{line}` for records, `p…` for points.
"""
from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import orjson
from sqlalchemy import (
    ARRAY,
    BigInteger,
    Column,
    ColumnElement,
    Integer,
    Select,
    Table,
    TableValuedAlias,
    and_,
    bindparam,
    func,
    literal_column,
    outerjoin,
    select,
    true,
)
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import TypeEngine

from sra_sdk.lines.level import NUMBER, WARNING
from sra_server.domain.record import Point, Record

from .schema import points as points_table
from .schema import records as records_table

#: Detection reads the text of records from this level on.
LOUD = NUMBER[WARNING]
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
    table = records_table
    columns = [table.c[name] for name in (
        "ticket", "line", "at", "level", "message", "service", "host", "source", "metadata")]
    found: dict[tuple[int, int], list[Record]] = {}
    for day in sorted({each.day for each in batches}):
        today = [each for each in batches if each.day == day and each.lines]
        whole = [each.ticket for each in today if len(each.lines) * _MUCH >= each.records]
        few = [(each.ticket, line) for each in today if len(each.lines) * _MUCH < each.records
               for line in each.lines]
        of_day = and_(table.c.account_id == account_id, table.c.day == day)
        picks = [_lines(conn, table, of_day, columns, few)] if few else []
        if whole:
            picks.append(_tickets(conn, table, of_day & (table.c.level >= LOUD), columns, whole))
        for pick in picks:
            for row in await conn.execute(pick):
                if row.ticket is not None:
                    found.setdefault((day, row.ticket), []).append(_record(day, row))
    return found


def _lines(conn: AsyncConnection, table: Table, of_day: ColumnElement[bool], columns: list[Column[Any]],
           few: list[tuple[int, int]]) -> Select[Any]:
    """Return the statement that reads single lines, by ticket and number, each looked up through the key.

    Given the pairs as a list, both databases read the whole day instead and hold each row against the list:
    SQLite always, PostgreSQL until the day's partition is first analysed.
    """
    if conn.dialect.name == "postgresql":
        tickets, numbers = zip(*few, strict=True)
        wanted = func.unnest(_array(tickets, BigInteger()), _array(numbers, Integer())).table_valued(
            "ticket", "line").render_derived()
        one = of_day & (table.c.ticket == wanted.c.ticket) & (table.c.line == wanted.c.line)
        return _one_by_one(wanted, one, columns)
    pair = func.json_each(json.dumps(few)).table_valued("value").c.value
    one = of_day & (table.c.ticket == _at(pair, 0)) & (table.c.line == _at(pair, 1))
    # an outer join, since SQLite may turn an inner one round; a line that is gone is a row of nulls
    return (select(*columns).select_from(outerjoin(pair.table, table, one))
            .order_by(table.c.ticket, table.c.line))


def _tickets(conn: AsyncConnection, table: Table, which: ColumnElement[bool], columns: list[Column[Any]],
             tickets: list[int]) -> Select[Any]:
    """Return the statement that reads whole batches, by their tickets."""
    if conn.dialect.name == "postgresql":
        wanted = func.unnest(_array(tickets, BigInteger())).table_valued("ticket").render_derived()
        return _one_by_one(wanted, which & (table.c.ticket == wanted.c.ticket), columns)
    return (select(*columns).where(which, table.c.ticket.in_(_padded(tickets)))
            .order_by(table.c.ticket, table.c.line))


def _one_by_one(wanted: TableValuedAlias, which: ColumnElement[bool], columns: list[Column[Any]],
                ) -> Select[Any]:
    """Return PostgreSQL's statement that looks up each by itself; OFFSET 0 forbids it a join."""
    found = select(*columns).where(which).offset(literal_column("0")).lateral("found")
    return (select(*(found.c[column.name] for column in columns)).select_from(wanted).join(found, true())
            .order_by(found.c.ticket, found.c.line))


def _at(pair: ColumnElement[Any], index: int) -> ColumnElement[Any]:
    return func.json_extract(pair, f"$[{index}]")


def _array(values: Sequence[int], kind: TypeEngine[int]) -> ColumnElement[Any]:
    return bindparam(None, values, type_=ARRAY(kind))


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
    table = points_table
    columns = [table.c[name] for name in ("ticket", "line", "at", "name", "value", "service", "host", "tags")]
    found: dict[tuple[int, int], list[Point]] = {}
    for day in sorted({day for day, _ in batches}):
        rows = await conn.execute(_tickets(
            conn, table, and_(table.c.account_id == account_id, table.c.day == day), columns,
            [ticket for of, ticket in batches if of == day]))
        for row in rows:
            found.setdefault((day, row.ticket), []).append(Point(
                id=f"p{day}-{row.ticket}-{row.line}", at=row.at, name=row.name, value=row.value,
                service=row.service, host=row.host, tags=_tags(row.tags)))
    return found


def _tags(text: str | None) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((name, str(value)) for name, value in json.loads(text).items())) if text else ()
