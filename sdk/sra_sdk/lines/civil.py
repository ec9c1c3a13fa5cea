"""Lines whose date is written as people write it: Tomcat, BIND, PHP, java.util.logging, month/day/year.

From parse; to Parsed. What stands behind the date is read as behind any other.
"""
from __future__ import annotations

import re
from typing import Optional

from .dated import rest
from .parsed import Context, Parsed, level_name
from .php import php
from .stamps import day_month_year, month_day_hour_year, ymd
from .tongues import JAVA

_MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
_CLOCK = r":([0-9]{2}):([0-9]{2})(?:[.,]([0-9]{1,9}))?"
#: 31-Jan-2024 10:00:00.123, in brackets with a zone that may be a town's.
_HYPHENS = re.compile(r"\[?([0-9]{2}-" + _MONTH + r"-[0-9]{4} [0-9]{2})" + _CLOCK
                      + r"(?: (UTC|GMT)(?=\])| [A-Z][\w/+-]{2,40}(?=\]))?")
_LEVEL = r"(FINEST|FINER|FINE|CONFIG|INFO|WARNING|SEVERE|" + JAVA + r")"
_TOMCAT = re.compile(r" " + _LEVEL + r" \[([^\]\n]{1,200})\] ([\w.$<>]{1,200}) ", re.A)
_JUL = re.compile(r"(" + _MONTH + r" [0-9]{2}), ([0-9]{4}) ([0-9]{1,2}):([0-9]{2}):([0-9]{2}) ([AP])M "
                  r"([\w.$]{1,200}) ?(\S{1,100})?[ \t]*", re.A)
_JUL_LEVEL = re.compile(r"\n" + _LEVEL + ": ")
#: Tue Jan 31 10:00:00 2024, also as `date` prints it with a zone, and Tue, 31 Jan 2024 10:00:00 GMT.
_CTIME = re.compile(r"\[?[A-Z][a-z]{2} (" + _MONTH + r") ([ 0-3][0-9]) ([0-9]{2})" + _CLOCK
                    + r"(?: ([AP]M))?(?: ([A-Z]{3,4}))? ([0-9]{4})(?![0-9])")
_HTTP = re.compile(r"\[?[A-Z][a-z]{2}, ([0-9]{2} " + _MONTH + r" [0-9]{4} [0-9]{2})" + _CLOCK
                   + r" (GMT|UTC|[+-][0-9]{4})(?![0-9])")
_SLASHES = re.compile(r"\[?([0-9]{1,2})/([0-9]{1,2})/([0-9]{4}),? ([0-9]{1,2})" + _CLOCK
                      + r"(?: ([AP])M)?(?![0-9:/])")

#: 31.01.2024 10:00:00, as in much of Europe, and 20240131 10:00:00 or 20240131T100000Z.
_DOTS = re.compile(r"\[?([0-3][0-9])\.([01][0-9])\.([0-9]{4})[ T,]{1,2}([0-9]{2})" + _CLOCK + r"(?![0-9:])")
_COMPACT = re.compile(r"\[?((?:19|20)[0-9]{2})([01][0-9])([0-3][0-9])[ T-]([0-2][0-9]):?([0-5][0-9]):?("
                      r"[0-5][0-9])"
                      r"(?:[.,]([0-9]{1,9}))?(Z|[+-][0-9]{2}:?[0-9]{2})?(?![0-9:])")
#: An event of Windows as its viewer exports it, parted by tabs or commas: level, date, source, id, category.
_EXPORTED = re.compile(r"(Information|Warning|Error|Critical|Verbose|Audit (?:Success|Failure))"
                       r"([\t,])(?=[0-9])")
_EVENT = re.compile(r"([\t,])([^\t,\n]{1,100})[\t,]([0-9]{1,6})[\t,][^\t,\n]{0,100}[\t,]")
#: Bacula and Bareos, in their shorter form.
_JOB = re.compile(r"([0-9]{2})-(" + _MONTH + r") ([0-9]{2}):([0-9]{2}) (?=\S{1,100} JobId [0-9]{1,10}: )")


def hyphened(text: str, context: Context) -> Optional[Parsed]:
    """31-Jan-2024 10:00:00.123 SEVERE [main] org.example.App.run message, [31-Jan-2024 10:00:00] message"""
    found = _HYPHENS.match(text)
    if found is None:
        return None
    hour, minute, second, fraction, zone = found.groups()
    at, end = context.stamps.at(day_month_year, hour, minute, second, fraction, zone), found.end()
    php_said = php(text, end + 2, at, context) if text.startswith("] PHP ", end) else None
    if php_said is not None:
        return php_said
    said = _TOMCAT.match(text, end)
    if said is not None:
        return Parsed(at, level_name(said[1]), context.service, context.host, text[said.end():],
                      {"thread": said[2], "logger": said[3]}, "java")
    return rest(text, end, at, context)


