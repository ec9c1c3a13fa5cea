"""Worse: what of that which joins an open incident is more than people know of it. From changes; pure.

Who was told of a trouble seconds ago is told of nothing more that it brings about; but nothing that is found
later, or that has a cause of its own, joins in silence. That the host is gone is told whatever else is known
of it, and so is once that the trouble is called otherwise than people heard.
"""
from __future__ import annotations

from dataclasses import replace

from ..domain.case import OBJECTS, Case
from ..domain.disk import disk_of
from ..domain.incident import Incident
from ..domain.own import own
from ..domain.record import MINUTE, SECOND
from ..domain.signal import CLASSES, LOUD, Signal
from .disks import known_disks
from .vicinity import CLOSE, host_gone

#: Whoever was told of a trouble so long ago is told of what else is found in it.
KNOWN = 120 * SECOND
#: Of these one says from another side what the other says: somebody fails, or does not answer.
_FAILS = frozenset({"service_crash", "external_api_down", "database_failure", "error_burst"})
#: So many times what is open is far larger, from so many errors on.
_FAR, _MANY = 10, 60


def further(incident: Incident, case: Case, signal: Signal, now: int) -> bool:
    """Say whether what joins is a trouble of which people do not know; `case` is as it was before."""
    if signal.severity not in LOUD:
        return False
    passed = now - incident.created_at
    if host_gone(signal):
        # of several hosts that are gone at once one is told
        gone = any(host_gone(each) and each.host != signal.host for each in case.signals)
        return not gone or now - max(incident.created_at, case.worse_at) > KNOWN
    known = {incident.cls, *(each.cls for each in case.signals if each.opens and each.severity in LOUD)}
    if signal.cls not in known:
        return passed > (CLOSE if own(signal) else KNOWN)
    # in what spreads from one to the next people are told of one in two minutes
    return bool(signal.service) and signal.service not in incident.services and (
        now - max(incident.created_at, case.worse_at) > KNOWN)


def others(incident: Incident, case: Case, signal: Signal, now: int) -> tuple[Case, tuple[str, ...]]:
    """Return the case with the objects of a sign that goes on, and those of them of which people do not know.

    What was ill when it began is a part of it. The more are known, the longer the next one for which people
    would be called waits. A disk is known whichever sign told of it.
    """
    known, disks = case.objects.get(signal.fingerprint, ()), known_disks(case, signal)
    fresh = [each for each in signal.objects if each[0] not in known and disk_of(each[0]) not in disks]
    room = OBJECTS - case.named
    if not (known or disks) or not fresh or room <= 0:
        return case, ()
    # a sign that names another disk than those that are known began with what is news
    begun = incident.created_at if not known else max(incident.created_at, min(
        (each.at for each in case.signals if each.fingerprint == signal.fingerprint), default=0))
    early = [name for name, since in fresh if since - begun <= CLOSE]
    case = case.naming(signal.fingerprint, early)
    waits = now - max(incident.created_at, case.worse_at) <= KNOWN * case.named
    if waits and signal.severity in LOUD:
        return replace(case, objects={signal.fingerprint: (), **case.objects}), ()
    later = tuple(name for name, _ in fresh if name not in early)[:room - len(early)]
    return case.naming(signal.fingerprint, later), later


def far_larger(incident: Incident, case: Case, signal: Signal, now: int) -> Signal | None:
    """Return a burst of errors as high, if it is far larger than what is open, and not told as that yet."""
    if signal.detector != "burst" or signal.severity in LOUD or now - incident.created_at <= CLOSE:
        return None
    before = next((each for each in case.signals if each.fingerprint == signal.fingerprint), None)
    minutes = max(MINUTE, now - incident.created_at)
    most = max((each.count for each in case.signals if each.detector == "burst"), default=0)
    if (before is not None and before.severity in LOUD) or signal.count < _MANY or signal.count < _FAR * max(
            most, case.count * MINUTE // minutes):
        return None
    return replace(signal, severity="high")


def renamed(incident: Incident, case: Case, now: int) -> str:
    """Return what people are to know of an incident that is called otherwise than they heard, or ""."""
    if incident.severity not in LOUD or not case.heard or incident.cls in case.heard \
            or {incident.cls, case.heard[-1]} <= _FAILS \
            or now - max(incident.created_at, case.returned) <= CLOSE:
        return ""
    return (f"it was told as {CLASSES[case.heard[-1]].lower()}; "
            f"what was found since explains more: {incident.title}")


def heard(kind: str, incident: Incident, case: Case, was: Incident | None, why: str,
          now: int) -> tuple[Case, str]:
    """Return the case after a change of this kind, and what people are told by it beyond their incident.

    `was`: the incident before the round; `why`: how that came in by which it is worse, or "".
    """
    case = replace(case, told_at=now)
    if kind in ("opened", "reopened"):
        return replace(case, heard=(incident.cls,)), ""
    if not case.heard:  # what an earlier release remembered
        case = replace(case, heard=((was or incident).cls,))
    news = "; ".join(filter(None, (why, renamed(incident, case, now) if kind == "attached" else "")))
    if news:
        case = replace(case, worse_at=now, heard=tuple(dict.fromkeys((*case.heard, incident.cls))))
    return case, news
