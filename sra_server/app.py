"""Wiring: store, routes, worker and sender of messages, started and stopped together.

From `sra serve`, `sra up`, `sra demo` and the tests; nothing but this module joins the server's parts.
"""
from __future__ import annotations

import asyncio
import contextlib
import errno
import gc
import logging
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiohttp import web

from sra_sdk.errors import BadInput, Unavailable

from .api import ROUTES, middleware
from .api.body import SENT_LIMIT
from .api.listener import Runner
from .api.route import Context, bind
from .config import ServerConfig
from .notify.send import Sender
from .store import Store, accounts
from .upkeep import Upkeep
from .worker import Worker

log = logging.getLogger(__name__)

#: A connection may take so long to send its headers, or idle between two requests.
HEADER_SECONDS = 15.0
#: After an answer that did not wait for its request's body, the rest of it is awaited for so long.
LINGER_SECONDS = 2.0
#: How long one thread may keep Python to itself while another wants it. A database's thread needs it a moment
#: for each statement, and would wait the usual 5 ms each time while requests are decoded.
SWITCH_SECONDS = 0.0001
#: What hinders a server that was told rightly where to listen, and what helps.
HINDERED = {
    errno.EADDRINUSE: "end what listens there, or choose another --port",
    errno.EACCES: "choose a --port from 1024 on, or let this user have the lower ones",
}
#: Requests in progress get so long to end when the server stops.
STOP_SECONDS = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A server at work. A background task that ends is a failure of the server.

    `url` is empty where the role is "worker": it listens nowhere.
    """

    url: str
    tasks: tuple[asyncio.Task[None], ...]


def now() -> int:
    """Return the time in epoch microseconds."""
    return time.time_ns() // 1000


def application(context: Context) -> web.Application:
    """Return the aiohttp application with every route."""
    app = web.Application(middlewares=[middleware.errors], client_max_size=SENT_LIMIT)
    app.on_response_prepare.append(middleware.secure)
    for route in ROUTES:
        handler = bind(route, context)
        app.router.add_route(route.method, route.path, handler)
        if route.method == "GET":
            app.router.add_route("HEAD", route.path, handler)
    return app


@asynccontextmanager
async def serving(config: ServerConfig) -> AsyncIterator[str]:
    """Run the server in this event loop while the block runs; give its base URL."""
    async with running(config) as server:
        yield server.url


@asynccontextmanager
async def running(config: ServerConfig) -> AsyncIterator[Running]:
    """As `serving`, with the background tasks at hand."""
    store = await Store.open(config.database)
    try:
        if store.dialect == "sqlite" and config.role != "all":
            raise BadInput(f"role {config.role!r} needs PostgreSQL: one process owns an SQLite database",
                           code="bad_setting", hint="set database_url to a PostgreSQL, or leave role out")
        context = Context(config=config, store=store, clock=now)
        if config.admin_api_key is not None:
            async with store.writing() as conn:
                await accounts.ensure_account(conn, accounts.ADMIN_ACCOUNT, name="admin", at=now())
        async with _answering(context) as url:
            tasks = _background(context)
            try:
                yield Running(url=url, tasks=tasks)
            finally:
                await _stop(tasks)
    finally:
        await store.close()


def _background(context: Context) -> tuple[asyncio.Task[None], ...]:
    """Start what the role does besides answering."""
    if context.config.role == "api":
        return ()
    return (asyncio.create_task(Worker(context).run(), name="worker"),
            asyncio.create_task(Sender(context).run(), name="sender"),
            asyncio.create_task(Upkeep(context).run(), name="upkeep"))


@asynccontextmanager
async def _answering(context: Context) -> AsyncIterator[str]:
    """Answer requests while the block runs, if the role does; give the base URL."""
    if context.config.role == "worker":
        yield ""
        return
    runner = Runner(application(context), access_log=None, auto_decompress=False,
                    logger=middleware.Wire(logging.getLogger("aiohttp.server")),
                    keepalive_timeout=HEADER_SECONDS, lingering_time=LINGER_SECONDS,
                    shutdown_timeout=STOP_SECONDS)
    await runner.setup()
    try:
        yield await _listen(runner, context.config)
    finally:
        context.store.wakeups.stop()  # long polls end now, not at the deadline
        await runner.cleanup()


async def _listen(runner: web.AppRunner, config: ServerConfig) -> str:
    site = web.TCPSite(runner, config.host, config.port, reuse_address=True)
    try:
        await site.start()
    except (OSError, OverflowError) as error:
        text = f"cannot listen on {config.host}:{config.port}: {error}"
        if isinstance(error, OSError) and error.errno in HINDERED:
            raise Unavailable(text, code="cannot_listen", hint=HINDERED[error.errno]) from None
        raise BadInput(text, code="cannot_listen", hint="choose another --host or --port") from None
    host, port = runner.addresses[0][:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


async def _stop(tasks: tuple[asyncio.Task[None], ...]) -> None:
    for task in tasks:
        task.cancel()
    for task in tasks:
        with contextlib.suppress(asyncio.CancelledError):
            try:
                await task
            except Exception:
                log.exception("the %s had failed", task.get_name(), extra={"action": "task_failed"})


def run(config: ServerConfig) -> int:
    """Serve until SIGTERM or SIGINT; return the exit code: 1 if a part of the server ended by itself."""
    sys.setswitchinterval(SWITCH_SECONDS)
    return asyncio.run(_serve(config))


def _set_apart() -> None:
    """Let the garbage collection no longer look at what was made to start: it stays as long as the process.

    These half a million objects took 70 ms of each full collection, and every request waited for it.
    """
    gc.collect()
    gc.freeze()


async def _serve(config: ServerConfig) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with running(config) as server:
        _set_apart()
        sys.stdout.write(f"SRA listens on {server.url}\n" if server.url else "SRA works on what is stored\n")
        sys.stdout.flush()
        waiting = asyncio.create_task(stop.wait())
        await asyncio.wait((waiting, *server.tasks), return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if stop.is_set():
            return 0
    return 1
