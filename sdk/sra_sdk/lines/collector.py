"""What a log of the JVM's garbage collector says: a full collection that found next to nothing to give back.

From infer; to the level of a line. Its lines are information, however bad it is. A full collection that frees
the heap is everyday life; one that leaves it full is followed by the next, until the heap is exhausted.
"""
from __future__ import annotations

import re
from typing import Optional

from .level import WARNING

#: In small letters, by what such a line is known.
NEEDLES = ("pause full", "[full gc")
_SEARCHED = 1000
_SIZES = re.compile(r"([0-9]{1,9})([KMG])->([0-9]{1,9})([KMG])\(([0-9]{1,9})([KMG])\)")
_UNIT = {"K": 1, "M": 1024, "G": 1024 * 1024}
#: A heap of which so much is in use after it was searched through as a whole has no room for what is to come.
_FULL = 0.9


def in_vain(message: str) -> Optional[str]:
    """Return warning for a full collection after which the heap is as good as full, else None."""
    begin = message.find("Pause Full")
    if begin < 0:
        begin = message.find("[Full GC")
    if begin < 0:
        return None
    end = message.find("Metaspace", begin)
    sizes = _SIZES.findall(message, begin, min(begin + _SEARCHED, end if end > 0 else len(message)))
    if not sizes:
        return None
    # of the whole heap, and not of one of its generations
    after, room = max(((int(each[2]) * _UNIT[each[3]], int(each[4]) * _UNIT[each[5]]) for each in sizes),
                      key=lambda pair: pair[1])
    return WARNING if room and after >= _FULL * room else None
