"""Signs of life after an act, detection's cursor, and who is behind."""
from __future__ import annotations

from sra_sdk.lines.level import NUMBER
from sra_server.domain.record import SECOND
from sra_server.store import Store, batches, heads, life
from tests.unit.server.making import NOW


async def arrive(store: Store, account: str, at: int, *, service: str = "", host: str = "",
                 point: bool = False) -> None:
    record = batches.NewRecord(at=at, level=NUMBER["info"], service=service, host=host, message="x")
    value = batches.NewPoint(at=at, name="system.load1", value=1.0, service=service, host=host)
    await batches.append(store, account, received_at=at, records=() if point else (record,),
                         points=(value,) if point else ())


async def test_a_record_or_point_of_the_service_or_host_after_the_act_is_life(
    store: Store, account: str
) -> None:
    async def since(at: int) -> int | None:
        async with store.reading() as conn:
            return await life.since(conn, account, "checkout", "web-1", at)

    await arrive(store, account, NOW, service="checkout", host="web-1")
    assert await since(NOW) is None
    await arrive(store, account, NOW + SECOND, service="cart", host="web-2")
    await arrive(store, account, NOW + SECOND, service="", host="")
    await arrive(store, "account-2", NOW + SECOND, service="checkout", host="web-1")
    assert await since(NOW) is None
    await arrive(store, account, NOW + 2 * SECOND, host="web-1", point=True)
    assert await since(NOW) == NOW + 2 * SECOND
    assert await since(NOW + 2 * SECOND) is None
    await arrive(store, account, NOW + 3 * SECOND, service="checkout", host="web-9")
    assert await since(NOW + 2 * SECOND) == NOW + 3 * SECOND


async def test_caught_up_means_everything_received_by_then_was_read(store: Store, account: str) -> None:
    for second in (1, 2, 3):
        await arrive(store, account, NOW + second * SECOND, service="checkout")

    async def caught_up(second: int) -> bool:
        async with store.reading() as conn:
            return await life.caught_up(conn, account, NOW + second * SECOND)

    assert [await caught_up(second) for second in (0, 1, 2, 3)] == [True, False, False, False]
    async with store.writing() as conn:
        assert await heads.save(conn, account, was=0, cursor=2, state="{}")
    assert [await caught_up(second) for second in (0, 1, 2, 3)] == [True, True, True, False]


async def test_the_cursor_is_moved_by_whoever_read_it(store: Store, account: str) -> None:
    await arrive(store, account, NOW, service="checkout")
    async with store.writing() as conn:
        assert await heads.behind(conn) == [account]
        assert await heads.load(conn, "account-2") is None
        assert await heads.save(conn, account, was=0, cursor=1, state="one")
        assert not await heads.save(conn, account, was=0, cursor=1, state="two")
        head = await heads.load(conn, account)
        assert head is not None
        assert (head.lag, head.records, head.state) == (0, 1, "one")
        assert await heads.behind(conn) == []
