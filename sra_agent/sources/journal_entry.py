"""One entry as `journalctl --output=json` prints it. Pure. From journald.

A field is text, or the list of its bytes when it is no clean text, or null; when an entry has a field
several times, the list of these.
"""

from __future__ import annotations

import re
from functools import partial
from typing import Any, NamedTuple

import orjson

from sra_sdk.lines.journal import service_of
from sra_sdk.lines.level import CRITICAL, DEBUG, ERROR, INFO, WARNING

from . import Known
from .tail import LINE_BYTES

#: What is asked of journalctl; the cursor and the time come unasked.
FIELDS = (
    "MESSAGE",
    "PRIORITY",
    "UNIT",
    "SYSLOG_IDENTIFIER",
    "CONTAINER_NAME",
    "_SYSTEMD_UNIT",
    "_COMM",
    "_PID",
    "_TRANSPORT",
)
NAME_CHARACTERS = 200
_LEVELS = (CRITICAL, CRITICAL, CRITICAL, ERROR, WARNING, INFO, INFO, DEBUG)
_CURSOR = re.compile(rb'"__CURSOR"\s*:\s*"([^"\\]{1,1000})"')


class Entry(NamedTuple):
    """What SRA keeps of an entry. `stream` tells the lines of one process from those of others."""

    cursor: str
    at: int  # µs
    stream: str
    service: str
    text: str
    size: int  # in bytes, before it was cut
    known: Known


class Cursor(NamedTuple):
    """What can be compared in a cursor: the series, the number within it, and the time in µs."""

    series: str
    number: int
    at: int


def cursor_of(text: str) -> Cursor | None:
    """Read a cursor; None when it is not one."""
    parts = dict(part.partition("=")[::2] for part in text.split(";"))
    try:
        return Cursor(parts["s"], int(parts["i"], 16), int(parts["t"], 16))
    except (KeyError, ValueError):
        return None


def after(entry: str, place: str) -> bool:
    """Return whether the entry was written after the place."""
    one, other = cursor_of(entry), cursor_of(place)
    if one is None or other is None:
        return True
    return one.number > other.number if one.series == other.series else one.at > other.at


def cursor_within(data: bytes) -> str | None:
    """Return the cursor of an entry of which only a part is at hand."""
    match = _CURSOR.search(data)
    return match[1].decode("ascii", "replace") if match else None


def entry_of(line: bytes) -> Entry | None:
    """Read a line; None when it is not an entry."""
    try:
        fields = orjson.loads(line)
        cursor, at = fields["__CURSOR"], int(fields["__REALTIME_TIMESTAMP"])
    except (ValueError, KeyError, TypeError):
        return None
    raw = _bytes(fields.get("MESSAGE"))
    text = raw[:LINE_BYTES].replace(b"\0", b"\xef\xbf\xbd").decode("utf-8", "replace").rstrip("\r\n")
    unit, pid = _text(fields, "_SYSTEMD_UNIT"), _text(fields, "_PID")
    service = _service(fields)
    metadata: dict[str, Any] = {}
    if unit:
        metadata["unit"] = unit[:NAME_CHARACTERS]
    if pid.isdigit():
        metadata["pid"] = int(pid[:10])
    priority = _text(fields, "PRIORITY")
    level = _LEVELS[int(priority)] if priority in tuple("01234567") else None
    if priority == "6" and _text(fields, "_TRANSPORT") == "stdout":
        level = None  # the journal's own word for whatever a service prints
    # What pid 1 says of units comes from one process, and belongs to each of them.
    stream = f"{service}:{pid}"
    return Entry(str(cursor), at, stream, service, text, len(raw), Known(at, level, metadata))


def _service(fields: dict[str, Any]) -> str:
    name = service_of(partial(_text, fields))
    return "".join(c for c in name if c.isprintable())[:NAME_CHARACTERS] or "journal"


def _bytes(value: Any) -> bytes:
    if isinstance(value, str):
        return value.encode("utf-8", "replace")
    if isinstance(value, list):
        if value and all(isinstance(one, int) for one in value):
            return bytes(one & 255 for one in value)
        return b"\n".join(_bytes(one) for one in value)
    return b""


def _text(fields: dict[str, Any], name: str) -> str:
    value = fields.get(name)
    if isinstance(value, str):
        return value
    if isinstance(value, list) and value and isinstance(value[0], str):
        return value[0]
    return _bytes(value).decode("utf-8", "replace")
