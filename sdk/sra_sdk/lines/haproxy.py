"""What HAProxy writes of its traffic, in syslog or alone (`log stdout format raw`). From syslog and parse.

A request's line has a status. A TCP session's has none: only how it ended tells whether it failed.
And what becomes of its servers: infer rates these lines, and the server's detection reads them.
"""
from __future__ import annotations

import re
from typing import Any, NamedTuple, Optional

from .parsed import Context, Parsed
from .stamps import day_month_year

_TRAFFIC = re.compile(
    r"(\S{1,100}):[0-9]+ \[[^\]]{20,40}\] (\S+) ([^/\s]+)/(\S+) [0-9/+-]+ "
    r"(?:(-?[0-9]{1,3}) [0-9+]+ .{0,200}?([\w-]{4})|[0-9+]+ ([\w-]{2})) [0-9+]+/")
_ALONE = re.compile(
    r"(?:haproxy\[[0-9]+\]: )?(?=\S{1,100}:[0-9]{1,5} \[([0-9]{2}/[A-Z][a-z]{2}/[0-9]{4}:[0-9]{2}):([0-9]{2})"
    r":([0-9]{2})\.([0-9]{3})\] )")

#: Beside the log itself its own messages go to standard error, with a level and the process in front.
_SERVER = re.compile(
    r"(?:\(([0-9]{1,10})\) : )?(?:Backup )?Server ([^\s/]{1,100}/\S{1,100}) "
    r"(?:(is UP\b)|(is DOWN(?!, changed from CLI| for )\b)|(?:is (?:going )?DOWN\b|was DOWN and now enters "
    r"|enters |remains in forced |is stopping\b))")


class ServerState(NamedTuple):
    """`backend/server`; whether it is "up", "down", or "held" by whoever deploys; the process, or ""."""

    name: str
    state: str
    pid: str


def server_state(message: str) -> Optional[ServerState]:
    """Return what a message says of one of the proxy's servers; None if it is about something else."""
    found = _SERVER.match(message)
    if found is None:
        return None
    return ServerState(found[2], "up" if found[3] else "down" if found[4] else "held", found[1] or "")


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
