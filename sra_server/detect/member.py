"""Member: is it one node of a cluster that does not answer, for a moment or for longer? From signatures.

Whoever speaks to a cluster names the node that it misses. A cluster whose nodes are restarted one after the
other goes on, and its clients say of each for some seconds that it is away. All of them, or the only one, are
another matter, and so is one that does not come back.
"""
from __future__ import annotations

import re

from ..domain.record import MINUTE, SECOND, Record
from .beside import text_of
from .memory import Memory
from .signature import Signature

#: One node alone is told after so long without so long a pause: it does not come back.
_LASTS, _PAUSE = 60 * SECOND, 20 * SECOND
#: Two nodes that are missed within so long are not restarted one after the other.
_TOGETHER = 8 * SECOND
#: So many nodes are known, for so long.
_KNOWN, _FADE = 16, 60 * MINUTE
_TEXT = 2000
#: How Kafka and librdkafka number a node.
_NODE = re.compile(r"\bnode (\d{1,6})\b|\bleaderid=(\d{1,6})\b|\(id: (\d{1,6}) rack"
                   r"|:\d{2,5}/(\d{1,6})(?=[:\]])")
#: A second node is one of several (a first one may be the only, and 1001 is the first that Kafka numbers
#: itself), and so is a broker that is numbered by its name, or that another broker copies from.
_SEVERAL = re.compile(r"(?:\bnode |\bid: |:\d{2,5}/)(?:[2-9]|\d{2,3})\b|\breplicafetcher\b"
                      r"|\b(?:kafka|broker|b|mq)-?0?[1-9]\d?[.:/]")


def one_of(memory: Memory, signature: Signature, record: Record) -> bool | None:
    """Say whether a text is of one node of several, and lasts; None if it is not, or of all of them.

    Memory: members|service|host → [[node, since, latest], …].
    """
    if not signature.node:
        return None
    low = text_of(record)[:_TEXT].lower()
    found = _NODE.search(low)
    if found is None:
        return None
    node = next(each for each in found.groups() if each)
    key = f"members|{record.service}|{record.host}"
    stored: list[tuple[str, int, int]] = memory.get(key) or []
    known = {name: (since, last) for name, since, last in stored if abs(record.at - last) <= _FADE}
    since, last = known.pop(node, (record.at, record.at))
    since = record.at if record.at - last > _PAUSE else min(since, record.at)
    together = any(abs(record.at - last) <= _TOGETHER for _, last in known.values())
    several = bool(known) or _SEVERAL.search(low) is not None
    known[node] = since, max(last, record.at)
    memory.put(key, [[name, *each] for name, each in list(known.items())[-_KNOWN:]])
    return None if together or not several else record.at - since >= _LASTS
