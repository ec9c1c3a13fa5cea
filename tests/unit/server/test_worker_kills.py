"""Killing the worker anywhere and starting another gives the incidents of a run that nobody disturbed.

The undisturbed run has one worker, which keeps in memory what it learned; it also tells which crash points
and which statements each step passes. The other run dies at some of those, and each time a new worker, which
knows only what was committed, does the step again. So a round must commit all or nothing, and the next
process must find in the database everything that the last one knew.
"""
from __future__ import annotations

import asyncio
import itertools
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, event, select, update

from sra_server import rounds, tenancy
from sra_server import worker as worker_module
from sra_server.config import ServerConfig
from sra_server.domain.record import SECOND
from sra_server.domain.silence import Silence
from sra_server.store import Store, accounts, batches, casefile, heads, incidents, silences, timeline
from sra_server.store.batches import NewPoint, NewRecord
from sra_server.store.schema import leases as leases_table
from sra_server.store.schema import outbox as outbox_table
from sra_server.worker import Worker

from .making import NOW
from .test_worker import Context

CRASH_POINTS = frozenset({"worker.read", "worker.begun", "worker.applied", "worker.told", "worker.commit",
                          "worker.committed"})
#: Every statement and every commit is a place, too: the worker is cancelled while the database works on it.
STATEMENT = "statement"
UNFINISHED = "unfinished"
TARGET = '{"probe": "p", "target": "http://127.0.0.1:8081/health"}'
REFUSED = "GET http://127.0.0.1:8081/stock failed: Connection refused"
TEXTS = ("could not extend file: No space left on device", REFUSED, "deadlock detected",
         "panic: runtime error: nil", "all is well")
_numbers = itertools.count()


class Killed(BaseException):
    """The process died here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """One batch: how long after the last it comes, how many lines of a service, and one point."""

    gap: float
    service: str = "shop"
    text: str = ""
    times: int = 1
    level: int = 40
    up: int | None = None  # what the health check of inventory says
    measured: str = ""  # a host that is measured


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What comes before the worker looks again; nothing: a tick. `spared`: no death is drawn here."""

    sent: tuple[Sent, ...] = ()
    wait: float = 0
    spared: bool = False


def logins(first: int) -> list[Step]:
    """Five failed logins are a trouble, and no batch has five."""
    text = "Failed password for deploy from 203.0.113.9 port 40022 ssh2"
    return [Step(sent=(Sent(gap=5, service="sshd", text=text, times=times),)) for times in (first, 5 - first)]


def restart(returns: bool) -> list[Step]:
    """Who was stopped has a grace, which those who call it have, too."""
    return [
        Step(sent=(Sent(gap=5, up=1),)),
        Step(sent=(Sent(gap=5, service="inventory", text="Received SIGTERM, shutting down", level=30),)),
        Step(sent=(Sent(gap=3, text=REFUSED, times=4),)),
        Step(sent=(Sent(gap=4, up=int(returns)),)),
        Step(sent=(Sent(gap=12, text="all is well", level=20) if returns
                   else Sent(gap=12, text=REFUSED, times=4),)),
    ]


def strange(per_batch: int) -> list[Step]:
    """What a service never wrote in a quarter of an hour comes often, a part of it in each batch."""
    text = "the ledger of the day does not add up"
    return [Step(sent=(Sent(gap=1, service="ledger", text="all is well", level=20),)),
            Step(sent=(Sent(gap=17 * 60, service="ledger", text=text, times=per_batch),)),
            Step(sent=(Sent(gap=1, service="ledger", text=text, times=per_batch),))]


def check(passes: int) -> list[Step]:
    """One failure of a health check is nothing, two are a trouble, three passes its end."""
    return [Step(sent=(Sent(gap=6, up=up),)) for up in (0, 0, *[1] * passes)]


def flap(pause: int) -> list[Step]:
    """A trouble ends by its quiet and comes back."""
    full = Step(sent=(Sent(gap=5, service="db", text="could not extend file: No space left on device"),))
    alive = Step(sent=(Sent(gap=pause, service="db", text="all is well", level=20),))
    return [full, alive, alive, Step(wait=5), full]


def silent(waits: int) -> list[Step]:
    """A host has a rhythm and then is not heard of.

    While it is silent no death is drawn, for whoever begins to listen only then must tell it later.
    """
    measured = Sent(gap=10, measured="db-1")
    return [Step(sent=(measured,) * 14), Step(sent=(measured,)), Step(sent=(Sent(gap=5, text="well"),)),
            *[Step(wait=55, spared=True)] * (6 + waits)]


def noise(sent: Sent) -> list[Step]:
    """Let one batch come, and after it a moment."""
    return [Step(sent=(sent,)), Step(wait=2)]


