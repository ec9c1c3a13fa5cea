"""Write a group of batches to SQLite: one transaction, in a thread with its own connection. From group.

There is one writer, so a batch's head is known before its rows and serves as its ticket. Several rows go
into one INSERT: each statement gives Python's lock away and must wait to get it back, which costs a busy
server more than the rows themselves.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

from sra_server.crash import crashpoint

from . import dedup, engine
from .group import Outcome
from .parcel import Appended, Parcel, point_rows, record_rows
from .rows import POINT_COLUMNS, RECORD_COLUMNS, as_json

#: Rows of one INSERT.
_AT_ONCE = 25

_KNOW = """INSERT INTO producers (account_id, producer, host, last_sequence, gaps, dropped, updated_at)
    VALUES (?, ?, ?, 0, 0, '{}', ?)
    ON CONFLICT (account_id, producer) DO UPDATE SET updated_at = excluded.updated_at
    RETURNING last_sequence, dropped"""
_MOVE = """UPDATE producers SET last_sequence = ?, gaps = gaps + ?, host = ?, dropped = ?
    WHERE account_id = ? AND producer = ?"""
_FIND = "SELECT head, digest FROM batches WHERE account_id = ? AND producer = ? AND sequence = ?"
_END = """INSERT INTO source_ends (account_id, host, source, position, updated_at) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (account_id, host, source)
    DO UPDATE SET position = excluded.position, updated_at = excluded.updated_at"""
_ADVANCE = """INSERT INTO heads (account_id, head, cursor, records) VALUES (?, 1, 0, ?)
    ON CONFLICT (account_id) DO UPDATE SET head = heads.head + 1, records = heads.records + excluded.records
    RETURNING head"""
_ADD = """INSERT INTO batches (account_id, head, ticket, day, received_at, producer, sequence, digest,
    min_at, max_at, records, points, counts, loud) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""


class Writer:
    """The thread that writes groups; whoever calls `write` holds the turn."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="ingest")
        self._conn: sqlite3.Connection | None = None

    async def write(self, parcels: Sequence[Parcel]) -> list[Outcome]:
        """Store a group, or nothing of it. Whoever cancels still waits for the transaction's end."""
        return await _to_the_end(
            asyncio.get_running_loop().run_in_executor(self._thread, self._write, parcels)
        )

    def close(self) -> None:
        """End the thread and its connection."""
        self._thread.submit(self._forget).result()
        self._thread.shutdown()

    def _write(self, parcels: Sequence[Parcel]) -> list[Outcome]:
        if self._conn is None:
            self._conn = engine.open_plain(self._file)
        conn = self._conn
        try:
            conn.execute("BEGIN IMMEDIATE")
            outcomes = _commit(conn, parcels)
            crashpoint("ingest.commit")
            conn.execute("COMMIT")
            crashpoint("ingest.committed")
            return outcomes
        except BaseException as error:
            if conn.in_transaction:
                conn.execute("ROLLBACK")
            if isinstance(error, sqlite3.OperationalError):
                self._forget()  # a full or broken disk: begin with a new connection
            raise

    def _forget(self) -> None:
        if self._conn is not None:
            self._conn.close()
            self._conn = None


async def _to_the_end(work: asyncio.Future[list[Outcome]]) -> list[Outcome]:
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        await asyncio.wait([work])
        raise


def _commit(conn: sqlite3.Connection, parcels: Sequence[Parcel]) -> list[Outcome]:
    known: dict[dedup.Name, dedup.Producer] = {}
    for account, producer, host, at in dedup.names(parcels):
        last, dropped = conn.execute(_KNOW, (account, producer, host, at)).fetchall()[0]
        known[account, producer] = dedup.Producer(last=last, dropped=json.loads(dropped))
    before = {number: conn.execute(_FIND, number).fetchone() for number in dedup.to_look_up(parcels, known)}
    fates = dedup.judge(parcels, known, before)
    crashpoint("ingest.numbered")
    outcomes: list[Outcome] = []
    for parcel, fate in zip(parcels, fates, strict=True):
        if fate.refused is not None:
            outcomes.append(fate.refused)
        elif fate.head is not None:
            outcomes.append(Appended(head=fate.head, duplicate=True))
        elif fate.like is not None:
            first = outcomes[fate.like]
            assert isinstance(first, Appended)
            outcomes.append(Appended(head=first.head, duplicate=True))
        else:
            outcomes.append(Appended(head=_store(conn, parcel), gap=fate.gap))
    crashpoint("ingest.written")
    for (account, producer), state in sorted(known.items()):
        if state.moved:
            conn.execute(
                _MOVE, (state.last, state.gaps, state.host, as_json(state.dropped) or "{}", account, producer)
            )
    return outcomes


def _store(conn: sqlite3.Connection, parcel: Parcel) -> int:
    """Write the rows of a batch under the account's next head."""
    account, seal, tally = parcel.account_id, parcel.seal, parcel.tally
    ((head,),) = conn.execute(_ADVANCE, (account, len(parcel.records))).fetchall()
    _insert(conn, "records", RECORD_COLUMNS, record_rows(parcel, head))
    _insert(conn, "points", POINT_COLUMNS, point_rows(parcel, head))
    if parcel.ends:
        conn.executemany(
            _END,
            [
                (
                    account,
                    parcel.host or "",
                    source,
                    as_json(position) or "{}",
                    parcel.received_at,
                )
                for source, position in sorted(parcel.ends.items())
            ],
        )
    conn.execute(
        _ADD,
        (
            account,
            head,
            head,
            parcel.day,
            parcel.received_at,
            seal.producer if seal else None,
            seal.sequence if seal else None,
            seal.digest if seal else None,
            tally.min_at,
            tally.max_at,
            len(parcel.records),
            len(parcel.points),
            tally.counts,
            tally.loud,
        ),
    )
    return int(head)


def _insert(
    conn: sqlite3.Connection, table: str, columns: tuple[str, ...], rows: list[tuple[Any, ...]]
) -> None:
    whole = len(rows) - len(rows) % _AT_ONCE
    if whole:
        conn.executemany(_insert_of(table, columns, _AT_ONCE), _joined(rows, whole))
    if whole < len(rows):
        conn.executemany(_insert_of(table, columns, 1), rows[whole:])


def _joined(rows: list[tuple[Any, ...]], whole: int) -> Iterable[list[Any]]:
    for start in range(0, whole, _AT_ONCE):
        yield [value for row in rows[start : start + _AT_ONCE] for value in row]


@cache
def _insert_of(table: str, columns: tuple[str, ...], n: int) -> str:
    one = f"({', '.join('?' * len(columns))})"
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES {', '.join([one] * n)}"  # noqa: S608
