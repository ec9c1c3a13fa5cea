"""Decisions 1 and 2: a sealed batch is stored once, heads have no gaps, detection sees every batch."""
from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import func, select

from sra_sdk.errors import Refused
from sra_server.store import Store, batches, heads
from sra_server.store.batches import NewPoint, NewRecord, Seal
from sra_server.store.schema import batches as batches_table
from sra_server.store.schema import producers, records

NOW = 1_790_000_000_000_000
MINUTE = 60_000_000


def lines(*messages: str, level: int = 20) -> list[NewRecord]:
    return [NewRecord(at=NOW + i, level=level, message=text) for i, text in enumerate(messages)]


def seal(number: int, digest: str = "a", producer: str = "p1") -> Seal:
    return Seal(producer=producer, sequence=number, digest=digest * 64)


async def send(store: Store, account: str, number: int, *messages: str, digest: str = "a",
               producer: str = "p1", **more) -> batches.Appended:
    return await batches.append(store, account, records=lines(*messages), received_at=NOW,
                                seal=seal(number, digest, producer), host="web-1", **more)


async def count(store: Store, table=records) -> int:
    async with store.reading() as conn:
        return await conn.scalar(select(func.count()).select_from(table)) or 0


async def test_a_replayed_batch_is_answered_and_not_stored_again(store: Store, account: str) -> None:
    first = await send(store, account, 1, "a", "b")
    again = await send(store, account, 1, "a", "b")
    assert (first.duplicate, again.duplicate) == (False, True)
    assert again.head == first.head == 1
    assert await count(store) == 2
    assert await count(store, batches_table) == 1


async def test_an_older_batch_is_recognised_as_well(store: Store, account: str) -> None:
    for number, digest in ((1, "a"), (2, "b"), (3, "c")):
        await send(store, account, number, "x", digest=digest)
    assert (await send(store, account, 2, "x", digest="b")).duplicate
    assert await count(store) == 3


async def test_a_number_used_for_other_bytes_is_refused_and_changes_nothing(
        store: Store, account: str) -> None:
    await send(store, account, 1, "a")
    await send(store, account, 2, "b", digest="b")
    for number in (1, 2):
        with pytest.raises(Refused) as refused:
            await send(store, account, number, "regrouped", digest="c", ends={"/f": {"offset": 9}},
                       dropped={"spool_full": 5})
        assert (refused.value.code, refused.value.http_status) == ("sequence_reused", 409)
    assert await count(store) == 2
    async with store.reading() as conn:
        assert await batches.ends(conn, account, "web-1") == {}
        assert (await conn.execute(select(producers.c.dropped, producers.c.last_sequence))).all() == [({}, 2)]


async def test_a_reset_producer_goes_on_under_a_new_id(store: Store, account: str) -> None:
    await send(store, account, 1, "a")
    await send(store, account, 2, "b", digest="b")
    with pytest.raises(Refused):
        await send(store, account, 1, "after the restore", digest="d")
    assert not (await send(store, account, 1, "after the restore", digest="d", producer="p2")).duplicate
    assert await count(store) == 3


async def test_missing_numbers_are_counted_and_never_filled_in(store: Store, account: str) -> None:
    assert (await send(store, account, 1, "a")).gap == 0
    assert (await send(store, account, 5, "b", digest="b")).gap == 3
    with pytest.raises(Refused):
        await send(store, account, 3, "late", digest="c")
    async with store.reading() as conn:
        assert await conn.scalar(select(producers.c.gaps)) == 3


async def test_two_producers_and_two_accounts_do_not_meet(store: Store, account: str) -> None:
    await send(store, account, 1, "a")
    assert not (await send(store, account, 1, "b", digest="b", producer="p2")).duplicate
    assert not (await send(store, "account-2", 1, "c", digest="c")).duplicate
    async with store.reading() as conn:
        assert [b.head for b in await batches.after(conn, account, 0, 10)] == [1, 2]
        assert [b.head for b in await batches.after(conn, "account-2", 0, 10)] == [1]


async def test_concurrent_sends_of_one_batch_store_it_once(store: Store, account: str) -> None:
    answers = await asyncio.gather(*(send(store, account, 1, *map(str, range(50))) for _ in range(12)))
    assert sorted(answer.duplicate for answer in answers) == [False] + [True] * 11
    assert {answer.head for answer in answers} == {1}
    assert await count(store) == 50


