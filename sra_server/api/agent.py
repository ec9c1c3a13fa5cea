"""/agent: hosts announce themselves, fetch tasks by long poll and answer them. To heal and store.hosts."""
from __future__ import annotations

import asyncio
import math
import time

from pydantic import Field

from sra_sdk.models import Announcement, AnnouncementOut, AnswerIn, Done, Incoming, TaskOut, TasksOut

from .. import __version__
from ..domain.analysis import Offer
from ..domain.record import SECOND
from ..heal import answer as answers
from ..heal import lease, resolve, switch
from ..notify.route import TOLD_AT_ONCE, Channels, of_remedy
from ..store import hosts, incidents
from . import identity
from .route import Call, Route

#: How long an agent should let a poll wait.
POLL = 25.0
#: A waiting poll looks again, and asks whether its key still holds, this often.
LOOK = 4.0
#: `last_seen` of a polling host is written this often.
SEEN_EVERY = 20 * SECOND
#: So long after it began, a poll clears what was noted late of the one before: above LOOK, below hosts.BACK.
LATE = 8.0


class Poll(Incoming):
    """Whose tasks, and how long to wait for one."""

    host: str = Field(min_length=1, max_length=200)
    wait: float = Field(POLL, ge=0, le=30)


async def hello(call: Call) -> AnnouncementOut:
    """Take in what an agent says of its host."""
    said: Announcement = call.body
    account_id = call.principal.account_id
    host = hosts.Host(
        host=said.host, agent_version=said.agent_version, boot_id=said.boot_id, last_seen=call.now(),
        watches=said.watches, cannot_watch=said.cannot_watch, services=said.services,
        policy_hash=said.policy_hash, policy_problem=said.policy_problem, counters=said.counters)
    offers = [Offer(host=said.host, service=o.service, action=o.action, platform=o.platform, mode=o.mode)
              for o in said.inventory]
    async with call.store.writing(urgent=True) as conn:
        await hosts.announce(conn, account_id, host, offers)
        for remedy in await lease.waiting(conn, account_id, said.host):
            # A new agent knows nothing of what the old was asked.
            call.context.asked.forget(remedy.task_token or "")
    return AnnouncementOut(account_id=account_id, poll_seconds=POLL, server_version=__version__)


async def tasks(call: Call) -> TasksOut:
    """Wait for tasks of a host; an execution is given out once."""
    asked: Poll = call.query
    account_id, wakeups = call.principal.account_id, call.store.wakeups
    if call.request.method == "HEAD":
        return TasksOut(tasks=[])
    await _note_seen(call, asked.host)
    loop = asyncio.get_running_loop()
    until, late = loop.time() + asked.wait, loop.time() + LATE
    while True:
        since = wakeups.mark()
        found = await _collect(call, asked.host)
        left = until - loop.time()
        if _gone(call):
            await _note_lost(call, asked.host)
            return TasksOut(tasks=found)
        if found or left <= 0 or wakeups.stopped:
            return TasksOut(tasks=found)
        if loop.time() >= late:
            late = math.inf
            await _note_seen(call, asked.host)
        await wakeups.wait(f"host:{account_id}:{asked.host}", min(left, LOOK), since=since)
        principal = await identity.principal_of(
            call.request, store=call.store, now=call.now(), auth="key",
            admin_key=call.context.config.admin_api_key)
        principal.require("ingest")


def _gone(call: Call) -> bool:
    """Say whether the agent hung up: what is handed to nobody is lost."""
    transport = call.request.transport
    return transport is None or transport.is_closing()


async def _note_seen(call: Call, name: str) -> None:
    async with call.store.reading() as conn:
        host = await hosts.get(conn, call.principal.account_id, name)
    if call.now() - host.last_seen >= SEEN_EVERY or host.lost_at is not None:
        async with call.store.writing() as conn:
            await hosts.heard(conn, call.principal.account_id, name, call.now())


async def _note_lost(call: Call, name: str) -> None:
    """Note for every server to see that the agent hung up."""
    async with call.store.writing() as conn:
        await hosts.lost(conn, call.principal.account_id, name, call.now())


async def _collect(call: Call, host: str) -> list[TaskOut]:
    account_id = call.principal.account_id
    async with call.store.reading() as conn:
        waiting = await lease.waiting(conn, account_id, host)
    found = [lease.task_of(account_id, remedy) for remedy in waiting
             if remedy.status == "proposed"
             and call.context.asked.may(remedy.task_token or "", time.monotonic())]
    approved = [remedy for remedy in waiting if remedy.status == "approved"]
    if not approved or _gone(call):
        return found
    async with call.store.writing(urgent=True) as conn:
        on, _ = await switch.of(conn, account_id, call.context.config)
        for remedy in approved:
            task = await lease.hand_over(conn, account_id, remedy, dry_run=on, now=call.now())
            if task is not None:
                found.append(task)
    return found


async def answer(call: Call) -> Done:
    """Take in what a host says of a task; a repetition changes nothing."""
    said: AnswerIn = call.body
    account_id, now = call.principal.account_id, call.now()
    told = False
    async with call.store.writing(urgent=True) as conn:
        on, _ = await switch.of(conn, account_id, call.context.config)
        before, after = await answers.receive(conn, account_id, said, dry_run=on, now=now)
        if after != before and after.status in TOLD_AT_ONCE:
            incident = await incidents.get(conn, account_id, after.incident_id) if after.incident_id else None
            told = await of_remedy(conn, account_id, after, incident, at=now,
                                   channels=Channels.of(call.context.config))
    if after == before:
        return Done(status="unchanged")
    wakeups = call.store.wakeups
    wakeups.notify(f"remedy:{account_id}:{after.id}")
    if after.status in ("approved", "proposed"):
        wakeups.notify(f"host:{account_id}:{after.host}")
    if resolve.undecided(after):
        wakeups.notify("outcomes")  # the worker passes the verdict
        wakeups.notify("batches")
    if told:
        wakeups.notify("outbox")
    return Done(status="accepted")


ROUTES: tuple[Route, ...] = (
    Route(method="POST", path="/agent/hello", handler=hello, tag="Agent", scope="ingest", body=Announcement,
          summary="Announce a host and its inventory", answer=AnnouncementOut, max_body=4 * 1024 * 1024),
    Route(method="GET", path="/agent/tasks", handler=tasks, tag="Agent", scope="ingest", query=Poll,
          summary="Wait for tasks of a host", answer=TasksOut, errors=(404,)),
    Route(method="POST", path="/agent/answers", handler=answer, tag="Agent", scope="ingest", body=AnswerIn,
          summary="Answer a task", answer=Done, errors=(404, 409)),
)
