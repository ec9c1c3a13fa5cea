"""Signs of life: was a service or its host heard since then? From ingest's rows; to heal.resolve."""
from __future__ import annotations

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from .schema import batches, heads, points

#: So many of the latest batches are looked at; life is asked for seconds after the act.
LOOKED_AT = 500


async def since(conn: AsyncConnection, account_id: str, service: str, host: str, at: int) -> int | None:
    """Return when the first record or point of the service, or of the host, came after `at`."""
    query = (select(batches.c.head, batches.c.day, batches.c.ticket, batches.c.received_at, batches.c.counts,
                    batches.c.points)
             .where(batches.c.account_id == account_id).order_by(batches.c.head.desc()).limit(LOOKED_AT))
    for row in reversed([row for row in await conn.execute(query) if row.received_at > at]):
        for _, of_service, of_host, _, _ in row.counts:
            if of_service == service or (of_host == host and host):
                return int(row.received_at)
        if row.points:
            seen = select(points.c.line).where(
                points.c.account_id == account_id, points.c.day == row.day, points.c.ticket == row.ticket,
                or_(points.c.service == service, points.c.host == host)).limit(1)
            if (await conn.execute(seen)).first() is not None:
                return int(row.received_at)
    return None


async def caught_up(conn: AsyncConnection, account_id: str, at: int) -> bool:
    """Say whether detection has read every batch that was received up to `at`."""
    waiting = (select(batches.c.head)
               .join(heads, (heads.c.account_id == batches.c.account_id))
               .where(batches.c.account_id == account_id, batches.c.head > heads.c.cursor,
                      batches.c.received_at <= at).limit(1))
    return (await conn.execute(waiting)).first() is None
