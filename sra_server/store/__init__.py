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
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from pathlib import Path
from typing import Literal

from sqlalchemy.ext.asyncio import AsyncConnection

from sra_sdk.errors import BadInput
from sra_server.crash import crashpoint

from . import commit_postgresql, commit_sqlite, durability, engine
from .folder import FolderLock, make_private
from .group import Group, Outcome
from .known import KnownKeys
from .listener import Listener
from .migrations import migrate
from .parcel import Parcel
from .trouble import explained, let_in
from .turn import Turn
from .wakeups import Wakeups

#: PostgreSQL's classes: connection, login, database, resources, operator, system.
_TROUBLES = ("08", "28", "3D", "53", "57", "58")


class Store:
    """The one way to the database; `reading` and `writing` give connections for one transaction."""

    dialect: Literal["sqlite", "postgresql"]
    #: Where batches wait for the transaction that they share.
    group: Group

    def __init__(self, engines: engine.Engines, file: Path | None, lock: FolderLock | None) -> None:
        self.wakeups = Wakeups()
        self.known_keys = KnownKeys()
        self._engines = engines
        self._lock = lock
        self._turn = Turn() if file is not None else None
        #: SQLite's file; None on PostgreSQL.
        self.file = file
        self._ingest: commit_sqlite.Writer | commit_postgresql.Writer
        if file is not None:
            self.dialect, self._ingest = "sqlite", commit_sqlite.Writer(file)
            self.group = Group(self._write_sqlite, writers=1)
        else:
            self.dialect, self._ingest = "postgresql", commit_postgresql.Writer(engines.writer)
            self.group = Group(self._write_postgresql, writers=engine.GROUPS)
        #: PostgreSQL alone has one: many servers may share it.
        self.listener: Listener | None = None
        self._listening: asyncio.Task[None] | None = None

    @classmethod
    async def open(cls, url: str, *, read_seconds: float = engine.READ_SECONDS,
                   look_only: bool = False) -> Store:
        """Open the database and bring its schema to this version's; refuse a folder in use.

        `look_only` does neither: it is for reading beside a server.
        """
        parsed = engine.parse(url)
        file = engine.file_of(parsed)
        if look_only:
            if file is not None and not file.exists():
                raise BadInput(f"there is no database at {file}",
                               hint="name the server's --data-dir or --database-url")
            return cls(engine.open_engines(parsed, read_seconds=read_seconds), file, None)
        lock = FolderLock(file) if file is not None else None
        try:
            if file is not None:
                make_private(file)
            with explained(), let_in(parsed):
                await asyncio.to_thread(migrate, parsed)
        except BaseException:
            if lock is not None:
                lock.release()
            raise
        store = cls(engine.open_engines(parsed, read_seconds=read_seconds), file, lock)
        if lock is None:
            async with store.reading() as conn:
                await durability.look(conn)
            store._listen(Listener(parsed, store.wakeups))
        return store

    def _listen(self, listener: Listener) -> None:
        """Let wake-ups reach the other servers of this database, and theirs us."""
        self.listener, self.wakeups.tell = listener, listener.tell
        self._listening = asyncio.create_task(listener.run(), name="listener")

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """Give a connection that sees one state of the database and changes nothing."""
        with explained():
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
            with explained():
                async with self._engines.writer.begin() as conn:
                    yield conn
                    crashpoint("store.commit")
                crashpoint("store.committed")

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[AsyncConnection]:
        """Give a writer's connection outside a transaction, for what PostgreSQL does alone (upkeep)."""
        with explained():
            async with self._engines.writer.connect() as conn:
                yield conn

    async def _write_sqlite(self, take: Callable[[], Sequence[Parcel]]) -> list[Outcome]:
        """Write a group when its turn comes; what arrived until then goes with it."""
        assert self._turn is not None and isinstance(self._ingest, commit_sqlite.Writer)
        async with self._turn.taken():
            with explained():
                return await self._ingest.write(take())

    async def _write_postgresql(self, take: Callable[[], Sequence[Parcel]]) -> list[Outcome]:
        assert isinstance(self._ingest, commit_postgresql.Writer)
        with explained():
            return await self._ingest.write(take)

    async def close(self) -> None:
        """Write what waits, close the connections and give the folder free."""
        self.wakeups.tell = None
        if self.listener is not None and self._listening is not None:
            self.listener.stop()
            await asyncio.wait((self._listening,), timeout=2)
            self._listening.cancel()
            await asyncio.gather(self._listening, return_exceptions=True)
        await self.group.close()
        if isinstance(self._ingest, commit_sqlite.Writer):
            self._ingest.close()
        else:
            await self._ingest.close()
        await self._engines.dispose()
        if self._lock is not None:
            self._lock.release()
