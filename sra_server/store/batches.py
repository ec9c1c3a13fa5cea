"""Committed batches: append what arrived, load what detection has not seen. From api.ingest; to worker.

Decision 1: a sealed batch is stored once, in one transaction with its number and digest, and answered
after the commit. Decision 2: `heads.head` counts an account's commits without gaps and in commit order.

Rows are keyed by a *ticket*. On PostgreSQL it comes from a sequence, so that batches write side by side
and only the last statements hold the account's head. On SQLite the ticket is the head itself: there is
one writer, so the head is known first and cannot come out of order.
"""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import JSON, BigInteger, bindparam, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from sra_sdk.errors import Refused
from sra_server.crash import crashpoint
from sra_server.domain import record as domain

from . import Store
from .rows import LOUD, NewPoint, NewRecord, load_points, load_records, write_points, write_records
from .schema import batches, source_ends

__all__ = ["Appended", "NewPoint", "NewRecord", "Seal", "after", "append", "ends"]

DAY = 86_400_000_000
#: Reasons of loss kept of one producer.
_REASONS = 200

# Every ingest runs these, so they are text: both databases read it alike, and building them costs nothing.
_KNOW_PRODUCER = text("""
    INSERT INTO producers (account_id, producer, host, last_sequence, gaps, dropped, updated_at)
    VALUES (:account, :producer, :host, 0, 0, :none, :at)
    ON CONFLICT (account_id, producer) DO UPDATE SET updated_at = excluded.updated_at
    RETURNING last_sequence, dropped""").bindparams(bindparam("none", type_=JSON)).columns(
        last_sequence=BigInteger, dropped=JSON)
_MOVE_PRODUCER = text("""
    UPDATE producers SET last_sequence = :sequence, gaps = gaps + :gap, host = :host, dropped = :dropped
    WHERE account_id = :account AND producer = :producer""").bindparams(bindparam("dropped", type_=JSON))
_SAVE_END = text("""
    INSERT INTO source_ends (account_id, host, source, position, updated_at)
    VALUES (:account, :host, :source, :position, :at)
    ON CONFLICT (account_id, host, source)
    DO UPDATE SET position = excluded.position, updated_at = excluded.updated_at""").bindparams(
        bindparam("position", type_=JSON))
_ADVANCE = text("""
    INSERT INTO heads (account_id, head, cursor, records) VALUES (:account, 1, 0, :stored)
    ON CONFLICT (account_id) DO UPDATE SET head = heads.head + 1, records = heads.records + excluded.records
    RETURNING head""")
_ADD = batches.insert()
_NEXT_TICKET = text("SELECT nextval('tickets')")


