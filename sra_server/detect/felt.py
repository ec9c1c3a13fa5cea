"""Felt: do those who ask feel that a host is busy? From and to threshold.

A processor or a disk that has much to do is no trouble by itself. It is one when answers take longer: health
checks, and what services say of their latency. A host of which nothing like it is measured may be in trouble
unseen, so it is given less time.
"""
from __future__ import annotations

from ..domain.record import MINUTE, SECOND, Point
from .memory import Memory

#: Slow is so many times the usual; twice, so that one slow answer is none.
_SLOW = 3.0
#: Nobody looks who has not looked for so long.
_LOOKS = 5 * MINUTE
#: An answer given as it begins speaks of it as well.
_BEFORE = 15 * SECOND
#: For how many seconds a host may be busy of which nobody knows whether it usually is: where somebody looks
#: and is served as ever, and where nobody looks.
SERVED, UNSEEN = 3600, 1800


def feel(memory: Memory, point: Point, usual: float) -> None:
    """Note that a host's services are asked, and whether an answer took long; `usual` is 0 if not known."""
    if usual <= 0:
        return
    key = f"felt|{point.host}"
    looked, last, before = memory.get(key) or (0, 0, 0)
    if point.value >= _SLOW * usual:
        last, before = point.at, last
    elif point.at - looked < MINUTE // 6:
        return
    memory.put(key, [max(looked, point.at), last, before])


def unfelt(memory: Memory, point: Point, since: int) -> int:
    """Return for how many seconds a host that is busy since then is waited for; 0 if that is felt."""
    looked, _, before = memory.get(f"felt|{point.host}") or (0, 0, 0)
    if before and before >= since - _BEFORE:
        return 0
    return SERVED if point.at - looked <= _LOOKS else UNSEEN
