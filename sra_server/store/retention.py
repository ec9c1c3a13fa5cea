"""Let old data go: records and points by age and size, then what refers to them. From upkeep and the CLI.

PostgreSQL drops whole day partitions. SQLite deletes in slices, each a short transaction of its own that
urgent writers and ingest pass between. Batches that detection has not folded stay, and so does the last
batch of each producer: its digest answers a late repetition. The size takes what detection has not read only
when all else that may go is gone, and then counts it.
"""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from asyncpg import Connection
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from sra_server.crash import crashpoint

from . import Store, partitions
from .parcel import DAY
from .schema import metadata

#: Rows of one slice: some ten milliseconds of the writer.
SLICE = 2_000
#: Incidents of one slice; each takes its evidence, analyses, events and remedies along.
INCIDENTS = 50
#: Batches of producers that were silent for so long need no protection against repetition any more.
PRODUCER_DAYS = 90
#: Without a limit of its own the database may grow to this part of what the disk could give it,
DISK_PART = 0.6
#: and a PostgreSQL, whose disk we do not see, to this: half of a small one;
POSTGRESQL_BYTES = 10 * 1024**3
#: but a database below this is left alone: what fills the disk is something else.
LEAST_BYTES = 64 * 1024 * 1024
#: What the size takes away goes down to this part of the limit, so that it does not cut each time.
CUT_TO = 0.9


_ENDED = "status IN ('closed', 'resolved') AND coalesce(closed_at, resolved_at, updated_at) < :at"
_OLD = {table: f"SELECT count(*) FROM {table} WHERE day < :day" for table in partitions.TABLES}  # noqa: S608
_OLD_BATCHES = "SELECT count(*) FROM batches WHERE day < :day"
_COUNT_ENDED = f"SELECT count(*) FROM incidents WHERE {_ENDED}"  # noqa: S608
_FIND_ENDED = f"SELECT account_id, id FROM incidents WHERE {_ENDED} ORDER BY account_id, id"  # noqa: S608
_END = f"DELETE FROM incidents WHERE account_id = :account AND id = :id AND {_ENDED}"  # noqa: S608
_ACCOUNTS = "SELECT account_id FROM heads ORDER BY account_id"
#: Whether detection has read a row; on SQLite its ticket is its batch's head.
_READ = "ticket <= (SELECT cursor FROM heads WHERE account_id = {account})"
_SLICE = {(table, read): (
    f"DELETE FROM {table} WHERE (account_id, day, ticket, line) IN "  # noqa: S608
    f"(SELECT account_id, day, ticket, line FROM {table} WHERE account_id = :account AND day < :day "
    f"{'AND ' + _READ.format(account=':account') if read else ''} "
    f"ORDER BY account_id, day, ticket, line LIMIT {SLICE})")
    for table in partitions.TABLES for read in (True, False)}
_DAYS = {read: " UNION ALL ".join(
    f"SELECT (SELECT min(day) FROM {table} t WHERE t.account_id = h.account_id "  # noqa: S608
    f"{'AND t.ticket <= h.cursor' if read else ''}) AS day FROM heads h"
    for table in partitions.TABLES) for read in (True, False)}
_OLDEST = {read: f"SELECT min(day) FROM ({days}) AS days" for read, days in _DAYS.items()}  # noqa: S608
#: The rows of each day that detection has yet to read.
_UNREAD = """SELECT b.day, sum(b.records)::bigint AS records, sum(b.points)::bigint AS points
    FROM heads h JOIN batches b ON b.account_id = h.account_id AND b.head > h.cursor GROUP BY b.day"""
#: What our own tables take; others may share the database.
_OURS = f"""SELECT coalesce(sum(pg_total_relation_size(oid)), 0)::bigint FROM pg_class
    WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace
    AND (relname IN ({', '.join(f"'{name}'" for name in metadata.tables)})
         OR relname ~ '^({'|'.join(partitions.TABLES)})_([0-9]{{8}}|before)$')"""  # noqa: S608
