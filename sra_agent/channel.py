"""Requests to the executor and its events back: JSON lines over a unix stream. From relay; to executor."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import orjson

from sra_sdk.errors import Refused, Unavailable

LINE_BYTES = 4 * 1024 * 1024
REQUEST_BYTES = 1024 * 1024  # the longest line that the executor reads
REQUEST_SECONDS = 30.0


class Channel:
    """One connection to the executor. `closed` is set when it ends."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        on_event: Callable[[dict[str, Any]], None],
    ) -> None:
        self._reader, self._writer, self._on_event = reader, writer, on_event
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self.closed = asyncio.Event()
        self._task = asyncio.create_task(self._listen())

    async def request(self, op: str, *, timeout: float = REQUEST_SECONDS, **more: Any) -> dict[str, Any]:
        """Return the `ok` of the reply; Refused when the answer is no, Unavailable when there is none."""
        if self.closed.is_set():
            raise Unavailable("the executor is not running", code="executor_unavailable")
        number = next(self._numbers)
        line = _line(number, op, more)
        future: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._waiting[number] = future
        try:
            self._writer.write(line)
            await self._writer.drain()
            async with asyncio.timeout(timeout):
                reply = await future
        except (TimeoutError, OSError) as error:
            raise Unavailable("the executor does not answer", code="executor_unavailable") from error
        finally:
            self._waiting.pop(number, None)
            if future.done() and not future.cancelled():
                future.exception()  # has been seen, also when the write had failed before
        said = reply.get("error")
        if isinstance(said, dict):
            raise Refused(
                str(said.get("message", "refused")),
                code=str(said.get("code", "refused")),
                hint=said.get("hint") or None,
            )
        ok = reply.get("ok")
        return ok if isinstance(ok, dict) else {}

    async def _listen(self) -> None:
        try:
            while line := await self._reader.readline():
                self._take(line)
        except (OSError, ValueError):
            pass  # gone, or out of step: either way a new connection begins afresh
        finally:
            self.closed.set()
            for future in self._waiting.values():
                if not future.done():
                    future.set_exception(Unavailable("the executor ended", code="executor_unavailable"))
            self._writer.close()

    def _take(self, line: bytes) -> None:
        try:
            message = orjson.loads(line)
        except orjson.JSONDecodeError:
            return
        if not isinstance(message, dict):
            return
        number = message.get("id")
        future = self._waiting.get(number) if isinstance(number, int) else None
        if future is not None and not future.done():
            future.set_result(message)
        elif message.get("event") == "answer":
            self._on_event(message)

    async def close(self) -> None:
        """End the connection."""
        self._writer.close()
        self._task.cancel()
        with suppress(asyncio.CancelledError, OSError):
            await self._task
        with suppress(OSError):
            await self._writer.wait_closed()


def _line(number: int, op: str, more: dict[str, Any]) -> bytes:
    """Return a request as a line; what the executor could not read would only end the connection."""
    try:
        line = orjson.dumps({"id": number, "op": op, **more})
    except orjson.JSONEncodeError as error:
        raise Refused(
            f"the request {op} cannot be written: {error}",
            code="task_malformed",
            hint="Ask again with plainer parameters.",
        ) from error
    if len(line) > REQUEST_BYTES:
        raise Refused(
            f"the request {op} has {len(line)} bytes, and the executor takes {REQUEST_BYTES}",
            code="task_too_large",
            hint="Ask again with smaller parameters.",
        )
    return line + b"\n"
