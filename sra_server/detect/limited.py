"""Limited: is it one client alone that a service refuses, by a limit that is there for such? From signatures.

A crawler or a script that asks too often meets the limit all day, and that is what the limit is for. If it
refuses many, it is too low, or something makes everybody ask again. Who has a private address is a proxy,
behind which anybody may stand.
"""
from __future__ import annotations

from ..domain.record import MINUTE, SECOND, Record
from .client import address, counted
from .memory import Memory
from .signature import Signature

#: With which status a server answers whom it limits; nginx does with 503 unless it is told otherwise.
_ANSWERS = (429, 503, "429", "503")


def alone(memory: Memory, signature: Signature, record: Record) -> bool:
    """Say whether a record that means something tells of one client that is limited, and of few others.

    Memory: clients|name|service|host → [since, matches, by client]; limited|service|host → [client, time].
    """
    if not signature.clients and record.metadata.get("status") not in _ANSWERS:
        return False
    who = address(record)
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
