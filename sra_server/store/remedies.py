"""Remedies at rest. From heal, worker and api; every step is a compare-and-swap, so nobody wins twice."""
from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import and_, insert, or_, select, update
from sqlalchemy.engine import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from sra_sdk.errors import NotFound

from ..domain.remedy import FINAL, Remedy
from .incidents import hold, read_cursor, write_cursor
from .schema import remedies

_COLUMNS = tuple(c for c in remedies.columns if c.name != "account_id")
#: What may still be taken back: nothing was handed to a host.
WAITING = frozenset({"proposed", "planned"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which remedies a page holds; empty means all."""

    status: frozenset[str] = frozenset()
    incident_id: str | None = None
    host: str | None = None


def _of(row: RowMapping) -> Remedy:
    return Remedy(**row)


async def create(conn: AsyncConnection, account_id: str, remedy: Remedy) -> None:
    """Store a new remedy."""
    await conn.execute(insert(remedies).values(account_id=account_id, **asdict(remedy)))


async def get(conn: AsyncConnection, account_id: str, remedy_id: str) -> Remedy:
    """Return the remedy, or raise NotFound; the same for a stranger's id as for none."""
    query = select(*_COLUMNS).where(remedies.c.account_id == account_id, remedies.c.id == remedy_id)
    row = (await conn.execute(query)).mappings().first()
    if row is None:
        raise NotFound(f"no remedy has the id {remedy_id[:64]!r}", code="remedy_not_found",
                       hint="GET /remedies lists them")
    return _of(row)


async def page(conn: AsyncConnection, account_id: str, wanted: Filter, *, limit: int,
               cursor: str | None = None) -> tuple[list[Remedy], str | None]:
    """Return remedies, newest first, and the cursor of the next page if there is one."""
    query = select(*_COLUMNS).where(remedies.c.account_id == account_id)
    if wanted.status:
        query = query.where(remedies.c.status.in_(sorted(wanted.status)))
    if wanted.incident_id is not None:
        query = query.where(remedies.c.incident_id == wanted.incident_id)
    if wanted.host is not None:
        query = query.where(remedies.c.host == wanted.host)
    if cursor is not None:
        at, last = read_cursor(cursor)
        query = query.where(or_(remedies.c.created_at < at,
                                and_(remedies.c.created_at == at, remedies.c.id < last)))
    query = query.order_by(remedies.c.created_at.desc(), remedies.c.id.desc()).limit(limit + 1)
    found = [_of(row) for row in (await conn.execute(query)).mappings()]
    more = len(found) > limit
    found = found[:limit]
    return found, write_cursor(found[-1].created_at, found[-1].id) if more and found else None


async def of_incident(conn: AsyncConnection, account_id: str, incident_id: str) -> list[Remedy]:
    """Return the remedies of an incident, oldest first."""
    query = (select(*_COLUMNS).where(remedies.c.account_id == account_id,
                                     remedies.c.incident_id == incident_id)
             .order_by(remedies.c.created_at, remedies.c.id).limit(200))
    return [_of(row) for row in (await conn.execute(query)).mappings()]


async def in_status(conn: AsyncConnection, account_id: str, statuses: Iterable[str], *,
                    host: str | None = None, since: int | None = None) -> list[Remedy]:
    """Return the remedies in these statuses, oldest first."""
    query = select(*_COLUMNS).where(remedies.c.account_id == account_id,
                                    remedies.c.status.in_(sorted(statuses)))
    if host is not None:
        query = query.where(remedies.c.host == host)
    if since is not None:
        query = query.where(remedies.c.updated_at >= since)
    query = query.order_by(remedies.c.created_at, remedies.c.id).limit(500)
    return [_of(row) for row in (await conn.execute(query)).mappings()]


async def accounts_at_work(conn: AsyncConnection, *, since: int) -> list[str]:
    """Return the accounts with a remedy under way, or one that ended at or after `since`."""
    query = select(remedies.c.account_id).where(or_(
        remedies.c.status.in_(("proposed", "planned", "approved", "leased", "executing", "verifying")),
        and_(remedies.c.status.in_(sorted(FINAL)), remedies.c.updated_at >= since))).distinct()
    return list((await conn.execute(query)).scalars())


async def swap(conn: AsyncConnection, account_id: str, before: Remedy, after: Remedy) -> bool:
    """Write `after` only over `before` (same status, token and time); say whether this caller won.

    The incident is locked first: everybody takes the locks in this order.
    """
    if before.incident_id is not None:
        await hold(conn, account_id, before.incident_id)
    values: dict[str, Any] = asdict(after)
    del values["id"]
    done = await conn.execute(
        update(remedies)
        .where(remedies.c.account_id == account_id, remedies.c.id == before.id,
               remedies.c.status == before.status, remedies.c.updated_at == before.updated_at,
               remedies.c.task_token.is_not_distinct_from(before.task_token))
        .values(**values))
    return done.rowcount == 1
