"""Wake-ups: "something of yours has changed, look now". From writers, after commit; to those who wait.

They carry no data and may be lost (a process dies), so whoever waits also looks from time to time. On
PostgreSQL `listener` carries them to the other servers. Topics: "batches", "outbox", "outcomes",
"host:{account}:{host}", "remedy:{account}:{id}".
"""
from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable

#: Topics remembered; older ones are forgotten, which costs a waiter at most its timeout.
_REMEMBERED = 20_000


class Wakeups:
    """In-process wake-ups by topic. A notification that nobody awaits is kept for the next to wait."""

    def __init__(self) -> None:
        self._count = 0
        self._notified: OrderedDict[str, int] = OrderedDict()
        self._taken: dict[str, int] = {}
        self._waiting: dict[str, set[asyncio.Future[None]]] = {}
        self._everything = 0
        #: Takes what other servers are to hear.
        self.tell: Callable[[str], None] | None = None
        #: The server stops: whoever waits for long is to end.
        self.stopped = False

    def stop(self) -> None:
        """Wake everybody for the last time."""
        self.stopped = True
        for topic in list(self._waiting):
            self.heard(topic)

    def mark(self) -> int:
        """Return the present moment, to be given to `wait` as `since`."""
        return self._count

    def notify(self, topic: str) -> None:
        """Wake all that wait for the topic, on any server. Call it after the commit, from the event loop."""
        self.heard(topic)
        if self.tell is not None and not self.stopped:
            self.tell(topic)

    def wake_all(self) -> None:
        """Wake everybody: what happened lately elsewhere is unknown."""
        self._count += 1
        self._everything = self._count
        for topic in list(self._waiting):
            self.heard(topic)

    def heard(self, topic: str) -> None:
        """Wake all that wait for the topic here."""
        self._count += 1
        self._notified[topic] = self._count
        self._notified.move_to_end(topic)
        if len(self._notified) > _REMEMBERED:
            forgotten, _ = self._notified.popitem(last=False)
            self._taken.pop(forgotten, None)
        for waiter in self._waiting.pop(topic, ()):
            if not waiter.done():
                waiter.set_result(None)

    async def wait(self, topic: str, timeout: float, *, since: int | None = None) -> bool:
        """Wait until the topic is notified; return whether it was within `timeout` seconds.

        With `since` (from `mark`, taken before looking at the data) no notification after it is
        missed, whoever else waits. Without, one that came since the last wait for the topic ended
        counts: enough where a topic has a single reader.
        """
        floor = self._taken.get(topic, 0) if since is None else since
        if max(self._notified.get(topic, 0), self._everything) <= floor:
            waiter = asyncio.get_running_loop().create_future()
            waiters = self._waiting.setdefault(topic, set())
            waiters.add(waiter)
            try:
                async with asyncio.timeout(timeout):
                    await waiter
            except TimeoutError:
                return False
            finally:
                waiters.discard(waiter)
                if not waiters and self._waiting.get(topic) is waiters:
                    del self._waiting[topic]
        if since is None or topic in self._notified:
            self._taken[topic] = max(self._notified.setdefault(topic, 0), self._everything)
        return True
