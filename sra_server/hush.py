"""Hush: which changes nobody is told of, and what is told when a silence ends. From rounds; pure.

An incident's row says that it is silenced, by what and until when; so what is owed at the end of the
silence survives every restart. Whether a silence holds is judged at the receipt time of the change.
"""
from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from .domain.incident import ACTIVE, Change, Incident
from .domain.silence import Silence, cover

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def hushed(changes: Iterable[Change], present: Mapping[str, Incident], silences: tuple[Silence, ...],
           at: int) -> list[Change]:
    """Return the changes with their incidents marked, and a change for each silence that began or ended.

    `present` are the incidents as they were before the changes. One that is over keeps its mark: of its
    end nobody is told either.
    """
    found: list[Change] = []
    now = dict(present)
    for change in changes:
        before = now.get(change.incident.id)
        marked = judged(change.incident, silences, change.at)
        found.append(replace(change, incident=marked))
        found += _turned(before, marked, change)
        now[marked.id] = marked
    changed = {change.incident.id for change in found}
    for incident in present.values():
        if incident.id not in changed:
            marked = judged(incident, silences, at)
            if marked != incident:
                found += _turned(incident, marked, None, at)
    return found


def judged(incident: Incident, silences: tuple[Silence, ...], at: int) -> Incident:
    """Return the incident with the silence that holds for it now, or none."""
    if incident.status not in ACTIVE:
        return incident
    held = cover(silences, incident, at)
    if held is None:
        if incident.silenced_by is None:
            return incident
        return replace(incident, silenced_by=None, silenced_until=None, silenced_why=None)
    silence, until = held
    began = incident.silenced_at if incident.silenced_by is not None else at
    return replace(incident, silenced_by=silence.id, silenced_until=until, silenced_why=silence.why,
                   silenced_at=began)


def never_told(incident: Incident) -> bool:
    """Say whether the silence that ended had held since the incident was opened."""
    return incident.silenced_at is not None and incident.silenced_at <= incident.created_at


def _turned(before: Incident | None, after: Incident, change: Change | None, at: int = 0) -> list[Change]:
    """Return the change that tells of a silence that began or ended with this step."""
    at = change.at if change else at
    was = before.silenced_by if before is not None and before.status in ACTIVE else None
    if after.status not in ACTIVE or (was is None) == (after.silenced_by is None):
        # it goes on; that it now ends at another time is written with it
        moved = change is None and before != after
        return [Change(kind="attached", incident=after, reason="", at=at)] if moved else []
    if after.silenced_by is not None:
        until = (_EPOCH + timedelta(microseconds=after.silenced_until or 0)).strftime("%Y-%m-%d %H:%M:%S UTC")
        return [Change(kind="silenced", incident=after, at=at,
                       reason=f"silenced until {until}: {after.silenced_why}")]
    why = before.silenced_why if before else ""
    return [Change(kind="unsilenced", incident=after, at=at,
                   reason=f"the silence is over ({why}), and the trouble is not")]