def jul(text: str, context: Context) -> Optional[Parsed]:
    """Jan 31, 2024 10:00:00 AM org.example.App run, and in the next line SEVERE: message"""
    found = _JUL.match(text)
    if found is None:
        return None
    day, year, hour, minute, second, half, logger, method = found.groups()
    at = context.stamps.at(month_day_hour_year, f"{day} {_of_day(hour, half)} {year}", minute, second)
    level = _JUL_LEVEL.match(text, found.end())
    metadata = {"logger": f"{logger}.{method}" if method else logger}
    if level is None:
        return Parsed(at, None, context.service, context.host, text, metadata, "java")
    return Parsed(at, level_name(level[1]), context.service, context.host, text[level.end():], metadata,
                  "java")


def weekday(text: str, context: Context) -> Optional[Parsed]:
    """Tue Jan 31 10:00:00 UTC 2024 message, Tue, 31 Jan 2024 10:00:00 GMT message"""
    found = _CTIME.match(text)
    if found is not None:
        month, day, hour, minute, second, fraction, half, zone, year = found.groups()
        stamp = f"{month} {day} {_of_day(hour, half[0]) if half else hour} {year}"
        at = context.stamps.at(month_day_hour_year, stamp, minute, second, fraction, zone)
        return rest(text, found.end(), at, context)
    found = _HTTP.match(text)
    if found is None:
        return None
    hour, minute, second, fraction, zone = found.groups()
    at = context.stamps.at(day_month_year, hour, minute, second, fraction, zone)
    return rest(text, found.end(), at, context)


def exported(text: str, context: Context) -> Optional[Parsed]:
    """Error<tab>1/31/2024 10:00:00 AM<tab>Service Control Manager<tab>7034<tab>None<tab>message"""
    found = _EXPORTED.match(text)
    dated = stamp(text, found.end(), context) if found is not None else None
    told = _EVENT.match(text, dated[1]) if dated is not None else None
    if found is None or dated is None or told is None or told[1] != found[2]:
        return None
    level = "info" if found[1] == "Audit Success" else "warning" if found[1] == "Audit Failure" else found[1]
    return Parsed(dated[0], level_name(level), context.service, context.host,
                  text[told.end():].strip('"'), {"logger": told[2], "event": told[3]}, "eventlog")


def slashed(text: str, context: Context) -> Optional[Parsed]:
    """01/31/2024 10:00:00 AM message; where the first number can be no month it is the day."""
    dated = stamp(text, 0, context)
    return None if dated is None else rest(text, dated[1], dated[0], context)


def stamp(text: str, start: int, context: Context) -> Optional[tuple[Optional[int], int]]:
    """Return the time of a date with slashes, and where it ends, or None."""
    found = _SLASHES.match(text, start)
    if found is None:
        return None
    month, day, year, hour, minute, second, fraction, half = found.groups()
    if int(month) > 12:
        month, day = day, month
    key = f"{year}-{int(month):02}-{int(day):02} {_of_day(hour, half) if half else hour.zfill(2)}"
    return context.stamps.at(ymd, key, minute, second, fraction), found.end()


def dotted(text: str, context: Context) -> Optional[Parsed]:
    """31.01.2024 10:00:00,123 message"""
    found = _DOTS.match(text)
    if found is None:
        return None
    day, month, year, hour, minute, second, fraction = found.groups()
    at = context.stamps.at(ymd, f"{year}-{month}-{day} {hour}", minute, second, fraction)
    return rest(text, found.end(), at, context)


def compact(text: str, context: Context) -> Optional[Parsed]:
    """20240131 10:00:00.123 message, 20240131T100000Z message"""
    found = _COMPACT.match(text)
    if found is None:
        return None
    year, month, day, hour, minute, second, fraction, zone = found.groups()
    at = context.stamps.at(ymd, f"{year}-{month}-{day} {hour}", minute, second, fraction, zone)
    return None if at is None else rest(text, found.end(), at, context)


def job(text: str, context: Context) -> Optional[Parsed]:
    """31-Jan 10:00 backup-dir JobId 7: Error: message"""
    found = _JOB.match(text)
    if found is None:
        return None
    day, month, hour, minute = found.groups()
    return rest(text, found.end() - 1, context.stamps.nearest(f"{day} {month} {hour}", minute, "0"), context)


def _of_day(hour: str, half: str) -> str:
    """Return the hour of the day, of two digits, that one of a half day is."""
    return f"{int(hour) % 12 + (12 if half == 'P' else 0):02}"
