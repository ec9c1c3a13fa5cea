"""Union: which of two incidents takes in the other, and what the whole is. Pure. From changes."""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ..domain.case import Case
from ..domain.incident import Change, Incident
from ..domain.signal import SEVERITY_ORDER

#: An incident's row names at most so many fingerprints, services and hosts.
_NAMES = 200


def roles(one: Incident, two: Incident, changes: Mapping[str, Change]) -> tuple[Incident, Incident] | None:
    """Return which of two stays, the older, and which goes; None if neither may go.

    What people or remedies have begun with stays, and so does what is opened just now, for it has no row.
    """
    older, younger = sorted((one, two), key=lambda each: (each.created_at, each.id))
    for keeps, goes in ((older, younger), (younger, older)):
        change = changes.get(goes.id)
        if goes.status == "open" and (change is None or change.kind == "attached"):
            return keeps, goes
    return None


def whole(keeps: Incident, goes: Incident, case: Case, now: int) -> Incident:
    """Return an incident with all that another has, whose case it has taken in already."""
    return replace(
        keeps, severity=max((keeps.severity, goes.severity), key=lambda each: SEVERITY_ORDER[each]),
        services=joined(keeps.services, *goes.services), hosts=joined(keeps.hosts, *goes.hosts),
        fingerprints=joined(keeps.fingerprints, *goes.fingerprints),
        firing=joined(keeps.firing, *goes.firing), started_at=min(keeps.started_at, goes.started_at),
        updated_at=now, last_signal_at=max(keeps.last_signal_at, goes.last_signal_at), signals=case.count)


def joined(before: tuple[str, ...], *more: str) -> tuple[str, ...]:
    """Return some names with more of them behind, each once, as long as there is room."""
    fresh = [each for each in more if each and each not in before]
    return (*before, *dict.fromkeys(fresh)) if fresh and len(before) < _NAMES else before
