"""How far detection has come in each account. From ingest's commits; to the worker, who moves cursors."""
from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from .schema import heads


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """`head` commits were made and `cursor` folded; `state` is the fold's, as it wrote it."""

    head: int
    cursor: int
    records: int
    state: str | None

    @property
    def lag(self) -> int:
        """Return how many batches wait for detection."""
        return self.head - self.cursor


async def load(conn: AsyncConnection, account_id: str) -> Head | None:
    """Return the account's head, or None while nothing was ever stored for it."""
    query = select(heads.c.head, heads.c.cursor, heads.c.records, heads.c.state).where(
        heads.c.account_id == account_id)
    row = (await conn.execute(query)).mappings().first()
    return None if row is None else Head(**row)


async def behind(conn: AsyncConnection) -> list[str]:
    """Return the accounts with commits that were not folded yet."""
    query = select(heads.c.account_id).where(heads.c.head > heads.c.cursor)
    return list((await conn.execute(query)).scalars())


async def known(conn: AsyncConnection) -> list[str]:
    """Return every account that ever sent something; asked once, when a worker begins."""
    return list((await conn.execute(select(heads.c.account_id))).scalars())


async def save(conn: AsyncConnection, account_id: str, *, was: int, cursor: int, state: str) -> bool:
    """Move the cursor from `was` with the state after it; False if another worker moved it first."""
    done = await conn.execute(update(heads).where(heads.c.account_id == account_id, heads.c.cursor == was)
                              .values(cursor=cursor, state=state))
    return done.rowcount == 1
