"""Silences at work: shown and not told, told at the end by whichever worker is there, never hidden."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from sra_server.domain.record import SECOND
from sra_server.domain.silence import Silence
from sra_server.store import Store, casefile, heads, remedies, silences, timeline
from sra_server.store.schema import outbox
from sra_server.worker import Worker

from .making import NOW
from .test_worker import FAILURE, Context, context, only, send

__all__ = ["context"]  # the fixture

OOM = "Out of memory: Killed process 4711 (java) total-vm:8123456kB, anon-rss:7123456kB"
FULL = "could not extend file: No space left on device"


async def quiet(store: Store, account: str, seconds: int = 60, **given: Any) -> None:
    async with store.writing() as conn:
        assert await silences.add(
            conn,
            account,
            Silence(
                **{
                    "id": "sil_1",
                    "service": "checkout",
                    "host": "",
                    "cls": "",
                    "why": "moving racks",
                    "created_by": "ann",
                    "created_at": NOW,
                    "starts_at": NOW,
                    "ends_at": NOW + seconds * SECOND,
                    **given,
                }
            ),
        )


async def told(store: Store) -> list[str]:
    async with store.reading() as conn:
        rows = await conn.execute(select(outbox.c.kind, outbox.c.body).order_by(outbox.c.created_at))
        return [f"{row.kind}: {row.body['note'] or ''}" for row in rows]


async def after(context: Context, account: str, seconds: int) -> None:
    """Let time pass, and let a worker that never saw anything look."""
    context.at = NOW + seconds * SECOND
    worker = Worker(context)
    await worker.step(account)
    await worker.tenancy.leave()


@pytest.fixture
async def silenced(context: Context, account: str) -> Any:
    await quiet(context.store, account)
    await send(context, account, FAILURE)
    await after(context, account, 0)
    return await only(context, account)


async def test_it_is_opened_and_shown_with_the_reason_and_neither_told_nor_offered_a_remedy(
    context: Context, account: str, silenced: Any
) -> None:
    assert (silenced.status, silenced.silenced_by, silenced.silenced_until) == (
        "open",
        "sil_1",
        NOW + 60 * SECOND,
    )
    assert await told(context.store) == []
    async with context.store.reading() as conn:
        assert await remedies.of_incident(conn, account, silenced.id) == []
        assert "silenced until" in (await timeline.of(conn, account, silenced.id))[-1].text


async def test_what_is_still_there_at_the_end_is_told_then_and_offered_its_remedy(
    context: Context, account: str, silenced: Any
) -> None:
    await after(context, account, 59)
    assert await told(context.store) == []
    await after(context, account, 60)
    assert await told(context.store) == [
        "incident.opened: the silence is over (moving racks), and the trouble is not"
    ]
    assert (await only(context, account)).silenced_by is None
    async with context.store.reading() as conn:
        [made] = await remedies.of_incident(conn, account, silenced.id)
    assert (made.action, made.status) == ("restart_service", "proposed")
    await after(context, account, 61)
    assert len(await told(context.store)) == 1


async def test_what_ended_within_the_silence_is_never_told(
    context: Context, account: str, silenced: Any
) -> None:
    for second in range(10, 40, 5):
        context.at = NOW + second * SECOND
        await send(context, account, "served", "info")
        await after(context, account, second)
    assert (await only(context, account)).status == "resolved"
    await after(context, account, 61)
    assert await told(context.store) == []


async def test_what_comes_back_after_the_silence_is_told(
    context: Context, account: str, silenced: Any
) -> None:
    await test_what_ended_within_the_silence_is_never_told(context, account, silenced)
    context.at = NOW + 70 * SECOND
    await send(context, account, FAILURE)
    await after(context, account, 70)
    assert [each.partition(":")[0] for each in await told(context.store)] == ["incident.reopened"]


async def test_a_silence_of_something_else_keeps_nothing_quiet(context: Context, account: str) -> None:
    await quiet(context.store, account, service="cart")
    await send(context, account, FAILURE)
    await after(context, account, 0)
    assert [each.partition(":")[0] for each in await told(context.store)] == ["incident.opened"]


async def test_a_silence_over_what_was_told_already_tells_that_it_goes_on(
    context: Context, account: str
) -> None:
    await send(context, account, FAILURE)
    await after(context, account, 0)
    await quiet(context.store, account, starts_at=NOW + 5 * SECOND)
    await after(context, account, 10)
    assert (await only(context, account)).silenced_by == "sil_1"
    context.at = NOW + 40 * SECOND
    await send(context, account, FAILURE)
    await after(context, account, 40)
    await after(context, account, 61)
    assert [each.partition(":")[0] for each in await told(context.store)] == [
        "incident.opened",
        "incident.reopened",
    ]


async def test_what_was_told_before_the_silence_and_came_no_more_is_told_only_when_it_comes_again(
    context: Context, account: str
) -> None:
    await send(context, account, FAILURE)
    await after(context, account, 0)
    await quiet(context.store, account, starts_at=NOW + 5 * SECOND)
    for second in (10, 61, 90):
        await after(context, account, second)
    assert [each.partition(":")[0] for each in await told(context.store)] == ["incident.opened"]
    found = await only(context, account)
    assert (found.status, found.silenced_by) == ("open", None)
    async with context.store.reading() as conn:
        assert "the silence is over (moving racks)" in (await timeline.of(conn, account, found.id))[-1].text
    for second in (100, 101):
        context.at = NOW + second * SECOND
        await send(context, account, FAILURE)
        await after(context, account, second)
    assert [each.partition(":")[0] for each in await told(context.store)] == [
        "incident.opened",
        "incident.reopened",
    ]


async def test_a_silence_that_is_ended_early_or_made_longer(
    context: Context, account: str, silenced: Any
) -> None:
    await quiet(context.store, account, 90, id="sil_2", why="it takes longer")
    await after(context, account, 5)
    marked = await only(context, account)
    assert (marked.silenced_why, marked.silenced_until) == ("it takes longer", NOW + 90 * SECOND)
    async with context.store.writing() as conn:
        for name in ("sil_1", "sil_2"):
            await silences.end(conn, account, name, at=NOW + 7 * SECOND, who="ann")
    await after(context, account, 8)
    assert [each.partition(":")[0] for each in await told(context.store)] == ["incident.opened"]


async def test_a_cause_that_turns_out_to_be_another_is_told_at_once(
    context: Context, account: str, silenced: Any
) -> None:
    context.at = NOW + 2 * SECOND
    await send(context, account, FULL, service="db-1")
    await after(context, account, 2)
    incident = await only(context, account)
    assert (incident.service, incident.silenced_by) == ("db-1", None)
    assert [each.partition(":")[0] for each in await told(context.store)] == ["incident.opened"]


async def test_another_service_of_the_same_host_is_told_though_the_first_is_silenced(
    context: Context, account: str
) -> None:
    await quiet(context.store, account, service="backup", why="full backup")
    await send(context, account, FULL, service="backup")
    await after(context, account, 0)
    assert await told(context.store) == []
    context.at = NOW + 2 * SECOND
    await send(context, account, FAILURE)
    await after(context, account, 2)
    incident = await only(context, account)  # it joined, and the silence is of its lead
    assert (incident.service, incident.services) == ("backup", ("backup", "checkout"))
    [message] = await told(context.store)
    assert message.startswith("incident.opened: not silenced: checkout (")
    assert message.endswith("silenced until 2027-01-15 08:01:00 UTC: backup (full backup)")
    # backup falls quiet, checkout goes on; then the silence ends: it was told already
    for second in (20, 40, 61):
        context.at = NOW + second * SECOND
        await send(context, account, FAILURE)
        await after(context, account, second)
        assert (await only(context, account)).silenced_by is None
    assert len(await told(context.store)) == 1


async def test_for_the_part_that_is_silenced_no_remedy_is_proposed(context: Context, account: str) -> None:
    await quiet(context.store, account, service="db-1")
    await send(context, account, FAILURE.replace("checkout", "db-1"), service="db-1")
    await after(context, account, 0)
    context.at = NOW + 2 * SECOND
    await send(context, account, OOM, service="kernel")  # so the two crashes have something in common
    await send(context, account, FAILURE)
    await after(context, account, 2)
    incident = await only(context, account)
    async with context.store.reading() as conn:
        written = await casefile.latest_analysis(conn, account, incident.id)
        made = await remedies.of_incident(conn, account, incident.id)
    assert written is not None
    assert {one.service for one in written.analysis.recommendations if one.offered} == {"db-1", "checkout"}
    assert [one.service for one in made] == ["checkout"]


async def test_both_in_one_batch_are_told_with_what_is_silenced(context: Context, account: str) -> None:
    await quiet(context.store, account, service="backup", why="full backup")
    await send(context, account, FULL, service="backup")
    await send(context, account, FAILURE)
    await after(context, account, 0)
    [message] = await told(context.store)
    assert message.startswith("incident.opened: not silenced: checkout (")


async def test_what_is_judged_late_is_judged_by_the_time_of_its_receipt(
    context: Context, account: str
) -> None:
    await quiet(context.store, account)
    await send(context, account, FAILURE)
    await after(context, account, 90)  # the batch came within the silence, detection was late
    assert (await only(context, account)).silenced_by == "sil_1"
    await after(context, account, 91)
    assert [each.partition(":")[0] for each in await told(context.store)] == ["incident.opened"]
    async with context.store.reading() as conn:
        head = await heads.load(conn, account)
    assert head is not None and head.lag == 0


async def test_a_part_that_is_there_when_its_own_silence_ends_is_told_once_though_another_was_told(
    context: Context, account: str
) -> None:
    await quiet(context.store, account, service="backup", why="full backup")
    await send(context, account, FULL, service="backup")
    await send(context, account, FAILURE)
    for second in (0, 30, 61, 95, 130):
        context.at = NOW + second * SECOND
        if second:
            await send(context, account, FULL, service="backup")
            await send(context, account, FAILURE)
        await after(context, account, second)
        assert len(await told(context.store)) == (1 if second < 61 else 2)
    assert (await told(context.store))[1].startswith(
        "incident.reopened: the silence of backup (no space left on the device) is over (full backup)"
    )
    async with context.store.reading() as conn:
        texts = [each.text for each in await timeline.of(conn, account, (await only(context, account)).id)]
    assert sum("the silence of backup" in each for each in texts) == 1


async def test_a_part_whose_silence_is_made_longer_is_told_at_its_real_end(
    context: Context, account: str
) -> None:
    await quiet(context.store, account, service="backup", why="full backup")
    await quiet(context.store, account, 120, service="backup", why="it takes longer", id="sil_2")
    for second in (0, 61, 100, 121):
        context.at = NOW + second * SECOND
        await send(context, account, FULL, service="backup")
        await send(context, account, FAILURE)
        await after(context, account, second)
        assert len(await told(context.store)) == (1 if second < 121 else 2)


async def test_a_planned_silence_begins_and_ends_by_itself_and_what_is_left_is_told(
    context: Context, account: str
) -> None:
    await quiet(context.store, account, 90, starts_at=NOW + 30 * SECOND, why="new kernel")
    kinds = []
    for second in (0, 25, 40, 80, 89, 90):
        context.at = NOW + second * SECOND
        await send(context, account, FAILURE)
        await after(context, account, second)
        kinds.append(((await only(context, account)).silenced_by, len(await told(context.store))))
    assert kinds == [(None, 1), (None, 1), ("sil_1", 1), ("sil_1", 1), ("sil_1", 1), (None, 2)]
    assert (await told(context.store))[1] == (
        "incident.reopened: the silence is over (new kernel), and the trouble is not"
    )
