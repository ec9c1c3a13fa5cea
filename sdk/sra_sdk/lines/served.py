"""Requests as servers of applications write them: uvicorn, aiohttp, Django, Rails, morgan, Gin, Fiber, chi.

From parse and dated; to Parsed. They log a request that failed as information, or as a line of no level at
all: its status is what says that it failed.
"""
from __future__ import annotations

import re
from typing import Any, Optional

from .parsed import Context, Parsed, level_name
from .stamps import day_month_year, month_day_hour_year, ymd

#: Behind a date and a level: perhaps a logger, the client, perhaps a stamp, the request and its status.
_REQUEST = re.compile(
    r"(?:[A-Za-z_][\w.]{1,60}:? {1,4}(?:- )?)?([\w.:\[\]-]{2,80})(?: -){1,2}(?: \[[^\]\n]{1,40}\])? "
    r'"([A-Z]{3,10}) (\S{1,8192}) (?:HTTP/)?[0-9.]{1,3}" ([1-5][0-9]{2})(?= |\Z)', re.A)
_RUNSERVER = re.compile(
    r"\[([0-9]{2}/[A-Z][a-z]{2}/[0-9]{4} [0-9]{2}):([0-9]{2}):([0-9]{2})\] "
    r'"([A-Z]{3,10}) (\S{1,8192}) HTTP/[0-9.]{1,3}" ([1-5][0-9]{2}) ([0-9]{1,18}|-)\Z')
_METHOD = r"(GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS)"
#: morgan's `tiny` and `dev`, and whoever writes as few words: the request, its status, how long it took.
_BRIEF = re.compile(_METHOD + r" (/\S{0,8192}|https?://\S{1,8192}) ([1-5][0-9]{2}) [0-9.]{1,12} "
                    r"?(?:[mµ]?s)(?![\w.])")
#: How such a text begins.
METHODS = frozenset(("GET ", "POST", "PUT ", "PATC", "DELE", "HEAD", "OPTI"))
#: Status, time taken and client, as Gin and Fiber part them.
_PARTED = (r"([0-9]{2}):([0-9]{2}):([0-9]{2}) \| {1,3}([1-5][0-9]{2}) \| {1,16}\S{1,20} \| "
           r"{1,50}(\S{1,60}) \| ")
_GIN = re.compile(r"\[GIN\] ([0-9]{4}/[0-9]{2}/[0-9]{2}) - " + _PARTED + _METHOD
                  + r' {1,8}"([^"\n]{1,8192})"')
_FIBER = re.compile(_PARTED + _METHOD + r" {1,8}\| (\S{1,8192})")
_CHI = re.compile(r'"' + _METHOD + r' (\S{1,8192}) HTTP/[0-9.]{1,3}" from (\S{1,80}) - ([1-5][0-9]{2}) ')
_RUBY = re.compile(
    r"[DIWEFAU], \[([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]{1,9}))? "
    r"#([0-9]+)\] "
    r"{1,2}(DEBUG|INFO|WARN|ERROR|FATAL|ANY) -- ([^:\n]{0,100}): ")
#: By what Rails tells one request from others.
_TAGGED = re.compile(r"\[([0-9a-f]{8}[0-9a-f-]{8,28})\] ?")
#: The end of a request, behind the tags that Rails is told to write (the request's id).
_COMPLETED = re.compile(
    r"(?:\[[^\]\n]{1,100}\] ){0,3}Completed ([1-5][0-9]{2}) [A-Z][\w' -]{1,40} in [0-9]+ms\b", re.A)


#: Phoenix' end of a request.
_SENT = re.compile(r"Sent ([1-5][0-9]{2}) in [0-9]{1,9}(?:ms|µs|us|s)\Z")
_UWSGI = re.compile(
    r"\[pid: ([0-9]{1,9})\|app: (?:[0-9]{1,6}|-[0-9]?)\|req: [^\]\n]{1,40}\] (\S{1,60}) \([^)\n]{0,100}\) "
    r"\{[^}\n]{1,80}\} \[[A-Z][a-z]{2} ([A-Z][a-z]{2}) ([ 0-3][0-9]) ([0-9]{2}):([0-9]{2}):([0-9]{2}) "
    r"([0-9]{4})\] ([A-Z]{3,10}) (\S{1,8192}) => generated ([0-9]{1,18}) bytes in [0-9]{1,12} m?secs "
    r"\(HTTP/[0-9.]{1,3} ([1-5][0-9]{2})\)")


def served(parsed: Parsed) -> Parsed:
    """Return a line as that of a request, if its text is one: 10.0.0.9:5 - "GET / HTTP/1.1" 500"""
    found = _BRIEF.match(parsed.message)
    if found is not None:
        return parsed._replace(metadata={**parsed.metadata, **asked(found[1], found[2], found[3])},
                               format="access")
    found = _CHI.match(parsed.message)
    if found is not None:
        request = asked(found[1], found[2], found[4], found[3])
        return parsed._replace(metadata={**parsed.metadata, **request}, format="access")
    found = _REQUEST.match(parsed.message)
    if found is None:
        return parsed
    client, method, path, status = found.groups()
    return parsed._replace(metadata={**parsed.metadata, "client": client, "method": method, "path": path,
                                     "status": int(status)}, format="access")


