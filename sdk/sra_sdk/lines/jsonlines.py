"""Lines of JSON objects, and docker's JSON wrapper around any other line. From parse; to Parsed."""
from __future__ import annotations

import json
from typing import Any, Optional

from .fields import from_fields
from .otlp import WRAPPED, unwrapped
from .parsed import Context, Parsed

#: Deeper metadata than this is kept as text: nobody searches it, and recursion must end.
_DEPTH = 6
#: So long may be what stands behind a message.
_TAIL = 4096
_decode = json.JSONDecoder(parse_constant=lambda name: name).decode
_SIMPLE = frozenset((str, int, bool, type(None)))


def json_line(text: str, context: Context) -> Optional[Parsed]:
    """{"time": "...", "level": "info", "message": "..."}"""
    try:
        fields = _decode(text)
    except (ValueError, RecursionError):
        return None
    if fields.__class__ is not dict:
        return None
    if WRAPPED in fields:
        fields = unwrapped(fields) or fields
    for key, value in fields.items():
        if value.__class__ not in _SIMPLE or (value.__class__ is int and not -2**63 <= value < 2**64):
            fields[key] = plain(value, _DEPTH)
    return from_fields(fields, text, context, "json")


def trailing(text: str, start: int, context: Context) -> Optional[Parsed]:
    """message {"timestamp": "..."}, as winston's simple form ends a line; None if no time stands there."""
    begin = text.find(' {"', start)
    if begin <= start or "timestamp" not in text[begin:begin + _TAIL] or len(text) - begin > _TAIL:
        return None
    inner = json_line(text[begin + 1:], context)
    if inner is None or inner.at is None:
        return None
    return inner._replace(message=text[start:begin])


def docker(text: str, context: Context) -> Optional[tuple[str, str, str]]:
    """Return what docker's json-file driver wrapped: the line, its stream and its time; else None."""
    try:
        fields = _decode(text)
    except (ValueError, RecursionError):
        return None
    if fields.__class__ is not dict:
        return None
    line, stream, time = fields.get("log"), fields.get("stream"), fields.get("time")
    if line.__class__ is not str or stream.__class__ is not str or time.__class__ is not str:
        return None
    return line, stream, time


def plain(value: Any, depth: int) -> Any:
    """Return the value as JSON that every reader accepts: finite, bounded numbers and bounded depth."""
    kind = value.__class__
    if kind is str or kind is bool or value is None:
        return value
    if kind is int:
        if -2**63 <= value < 2**64:
            return value
        return str(value) if abs(value) < 10**300 else "a very large number"
    if kind is float:
        return value if value - value == 0 else str(value)
    if depth <= 0:
        return repr(value)[:1000] if kind is not dict and kind is not list else "..."
    if kind is dict:
        return {key: plain(inner, depth - 1) for key, inner in value.items()}
    return [plain(inner, depth - 1) for inner in value]
