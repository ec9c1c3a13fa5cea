"""Comeback: whether a sign that fires again brings back the incident that had it, or another trouble. Pure.

From changes. Many errors of a service are the same sign whatever they say; and what was an effect may come
back for another reason.
"""
from __future__ import annotations

from ..domain.case import Case
from ..domain.incident import Incident
from ..domain.own import own
from ..domain.signal import Signal
from .echo import same_words
from .relation import elsewhere


def comes_back(incident: Incident, case: Case | None, signal: Signal, now: int, memory: int) -> bool:
    """Say whether a sign that a resolved incident had means that it is there again."""
    if incident.status != "resolved" or elsewhere(incident, case, signal):
        return False
    # who guesses passwords comes back for days: one campaign, as long as the caller still gives it
    if incident.cls != "auth_failures" and now - (incident.resolved_at or 0) > memory:
        return False
    if case is None or not case.signals or (
            signal.cls == incident.cls and signal.service == incident.service):
        return True
    if signal.detector == "burst":
        # by themselves many errors do not say why they are written
        return signal.service == incident.service and any(same_words(each, signal) for each in case.signals)
    return not own(signal)
