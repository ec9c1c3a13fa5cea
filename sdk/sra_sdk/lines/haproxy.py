"""What HAProxy writes of its traffic, in syslog or alone (`log stdout format raw`). From syslog and parse.

A request's line has a status. A TCP session's has none: only how it ended tells whether it failed.
"""
from __future__ import annotations

import re
from typing import Any, Optional

from .parsed import Context, Parsed
from .stamps import day_month_year

_TRAFFIC = re.compile(
    r"(\S{1,100}):[0-9]+ \[[^\]]{20,40}\] (\S+) ([^/\s]+)/(\S+) [0-9/+-]+ "
    r"(?:(-?[0-9]{1,3}) [0-9+]+ .{0,200}?([\w-]{4})|[0-9+]+ ([\w-]{2})) [0-9+]+/")
_ALONE = re.compile(
    r"(?:haproxy\[[0-9]+\]: )?(?=\S{1,100}:[0-9]{1,5} \[([0-9]{2}/[A-Z][a-z]{2}/[0-9]{4}:[0-9]{2}):([0-9]{2})"
    r":([0-9]{2})\.([0-9]{3})\] )")


def traffic(text: str, start: int) -> Optional[dict[str, Any]]:
    """Return what a line says of a request or a session; None if it is of neither."""
    found = _TRAFFIC.match(text, start)
    if found is None:
        return None
    metadata: dict[str, Any] = dict(zip(("client", "frontend", "backend", "server"), found.groups()))
    if found[5] is not None:
        metadata["status"] = int(found[5])
    metadata["termination"] = found[6] or found[7]
    return metadata


def haproxy(text: str, context: Context) -> Optional[Parsed]:
    """10.0.0.1:4000 [31/Jan/2024:10:00:00.123] fe be/s1 0/0/1/2/3 200 17 - - ---- 1/1/0/0/0 0/0 ..."""
    found = _ALONE.match(text)
    metadata = traffic(text, found.end()) if found is not None else None
    if found is None or metadata is None:
        return None
    return Parsed(context.stamps.at(day_month_year, *found.groups()), None, context.service or "haproxy",
                  context.host, text[found.end():], metadata, "haproxy")
