"""Which accounts this worker may detect for. From worker; to store.leases.

On PostgreSQL many workers may run. Each takes an account's lease, renews it while a step lasts, and proves
in every writing transaction that it still holds it; a worker that was away for too long finds that it
does not, and what it made is thrown away. On SQLite one process owns the folder, and nothing is asked.
"""
from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import AsyncConnection

from sra_sdk.errors import SraError

from .crash import crashpoint
from .domain.record import SECOND
from .store import Store, leases
from .store.incidents import Stale

log = logging.getLogger(__name__)

#: A dead worker's accounts are anyone's after this.
LEASE = 4.0
#: What is left of a lease when it is renewed, at most; a running step renews this often.
RENEW = LEASE / 3
#: An account that another worker has is asked for this often.
ASK = 0.5
_REMEMBERED = 20_000
#: Leases kept in mind; one that is forgotten runs out, or is won again under a new name once it has.
_HELD = 10_000


class Tenancy:
    """The leases of one worker; each time an account is won, its owner gets a new name."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._me = secrets.token_hex(8)
        self._won = 0
        #: account → owner's name, until (monotonic)
        self._held: OrderedDict[str, tuple[str, float]] = OrderedDict()
        self._refused: OrderedDict[str, float] = OrderedDict()  # account → when to ask again
        #: Times that the work of a step was thrown away because the lease was lost.
        self.lost = 0

    async def enter(self, account_id: str) -> bool:
        """Say whether this worker may work for the account now."""
        if self._store.dialect == "sqlite":
            return True
        now = time.monotonic()
        owner, until = self._held.get(account_id, ("", 0.0))
        if until - now > LEASE - RENEW:
            return True
        if self._refused.get(account_id, 0.0) > now:
            return False
        if owner and await self._take(account_id, owner):
            return True
        self._held.pop(account_id, None)
        self._won += 1
        if await self._take(account_id, f"{self._me}-{self._won}"):
            self._refused.pop(account_id, None)
            return True
        self._refused[account_id] = now + ASK
        self._refused.move_to_end(account_id)
        while len(self._refused) > _REMEMBERED:
            self._refused.popitem(last=False)
        return False

    async def _take(self, account_id: str, owner: str) -> bool:
        until = time.monotonic() + LEASE
        async with self._store.writing(urgent=True) as conn:
            now = await leases.clock(conn)
            taken = await leases.take(conn, account_id, owner, now=now, until=now + int(LEASE * SECOND))
        crashpoint("lease.taken")
        if taken:
            self._held[account_id] = (owner, until)
            self._held.move_to_end(account_id)
            while len(self._held) > _HELD:
                self._held.popitem(last=False)
        return taken

    @asynccontextmanager
    async def kept(self, account_id: str) -> AsyncIterator[None]:
        """Renew the lease while the block runs, should it run for long."""
        done = asyncio.Event()
        tasks: list[asyncio.Task[None]] = []
        loop = asyncio.get_running_loop()
        timer = loop.call_later(
            RENEW, lambda: tasks.append(loop.create_task(self._renew(account_id, done))))
        try:
            yield
        finally:
            timer.cancel()
            done.set()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _renew(self, account_id: str, done: asyncio.Event) -> None:
        while not done.is_set() and account_id in self._held and self._store.dialect != "sqlite":
            try:
                # refused: lost, or just being committed under; the fence tells which
                await self._take(account_id, self._held[account_id][0])
            except SraError as error:
                log.warning("the lease of account %s was not renewed: %s", account_id, error.message)
            try:
                async with asyncio.timeout(RENEW):
                    await done.wait()
            except TimeoutError:
                continue

    async def fence(self, conn: AsyncConnection, account_id: str) -> None:
        """Hold the lease to the end of this transaction, or raise Stale: somebody else works here now."""
        if self._store.dialect == "sqlite":
            return
        owner = self._held.get(account_id, ("", 0.0))[0]
        if not await leases.owned(conn, account_id, owner):
            self._held.pop(account_id, None)
            self.lost += 1
            raise Stale("the lease was lost")

    def holds(self, account_id: str) -> bool:
        """Say whether the lease was not found lost."""
        return self._store.dialect == "sqlite" or account_id in self._held

    async def leave(self) -> None:
        """Give all leases back, so that others need not wait for their end."""
        for account_id, (owner, _) in list(self._held.items()):
            del self._held[account_id]
            async with self._store.writing(urgent=True) as conn:
                await leases.release(conn, account_id, owner)
            crashpoint("lease.released")
