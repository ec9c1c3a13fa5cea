"""Group commit: who waits together is stored together, once; what is wrong fails alone."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import func, select

from sra_sdk.errors import Refused, SraError, Unavailable
from sra_server.store import Store, batches, commit_postgresql
from sra_server.store.batches import Appended, NewPoint, NewRecord, Seal
from sra_server.store.group import Group, TooMuch
from sra_server.store.parcel import Parcel, tally
from sra_server.store.schema import batches as batches_table
from sra_server.store.schema import heads, producers, records
from tests.services import needs

on_postgresql = pytest.mark.parametrize(
    "database_url",
    [pytest.param("postgresql", marks=[needs("postgresql"), pytest.mark.xdist_group("postgresql")])],
    indirect=True,
)
NOW = 1_790_000_000_000_000


def lines(*messages: str) -> list[NewRecord]:
    return [NewRecord(at=NOW + i, level=20, message=text) for i, text in enumerate(messages)]


def seal(producer: str, number: int, digest: str = "a") -> Seal:
    return Seal(producer=producer, sequence=number, digest=digest * 64)


async def together(store: Store, *sends) -> list[Appended | BaseException]:
    """Let these batches meet in one group: the first holds the database while the others gather."""
    tasks = [
        asyncio.create_task(batches.append(store, "account-1", records=lines("first"), received_at=NOW))
        for _ in range(3)
    ]
    await asyncio.sleep(0)
    tasks += [asyncio.create_task(send) for send in sends]
    return (await asyncio.gather(*tasks, return_exceptions=True))[3:]


async def numbers(store: Store) -> tuple[int, int]:
    async with store.reading() as conn:
        return (
            await conn.scalar(select(func.count()).select_from(records)) or 0,
            await conn.scalar(select(func.count()).select_from(batches_table)) or 0,
        )


def send(
    store: Store, producer: str, number: int, *messages: str, digest: str = "a", account: str = "account-1"
):
    return batches.append(
        store,
        account,
        records=lines(*messages),
        received_at=NOW,
        host="web-1",
        seal=seal(producer, number, digest),
    )


async def test_batches_that_wait_share_a_transaction(store: Store, account: str) -> None:
    done = await together(store, *(send(store, f"p{n}", 1, "a", "b") for n in range(40)))
    assert all(isinstance(one, Appended) for one in done), done
    assert await numbers(store) == (83, 43)
    assert store.group.counters.batches == 43
    assert store.group.counters.groups < 20
    async with store.reading() as conn:
        assert [b.head for b in await batches.after(conn, account, 0, 100)] == list(range(1, 44))


async def test_equal_batches_in_a_group_are_stored_once_and_both_answered(store: Store, account: str) -> None:
    done = await together(store, send(store, "p", 1, "a"), send(store, "p", 1, "a"), send(store, "p", 2, "b"))
    assert [(one.head, one.duplicate) for one in done] == [
        (done[0].head, False),
        (done[0].head, True),
        (done[0].head + 1, False),
    ]
    assert (await numbers(store))[0] == 5


async def test_a_reused_number_in_a_group_is_refused_and_its_neighbours_are_stored(
    store: Store, account: str
) -> None:
    done = await together(
        store,
        send(store, "q", 1, "x"),
        send(store, "p", 1, "a"),
        send(store, "p", 1, "other", digest="b"),
        send(store, "p", 3, "c"),
    )
    assert isinstance(done[2], Refused) and (done[2].code, done[2].http_status) == ("sequence_reused", 409)
    assert [one.gap for one in (done[0], done[1], done[3])] == [0, 0, 1]
    assert (await numbers(store))[0] == 6
    async with store.reading() as conn:
        rows = await conn.execute(select(producers.c.producer, producers.c.last_sequence, producers.c.gaps))
        assert sorted(map(tuple, rows)) == [("p", 3, 1), ("q", 1, 0)]


async def test_a_poison_batch_fails_alone(store: Store, account: str) -> None:
    poison = batches.append(
        store,
        account,
        received_at=NOW,
        seal=seal("bad", 1),
        records=[NewRecord(at=NOW, level=20, message=None)],
    )  # type: ignore[arg-type]
    sends = [send(store, f"p{n}", 1, "a") for n in range(9)]
    done = await together(store, *sends[:4], poison, *sends[4:])
    assert [isinstance(one, Appended) for one in done] == [True] * 4 + [False] + [True] * 5
    assert not isinstance(done[4], SraError) and "null" in str(done[4]).lower()
    assert (await numbers(store))[0] == 12
    assert store.group.counters.halved >= 1
    assert (await send(store, "bad", 1, "good")).gap == 0


async def test_several_accounts_keep_heads_of_their_own(store: Store, account: str) -> None:
    await together(store, *(send(store, f"p{n}", 1, "a", account=f"account-{1 + n % 2}") for n in range(20)))
    async with store.reading() as conn:
        rows = await conn.execute(select(heads.c.account_id, heads.c.head, heads.c.records))
        assert sorted(map(tuple, rows)) == [("account-1", 13, 13), ("account-2", 10, 10)]


async def test_points_ends_and_losses_go_with_their_batch(store: Store, account: str) -> None:
    point = NewPoint(at=NOW, name="cpu", value=1.5, host="web-1")
    await asyncio.gather(
        *(
            batches.append(
                store,
                account,
                records=lines("a"),
                points=[point],
                received_at=NOW,
                seal=seal(f"p{n}", 1),
                host="web-1",
                ends={f"/f{n}": {"offset": n}},
                dropped={"full": n},
            )
            for n in range(5)
        )
    )
    async with store.reading() as conn:
        assert await batches.ends(conn, account, "web-1") == {f"/f{n}": {"offset": n} for n in range(5)}
        assert [len(b.points) for b in await batches.after(conn, account, 0, 10)] == [1] * 5
        assert sorted(await conn.scalars(select(producers.c.dropped)), key=str) == [
            {"full": n} for n in range(5)
        ]


async def test_whoever_gives_up_leaves_nothing_behind(store: Store, account: str) -> None:
    task = asyncio.create_task(send(store, "p", 1, "a"))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    done = await send(store, "p", 1, "a")  # stored by now or stored then: once
    assert (await numbers(store))[0] == 1 and done.head == 1
    assert store.group._held == 0 and not store.group._of_account


def parcel(account: str = "a", size: int = 0) -> Parcel:
    return Parcel(account_id=account, received_at=NOW, records=lines("x"), tally=tally(lines("x")), size=size)


async def test_the_queue_is_bounded_for_each_account_and_for_all() -> None:
    go = asyncio.Event()

    async def commit(take) -> list[Appended]:
        await go.wait()
        return [Appended(head=1) for _ in take()]

    group = Group(commit, writers=1, queue_bytes=10_000, account_bytes=6_000)
    waiting = [asyncio.create_task(group.add(parcel(account, 2_500))) for account in ("a", "a", "b", "c")]
    await asyncio.sleep(0)
    with pytest.raises(Unavailable) as full:
        await group.add(parcel("d", 2_500))
    assert (full.value.code, full.value.retry_after) == ("overloaded", 1.0)
    go.set()
    await asyncio.gather(*waiting)
    go.clear()
    waiting = [asyncio.create_task(group.add(parcel("a", 2_500))) for _ in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(TooMuch) as flood:
        await group.add(parcel("a", 2_500))
    assert (flood.value.http_status, flood.value.retry_after) == (429, 1.0)
    with pytest.raises(TooMuch):
        group.admit("a", 2_500)
    group.admit("b", 2_500)
    go.set()
    assert len(await asyncio.gather(*waiting)) == 2
    assert group.counters.turned_away == 3


async def test_a_group_is_bounded_and_the_database_is_never_left_idle() -> None:
    seen: list[int] = []

    async def commit(take) -> list[Appended]:
        taken = take()
        seen.append(len(taken))
        await asyncio.sleep(0)
        return [Appended(head=1) for _ in taken]

    group = Group(commit, writers=1, rows=3)
    await asyncio.gather(*(group.add(parcel()) for _ in range(8)))
    assert sum(seen) == 8 and max(seen) == 3
    assert len(await asyncio.gather(*(group.add(parcel()) for _ in range(2)))) == 2
    await group.close()


async def test_trouble_with_the_database_is_told_to_all_and_passes() -> None:
    broken = True

    async def commit(take) -> list[Appended]:
        if broken:
            raise Unavailable("gone", retry_after=2.0)
        return [Appended(head=1) for _ in take()]

    group = Group(commit, writers=1)
    done = await asyncio.gather(*(group.add(parcel()) for _ in range(5)), return_exceptions=True)
    assert [type(one) for one in done] == [Unavailable] * 5
    assert group.counters.halved == 0
    broken = False
    assert (await group.add(parcel())).head == 1


@on_postgresql
async def test_a_database_that_hangs_is_given_up_and_served_again(
    store: Store, account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commit_postgresql, "COMMIT_SECONDS", 0.5)
    await send(store, "p", 1, "a")
    async with store.writing() as conn:
        await conn.execute(heads.update().where(heads.c.account_id == account).values(records=5))
        with pytest.raises(Unavailable) as hung:
            await send(store, "p", 2, "b")  # waits for the head's row, which we hold
    assert hung.value.retry_after
    assert (await send(store, "p", 2, "b")).duplicate is False
    assert (await numbers(store))[0] == 2
