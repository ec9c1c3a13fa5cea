"""Make the bytes of one log or metric, whatever an application put in. From transport; to delivery.

Runs in the sender's thread. Nothing here raises for a strange value: what JSON cannot hold becomes
text, what the server refuses (NUL, halves of characters, endless names) is made acceptable.
"""
from __future__ import annotations

import json
import math
import re
import time
from datetime import datetime, timezone
from typing import Any, Callable, Optional

from .lines.level import LEVELS
from .lines.stamps import Stamps

MESSAGE_BYTES = 256 * 1024
NAME_CHARACTERS = 200
_DEPTH = 8
_ITEMS = 1000
_SURROGATE = re.compile("[\ud800-\udfff]")
_CONTROL = re.compile("[\x00-\x1f\x7f]")
_stamps = Stamps(lambda: time.time_ns() // 1000, timezone.utc)
_encode = json.JSONEncoder(allow_nan=False, separators=(",", ":")).encode

#: What waits in a queue: a maker of the wire's dict and what it needs.
Item = tuple[Callable[[Any], "dict[str, Any]"], Any]


def encode(item: Any) -> str:
    """Return the JSON text of a queued item."""
    make, given = item
    try:
        return _encode(make(given))
    except Exception as problem:  # noqa: BLE001 - an item that cannot be told must not stop the others
        return _encode({"timestamp": instant(None), "level": "warning",
                        "message": f"a record could not be encoded: {type(problem).__name__}"})


def instant(seconds: Optional[float]) -> str:
    """Return RFC 3339 in UTC; None means now."""
    at = datetime.now(timezone.utc) if seconds is None else datetime.fromtimestamp(seconds, timezone.utc)
    return at.isoformat().replace("+00:00", "Z")


def log(given: dict[str, Any]) -> dict[str, Any]:
    """Return the wire form of a log that an application made: send_log's dict."""
    made: dict[str, Any] = {
        "timestamp": moment(given.get("timestamp")),
        "level": LEVELS.get(str(given.get("level", "info")).strip().lower(), "info"),
        "message": text(given.get("message", "")),
    }
    for key in ("service", "host", "source", "trace_id"):
        value = given.get(key)
        if value is not None:
            made[key] = name(value)
    metadata = given.get("metadata")
    if metadata:
        made["metadata"] = plain(metadata if isinstance(metadata, dict) else {"value": metadata})
    return made


def metric(given: dict[str, Any]) -> dict[str, Any]:
    """Return the wire form of a metric that an application made: send_metric's dict."""
    made: dict[str, Any] = {
        "timestamp": moment(given.get("timestamp")), "name": name(given.get("name", "")) or "unnamed",
        "value": float(given["value"]),
    }
    for key in ("unit", "service", "host"):
        value = given.get(key)
        if value is not None:
            made[key] = name(value)
    tags = given.get("tags")
    if isinstance(tags, dict) and tags:
        made["tags"] = {name(key): value if type(value) in (int, bool) else name(value)
                        for key, value in list(tags.items())[:32]}
    return made


def moment(value: Any) -> str:
    """Return a timestamp that the server can read; one that nobody can read means now."""
    if isinstance(value, str):
        at = _stamps.text(value)
        return instant(None if at is None else at / 1e6)
    if isinstance(value, datetime):
        aware = value if value.tzinfo is not None else value.replace(tzinfo=timezone.utc)
        return aware.astimezone(timezone.utc).isoformat().replace("+00:00", "Z")
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 < value < 4e9:
        return instant(float(value))
    return instant(None)


def text(value: Any) -> str:
    """Return a message: text, bounded, without what no database stores."""
    message = value if isinstance(value, str) else shown(value)
    if "\x00" in message:
        message = message.replace("\x00", "\ufffd")
    if not message.isascii():
        message = _SURROGATE.sub("\ufffd", message)
    if len(message) * 4 > MESSAGE_BYTES:
        raw = message.encode("utf-8")
        if len(raw) > MESSAGE_BYTES:
            end = f" [cut; it had {len(raw)} bytes]"
            message = raw[:MESSAGE_BYTES - len(end)].decode("utf-8", "ignore") + end
    return message


def name(value: Any) -> str:
    """Return a name: bounded text without control characters."""
    given = value if isinstance(value, str) else shown(value)
    if len(given) <= NAME_CHARACTERS and given.isascii() and given.isprintable():
        return given
    return _SURROGATE.sub("\ufffd", _CONTROL.sub("", given[:NAME_CHARACTERS * 2]))[:NAME_CHARACTERS]


def shown(value: Any) -> str:
    """Return str(value), or what is wrong with it."""
    try:
        return str(value)
    except Exception as problem:  # noqa: BLE001 - the application's own __str__ may fail
        return f"<{type(value).__name__}: no text, {type(problem).__name__}>"


def plain(value: Any, depth: int = _DEPTH) -> Any:
    """Return a value that JSON holds, copied, so that later changes of the original do not show."""
    kind = type(value)
    if kind is str:
        return text(value) if len(value) > 1000 or "\x00" in value or not value.isascii() else value
    if kind is bool or value is None:
        return value
    if kind is int:
        return value if -2**63 <= value < 2**64 else shown_number(value)
    if kind is float:
        return value if math.isfinite(value) else str(value)
    if depth <= 0:
        return text(shown(value))[:1000]
    if isinstance(value, dict):
        return {text(key)[:NAME_CHARACTERS]: plain(inner, depth - 1)
                for key, inner in list(value.items())[:_ITEMS]}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(inner, depth - 1) for inner in list(value)[:_ITEMS]]
    if isinstance(value, datetime):
        return value.isoformat()
    return text(shown(value))


def shown_number(value: int) -> str:
    """Return a number too large for JSON's readers as text."""
    return str(value) if value.bit_length() < 4096 else f"a number of {value.bit_length()} bits"
