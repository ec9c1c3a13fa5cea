"""Detection at work: atomic rounds, a person's move in between, a batch that breaks a detector, verdicts."""
from __future__ import annotations

import asyncio
import contextlib
import importlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from sqlalchemy import func, select

from sra_sdk.lines.level import NUMBER
from sra_server import rounds
from sra_server.config import ServerConfig
from sra_server.detect.baseline import WATCHED
from sra_server.domain.analysis import Offer
from sra_server.domain.record import SECOND
from sra_server.pipeline import State
from sra_server.state import unwatched
from sra_server.store import (
    Store,
    accounts,
    batches,
    casefile,
    heads,
    hosts,
    incidents,
    outbox,
    remedies,
    timeline,
)
from sra_server.store.schema import outbox as outbox_table
from sra_server.worker import TICK, Worker
from tests.unit.server import making
from tests.unit.server.making import NOW

FAILURE = "checkout.service: Main process exited, code=killed, status=9/KILL"
DEAD = ('*{1} connect() failed (111: Connection refused) while connecting to upstream, client: 192.168.7.1, '
        'server: shop, request: "GET / HTTP/1.1", upstream: "http://{0}:8081/", host: "shop"')


@dataclass
class Context:
    """A worker's context with a clock that the test moves."""

    store: Store
    config: ServerConfig = field(default_factory=lambda: ServerConfig(
        quiet_seconds=10.0, webhook_url="http://127.0.0.1:9/x"))
    at: int = NOW

    @property
    def clock(self) -> Callable[[], int]:
        return lambda: self.at


async def send(context: Context, account: str, message: str, level: str = "error", *, count: int = 3,
               service: str = "checkout") -> None:
    await batches.append(
        context.store,
        account,
        received_at=context.at,
        records=[
            batches.NewRecord(
                at=context.at + n, level=NUMBER[level], service=service, host="web-1", message=message
            )
            for n in range(count)
        ],
    )


@pytest.fixture
async def context(store: Store, account: str) -> Context:
    async with store.writing() as conn:
        await hosts.announce(
            conn,
            account,
            hosts.Host(host="web-1", agent_version=None, boot_id=None, last_seen=NOW),
            [
                Offer(host="web-1", service=name, action="restart_service", platform="command", mode="live")
                for name in ("checkout", "db-1")
            ],
        )
    return Context(store)


async def only(context: Context, account: str) -> Any:
    async with context.store.reading() as conn:
        [found] = await incidents.active(conn, account, resolved_since=0)
    return found


async def count_messages(context: Context) -> int:
    async with context.store.reading() as conn:
        return int(await conn.scalar(select(func.count()).select_from(outbox_table)) or 0)


async def test_a_message_has_the_heading_that_list_and_page_have_at_the_same_moment(
        context: Context, account: str) -> None:
    await send(context, account, FAILURE)
    context.at += SECOND
    await send(context, account, "write /srv/data/7: no space left on device")
    await Worker(context).step(account)
    row = await only(context, account)
    assert row.cls == "disk_full", "what the second batch tells explains the first"
    async with context.store.reading() as conn:
        written = await casefile.latest_analysis(conn, account, row.id)
        bodies = list((await conn.execute(select(outbox_table.c.body))).scalars())
    assert written is not None and written.analysis.root_cause == row.root_cause
    assert [each["event"] for each in bodies] == ["incident.opened"]
    for body in bodies:
        assert (body["incident"]["title"], body["incident"]["class"], body["incident"]["service"]) == (
            row.title, row.cls, row.service)
        assert body["analysis"]["root_cause"] == body["incident"]["root_cause"] == row.root_cause


async def test_that_an_incident_is_called_otherwise_is_in_its_timeline(
        context: Context, account: str) -> None:
    worker = Worker(context)
    for _ in range(5):
        await send(context, account, "GET http://inventory:8081/stock failed: Connection timed out", count=1)
        context.at += SECOND
    await worker.step(account)
    before = await only(context, account)
    context.at += 2 * SECOND
    await send(context, account, "ready", "info", service="inventory")
    await send(context, account, "deadlock detected", count=1)
    await worker.step(account)
    after = await only(context, account)
    assert (before.service, after.service) == ("checkout", "inventory")
    assert after.fingerprints == before.fingerprints
    async with context.store.reading() as conn:
        told = [each for each in await timeline.of(conn, account, after.id) if each.kind == "attached"]
    assert [each.text for each in told] == ["transactions block each other: same service checkout"]


