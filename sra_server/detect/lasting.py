"""Lasting: what says so when it is over, and has not for too long. From signatures; pure.

A file server that hangs is told by a line for each task that waits, often all in one second, and then by
nothing: to wait for more would be to wait for minutes. But when it answers again the kernel says so, and one
that does within some seconds was restarted, or the network paused. So what a signature with `lasts` and
`ends` finds is told after so many seconds, unless it ended, and goes on until it does; but where nothing was
said of it for a whole window, its end may have been missed.
"""
from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from ..domain.record import SECOND, Record
from .memory import Memory
from .objects import object_of
from .scatter import Match
from .signature import Signature

#: So many are waited for at once; of more the first ones go.
MOST = 64
_KEY = "lasting"
_TEXT = 2000


class Waiting(NamedTuple):
    """A sign's fingerprint and its object; when it was said first and last (event time), and last received.

    `until`: when it is told, or told again (receipt).
    """

    fingerprint: str
    name: str
    since: int
    last: int
    heard: int
    until: int
    told: bool = False


def wait(memory: Memory, fingerprint: str, signature: Signature, matches: Iterable[Match],
         told: Collection[str]) -> None:
    """Note of what texts complain that may be over in a moment; `told` are those of which that is known."""
    if not signature.lasts:
        return
    known = {(each.fingerprint, each.name): each for each in _waiting(memory)}
    for match in matches:
        if not match.place:
            continue
        key, now = (fingerprint, match.place), memory.clock
        before = known.pop(key, Waiting(*key, match.at, match.at, now, now + signature.lasts * SECOND))
        known[key] = before._replace(last=max(before.last, match.at), heard=now,
                                     told=before.told or match.place in told)
    _keep(memory, known.values())


def overdue(memory: Memory, records: Iterable[Record],
            signatures: Mapping[str, Signature]) -> dict[str, list[Waiting]]:
    """Return what lasts for too long by now, by its fingerprint, with whether it was told already.

    What one of the records of this batch ends is forgotten before.
    """
    waiting, found = _waiting(memory), dict[str, list[Waiting]]()
    if not waiting:
        return found
    rest: list[Waiting] = []
    said = [(each, each.message[:_TEXT].lower()) for each in records]
    for each in waiting:
        _, name, service, host = (each.fingerprint.split("|") + [""] * 4)[:4]
        signature = signatures.get(name)
        if signature is None or signature.ends is None or any(
                (record.service, record.host) == (service, host) and record.at >= each.last
                and object_of(signature.ends, low) == each.name for record, low in said):
            continue
        if each.told and memory.clock - each.heard > signature.window * SECOND:
            continue
        if memory.clock < each.until:
            rest.append(each)
            continue
        found.setdefault(each.fingerprint, []).append(each)
        rest.append(each._replace(told=True, until=memory.clock + signature.lasts * SECOND))
    if rest != waiting:
        _keep(memory, rest)
    return found


def due(memory: Memory) -> int | None:
    """Return when the next of what is waited for will have lasted for too long."""
    return min((each.until for each in _waiting(memory) if not each.told), default=None)


def _waiting(memory: Memory) -> list[Waiting]:
    return [Waiting(*each) for each in memory.get(_KEY) or ()]


def _keep(memory: Memory, waiting: Iterable[Waiting]) -> None:
    kept = [list(each) for each in waiting][-MOST:]
    if kept:
        memory.put(_KEY, kept)
    else:
        memory.drop(_KEY)
