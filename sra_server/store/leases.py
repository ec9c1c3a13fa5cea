"""Leases: one worker at a time detects for an account. From the worker; expired ones are anyone's."""
from __future__ import annotations

from sqlalchemy import delete, or_
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from .schema import leases


async def take(conn: AsyncConnection, account_id: str, owner: str, *, now: int, until: int) -> bool:
    """Take or renew the lease of an account; False while another owner's has not expired."""
    values = {"account_id": account_id, "owner": owner, "expires_at": until}
    insert = postgresql.insert if conn.dialect.name == "postgresql" else sqlite.insert
    statement = insert(leases).values(values)
    done = await conn.execute(statement.on_conflict_do_update(
        index_elements=["account_id"], set_={"owner": owner, "expires_at": until},
        where=or_(leases.c.owner == owner, leases.c.expires_at <= now)))
    return done.rowcount == 1


async def release(conn: AsyncConnection, account_id: str, owner: str) -> None:
    """Give the lease back; another owner's stays."""
    await conn.execute(delete(leases).where(leases.c.account_id == account_id, leases.c.owner == owner))
