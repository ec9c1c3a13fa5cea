"""Partners: does a program fail with one of the many in the world whom it calls? From signatures.

Who sends to the addresses of customers, reads the sites of others or watches them meets expired certificates
and refusals every day, each at somebody else's. That is their trouble. Whoever calls one partner needs that
one: its first failure is told. So a failure is passed over where others failed within the hour as well, and
the one that it names has no more than half of these failures; but not while most of what the service does
fails, for then it is its own clock, its own authorities or its own key.
"""
from __future__ import annotations

import re
from functools import lru_cache
from math import log

from ..domain.place import loopback, places_in
from ..domain.record import MINUTE, SECOND, Record
from .beside import text_of
from .client import inside
from .memory import Memory
from .signature import Signature
from .traffic import Traffic, heard

#: So many others that failed within so long make one of many; so many are known, for as long as a job that
#: runs each hour needs to meet one again.
_OTHERS, _LATELY, _KNOWN, _FADE = 2, 60 * MINUTE, 16, 130 * MINUTE
#: So many failures that are so large a part of the latest seconds are no matter of single partners; what was
#: written counts half after so many.
_MANY, _PART, _HALF = 5, 0.5, 5 * SECOND
#: Who does so much beside a warning about a partner is met again if it matters.
_BESIDE = 5
#: Who watches others tells each of their failures; that somebody is ill is so many of them, with no longer
#: pause between.
_WATCHED, _PAUSE = 3, 150 * SECOND
_TEXT = 2000
_MONITOR = re.compile(r"\bmonitor #\d{1,6} '([^'\n]{1,80})'")
#: Names that are given inside a house; all others with a dot are somebody's in the world.
_HOME = re.compile(r"\.(?:local|localdomain|internal|intranet|lan|home|corp|svc|cluster|consul|test)\Z")


def passing(memory: Memory, signature: Signature, record: Record) -> bool:
    """Say whether a record tells of one of many partners, whose failure is no trouble of the service.

    Memory: partners|service|host → [[partner, failures, latest], …].
    """
    if not (signature.partners or signature.target):
        return False
    text = text_of(record)[:_TEXT]
    watched = _MONITOR.search(text.lower()) if "onitor #" in text else None
    who = watched[1] if watched is not None else _partner(text)
    if not who:
        return False
    key = f"partners|{record.service}|{record.host}"
    stored: list[tuple[str, int, int]] = memory.get(key) or []
    known = {name: (times, last) for name, times, last in stored if abs(record.at - last) <= _FADE}
    times, last = known.pop(who, (0, 0))
    if watched is not None and record.at - last > _PAUSE:
        times = 0
    known[who] = times + 1, record.at
    memory.put(key, [[name, *each] for name, each in list(known.items())[-_KNOWN:]])
    if not signature.partners:
        return watched is not None and times + 1 < _WATCHED
    traffic = heard(memory, record.service, record.host, {}, record.at).traffic
    if _mostly(memory, signature, record, traffic):
        return False
    if watched is not None:
        return times + 1 < _WATCHED
    lately = [each for each, last in known.values() if abs(record.at - last) <= _LATELY]
    if len(lately) > _OTHERS:
        return 2 * (times + 1) <= sum(lately)
    return not times and record.level < 40 and traffic.n + traffic.before > _BESIDE


def _mostly(memory: Memory, signature: Signature, record: Record, traffic: Traffic) -> bool:
    """Say whether most of what the service did in the latest seconds has failed as this record says.

    Memory: mostly|name|service|host → [latest failure, failures and other records of late, records ever].
    """
    key = f"mostly|{signature.name}|{record.service}|{record.host}"
    latest, failed, rest, total = memory.get(key) or (0, 0.0, 0.0, 0)
    passed = max(0, record.at - latest)
    part = 0.5 ** (passed / _HALF)
    others = max(0, traffic.total - total - 1)
    # what was written while some time passed counts as if it had been written evenly
    rest = rest * part + others * ((1 - part) * _HALF / (log(2) * passed) if passed else 1.0)
    failed = failed * part + 1
    memory.put(key, [max(latest, record.at), failed, rest, max(total + 1, traffic.total)])
    return bool(failed >= _MANY and failed >= _PART * (failed + rest))


def _partner(text: str) -> str:
    """Return whom in the world a text says it called, or ""."""
    place = first_place(text)
    return place if far(place) else ""


@lru_cache(maxsize=512)
def first_place(text: str) -> str:
    """Return the first place that a text says has failed, or ""; of each it is asked twice."""
    return next(iter(places_in(text, 1)), "")


def far(place: str) -> bool:
    """Say whether a place is somebody's in the world, by its name or address."""
    host, _, port = place.rpartition(":")
    host = host if port.isdigit() else place
    return "." in host and not (loopback(place) or inside(host)) and _HOME.search(host) is None
