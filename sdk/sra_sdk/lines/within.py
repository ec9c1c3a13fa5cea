"""Key=value pairs or JSON behind a date, a program's name or a stream. From dated, syslog; to Parsed.

Go's own `log` puts a date in front of whatever it is given, and so do syslog and container runtimes.
What stands in front has the last word on host and service, what stands within on level, time and message.
"""
from __future__ import annotations

import re
from typing import Optional

from .jsonlines import json_line
from .logfmt import logfmt
from .parsed import Context, Parsed, level_name

#: Where in the source a line was written, as Go's log and glog put it before the text.
_PLACE = re.compile(r"[\w./-]{1,120}\.go:[0-9]{1,6}: ", re.A)
#: A level in a word: a number may be anything, such as the floor of a house.
_SAID = re.compile(r'(?<![\w.@/-])(?:level|lvl|severity)="?[A-Za-z]')
_LEVEL = re.compile(r'(?:level|lvl|severity)="?([A-Za-z]{3,9})"?(?:[ \t]+|\Z)')


def within(outer: Parsed, context: Context) -> Parsed:
    """Return the line as its inner form tells it, or unchanged if that names no level."""
    text = outer.message
    inner: Optional[Parsed] = None
    if text[:1] == "{":
        if text[-1:] == "}":
            inner = json_line(text, context)
    elif ("level=" in text or "lvl=" in text or "severity=" in text) and _SAID.search(text) is not None:
        place = _PLACE.match(text) if ".go:" in text else None
        if place is not None:
            text = text[place.end():]
        inner = logfmt(text, context)
        if inner is None and (first := _LEVEL.match(text)) is not None:
            level = level_name(first[1])
            return outer if level is None else outer._replace(level=level, message=text[first.end():])
    if inner is None or inner.level is None:
        return outer
    return Parsed(outer.at if inner.at is None else inner.at, inner.level,
                  inner.service if outer.service == context.service else outer.service,
                  inner.host if outer.host == context.host else outer.host,
                  inner.message, {**outer.metadata, **inner.metadata}, inner.format)
