"""Lines of web servers: access logs (common and combined form) and the error logs of nginx and Apache.

From parse; to Parsed. An access line keeps its whole text as its message, with its parts as metadata.
"""
from __future__ import annotations

import re
from typing import Any, Optional

from .parsed import Context, Parsed, level_name, new
from .php import php
from .stamps import day_month_year, month_day_hour_year, ymd

_ACCESS = re.compile(
    r"(?:([\w.:-]{1,253}) )?(\S{1,253}) (\S{1,100}) ([^\[\n]{1,100}?) "
    r"\[([0-9]{2}/[A-Z][a-z]{2}/[0-9]{4}[: ][0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.[0-9]+)?(?: ([+-]"
    r"[0-9]{4}))?\] "
    r'"((?:[^"\\]|\\.){0,16384})" ([0-9]{3}) ([0-9]+|-)', re.A)
#: The same for lines as nearly all are: no virtual host, no identity, nothing escaped.
_COMMON = re.compile(
    r"(?![0-9]{4}[-/.][0-9]{2}[-/.])([\w.:-]{1,253}) - (-|[\w.@-]{1,100}) "
    r"\[([0-9]{2}/[A-Z][a-z]{2}/[0-9]{4}:[0-9]{2}:[0-9]{2}:[0-9]{2} [+-][0-9]{4})\] "
    r'"([A-Z]{3,12}) ([^\s"\\]+) [^"\\]*" ([0-9]{3}) (-|[0-9]{1,18})(?: "([^"\\]*)" "([^"\\]*)"|\Z)', re.A)
_COMMON_CHARACTERS = 16_384
_REQUEST = re.compile(r"([A-Z]{3,12}) (\S+)")
_AFTER = re.compile(r' "((?:[^"\\]|\\.)*)" "((?:[^"\\]|\\.)*)"')
_REQUEST_ID = re.compile(r"\b([0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\b")
_NGINX = re.compile(r"([0-9]{4}/[0-9]{2}/[0-9]{2} [0-9]{2}):([0-9]{2}):([0-9]{2}) \[([a-z]+)\] ([0-9]+)#"
                    r"[0-9]+: "
                    r"(?:\*[0-9]+ )?")
_APACHE = re.compile(r"\[[A-Z][a-z]{2} ([A-Z][a-z]{2} [ 0-3][0-9] [0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.("
                     r"[0-9]{1,9}))? "
                     r"([0-9]{4})\] ")
_APACHE_LEVEL = re.compile(r"\[(?:(\w*):)?([a-z]+)[0-9]?\] (?:\[pid ([0-9]+)[^\]]*\] )?", re.A)
_CLIENT = re.compile(r"\[client ([^\]\s]+)\] ")
_FIELD = re.compile(r', (client|upstream|host): ("[^"]*"|[^,\s]+)')
#: What PHP says by the way.
_PHP = re.compile(r"(?:\*[0-9]{1,20} )?(?:FastCGI sent in stderr: \"|AH01071: Got error ')"
                  r"PHP message: PHP (Warning|Notice|Deprecated): ")


def access(text: str, context: Context) -> Optional[Parsed]:
    """10.0.0.1 - - [31/Jan/2024:10:00:00 +0000] "GET / HTTP/1.1" 200 12"""
    return common(text, context) or any_access(text, context)


def any_access(text: str, context: Context) -> Optional[Parsed]:
    """Read an access line however it is written."""
    if '" ' not in text or "[" not in text:
        return None
    found = _ACCESS.match(text)
    if found is None:
        return None
    virtual, client, _, user, hour, minute, second, zone, request, status, size = found.groups()
    metadata: dict[str, Any] = {"client": client, "status": int(status)}
    call = _REQUEST.match(request)
    if call is not None:
        metadata["method"], metadata["path"] = call.groups()
    if size != "-" and len(size) < 19:
        metadata["bytes"] = int(size)
    if user != "-":
        metadata["user"] = user
    if virtual:
        metadata["vhost"] = virtual
    end = found.end()
    if len(text) > end:
        more = _AFTER.match(text, end)
        if more is not None:
            end = more.end()
            if more[1] != "-":
                metadata["referrer"] = more[1]
            metadata["agent"] = more[2]
        if len(text) - end > 32:
            request_id = _REQUEST_ID.search(text, end)
            if request_id is not None:
                metadata["request_id"] = request_id[1]
    at = context.stamps.at(day_month_year, hour, minute, second, None, zone)
    return Parsed(at, None, context.service, context.host, text, metadata, "access")


def common(text: str, context: Context) -> Optional[Parsed]:
    """10.0.0.1 - - [31/Jan/2024:10:00:00 +0000] "GET / HTTP/1.1" 200 12, in one look."""
    found = _COMMON.match(text) if len(text) < _COMMON_CHARACTERS else None
    if found is None:
        return None
    client, user, stamp, method, path, status, size, referrer, agent = found.groups()
    metadata: dict[str, Any] = {"client": client, "status": int(status), "method": method, "path": path}
    if size != "-":
        metadata["bytes"] = int(size)
    if user != "-":
        metadata["user"] = user
    if agent is not None:
        if referrer != "-":
            metadata["referrer"] = referrer
        metadata["agent"] = agent
        if len(text) - found.end() > 32:
            request_id = _REQUEST_ID.search(text, found.end())
            if request_id is not None:
                metadata["request_id"] = request_id[1]
    at = context.stamps.second(day_month_year, 14, stamp)
    return new(Parsed, (at if at >= 0 else None, None, context.service, context.host, text, metadata,
                        "access"))


def nginx_error(text: str, context: Context) -> Optional[Parsed]:
    """2024/01/31 10:00:00 [error] 12#12: *3 connect() failed"""
    found = _NGINX.match(text)
    if found is None:
        return None
    hour, minute, second, level, pid = found.groups()
    metadata: dict[str, Any] = {"pid": pid}
    message = text[found.end():]
    if ", client: " in message or ", upstream: " in message:
        for key, value in _FIELD.findall(message):
            metadata[key] = value.strip('"')
    level = _rated(message, level)
    return Parsed(context.stamps.at(ymd, hour, minute, second), level_name(level), context.service or "nginx",
                  context.host, message, metadata, "nginx_error")


def apache_error(text: str, context: Context) -> Optional[Parsed]:
    """[Mon Dec 05 07:47:36 2005] [error] message; without a level it is what `dmesg -T` writes."""
    found = _APACHE.match(text)
    if found is None:
        return None
    hour, minute, second, fraction, year = found.groups()
    at = context.stamps.at(month_day_hour_year, f"{hour} {year}", minute, second, fraction)
    end = found.end()
    rated = _APACHE_LEVEL.match(text, end)
    if rated is None and (said := php(text, end, at, context)) is not None:
        return said
    if rated is None:
        return Parsed(at, None, context.service or "kernel", context.host, text[end:], {}, "kernel")
    module, level, pid = rated.groups()
    metadata: dict[str, Any] = {}
    if module:
        metadata["module"] = module
    if pid:
        metadata["pid"] = pid
    end = rated.end()
    client = _CLIENT.match(text, end)
    if client is not None:
        metadata["client"] = client[1]
        end = client.end()
    message = text[end:]
    level = _rated(message, level)
    return Parsed(at, level_name(level), context.service or "apache", context.host, message, metadata,
                  "apache_error")


def _rated(message: str, level: str) -> str:
    """Return the level of what PHP said by the way; the server in front of it notes all of that as errors."""
    if "PHP message: PHP " not in message or " PHP Fatal error: " in message:
        return level
    said = _PHP.match(message)
    return level if said is None else "warning" if said[1] == "Warning" else "info"
