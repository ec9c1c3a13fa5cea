"""The relay between a server and an executor, both played by scripts at the ends of real sockets."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest

from sra_agent.backoff import Backoff
from sra_agent.connection import Answer, Connection
from sra_agent.relay import Relay

from .recorder import KEY, Recorder

OFFER = {"service": "shop", "action": "restart_service", "platform": "command", "mode": "live"}
TASK = {
    "id": "t1",
    "token": "k1",
    "kind": "plan",
    "remedy_id": "r1",
    "account_id": "a",
    "action": "restart_service",
    "service": "shop",
    "parameters": {},
    "digest": None,
    "dry_run": True,
}


class Executor:
    """A scripted executor: replies per operation, events when told."""

    def __init__(self) -> None:
        self.replies: dict[str, Any] = {
            "inventory": {"policy_hash": "h1", "policy_problem": None, "inventory": [OFFER]},
            "pending": {"answers": []},
            "plan": {"digest": "d", "steps": []},
            "execute": {"accepted": True},
            "ack": {},
        }
        self.requests: list[dict[str, Any]] = []
        self.writer: asyncio.StreamWriter | None = None

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writer = writer
        with suppress(ConnectionError):
            while line := await reader.readline():
                request = json.loads(line)
                self.requests.append(request)
                reply = self.replies[request["op"]]
                if reply == "die":
                    break
                key = "error" if "code" in reply else "ok"
                writer.write(json.dumps({"id": request["id"], key: reply}).encode() + b"\n")
        writer.close()

    def tell(self, kind: str, body: dict[str, Any], task: str = "t2") -> None:
        assert self.writer is not None
        event = {"event": "answer", "task_id": task, "token": "k2", "kind": kind, "body": body}
        self.writer.write(json.dumps(event).encode() + b"\n")

    def asked(self, op: str) -> list[dict[str, Any]]:
        return [request for request in self.requests if request["op"] == op]


class Rig:
    def __init__(self, recorder: Recorder, relay: Relay) -> None:
        self.recorder, self.relay = recorder, relay

    async def until(self, holds: Callable[[], Any], seconds: float = 8.0) -> None:
        async with asyncio.timeout(seconds):
            while not holds():
                await asyncio.sleep(0.01)

    @asynccontextmanager
    async def executor(self, executor: Executor) -> AsyncIterator[Executor]:
        ours, theirs = socket.socketpair()
        peer = asyncio.create_task(executor.serve(*await asyncio.open_connection(sock=theirs)))
        serving = asyncio.create_task(self.relay.serve(*await asyncio.open_connection(sock=ours)))
        try:
            yield executor
        finally:
            if executor.writer is not None:
                executor.writer.close()
            await asyncio.gather(peer, serving)


@pytest.fixture
async def rig(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Rig]:
    monkeypatch.setattr("sra_agent.relay.LOOK_SECONDS", 0.2)
    with Recorder() as recorder, ThreadPoolExecutor(4) as pool:
        links = [Connection(recorder.url, KEY, timeout=10) for _ in range(2)]

        async def blocking(work: Callable[[], Answer]) -> Answer:
            return await asyncio.get_running_loop().run_in_executor(pool, work)

        relay = Relay(
            host="web-1",
            announce=lambda: {"host": "web-1", "counters": {}},
            poll=links[0],
            post=links[1],
            run_blocking=blocking,
            backoff=lambda: Backoff(first=0.01, longest=0.05),
        )
        task = asyncio.create_task(relay.run())
        yield Rig(recorder, relay)
        task.cancel()
        for link in links:
            link.abort()
        await asyncio.gather(task, return_exceptions=True)
        for link in links:
            link.close()


async def test_the_first_word_has_the_inventory_and_a_change_is_told(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sra_agent.relay.LOOK_SECONDS", 0.05)
    async with rig.executor(Executor()) as executor:
        await rig.until(lambda: rig.recorder.hellos)
        assert (
            rig.recorder.hellos[0]["inventory"] == [OFFER] and rig.recorder.hellos[0]["policy_hash"] == "h1"
        )
        executor.replies["inventory"] = {"policy_hash": "h2", "policy_problem": "broken", "inventory": []}
        await rig.until(lambda: rig.recorder.hellos[-1]["policy_problem"] == "broken")
        assert len(rig.recorder.hellos) == 2
    await rig.until(lambda: "does not run" in str(rig.recorder.hellos[-1]["policy_problem"]))


async def test_a_plan_goes_there_and_back(rig: Rig) -> None:
    async with rig.executor(Executor()) as executor:
        rig.recorder.tasks.append(TASK)
        await rig.until(lambda: rig.recorder.answers)
        assert executor.asked("plan")[0]["task"] == TASK
        assert rig.recorder.answers == [
            {
                "task_id": "t1",
                "token": "k1",
                "kind": "plan",
                "body": {"digest": "d", "steps": []},
                "answered": 200,
            }
        ]
        assert executor.asked("ack") == []


async def test_a_refusal_says_why(rig: Rig) -> None:
    executor = Executor()
    executor.replies["plan"] = {
        "code": "out_of_policy",
        "message": "not allowed here",
        "hint": "ask the owner",
    }
    async with rig.executor(executor):
        rig.recorder.tasks.append(TASK)
        await rig.until(lambda: rig.recorder.answers)
    assert rig.recorder.answers[0]["kind"] == "refused"
    assert rig.recorder.answers[0]["body"] == {
        "code": "out_of_policy",
        "reason": "not allowed here",
        "hint": "ask the owner",
    }


async def test_without_an_executor_every_task_is_refused(rig: Rig) -> None:
    rig.recorder.tasks.append({**TASK, "kind": "execute"})
    await rig.until(lambda: rig.recorder.answers)
    assert rig.recorder.answers[0]["body"]["code"] == "executor_unavailable"


async def test_outcomes_are_posted_until_taken_and_then_acknowledged(rig: Rig) -> None:
    rig.recorder.fault = lambda method, path, n: (
        ("lose", 503, "drop", 500)[n] if path == "/agent/answers" and n < 4 else None
    )
    async with rig.executor(Executor()) as executor:
        rig.recorder.tasks.append({**TASK, "id": "t2", "token": "k2", "kind": "execute"})
        await rig.until(lambda: executor.asked("execute"))
        executor.tell("started", {})
        executor.tell("outcome", {"status": "succeeded"})
        await rig.until(lambda: len(executor.asked("ack")) == 2)
    kinds = [answer["kind"] for answer in rig.recorder.answers]
    assert kinds[-1] == "outcome" and set(kinds[:-1]) == {"started"}
    assert [(a["task_id"], a["kind"]) for a in executor.asked("ack")] == [
        ("t2", "started"),
        ("t2", "outcome"),
    ]


async def test_an_answer_that_the_server_will_never_take_blocks_nothing(rig: Rig) -> None:
    rig.recorder.refused_answers["started"] = 409
    async with rig.executor(Executor()) as executor:
        await rig.until(lambda: executor.asked("pending"))
        executor.tell("started", {})
        executor.tell("outcome", {"status": "failed"})
        await rig.until(lambda: len(executor.asked("ack")) == 2)
    assert [answer["answered"] for answer in rig.recorder.answers] == [409, 200]


async def test_what_is_pending_is_told_again_after_a_reconnect(rig: Rig) -> None:
    executor = Executor()
    executor.replies["execute"] = "die"
    async with rig.executor(executor):
        await rig.until(lambda: executor.asked("pending"))
        await rig.until(lambda: rig.recorder.hellos)
        rig.recorder.tasks.append({**TASK, "kind": "execute"})
        await rig.until(lambda: executor.asked("execute"))
    assert rig.recorder.answers == []  # it may have begun, so nothing is claimed
    again = Executor()
    again.replies["pending"] = {
        "answers": [{"task_id": "t1", "token": "k1", "kind": "outcome", "body": {"status": "unknown"}}]
    }
    async with rig.executor(again):
        await rig.until(lambda: again.asked("ack"))
    assert [answer["body"] for answer in rig.recorder.answers] == [{"status": "unknown"}]


async def test_a_server_that_forgot_the_host_is_told_again(rig: Rig) -> None:
    rig.recorder.fault = lambda method, path, n: 404 if path == "/agent/tasks" and n == 0 else None
    async with rig.executor(Executor()) as executor:
        await rig.until(lambda: len(rig.recorder.hellos) >= 2)
        rig.recorder.tasks.append(TASK)
        await rig.until(lambda: executor.asked("plan"))


async def test_garbage_from_the_executor_is_passed_over(rig: Rig) -> None:
    async with rig.executor(Executor()) as executor:
        await rig.until(lambda: executor.asked("pending"))
        assert executor.writer is not None
        executor.writer.write(b'garbage\n[1]\n{"event":"other"}\n{"id":999,"ok":{}}\n')
        executor.tell("outcome", {"status": "succeeded"})
        await rig.until(lambda: rig.recorder.answers)
