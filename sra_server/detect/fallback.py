"""Fallback: does a text itself say what is done instead, and how often is it said? From signatures.

A cache that answers too late now and then is passed by: the same line says that the database was asked. That
is what the fallback is for. It is told where it is a part of what the service does: each such line fills a
vessel which ten others empty, and what fails always is full at the third.
"""
from __future__ import annotations

import re

from ..domain.record import Record
from .beside import text_of
from .memory import Memory
from .signature import Signature
from .traffic import heard

#: Full at so many; so much of one takes each other record away.
_FULL, _TAKEN = 2.5, 0.1
_TEXT = 500
_FROM = (r"(?:the )?(?:\w{1,20} )?(?:database|db|disk|cache|origin|primary|source|store|replica|backup|memory"
         r"|postgres\w{0,3}|mysql|mongo\w{0,2}|defaults?|snapshot|local)\b")
#: Without one of these no text says it, which is seen sooner than searched.
_SAID = ("fall", "fell ", "from ", "using ", "serving ", "served ", "returning ", "keeping ", " used ")
_INSTEAD = re.compile(
    r"\b(?:falling back|falls back|fell back) (?:to|on)\b|\bfallback (?:is |was )?(?:used|to)\b"
    rf"|(?:[,;(] ?|- |\b(?:so|and|instead) )(?:now |it is |they are )?(?:reading|read|served|serving|loading"
    rf"|loaded|answering|answered|fetching|fetched|querying|taken) (?:directly )?from {_FROM}"
    r"|\b(?:using|serving|returning|keeping|served|used) (?:the |a |an )?(?:local |in-memory )?"
    r"(?:cached?|defaults?|stale|previous|last known|old) ")
#: Who says that it fails as well has none.
_NONE = re.compile(r"\bfall(?:ing )?back.{0,40}\b(?:fail|error|impossible|not possible|unavailable)"
                   r"|\bno fallback\b|, (?:reading|querying|loading) .{0,40}\bfail")


def instead(memory: Memory, signature: Signature, record: Record) -> bool:
    """Say whether a record that somebody does not answer tells what was done instead, and seldom so.

    Memory: fallback|name|service|host → [level, records ever].
    """
    if not signature.unanswered or signature.own:
        return False
    low = text_of(record)[:_TEXT].lower()
    if not any(said in low for said in _SAID):
        return False
    if _INSTEAD.search(low) is None or _NONE.search(low) is not None:
        return False
    key = f"fallback|{signature.name}|{record.service}|{record.host}"
    level, before = memory.get(key) or (0.0, 0)
    total = heard(memory, record.service, record.host, {}, record.at).traffic.total
    level = max(0.0, level - _TAKEN * max(0, total - before - 1)) + 1
    memory.put(key, [level, max(before + 1, total)])
    return bool(level < _FULL)
