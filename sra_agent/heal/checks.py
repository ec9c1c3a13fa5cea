"""Carry out the checks of the policy: HTTP, TCP, a program. From verify; to the service and back.

HTTP is spoken by hand over asyncio, so that an idle executor loads no client library.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from urllib.parse import urlsplit

from .policy import Check
from .run import Runner

TIMEOUT = 5.0
_PROGRAM_TIMEOUT = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One check, once: did it pass, and what was seen."""

    text: str
    passed: bool
    detail: str


async def read_check(check: Check, runner: Runner, timeout: float = TIMEOUT) -> Reading:
    """Carry out a check once; whatever goes wrong is a check that did not pass."""
    try:
        if check.kind == "argv":
            ran = await runner.run(check.argv, _PROGRAM_TIMEOUT)
            seen = "timed out" if ran.timed_out else f"ended with {ran.exit_code}"
            return Reading(
                text=check.text, passed=ran.ok, detail=f"{seen}: {ran.output[-200:].strip()}".rstrip(": ")
            )
        async with asyncio.timeout(timeout):
            if check.kind == "tcp":
                await _connects(check.host, check.port)
                return Reading(text=check.text, passed=True, detail="connected")
            status = await _http_status(check.url)
            return Reading(text=check.text, passed=200 <= status < 400, detail=f"status {status}")
    except TimeoutError:
        return Reading(text=check.text, passed=False, detail=f"no answer within {timeout:g} s")
    except (OSError, EOFError, ValueError) as problem:
        return Reading(text=check.text, passed=False, detail=_why(problem))


def _why(problem: Exception) -> str:
    if isinstance(problem, ConnectionRefusedError):
        return "connection refused"
    return (str(problem) or type(problem).__name__)[:200]


async def _connects(host: str, port: int) -> None:
    _, writer = await asyncio.open_connection(host, port)
    await _close(writer)


async def _http_status(url: str) -> int:
    parts = urlsplit(url)
    secure = parts.scheme == "https"
    port = parts.port or (443 if secure else 80)
    reader, writer = await asyncio.open_connection(parts.hostname, port, ssl=secure or None, limit=8192)
    try:
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        writer.write(
            f"GET {path} HTTP/1.1\r\nHost: {parts.netloc}\r\nUser-Agent: sra-executor\r\n"
            "Accept: */*\r\nConnection: close\r\n\r\n".encode("ascii")
        )
        await writer.drain()
        words = (await reader.readline()).split(None, 2)
    finally:
        await _close(writer)
    if len(words) < 2 or not words[0].startswith(b"HTTP/") or not words[1].isdigit():
        raise ValueError("the answer is not HTTP")
    return int(words[1])


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(OSError, TimeoutError):
        await asyncio.wait_for(writer.wait_closed(), 1.0)
