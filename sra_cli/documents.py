"""Documents: a file that is one JSON document of many events, as `kubectl get -o json` prints. To distil.

Each of them becomes a line of its own, so that they are read as the lines of any other file are.
"""
from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from typing import Any

#: What is larger is read line by line, as it is.
_LARGEST = 64 << 20
#: How such a document begins: pretty, or in one line.
_PRETTY = frozenset(("{", "[", "[{"))
_LISTS = ('{"apiVersion"', '{"items"', '{"kind"', "[{", "[ {")


def opened(rest: Iterator[list[str]], size: int) -> tuple[list[str], Iterator[list[str]], bool]:
    """Return the first lines of a file and the others; or its events if it is a document, and whether."""
    # what has no end of a line yet comes with the end of the file
    first = next(rest, []) or next(rest, [])
    begin = first[0].strip() if first else ""
    if size > _LARGEST or not (begin in _PRETTY or begin.startswith(_LISTS)):
        return first, rest, False
    if begin not in _PRETTY and len(first) > 1 and first[1].strip():
        return first, rest, False  # one object a line
    every = [first, *rest]
    try:
        stored = json.loads("\n".join(itertools.chain.from_iterable(every)))
    except (ValueError, RecursionError):
        return first, iter(every[1:]), False
    events = _events(stored)
    if events is None:
        return first, iter(every[1:]), False
    return [json.dumps(each, ensure_ascii=False) for each in events], iter(()), True


def _events(stored: Any) -> list[dict[str, Any]] | None:
    """Return the objects of a list, or of a document's `items`, in the order of the file; else None."""
    found = stored.get("items") if isinstance(stored, dict) else stored
    if not isinstance(found, list) or not found or not all(isinstance(each, dict) for each in found):
        return None
    return found