async def test_one_round_writes_incident_remedy_message_and_cursor(context: Context, account: str) -> None:
    await send(context, account, FAILURE)
    worker = Worker(context)
    assert await worker.step(account)
    found = await only(context, account)
    assert (found.cls, found.status) == ("service_crash", "open")
    async with context.store.reading() as conn:
        head = await heads.load(conn, account)
        assert head is not None
        assert (head.head, head.cursor, head.lag) == (1, 1, 0)
        [made] = await remedies.of_incident(conn, account, found.id)
        assert (made.status, made.action, made.host) == ("proposed", "restart_service", "web-1")
        analysis = await casefile.latest_analysis(conn, account, found.id)
        assert analysis is not None
        kept = {piece.id for piece in await casefile.evidence_of(conn, account, found.id)}
        assert {e for claim in analysis.analysis.claims for e in claim.evidence} <= kept
    assert await count_messages(context) == 1
    assert not await worker.step(account)
    assert worker.counters.lag == {account: 0}


async def test_a_worker_that_dies_before_the_commit_leaves_nothing(
        context: Context, account: str, monkeypatch: pytest.MonkeyPatch) -> None:
    await send(context, account, FAILURE)
    for place in ("sra_server.rounds.heads.save", "sra_server.rounds.incidents.apply",
                  "sra_server.rounds.remedies.create", "sra_server.rounds.route.of_change"):
        with monkeypatch.context() as patched:
            patched.setattr(place, _dying(place))
            dying = Worker(context)
            with pytest.raises(KeyboardInterrupt):
                await dying.step(account)
        await dying.tenancy.leave()  # the next need not wait until the lease has run out
        async with context.store.reading() as conn:
            assert await incidents.active(conn, account) == ()
            head = await heads.load(conn, account)
            assert head is not None
            assert (head.cursor, head.state) == (0, None)
        assert await count_messages(context) == 0
    assert await Worker(context).step(account)
    assert (await only(context, account)).cls == "service_crash"
    assert await count_messages(context) == 1


def _dying(place: str) -> Callable[..., Any]:
    module, _, name = place.rpartition(".")
    parts = module.split(".")
    owner = importlib.import_module(".".join(parts[:2]))
    for part in parts[2:]:
        owner = getattr(owner, part)
    real = getattr(owner, name)

    async def then_die(*given: Any, **named: Any) -> None:
        await real(*given, **named)
        raise KeyboardInterrupt

    return then_die


async def test_one_by_one_with_restarts_gives_the_same_as_at_once(context: Context, account: str) -> None:
    """The state survives a restart of the worker: the same incidents, whatever died in between."""
    texts = [(FAILURE, "error"), ("GET /cart 200", "info"), (FAILURE, "error")]
    for text, level in texts:
        context.at += SECOND
        await send(context, account, text, level)
        await send(context, "account-2", text, level)
        await Worker(context).step(account)
    await Worker(context).step("account-2")
    shown = []
    for owner in (account, "account-2"):
        found = await only(context, owner)
        shown.append((found.cls, found.title, found.status, found.fingerprints, found.started_at))
    assert shown[0] == shown[1]


async def test_a_persons_move_between_read_and_write_is_kept(
        context: Context, account: str, monkeypatch: pytest.MonkeyPatch) -> None:
    await send(context, account, FAILURE)
    worker = Worker(context)
    await worker.step(account)
    found = await only(context, account)
    context.at += 40 * SECOND
    await send(context, account, FAILURE)
    real, moved = rounds.fold_all, []

    def and_meanwhile(*given: Any) -> Any:
        folded = real(*given)
        if not moved:
            moved.append(True)
            asyncio.run_coroutine_threadsafe(_acknowledge(context, account, found.id), loop).result(10)
        return folded

    loop = asyncio.get_running_loop()
    monkeypatch.setattr(rounds, "fold_all", and_meanwhile)
    assert await worker.step(account)
    assert worker.counters.conflicts == 1
    now = await only(context, account)
    assert now.status == "acknowledged"
    assert now.signals > found.signals


