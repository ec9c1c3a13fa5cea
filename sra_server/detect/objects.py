"""Objects: of what a text complains, and of which of them often enough to be told. From signatures; pure.

One sign of one service may be of several upstreams, processes or disks, and that a second one is ill is news
where the first is known. So each has to meet by itself what the signature asks for. Names that the next one
of its kind will not have, as those of pods and numbers, are no objects.
"""
from __future__ import annotations

import re
from collections.abc import Iterable

from ..domain.record import SECOND
from .memory import Memory
from .pattern import Pattern
from .scatter import LASTS, WEAK, Match
from .signature import Signature

#: So many objects of one sign are counted at once; the one that was named least recently goes.
MOST = 8
#: A few seconds between the matches take nothing away that matters.
_NEARLY = 0.25
#: What is longer is no name.
_LONG = 100
#: What a pod, an instance of a unit or a container has of its own behind its name.
_PASSING = re.compile(r"-[0-9a-f]{6,10}-[0-9a-z]{5}(?=\Z|[_/:])|@[\w.:-]*"
                      r"|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|(?<![a-z0-9])(?=[a-z]*\d)[0-9a-f]{12,}(?![a-z0-9])|\d{5,}")


def object_of(pattern: Pattern, low: str) -> str:
    """Return what a text in lower case is about, without what the next of its kind does not have, or "".

    What a group `id` finds tells two of one name apart that live on, as containers do, and is kept.
    """
    found = pattern.regex.search(low[:pattern.most])
    if found is None:
        return ""
    which = found.groupdict().get("id") or ""
    name = next((each for each in found.groups() if each and each != which), "")
    name = _PASSING.sub("*", name).strip(" *-_.:")
    if not name.strip("/*"):
        return ""
    return f"{name} in {which}" if which else name


def ill(memory: Memory, fingerprint: str, signature: Signature, matches: Iterable[Match],
        need: float) -> tuple[tuple[str, int], ...]:
    """Return those of which the latest matches are enough by now, each with when they began.

    `need`: so many within the signature's window. What may be a restart has to last longer than one. Memory:
    objects|fingerprint → [[name, since, last, level], ...], the latest last; a level halves in a window.
    """
    key = f"objects|{fingerprint}"
    known: dict[str, tuple[int, int, float]] = {name: (since, last, level)
                                                for name, since, last, level in memory.get(key) or ()}
    found: dict[str, int] = {}
    window = signature.window * SECOND
    for match in matches:
        if not match.place or len(match.place) > _LONG:
            continue
        since, last, level = known.pop(match.place, (match.at, 0, 0.0))
        passed = max(0, match.at - last)
        if passed > window:
            since, level = match.at, 0.0
        if not level or passed >= signature.apart * SECOND:
            level = level * 0.5 ** (passed / window) + (WEAK if match.weak else 1.0)
            last = max(last, match.at)
        known[match.place] = since, last, level
        if len(known) > MOST:
            del known[next(iter(known))]
        if level >= need - _NEARLY and (not match.brief or match.at - since >= LASTS):
            found[match.place] = since
    if known:
        memory.put(key, [[name, *each] for name, each in known.items()])
    return tuple(found.items())
