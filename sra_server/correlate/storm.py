"""Storm: very many troubles at once are one. From correlate; pure.

By chance many places do not begin to suffer together, and alike or on few hosts. And an account in which
hundreds of troubles are open is in one trouble, so that memory stays bounded.
"""
from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..domain.case import Case
from ..domain.effect import compatible
from ..domain.incident import ACTIVE, Incident
from ..domain.own import kind, own
from ..domain.record import SECOND
from ..domain.signal import Signal
from .vicinity import CLOSE

#: So many places in trouble within CLOSE are one storm.
STORM = 6
#: Whoever has one of these has it of himself.
_ITS_OWN = frozenset({"certificate_expired", "disk_full", "memory_exhaustion"})
#: With so many incidents open, what fits none of them joins the latest.
MOST_OPEN = 100


def storm(incidents: Iterable[Incident], cases: Mapping[str, Case], places: Mapping[tuple[str, str], str],
          signal: Signal, now: int) -> tuple[Incident, str] | None:
    """Return the incident that a signal joins for their number, and why; `places` begin to fire now.

    Each is of a class. What carries its own cause, at a place of its own, is no part of a storm of something
    else.
    """
    active = [each for each in incidents if each.status in ACTIVE]
    fresh = [each for each in active if now - each.created_at <= CLOSE]
    places = {**places, **{(each.service, host): each.cls for each in fresh for host in each.hosts or ("",)}}
    fits = [each for each in fresh if compatible(each.cls, signal.cls)
            and not _apart(each, cases.get(each.id), signal)]
    if len(places) >= STORM and fits and _in_common(places):
        return (min(fits, key=lambda each: (each.created_at, each.id)),
                f"a storm: {len(places)} places are in trouble within {CLOSE // SECOND} s")
    if len(active) >= MOST_OPEN:
        return (max(active, key=lambda each: (each.created_at, each.id)),
                f"{len(active)} troubles are open already, so it joins the latest")
    return None


def _in_common(places: Mapping[tuple[str, str], str]) -> bool:
    """Say whether places mostly fail alike, or are on few hosts: else each has a trouble of its own."""
    return min(len(set(places.values())), len({host for _, host in places})) <= len(places) // 2


def _apart(incident: Incident, case: Case | None, signal: Signal) -> bool:
    """Say whether a sign has a cause and a place of its own, of which the incident tells nothing."""
    its_own = own(signal) or signal.cls in _ITS_OWN
    if not its_own or signal.service in incident.services or signal.host in incident.hosts:
        return False
    return case is None or kind(signal) not in {kind(each) for each in case.signals}
