"""Committed batches: append what arrived, load what detection has not seen. From api.ingest; to worker.

Decision 1: a sealed batch is stored once, in one transaction with its number and digest, and answered
after the commit. Decision 2: `heads.head` counts an account's commits without gaps and in commit order.
The transaction is a group's (see `group`); this module says what a batch is and what it became.

Rows are keyed by a *ticket*. On PostgreSQL it comes from a sequence, so that batches write side by side
and only the last statements hold the account's head. On SQLite the ticket is the head itself: there is
one writer, so the head is known first and cannot come out of order.
"""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from sra_server.domain import record as domain

from . import Store
from .parcel import Appended, Parcel, Seal, tally
from .rows import Loud, NewPoint, NewRecord, load_points, load_records
from .schema import batches, source_ends

__all__ = ["Appended", "NewPoint", "NewRecord", "Seal", "after", "append", "ends"]


async def append(store: Store, account_id: str, *, records: Sequence[NewRecord] = (),
                 points: Sequence[NewPoint] = (), received_at: int, seal: Seal | None = None,
                 host: str | None = None, ends: Mapping[str, Mapping[str, Any]] | None = None,
                 dropped: Mapping[str, int] | None = None, size: int = 0) -> Appended:
    """Store a batch and return after the commit; a sealed one that was stored before is not stored again.

    `size` is the bytes that came. Raises Refused (sequence_reused) when the producer gave this number to
    other bytes; TooMuch or Unavailable (overloaded) when too much waits already.
    """
    if seal is None and not records and not points and not ends:
        return Appended(head=0)
    done = await store.group.add(Parcel(
        account_id=account_id, received_at=received_at, records=records, points=points, seal=seal, host=host,
        ends=ends or {}, dropped=dropped or {}, tally=tally(records), size=size))
    if not done.duplicate:
        store.wakeups.notify("batches")
    return done


async def after(conn: AsyncConnection, account_id: str, cursor: int, limit: int) -> list[domain.Batch]:
    """Return up to `limit` batches after head `cursor`, in commit order, with what detection reads."""
    query = (select(batches).where(batches.c.account_id == account_id, batches.c.head > cursor)
             .order_by(batches.c.head).limit(limit))
    rows = (await conn.execute(query)).all()
    records = await load_records(conn, account_id, [
        Loud(row.day, row.ticket, row.loud, row.records) for row in rows])
    points = await load_points(conn, account_id, [(row.day, row.ticket) for row in rows if row.points])
    return [domain.Batch(
        account_id=account_id, head=row.head, received_at=row.received_at,
        records=tuple(records.get((row.day, row.ticket), ())),
        points=tuple(points.get((row.day, row.ticket), ())),
        counts=tuple(map(domain.Count._make, row.counts))) for row in rows]


async def ends(conn: AsyncConnection, account_id: str, host: str) -> dict[str, dict[str, Any]]:
    """Return the latest end position of each source of a host."""
    rows = await conn.execute(select(source_ends.c.source, source_ends.c.position).where(
        source_ends.c.account_id == account_id, source_ends.c.host == host))
    return {row.source: row.position for row in rows}
