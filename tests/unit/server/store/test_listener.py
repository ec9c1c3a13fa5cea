"""Wake-ups reach the other servers: bounded, in few messages, and anew after the connection was lost."""
from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest

from sra_server.store import Store, listener, wakeups
from sra_server.store.engine import parse
from sra_server.store.listener import Listener, packed
from tests.services import needs


@asynccontextmanager
async def two_servers(url: str) -> AsyncIterator[tuple[Store, Store]]:
    one, two = await Store.open(url), await Store.open(url)
    try:
        async with asyncio.timeout(10):
            for store in (one, two):
                await store.listener.connected.wait()
        yield one, two
    finally:
        await one.close()
        await two.close()


@pytest.mark.parametrize("topic", ["batches", "outbox", "host:a:wéb-1", "remedy:a:1"])
@needs("postgresql")
@pytest.mark.xdist_group("postgresql")
async def test_what_one_server_notifies_wakes_those_who_wait_at_another(
        empty_postgresql: str, topic: str) -> None:
    async with two_servers(empty_postgresql) as (one, two):
        since = two.wakeups.mark()
        waiting = asyncio.create_task(two.wakeups.wait(topic, 5, since=since))
        other = asyncio.create_task(two.wakeups.wait("another", 0.3, since=since))
        await asyncio.sleep(0)
        began = asyncio.get_running_loop().time()
        one.wakeups.notify(topic)
        assert await waiting
        assert asyncio.get_running_loop().time() - began < 1
        assert not await other


@needs("postgresql")
@pytest.mark.xdist_group("postgresql")
async def test_many_commits_share_a_message_and_nobody_hears_oneself(empty_postgresql: str) -> None:
    async with two_servers(empty_postgresql) as (one, two):
        count = 2_000
        for number in range(count):
            one.wakeups.notify("batches")
            one.wakeups.notify(f"host:a:{number}")
        own = one.wakeups.mark()
        for number in range(count):
            assert await two.wakeups.wait(f"host:a:{number}", 10, since=0)
        assert one.wakeups.mark() == own
        assert one.listener.told <= 40


@needs("postgresql")
@pytest.mark.xdist_group("postgresql")
async def test_a_lost_connection_is_made_anew_and_everybody_looks(empty_postgresql: str) -> None:
    async with two_servers(empty_postgresql) as (one, two):
        since = two.wakeups.mark()
        waiting = asyncio.create_task(two.wakeups.wait("host:a:1", 10, since=since))
        await asyncio.sleep(0)
        conn = await asyncpg.connect(empty_postgresql)
        await conn.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                           "WHERE application_name = 'sra wakeups'")
        await conn.close()
        assert await waiting  # what happened while nobody listened is unknown
        async with asyncio.timeout(10):
            for store in (one, two):
                await store.listener.connected.wait()
        since = two.wakeups.mark()
        one.wakeups.notify("host:a:2")
        assert await two.wakeups.wait("host:a:2", 5, since=since)


async def test_messages_keep_within_the_limit() -> None:
    topics = [f"host:account:{'wéb' * 60}-{number}" for number in range(1_000)]
    messages = list(packed("me", topics))
    assert all(len(message.encode()) < 8_000 for message in messages)
    assert [topic for message in messages for topic in json.loads(message)[1]] == topics
    assert list(packed("me", ["x" * 9_000])) == []  # no topic is so long; it must not stop the others


async def test_what_waits_to_be_told_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener, "_WAITING", 10)
    one = Listener(parse("postgresql://nobody@127.0.0.1:9/none"), wakeups.Wakeups())
    for number in range(15):
        one.tell(str(number))
    one.tell("3")
    assert (len(one._waiting), one.dropped) == (10, 5)


async def test_waking_everybody_wakes_each_once() -> None:
    wake = wakeups.Wakeups()
    since = wake.mark()
    waiting = asyncio.create_task(wake.wait("a", 5, since=since))
    await asyncio.sleep(0)
    wake.wake_all()
    assert await waiting
    assert await wake.wait("b", 0, since=since)  # looked before, waits after
    assert await wake.wait("c", 0)
    assert not await wake.wait("c", 0.01)
    assert not await wake.wait("a", 0.01, since=wake.mark())
