"""The requests of what people need not be told of: silences, and the lessons of false alarms.

From people's arguments; to sra_sdk.api, beside api_requests, whose rules they follow.
"""
from __future__ import annotations

from typing import Any, Optional

from . import models as m
from .api_requests import Ask, When, _body, _id, _many, _one, _query


def silence(why: str, *, service: Optional[str] = None, host: Optional[str] = None, cls: Optional[str] = None,
            seconds: Optional[int] = None, starts_at: Optional[When] = None,
            window: Optional[dict[str, Any]] = None) -> Ask[m.SilenceOut]:
    """Tell nobody of some troubles for a while; they are still opened and shown."""
    body = _body(m.SilenceIn, why=why, service=service, host=host, seconds=seconds, starts_at=starts_at,
                 window=window, **{"class": cls})
    return Ask("POST", "/silences", _one(m.SilenceOut), body=body)


def silences(all: bool = False) -> Ask[list[m.SilenceOut]]:
    """List the silences that are not over, or all of the last thirty days."""
    return Ask("GET", "/silences", _many(m.SilenceOut), query=_query(all=all or None))


def end_silence(silence_id: str) -> Ask[m.SilenceOut]:
    """End a silence now."""
    return Ask("DELETE", f"/silences/{_id(silence_id)}", _one(m.SilenceOut))


def close(incident_id: str, false_alarm: bool = False, why: Optional[str] = None,
          everywhere: bool = False) -> Ask[m.IncidentChanged]:
    """Close an incident for good; a false alarm teaches that its main sign needs stronger evidence.

    `everywhere`: at every service and host, not only where it was.
    """
    asked = false_alarm or why or everywhere
    body = _body(m.CloseIn, false_alarm=false_alarm, why=why, everywhere=everywhere) if asked else None
    if body and not everywhere:
        del body["everywhere"]  # an older server knows no such field
    return Ask("POST", f"/incidents/{_id(incident_id)}/close", _one(m.IncidentChanged), body=body)


def lessons() -> Ask[list[m.LessonOut]]:
    """List what false alarms have taught."""
    return Ask("GET", "/lessons", _many(m.LessonOut))


def forget_lesson(lesson_id: str) -> Ask[m.LessonOut]:
    """Forget one: its trouble opens an incident as it did before."""
    return Ask("DELETE", f"/lessons/{_id(lesson_id)}", _one(m.LessonOut))


def forget_lessons_of(incident_id: str) -> Ask[list[m.LessonOut]]:
    """Forget all that closing this incident taught, at once."""
    return Ask("DELETE", f"/incidents/{_id(incident_id)}/lessons", _many(m.LessonOut))
