"""The outbox: a message is stored once, claimed by one, given back by the dead."""
from __future__ import annotations

import asyncio

from sqlalchemy import select

from sra_server.store import Store, outbox
from sra_server.store.schema import outbox as table
from tests.unit.server.making import NOW


async def enqueue(store: Store, account: str, key: str, *, at: int = NOW, channel: str = "slack") -> bool:
    async with store.writing() as conn:
        return await outbox.enqueue(conn, account, channel=channel, kind="k", dedup_key=key, body={"n": key},
                                    at=at)


async def test_the_same_key_is_stored_once(store: Store, account: str) -> None:
    assert [await enqueue(store, account, key) for key in ("a", "a", "b")] == [True, False, True]
    assert await enqueue(store, "account-2", "a")


async def test_of_two_senders_one_claims_and_a_dead_ones_claim_runs_out(store: Store, account: str) -> None:
    await enqueue(store, account, "a")
    async with store.reading() as conn:
        [(owner, message_id, next_at)] = await outbox.due(conn, NOW, 5, channel="slack")
        assert await outbox.due(conn, NOW, 5, channel="webhook") == []
        assert await outbox.next_due(conn, channel="slack") == NOW

    async def claim() -> outbox.Message | None:
        async with store.writing() as conn:
            return await outbox.claim(conn, owner, message_id, next_at, NOW + 60)

    claims = [message for message in await asyncio.gather(*(claim() for _ in range(8))) if message]
    assert [(message.attempts, message.body) for message in claims] == [(1, {"n": "a"})]
    async with store.reading() as conn:
        assert await outbox.due(conn, NOW + 59, 5, channel="slack") == []
        [again] = await outbox.due(conn, NOW + 60, 5, channel="slack")
    async with store.writing() as conn:
        second = await outbox.claim(conn, again[0], again[1], again[2], NOW + 120)
        assert second is not None
        assert second.attempts == 2
        await outbox.sent(conn, claims[0], NOW)  # the dead one wakes up: its claim is not the present one
        assert await outbox.next_due(conn, channel="slack") == NOW + 120
        await outbox.sent(conn, second, NOW + 70)
        assert await outbox.next_due(conn, channel="slack") is None


async def test_what_was_given_up_stays_to_be_seen_until_forgotten(store: Store, account: str) -> None:
    await enqueue(store, account, "a")
    await enqueue(store, account, "b", channel="pigeon")
    async with store.writing() as conn:
        [(owner, message_id, next_at)] = await outbox.due(conn, NOW, 5, channel="slack")
        message = await outbox.claim(conn, owner, message_id, next_at, NOW + 60)
        assert message is not None
        await outbox.give_up(conn, message, "answered 404")
        await outbox.orphan(conn, ["slack"])
        rows = (
            await conn.execute(select(table.c.status, table.c.last_error).order_by(table.c.dedup_key))
        ).all()
        assert [tuple(row) for row in rows] == [("failed", "answered 404"),
                                                ("failed", "the channel is not configured any more")]
        await outbox.forget(conn, NOW + 1)
        assert (await conn.execute(select(table.c.id))).all() == []
