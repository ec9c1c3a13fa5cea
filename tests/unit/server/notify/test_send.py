"""The sender against real servers: once, again when told, in order, never for ever."""
from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from sqlalchemy import select

from sra_server.config import ServerConfig
from sra_server.domain.record import SECOND
from sra_server.notify import post, send
from sra_server.notify.route import Channels, of_change, wanted
from sra_server.notify.send import ATTEMPTS, Sender
from sra_server.store import Store, incidents, outbox, timeline
from sra_server.store.schema import outbox as table
from tests.fakes.receiver import Receiver, receiving
from tests.unit.server import making
from tests.unit.server.making import NOW


@dataclass
class Context:
    """A sender's context whose clock runs `speed` times as fast as the real one."""

    store: Store
    config: ServerConfig
    speed: float = 1.0
    began: float = field(default_factory=lambda: asyncio.get_running_loop().time())

    @property
    def clock(self) -> Callable[[], int]:
        loop = asyncio.get_running_loop()
        return lambda: NOW + int((loop.time() - self.began) * self.speed * SECOND)


async def change(store: Store, account: str, config: ServerConfig, incident_id: str = "inc_1",
                 at: int = NOW - SECOND) -> None:
    found = making.change(incident=making.incident(id=incident_id), at=at)
    async with store.writing() as conn:
        await incidents.apply(conn, account, [found], ())
        await of_change(conn, account, found, Channels.of(config))
    store.wakeups.notify("outbox")


@asynccontextmanager
async def sending(store: Store, hook: Receiver, **given: Any) -> AsyncIterator[tuple[Sender, ServerConfig]]:
    config = ServerConfig(webhook_url=hook.url)  # type: ignore[arg-type]
    sender = Sender(Context(store, config, **given))
    running = asyncio.create_task(sender.run())
    try:
        yield sender, config
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running


async def rows(store: Store) -> list[tuple[str, int, str | None]]:
    async with store.reading() as conn:
        found = await conn.execute(select(table.c.status, table.c.attempts, table.c.last_error)
                                   .order_by(table.c.created_at))
        return [tuple(row) for row in found]


async def until(store: Store, status: str, count: int = 1) -> list[tuple[str, int, str | None]]:
    async with asyncio.timeout(10):
        while True:
            found = await rows(store)
            if [row[0] for row in found].count(status) >= count:
                return found
            await asyncio.sleep(0.02)


async def test_what_arrives_is_sent_once(store: Store, account: str) -> None:
    async with receiving() as hook, sending(store, hook) as (sender, config):
        await change(store, account, config)
        assert await until(store, "sent") == [("sent", 1, None)]
        await asyncio.sleep(0.1)
        assert len(hook.requests) == 1
        headers, content = hook.requests[0]
        assert headers["X-SRA-Event"] == content["event"] == "incident.opened"
        assert set(content) == {
            "event",
            "at",
            "incident",
            "analysis",
            "evidence",
            "remedies",
            "asking",
            "link",
            "note",
        }
        assert sender.sent == 1


async def test_a_429_is_waited_out_and_the_order_kept(store: Store, account: str) -> None:
    async with receiving() as hook:
        hook.answers = [(429, {"Retry-After": "0.6"}, 0.0)]
        async with sending(store, hook) as (_, config):
            loop = asyncio.get_running_loop()
            began = loop.time()
            await change(store, account, config, "inc_1", at=NOW - 2)
            await change(store, account, config, "inc_2", at=NOW - 1)
            bodies = await hook.until(3)
            assert loop.time() - began >= 0.6
            assert [content["incident"]["id"] for content in bodies] == ["inc_1", "inc_1", "inc_2"]
            assert [row[:2] for row in await until(store, "sent", 2)] == [("sent", 2), ("sent", 1)]


