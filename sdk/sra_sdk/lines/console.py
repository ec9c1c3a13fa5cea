"""Lines as programs write them to a terminal: a time of day with a level, or a level with a place.

From parse; to Parsed. Java's default pattern, Serilog, pino-pretty, Elixir's Logger, zerolog, Tornado, .NET,
Nest.
"""
from __future__ import annotations

import re
from typing import Any, Optional

from .civil import stamp
from .parsed import Context, Parsed, level_name
from .served import sent
from .stamps import packed, ymd

_UPPER = r"(TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|SEVERE|CRITICAL|FATAL)"
_CLOCK = re.compile(r"([0-9]{2}):([0-9]{2}):([0-9]{2})[.,]([0-9]{3,6}) (?:\[([^\]\n]{1,200})\] )?" + _UPPER
                    + r" {1,4}([\w.$\[\]-]{1,200}) +(?:-|:|--) ", re.A)
#: A time of day and a level: Serilog and pino-pretty in brackets, Elixir's Logger, zerolog's console.
_HOURS = re.compile(
    r"\[?(?:([0-9]{2}):([0-9]{2}):([0-9]{2})(?:[.,]([0-9]{3,9}))?|([0-9]{1,2}):([0-9]{2})([AP])M)"
    r"(?: (VRB|DBG|INF|WRN|ERR|FTL)\] "
    # what Elixir tells beside, such as the request's id
    r"|\]? {1,3}((?:[a-z_]{1,40}=[^\s=]{1,100} ){0,4})(?:\[([A-Za-z]{3,8}) ?\]|(TRC|DBG|INF|WRN|ERR|FTL|PNC)"
    r"|(TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|SEVERE|CRITICAL|FATAL)(?: \([^)\n]{1,100}\))?)[:|]?"
    r"[ |-]{1,4})", re.A)
#: What .NET's console writes; the message stands in the next lines.
_DOTNET = re.compile(r"(trce|dbug|info|warn|fail|crit): ([\w.`+]{1,200})\[([0-9-]{1,9})\](?:\s{1,9}|\Z)",
                     re.A)
_TORNADO = re.compile(r"\[([DIWEC]) (?:([0-9]{6} [0-9]{2})|([0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2})|([0-9]{2}))"
                      r":([0-9]{2}):([0-9]{2})(?:\.([0-9]{3}))? "
                      r"((?:[\w.-]{1,100} )?[\w.-]{1,100}(?::[0-9]{1,6})?)\] ", re.A)
#: Nest's logger, whose date is that of the machine's country.
_NEST = re.compile(r"\[Nest\] ([0-9]{1,9}) {1,4}- (?=[0-9/., :]{16,24} ?(?:[AP]M)?)")
_NEST_LEVEL = re.compile(r"\s{1,9}(LOG|ERROR|WARN|DEBUG|VERBOSE|FATAL)\s{1,4}(?:\[([^\]\n]{1,100})\] )?")
_LETTERS = {"D": "debug", "I": "info", "W": "warning", "E": "error", "C": "critical"}


def clock(text: str, context: Context) -> Optional[Parsed]:
    """10:00:00.123 [main] INFO  org.example.App - message"""
    found = _CLOCK.match(text)
    if found is None:
        return None
    hour, minute, second, fraction, thread, level, logger = found.groups()
    metadata: dict[str, Any] = {"logger": logger}
    if thread:
        metadata["thread"] = thread
    return Parsed(context.stamps.today(hour, minute, second, fraction), level_name(level), context.service,
                  context.host, text[found.end():], metadata, "java")


def hours(text: str, context: Context) -> Optional[Parsed]:
    """[10:00:00 ERR] message, [10:00:00.123] ERROR (7): message, 10:00:00.123 [error] message, 9:05AM ERR"""
    found = _HOURS.match(text)
    if found is None:
        return None
    hour, minute, second, fraction, short_hour, short_minute, half, serilogs, beside, *levels = found.groups()
    level = level_name(serilogs or next(each for each in levels if each))
    if level is None:
        return None
    if short_hour:
        hour, minute, second = f"{int(short_hour) % 12 + (12 if half == 'P' else 0)}", short_minute, "0"
    metadata: dict[str, Any] = dict(pair.split("=", 1) for pair in beside.split()) if beside else {}
    return sent(Parsed(context.stamps.today(hour, minute, second, fraction), level, context.service,
                       context.host, text[found.end():], metadata, "clock"))


def nest(text: str, context: Context) -> Optional[Parsed]:
    """[Nest] 18  - 01/31/2024, 10:00:00 AM   ERROR [OrdersService] message"""
    found = _NEST.match(text)
    if found is None:
        return None
    dated = stamp(text, found.end(), context)
    said = _NEST_LEVEL.match(text, dated[1]) if dated is not None else None
    if dated is None or said is None:
        return None
    metadata = {"pid": found[1], "logger": said[2]} if said[2] else {"pid": found[1]}
    level = "info" if said[1] == "LOG" else level_name(said[1])
    return Parsed(dated[0], level, context.service, context.host, text[said.end():], metadata, "nest")


def dotnet(text: str, context: Context) -> Optional[Parsed]:
    """fail: Example.App[7], and in the next line the message"""
    found = _DOTNET.match(text)
    if found is None:
        return None
    return Parsed(None, level_name(found[1]), context.service, context.host, text[found.end():] or text,
                  {"logger": found[2], "event": found[3]}, "dotnet")


def tornado(text: str, context: Context) -> Optional[Parsed]:
    """[E 240131 10:00:00 web:7] message, [E 2024-01-31 10:00:00.123 App] message, [E 10:00:00.123 App] ..."""
    found = _TORNADO.match(text)
    if found is None:
        return None
    letter, short, long, hour, minute, second, fraction, place = found.groups()
    if hour:
        at = context.stamps.today(hour, minute, second, fraction)
    else:
        at = context.stamps.at(packed if short else ymd, short or long, minute, second, fraction)
    return Parsed(at, _LETTERS[letter], context.service, context.host, text[found.end():], {"logger": place},
                  "tornado")
