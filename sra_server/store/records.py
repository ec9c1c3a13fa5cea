"""Search stored records, newest first. From api.logs; reads inside the reader's time limit.

Rows are walked backwards along their key (receipt day, ticket, line), so a page costs what it returns
where many match, and the walk has a floor where few do: the day before `since`, as a record is received
after it happened (but for a skewed clock), else RECENT_DAYS.
"""
from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, func, literal, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from .rows import record_id
from .schema import records

DAY = 86_400_000_000
#: How far back a search without `since` looks, in days of receipt.
RECENT_DAYS = 30

Key = tuple[int, int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """What to look for; an unset part accepts everything. `level` is the lowest that is shown."""

    service: str | None = None
    host: str | None = None
    level: int | None = None
    text: str | None = None
    since: int | None = None
    until: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A stored record and its key, from which a search continues."""

    key: Key
    at: int
    received_at: int
    level: int
    message: str
    service: str
    host: str
    source: str | None = None
    trace_id: str | None = None
    metadata: dict[str, Any] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """The id by which evidence cites the record."""
        return record_id(*self.key)


async def search(conn: AsyncConnection, account_id: str, wanted: Filter, *, limit: int, now: int,
                 before: Key | None = None) -> list[Found]:
    """Return up to `limit` records received before the one with key `before`, newest first."""
    table = records.c
    conditions = [table.account_id == account_id, table.day >= _floor(wanted, now),
                  *_conditions(wanted, folding=conn.dialect.name == "sqlite")]
    if before is not None:
        conditions.append(tuple_(table.day, table.ticket, table.line) < tuple_(*map(literal, before)))
    rows = await conn.execute(
        select(records).where(*conditions)
        .order_by(table.day.desc(), table.ticket.desc(), table.line.desc()).limit(limit))
    return [Found(
        key=(row.day, row.ticket, row.line), at=row.at, received_at=row.received_at, level=row.level,
        message=row.message, service=row.service, host=row.host, source=row.source, trace_id=row.trace_id,
        metadata=json.loads(row.metadata) if row.metadata else {}) for row in rows]


def _floor(wanted: Filter, now: int) -> int:
    return wanted.since // DAY - 1 if wanted.since is not None else now // DAY - RECENT_DAYS


def _conditions(wanted: Filter, *, folding: bool) -> list[ColumnElement[bool]]:
    table = records.c
    found: list[ColumnElement[bool]] = []
    if wanted.service is not None:
        found.append(table.service == wanted.service)
    if wanted.host is not None:
        found.append(table.host == wanted.host)
    if wanted.level is not None:
        found.append(table.level >= wanted.level)
    if wanted.since is not None:
        found.append(table.at >= wanted.since)
    if wanted.until is not None:
        found.append(table.at <= wanted.until)
    if wanted.text:
        found.append(_contains(wanted.text, folding=folding))
    return found


def _contains(text: str, *, folding: bool) -> ColumnElement[bool]:
    """Match a substring in any case. SQLite's LIKE folds ASCII only; other text goes through Python."""
    if folding and not text.isascii():
        return or_(func.contains_lower(records.c.message, text.lower()) == 1)
    return records.c.message.icontains(text, autoescape=True)
