"""A real HTTP server that takes webhooks: keeps every request, answers as it is told. For tests of notify."""
from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web


@dataclass(slots=True)
class Receiver:
    """What came, and what the next requests are answered: (status, headers, seconds to wait)."""

    url: str = ""
    requests: list[tuple[dict[str, str], Any]] = field(default_factory=list)
    answers: list[tuple[int, dict[str, str], float]] = field(default_factory=list)
    came: asyncio.Condition = field(default_factory=asyncio.Condition)

    @property
    def bodies(self) -> list[Any]:
        return [body for _, body in self.requests]

    async def take(self, request: web.Request) -> web.Response:
        body = json.loads(await request.text())
        async with self.came:
            self.requests.append((dict(request.headers), body))
            self.came.notify_all()
        status, headers, wait = self.answers.pop(0) if self.answers else (200, {}, 0.0)
        await asyncio.sleep(wait)
        return web.Response(status=status, headers=headers, text="ok" if status == 200 else "no")

    async def until(self, count: int, seconds: float = 10.0) -> list[Any]:
        """Wait until so many requests came; return their bodies."""
        async with asyncio.timeout(seconds), self.came:
            await self.came.wait_for(lambda: len(self.requests) >= count)
        return self.bodies


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    """Run a receiver on a free port."""
    receiver = Receiver()
    app = web.Application()
    app.router.add_post("/{path:.*}", receiver.take)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook/T0/secret"
    try:
        yield receiver
    finally:
        await runner.cleanup()
