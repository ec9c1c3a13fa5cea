"""Group commit: batches that arrive while one transaction runs share the next. From batches; to the commits.

An idle database takes a batch at once; a busy one finds what has gathered meanwhile and writes it in
one transaction, bounded by rows and bytes. Each caller is answered after that commit. A batch that the
database refuses would take its neighbours with it, so a group that fails is halved until the culprit
stands alone; when the database itself is in trouble, everybody is told to come back.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from sra_sdk.errors import Refused, SraError, Unavailable

from .parcel import Appended, Parcel

#: What one transaction takes.
GROUP_ROWS = 20_000
GROUP_BYTES = 16 * 1024 * 1024
#: What may wait and be written at a time, altogether and of one account.
QUEUE_BYTES = 128 * 1024 * 1024
ACCOUNT_BYTES = 64 * 1024 * 1024
QUEUE_BATCHES = 4_096

Outcome = Appended | SraError
#: Takes what the writer gives it once it may write; one transaction.
Commit = Callable[[Callable[[], Sequence[Parcel]]], Awaitable[list[Outcome]]]


@dataclass(slots=True, kw_only=True)
class Counters:
    """What the group did, for /metrics, tests and benchmarks."""

    groups: int = 0
    batches: int = 0
    rows: int = 0
    halved: int = 0
    turned_away: int = 0


class Group:
    """The queue before the database; `writers` transactions run at a time. Bound to one event loop."""

    def __init__(
        self,
        commit: Commit,
        *,
        writers: int,
        rows: int = GROUP_ROWS,
        queue_bytes: int = QUEUE_BYTES,
        account_bytes: int = ACCOUNT_BYTES,
    ) -> None:
        self._commit = commit
        self._writers, self._rows = writers, rows
        self._queue_bytes, self._account_bytes = queue_bytes, account_bytes
        self._waiting: deque[tuple[Parcel, asyncio.Future[Appended]]] = deque()
        self._held = 0
        self._of_account: Counter[str] = Counter()
        self._tasks: set[asyncio.Task[None]] = set()
        self._working = 0
        self.counters = Counters()

    def admit(self, account_id: str, size: int = 0) -> None:
        """Raise when this much more may not wait: 429 for an account's own flood, 503 for everybody's."""
        if self._held + size > self._queue_bytes or len(self._waiting) >= QUEUE_BATCHES:
            self.counters.turned_away += 1
            raise Unavailable(
                "more arrives than the database takes",
                code="overloaded",
                retry_after=1.0,
                hint="send the same again after a second",
            )
        if self._of_account[account_id] + size > self._account_bytes:
            self.counters.turned_away += 1
            raise TooMuch("this account sends more than the database takes")

    async def add(self, parcel: Parcel) -> Appended:
        """Store a batch with its neighbours; return after the commit, or raise what became of it."""
        self.admit(parcel.account_id, parcel.weight)
        self._held += parcel.weight
        self._of_account[parcel.account_id] += parcel.weight
        waiter: asyncio.Future[Appended] = asyncio.get_running_loop().create_future()
        waiter.add_done_callback(lambda _: self._let_go(parcel))
        self._waiting.append((parcel, waiter))
        if self._working < self._writers:
            self._working += 1
            task = asyncio.create_task(self._work(), name="group commit")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return await waiter

    async def close(self) -> None:
        """Write what waits, then stop."""
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def _let_go(self, parcel: Parcel) -> None:
        self._held -= parcel.weight
        self._of_account[parcel.account_id] -= parcel.weight
        if not self._of_account[parcel.account_id]:
            del self._of_account[parcel.account_id]

    async def _work(self) -> None:
        """Write group after group until nothing waits."""
        try:
            while self._waiting:
                await self._one()
        finally:
            self._working -= 1

    async def _one(self) -> None:
        taken: list[tuple[Parcel, asyncio.Future[Appended]]] = []

        def take() -> list[Parcel]:
            taken.extend(self._take())
            return [parcel for parcel, _ in taken]

        try:
            outcomes = await self._commit(take)
        except Exception as error:  # noqa: BLE001 - whatever it was, the callers hear it
            await self._failed(taken or self._take(), error)
        else:
            self._answer(taken, outcomes)

    def _take(self) -> list[tuple[Parcel, asyncio.Future[Appended]]]:
        """Take what waits, within the bounds of a group; who has given up is not stored."""
        taken: list[tuple[Parcel, asyncio.Future[Appended]]] = []
        rows = size = 0
        while self._waiting:
            parcel, waiter = self._waiting[0]
            if taken and (rows + parcel.rows > self._rows or size + parcel.weight > GROUP_BYTES):
                break
            self._waiting.popleft()
            if not waiter.done():
                taken.append((parcel, waiter))
                rows += parcel.rows
                size += parcel.weight
        return taken

    async def _failed(self, taken: list[tuple[Parcel, asyncio.Future[Appended]]], error: Exception) -> None:
        """Nothing of the group is stored: find whose fault it was."""
        if isinstance(error, Unavailable) or len(taken) <= 1:
            for _, waiter in taken:
                if not waiter.done():
                    waiter.set_exception(error)
            return
        self.counters.halved += 1
        middle = len(taken) // 2
        for half in (taken[:middle], taken[middle:]):
            parcels = [parcel for parcel, _ in half]
            try:
                outcomes = await self._commit(lambda parcels=parcels: parcels)  # type: ignore[misc]
            except Exception as again:  # noqa: BLE001
                await self._failed(half, again)
            else:
                self._answer(half, outcomes)

    def _answer(
        self, taken: list[tuple[Parcel, asyncio.Future[Appended]]], outcomes: Sequence[Outcome]
    ) -> None:
        if taken:
            self.counters.groups += 1
        for (parcel, waiter), outcome in zip(taken, outcomes, strict=True):
            if isinstance(outcome, Appended) and not outcome.duplicate:
                self.counters.batches += 1
                self.counters.rows += parcel.rows
            if waiter.done():
                continue
            if isinstance(outcome, Appended):
                waiter.set_result(outcome)
            else:
                waiter.set_exception(outcome)


class TooMuch(Refused):
    """One account sends more than its share; `retry_after` seconds later it may go on."""

    code = "too_many_requests"
    http_status = 429

    def __init__(self, message: str, *, retry_after: float = 1.0) -> None:
        super().__init__(message, hint="send the same again after a second")
        self.retry_after = retry_after