async def test_concurrent_producers_get_heads_without_gaps_and_detection_misses_none(
        store: Store, account: str) -> None:
    seen: list[int] = []
    done = asyncio.Event()

    async def fold() -> None:
        while True:
            finished = done.is_set()
            async with store.reading() as conn:
                found = await batches.after(conn, account, seen[-1] if seen else 0, 7)
            seen.extend(batch.head for batch in found)
            if finished and not found:
                return
            await asyncio.sleep(0)

    async def produce(name: str) -> None:
        for number in range(1, 13):
            await send(store, account, number, *map(str, range(number * 7 % 40)), producer=name)

    async with asyncio.TaskGroup() as group:
        folding = group.create_task(fold())
        async with asyncio.TaskGroup() as producing:
            for name in ("p1", "p2", "p3", "p4"):
                producing.create_task(produce(name))
        done.set()
        await folding
    assert seen == list(range(1, 49))


async def test_a_batch_is_written_whole_or_not_at_all(store: Store, account: str) -> None:
    broken = [*lines("fine"), NewRecord(at=NOW, level=20, message=None)]  # type: ignore[arg-type]
    with pytest.raises(Exception, match=r"(?i)null"):
        await batches.append(store, account, records=broken, received_at=NOW, seal=seal(1), host="web-1",
                             ends={"/f": {"offset": 1}})
    assert await count(store) == await count(store, batches_table) == await count(store, producers) == 0
    assert (await send(store, account, 1, "fine")).head == 1


async def test_detection_gets_loud_records_points_and_counts_of_everything(
        store: Store, account: str) -> None:
    at = NOW - NOW % MINUTE
    given = [NewRecord(at=at, level=20, message="quiet", service="shop"),
             NewRecord(at=at + 1, level=40, message="boom", service="shop", host="h", source="/log",
                       metadata='{"line": 17, "a": [1]}'),
             NewRecord(at=at + MINUTE, level=20, message="quiet", service="shop"),
             NewRecord(at=at + 2, level=20, message="quiet", service="shop")]
    points = [NewPoint(at=at, name="probe.up", value=0.0, service="shop", tags='{"probe": "p", "a": 1}')]
    await batches.append(store, account, records=given, points=points, received_at=NOW)
    async with store.reading() as conn:
        (batch,) = await batches.after(conn, account, 0, 10)
        head = await heads.load(conn, account)
    assert [(r.message, r.level, r.line, r.source, r.host) for r in batch.records] == [
        ("boom", 40, 17, "/log", "h")]
    assert batch.records[0].id.startswith(f"r{NOW // 86_400_000_000}-")
    assert batch.points[0].tags == (("a", "1"), ("probe", "p"))
    assert sorted((c.minute - at, c.service, c.host, c.level, c.n) for c in batch.counts) == [
        (0, "shop", "", 20, 2), (0, "shop", "h", 40, 1), (MINUTE, "shop", "", 20, 1)]
    assert head is not None and (head.head, head.records, head.cursor) == (1, 4, 0)


async def test_end_positions_and_losses_of_a_host_are_kept(store: Store, account: str) -> None:
    await send(store, account, 1, "a", ends={"/a": {"offset": 5}, "/b": {"offset": 1}}, dropped={"full": 2})
    await send(store, account, 2, "b", digest="b", ends={"/a": {"offset": 9}}, dropped={"full": 1, "bad": 1})
    async with store.reading() as conn:
        assert await batches.ends(conn, account, "web-1") == {"/a": {"offset": 9}, "/b": {"offset": 1}}
        assert await batches.ends(conn, "account-2", "web-1") == {}
        assert await conn.scalar(select(producers.c.dropped)) == {"full": 3, "bad": 1}


async def test_a_commit_wakes_detection(store: Store, account: str) -> None:
    waiting = asyncio.create_task(store.wakeups.wait("batches", 5))
    await send(store, account, 1, "a")
    assert await waiting


async def test_detection_reads_just_what_is_loud_however_much_that_is(store: Store, account: str) -> None:
    """Batches with few, many, all and no loud lines, over two days, in one reading."""
    at = 1_790_000_000_000_000
    wanted = []
    for number, (size, every) in enumerate([(900, 3), (40, 1), (300, 100), (10, 99), (1000, 7)]):
        levels = [40 if every < 99 and line % every == 0 else 20 for line in range(size)]
        await batches.append(
            store, account, received_at=at + number * 30_000_000_000,
            records=[NewRecord(at=at, level=level, message=f"{number}-{line}")
                     for line, level in enumerate(levels)],
            points=[NewPoint(at=at, name="n", value=float(number))] * (number % 2))
        wanted.append([f"{number}-{line}" for line, level in enumerate(levels) if level >= 30])
    async with store.reading() as conn:
        found = await batches.after(conn, account, 0, 10)
    assert [[record.message for record in one.records] for one in found] == wanted
    assert [[point.value for point in one.points] for one in found] == [[], [1.0], [], [3.0], []]
