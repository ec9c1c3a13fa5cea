"""Reach: for which signs a lesson holds. From store.lessons, which teaches; to doubt, which asks. Pure.

A sign is known by its fingerprint: the detector, what it saw, which service, which host. What a service
writes is its own doing wherever it runs, and hosts of containers have a new name each time, so that a
text's lesson holds for the service on every host. What is measured is the host's.
"""
from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from .incident import Incident

#: Stands for any service or host in what a lesson holds for.
ANY = "*"
#: Detectors that measure: of these more is a longer time, of all others more records.
MEASURED = frozenset({"probe", "threshold", "forecast", "leak", "baseline", "absence"})


def measured(fingerprint: str) -> bool:
    """Say whether a sign, or what a lesson holds for, is measured and not written."""
    return fingerprint.partition("|")[0] in MEASURED


def usual(fingerprint: str) -> str:
    """Return what a lesson of this sign holds for unless more is wanted: a text's service on any host."""
    kind, *parts = fingerprint.split("|")
    if kind == "signature" and len(parts) > 2 and any(parts[1:-1]):
        return "|".join((kind, *parts[:-1], ANY))
    return fingerprint


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
