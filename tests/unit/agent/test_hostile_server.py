"""A server, or what stands in its place, that answers 200 with something else: nothing ends or is lost."""

from __future__ import annotations

import asyncio
import gc
import json
import socket
import time
from pathlib import Path
from typing import Any

import pytest

from sra_agent import Agent
from sra_agent.channel import REQUEST_BYTES, Channel
from sra_agent.connection import Answer
from sra_agent.ends import fetch_ends, usable
from sra_agent.heal.serve import LINE_BYTES
from sra_agent.spool import Spool
from sra_sdk.errors import Unavailable

from .recorder import Recorder
from .test_app import config, until, write
from .test_relay import TASK, Executor, Rig, rig
from .test_ship import closed, connected, empty, fill, recorder, sender, spool

__all__ = ["closed", "recorder", "rig", "spool"]  # fixtures

DEEP = b'{"a":' * 900 + b"1" + b"}" * 900
#: What is wrong for every endpoint.
WRONG = {
    "null": b"null",
    "list": b"[1]",
    "number": b"7",
    "text": b'"ok"',
    "empty": b"{}",
    "page": b"<html>Sign in</html>",
    "nothing": b"",
    "deep": DEEP,
    "deeper": b"[" * 100_000,
    "huge": b'{"a":"' + b"x" * 17_000_000 + b'"}',
}
NAMED = [None, 7, 1e308, "x", True, [], {}, [1], [None], ["x"], [[[]]], [{}]]


def wrong(field: str, *also: Any, fine: tuple[Any, ...] = ()) -> list[Any]:
    """Return the answers that an endpoint with this field must not take."""
    named = [value for value in (*NAMED, *also) if not any(value is f or value == f for f in fine)]
    return [*(pytest.param(body, id=name) for name, body in WRONG.items())] + [
        pytest.param(json.dumps({field: value}).encode(), id=json.dumps(value)[:40]) for value in named
    ]


@pytest.mark.parametrize(
    "body",
    wrong(
        "tasks",
        [{**TASK, "id": 7}],
        [{**TASK, "token": None}],
        [{**TASK, "token": ["k"]}],
        [{**TASK, "id": "x" * 5000}],
        [{"id": json.loads(DEEP), "token": "k"}],
        [7] * 5000,
        fine=([],),
    ),
)
async def test_tasks_that_are_none_are_passed_over(rig: Rig, body: bytes) -> None:
    rig.recorder.fault = lambda method, path, n: body if path == "/agent/tasks" and n < 2 else None
    async with rig.executor(Executor()) as executor:
        await rig.until(lambda: "server unusable" in (rig.relay.trouble or ""))
        rig.recorder.tasks.append(TASK)
        await rig.until(lambda: rig.recorder.answers)
        assert [request["task"]["id"] for request in executor.asked("plan")] == ["t1"]
        await rig.until(lambda: rig.relay.trouble is None)


@pytest.mark.parametrize(
    "bad",
    [{"kind": 7}, {"kind": None}, {"kind": ["plan"]}, {"parameters": json.loads(b"[" * 400 + b"]" * 400)}],
)
async def test_a_task_that_can_be_answered_is_refused(rig: Rig, bad: dict[str, Any]) -> None:
    async with rig.executor(Executor()):
        await rig.until(lambda: rig.recorder.hellos)
        rig.recorder.tasks += [{**TASK, **bad}, {**TASK, "id": "t9"}]
        await rig.until(lambda: len(rig.recorder.answers) == 2)
    assert [(a["task_id"], a["kind"]) for a in rig.recorder.answers] == [("t1", "refused"), ("t9", "plan")]


async def test_good_tasks_beside_a_bad_one_are_done(rig: Rig) -> None:
    async with rig.executor(Executor()):
        rig.recorder.tasks += [{"id": 1}, TASK]
        await rig.until(lambda: rig.recorder.answers)


@pytest.mark.parametrize("body", [b"{}", b'{"tasks":[]}', b'{"tasks":null}'])
async def test_a_server_that_does_not_let_a_poll_wait_is_not_asked_without_end(rig: Rig, body: bytes) -> None:
    rig.recorder.fault = lambda method, path, n: body if path == "/agent/tasks" else None
    async with rig.executor(Executor()):
        await rig.until(lambda: ("GET", "/agent/tasks") in rig.recorder.requests)
        began, before = time.monotonic(), len(rig.recorder.requests)
        await rig.until(lambda: time.monotonic() > began + 0.5)
        assert len(rig.recorder.requests) - before < 40


@pytest.mark.parametrize("path", ["/agent/hello", "/agent/answers"])
@pytest.mark.parametrize("body", WRONG.values(), ids=WRONG)
async def test_words_that_were_not_taken_are_said_again(rig: Rig, path: str, body: bytes) -> None:
    rig.recorder.fault = lambda method, asked, n: body if asked == path and n < 2 else None
    async with rig.executor(Executor()):
        rig.recorder.tasks.append(TASK)
        await rig.until(lambda: rig.recorder.answers)
    assert rig.recorder.requests.count(("POST", path)) >= 3


