"""Reach: for which signs a lesson holds. From store.lessons, which teaches; to doubt, which asks. Pure.

A sign is known by its fingerprint: the detector, what it saw, which service, which host. What a service
writes on one host may be that host's own trouble, so that a lesson holds there, unless the false alarm was
seen on several. Hosts of containers have a new name each time: of these it holds for the service on every
host. What is measured is the host's.
"""
from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence

from .incident import Incident

#: Stands for any service or host in what a lesson holds for.
ANY = "*"
#: How Docker and Kubernetes name hosts that are gone with their container.
_PASSING = re.compile(r"[0-9a-f]{12}|[\w.-]{1,200}-[0-9a-f]{8,10}-[0-9a-z]{5}")
#: Detectors that measure: of these more is a longer time, of all others more records.
MEASURED = frozenset({"probe", "threshold", "forecast", "leak", "baseline", "absence"})


def measured(fingerprint: str) -> bool:
    """Say whether a sign, or what a lesson holds for, is measured and not written."""
    return fingerprint.partition("|")[0] in MEASURED


def usual(fingerprint: str) -> str:
    """Return the same sign on any host, if it is a text of a service."""
    kind, *parts = fingerprint.split("|")
    if kind == "signature" and len(parts) > 2 and any(parts[1:-1]):
        return "|".join((kind, *parts[:-1], ANY))
    return fingerprint


def own(fingerprint: str, others: Iterable[str]) -> str:
    """Return what a lesson of this sign holds for, by the other signs of its incident.

    That is its own host, unless it was seen on several, or the host is unknown or a container's, whose next
    has another name.
    """
    wide, host = usual(fingerprint), fingerprint.rpartition("|")[2]
    several = any(each != fingerprint and usual(each) == wide for each in others)
    return wide if several or not host or _PASSING.fullmatch(host) else fingerprint


def everywhere(fingerprint: str) -> str:
    """Return what holds for the same sign at every service and host."""
    kind, *parts = fingerprint.split("|")
    make = _EVERYWHERE.get(kind)
    return "|".join((kind, *make(parts))) if make and parts else fingerprint


def reaching(fingerprint: str) -> tuple[str, ...]:
    """Return all that a lesson which concerns this sign may hold for, the nearest first."""
    return tuple(dict.fromkeys((fingerprint, usual(fingerprint), everywhere(fingerprint))))


def main(incident: Incident, signs: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """Return the fingerprints that an incident is about: of what opened it, and of what it is named after.

    `signs` are class, service and host by fingerprint. What says the same at the same place belongs to
    them; what merely joined does not, for of that nobody said that it was no trouble.
    """
    if not incident.fingerprints:
        return ()
    opener = incident.fingerprints[0]
    named = {tuple(signs[each]) for each in incident.fingerprints if each in signs
             and signs[each][0] == incident.cls and signs[each][1] == incident.service
             and (not incident.host or signs[each][2] == incident.host)}
    wanted = {tuple(signs[opener])} | named if opener in signs else named
    return tuple(each for each in incident.fingerprints
                 if each == opener or (each in signs and tuple(signs[each]) in wanted))


def _named(parts: list[str]) -> list[str]:
    """Of name|service|host, in which a service may hold bars."""
    return [parts[0], ANY, ANY]


def _series(parts: list[str]) -> list[str]:
    """Of name|host|service|tags: the tags, such as a mount, are what is measured."""
    return [parts[0], ANY, ANY, *parts[3:]]


_EVERYWHERE: dict[str, Callable[[list[str]], list[str]]] = {
    "signature": _named, "probe": _named, "threshold": _series, "baseline": _series, "leak": _series,
    "forecast": lambda parts: [ANY, ANY, parts[-1]], "absence": lambda parts: [parts[0], ANY],
    "burst": lambda parts: [ANY], "novelty": lambda parts: [ANY, parts[-1]],
}
