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


async def test_a_host_whose_poll_broke_off_is_offline_soon_unless_it_is_heard_again(
    store: Store, account: str
) -> None:
    host = hosts.Host(host="web-1", agent_version=None, boot_id=None, last_seen=NOW)
    broke = NOW + 15 * SECOND

    async def now() -> hosts.Host:
        async with store.reading() as conn:
            return await hosts.get(conn, account, "web-1")

    async with store.writing() as conn:
        await hosts.announce(conn, account, host, [])
        await hosts.lost(conn, "account-2", "web-1", broke - SECOND)
        await hosts.lost(conn, account, "web-1", broke)
        await hosts.lost(conn, account, "web-1", broke + 5 * SECOND)  # the first word of it counts
    assert (await now()).online(broke + hosts.BACK) and not (await now()).online(broke + hosts.BACK + 1)
    async with store.writing() as conn:
        await hosts.heard(conn, account, "web-1", broke + 30 * SECOND)
    assert (await now()).online(broke + 60 * SECOND)
    async with store.writing() as conn:
        await hosts.lost(conn, account, "web-1", broke)
        await hosts.announce(conn, account, host, [])
    assert (await now()).online(NOW + 80 * SECOND)
