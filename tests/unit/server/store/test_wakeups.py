"""Wake-ups: woken when notified, not lost between looking and waiting, bounded."""
from __future__ import annotations

import asyncio

from sra_server.store import wakeups
from sra_server.store.wakeups import Wakeups


async def test_all_that_wait_for_the_topic_are_woken_and_no_others() -> None:
    wake = Wakeups()
    waiting = [asyncio.create_task(wake.wait("a", 5)) for _ in range(3)]
    other = asyncio.create_task(wake.wait("b", 0.05))
    await asyncio.sleep(0)
    wake.notify("a")
    assert await asyncio.gather(*waiting) == [True] * 3
    assert await other is False


async def test_a_notification_before_the_wait_counts_once() -> None:
    wake = Wakeups()
    wake.notify("a")
    wake.notify("a")
    assert await wake.wait("a", 0)
    assert not await wake.wait("a", 0.01)


async def test_since_a_mark_nothing_is_missed_whoever_else_waits() -> None:
    wake = Wakeups()
    before = wake.mark()
    wake.notify("a")
    assert await wake.wait("a", 0)
    assert await wake.wait("a", 0, since=before)
    assert not await wake.wait("a", 0.01, since=wake.mark())


async def test_nothing_piles_up(monkeypatch) -> None:
    monkeypatch.setattr(wakeups, "_REMEMBERED", 10)
    wake = Wakeups()
    for number in range(100):
        wake.notify(str(number))
        assert await wake.wait(str(number), 0)
        assert not await wake.wait(f"other {number}", 0)
    assert len(wake._notified) <= 10
    assert len(wake._taken) <= 10
    assert not wake._waiting
