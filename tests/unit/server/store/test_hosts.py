"""Hosts: an announcement replaces the last one whole, and a silent host is not online."""
from __future__ import annotations

from sra_server.domain.analysis import Offer
from sra_server.domain.record import SECOND
from sra_server.store import Store, hosts
from tests.unit.server.making import NOW


def offer(service: str, action: str = "restart_service", mode: str = "live") -> Offer:
    return Offer(host="web-1", service=service, action=action, platform="command", mode=mode)


async def test_an_announcement_replaces_the_inventory(store: Store, account: str) -> None:
    host = hosts.Host(host="web-1", agent_version="0.1.0", boot_id="b", last_seen=NOW, services=["checkout"])
    async with store.writing() as conn:
        await hosts.announce(
            conn, account, host, [offer("checkout"), offer("old"), offer("old", mode="dry-run")]
        )
        await hosts.announce(conn, account, host, [offer("checkout"), offer("new")])
    async with store.reading() as conn:
        assert await hosts.get(conn, account, "web-1") == host
        assert await hosts.every(conn, account) == [host]
        assert await hosts.offers(conn, account) == (offer("checkout"), offer("new"))
        assert await hosts.offers(conn, account, host="web-2") == ()
        assert await hosts.offers(conn, "account-2") == ()


async def test_online_is_lately_heard(store: Store, account: str) -> None:
    host = hosts.Host(host="web-1", agent_version=None, boot_id=None, last_seen=NOW)
    async with store.writing() as conn:
        assert not await hosts.heard(conn, account, "web-1", NOW)
        await hosts.announce(conn, account, host, [])
        assert await hosts.heard(conn, account, "web-1", NOW + SECOND)
    async with store.reading() as conn:
        now = await hosts.get(conn, account, "web-1")
    assert now.online(NOW + SECOND + hosts.ONLINE)
    assert not now.online(NOW + SECOND + hosts.ONLINE + 1)
