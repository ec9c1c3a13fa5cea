"""Open the engines: one for writing and one for reading, on SQLite or on PostgreSQL. To the Store.

SQLite: WAL with `synchronous=FULL`, so that an acknowledged commit survives a power cut; the writer's
transactions begin with the lock (BEGIN IMMEDIATE), so that none fails half-way for want of it; the
readers are query-only and stop at their time limit. PostgreSQL: the readers' own pool is told the same, and
whoever writes waits for the disk.
"""
from __future__ import annotations

import asyncio
import sqlite3
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import URL, Connection, event, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool
from sqlalchemy.util.concurrency import in_greenlet

from sra_sdk.errors import BadInput

from . import durability

READERS = 8
#: Groups of batches that PostgreSQL is given at a time.
GROUPS = 2
READ_SECONDS = 10.0
BUSY_MS = 5_000
#: PostgreSQL's code for a statement that ran into its time limit.
_QUERY_CANCELED = "57014"
#: How often a running query looks at the clock, in instructions of SQLite's virtual machine.
_PROGRESS_STEPS = 20_000

_PRAGMAS = (f"busy_timeout={BUSY_MS}", "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON",
            "temp_store=MEMORY", "journal_size_limit=67108864")


@dataclass(frozen=True, slots=True, kw_only=True)
class Engines:
    """Where to write and where to read."""

    writer: AsyncEngine
    reader: AsyncEngine

    async def dispose(self) -> None:
        """Close every connection."""
        await self.writer.dispose()
        await self.reader.dispose()


def parse(text: str) -> URL:
    """Return the database's URL with the driver that SRA uses, or raise BadInput."""
    try:
        url = make_url(text)
    except ArgumentError:
        raise BadInput("database_url cannot be read",
                       hint="use sqlite:///path/sra.db or postgresql://user@host/name") from None
    if url.get_backend_name() == "sqlite":
        if not url.database or url.database == ":memory:":
            raise BadInput("database_url: SRA keeps what it is given, so SQLite needs a file",
                           hint="use sqlite:///path/sra.db")
        return url.set(drivername="sqlite+aiosqlite")
    if url.get_backend_name() in ("postgresql", "postgres"):
        return url.set(drivername="postgresql+asyncpg")
    raise BadInput(f"database_url: {url.get_backend_name()} is not supported",
                   hint="use sqlite:///path/sra.db or postgresql://user@host/name")


def file_of(url: URL) -> Path | None:
    """Return the database's file, or None for a server."""
    return Path(str(url.database)) if url.get_backend_name() == "sqlite" else None


def open_engines(url: URL, *, read_seconds: float = READ_SECONDS) -> Engines:
    """Return the engines of `url`; nothing is connected yet."""
    if file_of(url) is None:
        limits = {"default_transaction_read_only": "on", "statement_timeout": str(int(read_seconds * 1000))}
        writer = _postgresql(url, {}, "READ COMMITTED")
        durability.insist(writer)
        return Engines(writer=writer, reader=_postgresql(url, limits, "REPEATABLE READ"))
    writer, reader = (create_async_engine(url, pool_size=size, max_overflow=0, pool_timeout=30,
                                          hide_parameters=True) for size in (1, READERS))
    _prepare_sqlite(writer, begin="BEGIN IMMEDIATE")
    _prepare_sqlite(reader, begin="BEGIN", pragmas=("query_only=ON",))
    _limit_reads(reader, read_seconds)
    return Engines(writer=writer, reader=reader)


def _postgresql(url: URL, settings: dict[str, str], isolation: Literal["READ COMMITTED", "REPEATABLE READ"],
                ) -> AsyncEngine:
    return create_async_engine(
        url, pool_size=10, max_overflow=5, pool_timeout=10, pool_pre_ping=True, isolation_level=isolation,
        hide_parameters=True,  # an error says which statement, never whose words or which secret
        connect_args={"server_settings": {"application_name": "sra", **settings}, "timeout": 10})


def open_single(url: URL) -> AsyncEngine:
    """Return an engine without a pool, for the migrations."""
    engine = create_async_engine(url, poolclass=NullPool, hide_parameters=True)
    if file_of(url) is not None:
        _prepare_sqlite(engine, begin="BEGIN IMMEDIATE")
    else:
        durability.insist(engine)
    return engine


def open_plain(file: Path) -> sqlite3.Connection:
    """Return a connection for ingest, past SQLAlchemy, as durable as the others."""
    conn = sqlite3.connect(file, isolation_level=None, check_same_thread=False, cached_statements=256)
    for pragma in _PRAGMAS:
        conn.execute(f"PRAGMA {pragma}")
    return conn


def _prepare_sqlite(engine: AsyncEngine, *, begin: str, pragmas: tuple[str, ...] = ()) -> None:
    def on_connect(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # SRA begins its transactions itself
        cursor = connection.cursor()
        for pragma in (*_PRAGMAS, *pragmas):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()
        connection.create_function("contains_lower", 2, _contains_lower, deterministic=True)

    def on_begin(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    event.listen(engine.sync_engine, "connect", on_connect)
    event.listen(engine.sync_engine, "begin", on_begin)
    event.listen(engine.sync_engine, "invalidate", _roll_back)


def _roll_back(connection: Any, _record: object, _error: object) -> None:
    """Give the lock back when a transaction is cancelled within a statement, before its connection is closed.

    SQLite keeps a closed connection, and its lock, for as long as somebody holds a cursor with rows to come,
    and whoever has the exception of the cancelled task holds it.
    """
    if in_greenlet():
        with suppress(sqlite3.Error, ValueError):  # it may be broken, which is why it is given up
            connection.run_async(lambda raw: asyncio.shield(raw.rollback()))


def _contains_lower(text: str | None, lower: str) -> bool:
    """Tell whether `text` contains `lower` in any case; SQLite's own LIKE folds only ASCII."""
    return text is not None and lower in text.lower()


def _limit_reads(engine: AsyncEngine, seconds: float) -> None:
    """Let every statement of a reader end with an error after `seconds`."""
    def on_connect(connection: Any, record: Any) -> None:
        record.info["deadline"] = deadline = [0.0]

        def late() -> int:
            return time.monotonic() > deadline[0]

        connection.run_async(lambda raw: raw.set_progress_handler(late, _PROGRESS_STEPS))

    def on_begin(connection: Connection) -> None:
        deadline: list[float] = connection.connection.info["deadline"]
        deadline[0] = time.monotonic() + seconds

    event.listen(engine.sync_engine, "connect", on_connect)
    event.listen(engine.sync_engine, "begin", on_begin, insert=True)


def was_interrupted(error: BaseException | None) -> bool:
    """Tell whether a statement was stopped by its time limit."""
    return ((isinstance(error, sqlite3.OperationalError) and str(error) == "interrupted")
            or getattr(error, "sqlstate", None) == _QUERY_CANCELED)


