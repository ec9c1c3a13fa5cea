"""Day partitions on PostgreSQL: made when needed and ahead, dropped whole; old databases keep their rows."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, func, select

from sra_server.store import Store, accounts, batches, engine, heads, partitions, retention
from sra_server.store.batches import NewPoint, NewRecord
from sra_server.store.partitions import Partition
from sra_server.store.retention import Keep
from sra_server.store.schema import records
from tests.services import needs

pytestmark = [needs("postgresql"), pytest.mark.xdist_group("postgresql")]
DAY = 86_400_000_000
TODAY = 20_700


@pytest.fixture
async def url(postgresql: str) -> AsyncIterator[str]:
    """Give a database of its own, for its tables are changed."""
    conn = await asyncpg.connect(f"{postgresql}/postgres")
    await conn.execute("CREATE DATABASE partitioned")
    yield f"{postgresql}/partitioned"
    await conn.execute("DROP DATABASE partitioned WITH (FORCE)")
    await conn.close()


async def ingest(store: Store, day: int, n: int = 1) -> None:
    at = day * DAY + 1
    await batches.append(
        store,
        "a",
        received_at=at,
        points=[NewPoint(at=at, name="cpu", value=1.0)],
        records=[NewRecord(at=at, level=20, message=f"line {i}") for i in range(n)],
    )


async def held(store: Store) -> list[Partition]:
    async with retention.driving(store) as driver:
        return await partitions.found(driver)


async def count(store: Store) -> int:
    async with store.reading() as conn:
        return await conn.scalar(select(func.count()).select_from(records)) or 0


async def test_a_day_gets_its_partition_with_its_first_batch(url: str) -> None:
    store = await Store.open(url)
    await asyncio.gather(*(ingest(store, TODAY + n % 3) for n in range(12)))
    found = await held(store)
    assert [(one.table, one.end) for one in found if one.table == "records"] == [
        ("records", TODAY + 1),
        ("records", TODAY + 2),
        ("records", TODAY + 3),
    ]
    assert "points_" + "20260904" in {one.name for one in found}
    assert all(partitions.is_partition(one.name) for one in found) and not partitions.is_partition("records")
    await store.close()


async def test_two_servers_make_the_same_days_at_once(url: str) -> None:
    stores = [await Store.open(url) for _ in range(3)]

    async def ahead(store: Store) -> None:
        async with retention.driving(store) as driver, driver.transaction():
            await partitions.ensure(driver, range(TODAY, TODAY + 4))

    await asyncio.gather(*(ahead(store) for store in stores), *(ingest(store, TODAY) for store in stores))
    assert len(await held(stores[0])) == 8 and await count(stores[0]) == 3
    for store in stores:
        await store.close()


async def test_old_days_are_dropped_and_what_came_after_goes_on(url: str) -> None:
    store = await Store.open(url)
    for day in range(TODAY - 40, TODAY + 1, 10):
        await ingest(store, day)
    found = await retention.look(store, Keep(days=15, metrics_days=25), TODAY * DAY)
    assert len(found.partitions) == 5 and found.limit == retention.POSTGRESQL_BYTES
    assert await count(store) == 5
    swept = await retention.sweep(store, Keep(days=15, metrics_days=25), TODAY * DAY)
    assert sorted(swept.partitions) == sorted(found.partitions)
    assert await count(store) == 2
    await ingest(store, TODAY)
    await ingest(store, TODAY - 40)  # a clock that went back: the partition is made again
    assert await count(store) == 4
    await store.close()


async def test_too_large_a_database_loses_its_oldest_days_but_never_the_last(url: str) -> None:
    store = await Store.open(url)
    for day in range(TODAY - 3, TODAY + 1):
        await ingest(store, day, 200)
    async with retention.driving(store) as driver:
        await driver.execute("ANALYZE")
    swept = await retention.sweep(store, Keep(bytes=1), TODAY * DAY)
    assert len(swept.partitions) == 6
    assert {one.end for one in await held(store)} == {TODAY + 1} and await count(store) == 200
    assert swept.unread == 3 * 201  # detection has read nothing, and there was no other way
    await store.close()


async def fold(store: Store, batches_read: int) -> None:
    async with store.writing() as conn:
        head = await heads.load(conn, "a")
        assert head is not None
        await heads.save(conn, "a", was=head.cursor, cursor=head.cursor + batches_read, state="{}")


async def over(store: Store, by: int) -> Keep:
    """Return a limit that the database is above by so many bytes: a day of records, and no more."""
    async with retention.driving(store) as driver:
        await driver.execute("ANALYZE")
    used = (await retention.look(store, Keep(), TODAY * DAY)).bytes
    return Keep(bytes=used - by)


async def test_the_size_takes_first_what_detection_has_read(url: str) -> None:
    store = await Store.open(url)
    for day in (TODAY - 4, TODAY - 3, TODAY - 2, TODAY - 1, TODAY):
        await ingest(store, day, 2_000)
    await fold(store, 1)
    async with store.writing() as conn:  # another account's detection waits at the oldest day
        await accounts.ensure_account(conn, "b", name="b", at=1)
    at = (TODAY - 4) * DAY
    await batches.append(store, "b", received_at=at, records=[NewRecord(at=at, level=40, message="unread")])
    await fold(store, 2)  # of "a", up to the day before yesterday
    swept = await retention.sweep(store, await over(store, 100_000), TODAY * DAY)
    assert "records_20260901" in swept.partitions and swept.unread == 0
    assert "records_20260831" not in swept.partitions  # it is older, but "b" has yet to be read
    async with store.reading() as conn:
        left = set(await conn.scalars(select(records.c.day).distinct()))
        unread = await batches.after(conn, "b", 0, 10)
    assert {TODAY - 4, TODAY - 1, TODAY} <= left
    assert [record.message for record in unread[0].records] == ["unread"]
    swept = await retention.sweep(store, Keep(bytes=1), TODAY * DAY)
    assert swept.unread == 2_000 + 1 + 1 and await count(store) == 2_000
    await store.close()


async def test_a_database_of_other_tables_is_not_held_against_ours(url: str) -> None:
    store = await Store.open(url)
    for day in (TODAY - 1, TODAY):
        await ingest(store, day, 100)
    async with retention.driving(store) as driver:
        await driver.execute(
            "CREATE TABLE foreign_rows AS SELECT repeat(md5(i::text), 30) t FROM generate_series(1, 20000) i"
        )
        await driver.execute("ANALYZE")
    swept = await retention.sweep(store, Keep(bytes=10_000_000), TODAY * DAY)
    assert swept.partitions == [] and await count(store) == 200
    await store.close()


async def test_a_database_of_the_first_version_keeps_its_rows(url: str) -> None:
    single = engine.open_single(engine.parse(url))

    def to_0001(connection: Connection) -> None:
        config = Config()
        config.set_main_option("script_location", "sra_server.store:migrations")
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")

    async with single.begin() as conn:
        await conn.run_sync(to_0001)
        await accounts.ensure_account(conn, "a", name="a", at=1)
    await single.dispose()
    old = await asyncpg.connect(url)
    for day in (TODAY - 1, TODAY):
        await old.execute(
            "INSERT INTO records (account_id, day, ticket, line, at, received_at, level, service, host, "
            "message) SELECT 'a', $1, nextval('tickets'), 0, 1, 1, 20, '', '', 'old ' || i "
            "FROM generate_series(1, 50) i",
            day,
        )
    await old.close()
    store = await Store.open(url)
    assert await count(store) == 100
    before = await held(store)
    assert [(one.name, one.end) for one in before] == [("records_before", TODAY + 1)]
    await ingest(store, TODAY)  # goes into the old table
    await ingest(store, TODAY + 1)
    assert await count(store) == 102
    await retention.sweep(store, Keep(days=1, metrics_days=1), (TODAY + 1) * DAY)
    assert await count(store) == 102  # its last day is not old enough
    await retention.sweep(store, Keep(days=1, metrics_days=1), (TODAY + 2) * DAY)
    assert await count(store) == 1
    await store.close()
