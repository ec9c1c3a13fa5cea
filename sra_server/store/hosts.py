"""Hosts and what their policies offer. From the agent's announcements; to heal, worker and api."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from sra_sdk.errors import NotFound

from ..domain.analysis import Offer
from ..domain.record import SECOND
from .schema import hosts, inventory

#: A host that was not heard for this long counts as gone; agents poll every 25 s.
ONLINE = 90 * SECOND
#: One whose poll broke off has so long to come back: a new connection is no absence.
BACK = 10 * SECOND
_COLUMNS = tuple(c for c in hosts.columns if c.name != "account_id")


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """A machine with an agent, as it announced itself."""

    host: str
    agent_version: str | None
    boot_id: str | None
    last_seen: int
    watches: list[str] = field(default_factory=list)
    cannot_watch: list[str] = field(default_factory=list)
    services: list[str] = field(default_factory=list)
    policy_hash: str | None = None
    policy_problem: str | None = None
    counters: dict[str, Any] = field(default_factory=dict)
    lost_at: int | None = None

    def online(self, now: int) -> bool:
        """Say whether the host was heard lately, and its poll has not broken off since."""
        return now - self.last_seen <= ONLINE and (self.lost_at is None or now - self.lost_at <= BACK)


async def announce(conn: AsyncConnection, account_id: str, host: Host, offers: Sequence[Offer]) -> None:
    """Store what an agent said of its host; the inventory is replaced as a whole."""
    here = (hosts.c.account_id == account_id, hosts.c.host == host.host)
    values = asdict(host)
    if not (await conn.execute(update(hosts).where(*here).values(**values))).rowcount:
        await conn.execute(insert(hosts).values(account_id=account_id, **values))
    await conn.execute(delete(inventory).where(inventory.c.account_id == account_id,
                                               inventory.c.host == host.host))
    rows = {(offer.service, offer.action): offer for offer in offers}
    if rows:
        await conn.execute(insert(inventory), [{"account_id": account_id, **asdict(offer)}
                                               for offer in rows.values()])


async def heard(conn: AsyncConnection, account_id: str, host: str, at: int) -> bool:
    """Note that the host was heard; False if it has not announced itself yet."""
    done = await conn.execute(update(hosts).where(hosts.c.account_id == account_id, hosts.c.host == host)
                              .values(last_seen=at, lost_at=None))
    return done.rowcount == 1


async def lost(conn: AsyncConnection, account_id: str, host: str, at: int) -> None:
    """Note that the host's poll broke off; its next word clears that."""
    await conn.execute(update(hosts).where(hosts.c.account_id == account_id, hosts.c.host == host,
                                           hosts.c.lost_at.is_(None)).values(lost_at=at))


async def hold(conn: AsyncConnection, account_id: str, host: str) -> None:
    """Keep others from starting something on the host until the transaction ends."""
    await conn.execute(select(hosts.c.host).where(hosts.c.account_id == account_id, hosts.c.host == host)
                       .with_for_update())


async def get(conn: AsyncConnection, account_id: str, host: str) -> Host:
    """Return the host, or raise NotFound."""
    query = select(*_COLUMNS).where(hosts.c.account_id == account_id, hosts.c.host == host)
    row = (await conn.execute(query)).mappings().first()
    if row is None:
        raise NotFound(f"no host has the name {host[:200]!r}", code="host_not_found",
                       hint="GET /hosts lists those whose agent has announced itself")
    return Host(**row)


async def every(conn: AsyncConnection, account_id: str) -> list[Host]:
    """Return all hosts of the account, by name."""
    query = select(*_COLUMNS).where(hosts.c.account_id == account_id).order_by(hosts.c.host).limit(10_000)
    return [Host(**row) for row in (await conn.execute(query)).mappings()]


async def offers(conn: AsyncConnection, account_id: str, *, host: str | None = None) -> tuple[Offer, ...]:
    """Return what the hosts' policies offer."""
    query = (select(inventory.c.host, inventory.c.service, inventory.c.action, inventory.c.platform,
                    inventory.c.mode).where(inventory.c.account_id == account_id)
             .order_by(inventory.c.host, inventory.c.service, inventory.c.action))
    if host is not None:
        query = query.where(inventory.c.host == host)
    return tuple(Offer(**row) for row in (await conn.execute(query)).mappings())
