"""The timeline of an incident: what happened, never changed. From store.incidents and heal; to api."""
from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from .schema import incident_events as events
from .schema import incidents

#: People and machines may add this many entries to one incident; the last one says that it is full.
LIMIT = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One thing that happened; `actor` is a person, a host, an analyst or "sra"."""

    at: int
    kind: str
    actor: str
    text: str
    data: dict[str, Any] = field(default_factory=dict)


async def add(conn: AsyncConnection, account_id: str, incident_id: str, *, at: int, kind: str, actor: str,
              text: str, data: dict[str, Any] | None = None) -> None:
    """Append an entry; the lock on the incident's row keeps the numbers from racing."""
    await conn.execute(select(incidents.c.id).where(
        incidents.c.account_id == account_id, incidents.c.id == incident_id).with_for_update())
    here = (events.c.account_id == account_id, events.c.incident_id == incident_id)
    number = ((await conn.execute(select(func.max(events.c.number)).where(*here))).scalar() or 0) + 1
    if number > LIMIT:
        return
    if number == LIMIT:
        kind, text, data = "full", f"the timeline is full after {LIMIT} entries", None
    await conn.execute(insert(events).values(account_id=account_id, incident_id=incident_id, number=number,
                                             at=at, kind=kind, actor=actor, text=text, data=data or {}))


@dataclass(frozen=True, slots=True, kw_only=True)
class Signs:
    """By fingerprint: with how many records or points each joined; its class, service and host.

    What older releases wrote has no places. `taught` is what lessons of this incident hold for.
    """

    counts: dict[str, int] = field(default_factory=dict)
    places: dict[str, list[str]] = field(default_factory=dict)
    taught: set[str] = field(default_factory=set)


async def signs_of(conn: AsyncConnection, account_id: str, incident_id: str) -> Signs:
    """Return what the timeline says of the incident's signs."""
    found = Signs()
    for event in await of(conn, account_id, incident_id):
        for fingerprint, count in event.data.get("counts", {}).items():
            found.counts.setdefault(fingerprint, count)
        found.places.update(event.data.get("signs", {}))
        found.taught.update(event.data.get("taught", ()))
    return found


async def of(conn: AsyncConnection, account_id: str, incident_id: str) -> list[Event]:
    """Return the whole timeline."""
    query = (select(events.c.at, events.c.kind, events.c.actor, events.c.text, events.c.data)
             .where(events.c.account_id == account_id, events.c.incident_id == incident_id)
             .order_by(events.c.number))
    return [Event(**row) for row in (await conn.execute(query)).mappings()]
