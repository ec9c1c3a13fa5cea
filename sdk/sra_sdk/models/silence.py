"""Bodies of /silences and /lessons: what people need not be told of, and what was a false alarm."""
from __future__ import annotations

from typing import Literal, Optional

from pydantic import Field, ValidationInfo, field_validator

from .base import Incoming, Outgoing, Timestamp

Every = Literal["day", "mon", "tue", "wed", "thu", "fri", "sat", "sun"]
#: How long from one window to the next; what is not named here comes once a week.
_PERIODS = {"day": (86_400, "24 h")}
_WEEK = (604_800, "7 days")


class WindowIn(Incoming):
    """A recurring time, such as sun 02:00 for an hour, by the clock of its time zone."""

    every: Every
    at: str = Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$", description="Hours and minutes, local time.")
    seconds: int = Field(ge=60, description="Less than a day where it recurs daily, than a week else.")
    timezone: str = Field(default="UTC", min_length=1, max_length=64, description="Such as Europe/Berlin.")

    @field_validator("seconds")
    @classmethod
    def _over_before_the_next(cls, seconds: int, info: ValidationInfo) -> int:
        """Refuse windows that touch each other: they would hold for ever."""
        every = info.data.get("every", "")
        period, words = _PERIODS.get(every, _WEEK)
        if seconds >= period:
            raise ValueError(f"it must be shorter than {words}, the time from one window to the next, "
                             "or the silence never ends")
        return seconds


class SilenceIn(Incoming):
    """POST /silences. At least one of service, host and class; how long, or a window, or both."""

    service: Optional[str] = Field(default=None, min_length=1, max_length=200)
    host: Optional[str] = Field(default=None, min_length=1, max_length=200)
    class_: Optional[str] = Field(default=None, alias="class", min_length=1, max_length=64)
    seconds: Optional[int] = Field(default=None, ge=1, le=31_622_400, description="How long from the start.")
    starts_at: Optional[Timestamp] = Field(default=None, description="Now, unless given.")
    window: Optional[WindowIn] = Field(default=None, description="Hold only within it, again and again.")
    why: str = Field(min_length=1, max_length=1000)


class WindowOut(Outgoing):
    """A recurring time."""

    every: Every
    at: str
    seconds: int
    timezone: str


class SilenceOut(Outgoing):
    """A silence. `until` is set while it holds; `ends_at` is null for a window without an end."""

    id: str
    service: Optional[str] = None
    host: Optional[str] = None
    class_: Optional[str] = Field(default=None, alias="class")
    why: str
    created_by: str
    created_at: Timestamp
    starts_at: Timestamp
    ends_at: Optional[Timestamp] = None
    ended_by: Optional[str] = None
    window: Optional[WindowOut] = None
    until: Optional[Timestamp] = None


class SilencedOut(Outgoing):
    """By which silence an incident is kept quiet, why and until when."""

    id: str
    why: str
    until: Optional[Timestamp] = None


class LessonOut(Outgoing):
    """What a false alarm taught: how much more is needed before this opens an incident.

    `title` is the incident's, the same for all that it taught; `sign`, `service` and `host` tell them apart.
    A * in `fingerprint` stands for any service or host. `needs_records` or `needs_seconds` suffices.
    """

    id: str
    title: str
    class_: str = Field(alias="class")
    fingerprint: str
    sign: Optional[str] = Field(default=None, description="What the fingerprint stands for, in words.")
    service: Optional[str] = Field(default=None, description="Whose sign it is.")
    host: Optional[str] = None
    factor: int
    alarms: int
    needs: str = Field(description="In words: how much, since when, because of what.")
    needs_records: Optional[int] = Field(default=None, description="So many at once; null for a measure.")
    needs_seconds: Optional[int] = Field(default=None, description="Or so long, with as many as had misled.")
    incident_id: str
    why: Optional[str] = None
    taught_by: str
    taught_at: Timestamp
    fades_at: Timestamp
    held: int = Field(description="How often it kept something from opening an incident.")
    held_at: Optional[Timestamp] = None
