"""The store: opens the database, hands out connections, lets one writer in at a time.

From app; to the store's modules, which are plain functions of a connection and an account:

    async with store.reading() as conn:
        found = await incidents.get(conn, account_id, id)
    async with store.writing(urgent=True) as conn:      # one transaction
        await incidents.save(conn, account_id, incident)
    store.wakeups.notify("outbox")                      # after the commit
"""
from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, nullcontext
from typing import Literal

from sqlalchemy import URL
from sqlalchemy.exc import DBAPIError, IntegrityError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection

from sra_sdk.errors import BadInput, Unavailable

from . import engine
from .folder import FolderLock, make_private
from .migrations import migrate
from .turn import Turn
from .wakeups import Wakeups

#: PostgreSQL's classes: connection, login, database, resources, operator, system.
_TROUBLES = ("08", "28", "3D", "53", "57", "58")


class Store:
    """The one way to the database; `reading` and `writing` give connections for one transaction."""

    dialect: Literal["sqlite", "postgresql"]

    def __init__(self, engines: engine.Engines, lock: FolderLock | None) -> None:
        self.dialect = "sqlite" if lock is not None else "postgresql"
        self.wakeups = Wakeups()
        self._engines = engines
        self._lock = lock
        self._turn = Turn() if lock is not None else None

    @classmethod
    async def open(cls, url: str, *, read_seconds: float = engine.READ_SECONDS) -> Store:
        """Open the database and bring its schema to this version's; refuse a folder in use."""
        parsed = engine.parse(url)
        file = engine.file_of(parsed)
        lock = FolderLock(file) if file is not None else None
        try:
            if file is not None:
                make_private(file)
            with _explained(), _let_in(parsed):
                await asyncio.to_thread(migrate, parsed)
        except BaseException:
            if lock is not None:
                lock.release()
            raise
        return cls(engine.open_engines(parsed, read_seconds=read_seconds), lock)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """Give a connection that sees one state of the database and changes nothing."""
        with _explained():
            async with self._engines.reader.connect() as conn:
                yield conn

    @asynccontextmanager
    async def writing(self, *, urgent: bool = False) -> AsyncIterator[AsyncConnection]:
        """Give a connection in one transaction: committed at the end, rolled back on an error.

        On SQLite one writer is let in at a time; `urgent` (incidents, approvals) overtakes ingest.
        """
        turn: AbstractAsyncContextManager[None]
        turn = self._turn.taken(urgent=urgent) if self._turn is not None else nullcontext()
        async with turn:
            with _explained():
                async with self._engines.writer.begin() as conn:
                    yield conn

    async def close(self) -> None:
        """Close the connections and give the folder free."""
        await self._engines.dispose()
        if self._lock is not None:
            self._lock.release()


@contextmanager
def _let_in(url: URL) -> Iterator[None]:
    """Say what is wrong with the URL where PostgreSQL answers and refuses us."""
    try:
        yield
    except Exception as error:
        state = _state(getattr(error, "orig", None) or error)
        if state == "3D000":
            raise BadInput(f"database_url: there is no database {url.database!r} on {url.host}",
                           code="no_database", hint=f"make it first: createdb {url.database}") from error
        if state[:2] == "28":
            raise BadInput(f"database_url: {url.host} does not let {url.username or 'this user'} in",
                           code="database_login", hint="check user and password in database_url") from error
        raise


@contextmanager
def _explained() -> Iterator[None]:
    """Turn the database's own troubles into Unavailable; a broken rule of ours stays what it is."""
    try:
        yield
    except IntegrityError:
        raise
    except PoolTimeout as error:
        raise Unavailable("the database is busy", retry_after=1.0) from error
    except DBAPIError as error:
        if engine.was_interrupted(error.orig):
            raise BadInput("the search took too long and was stopped", code="search_too_long",
                           hint="narrow it: a shorter time range, a service or a host") from error
        if isinstance(error, OperationalError | InterfaceError) or _is_resource_trouble(error):
            raise Unavailable(f"the database cannot be used: {error.orig}", retry_after=2.0) from error
        raise
    except Exception as error:
        if not isinstance(error, OSError) and _state(error)[:2] not in _TROUBLES:
            raise
        # no connection to PostgreSQL; what asyncpg says of that comes unwrapped
        raise Unavailable(f"the database cannot be reached: {error}", retry_after=2.0) from error


def _is_resource_trouble(error: DBAPIError) -> bool:
    """Tell whether PostgreSQL lacks connections, disk, memory, or is starting or stopping."""
    if error.connection_invalidated:
        return True
    return _state(error.orig)[:2] in _TROUBLES


def _state(error: object) -> str:
    """Return PostgreSQL's code of an error, or nothing."""
    return str(getattr(error, "sqlstate", "") or "")
