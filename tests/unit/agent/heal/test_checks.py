"""The checks against real little servers."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from sra_agent.heal.checks import read_check
from sra_agent.heal.policy import Check
from sra_agent.heal.run import Runner


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    return Runner(str(tmp_path / "output"))


@pytest.mark.parametrize(
    ("answer", "passed", "detail"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\n", True, "status 200"),
        (b"HTTP/1.0 204 No Content\r\n\r\n", True, "status 204"),
        (b"HTTP/1.1 302 Found\r\n\r\n", True, "status 302"),
        (b"HTTP/1.1 404 Not Found\r\n\r\n", False, "status 404"),
        (b"HTTP/1.1 503 No\r\n\r\n", False, "status 503"),
        (b"SSH-2.0-x\r\n", False, "the answer is not HTTP"),
        (b"", False, "the answer is not HTTP"),
        (b"x" * 20_000, False, "Separator"),
        (None, False, "no answer within 0.3 s"),
    ],
)
async def test_http(runner: Runner, answer: bytes | None, passed: bool, detail: str):
    asked: list[bytes] = []
    done = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        if answer is None:
            await reader.read()
        else:
            writer.write(answer)
        writer.close()
        done.set()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    reading = await read_check(
        Check(kind="http", url=f"http://127.0.0.1:{port}/health?a=1"), runner, timeout=0.3
    )
    assert (reading.passed, detail in reading.detail) == (passed, True), reading
    assert asked[0].startswith(b"GET /health?a=1 HTTP/1.1\r\nHost: 127.0.0.1:")
    await done.wait()
    server.close()
    await server.wait_closed()
    await asyncio.sleep(0.01)


async def test_tcp(runner: Runner):
    server = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    check = Check(kind="tcp", host="127.0.0.1", port=port)
    assert (await read_check(check, runner)).passed
    server.close()
    await server.wait_closed()
    reading = await read_check(check, runner)
    assert not reading.passed and reading.detail == "connection refused"


async def test_argv(runner: Runner):
    assert (await read_check(Check(kind="argv", argv=("/bin/true",)), runner)).passed
    reading = await read_check(Check(kind="argv", argv=("/bin/sh", "-c", "echo no; exit 2")), runner)
    assert not reading.passed and reading.detail == "ended with 2: no"
