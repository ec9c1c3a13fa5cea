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

from .incident import Incident
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
class Silence:
    """Nobody is told of incidents of this service, host and class ("" is any) while it holds.

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

    def matches(self, incident: Incident) -> bool:
        """Say whether it is about this incident: by its cause, not by who suffers from it."""
        hosts = (incident.host,) if incident.host else incident.hosts
        return ((not self.service or self.service == incident.service)
                and (not self.host or (len(hosts) > 0 and all(each == self.host for each in hosts)))
                and (not self.cls or self.cls == incident.cls))


def cover(silences: Iterable[Silence], incident: Incident, at: int) -> tuple[Silence, int] | None:
    """Return the silence that keeps an incident quiet the longest, and until when."""
    found = [(until, silence.id, silence) for silence in silences if silence.matches(incident)
             and (until := silence.until(at)) is not None]
    if not found:
        return None
    until, _, silence = max(found, key=lambda each: each[:2])
    return silence, until
