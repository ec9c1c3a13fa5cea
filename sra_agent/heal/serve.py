"""The executor's protocol: JSON lines, one request a line. From the relay's socket; to conduct.

Requests {"id", "op", ...}; replies {"id", "ok": {...}} or {"id", "error": {"code", "message", "hint"}};
between them {"event": "answer", ...} tell every listener how an act goes on.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Mapping
from typing import Any

from sra_sdk.errors import BadInput, SraError

from . import conduct
from .answer import Tell
from .policy import SUPPORTED
from .recover import recover
from .shop import Shop
from .task import Task, read_task

LINE_BYTES = 1024 * 1024
_LISTENERS = 16
_WAITING = 64


class Service:
    """Answers requests, conducts one act at a time and finishes it whoever leaves."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.act: asyncio.Task[None] | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._denying: set[asyncio.Task[None]] = set()

    def begin_recovery(self) -> None:
        """Close what an earlier life left open; until that is done the host counts as busy."""
        found = self.shop.journal.open_acts()
        if found:
            self.shop.running = "the closing of an interrupted act"
            self.act = asyncio.create_task(self._recover(found))

    async def _recover(self, found: list[Any]) -> None:
        try:
            for act in found:
                await recover(self.shop, act, self._teller(act.task_id, act.token))
        finally:
            self.shop.running = None

    async def listen(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection until its peer is gone."""
        if len(self._writers) >= _LISTENERS:
            writer.close()
            return
        self._writers.add(writer)
        try:
            while line := await reader.readline():
                self._send(writer, await self._reply(line))
                await writer.drain()
        except (ConnectionError, ValueError):
            # the peer went away, or sent a line beyond every bound: there is no way back into step
            pass
        finally:
            self._writers.discard(writer)
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    async def finished(self) -> None:
        """Wait until no act is in hand; an act is never abandoned."""
        waiting = [task for task in (self.act, *self._denying) if task is not None]
        await asyncio.gather(*waiting, return_exceptions=True)

    async def _reply(self, line: bytes) -> dict[str, Any]:
        number: Any = None
        try:
            request = _read(line)
            number = request.get("id")
            return {"id": number, "ok": await self._do(request)}
        except SraError as problem:
            return {
                "id": number,
                "error": {"code": problem.code, "message": problem.message, "hint": problem.hint or ""},
            }
        except Exception as problem:  # noqa: BLE001  one bad request must not end the process that guards the host
            return {
                "id": number,
                "error": {
                    "code": "internal",
                    "message": f"{type(problem).__name__}: {problem}"[:500],
                    "hint": "see the executor's log",
                },
            }

    async def _do(self, request: Mapping[str, Any]) -> dict[str, Any]:
        operation = request.get("op")
        if operation == "ping":
            return {"boot_id": self.shop.clock.boot_id, "busy": self.shop.running}
        if operation == "inventory":
            return self._inventory()
        if operation == "plan":
            return await conduct.plan(self.shop, read_task(request.get("task")))
        if operation == "execute":
            return self._execute(read_task(request.get("task")))
        if operation == "pending":
            return {"answers": self.shop.journal.answers()}
        if operation == "ack":
            task_id, kind, token = request.get("task_id"), request.get("kind"), request.get("token")
            if not isinstance(task_id, str) or not isinstance(kind, str) or not isinstance(token, str | None):
                raise BadInput("ack needs task_id and kind as strings", code="bad_request")
            return {"acknowledged": self.shop.journal.acknowledge(task_id, kind, token)}
        raise BadInput(
            f"{operation!a} is no operation; use ping, inventory, plan, execute, pending or ack"[:300],
            code="bad_request",
        )

    def _inventory(self) -> dict[str, Any]:
        loaded = self.shop.load()
        return {
            "policy_hash": loaded.policy.hash,
            "policy_problem": loaded.problem,
            "mode": loaded.policy.mode,
            "inventory": [
                {
                    "service": rule.service,
                    "action": rule.action,
                    "platform": rule.platform,
                    "mode": loaded.policy.mode,
                }
                for rule in loaded.policy.rules
                if rule.action in SUPPORTED
            ],
            "audit_head": self.shop.audit.head,
            "busy": self.shop.running,
        }

    def _execute(self, task: Task) -> dict[str, Any]:
        """Take a task over; a token that was seen before starts nothing, its answer is told again."""
        if len(self._denying) >= _WAITING:
            raise BadInput("too many tasks wait for an answer; try again later", code="busy")
        tell = self._teller(task.id, task.token)
        act = self.shop.journal.accept(task, self.shop.clock.boot_id, self.shop.clock.now())
        if act is None:
            for answer in self.shop.journal.answers(task.token):
                tell(answer["kind"], answer["body"])
            return {"accepted": True, "repeated": True}
        if self.shop.running is None:
            self.shop.running = f"{task.action} on {task.service}"
            self.act = asyncio.create_task(self._conduct(act, task, tell))
        else:
            busy = asyncio.create_task(conduct.execute(self.shop, act, task, tell, busy=self.shop.running))
            self._denying.add(busy)
            busy.add_done_callback(self._denying.discard)
        return {"accepted": True, "repeated": False}

    async def _conduct(self, act: int, task: Task, tell: Tell) -> None:
        try:
            await conduct.execute(self.shop, act, task, tell, busy=None)
        finally:
            self.shop.running = None

    def _teller(self, task_id: str, token: str) -> Tell:
        def tell(kind: str, body: dict[str, Any]) -> None:
            for writer in tuple(self._writers):
                self._send(
                    writer,
                    {"event": "answer", "task_id": task_id, "token": token, "kind": kind, "body": body},
                )

        return tell

    @staticmethod
    def _send(writer: asyncio.StreamWriter, message: dict[str, Any]) -> None:
        if writer.is_closing():
            return
        # a listener that does not read is cut off; outcomes stay in the journal
        if writer.transport.get_write_buffer_size() > 4 * LINE_BYTES:
            writer.transport.abort()
            return
        writer.write(json.dumps(message, separators=(",", ":")).encode() + b"\n")


def _read(line: bytes) -> Mapping[str, Any]:
    try:
        request = json.loads(line)
    except (ValueError, RecursionError):
        raise BadInput("a request must be one line of JSON", code="bad_request") from None
    if not isinstance(request, dict):
        raise BadInput("a request must be a JSON object", code="bad_request")
    return request
