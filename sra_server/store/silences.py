"""Silences at rest. From api; to the worker, who reads those that may hold."""
from __future__ import annotations

from dataclasses import asdict
from typing import Any

from sqlalchemy import delete, func, insert, or_, select, update
from sqlalchemy.engine import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from sra_sdk.errors import NotFound

from ..domain.silence import Silence, Window
from .parcel import DAY
from .schema import accounts, silences

#: An account has at most so many that are not over.
LIMIT = 200
#: Those that are over stay listed for so long.
KEPT = 30 * DAY
#: The worker may judge what came this long ago.
_BEHIND = DAY
_WINDOW = ("every", "minute", "seconds", "timezone")
_COLUMNS = tuple(c for c in silences.columns if c.name != "account_id")


def _of(row: RowMapping) -> Silence:
    values: dict[str, Any] = dict(row)
    window = {name: values.pop(name) for name in _WINDOW}
    return Silence(**values, window=Window(**window) if window["every"] is not None else None)


async def add(conn: AsyncConnection, account_id: str, silence: Silence) -> bool:
    """Store one unless LIMIT are there that are not over; forget those that are long over."""
    await conn.execute(select(accounts.c.id).where(accounts.c.id == account_id).with_for_update())
    await conn.execute(delete(silences).where(silences.c.account_id == account_id,
                                              silences.c.ends_at < silence.created_at - KEPT))
    standing = await conn.scalar(select(func.count()).select_from(silences).where(
        silences.c.account_id == account_id,
        or_(silences.c.ends_at.is_(None), silences.c.ends_at > silence.created_at)))
    if (standing or 0) >= LIMIT:
        return False
    window = asdict(silence.window) if silence.window else dict.fromkeys(_WINDOW)
    values = {name: value for name, value in asdict(silence).items() if name != "window"}
    await conn.execute(insert(silences).values(account_id=account_id, **values, **window))
    return True


async def get(conn: AsyncConnection, account_id: str, silence_id: str) -> Silence:
    """Return the silence, or raise NotFound; the same for a stranger's id as for none."""
    row = (await conn.execute(select(*_COLUMNS).where(
        silences.c.account_id == account_id, silences.c.id == silence_id))).mappings().first()
    if row is None:
        raise NotFound(f"no silence has the id {silence_id[:64]!r}", code="silence_not_found",
                       hint="GET /silences lists them")
    return _of(row)


async def listed(conn: AsyncConnection, account_id: str, *, since: int | None = None) -> list[Silence]:
    """Return those that are not over at `since`, or all that are kept; the newest first."""
    query = select(*_COLUMNS).where(silences.c.account_id == account_id)
    if since is not None:
        query = query.where(or_(silences.c.ends_at.is_(None), silences.c.ends_at > since))
    rows = await conn.execute(query.order_by(silences.c.created_at.desc(), silences.c.id).limit(10 * LIMIT))
    return [_of(row) for row in rows.mappings()]


async def standing(conn: AsyncConnection, account_id: str, now: int) -> tuple[Silence, ...]:
    """Return those that may hold for what was received up to a day ago."""
    return tuple(await listed(conn, account_id, since=now - _BEHIND))


async def end(conn: AsyncConnection, account_id: str, silence_id: str, *, at: int, who: str) -> None:
    """End one now; what is over already stays as it is."""
    await conn.execute(update(silences).where(
        silences.c.account_id == account_id, silences.c.id == silence_id,
        or_(silences.c.ends_at.is_(None), silences.c.ends_at > at)).values(ends_at=at, ended_by=who))