@pytest.mark.parametrize("body", wrong("status", fine=("x",)))
def test_a_batch_is_kept_until_the_server_says_that_it_is_stored(
    spool: Spool, recorder: Recorder, body: bytes
) -> None:
    recorder.fault = lambda method, path, n: body if n < 2 else None
    expected = fill(spool, 0, 100)
    shipping = sender(spool, recorder)
    assert shipping.step() != 0.0 and "server unusable" in (shipping.trouble or "")
    assert spool.counters()["stored"] == 0
    empty(shipping)
    assert recorder.messages() == expected and shipping.trouble is None


@pytest.mark.parametrize("body", wrong("ends", fine=({},)))
def test_ends_that_are_none_are_not_taken(recorder: Recorder, body: bytes) -> None:
    recorder.fault = lambda method, path, n: body
    with pytest.raises(Unavailable, match="server unusable"):
        fetch_ends(connected(recorder), "h")


@pytest.mark.parametrize(
    "change",
    [{"offset": 2**63}, {"inode": 2**64 - 1}, {"offset": True}, {"mtime": 2**64 - 1}, {"head_bytes": 2**62}],
)
def test_an_end_beyond_every_file_is_not_used(change: dict[str, Any]) -> None:
    marks = {"head": "a", "head_bytes": 9, "tail": "b", "tail_bytes": 9}
    good = {"device": 1, "inode": 2, "offset": 9, "fingerprint": marks}
    assert usable(good)
    part = good if "head_bytes" not in change else marks
    part.update(change)
    assert not usable(good) and not usable({**good, "older": json.loads(DEEP)})


def test_a_problem_that_is_no_text_is_still_told() -> None:
    for said in (DEEP, b'{"detail":[1],"code":{}}', b"[]"):
        answer = Answer(status=500, body=b'{"code":%b,"detail":%b}' % (DEEP, said), retry_after=None)
        assert answer.code == "" and answer.detail() == "HTTP 500"


async def test_the_agent_outlives_all_of_it(tmp_path: Path) -> None:
    answers = {
        "/agent/tasks": b'{"tasks":[1]}',
        "/ingest/ends": b'{"ends":[1]}',
        "/agent/hello": b"[]",
        "/ingest/batch": b"null",
    }
    with Recorder(fault=lambda method, path, n: answers.get(path) if n < 2 else None) as recorder:
        async with Agent(config(recorder, tmp_path)) as agent:
            expected = write(tmp_path, 0, 300)
            await until(lambda: len(recorder.records) == 300)
            await until(lambda: recorder.requests.count(("GET", "/agent/tasks")) > 2)
            assert agent.counters()["dropped"] == {}
        assert recorder.messages() == expected


def test_a_server_that_knows_every_number_is_not_asked_without_end(spool: Spool, recorder: Recorder) -> None:
    expected = fill(spool, 0, 100)
    reused = recorder.store
    recorder.store = lambda headers, sent: (409, {"code": "sequence_reused"})  # type: ignore[method-assign]
    shipping = sender(spool, recorder)
    assert shipping.step() == 0.0  # once is what a lost spool brings about
    waits = [shipping.step() for _ in range(3)]
    assert all(waits) and "sequence_reused" in (shipping.trouble or "")
    recorder.store = reused  # type: ignore[method-assign]
    empty(shipping)
    assert recorder.messages() == expected and shipping.trouble is None


async def test_a_task_that_the_executor_could_not_read_is_refused(rig: Rig) -> None:
    assert REQUEST_BYTES <= LINE_BYTES
    async with rig.executor(Executor()) as executor:
        await rig.until(lambda: rig.recorder.hellos)
        big = {**TASK, "parameters": {"x": "y" * 5_000_000}}
        rig.recorder.tasks += [big, {**big, "id": "t2", "kind": "execute"}, {**TASK, "id": "t9"}]
        await rig.until(lambda: len(rig.recorder.answers) == 3)
        assert len(executor.asked("plan")) == 1 and not executor.asked("execute")
    told = [(a["task_id"], a["body"].get("code")) for a in rig.recorder.answers]
    assert told == [("t1", "task_too_large"), ("t2", "task_too_large"), ("t9", None)]


async def test_an_executor_that_ends_during_a_request_leaves_nothing_behind() -> None:
    said: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: said.append(context))
    ours, theirs = socket.socketpair()
    channel = Channel(*await asyncio.open_connection(sock=ours), lambda event: None)
    asked = asyncio.create_task(channel.request("plan", task={"x": "y" * 900_000}))
    await asyncio.sleep(0.05)  # the write waits, because nobody reads
    theirs.shutdown(socket.SHUT_WR)
    await asyncio.wait_for(channel.closed.wait(), 5)
    assert not asked.done()
    theirs.close()
    await asyncio.wait((asked,))
    assert asked.exception() is not None
    await channel.close()
    del asked
    gc.collect()
    assert said == []
