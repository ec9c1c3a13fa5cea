"""Carry remedies from the server to the executor, and what it answers back. From the server; to executor.

The relay decides nothing: policy, plan and journal live in the executor. An answer is posted until the
server has taken it or can never take it, and only then acknowledged to the executor, which tells its
outcomes again after every reconnect.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar
from urllib.parse import quote

from sra_sdk.errors import Refused, Unavailable

from .backoff import Backoff
from .channel import Channel
from .connection import Answer, Connection

log = logging.getLogger("sra.agent.relay")
HELLO_SECONDS = 60.0
LOOK_SECONDS = 5.0
PENDING_LOOKS = 12  # answers that were posted while the word of it was lost are asked for again
POLL_SECONDS = 25.0
ROUND_SECONDS = 0.1  # at least between two polls, whatever the server answers
TASKS = 1_000
NAME_CHARACTERS = 500
FORBIDDEN_SECONDS = 15.0
ANSWERS = 1_000
PLAN_SECONDS = 60.0

T = TypeVar("T")
Run = Callable[[Callable[[], Answer]], Awaitable[Answer]]


class Relay:
    """Between one server and one executor. `run` calls block, so they go through `run_blocking`."""

    def __init__(
        self,
        *,
        host: str,
        announce: Callable[[], dict[str, Any]],
        poll: Connection,
        post: Connection,
        run_blocking: Run,
        without: str | None = None,
        backoff: Callable[[], Backoff] = Backoff,
    ) -> None:
        self._host, self._announce = host, announce
        self._poll_connection, self._post_connection, self._run = poll, post, run_blocking
        self._without = without  # why there is no executor at all
        self._backoff = backoff
        self._channel: Channel | None = None
        self._answers: deque[dict[str, Any]] = deque()
        self._came = asyncio.Event()
        self._changed = asyncio.Event()
        self._known = asyncio.Event()  # the server knows this host
        self._executor: dict[str, Any] = self._absent()
        self.answers_dropped = 0
        self.trouble: str | None = None

    def _absent(self) -> dict[str, Any]:
        return {
            "policy_hash": None,
            "policy_problem": self._without or "the executor does not run",
            "inventory": [],
        }

    # ── the executor ─────────────────────────────────────────────────────────────────────────

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Use this executor until its connection ends."""
        channel = Channel(reader, writer, self._on_event)
        try:
            await self._learn(channel)
            self._channel = channel
            for look in itertools.count():
                if look % PENDING_LOOKS == 0:
                    for answer in _objects((await channel.request("pending")).get("answers")):
                        self._queue(answer)
                with suppress(TimeoutError):
                    await asyncio.wait_for(channel.closed.wait(), LOOK_SECONDS)
                if channel.closed.is_set():
                    break
                await self._learn(channel)
        except (Unavailable, Refused) as error:
            log.warning("the executor: %s", error.message, extra={"action": "executor"})
        finally:
            self._channel = None
            await channel.close()
            self._executor = self._absent()
            self._changed.set()

    async def _learn(self, channel: Channel) -> None:
        said = await channel.request("inventory")
        told = {name: said.get(name) for name in ("policy_hash", "policy_problem")}
        told["inventory"] = [
            {name: offer.get(name) for name in ("service", "action", "platform", "mode")}
            for offer in _objects(said.get("inventory"))
        ]
        if told != self._executor:
            self._executor = told
            self._changed.set()

    def _on_event(self, event: dict[str, Any]) -> None:
        self._queue(event)

    def announce_soon(self) -> None:
        """Tell the server now what this host watches; it has changed."""
        self._changed.set()

    # ── the server ───────────────────────────────────────────────────────────────────────────

    async def run(self) -> None:
        """Announce, poll and answer until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._announcing())
            group.create_task(self._polling())
            group.create_task(self._answering())

    async def _announcing(self) -> None:
        backoff = self._backoff()
        with suppress(TimeoutError):  # so that the first word already has the inventory
            await asyncio.wait_for(self._changed.wait(), LOOK_SECONDS if self._without is None else 0)
        while True:
            self._changed.clear()
            wait = HELLO_SECONDS
            try:
                answer = await self._run(
                    lambda: self._post_connection.post("/agent/hello", {**self._announce(), **self._executor})
                )
                if answer.status == 200:
                    answer.field("account_id", str)
                    backoff.succeeded()
                    self._known.set()
                    self._say(None)
                else:
                    wait = self._refused("hello", answer, backoff)
            except Unavailable as error:
                self._say(error.message)
                wait = backoff.failed()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), wait)

    async def _polling(self) -> None:
        backoff = self._backoff()
        path = f"/agent/tasks?host={quote(self._host, safe='')}&wait={POLL_SECONDS:g}"
        while True:
            await self._known.wait()
            try:
                answer = await self._run(
                    lambda: self._poll_connection.request("GET", path, timeout=POLL_SECONDS + 15)
                )
                if answer.status == 200:
                    tasks = answer.field("tasks", list)
                    good = [task for task in tasks[:TASKS] if answerable(task)]
                    for task in good:
                        await self._hand_over(task)
                    if len(good) < len(tasks):
                        raise Unavailable(f"server unusable: {len(tasks) - len(good)} of its tasks are none")
                    backoff.succeeded()
                    self._say(None)
                    await asyncio.sleep(ROUND_SECONDS)
                    continue
                if answer.status == 404:
                    self._known.clear()
                    self._changed.set()
                wait = self._refused("tasks", answer, backoff)
            except Unavailable as error:
                self._say(f"tasks: {error.message}")
                wait = backoff.failed()
            await asyncio.sleep(wait)

    async def _hand_over(self, task: dict[str, Any]) -> None:
        """Give a task to the executor; an answer that it will not give itself is given here."""
        asked = {"task_id": task["id"], "token": task["token"]}
        kind = task.get("kind")
        try:
            if self._channel is None:
                raise Refused(
                    self._executor.get("policy_problem") or "the executor does not run",
                    code="executor_unavailable",
                    hint="Start the executor on the host, then try again.",
                )
            if kind == "plan":
                plan = await self._channel.request("plan", task=task, timeout=PLAN_SECONDS)
                self._queue({**asked, "kind": "plan", "body": plan})
            elif kind == "execute":
                await self._channel.request("execute", task=task)
            else:
                raise Refused(
                    f"this agent does not know tasks of kind {kind!a:.100}"
                    if isinstance(kind, str)
                    else "the kind of the task is no text",
                    code="unknown_task",
                    hint="Install a newer agent on the host.",
                )
        except Refused as error:
            self._queue(
                {
                    **asked,
                    "kind": "refused",
                    "body": {"code": error.code, "reason": error.message, "hint": error.hint},
                }
            )
        except Unavailable as error:
            if kind == "plan":
                self._queue(
                    {
                        **asked,
                        "kind": "refused",
                        "body": {"code": error.code, "reason": error.message, "hint": "Plan again."},
                    }
                )
            # An execution may have begun: only the executor's journal knows, and tells at the reconnect.

    def _queue(self, answer: dict[str, Any]) -> None:
        entry = {name: answer.get(name) for name in ("task_id", "token", "kind", "body")}
        if entry["body"] is None:
            entry["body"] = {}
        if entry in self._answers:
            return
        if len(self._answers) >= ANSWERS:
            self._answers.popleft()  # an outcome is kept in the executor's journal and comes again
            self.answers_dropped += 1
        self._answers.append(entry)
        self._came.set()

    async def _answering(self) -> None:
        backoff = self._backoff()
        while True:
            await self._came.wait()
            if not self._answers:
                self._came.clear()
                continue
            entry = self._answers[0]
            try:
                answer = await self._run(partial(self._post_connection.post, "/agent/answers", entry))
                if answer.status == 200:
                    answer.field("status", str)
            except Unavailable as error:
                self._say(f"answers: {error.message}")
                await asyncio.sleep(backoff.failed())
                continue
            if answer.status in (401, 403, 429) or answer.status >= 500:
                await asyncio.sleep(self._refused("answers", answer, backoff))
                continue
            backoff.succeeded()
            if answer.status != 200:
                log.warning(
                    "the server will not have the answer %s of task %s: %s",
                    entry["kind"],
                    entry["task_id"],
                    answer.detail(),
                    extra={"action": "answer"},
                )
            if entry in self._answers:
                self._answers.remove(entry)
            await self._acknowledge(entry)

    async def _acknowledge(self, entry: dict[str, Any]) -> None:
        channel = self._channel
        if channel is not None and entry["kind"] != "plan":
            # If the word is lost the executor tells its answer again, and the server knows the token.
            with suppress(Unavailable, Refused):
                await channel.request(
                    "ack", task_id=entry["task_id"], kind=entry["kind"], token=entry["token"]
                )

    def _refused(self, what: str, answer: Answer, backoff: Backoff) -> float:
        self._say(f"{what}: the server answered {answer.status}: {answer.detail()}")
        if answer.status in (401, 403):
            return FORBIDDEN_SECONDS
        return backoff.failed(answer.retry_after)

    def _say(self, trouble: str | None) -> None:
        if trouble is not None and self.trouble is None:
            log.warning("remedies wait: %s", trouble, extra={"action": "relay"})
        self.trouble = trouble


def _objects(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def answerable(task: Any) -> bool:
    """Return whether what the server calls a task names itself, so that at least a refusal can go back."""
    return isinstance(task, dict) and all(
        isinstance(task.get(name), str) and 0 < len(task[name]) <= NAME_CHARACTERS for name in ("id", "token")
    )
