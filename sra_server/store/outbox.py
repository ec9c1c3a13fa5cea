"""Messages to people, written in the transaction that causes them. From worker and api; to notify.send.

A row is claimed by moving its `next_at` ahead in one conditional UPDATE: of two senders one wins, and
a sender that dies gives the row back when the claim runs out. So each is sent at least once.
"""
from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from .schema import outbox


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message for one channel; `attempts` counts the one that this claim allows."""

    account_id: str
    id: str
    channel: str
    kind: str
    body: dict[str, Any]
    attempts: int
    created_at: int


async def enqueue(conn: AsyncConnection, account_id: str, *, channel: str, kind: str, dedup_key: str,
                  body: dict[str, Any], at: int) -> bool:
    """Store a message unless one with the same key was stored before; say whether it was."""
    known = select(outbox.c.id).where(outbox.c.account_id == account_id, outbox.c.dedup_key == dedup_key)
    if (await conn.execute(known)).first() is not None:
        return False
    await conn.execute(insert(outbox).values(
        account_id=account_id, id=str(uuid.uuid4()), channel=channel, kind=kind, dedup_key=dedup_key,
        body=body, status="pending", attempts=0, next_at=at, last_error=None, created_at=at, sent_at=None))
    return True


async def due(conn: AsyncConnection, now: int, limit: int, *, channel: str) -> list[tuple[str, str, int]]:
    """Return (account, id, next_at) of what the channel is to be sent now, in order of writing."""
    query = (select(outbox.c.account_id, outbox.c.id, outbox.c.next_at)
             .where(outbox.c.status == "pending", outbox.c.next_at <= now, outbox.c.channel == channel)
             .order_by(outbox.c.created_at, outbox.c.id).limit(limit))
    return [(row.account_id, row.id, row.next_at) for row in await conn.execute(query)]


async def next_due(conn: AsyncConnection, *, channel: str) -> int | None:
    """Return when the channel's next message is to be sent, or None while none waits."""
    query = select(func.min(outbox.c.next_at)).where(outbox.c.status == "pending",
                                                     outbox.c.channel == channel)
    at: int | None = (await conn.execute(query)).scalar()
    return at


async def claim(conn: AsyncConnection, account_id: str, message_id: str, next_at: int, until: int,
                ) -> Message | None:
    """Take the message until then, or return None if another sender has it."""
    here = (outbox.c.account_id == account_id, outbox.c.id == message_id)
    done = await conn.execute(
        update(outbox).where(*here, outbox.c.status == "pending", outbox.c.next_at == next_at)
        .values(next_at=until, attempts=outbox.c.attempts + 1))
    if done.rowcount != 1:
        return None
    query = select(outbox.c.account_id, outbox.c.id, outbox.c.channel, outbox.c.kind, outbox.c.body,
                   outbox.c.attempts, outbox.c.created_at).where(*here)
    return Message(**(await conn.execute(query)).mappings().one())


async def _mark(conn: AsyncConnection, message: Message, **values: Any) -> None:
    await conn.execute(update(outbox).where(outbox.c.account_id == message.account_id,
                                            outbox.c.id == message.id,
                                            outbox.c.attempts == message.attempts).values(**values))


async def sent(conn: AsyncConnection, message: Message, at: int) -> None:
    """Note that it arrived."""
    await _mark(conn, message, status="sent", sent_at=at, last_error=None)


async def retry(conn: AsyncConnection, message: Message, at: int, error: str) -> None:
    """Note why it did not arrive and when to try again."""
    await _mark(conn, message, next_at=at, last_error=error[:2000])


async def give_up(conn: AsyncConnection, message: Message, error: str) -> None:
    """Note that it will not be tried again; the row stays for people to see."""
    await _mark(conn, message, status="failed", last_error=error[:2000])


async def orphan(conn: AsyncConnection, served: Sequence[str]) -> None:
    """Give up what waits for a channel that is configured no longer."""
    await conn.execute(update(outbox).where(outbox.c.status == "pending", outbox.c.channel.not_in(served))
                       .values(status="failed", last_error="the channel is not configured any more"))


async def forget(conn: AsyncConnection, before: int) -> None:
    """Delete what was sent or given up before then."""
    await conn.execute(delete(outbox).where(outbox.c.status.in_(("sent", "failed")),
                                            outbox.c.created_at < before))