def asked(method: str, path: str, status: str, client: str = "-") -> dict[str, Any]:
    """Return the parts of a request as all lines of requests name them."""
    return {"client": client, "method": method, "path": path, "status": int(status)}


def brief(text: str, context: Context) -> Optional[Parsed]:
    """GET /a 500 4.123 ms - 12"""
    found = _BRIEF.match(text) if text[:4] in METHODS else None
    if found is None:
        return None
    request = asked(found[1], found[2], found[3])
    return Parsed(None, None, context.service, context.host, text, request, "access")


def gin(text: str, context: Context) -> Optional[Parsed]:
    """[GIN] 2024/01/31 - 10:00:00 | 500 |      1.2ms |      10.0.0.9 | GET      "/a", of Go's Gin"""
    found = _GIN.match(text)
    if found is None:
        return None
    day, hour, minute, second, status, client, method, path = found.groups()
    at = context.stamps.at(ymd, f"{day} {hour}", minute, second)
    request = asked(method, path, status, client)
    return Parsed(at, None, context.service, context.host, text, request, "access")


def fiber(text: str, context: Context) -> Optional[Parsed]:
    """10:00:00 | 500 |      1.2ms |      10.0.0.9 | GET     | /a       | -, of Go's Fiber"""
    found = _FIBER.match(text)
    if found is None:
        return None
    hour, minute, second, status, client, method, path = found.groups()
    at = context.stamps.today(hour, minute, second)
    request = asked(method, path, status, client)
    return Parsed(at, None, context.service, context.host, text, request, "access")


def runserver(text: str, context: Context) -> Optional[Parsed]:
    """[31/Jan/2024 10:00:00] "GET / HTTP/1.1" 500 145, of Django; it does not say who asked."""
    found = _RUNSERVER.match(text) if '" ' in text else None
    if found is None:
        return None
    hour, minute, second, method, path, status, size = found.groups()
    metadata: dict[str, Any] = {"client": "-", "method": method, "path": path, "status": int(status)}
    if size != "-":
        metadata["bytes"] = int(size)
    at = context.stamps.at(day_month_year, hour, minute, second)
    return Parsed(at, None, context.service, context.host, text, metadata, "access")


def uwsgi(text: str, context: Context) -> Optional[Parsed]:
    """[pid: 7|app: 0|req: 1/2] 10.0.0.9 () {44 vars in 812 bytes} [Tue Jan 31 10:00:00 2024] GET / => ..."""
    found = _UWSGI.match(text)
    if found is None:
        return None
    pid, client, month, day, hour, minute, second, year, method, path, size, status = found.groups()
    at = context.stamps.at(month_day_hour_year, f"{month} {day} {hour} {year}", minute, second)
    return Parsed(at, None, context.service, context.host, text,
                  {**asked(method, path, status, client), "pid": pid, "bytes": int(size)}, "access")


def sent(parsed: Parsed) -> Parsed:
    """Return a line as that of a request, if it is what Phoenix writes at the end of one: Sent 500 in 3ms"""
    found = _SENT.match(parsed.message) if parsed.message[:5] == "Sent " else None
    if found is None:
        return parsed
    return parsed._replace(metadata={**parsed.metadata, "client": "-", "status": int(found[1])},
                           format="access")


def ruby(text: str, context: Context) -> Optional[Parsed]:
    """I, [2024-01-31T10:00:00.123456 #7]  INFO -- : message, of Ruby's Logger"""
    found = _RUBY.match(text) if text[1:4] == ", [" else None
    if found is None:
        return None
    hour, minute, second, fraction, pid, level, program = found.groups()
    metadata: dict[str, Any] = {"pid": pid}
    if program.strip():
        metadata["logger"] = program.strip()
    at = context.stamps.at(ymd, hour, minute, second, fraction)
    message = text[found.end():]
    tagged = _TAGGED.match(message)
    if tagged is not None:
        metadata["request_id"] = tagged[1]
        message = message[tagged.end():]
    # Rails writes an empty line before and behind an error, as grave as that is
    named = level_name(level) if message.strip() else "info"
    parsed = Parsed(at, named, context.service, context.host, message, metadata, "ruby")
    return completed(parsed) if "Completed " in text else parsed


def completed(parsed: Parsed) -> Parsed:
    """Return a line as that of a request, if it is what Rails writes at the end of one."""
    found = _COMPLETED.match(parsed.message)
    if found is None:
        return parsed
    metadata = {**parsed.metadata, "client": "-", "status": int(found[1])}
    return parsed._replace(metadata=metadata, format="access")


def rails(text: str, context: Context) -> Optional[Parsed]:
    """Completed 500 Internal Server Error in 12ms (ActiveRecord: 3.1ms), with nothing before it"""
    if not text.startswith(("Completed ", "[")) or "Completed " not in text:
        return None
    plain = Parsed(None, None, context.service, context.host, text, {}, "plain")
    parsed = completed(plain)
    return None if parsed is plain else parsed
