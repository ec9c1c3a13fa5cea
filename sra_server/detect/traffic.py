"""Traffic: how much each service on a host writes, and since when it is heard. From counts; to usual.

What a service writes in all is what its failures are a part of. Debug lines are left out: how many there
are says how talkative a program is, not how much it does.
"""
from __future__ import annotations

from typing import NamedTuple

from ..domain.record import MINUTE, Batch
from .memory import Memory

_INFO = 20
#: Services take no more than this part of the memory; beyond, only those are added whose failures are found.
_PART = 2
#: Under this is kept since when anything is heard.
_WATCHED = "watched"


class Traffic(NamedTuple):
    """Of one service on one host: the first minute, the running one; records in it, in the last one, ever.

    `since` when it is heard, if that is known better than by the minute.
    """

    first: int
    minute: int
    n: int = 0
    before: int = 0
    total: int = 0
    since: int = 0


class Heard(NamedTuple):
    """What is known of a service: its traffic until now, and what of it the batch brought, by minute."""

    traffic: Traffic
    brought: dict[int, int]


def hear(memory: Memory, batch: Batch) -> dict[tuple[str, str], dict[int, int]]:
    """Add the counts of a batch to the services' traffic; return what it brought, by service and host."""
    brought: dict[tuple[str, str], dict[int, int]] = {}
    for count in batch.counts:
        if count.level >= _INFO:
            whose = count.service, count.host
            minutes = brought.get(whose)
            if minutes is None:
                brought[whose] = {count.minute: count.n}
            else:
                minutes[count.minute] = minutes.get(count.minute, 0) + count.n
    if brought:
        memory.put(_WATCHED, memory.get(_WATCHED) or batch.received_at)
    for (service, host), minutes in brought.items():
        key = _key(service, host)
        stored = memory.get(key)
        if stored is not None or len(memory) < memory.limit // _PART:
            known = _added(stored, minutes)
            memory.put(key, known if stored is not None else [*known[:-1], _since(batch, service, minutes)])
    return brought


def heard_since(memory: Memory, service: str, host: str) -> int:
    """Return since when a service is heard, or 0 if that is not known."""
    stored = memory.get(_key(service, host))
    return Traffic(*stored).since if stored is not None else 0


def watched_since(memory: Memory) -> int:
    """Return when something of the account was counted first."""
    return int(memory.get(_WATCHED) or memory.clock)


def _since(batch: Batch, service: str, minutes: dict[int, int]) -> int:
    """Return when a service was heard first, by a batch that has it; of what has no time only the minute."""
    first = min((each.at for each in batch.records if each.service == service), default=batch.received_at)
    return min(first, batch.received_at, min(minutes) + MINUTE)


def heard(memory: Memory, service: str, host: str, brought: dict[int, int], at: int) -> Heard:
    """Return what is known of a service; who was not noted for lack of room is noted now."""
    key = _key(service, host)
    stored = memory.get(key)
    if stored is None:
        minute = at - at % MINUTE
        stored = _added(None, brought or {minute: 0})
        memory.put(key, stored)
    return Heard(Traffic(*stored), brought)


def _added(stored: list[int] | None, minutes: dict[int, int]) -> list[int]:
    """Return the numbers of a Traffic with more records; every service has some in every batch."""
    first, running, now, before, total, *since = stored or (min(minutes), min(minutes), 0, 0, 0)
    for minute, n in sorted(minutes.items()) if len(minutes) > 1 else minutes.items():
        total += n
        if minute == running:
            now += n
        elif minute > running:
            running, now, before = minute, n, now if minute == running + MINUTE else 0
        elif minute == running - MINUTE:
            before += n
    return [first, running, now, before, total, *(since or (0,))]


def _key(service: str, host: str) -> str:
    return f"heard|{service}|{host}"
