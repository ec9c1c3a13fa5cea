"""When: a time to come, as people write it, and how long it is until then. From `sra silence`; to /silences.

Times without a zone are of the zone asked for, else of this machine. Pure, but for the machine's zone.
"""
from __future__ import annotations

import os
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from sra_sdk.errors import BadInput

from . import output

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_CLOCK = re.compile(r"(?:(\w+),? )?(\d{1,2}):(\d\d)", re.ASCII)
_IN = re.compile(r"in (\w+)", re.ASCII)
_LOCALTIME = Path("/etc/localtime")


def zone(name: str, field: str = "timezone") -> ZoneInfo | None:
    """Return the time zone of a name, None for "" (this machine's), or raise BadInput."""
    if not name:
        return None
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise BadInput(f"{field}: {name!r} is no time zone that this machine knows",
                       hint="write a name such as Europe/Berlin or UTC") from None


def machine(environ: Mapping[str, str] = os.environ, localtime: Path = _LOCALTIME) -> str:
    """Return the name of this machine's time zone; raise BadInput if it has rules but no name.

    Where neither TZ nor a file of the system says anything, the clock is UTC.
    """
    given = environ.get("TZ")
    name = given.removeprefix(":") if given is not None else ""
    if given is None and localtime.exists():
        _, found, name = str(localtime.resolve()).partition("/zoneinfo/")
        name = name if found else "/"
    try:
        return ZoneInfo(name or "UTC").key
    except (KeyError, ValueError, OSError):
        raise BadInput("timezone: this machine's has no name by which the server could know it",
                       hint="say which is meant: --timezone Europe/Berlin or --timezone UTC") from None


def stamp(at: datetime, where: ZoneInfo | None = None) -> str:
    """Return date, time and zone of an instant: in the zone given, else in this machine's."""
    local = at.astimezone(where)
    return f"{local:%Y-%m-%d %H:%M:%S} {where.key if where else local.tzname()}"


def later(text: str, field: str, now: datetime, where: ZoneInfo | None = None) -> datetime:
    """Return the time in UTC that is meant: now, in 2h, 02:00, tomorrow 02:00, sun 02:00, a date with time.

    A time of day, or a day of the week with one, is the next there is. At an hour that the clocks leave out
    it is the moment right after; of one that comes twice it is the first. Raise BadInput for anything else.
    """
    given = " ".join(text.lower().split())
    if given == "now":
        return now
    if (span := _IN.fullmatch(given)) is not None:
        return now + timedelta(seconds=output.length(span[1], field) or 0)
    if (clock := _CLOCK.fullmatch(given)) is not None and int(clock[2]) < 24 and int(clock[3]) < 60:
        today = now.astimezone(where).date()
        for days in _ahead(clock[1], today):
            found = _local(today + timedelta(days=days), int(clock[2]), int(clock[3]), where)
            if found > now or clock[1] in ("today", "tomorrow"):
                return found
    try:
        stamp = datetime.fromisoformat(text.strip())
        if "T" in text.upper() or ":" in text:
            return (stamp if stamp.tzinfo or where is None else stamp.replace(tzinfo=where)).astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise BadInput(f"{field}: {text!r} is no time to come",
                   hint="write 'in 2h', '02:00', 'tomorrow 02:00', 'sun 02:00' or 2026-01-31T02:00")


def _ahead(word: str | None, today: date) -> tuple[int, ...]:
    """Return in how many days a named day may be, the nearest first; none for a word that names no day."""
    if word is None:
        return (0, 1)
    if word in ("today", "tomorrow"):
        return (0,) if word == "today" else (1,)
    names = [day for day in DAYS if word.startswith(day)]
    if not names:
        return ()
    first = (DAYS.index(names[0]) - today.weekday()) % 7
    return (first, first + 7)


def _local(day: date, hour: int, minute: int, where: ZoneInfo | None) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=where).astimezone(UTC)


def until(at: datetime, now: datetime) -> str:
    """Return how long it is until then in one or two units, rounded up to the minute: "3h 20m"."""
    minutes = -int((now - at).total_seconds() // 60)
    hours, days = minutes // 60, minutes // 1440
    if minutes < 60:
        return f"{max(1, minutes)}m"
    if hours < 48:
        return f"{hours}h {minutes % 60}m" if minutes % 60 else f"{hours}h"
    return f"{days}d {hours % 24}h" if hours % 24 else f"{days}d"