async def test_a_500_is_tried_again_with_the_same_number(store: Store, account: str,
                                                         monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(send, "backoff", lambda attempt, asked: 0.05)
    async with receiving() as hook:
        hook.answers = [(500, {}, 0.0), (503, {}, 0.0)]
        async with sending(store, hook) as (_, config):
            await change(store, account, config)
            await hook.until(3)
            assert len({headers["X-SRA-Delivery"] for headers, _ in hook.requests}) == 1
            assert [headers["X-SRA-Attempt"] for headers, _ in hook.requests] == ["1", "2", "3"]


async def test_a_final_no_ends_at_once_and_the_timeline_says_so(store: Store, account: str) -> None:
    async with receiving() as hook:
        hook.answers = [(404, {}, 0.0)]
        async with sending(store, hook) as (sender, config):
            await change(store, account, config)
            [(_, attempts, error)] = await until(store, "failed")
            assert (attempts, sender.failed) == (1, 1)
            assert "404" in (error or "")
            async with store.reading() as conn:
                last = (await timeline.of(conn, account, "inc_1"))[-1]
            assert last.kind == "not_notified"
            assert "webhook answered 404" in last.text


async def test_patience_ends(store: Store, account: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(send, "backoff", lambda attempt, asked: 0.0)
    async with receiving() as hook:
        hook.answers = [(500, {}, 0.0)] * (ATTEMPTS + 5)
        async with sending(store, hook) as (_, config):
            await change(store, account, config)
            assert (await until(store, "failed"))[0][:2] == ("failed", ATTEMPTS)
            await asyncio.sleep(0.1)
            assert len(hook.requests) == ATTEMPTS


async def test_a_slow_receiver_is_given_up_for_now(store: Store, account: str,
                                                   monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(post, "TIMEOUT", 0.2)
    async with receiving() as hook:
        hook.answers = [(200, {}, 1.0)]
        async with sending(store, hook, speed=20.0) as (_, config):
            await change(store, account, config)
            await hook.until(2)
            assert (await until(store, "sent"))[0][:2] == ("sent", 2)


async def test_a_sender_that_died_after_sending_sends_again(store: Store, account: str) -> None:
    async with receiving() as hook:
        config = ServerConfig(webhook_url=hook.url)  # type: ignore[arg-type]
        await change(store, account, config)
        async with store.writing() as conn:
            [(owner, message_id, next_at)] = await outbox.due(conn, NOW, 1, channel="webhook")
            assert await outbox.claim(conn, owner, message_id, next_at, NOW + SECOND)
        async with sending(store, hook, speed=10.0):
            assert (await until(store, "sent"))[0][:2] == ("sent", 2)


async def test_a_slow_channel_delays_only_itself(store: Store, account: str) -> None:
    async with receiving() as slack, receiving() as hook:
        slack.answers = [(200, {}, 5.0)]
        config = ServerConfig(webhook_url=hook.url, slack_webhook_url=slack.url)  # type: ignore[arg-type]
        running = asyncio.create_task(Sender(Context(store, config)).run())
        try:
            await change(store, account, config)
            await hook.until(1, seconds=3)
            [text] = await slack.until(1, seconds=3)
            assert set(text) == {"text", "blocks"}
        finally:
            running.cancel()


async def test_without_channels_nothing_is_written(store: Store, account: str) -> None:
    await change(store, account, ServerConfig())
    assert await rows(store) == []


def test_people_are_not_told_twice_of_one_repair() -> None:
    assert wanted("remedy.outcome", ("slack", "webhook"), resolved=True) == ("webhook",)
    assert wanted("remedy.outcome", ("slack", "webhook")) == ("slack", "webhook")
    assert wanted("incident.resolved", ("slack",)) == ("slack",)


async def test_two_senders_send_each_message_once(store: Store, account: str) -> None:
    """As two servers do; each message is claimed in one conditional update."""
    count = 40
    async with receiving() as hook, sending(store, hook) as (one, config), sending(store, hook) as (two, _):
        for number in range(count):
            await change(store, account, config, f"inc_{number}")
        assert len(await until(store, "sent", count)) == count
        await asyncio.sleep(0.1)
        assert len(hook.requests) == count
        assert {content["incident"]["id"] for _, content in hook.requests} == {
            f"inc_{number}" for number in range(count)}
        assert one.sent + two.sent == count
