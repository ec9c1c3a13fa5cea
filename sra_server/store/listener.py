"""Wake-ups between servers, over PostgreSQL's LISTEN/NOTIFY. Between Wakeups here and those elsewhere.

One connection of its own hears and tells. What is to be told gathers while the last telling is under way
and goes out as one NOTIFY, in a transaction of its own: NOTIFY takes a lock that all databases of the
cluster share until its commit, so an ingest must not carry it. A lost connection is made anew, and then
everybody who waits looks, because nobody knows what was missed. Polling stays the fallback for all of it.
"""
from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import secrets
from collections.abc import Iterable, Iterator
from typing import Any

from sqlalchemy import URL

from .wakeups import Wakeups

log = logging.getLogger(__name__)

CHANNEL = "sra_wakeups"
#: PostgreSQL takes less than 8,000 bytes at once.
_PAYLOAD = 7_900
#: Topics that may wait for a connection; more are dropped, and the other servers poll.
_WAITING = 10_000
#: Between two tellings, so that many commits share one.
_GATHER = 0.005
#: A connection without traffic is tried this often.
_PROBE = 10.0
_ANEW = (0.1, 3.0)
#: What SQLAlchemy's dialect reads and the driver does not know.
_NOT_THE_DRIVERS = ("prepared_statement_cache_size", "prepared_statement_name_func", "async_creator_fn")


class Listener:
    """Runs until cancelled; `tell` may be called from the event loop at any time."""

    def __init__(self, url: URL, wakeups: Wakeups) -> None:
        self._url, self._wakeups = url, wakeups
        self._me = secrets.token_hex(6)
        self._waiting: dict[str, None] = {}
        self._news = asyncio.Event()
        self._stopping = False
        self.connected = asyncio.Event()
        self.told = 0
        self.dropped = 0

    def tell(self, topic: str) -> None:
        """Wake those who wait for the topic at other servers, soon."""
        if len(self._waiting) >= _WAITING and topic not in self._waiting:
            self.dropped += 1
            return
        self._waiting[topic] = None
        self._news.set()

    def stop(self) -> None:
        """Let `run` end by itself, with its connection closed as it should be."""
        self._stopping = True
        self._news.set()

    async def run(self) -> None:
        """Keep a connection; hear and tell."""
        pause = _ANEW[0]
        while not self._stopping:
            connecting = asyncio.create_task(self._connect())
            try:
                connection = await asyncio.shield(connecting)
            except asyncio.CancelledError:  # the driver does not clean up a connection that is half made
                connecting.add_done_callback(_drop)
                await asyncio.wait((connecting,), timeout=2)
                raise
            except Exception as error:  # noqa: BLE001 - whatever it is, it is tried again and said
                log.warning("no wake-ups from other servers: %s", error, extra={"action": "not_listening"})
                await asyncio.sleep(pause)
                pause = min(pause * 2, _ANEW[1])
                continue
            try:
                pause = _ANEW[0]
                await self._serve(connection)
            except Exception as error:  # noqa: BLE001 - as above
                log.info("the connection for wake-ups ended: %s", error, extra={"action": "listening_anew"})
                await asyncio.sleep(pause)
            finally:
                self.connected.clear()
                connection.terminate()
                await asyncio.sleep(0)  # the loop closes the socket in its next turn

    async def _connect(self) -> Any:
        import asyncpg
        dialect: Any = self._url.get_dialect()
        arguments, options = dialect().create_connect_args(self._url)
        for name in _NOT_THE_DRIVERS:
            options.pop(name, None)
        options["server_settings"] = {"application_name": "sra wakeups", **options.get("server_settings", {})}
        return await asyncpg.connect(*arguments, **{"timeout": 10, **options})

    async def _serve(self, connection: Any) -> None:
        connection.add_termination_listener(self._ended)
        await connection.add_listener(CHANNEL, self._hear)
        self._wakeups.wake_all()
        self.connected.set()
        while not self._stopping:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_PROBE):
                    await self._news.wait()
            self._news.clear()
            topics = list(self._waiting)
            for payload in packed(self._me, topics) if topics else ("",):
                async with asyncio.timeout(_PROBE):
                    if payload:
                        await connection.execute("SELECT pg_notify($1, $2)", CHANNEL, payload)
                        self.told += 1
                    else:
                        await connection.execute("SELECT 1")
            for topic in topics:
                del self._waiting[topic]
            if self._waiting:  # came while those were told
                self._news.set()
            await asyncio.sleep(_GATHER)
        await connection.close(timeout=1)

    def _ended(self, _connection: object) -> None:
        self._news.set()

    def _hear(self, _connection: object, _process: int, _channel: str, payload: object) -> None:
        try:
            sender, topics = json.loads(str(payload))
        except ValueError:
            return  # not ours
        if sender != self._me:
            for topic in topics:
                self._wakeups.heard(str(topic))


def _drop(connecting: asyncio.Task[Any]) -> None:
    if not connecting.cancelled() and connecting.exception() is None:
        connecting.result().terminate()


def packed(sender: str, topics: Iterable[str]) -> Iterator[str]:
    """Put topics into as few messages as PostgreSQL's limit allows."""
    chosen: list[str] = []
    size = 40
    for topic in topics:
        length = len(json.dumps(topic)) + 2  # ASCII: other letters are escaped
        if chosen and size + length > _PAYLOAD:
            yield json.dumps([sender, chosen])
            chosen, size = [], 40
        if size + length <= _PAYLOAD:
            chosen.append(topic)
            size += length
    if chosen:
        yield json.dumps([sender, chosen])
