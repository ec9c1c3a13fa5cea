"""Items of a chunk as JSON, without the brackets, and back. From sources and measure; to spool.

An item that JSON cannot carry (a lone surrogate, a number beyond 64 bits) is mended, never lost.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

DEPTH = 32
Halves = tuple[tuple[list[Any], list[Any]], tuple[list[Any], list[Any]]]


def encoded(items: Sequence[Mapping[str, Any]]) -> bytes:
    """Return the items as JSON values with commas between them."""
    try:
        return orjson.dumps(items)[1:-1]
    except (TypeError, RecursionError):
        return orjson.dumps([mended(item) for item in items])[1:-1]


def mended(value: Any, depth: int = 0) -> Any:
    """Return the value as near to itself as JSON of the wire allows."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if -(2**63) <= value < 2**63 else str(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if depth >= DEPTH:
        return mended(repr(value)[:1000])
    if isinstance(value, Mapping):
        return {mended(str(name)): mended(inner, depth + 1) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [mended(inner, depth + 1) for inner in value]
    if hasattr(value, "isoformat"):
        return value.isoformat()
    return mended(str(value))


def items_of(body: Mapping[str, Any]) -> tuple[Halves, bytes | None]:
    """Return the items of a batch in two halves, or its single item alone."""
    logs, points = body["logs"], body["metrics"]
    items = [*((0, item) for item in logs), *((1, item) for item in points)]
    if len(items) == 1:
        return (([], []), ([], [])), orjson.dumps(items[0][1])
    middle = len(items) // 2
    first, second = (
        ([i for kind, i in part if kind == 0], [i for kind, i in part if kind == 1])
        for part in (items[:middle], items[middle:])
    )
    return (first, second), None
