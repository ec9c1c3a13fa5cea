"""Whose turn it is to write: one at a time, urgent ones first. From the Store; to its writers.

SQLite has one writer. Waiting here instead of at the file's lock is fair, bounded, and lets an
incident or an approval overtake the ingest that caused it.
"""
from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sra_sdk.errors import Unavailable


class Turn:
    """A lock with two queues; `urgent` waiters go before all others. Bound to one event loop."""

    def __init__(self, *, waiting: int = 512) -> None:
        self._held = False
        self._limit = waiting
        self._urgent: deque[asyncio.Future[None]] = deque()
        self._others: deque[asyncio.Future[None]] = deque()

    @asynccontextmanager
    async def taken(self, *, urgent: bool = False) -> AsyncIterator[None]:
        """Hold the turn; raise Unavailable when too many wait already."""
        await self._take(self._urgent if urgent else self._others)
        try:
            yield
        finally:
            self._pass_on()

    async def _take(self, queue: deque[asyncio.Future[None]]) -> None:
        if not self._held:
            self._held = True
            return
        if len(queue) >= self._limit:
            raise Unavailable("too many writes are waiting", code="unavailable", retry_after=1.0,
                              hint="send again after a second")
        waiter = asyncio.get_running_loop().create_future()
        queue.append(waiter)
        try:
            await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled():
                self._pass_on()  # the turn had just been given to the one that gave up
            else:
                queue.remove(waiter)
            raise

    def _pass_on(self) -> None:
        for queue in (self._urgent, self._others):
            while queue:
                waiter = queue.popleft()
                if not waiter.done():
                    waiter.set_result(None)
                    return
        self._held = False
