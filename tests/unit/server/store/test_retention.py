"""Retention: what is old goes, what is needed stays, and ingest goes on meanwhile."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest
from sqlalchemy import func, insert, select, text

from sra_sdk.errors import Refused
from sra_server.store import Store, accounts, batches, heads, retention
from sra_server.store.batches import NewPoint, NewRecord, Seal
from sra_server.store.retention import Keep
from sra_server.store.schema import batches as batches_table
from sra_server.store.schema import evidence, incidents, points, producers, records

DAY = 86_400_000_000
TODAY = 20_700
NOW = TODAY * DAY + DAY // 2


async def ingest(
    store: Store, day: int, number: int, n: int = 10, account: str = "account-1", message: str = "line"
) -> None:
    at = day * DAY + number
    await batches.append(
        store,
        account,
        received_at=at,
        points=[NewPoint(at=at, name="cpu", value=1.0)],
        records=[NewRecord(at=at, level=20, message=message)] * n,
        seal=Seal(producer="p", sequence=number, digest="a" * 64),
    )


async def fold(store: Store, account: str = "account-1") -> None:
    async with store.writing() as conn:
        head = await heads.load(conn, account)
        assert head is not None
        await heads.save(conn, account, was=head.cursor, cursor=head.head, state="{}")


async def counts(store: Store) -> tuple[int, int, int]:
    async with store.reading() as conn:
        n = [
            await conn.scalar(select(func.count()).select_from(table))
            for table in (records, points, batches_table)
        ]
        return n[0] or 0, n[1] or 0, n[2] or 0


async def test_logs_and_metrics_go_after_their_own_days(store: Store, account: str) -> None:
    for number, day in enumerate((TODAY - 40, TODAY - 20, TODAY - 5, TODAY), 1):
        await ingest(store, day, number)
    await ingest(store, TODAY - 40, 1, account="account-2")
    await fold(store)
    keep = Keep(days=7, metrics_days=30)
    found = await retention.look(store, keep, NOW)
    await retention.sweep(store, keep, NOW)
    assert await counts(store) == (20, 3, 4)  # account-2's batch is not folded yet: it stays in the list
    if store.dialect == "sqlite":
        assert (found.records, found.points) == (30, 2)
    assert found.batches == 2


async def test_nothing_old_nothing_deleted(store: Store, account: str) -> None:
    await ingest(store, TODAY, 1)
    swept = await retention.sweep(store, Keep(), NOW)
    assert (swept.rows, swept.partitions) == ({}, [])
    assert await counts(store) == (10, 1, 1)


async def test_a_producers_last_number_is_known_for_as_long_as_the_producer(
    store: Store, account: str
) -> None:
    await ingest(store, TODAY - 40, 1)
    await ingest(store, TODAY - 40, 2)
    await fold(store)
    await retention.sweep(store, Keep(), NOW)
    assert (await counts(store))[2] == 1
    again = await batches.append(
        store,
        account,
        received_at=NOW,
        records=[NewRecord(at=NOW, level=20, message="x")],
        seal=Seal(producer="p", sequence=2, digest="a" * 64),
    )
    assert again.duplicate
    with pytest.raises(Refused):
        await ingest(store, TODAY, 1)
    await retention.sweep(store, Keep(), NOW + 100 * DAY)
    async with store.reading() as conn:
        assert await conn.scalar(select(func.count()).select_from(producers)) == 0


def incident(name: str, status: str, ended: int | None) -> dict[str, object]:
    return {
        "account_id": "account-1",
        "id": name,
        "title": name,
        "cls": "disk_full",
        "severity": "high",
        "status": status,
        "service": "s",
        "host": "h",
        "services": [],
        "hosts": [],
        "fingerprints": [],
        "firing": [],
        "started_at": 1,
        "created_at": 1,
        "updated_at": ended or 1,
        "last_signal_at": 1,
        "resolved_at": ended if status == "resolved" else None,
        "closed_at": ended if status == "closed" else None,
        "signals": 1,
    }


async def test_incidents_go_with_their_evidence_once_they_have_ended_long_ago(
    store: Store, account: str
) -> None:
    old, new = NOW - 400 * DAY, NOW - 5 * DAY
    async with store.writing() as conn:
        await conn.execute(
            insert(incidents),
            [
                incident("closed-old", "closed", old),
                incident("closed-new", "closed", new),
                incident("resolved-old", "resolved", old),
                incident("open-old", "open", None),
            ],
        )
        await conn.execute(
            insert(evidence).values(
                account_id=account,
                incident_id="closed-old",
                id="r1-1-1",
                kind="record",
                at=1,
                service="s",
                host="h",
                source="",
                text="boom",
            )
        )
    assert (await retention.look(store, Keep(), NOW)).incidents == 2
    swept = await retention.sweep(store, Keep(), NOW)
    assert swept.rows == {"incidents": 2}
    async with store.reading() as conn:
        assert sorted(await conn.scalars(select(incidents.c.id))) == ["closed-new", "open-old"]
        assert await conn.scalar(select(func.count()).select_from(evidence)) == 0


@pytest.fixture
async def sqlite(tmp_path: Path):
    store = await Store.open(f"sqlite:///{tmp_path}/data/sra.db")
    async with store.writing() as conn:
        await accounts.ensure_account(conn, "account-1", name="one", at=1)
    yield store
    await store.close()


async def test_too_large_a_file_loses_its_oldest_rows_and_the_space_is_used_again(sqlite: Store) -> None:
    for number in range(1, 9):
        await ingest(sqlite, TODAY - 9 + number, number, n=1_500, message="x" * 400)
    await fold(sqlite)
    before = await retention.look(sqlite, Keep(bytes=3_000_000), NOW)
    assert before.bytes > 4_500_000 and before.limit == 3_000_000
    await retention.sweep(sqlite, Keep(bytes=3_000_000), NOW)
    after = await retention.look(sqlite, Keep(), NOW)
    assert 1_000_000 < after.bytes <= 2_700_000
    async with sqlite.reading() as conn:
        left = sorted(await conn.scalars(select(records.c.day).distinct()))
        pages = await conn.scalar(text("PRAGMA page_count"))
    assert left and left[-1] == TODAY - 1 and left[0] > TODAY - 8
    await ingest(sqlite, TODAY, 9, n=3_000, message="x" * 400)
    async with sqlite.reading() as conn:
        assert await conn.scalar(text("PRAGMA page_count")) == pages


async def test_the_size_takes_what_detection_has_not_read_only_when_nothing_else_is_left(
    sqlite: Store,
) -> None:
    async with sqlite.writing() as conn:
        await accounts.ensure_account(conn, "account-2", name="two", at=1)
    for number in range(1, 5):  # the oldest days, which nobody has read
        await ingest(sqlite, TODAY - 9 + number, number, n=1_000, account="account-2", message="x" * 400)
    for number in range(1, 9):
        await ingest(sqlite, TODAY - 9 + number, number, n=1_000, message="x" * 400)
    await fold(sqlite)
    swept = await retention.sweep(sqlite, Keep(bytes=5_000_000), NOW)
    assert swept.unread == 0 and swept.rows["records"] > 0
    async with sqlite.reading() as conn:
        found = dict(
            (
                await conn.execute(select(records.c.account_id, func.count()).group_by(records.c.account_id))
            ).all()
        )
    assert found["account-2"] == 4_000 and 0 < found["account-1"] < 8_000
    swept = await retention.sweep(sqlite, Keep(bytes=1_500_000), NOW)
    assert swept.unread > 0 and (await retention.look(sqlite, Keep(), NOW)).bytes <= 1_500_000
    async with sqlite.reading() as conn:
        left = dict(
            (
                await conn.execute(select(records.c.account_id, func.count()).group_by(records.c.account_id))
            ).all()
        )
        newest = await conn.scalar(select(func.max(records.c.day)))
    assert "account-1" not in left and 0 < left["account-2"] < 4_000 and newest == TODAY - 5
    assert left["account-2"] + swept.rows["records"] == found["account-1"] + 4_000
    assert swept.unread == swept.rows["records"] - found["account-1"] + 4 - await counts_points(sqlite)


async def counts_points(store: Store) -> int:
    return (await counts(store))[1]


async def test_without_a_setting_a_disk_is_never_filled(sqlite: Store) -> None:
    gigabyte = 1 << 30
    assert sqlite.file is not None
    limit = retention.limit(Keep(), gigabyte, sqlite.file)
    assert limit is not None and limit > retention.LEAST_BYTES
    assert retention.limit(Keep(), gigabyte, None) == retention.POSTGRESQL_BYTES == 10 * gigabyte
    assert retention.limit(Keep(bytes=5), gigabyte, sqlite.file) == 5


async def test_ingest_passes_between_the_slices(sqlite: Store) -> None:
    for number in range(1, 11):
        await ingest(sqlite, TODAY - 40, number, n=5_000)
    await fold(sqlite)
    sweeping = asyncio.create_task(retention.sweep(sqlite, Keep(), NOW))
    waits, number = [], 11
    await asyncio.sleep(0.01)
    while not sweeping.done():
        begun = time.perf_counter()
        await ingest(sqlite, TODAY, number)
        waits.append(time.perf_counter() - begun)
        number += 1
    await sweeping
    assert len(waits) >= 10 and max(waits) < 1.0
    assert (await counts(sqlite))[0] == 10 * (number - 11)
