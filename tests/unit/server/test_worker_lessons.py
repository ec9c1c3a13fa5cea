"""Lessons at work: what one holds back is told within seconds of the forgetting, by whichever worker."""
from __future__ import annotations

import pytest

from sra_server.domain.record import SECOND
from sra_server.store import incidents, lessons, timeline
from sra_server.worker import TICK, Worker

from .test_worker import FAILURE, Context, context, count_messages, only, send

__all__ = ["context"]  # the fixture


async def taught(context: Context, account: str) -> str:
    """Let a failure be told, close it as a false alarm, and let it come again; return the lesson."""
    worker = Worker(context)
    await send(context, account, FAILURE)
    await worker.step(account)
    found = await only(context, account)
    async with context.store.writing() as conn:
        signs = await timeline.signs_of(conn, account, found.id)
        [made] = await lessons.teach(conn, account, found, signs, who="ann", why=None, at=context.at)
        await incidents.move(conn, account, found.id, "closed", at=context.at, actor="ann",
                             kind="closed", text="closed")
    context.at += 60 * SECOND
    await send(context, account, FAILURE, count=2)
    await worker.step(account)
    await worker.tenancy.leave()
    assert await active(context, account) == []
    return made.id


async def active(context: Context, account: str) -> list[str]:
    async with context.store.reading() as conn:
        return [each.id for each in await incidents.active(conn, account, resolved_since=context.at)]


async def forget(context: Context, account: str, lesson: str) -> None:
    async with context.store.writing() as conn:
        await lessons.forget(conn, account, lesson)


async def test_another_worker_tells_what_was_held_once_its_lesson_is_forgotten(
        context: Context, account: str) -> None:
    lesson = await taught(context, account)
    before = await count_messages(context)
    worker = Worker(context)
    for _ in range(2):
        context.at += TICK
        await worker.tick()
    assert await active(context, account) == []
    await forget(context, account, lesson)
    context.at += TICK
    await worker.tick()
    told = await only(context, account)
    assert (told.service, told.signals) == ("checkout", 2)
    assert await count_messages(context) == before + 1
    context.at += TICK
    await worker.tick()  # once
    assert (await active(context, account), await count_messages(context)) == ([told.id], before + 1)


@pytest.mark.parametrize("seconds", [11, 60])
async def test_what_was_over_when_its_lesson_was_forgotten_is_not_told(
        context: Context, account: str, seconds: int) -> None:
    """An incident is over after 10 s of quiet here."""
    lesson = await taught(context, account)
    worker = Worker(context)
    await worker.tick()
    context.at += seconds * SECOND
    await forget(context, account, lesson)
    for _ in range(3):
        await worker.tick()
        context.at += TICK
    assert await active(context, account) == []
    assert not worker._held  # and nobody looks at the account any more