_BATCHES = f"""DELETE FROM batches WHERE account_id = :account AND head IN (
    SELECT b.head FROM batches b WHERE b.account_id = :account AND b.day < :day
    AND b.head <= (SELECT h.cursor FROM heads h WHERE h.account_id = :account)
    AND NOT EXISTS (SELECT 1 FROM producers p WHERE p.account_id = :account
                    AND p.producer = b.producer AND p.last_sequence = b.sequence)
    ORDER BY b.head LIMIT {SLICE})"""  # noqa: S608
_PRODUCERS = "DELETE FROM producers WHERE account_id = :account AND updated_at < :before"


@dataclass(frozen=True, slots=True, kw_only=True)
class Keep:
    """How long things are kept, in days, and how large the database may be; 0 bytes: see `limit`."""

    days: int = 30
    metrics_days: int = 30
    incidents_days: int = 365
    bytes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What the database holds and what of it is to go. Rows of PostgreSQL are its own estimates."""

    bytes: int
    limit: int
    records: int = 0
    points: int = 0
    batches: int = 0
    incidents: int = 0
    partitions: tuple[str, ...] = ()


@dataclass(slots=True, kw_only=True)
class Swept:
    """What was deleted, by kind; partitions by name; and the records and points that detection never read."""

    rows: dict[str, int] = field(default_factory=dict)
    partitions: list[str] = field(default_factory=list)
    unread: int = 0

    def add(self, kind: str, n: int) -> None:
        """Count some deleted rows."""
        if n:
            self.rows[kind] = self.rows.get(kind, 0) + n


def limit(keep: Keep, used: int, file: Path | None) -> int:
    """Return how large the database may be: as set, else what a disk that we see allows, else a fixed one."""
    if keep.bytes:
        return keep.bytes
    if file is None:
        return POSTGRESQL_BYTES
    return max(LEAST_BYTES, int((used + shutil.disk_usage(file.parent).free) * DISK_PART))


async def look(store: Store, keep: Keep, now: int) -> Found:
    """Return what a sweep would find to delete by age, and the size beside its limit."""
    async with store.reading() as conn:
        used = await _used(conn)
        old = {"records": now // DAY - keep.days, "points": now // DAY - keep.metrics_days}
        found = Found(
            bytes=used,
            limit=limit(keep, used, store.file),
            incidents=await _count(conn, _COUNT_ENDED, at=_incidents_before(keep, now)),
            batches=await _count(conn, _OLD_BATCHES, day=min(old.values())),
        )
        if store.dialect == "sqlite":
            return replace(found, records=await _count(conn, _OLD["records"], day=old["records"]),
                           points=await _count(conn, _OLD["points"], day=old["points"]))
        driver: Any = (await conn.get_raw_connection()).driver_connection
        gone = [one for one in await partitions.found(driver) if one.end <= old[one.table]]
        return replace(
            found,
            partitions=tuple(one.name for one in gone),
            records=sum(one.rows for one in gone if one.table == "records"),
            points=sum(one.rows for one in gone if one.table == "points"),
        )


async def sweep(store: Store, keep: Keep, now: int) -> Swept:
    """Delete what is older than `keep` says, then what is too much."""
    swept = Swept()
    old = {"records": now // DAY - keep.days, "points": now // DAY - keep.metrics_days}
    if store.dialect == "sqlite":
        for table, day in old.items():
            await _slices(store, table, day, swept)
        await _shrink(store, keep, swept, now)
    else:
        async with driving(store) as driver:
            await _drop(driver, keep, old, swept)
    await _forget_batches(store, min(old.values()), now, swept)
    await _forget_incidents(store, _incidents_before(keep, now), swept)
    return swept


@asynccontextmanager
async def driving(store: Store) -> AsyncIterator[Connection[Any]]:
    """Give PostgreSQL's own connection, outside a transaction."""
    async with store.connected() as conn:
        driver: Any = (await conn.get_raw_connection()).driver_connection
        yield driver


async def _drop(driver: Connection[Any], keep: Keep, old: dict[str, int], swept: Swept) -> None:
    left = []
    for one in await partitions.found(driver):
        if one.end <= old[one.table]:
            await partitions.drop(driver, one)
            swept.partitions.append(one.name)
        else:
            left.append(one)
    used = int(await driver.fetchval(_OURS))
    most = limit(keep, used, None)
    if used <= most:
        return
    newest = max((one.end for one in left if one.bytes and one.rows), default=0)
    days = await driver.fetch(_UNREAD)
    unread = {one: sum(row[one.table] for row in days if one.holds(row["day"])) for one in left}
    for one in sorted((one for one in left if one.end < newest), key=lambda one: unread[one] > 0):
        # what is unread goes only as far as it must
        if used > most * (1.0 if unread[one] else CUT_TO):
            await partitions.drop(driver, one)
            swept.partitions.append(one.name)
            swept.unread += unread[one]
            used -= one.bytes