@dataclass(frozen=True, slots=True, kw_only=True)
class Seal:
    """What an agent or SDK put on a batch: who, its number (from 1) and the SHA-256 of its bytes."""

    producer: str
    sequence: int
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Appended:
    """What became of a batch. `head` is 0 when there was nothing to store."""

    head: int
    duplicate: bool = False
    gap: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What detection needs of all records without reading them."""

    counts: list[list[Any]]
    loud: list[int]
    min_at: int | None = None
    max_at: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Producer:
    last: int = 0
    dropped: dict[str, int] = field(default_factory=dict)


def tally(records: Sequence[NewRecord]) -> Tally:
    """Count records by minute, service, host and level, and note the lines of WARNING and above."""
    counts: dict[tuple[int, str, str, int], int] = {}
    for record in records:
        key = (record.at - record.at % domain.MINUTE, record.service, record.host, record.level)
        counts[key] = counts.get(key, 0) + 1
    return Tally(
        counts=[[*key, n] for key, n in sorted(counts.items())],
        loud=[line for line, record in enumerate(records) if record.level >= LOUD],
        min_at=min((record.at for record in records), default=None),
        max_at=max((record.at for record in records), default=None))


async def append(store: Store, account_id: str, *, records: Sequence[NewRecord] = (),
                 points: Sequence[NewPoint] = (), received_at: int, seal: Seal | None = None,
                 host: str | None = None, ends: Mapping[str, Mapping[str, Any]] | None = None,
                 dropped: Mapping[str, int] | None = None) -> Appended:
    """Store a batch and return after the commit; a sealed one that was stored before is not stored again.

    Raises Refused (sequence_reused) when the producer gave this number to other bytes.
    """
    if seal is None and not records and not points and not ends:
        return Appended(head=0)
    numbers = tally(records)
    async with store.writing() as conn:
        gap = 0
        if seal is not None:
            producer = await _lock_producer(conn, account_id, seal, host, received_at)
            if seal.sequence <= producer.last:
                return await _answer_repeated(conn, account_id, seal)
            gap = seal.sequence - producer.last - 1
            await _move_producer(conn, account_id, seal, host, gap,
                                 _sum(producer.dropped, dropped or {}))
        crashpoint("ingest.numbered")
        if ends:
            await _save_ends(conn, account_id, host or "", ends, received_at)
        one_writer = store.dialect == "sqlite"
        head = await _advance(conn, account_id, len(records)) if one_writer else 0
        ticket = head if one_writer else await _next_ticket(conn)
        day = received_at // DAY
        await write_records(conn, account_id, day, ticket, received_at, records)
        await write_points(conn, account_id, day, ticket, points)
        crashpoint("ingest.written")
        if not one_writer:
            head = await _advance(conn, account_id, len(records))
        await conn.execute(_ADD, {
            "account_id": account_id, "head": head, "ticket": ticket, "day": day, "received_at": received_at,
            "producer": seal.producer if seal else None, "sequence": seal.sequence if seal else None,
            "digest": seal.digest if seal else None, "min_at": numbers.min_at, "max_at": numbers.max_at,
            "records": len(records), "points": len(points), "counts": numbers.counts, "loud": numbers.loud})
        crashpoint("ingest.commit")
    crashpoint("ingest.committed")
    store.wakeups.notify("batches")
    return Appended(head=head, gap=gap)


async def after(conn: AsyncConnection, account_id: str, cursor: int, limit: int) -> list[domain.Batch]:
    """Return up to `limit` batches after head `cursor`, in commit order, with what detection reads."""
    query = (select(batches).where(batches.c.account_id == account_id, batches.c.head > cursor)
             .order_by(batches.c.head).limit(limit))
    loaded = []
    for row in (await conn.execute(query)).all():
        loaded.append(domain.Batch(
            account_id=account_id, head=row.head, received_at=row.received_at,
            records=await load_records(conn, account_id, row.day, row.ticket, row.loud),
            points=await load_points(conn, account_id, row.day, row.ticket) if row.points else (),
            counts=tuple(domain.Count(minute=minute, service=service, host=host, level=level, n=n)
                         for minute, service, host, level, n in row.counts)))
    return loaded


async def ends(conn: AsyncConnection, account_id: str, host: str) -> dict[str, dict[str, Any]]:
    """Return the latest end position of each source of a host."""
    rows = await conn.execute(select(source_ends.c.source, source_ends.c.position).where(
        source_ends.c.account_id == account_id, source_ends.c.host == host))
    return {row.source: row.position for row in rows}


async def _lock_producer(conn: AsyncConnection, account_id: str, seal: Seal, host: str | None,
                         at: int) -> _Producer:
    """Hold the producer's row to the end of the transaction, so that two sends of one batch queue up."""
    row = (await conn.execute(_KNOW_PRODUCER, {
        "account": account_id, "producer": seal.producer, "host": host, "none": {}, "at": at})).one()
    return _Producer(last=row.last_sequence, dropped=row.dropped)


async def _move_producer(conn: AsyncConnection, account_id: str, seal: Seal, host: str | None, gap: int,
                         dropped: dict[str, int]) -> None:
    await conn.execute(_MOVE_PRODUCER, {
        "account": account_id, "producer": seal.producer, "sequence": seal.sequence, "gap": gap,
        "host": host, "dropped": dropped})


async def _answer_repeated(conn: AsyncConnection, account_id: str, seal: Seal) -> Appended:
    row = (await conn.execute(select(batches.c.head, batches.c.digest).where(
        batches.c.account_id == account_id, batches.c.producer == seal.producer,
        batches.c.sequence == seal.sequence))).first()
    if row is not None and row.digest == seal.digest:
        return Appended(head=row.head, duplicate=True)
    raise Refused(f"producer {seal.producer} has used number {seal.sequence} before, for other bytes",
                  code="sequence_reused", http_status=409,
                  hint="take a new producer id, number from 1 and send again")


async def _save_ends(conn: AsyncConnection, account_id: str, host: str,
                     ends: Mapping[str, Mapping[str, Any]], at: int) -> None:
    await conn.execute(_SAVE_END, [
        {"account": account_id, "host": host, "source": source, "position": dict(position), "at": at}
        for source, position in sorted(ends.items())])


async def _advance(conn: AsyncConnection, account_id: str, stored: int) -> int:
    """Take the account's next head; its row stays locked to the end of the transaction."""
    return int((await conn.execute(_ADVANCE, {"account": account_id, "stored": stored})).scalar_one())


async def _next_ticket(conn: AsyncConnection) -> int:
    return int((await conn.execute(_NEXT_TICKET)).scalar_one())


def _sum(before: Mapping[str, int], more: Mapping[str, int]) -> dict[str, int]:
    """Add losses by reason; the reasons of one producer are bounded, the counts are not."""
    total = dict(before)
    for reason, n in more.items():
        known = reason if reason in total or len(total) < _REASONS else "other"
        total[known] = total.get(known, 0) + n
    return total
