"""Silence: of which troubles nobody wants to be told for a while, and why. From people; to hush.

It hides nothing: the incident is opened and shown, marked with the reason. A silence ends by itself. One
with a window holds again and again, by the clock of its own time zone: through a change of the clocks a
window of one hour stays one hour long, beginning at its local time (or right after the hour that is left
out).
"""
from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from .record import MINUTE, SECOND

#: What a window may recur by, Monday first as Python counts.
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
EVERY = ("day", *DAYS)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A recurring time: on `every` day, `minute` minutes after local midnight, for `seconds`."""

    every: str
    minute: int
    seconds: int
    timezone: str

    def until(self, at: int) -> int | None:
        """Return the end of the window that `at` lies in, or None outside of all."""
        zone = ZoneInfo(self.timezone)
        today = (_EPOCH + timedelta(microseconds=at)).astimezone(zone).date()
        for back in range(self.seconds // 86_400 + 2, -2, -1):
            day = today - timedelta(days=back)
            if self.every not in ("day", DAYS[day.weekday()]):
                continue
            local = datetime(day.year, day.month, day.day, self.minute // 60, self.minute % 60, tzinfo=zone)
            begins = (local.astimezone(UTC) - _EPOCH) // timedelta(microseconds=1)
            ends = begins + self.seconds * SECOND
            if begins <= at < ends:
                return ends
        return None

    def __str__(self) -> str:
        return (f"{self.every} {self.minute // 60:02}:{self.minute % 60:02} {self.timezone} "
                f"for {self.seconds * SECOND // MINUTE} min")


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What a silence is matched with: one sign of an incident, by place and class; `title` is for people."""

    service: str
    host: str
    cls: str
    title: str = ""

    def __str__(self) -> str:
        return self.service or self.host or "this source"


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """Nobody is told of troubles of this service, host and class ("" is any) while it holds.

    In service and host a * stands for any letters, as in web-*.
    It holds from `starts_at` up to `ends_at` (None: until somebody ends it), and inside only within its
    `window` if it has one.
    """

    id: str
    service: str
    host: str
    cls: str
    why: str
    created_by: str
    created_at: int
    starts_at: int
    ends_at: int | None
    ended_by: str | None = None
    window: Window | None = None

    def until(self, at: int) -> int | None:
        """Return until when it holds, if it holds at this time."""
        if at < self.starts_at or (self.ends_at is not None and at >= self.ends_at):
            return None
        ends = self.window.until(at) if self.window else self.ends_at
        return ends if self.ends_at is None or ends is None else min(ends, self.ends_at)

    def matches(self, part: Part) -> bool:
        """Say whether it is about this part of an incident."""
        return all(not named or fits(named, given) for named, given in (
            (self.service, part.service), (self.host, part.host), (self.cls, part.cls)))


def fits(named: str, given: str) -> bool:
    """Say whether a name is what was named, in which each * stands for any letters."""
    first, *middle = named.split("*")
    if not middle:
        return named == given
    last = middle.pop()
    at, end = len(first), len(given) - len(last)
    if at > end or not given.startswith(first) or not given.endswith(last):
        return False
    for piece in middle:
        found = given.find(piece, at, end)
        if found < 0:
            return False
        at = found + len(piece)
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """A silence that holds now, and until when."""

    until: int
    silence: Silence


def holding(silences: Iterable[Silence], at: int) -> tuple[Hold, ...]:
    """Return the silences that hold at this time."""
    return tuple(Hold(until=until, silence=silence) for silence in silences
                 if (until := silence.until(at)) is not None)


def cover(holds: Iterable[Hold], part: Part) -> Hold | None:
    """Return what keeps a part quiet the longest."""
    found = (hold for hold in holds if hold.silence.matches(part))
    return max(found, key=lambda hold: (hold.until, hold.silence.id), default=None)
