"""Write a group of batches to PostgreSQL: one transaction with COPY, past SQLAlchemy. From group.

Locks are taken in one order by everybody: producers, end positions, then the heads, each sorted, the
heads as the last statements, so that commits of an account are in the order of its heads. Every
statement but COPY names one account, so a distributed database sends it to one place.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import count
from typing import Any

from asyncpg import Connection
from asyncpg.exceptions import CheckViolationError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from sra_sdk.errors import Unavailable
from sra_server.crash import crashpoint

from . import dedup, partitions
from .group import Outcome
from .parcel import Appended, Parcel, point_rows, record_rows
from .rows import POINT_COLUMNS, RECORD_COLUMNS, as_json

#: A database that does not answer for so long is given up; what it had not committed is sent again.
COMMIT_SECONDS = 8.0

_TICKETS = "SELECT nextval('tickets') FROM generate_series(1, $1::int)"
_KNOW = """INSERT INTO producers (account_id, producer, host, last_sequence, gaps, dropped, updated_at)
    VALUES ($1, $2, $3, 0, 0, '{}', $4)
    ON CONFLICT (account_id, producer) DO UPDATE SET updated_at = excluded.updated_at
    RETURNING last_sequence, dropped::text"""
_MOVE = """UPDATE producers SET last_sequence = $3, gaps = gaps + $4, host = $5, dropped = $6::text::json
    WHERE account_id = $1 AND producer = $2"""
_FIND = "SELECT head, digest FROM batches WHERE account_id = $1 AND producer = $2 AND sequence = $3"
_END = """INSERT INTO source_ends (account_id, host, source, position, updated_at)
    VALUES ($1, $2, $3, $4::text::json, $5) ON CONFLICT (account_id, host, source)
    DO UPDATE SET position = excluded.position, updated_at = excluded.updated_at"""
_ADVANCE = """INSERT INTO heads (account_id, head, cursor, records) VALUES ($1, $2, 0, $3)
    ON CONFLICT (account_id)
    DO UPDATE SET head = heads.head + excluded.head, records = heads.records + excluded.records
    RETURNING head"""
_ADD = """INSERT INTO batches (account_id, head, ticket, day, received_at, producer, sequence, digest,
    min_at, max_at, records, points, counts, loud)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13::text::json, $14::text::json)"""


class Writer:
    """Writes groups, several at a time if asked; connections are kept between them."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._idle: list[AsyncConnection] = []
        self._days: set[int] = set()

    async def write(self, take: Callable[[], Sequence[Parcel]]) -> list[Outcome]:
        """Store the group that `take` gives once there is a connection, or nothing of it."""
        try:
            async with asyncio.timeout(COMMIT_SECONDS):
                conn, driver = await self._begun()
        except TimeoutError:
            raise _silent() from None
        parcels, known = take(), frozenset(self._days)
        try:
            async with asyncio.timeout(COMMIT_SECONDS):
                days = {one.day for one in parcels}
                if not days <= known:
                    await partitions.ensure(driver, days)
                outcomes = await _commit(driver, parcels)
                await driver.execute("COMMIT")
                crashpoint("ingest.committed")
                self._days |= days
        except BaseException as error:
            self._days.clear()  # whoever dropped a day's partition, the next group looks again
            await self._undo(conn, driver, error)
            if isinstance(error, CheckViolationError) and known:  # a partition that we knew was dropped
                return await self.write(lambda: parcels)
            if isinstance(error, TimeoutError):
                raise _silent() from None
            raise
        self._idle.append(conn)
        return outcomes

    async def close(self) -> None:
        """Give the connections back."""
        while self._idle:
            await self._idle.pop().close()

    async def _begun(self) -> tuple[AsyncConnection, Connection[Any]]:
        """Return a connection with an open transaction; one that died while idle is replaced."""
        while self._idle:
            conn = self._idle.pop()
            driver: Connection[Any] = await _driver(conn)
            try:
                await driver.execute("BEGIN")
                return conn, driver
            except asyncio.CancelledError:
                await self._drop(conn, driver)
                raise
            except Exception:  # noqa: BLE001 - a fresh connection tells what is wrong
                await self._drop(conn, driver)
        conn = await self._engine.connect()
        driver = await _driver(conn)
        try:
            await driver.execute("BEGIN")
        except BaseException:
            await self._drop(conn, driver)
            raise
        return conn, driver

    async def _undo(self, conn: AsyncConnection, driver: Connection[Any], error: BaseException) -> None:
        """Roll back; where that is not sure, drop the connection."""
        if isinstance(error, Exception) and not isinstance(error, OSError) and not driver.is_closed():
            try:
                async with asyncio.timeout(1.0):
                    await driver.execute("ROLLBACK")
                self._idle.append(conn)
                return
            except Exception:  # noqa: BLE001, S110 - the first error is the one to tell
                pass
        await self._drop(conn, driver)

    async def _drop(self, conn: AsyncConnection, driver: Connection[Any]) -> None:
        driver.terminate()  # at once: a database that hangs would not hear a farewell
        await conn.invalidate()
        await conn.close()


