"""Joins the shipper's parts and runs them: the only module that knows them all. From the command line or
any asyncio program; to reading, ship, relay and measure.

Reading, sending and measuring block, so each has a thread of its own; the relay and the probes live in the
event loop. A spool that is found damaged is moved aside, and the parts begin anew.
"""

from __future__ import annotations

import asyncio
import logging
import resource
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

from sra_sdk.errors import BadInput

from . import __version__, peer, systemd
from .backoff import Backoff
from .config import AgentConfig
from .connection import Answer, Connection
from .ends import ask_ends
from .measure import Collector, probes
from .measure.disks import Disks
from .measure.gather import Gather
from .measure.host import Host
from .measure.listeners import Listeners
from .measure.processes import Processes
from .reading import Reading
from .relay import Relay
from .ship import Sender
from .spool import Spool
from .spool_file import Lock, NoRoom, SpoolLost

log = logging.getLogger("sra.agent")
STALLED_SECONDS = 60.0
NO_ROOM_SECONDS = 1.0
LOOK_SECONDS = 1.0
OPEN_FILES = 16_384  # 5,000 that are followed, those rotated away from them, and what else there is
TELL_SECONDS = 3.0  # at least between two words about troubles that come and go


class Agent:
    """The agent, for any asyncio program: `async with Agent(config): ...` or `await Agent(config).run()`."""

    def __init__(self, config: AgentConfig) -> None:
        if not config.key:
            raise BadInput(
                "key is missing",
                code="config_invalid",
                hint="Make one with `sra keys create`, then give --key or set SRA_API_KEY.",
            )
        self.config = config
        self._stop = asyncio.Event()
        self._started = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._parts: Parts | None = None
        self._last: dict[str, Any] = {}

    async def __aenter__(self) -> Agent:
        """Start, and return once files are being looked at."""
        self._task = asyncio.create_task(self.run())
        started = asyncio.create_task(self._started.wait())
        await asyncio.wait((self._task, started), return_when=asyncio.FIRST_COMPLETED)
        started.cancel()
        if self._task.done():
            await self._task
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop: send what is left for at most `drain_seconds`, then end."""
        self.stop()
        if self._task is not None:
            await self._task

    def stop(self) -> None:
        """Ask the agent to end."""
        self._stop.set()

    def counters(self) -> dict[str, Any]:
        """Return what became of everything: written = stored + dropped + spooled."""
        return self._parts.counters() if self._parts is not None else self._last

    async def run(self) -> None:
        """Run until `stop` is called or the task is cancelled."""
        folder = Path(self.config.state_dir)
        lock = Lock(folder)
        try:
            damaged: SpoolLost | None = None
            while not self._stop.is_set():
                try:
                    spool = Spool.open(
                        folder, host=self.config.host, cap=self.config.spool_bytes, damaged=damaged
                    )
                except (NoRoom, OSError) as error:
                    log.warning(
                        "nothing is read before the disk is well: %s", error, extra={"action": "spool"}
                    )
                    with suppress(TimeoutError):
                        await asyncio.wait_for(self._stop.wait(), NO_ROOM_SECONDS)
                    continue
                self._parts = Parts(self.config, spool)
                try:
                    await self._parts.run(self._stop, self._started)
                except* SpoolLost as lost:
                    damaged = next(error for error in lost.exceptions if isinstance(error, SpoolLost))
                except* NoRoom as full:
                    damaged = None
                    log.warning("the agent waits: %s", full.exceptions[0], extra={"action": "spool"})
                    await asyncio.sleep(LOOK_SECONDS)
                else:
                    damaged = None
                finally:
                    self._last = self._parts.counters()
                    self._parts = None
                    spool.close()
        finally:
            lock.release()


class Parts:
    """The parts around one spool, from their start to their end."""

    def __init__(self, config: AgentConfig, spool: Spool) -> None:
        self._config, self._spool = config, spool
        self._pool = ThreadPoolExecutor(max_workers=8, thread_name_prefix="sra-agent")
        self._halt = threading.Event()  # reading and measuring end
        self._end = threading.Event()  # sending ends
        self._quiet = asyncio.Event()  # probes end
        self._give_up = float("inf")
        self._announced: tuple[list[str], tuple[str, ...], int] | None = None  # see `_to_announce`
        self._links = {
            name: Connection(config.server, config.key) for name in ("ends", "ship", "poll", "post")
        }
        self._reading = Reading(
            config, spool, lambda: self._pool.submit(ask_ends, self._links["ends"], config.host, self._halt)
        )
        self._sender = Sender(spool, self._links["ship"], host=config.host)
        collectors: tuple[Collector, ...] = ()
        if config.metrics_seconds:
            collectors = (Host(), Disks(), Processes(), Listeners())
        self._gather = Gather(spool, collectors, seconds=config.metrics_seconds)
        without = "this agent runs without an executor" if config.executor == "off" else None
        self._relay = Relay(
            host=config.host,
            announce=self.announcement,
            poll=self._links["poll"],
            post=self._links["post"],
            run_blocking=self._answer,
            without=without,
        )

    def _blocking(self, work: Callable[[], None]) -> asyncio.Future[None]:
        return asyncio.get_running_loop().run_in_executor(self._pool, work)

    async def _answer(self, work: Callable[[], Answer]) -> Answer:
        return await asyncio.get_running_loop().run_in_executor(self._pool, work)

    async def run(self, stop: asyncio.Event, started: asyncio.Event) -> None:
        """Run all parts; return when stopped, raise what broke one of them."""
        try:
            async with asyncio.TaskGroup() as group:
                inward = [
                    group.create_task(self._part(self._reading.run, self._halt)),
                    group.create_task(self._part(self._gather.run, self._halt)),
                ]
                sending = group.create_task(self._part(self._send, self._end))
                others = [group.create_task(self._relay.run()), group.create_task(self._watchdog())]
                others.append(group.create_task(self._telling()))
                others += [group.create_task(self._executor())] if self._config.executor != "off" else []
                inward += [
                    group.create_task(probes.watch(probe, self._gather.keep, self._quiet))
                    for probe in self._config.probes
                ]
                while not self._reading.looking.is_set():
                    await asyncio.sleep(0.005)  # what is written after the start is news, not history
                systemd.notify("READY=1")
                started.set()
                await stop.wait()
                systemd.notify("STOPPING=1")
                self._inward_ends()
                await asyncio.wait(inward)
                self._give_up = time.monotonic() + self._config.drain_seconds
                self._end.set()
                self._spool.news.set()
                await asyncio.wait((sending,), timeout=self._config.drain_seconds)
                self._abort()
                for task in others:
                    task.cancel()
        finally:
            self._inward_ends()
            self._give_up = 0.0
            self._end.set()
            self._abort()
            self._spool.news.set()
            self._pool.shutdown(wait=True, cancel_futures=True)
            for link in self._links.values():
                link.close()

    def _inward_ends(self) -> None:
        self._halt.set()
        self._quiet.set()
        self._links["ends"].abort()

    def _abort(self) -> None:
        for link in self._links.values():
            link.abort()

    async def _part(self, work: Callable[[threading.Event], None], stop: threading.Event) -> None:
        await self._blocking(lambda: work(stop))

    def _send(self, stop: threading.Event) -> None:
        self._sender.run(stop)
        self._sender.drain(lambda: time.monotonic() >= self._give_up)

    async def _executor(self) -> None:
        """Keep the executor at hand, with growing pauses when it does not stay."""
        backoff, config = Backoff(), self._config
        while True:
            began = time.monotonic()
            try:
                where = (
                    peer.child(Path(config.state_dir), config.policy, config.host)
                    if config.executor == "child"
                    else peer.unit(config.executor)
                )
                async with where as (reader, writer):
                    await self._relay.serve(reader, writer)
            except OSError as error:
                log.warning("the executor cannot be reached: %s", error, extra={"action": "executor"})
            if time.monotonic() - began > STALLED_SECONDS:
                backoff.succeeded()
            await asyncio.sleep(backoff.failed())

    async def _watchdog(self) -> None:
        seconds = systemd.watchdog_seconds()
        while seconds is not None:
            if (
                time.monotonic() - self._reading.view.at < STALLED_SECONDS
                or self._spool.fact("ends_known") != "1"
            ):
                systemd.notify("WATCHDOG=1")
            await asyncio.sleep(seconds)

    def _troubles(self) -> list[str]:
        spool = [self._spool.trouble] if self._spool.trouble else []
        return [*spool, *self._reading.view.problems, *self._gather.problems()]

    def _to_announce(self, troubles: list[str]) -> tuple[list[str], tuple[str, ...], int]:
        """Return what is told at once when it changes: troubles, watched files, how many spools were lost."""
        return troubles, self._reading.view.watches, self._spool.counters()["spools_lost"]

    async def _telling(self) -> None:
        """Name each trouble in the log when it begins, and tell the server when they change."""
        named: dict[str, float] = {}
        while True:
            now, troubles = time.monotonic(), self._troubles()
            for trouble in troubles:
                if trouble not in named:
                    log.warning("cannot watch or keep everything: %s", trouble, extra={"action": "trouble"})
            named = {trouble: at for trouble, at in named.items() if now - at < STALLED_SECONDS}
            named |= dict.fromkeys(troubles, now)
            changed = self._announced not in (None, self._to_announce(troubles))
            if changed:
                self._relay.announce_soon()
            await asyncio.sleep(TELL_SECONDS if changed else LOOK_SECONDS)

    def counters(self) -> dict[str, Any]:
        """Return the balance of the spool and what else is counted."""
        return {
            **self._spool.counters(),
            "lines": self._reading.view.lines,
            "batches": self._sender.batches,
            "answers_dropped": self._relay.answers_dropped,
        }

    def announcement(self) -> dict[str, Any]:
        """Return what this agent says of itself and of what it watches."""
        view = self._reading.view
        troubles = self._troubles()
        self._announced = self._to_announce(troubles)
        watches = [*view.watches, *(f"probe {probe.name}: {probe.target}" for probe in self._config.probes)]
        watches += ["host measurements"] if self._config.metrics_seconds else []
        services = sorted({*view.services, *(probe.service for probe in self._config.probes)})
        return {
            "host": self._config.host,
            "agent_version": __version__,
            "boot_id": boot_id(),
            "watches": watches[:1000],
            "cannot_watch": troubles[:1000],
            "services": services[:10_000],
            "counters": self.counters(),
        }


def boot_id() -> str:
    """Return what tells this start of the machine from the one before."""
    with suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    return "unknown"


def allow_open_files() -> None:
    """Allow this process as many open files as it may ever follow, if its host lets it have so many."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, OPEN_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def run(config: AgentConfig) -> int:
    """Run as a program: until SIGTERM or SIGINT; return the exit code."""

    async def main() -> None:
        agent = Agent(config)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, agent.stop)
        await agent.run()

    allow_open_files()
    asyncio.run(main())
    return 0