async def _acknowledge(context: Context, account: str, incident_id: str) -> None:
    async with context.store.writing(urgent=True) as conn:
        await incidents.move(conn, account, incident_id, "acknowledged", at=context.at, actor="ann",
                             kind="acknowledged", text="acknowledged by ann")


async def test_two_workers_fold_a_batch_once(context: Context, account: str) -> None:
    await send(context, account, FAILURE)
    one, two = Worker(context), Worker(context)
    await asyncio.gather(one.step(account), two.step(account))
    await only(context, account)
    assert await count_messages(context) == 1
    assert one.counters.batches + two.counters.batches == 1


async def test_a_batch_that_breaks_a_detector_is_skipped_and_counted(
    context: Context, account: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    await send(context, account, FAILURE)
    await send(context, account, "poison")
    await send(context, account, FAILURE, service="cart")
    real = rounds.fold

    def fragile(state: State, batch: Any, *rest: Any) -> Any:
        if any(record.message == "poison" for record in batch.records):
            raise RuntimeError("a detector's fault")
        return real(state, batch, *rest)

    monkeypatch.setattr(rounds, "fold", fragile)
    worker = Worker(context)
    assert await worker.step(account)
    assert (worker.counters.batches, worker.counters.skipped) == (3, 1)
    assert "could not be folded" in caplog.text
    async with context.store.reading() as conn:
        found = await incidents.active(conn, account)
        assert found
        assert "skipped" in [event.kind for event in await timeline.of(conn, account, found[0].id)]


async def test_a_state_that_cannot_be_read_does_not_stop_detection(
        context: Context, account: str, caplog: pytest.LogCaptureFixture) -> None:
    await send(context, account, "fine", "info")
    async with context.store.writing() as conn:
        await heads.save(conn, account, was=0, cursor=0, state="{broken")
    assert await Worker(context).step(account)
    assert "begun anew" in caplog.text


async def test_time_alone_resolves_and_cancels_what_waited(context: Context, account: str) -> None:
    await send(context, account, FAILURE)
    worker = Worker(context)
    await worker.step(account)
    for _ in range(20):
        context.at += SECOND
        await send(context, account, "GET /cart 200", "info", count=1)
        await worker.step(account)
        await worker.tick()
    found = await only(context, account)
    assert found.status == "resolved"
    async with context.store.reading() as conn:
        assert [r.status for r in await remedies.of_incident(conn, account, found.id)] == ["cancelled"]
    assert await count_messages(context) == 2


async def test_the_verdict_waits_for_a_sign_of_life(context: Context, account: str) -> None:
    await send(context, account, FAILURE)
    worker = Worker(context)
    await worker.step(account)
    found = await only(context, account)
    context.at += 20 * SECOND
    async with context.store.writing() as conn:
        acted = making.planned(
            id="rem_acted",
            status="succeeded",
            incident_id=found.id,
            updated_at=context.at,
            outcome={
                "status": "succeeded",
                "reason": "done",
                "verdict": None,
                "steps": [],
                "checks": [{"before": False, "after": [True] * 3, "passed": True}],
                "acted_at": context.at - 6 * SECOND,
                "received_at": context.at,
                "checks_recovered": True,
                "unchanged": True,
                "finished_at": "2027-01-15T08:00:00+00:00",
            },
        )
        await remedies.create(conn, account, acted)
    await worker.follow()
    assert (await only(context, account)).status == "open"
    context.at += SECOND
    await send(context, account, "GET /cart 200", "info", count=1)
    await worker.follow()  # detection has not read it yet; it came after the end, so life suffices
    resolved = await only(context, account)
    assert resolved.status == "resolved"
    assert "quiet since" in (resolved.resolution or "")
    async with context.store.reading() as conn:
        judged = await remedies.get(conn, account, "rem_acted")
    assert judged.outcome is not None
    assert judged.outcome["verdict"] == "recovered"
    assert await count_messages(context) == 3  # opened, resolved, and the outcome for the webhook


async def ended(running: asyncio.Task[None]) -> None:
    """End a worker as the server does: what it has begun is rolled back before the store closes."""
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running


async def test_the_running_worker_is_woken_and_survives_a_fault(
        context: Context, account: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with context.store.writing() as conn:
        await accounts.ensure_account(conn, "broken", name="x", at=1)
    worker = Worker(context)
    real = worker.step

    async def step(account_id: str) -> bool:
        if account_id == "broken":
            raise RuntimeError("a fault of ours")
        return await real(account_id)

    monkeypatch.setattr(worker, "step", step)
    running = asyncio.create_task(worker.run())
    try:
        await send(context, "broken", FAILURE)
        await send(context, account, FAILURE)
        async with asyncio.timeout(10):
            while True:
                async with context.store.reading() as conn:
                    if await incidents.active(conn, account):
                        break
                await asyncio.sleep(0.02)
        assert worker.counters.failed >= 1
    finally:
        await ended(running)


async def test_who_is_behind_does_not_rest(
        context: Context, account: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sra_server.worker.REST", (30.0, 30.0))
    waiting = 2 * rounds.GROUP + 3
    for _ in range(waiting):
        await send(context, account, "GET /cart 200", "info", count=1)
    running = asyncio.create_task(Worker(context).run())
    try:
        async with asyncio.timeout(10):
            while True:
                async with context.store.reading() as conn:
                    head = await heads.load(conn, account)
                if head is not None and head.cursor == waiting:
                    break
                await asyncio.sleep(0.02)
    finally:
        await ended(running)


async def test_with_no_channel_nothing_piles_up(store: Store, account: str) -> None:
    context = Context(store, config=ServerConfig())
    await send(context, account, FAILURE)
    await Worker(context).step(account)
    await only(context, account)
    async with store.reading() as conn:
        assert await outbox.next_due(conn, channel="slack") is None
    assert await count_messages(context) == 0
    assert TICK == 2 * SECOND


async def test_what_is_kept_of_accounts_is_bounded(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    for bound in ("worker._STATES", "tenancy._HELD"):
        monkeypatch.setattr(f"sra_server.{bound}", 2)
    context = Context(store)
    worker = Worker(context)
    for n in range(4):
        account = f"many-{n}"
        async with store.writing() as conn:
            await accounts.ensure_account(conn, account, name=account, at=1)
        await send(context, account, FAILURE)
        assert await worker._safely(account)
    assert len(worker.counters.lag) == len(worker._states) == 2
    assert len(worker.tenancy._held) == (0 if store.dialect == "sqlite" else 2)


async def test_a_host_that_falls_silent_is_noticed_though_nothing_comes(
        context: Context, account: str) -> None:
    worker = Worker(context)
    await worker.tick()
    for _ in range(20):
        await batches.append(context.store, account, received_at=context.at, points=[
            batches.NewPoint(at=context.at, name="system.load1", value=1.0, host="web-1")])
        await worker.step(account)
        await worker.tick()
        context.at += 30 * SECOND
    for _ in range(8):
        context.at += 30 * SECOND
        await worker.tick()
    async with context.store.reading() as conn:
        assert not await incidents.active(conn, account, resolved_since=0)
    for _ in range(3):
        context.at += 30 * SECOND
        await worker.tick()
    found = await only(context, account)
    assert (found.host, found.severity, found.status) == ("web-1", "high", "open")


async def test_after_the_servers_own_absence_everybody_has_time_to_speak(
        context: Context, account: str) -> None:
    worker = Worker(context)
    await worker.tick()
    for _ in range(20):
        await batches.append(context.store, account, received_at=context.at, points=[
            batches.NewPoint(at=context.at, name="system.load1", value=1.0, host="web-1")])
        await worker.step(account)
        context.at += 30 * SECOND
    await worker.tenancy.leave()
    context.at += 7200 * SECOND
    late = Worker(context)
    for _ in range(9):
        await late.tick()
        context.at += 30 * SECOND
    async with context.store.reading() as conn:
        assert not await incidents.active(conn, account, resolved_since=0)
    for _ in range(4):
        await late.tick()
        context.at += 30 * SECOND
    assert (await only(context, account)).host == "web-1"


REFUSED = "no live upstreams while connecting to upstream"
NAMED = "connect to db-1 port 5432 failed: Connection timed out"


async def test_an_incident_that_another_takes_in_ends_with_its_remedies_and_what_it_held_is_kept(
        context: Context, account: str) -> None:
    worker = Worker(context)
    await send(context, account, "panic: runtime error: nil", service="db-1")
    assert await worker.step(account)
    context.at += 60 * SECOND
    for message in (*[REFUSED] * 4, NAMED, NAMED):  # no restart lasts so long
        await send(context, account, message, service="checkout")
        assert await worker.step(account)
        context.at += 5 * SECOND
    async with context.store.reading() as conn:
        taken, whole = sorted(await incidents.active(conn, account, resolved_since=0),
                              key=lambda each: -each.created_at)
        assert (taken.status, whole.status, whole.service) == ("resolved", "open", "db-1")
        [asked] = await remedies.of_incident(conn, account, taken.id)
        assert asked.status == "cancelled"
        kept = {piece.text for piece in await casefile.evidence_of(conn, account, whole.id)}
        assert {"panic: runtime error: nil", REFUSED} <= kept
        texts = [event.text for event in await timeline.of(conn, account, taken.id)]
        assert any(f"part of incident {whole.id}: " in text for text in texts)


async def test_series_for_which_there_is_no_room_are_told_once_a_day_or_when_they_are_many_more(
        context: Context, account: str, caplog: pytest.LogCaptureFixture) -> None:
    worker, told = Worker(context), []
    hours = (0, 0.02, 0.5, 1.1, 1.9, 2.2, 8, 24.5, 25.2)
    more = (5, 6, 40, 40, 40, 40, 42, 42, 42)
    for hour, beyond in zip(hours, more, strict=True):
        caplog.clear()
        context.at = NOW + int(hour * 3600 * SECOND)
        await batches.append(context.store, account, received_at=context.at, points=[
            batches.NewPoint(at=context.at, name="latency", value=1.0, service=f"s{n}")
            for n in range(WATCHED + beyond)])
        assert await worker.step(account)
        told += [(hour, each.getMessage()) for each in caplog.records
                 if getattr(each, "action", "") == "series_unwatched"]
    # at first; half as many more, once the hour is over; a day after that
    assert [hour for hour, _ in told] == [0, 1.1, 25.2]
    assert "5 of baseline" in told[0][1] and "40 of baseline" in told[1][1]
    async with context.store.reading() as conn:
        head = await heads.load(conn, account)
    assert head is not None
    assert unwatched(head.state) == {"baseline": 42}


async def test_a_trouble_that_turns_out_graver_than_people_were_told_is_told_again_once(
        context: Context, account: str) -> None:
    worker = Worker(context)
    for message in ("Found one Java-level deadlock:", FAILURE, FAILURE):
        await send(context, account, message)
        await worker.step(account)
        context.at += SECOND
    async with context.store.reading() as conn:
        rows = (await conn.execute(select(outbox_table).order_by(outbox_table.c.created_at))).all()
    assert [(row.kind, row.body["incident"]["severity"]) for row in rows] == [
        ("incident.opened", "medium"), ("incident.worsened", "critical")]
    assert rows[1].body["note"] == "the process crashed: same service checkout", "they are told why"


async def test_a_second_upstream_that_dies_while_the_first_is_down_is_a_message_and_a_line(
        context: Context, account: str) -> None:
    worker = Worker(context)
    for second in range(0, 330, 2):
        for place, since in (("10.0.1.5", 0), ("10.0.1.6", 300)):
            if second >= since:
                await send(context, account, DEAD.format(place, second), service="nginx")
        await worker.step(account)
        context.at += 2 * SECOND
    incident = await only(context, account)
    async with context.store.reading() as conn:
        rows = (await conn.execute(select(outbox_table).order_by(outbox_table.c.created_at))).all()
        events = await timeline.of(conn, account, incident.id)
    assert [(row.kind, row.body["note"]) for row in rows] == [
        ("incident.opened", None), ("incident.worsened", "an upstream does not answer: also 10.0.1.6:8081")]
    assert [each.text for each in events if "10.0.1.6" in each.text and each.kind == "attached"] == [
        "an upstream does not answer: also 10.0.1.6:8081"]
