"""Limited: is it one client alone that a service refuses, by a limit that is there for such? Also to burst.

A crawler or a script that asks too often meets the limit all day, and that is what the limit is for. If it
refuses many, it is too low, or something makes everybody ask again. Who has a private address is a proxy,
behind which anybody may stand.
"""
from __future__ import annotations

import re
from collections.abc import Iterable

from ..domain.record import MINUTE, SECOND, Record
from .client import address, counted, inside
from .memory import Memory
from .signature import Signature

#: With which status a server answers whom it limits; nginx does with 503 unless it is told otherwise.
_ANSWERS = (429, 503, "429", "503")
_TEXT = 500
_LIMIT = re.compile(r"\blimiting (?:requests|connections)\b|\brate[ -]?limit|\btoo many requests\b|\bthrottl")
#: Whom a program says that it limits.
_WHOM = re.compile(r"\b(?:client|ip|exceeded (?:for|by))(?: (?:ip|addr(?:ess)?))?[ =:]{1,2}[\"'\[(]?"
                   r"(\d{1,3}(?:\.\d{1,3}){3})(?![\w.])")


def alone(memory: Memory, signature: Signature, record: Record) -> bool:
    """Say whether a record that means something tells of one client that is limited, and of few others.

    Memory: clients|name|service|host → [since, matches, by client]; limited|service|host → [client, time].
    """
    if not signature.clients and record.metadata.get("status") not in _ANSWERS:
        return False
    who = _whom(record)
    if not who:
        return False
    limited = f"limited|{record.service}|{record.host}"
    if not signature.clients:
        known, at = memory.get(limited) or ("", 0)
        return bool(known == who and abs(record.at - at) <= MINUTE)
    key = f"clients|{signature.name}|{record.service}|{record.host}"
    since, n, clients = memory.get(key) or (record.at, 0, {})
    if abs(record.at - since) > signature.window * SECOND:
        since, n, clients = record.at, 0, {}
    clients = counted(clients, who)
    memory.put(key, [since, n + 1, clients])
    if 3 * max(clients.values(), default=0) <= n + 1:
        return False
    if clients.get(who, 0) == max(clients.values()):
        memory.put(limited, [who, record.at])
    return True


def of_one(memory: Memory, service: str, records: Iterable[Record]) -> frozenset[str]:
    """Return which of a service's records tell that a limit refused one client who is more than a third.

    Memory: limited|service → [since, refusals, by client].
    """
    key = f"limited|{service}"
    stored = memory.get(key)
    since, n, clients = stored or (0, 0, dict[str, int]())
    found: list[tuple[Record, str]] = []
    for record in records:
        status = record.metadata.get("status")
        said = status in (429, "429") or _LIMIT.search(record.message[:_TEXT].lower()) is not None
        if not said and status not in _ANSWERS:
            continue
        who = _whom(record)
        found.append((record, who))
        if said:
            if abs(record.at - since) > MINUTE:
                since, n, clients = record.at, 0, {}
            n, clients = n + 1, counted(clients, who or "?")
    if n and (since, n) != tuple(stored or ())[:2]:
        memory.put(key, [since, n, clients])
    return frozenset(record.id for record, who in found
                     if who and 3 * clients.get(who, 0) > n and abs(record.at - since) <= 2 * MINUTE)


def _whom(record: Record) -> str:
    """Return the public address that a record names as a client's, or ""."""
    who = address(record)
    if who or "client" in record.metadata:
        return who
    low = record.message[:_TEXT].lower()
    found = _WHOM.search(low) if _LIMIT.search(low) is not None else None
    return "" if found is None or inside(found[1]) else found[1]