ACTS = st.one_of(
    st.builds(logins, st.integers(1, 4)), st.builds(check, st.integers(0, 3)),
    st.builds(strange, st.integers(18, 25)), st.builds(flap, st.integers(12, 30)),
    st.builds(silent, st.integers(0, 2)),
    st.builds(noise, st.builds(Sent, gap=st.integers(0, 40), service=st.sampled_from(["shop", "inventory"]),
                               text=st.sampled_from(TEXTS), times=st.integers(1, 6))))
#: A restart is in each, for its grace is the shortest memory and so the most seldom met by a death.
STREAMS = st.tuples(st.lists(ACTS, max_size=1), st.builds(restart, st.booleans()),
                    st.lists(ACTS, min_size=1, max_size=2)).map(
    lambda acts: list(itertools.chain(*acts[0], acts[1], *acts[2])))


@pytest.fixture
def died_at() -> Iterator[set[str]]:
    """Give where to note the places of all deaths; in the end none is left out, unless an example failed."""
    places: set[str] = set()
    yield places
    if UNFINISHED not in places:
        assert places == {*CRASH_POINTS, STATEMENT}


@dataclass
class Story:
    """One account's batches, and what became of the workers that folded them."""

    store: Store
    #: Step → which passings are deadly: one for each attempt at the step.
    deaths: dict[int, list[int]] = field(default_factory=dict)
    #: Step → the places that its first attempt passed, in order.
    passed: dict[int, list[str]] = field(default_factory=dict)
    killed: list[str] = field(default_factory=list)
    account: str = field(default_factory=lambda: f"story-{next(_numbers)}")

    def __post_init__(self) -> None:
        config = ServerConfig(quiet_seconds=20.0, webhook_url="http://127.0.0.1:9/x")
        self.context = Context(self.store, config=config)
        self._work: asyncio.Task[None] | None = None
        self._trail: list[str] = []
        self._deadly: int | None = None

    def pass_by(self, place: str) -> None:
        """Note the place, and die at it if it is the one."""
        if self._work is None or asyncio.current_task() is not self._work:
            return
        self._trail.append(place)
        if len(self._trail) - 1 != self._deadly:
            return
        self.killed.append(place)
        if place == STATEMENT:
            self._work.cancel()
        else:
            raise Killed(place)

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Have the worker pass by here at its crash points and with each statement and commit."""
        def on_statement(*_: object) -> None:
            self.pass_by(STATEMENT)

        with pytest.MonkeyPatch.context() as patched:
            for module in (rounds, worker_module):
                patched.setattr(module, "crashpoint", self.pass_by)
            # a lease that is renewed by the real clock would be passed by chance
            patched.setattr(tenancy, "LEASE", 3600.0)
            patched.setattr(tenancy, "RENEW", 1200.0)
            for name in ("before_cursor_execute", "commit"):
                event.listen(Engine, name, on_statement)
            try:
                yield
            finally:
                for name in ("before_cursor_execute", "commit"):
                    event.remove(Engine, name, on_statement)

    async def tell(self, steps: list[Step]) -> None:
        """Let everything come to pass."""
        quiet = Silence(id="sil_1", service="shop", host="", cls="", why="w", created_by="a", created_at=NOW,
                        starts_at=NOW, ends_at=NOW + 45 * SECOND)
        async with self.store.writing() as conn:
            await accounts.ensure_account(conn, self.account, name="x", at=1)
            await silences.add(conn, self.account, quiet)
        worker = Worker(self.context)
        with self.watched():
            for number, step in enumerate(steps):
                for sent in step.sent:
                    await self.send(sent)
                self.context.at += int(step.wait * SECOND)
                deaths = list(self.deaths.get(number, ()))
                while not await self.survives(number, worker, step, deaths.pop(0) if deaths else None):
                    await self.run_out()
                    worker = Worker(self.context)

    async def run_out(self) -> None:
        """Let the lease of the dead end, where there is one."""
        async with self.store.writing() as conn:
            await conn.execute(update(leases_table).values(expires_at=0))

    async def send(self, sent: Sent) -> None:
        self.context.at += int(sent.gap * SECOND)
        at = self.context.at
        lines = [NewRecord(at=at + n, level=sent.level, service=sent.service, host="web-1", message=sent.text)
                 for n in range(sent.times) if sent.text]
        points = []
        if sent.up is not None:
            points.append(NewPoint(at=at, name="probe.up", value=float(sent.up), service="inventory",
                                   host="web-1", tags=TARGET))
        if sent.measured:
            points.append(NewPoint(at=at, name="system.load1", value=1.0, service="", host=sent.measured,
                                   tags="{}"))
        await batches.append(self.store, self.account, received_at=at, records=lines, points=points)

    async def survives(self, number: int, worker: Worker, step: Step, deadly: int | None) -> bool:
        """Let the worker do one step of the story; say whether it lived to its end."""
        self._trail, self._deadly = [], deadly
        self._work = asyncio.create_task(self.work(worker, step))
        before = len(self.killed)
        await asyncio.wait([self._work])
        dead = self._work.cancelled() or isinstance(self._work.exception(), Killed)
        if not dead:
            self._work.result()
        self._work = None
        assert dead == (len(self.killed) > before), "who is killed must not go on"
        self.passed.setdefault(number, self._trail)
        return not dead

    async def work(self, worker: Worker, step: Step) -> None:
        """Do what run() does between two waits: fold what there is, then let time pass."""
        skip = {f"story-{n}" for n in range(int(self.account.partition("-")[2]))}
        while await worker.step(self.account):
            pass
        await worker.tick(skip=frozenset(skip | {self.account} if step.sent else skip))

    async def outcome(self) -> dict[str, Any]:
        """Return all that came of it, with ids by their order."""
        async with self.store.reading() as conn:
            found = sorted(await incidents.active(conn, self.account, resolved_since=0),
                           key=lambda each: (each.created_at, each.fingerprints))
            head = await heads.load(conn, self.account)
            assert head is not None
            outbox = outbox_table.c
            messages = await conn.execute(select(outbox.kind, outbox.created_at, outbox.channel, outbox.body)
                                          .where(outbox.account_id == self.account))
            result = {
                "incidents": [repr(each) for each in found],
                "timelines": [[(entry.at, entry.kind, entry.actor, entry.text)
                               for entry in await timeline.of(conn, self.account, each.id)]
                              for each in found],
                "evidence": [[(piece.at, piece.text, piece.service, piece.line)
                              for piece in await casefile.evidence_of(conn, self.account, each.id)]
                             for each in found],
                "messages": sorted(json.dumps(tuple(row), sort_keys=True) for row in messages),
                "cursor": (head.cursor, head.lag),
                "state": known(head.state),
            }
        text = re.sub(r'\b([rp]\d+)-\d+-', r"\1-", json.dumps(result))
        for number, each in enumerate(found):
            text = text.replace(each.id, f"incident {number}")
        return dict(json.loads(text))


def known(state: str | None) -> Any:
    """Return what is remembered, but for when absence last looked: who only just began to listen does not."""
    stored = json.loads(state or "{}")
    for name, (_, items) in stored.get("detectors", {}).items():
        if any(each[0] == "looked" for each in items):
            items[:] = [each for each in items if each[0] != "looked"]
            stored["used"].pop(name, None)  # it counts that look, too
    return stored


def deaths_of(passed: dict[int, list[str]], steps: list[Step]) -> st.SearchStrategy[list[tuple[int, int]]]:
    """Return where to die: at (step, passing), each crash point as often, and statements three times so."""
    places: dict[str, list[tuple[int, int]]] = {}
    for number, trail in passed.items():
        for index, place in enumerate(trail):
            if not steps[number].spared:
                places.setdefault(place, []).append((number, index))
    kinds = [*sorted(CRASH_POINTS), *[STATEMENT] * 3]
    return st.lists(st.one_of(*(st.sampled_from(places[kind]) for kind in kinds)), min_size=3, max_size=9)


@settings(
    max_examples=25, deadline=None, derandomize=True,
    phases=[Phase.explicit, Phase.generate],  # a failure is told at once; an example takes long
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data(), steps=STREAMS)
async def test_the_same_incidents_whatever_died_on_the_way(store: Store, died_at: set[str], data: Any,
                                                           steps: list[Step]) -> None:
    died_at.add(UNFINISHED)
    alone = Story(store)
    await alone.tell(steps)
    assert set(itertools.chain(*alone.passed.values())) == {*CRASH_POINTS, STATEMENT}
    assert not alone.killed

    drawn = data.draw(deaths_of(alone.passed, steps), label="deaths")
    deaths: dict[int, list[int]] = {}
    for number, index in drawn:
        deaths.setdefault(number, []).append(index)
    disturbed = Story(store, deaths=deaths)
    await disturbed.tell(steps)
    left, right = await alone.outcome(), await disturbed.outcome()
    for key, expected in left.items():
        assert right[key] == expected, key
    # a second death of one step may come too late for it: what was committed is not done again
    assert len(deaths) <= len(disturbed.killed) <= len(drawn)
    died_at.update(disturbed.killed)
    died_at.discard(UNFINISHED)