def _silent() -> Unavailable:
    return Unavailable(f"the database has not answered for {COMMIT_SECONDS:.0f} s", retry_after=2.0)


async def _driver(conn: AsyncConnection) -> Connection[Any]:
    return (await conn.get_raw_connection()).driver_connection


async def _commit(driver: Connection[Any], parcels: Sequence[Parcel]) -> list[Outcome]:
    if not parcels:
        return []
    tickets = iter([row[0] for row in await driver.fetch(_TICKETS, len(parcels))])
    fates = await _fates(driver, parcels)
    crashpoint("ingest.numbered")
    new = [(one, next(tickets)) for one, fate in zip(parcels, fates, strict=True) if fate.stored]
    records = [row for one, ticket in new for row in record_rows(one, ticket)]
    if records:
        await driver.copy_records_to_table("records", records=records, columns=RECORD_COLUMNS)
    points = [row for one, ticket in new for row in point_rows(one, ticket)]
    if points:
        await driver.copy_records_to_table("points", records=points, columns=POINT_COLUMNS)
    ends = {
        (one.account_id, one.host or "", source): (as_json(position) or "{}", one.received_at)
        for one, _ in new
        for source, position in one.ends.items()
    }
    if ends:
        await driver.executemany(_END, [(*key, *rest) for key, rest in sorted(ends.items())])
    crashpoint("ingest.written")
    heads = await _advance(driver, [one for one, _ in new])
    if new:
        await driver.executemany(
            _ADD, [_batch(one, ticket, head) for (one, ticket), head in zip(new, heads, strict=True)]
        )
    crashpoint("ingest.commit")
    return _outcomes(fates, heads)


async def _fates(driver: Connection[Any], parcels: Sequence[Parcel]) -> list[dedup.Fate]:
    """Lock the producers and judge; move them at once, nobody sees it before the commit."""
    names = dedup.names(parcels)
    if not names:
        return [dedup.Fate() for _ in parcels]
    rows = await driver.fetchmany(_KNOW, names)
    known = {
        (account, producer): dedup.Producer(last=row[0], dropped=json.loads(row[1]))
        for (account, producer, *_), row in zip(names, rows, strict=True)
    }
    before = {}
    for number in dedup.to_look_up(parcels, known):
        row = await driver.fetchrow(_FIND, *number)
        if row is not None:
            before[number] = (row[0], row[1])
    fates = dedup.judge(parcels, known, before)
    moved = [
        (*name, state.last, state.gaps, state.host, as_json(state.dropped) or "{}")
        for name, state in sorted(known.items())
        if state.moved
    ]
    if moved:
        await driver.executemany(_MOVE, moved)
    return fates


async def _advance(driver: Connection[Any], new: Sequence[Parcel]) -> list[int]:
    """Take the next heads, account by account in sorted order; their rows stay locked to the commit."""
    batches, records = Counter[str](), Counter[str]()
    for one in new:
        batches[one.account_id] += 1
        records[one.account_id] += len(one.records)
    wanted = [(account, n, records[account]) for account, n in sorted(batches.items())]
    rows = await driver.fetchmany(_ADVANCE, wanted) if wanted else []
    following = {account: count(row[0] - n + 1) for (account, n, _), row in zip(wanted, rows, strict=True)}
    return [next(following[one.account_id]) for one in new]


def _batch(one: Parcel, ticket: int, head: int) -> tuple[Any, ...]:
    seal, tally = one.seal, one.tally
    return (
        one.account_id,
        head,
        ticket,
        one.day,
        one.received_at,
        seal.producer if seal else None,
        seal.sequence if seal else None,
        seal.digest if seal else None,
        tally.min_at,
        tally.max_at,
        len(one.records),
        len(one.points),
        tally.counts,
        tally.loud,
    )


def _outcomes(fates: Sequence[dedup.Fate], heads: Sequence[int]) -> list[Outcome]:
    taken, outcomes = iter(heads), list[Outcome]()
    for fate in fates:
        if fate.refused is not None:
            outcomes.append(fate.refused)
        elif fate.stored:
            outcomes.append(Appended(head=next(taken), gap=fate.gap))
        else:
            first = outcomes[fate.like] if fate.like is not None else None
            head = first.head if isinstance(first, Appended) else fate.head
            outcomes.append(Appended(head=head or 0, duplicate=True))
    return outcomes
