"""Health checks: does a service answer an HTTP GET or take a TCP connection in time? To the spool.

HTTP is up when the status is below 400; redirects are not followed. The exchange is spoken here, on
asyncio's streams, because it is one line each way and a client library would double the agent's memory.
"""

from __future__ import annotations

import asyncio
import os
import ssl
import time
from collections.abc import Callable
from contextlib import suppress
from urllib.parse import urlsplit

from ..config import Probe
from . import Point, point


async def ask(probe: Probe) -> str | None:
    """Return None when the service answers well within the time-out, else why not."""
    try:
        async with asyncio.timeout(probe.timeout):
            return await (_http(probe.http) if probe.http is not None else _tcp(probe.tcp or ""))
    except TimeoutError:
        return f"no answer in {probe.timeout:g} s"
    except (OSError, ssl.SSLError, ValueError, asyncio.IncompleteReadError) as error:
        number = getattr(error, "errno", None)
        return (
            os.strerror(number)
            if isinstance(number, int) and number > 0
            else str(error) or type(error).__name__
        )


async def _tcp(address: str) -> str | None:
    host, _, port = address.rpartition(":")
    _, writer = await asyncio.open_connection(host.strip("[]"), int(port))
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()
    return None


async def _http(address: str) -> str | None:
    parts = urlsplit(address)
    secure = ssl.create_default_context() if parts.scheme == "https" else None
    reader, writer = await asyncio.open_connection(
        parts.hostname, parts.port or (443 if secure else 80), ssl=secure
    )
    try:
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        writer.write(
            f"GET {target} HTTP/1.1\r\nHost: {parts.netloc.rpartition('@')[2]}\r\nUser-Agent: sra-agent\r\n"
            "Accept: */*\r\nConnection: close\r\n\r\n".encode()
        )
        await writer.drain()
        line = (await reader.readline()).decode("latin-1").split()
        if len(line) < 2 or not line[0].startswith("HTTP/") or not line[1].isdigit():
            return "the answer is not HTTP"
        return None if int(line[1]) < 400 else f"status {line[1]}"
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


def _status(trouble: str) -> float:
    """Return the status in HTTP with which a check was answered, 0 where nobody answered."""
    word, _, number = trouble.partition(" ")
    return float(number) if word == "status" and number.isdigit() else 0.0


async def watch(probe: Probe, keep: Callable[[list[Point]], None], stop: asyncio.Event) -> None:
    """Ask again and again until told to stop, and hand over whether it was up and how long it took."""
    while not stop.is_set():
        began = time.monotonic()
        trouble = await ask(probe)
        seconds = time.monotonic() - began
        now = time.time()
        tags = {"probe": probe.name, "target": probe.target}
        # first why it failed, so that whoever reads in order knows it with the failure
        keep(
            [
                *([point("probe.status", _status(trouble), now, service=probe.service, **tags)]
                  if trouble and probe.http is not None else ()),
                point("probe.up", 0.0 if trouble else 1.0, now, service=probe.service, **tags),
                point("probe.seconds", seconds, now, unit="seconds", service=probe.service, **tags),
            ]
        )
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), max(0.0, probe.seconds - seconds))
