"""Log search: every filter, paging without loss or repetition, nobody else's records."""
from __future__ import annotations

import pytest

from sra_server.store import Store, batches, records
from sra_server.store.batches import NewRecord
from sra_server.store.records import Filter

NOW = 1_790_000_000_000_000
DAY = 86_400_000_000

GIVEN = [
    NewRecord(at=NOW - 50, level=20, message="Connection REFUSED by db", service="shop", host="web-1"),
    NewRecord(at=NOW - 40, level=30, message="100% full_disk soon", service="shop", host="web-2"),
    NewRecord(at=NOW - 30, level=40, message="Größe überschritten", service="pay", host="web-1",
              source="/var/log/pay", trace_id="t1", metadata='{"a": {"b": [1, null]}}'),
    NewRecord(at=NOW - 20, level=50, message="panic", service="", host=""),
]


@pytest.fixture
async def filled(store: Store, account: str) -> Store:
    for record in GIVEN:
        await batches.append(store, account, records=[record], received_at=NOW)
    await batches.append(store, "account-2", records=[GIVEN[0]], received_at=NOW)
    return store


async def found(store: Store, wanted: Filter, account: str = "account-1", **more) -> list[str]:
    async with store.reading() as conn:
        rows = await records.search(conn, account, wanted, limit=more.pop("limit", 100), now=NOW, **more)
    return [row.message for row in rows]


@pytest.mark.parametrize(("wanted", "expected"), [
    (Filter(), [3, 2, 1, 0]),
    (Filter(service="shop"), [1, 0]),
    (Filter(service=""), [3]),
    (Filter(host="web-1"), [2, 0]),
    (Filter(level=40), [3, 2]),
    (Filter(text="connection refused"), [0]),
    (Filter(text="GRÖSSE"), []),
    (Filter(text="größe ÜBER"), [2]),
    (Filter(text="100%"), [1]),
    (Filter(text="%full"), []),
    (Filter(text="full_d"), [1]),
    (Filter(text="fullXd"), []),
    (Filter(since=NOW - 30), [3, 2]),
    (Filter(until=NOW - 40), [1, 0]),
    (Filter(since=NOW - 40, until=NOW - 30, service="shop"), [1]),
])
async def test_filters(filled: Store, wanted: Filter, expected: list[int]) -> None:
    assert await found(filled, wanted) == [GIVEN[i].message for i in expected]


async def test_another_account_sees_only_its_own(filled: Store) -> None:
    assert await found(filled, Filter(), "account-2") == [GIVEN[0].message]
    assert await found(filled, Filter(), "nobody") == []


async def test_a_record_comes_back_whole(filled: Store) -> None:
    async with filled.reading() as conn:
        (row,) = await records.search(conn, "account-1", Filter(service="pay"), limit=1, now=NOW)
    assert (row.at, row.received_at, row.level, row.host) == (NOW - 30, NOW, 40, "web-1")
    assert (row.source, row.trace_id, row.metadata) == ("/var/log/pay", "t1", {"a": {"b": [1, None]}})
    assert row.id == "r{}-{}-{}".format(*row.key)


async def test_paging_gives_each_record_once_across_days_and_batches(store: Store, account: str) -> None:
    expected = []
    for day in range(3):
        for _ in range(3):
            at = NOW - (3 - day) * DAY
            given = [NewRecord(at=at, level=20, message=str(len(expected) + i)) for i in range(4)]
            expected += [record.message for record in given]
            await batches.append(store, account, records=given, received_at=at)
    seen: list[str] = []
    before = None
    while True:
        async with store.reading() as conn:
            page = await records.search(conn, account, Filter(), limit=5, now=NOW, before=before)
        if not page:
            break
        seen += [row.message for row in page]
        before = page[-1].key
    assert seen == expected[::-1]


async def test_a_late_record_is_found_by_the_time_when_it_happened(store: Store, account: str) -> None:
    late = NewRecord(at=NOW - 20 * DAY, level=20, message="spooled for days")
    await batches.append(store, account, records=[late], received_at=NOW)
    assert await found(store, Filter(since=NOW - 21 * DAY, until=NOW - 19 * DAY)) == ["spooled for days"]


async def test_without_since_the_search_has_a_floor(store: Store, account: str) -> None:
    old = NOW - (records.RECENT_DAYS + 2) * DAY
    given = [NewRecord(at=old, level=20, message="old")]
    await batches.append(store, account, records=given, received_at=old)
    assert await found(store, Filter()) == []
    assert await found(store, Filter(since=old - 1)) == ["old"]
