"""Killing the worker anywhere and starting another gives the incidents of a run that nobody disturbed."""

from __future__ import annotations

import asyncio
import itertools
import re
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from sra_server import rounds
from sra_server import worker as worker_module
from sra_server.config import ServerConfig
from sra_server.domain.record import SECOND
from sra_server.domain.silence import Silence
from sra_server.store import Store, accounts, batches, casefile, heads, incidents, outbox, silences, timeline
from sra_server.store.batches import NewPoint, NewRecord
from sra_server.store.schema import outbox as outbox_table
from sra_server.worker import Worker

from .making import NOW
from .test_worker import Context

TEXTS = (
    "could not extend file: No space left on device",
    "GET http://127.0.0.1:8081/stock failed: Connection refused",
    "deadlock detected",
    "panic: runtime error: nil",
    "Received SIGTERM, shutting down",
    "all is well",
)
#: Seconds since the last, who writes, what, how often, and what its health check says (2: none).
EVENT = st.tuples(
    st.integers(0, 40),
    st.sampled_from(["shop", "inventory"]),
    st.sampled_from(TEXTS),
    st.integers(1, 6),
    st.integers(0, 2),
)
#: At which passing of a crash point to die, and after how many turns of the loop to be cancelled; 0: not.
KILL = st.tuples(st.integers(0, 6), st.integers(0, 40))
_numbers = itertools.count()


class Killed(BaseException):
    """The process died here."""


@pytest.fixture
def database_url(tmp_path: Any) -> str:
    return f"sqlite:///{tmp_path}/data/sra.db"


class Story:
    """One account's batches, and the worker that is killed or not."""

    def __init__(self, store: Store) -> None:
        self.account = f"story-{next(_numbers)}"
        config = ServerConfig(quiet_seconds=20.0, webhook_url="http://127.0.0.1:9/x")
        self.context = Context(store, config=config)
        self.left = 0

    def pass_by(self, name: str) -> None:
        """Stand for the crash points; the one counted down to is the last that runs."""
        self.left -= 1
        if self.left == 0:
            raise Killed(name)

    async def tell(self, events: list[Any], kills: list[tuple[int, int]]) -> None:
        store = self.context.store
        quiet = Silence(
            id="sil_1",
            service="shop",
            host="",
            cls="",
            why="w",
            created_by="a",
            created_at=NOW,
            starts_at=NOW,
            ends_at=NOW + 45 * SECOND,
        )
        async with store.writing() as conn:
            await accounts.ensure_account(conn, self.account, name="x", at=1)
            await silences.add(conn, self.account, quiet)
        for number, (gap, service, text, times, up) in enumerate(events):
            self.context.at += gap * SECOND
            at = self.context.at
            level = 20 if text == TEXTS[-1] else 40
            lines = [
                NewRecord(at=at + n, level=level, service=service, host="web-1", message=text)
                for n in range(times)
            ]
            tags = '{"probe": "p", "target": "http://127.0.0.1:8081/health"}'
            points = [
                NewPoint(
                    at=at, name="probe.up", value=float(up), service="inventory", host="web-1", tags=tags
                )
            ] * (up < 2)
            await batches.append(store, self.account, received_at=at, records=lines, points=points)
            died, turns = kills[number % len(kills)] if kills else (0, 0)
            await self.work(died, turns)

    async def work(self, died: int, turns: int) -> None:
        """Let a worker do all there is; if it dies or is cancelled, another one goes on."""
        self.left = died
        if died or turns:
            step = asyncio.create_task(Worker(self.context).step(self.account))
            for _ in range(turns):
                await asyncio.sleep(0)
            if turns:
                step.cancel()
            await asyncio.wait([step])
            if not step.cancelled():
                step.exception()
            self.left = 0
        worker = Worker(self.context)
        while await worker.step(self.account):
            pass

    async def outcome(self) -> dict[str, Any]:
        """Return all that came of it, with ids by their order."""
        async with self.context.store.reading() as conn:
            found = await incidents.active(conn, self.account, resolved_since=0)
            found = tuple(sorted(found, key=lambda each: (each.created_at, each.fingerprints)))
            head = await heads.load(conn, self.account)
            assert head is not None
            messages = await conn.execute(
                select(outbox_table.c.kind, outbox_table.c.created_at)
                .where(outbox_table.c.account_id == self.account)
                .order_by(outbox_table.c.created_at, outbox_table.c.kind)
            )
            result = {
                "incidents": [
                    (
                        each.cls,
                        each.status,
                        each.service,
                        each.fingerprints,
                        each.firing,
                        each.signals,
                        each.created_at,
                        each.updated_at,
                        each.silenced_by,
                    )
                    for each in found
                ],
                "timelines": [
                    [
                        (event.at, event.kind, event.text)
                        for event in await timeline.of(conn, self.account, each.id)
                    ]
                    for each in found
                ],
                "evidence": [
                    [
                        (piece.at, piece.text, piece.line)
                        for piece in await casefile.evidence_of(conn, self.account, each.id)
                    ]
                    for each in found
                ],
                "messages": [tuple(row) for row in messages],
                "cursor": head.cursor,
                "state": re.sub(r'"([rp]\d+)-\d+-', r'"\1-', head.state or ""),
            }
        for number, each in enumerate(found):
            result["state"] = result["state"].replace(each.id, f"incident {number}")
        return result


@settings(
    max_examples=4,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # a failure is told at once; an example takes long
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.lists(EVENT, min_size=2, max_size=5), st.lists(KILL, min_size=1, max_size=4))
async def test_the_same_incidents_whatever_died_on_the_way(
    store: Store, events: list[Any], kills: list[tuple[int, int]]
) -> None:
    outcomes = []
    for some in ([], kills):
        story = Story(store)
        with pytest.MonkeyPatch.context() as patched:
            for module in (rounds, worker_module):
                patched.setattr(module, "crashpoint", story.pass_by)
            await story.tell(events, some)
        outcomes.append(await story.outcome())
    assert outcomes[0] == outcomes[1]
    async with store.reading() as conn:
        assert await outbox.next_due(conn, channel="slack") is None
