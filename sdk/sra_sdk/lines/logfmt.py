"""Lines of key=value pairs. From parse; to Parsed."""
from __future__ import annotations

import re
from typing import Any, Optional

from .fields import from_fields
from .parsed import Context, Parsed

_FIRST = re.compile(r'[A-Za-z_@][\w.@/-]{0,63}=(?:"|\S)', re.A)
#: Some write a date with a space and no quotation marks; Python's repr quotes with apostrophes.
_PAIR = re.compile(r'([A-Za-z_@][\w.@/-]{0,63})=(?:"((?:[^"\\]|\\.)*)"|\'((?:[^\'\\]|\\.)*)\'(?=\s|\Z)'
                   r'|([0-9]{4}-[0-9]{2}-[0-9]{2} (?:[0-9]{2}:){2}[0-9]{2}[^\s"]*|[^\s"]*))(?:\s+|\Z)', re.A)
_ESCAPE = re.compile(r"\\(.)", re.S)
_KNOWN = frozenset(("msg", "message", "level", "lvl", "severity"))
_NAMED = {"n": "\n", "t": "\t", "r": "\r"}
_PAIRS = 128


def logfmt(text: str, context: Context) -> Optional[Parsed]:
    """time=2024-01-31T10:00:00Z level=info msg="it began" user=7"""
    if _FIRST.match(text) is None:
        return None
    fields: dict[str, Any] = {}
    end = 0
    while end < len(text) and len(fields) < _PAIRS:
        pair = _PAIR.match(text, end)
        if pair is None:
            break
        key, quoted, single, bare = pair.groups()
        if quoted is None:
            quoted = single
        if quoted is None:
            fields[key] = bare
        else:
            fields[key] = _ESCAPE.sub(lambda e: _NAMED.get(e[1], e[1]), quoted) if "\\" in quoted else quoted
        end = pair.end()
    if len(fields) < 2 or _KNOWN.isdisjoint(fields):
        return None
    if text[end:].strip():
        fields["rest"] = text[end:]
    return from_fields(fields, text, context, "logfmt")
