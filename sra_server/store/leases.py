"""Leases: one worker at a time detects for an account. From tenancy; expired ones are anyone's.

The database's clock counts, for workers' clocks differ. Whoever writes under a lease asks `owned` in the
same transaction: it holds the row to the commit, so nobody takes the lease over in between.
"""
from __future__ import annotations

from sqlalchemy import delete, or_, select, text, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from .schema import leases

_CLOCK = {"postgresql": text("SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS bigint)"),
          "sqlite": text("SELECT CAST((julianday('now') - 2440587.5) * 86400000000 AS INTEGER)")}


async def clock(conn: AsyncConnection) -> int:
    """Return the database's time in epoch microseconds."""
    return int((await conn.execute(_CLOCK[conn.dialect.name])).scalar_one())


async def take(conn: AsyncConnection, account_id: str, owner: str, *, now: int, until: int) -> bool:
    """Take or renew the lease of an account; False while another owner's has not expired."""
    here = leases.c.account_id == account_id
    # a row that is held for a commit is not waited for: a worker that hangs in it must not hang us
    free = select(leases.c.owner).where(here, or_(leases.c.owner == owner, leases.c.expires_at <= now))
    if (await conn.execute(free.with_for_update(skip_locked=True))).first() is not None:
        await conn.execute(update(leases).where(here).values(owner=owner, expires_at=until))
        return True
    insert = postgresql.insert if conn.dialect.name == "postgresql" else sqlite.insert
    done = await conn.execute(insert(leases).values(account_id=account_id, owner=owner, expires_at=until)
                              .on_conflict_do_nothing())
    return done.rowcount == 1


async def owned(conn: AsyncConnection, account_id: str, owner: str) -> bool:
    """Say whether the lease is the owner's, and keep it so to the end of the transaction."""
    row = await conn.execute(select(leases.c.owner).where(
        leases.c.account_id == account_id, leases.c.owner == owner).with_for_update(read=True))
    return row.first() is not None


async def release(conn: AsyncConnection, account_id: str, owner: str) -> None:
    """Give the lease back; another owner's stays."""
    await conn.execute(delete(leases).where(leases.c.account_id == account_id, leases.c.owner == owner))