async def _slices(store: Store, table: str, day: int, swept: Swept, *, read: bool = False,
                  most: int | None = None) -> int:
    """Delete a table's rows of days before `day`, account by account; return how many.

    `read`: only those that detection has read.
    """
    deleted = 0
    for account in await _accounts(store):
        n = SLICE
        while n == SLICE and (most is None or deleted < most):
            n = await _delete(store, _SLICE[table, read], account=account, day=day)
            deleted += n
            swept.add(table, n)
    return deleted


async def _accounts(store: Store) -> list[str]:
    async with store.reading() as conn:
        return list((await conn.execute(text(_ACCOUNTS))).scalars())


async def _delete(store: Store, statement: str, **values: Any) -> int:
    """Run one short transaction; return how many rows it deleted."""
    async with store.writing() as conn:
        deleted = (await conn.execute(text(statement), values)).rowcount
    crashpoint("retention.deleted")
    return deleted


async def _shrink(store: Store, keep: Keep, swept: Swept, now: int) -> None:
    """Delete day by day, the oldest first, until the pages in use are below the limit."""
    async with store.reading() as conn:
        used = await _used(conn)
        most = limit(keep, used, store.file)
    if used <= most:
        return
    used = await _cut(store, used, int(most * CUT_TO), swept, now, read=True)
    before = sum(swept.rows.values())
    await _cut(store, used, most, swept, now, read=False)
    swept.unread += sum(swept.rows.values()) - before


async def _cut(store: Store, used: int, most: int, swept: Swept, now: int, *, read: bool) -> int:
    while used > most:
        async with store.reading() as conn:
            oldest = await conn.scalar(text(_OLDEST[read]))
        if oldest is None:
            break
        # the last day goes piece by piece, and so does what is unread: what is left of it is the newest
        piece = 10 * SLICE if oldest >= now // DAY else None if read else SLICE
        gone = [await _slices(store, table, int(oldest) + 1, swept, read=read, most=piece)
                for table in ("records", "points")]
        async with store.reading() as conn:
            used = await _used(conn)
        if not any(gone):
            break
    return used


async def _forget_batches(store: Store, day: int, now: int, swept: Swept) -> None:
    """Delete the lines of old batches; then producers of whom nothing was heard for long."""
    for account in await _accounts(store):
        n = SLICE
        while n == SLICE:
            n = await _delete(store, _BATCHES, account=account, day=day)
            swept.add("batches", n)
        swept.add("producers", await _delete(store, _PRODUCERS, account=account,
                                             before=now - PRODUCER_DAYS * DAY))


async def _forget_incidents(store: Store, before: int, swept: Swept) -> None:
    async with store.reading() as conn:
        rows = (await conn.execute(text(_FIND_ENDED), {"at": before})).all()
    for start in range(0, len(rows), INCIDENTS):
        async with store.writing() as conn:
            for row in rows[start:start + INCIDENTS]:  # reopened meanwhile: it stays
                gone = await conn.execute(text(_END), {"account": row.account_id, "id": row.id, "at": before})
                swept.add("incidents", gone.rowcount)
        crashpoint("retention.ended")


def _incidents_before(keep: Keep, now: int) -> int:
    return now - keep.incidents_days * DAY


async def _count(conn: AsyncConnection, query: str, **values: int) -> int:
    return int(await conn.scalar(text(query), values) or 0)


async def _used(conn: AsyncConnection) -> int:
    """Return the bytes of our tables; free pages inside SQLite's file do not count: they are used again."""
    if conn.dialect.name == "postgresql":
        return int(await conn.scalar(text(_OURS)) or 0)
    pages, free, size = [
        int(await conn.scalar(text(f"PRAGMA {name}")) or 0)
        for name in ("page_count", "freelist_count", "page_size")
    ]
    return (pages - free) * size
