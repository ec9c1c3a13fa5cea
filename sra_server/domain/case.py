"""Case: what the fold knows of one incident beyond its row, and which signal explains the others.

From correlate; to analyse. `lead` looks for the cause, not for the loudest: first along who names whom,
then by how much a class explains, then by who was first.
"""
from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from .called import (
    NOT_THERE,
    calls,
    cut_off,
    leader_of,
    nobody_there,
    of_its_host,
    silent_server,
    store_of,
)
from .evidence import Evidence
from .listener import listens
from .own import follows
from .place import seen_from
from .record import SECOND
from .reply import answers, explained
from .signal import SEVERITY_ORDER, Signal
from .software import is_store, passes_on
from .witness import front_of, only_tells

SIGNALS = 32
#: The detector of a sign that somebody is silent who is missed.
SILENCE = "silence"
#: Detectors that tell that a service writes errors, and not what these say.
GENERAL = frozenset({"burst", "novelty"})
#: And no more than so many that are evidence alone.
SUPPORTING = 6
_EVIDENCE = 5
#: Of the places that signals named for which there was no room, so many are remembered.
_BEYOND = 32
#: Names of services that are words of any text.
TOO_COMMON = frozenset({"app", "api", "server", "service", "error", "errors", "main", "log", "system",
                        "kernel", "web", "http", "worker", "java", "python", "node", "localhost", "the",
                         "and"})

#: Every class, the one that explains most first.
EXPLAINS = ("disk_full", "memory_exhaustion", "certificate_expired", "network_failure",
            "database_failure", "deadlock", "service_crash", "cpu_overload",
            "queue_backlog", "rate_limited", "external_api_down", "auth_failures", "error_burst")
_RANK = {cls: rank for rank, cls in enumerate(EXPLAINS)}
#: Who was not answered before, and no longer says so, has got over it.
_MISSED = 180 * SECOND
#: What is the matter with the machine's disk, whatever stores on it say of it.
_OF_DISKS = ("signature|file_system_damaged|", "signature|disk_errors|", "signature|file_system_loses_data|")
#: What the two ends of a broken way say of each other.
_ENDS = frozenset({"queue_backlog", "external_api_down", "service_crash"})
#: Of these a proxy only passes on what somebody behind it has.
_PASSED_ON = frozenset({"error_burst", "external_api_down"})
#: As long as it goes on saying so: what came first and is no longer told explains nothing.
_STILL_TOLD = 60 * SECOND


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is declared or learned of the surroundings.

    Place, as `seen_from` a host → service that is probed there, service → what it depends on, every service
    ever heard of, who listens where (listener), and service → the hosts on which it was heard.
    """

    places: Mapping[str, str] = field(default_factory=dict)
    depends_on: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    services: frozenset[str] = frozenset()
    listening: Mapping[str, Sequence[str]] = field(default_factory=dict)
    homes: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def at(self, place: str, host: str) -> str:
        """Return whom a client on a host means by a place, as a probe or an agent tells, or ""."""
        return self.probed(place, host) or listens(self.listening, self.services, place, host)

    def probed(self, place: str, host: str) -> str:
        """Return the service whose health check looks at a place, as a client on a host means it, or ""."""
        return self.places.get(seen_from(place, host), "")

    def needs(self, service: str) -> dict[str, str]:
        """Return what a service depends on as declared, also through others, each with the way in words."""
        found: dict[str, str] = {}
        ways = [(service, "")]
        for name, way in ways:
            for need in self.depends_on.get(name, ()):
                if need not in found and need != service:
                    found[need] = f"{way}, which depends on {need}" if way else f"{service} depends on {need}"
                    ways.append((need, found[need]))
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """The signals of one incident, one for each fingerprint, and when each last fired (receipt time).

    `told_at`: when the last change was written; `more`: signals beyond SIGNALS, counted and not kept, and
    `beyond` the places that they name; `returns`: how often it came back, last at `returned`, after `pause`
    at the longest; `hushed`: which signs a silence covers while others are told, until when that was seen
    (receipt time) and which silence. `worse_at`: when people were last told that it is worse; `swept`: the
    fingerprints of what came in with a storm, which explain nothing.
    """

    signals: tuple[Signal, ...]
    fired: Mapping[str, int]
    cleared: Mapping[str, int]
    last_at: int
    told_at: int
    count: int
    reopened: int = 0
    more: int = 0
    returns: int = 0
    returned: int = 0
    pause: int = 0
    hushed: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    beyond: tuple[str, ...] = ()
    worse_at: int = 0
    swept: tuple[str, ...] = ()

    @property
    def telling(self) -> tuple[Signal, ...]:
        """Return the signals by which others may belong to it; mere evidence leads nobody here."""
        return tuple(each for each in self.signals if each.opens or each.detector == SILENCE)

    def add(self, signal: Signal, at: int) -> Case:
        """Return the case with a firing signal in it."""
        fingerprint = signal.fingerprint
        rest = [each for each in self.signals if each.fingerprint != fingerprint]
        before = None if len(rest) == len(self.signals) else next(
            each for each in self.signals if each.fingerprint == fingerprint)
        if before is None and len(rest) >= SIGNALS and (spare := _spare(rest)) is not None:
            rest.remove(spare)
        if before is None and len(rest) >= SIGNALS:
            return replace(self, more=self.more + 1, last_at=at, count=self.count + signal.count,
                           beyond=_places(self.beyond, signal.subject))
        kept = (*rest, signal if before is None else _merged(before, signal))
        fired = {**self.fired, fingerprint: at}
        cleared = {key: when for key, when in self.cleared.items() if key != fingerprint}
        ordered = tuple(sorted(kept, key=lambda each: (each.at, each.fingerprint)))
        return replace(self, signals=ordered, fired=fired, cleared=cleared, last_at=at,
                       count=self.count + signal.count)

    def back(self, at: int) -> Case:
        """Return the case of a trouble that was over, wholly or in part, and is there again."""
        return replace(self, returns=self.returns + 1, returned=at, pause=max(self.pause, at - self.last_at))

    def with_all_of(self, other: Case) -> Case:
        """Return the case with everything in it that another holds."""
        kept = {each.fingerprint: each for each in (*other.signals, *self.signals)}
        ordered = sorted(kept.values(), key=lambda each: (each.at, each.fingerprint))
        while len(ordered) > SIGNALS and (spare := _spare(ordered)) is not None:
            ordered.remove(spare)
        fired = {**other.fired, **self.fired}
        cleared = {**other.cleared, **self.cleared}
        return replace(
            self, signals=tuple(ordered[:SIGNALS]), fired=fired, cleared=cleared,
            last_at=max(self.last_at, other.last_at), count=self.count + other.count,
            more=self.more + other.more + len(ordered[SIGNALS:]), reopened=max(self.reopened, other.reopened),
            returns=max(self.returns, other.returns), pause=max(self.pause, other.pause),
            returned=max(self.returned, other.returned),
            hushed={**other.hushed, **self.hushed},
            beyond=_places(self.beyond, *other.beyond, *(each.subject for each in ordered[SIGNALS:])))

    def support(self, signal: Signal) -> Case:
        """Return the case with evidence in it that says nothing of whether the trouble lasts."""
        known = any(each.fingerprint == signal.fingerprint for each in self.signals)
        many = sum(not each.opens and each.detector != SILENCE for each in self.signals) >= SUPPORTING
        if known or (many and signal.detector != SILENCE) or not self.signals or len(self.signals) >= SIGNALS:
            return self
        ordered = tuple(sorted((*self.signals, signal), key=lambda each: (each.at, each.fingerprint)))
        return replace(self, signals=ordered)

    def clear(self, fingerprint: str, at: int) -> Case:
        """Return the case with one fingerprint positively over."""
        return replace(self, cleared={**self.cleared, fingerprint: at})


@dataclass(frozen=True, slots=True, kw_only=True)
class Lead:
    """The signal that explains the others, the place where the cause is, and why this one.

    `named`: others lead to it.
    """

    signal: Signal
    cls: str
    service: str
    host: str
    why: str
    named: bool = False


def lead(signals: tuple[Signal, ...], known: Known) -> Lead:
    """Return the most explanatory of some signals (at least one); mere evidence leads nothing."""
    # what was said for a moment is no proof that somebody goes on answering
    heard = tuple(each for each in signals if each.opens or each.detector != "signature")
    silent = [each for each in signals if each.detector == SILENCE]
    signals = _without_asked(_told_still(tuple(each for each in signals if each.opens) or signals))
    if any(each.cls == "service_crash" and each.service for each in signals):
        silent = []  # who is known to be down leaves others without work, and these are silent as well
    services = {each.service for each in signals if each.service}
    named: dict[str, list[Signal]] = {}
    for each in signals:
        for service in names(each, signals, known):
            # a store calls nobody: who is named in what it writes is its client
            if is_store(service) or not is_store(each.service) or service in known.needs(each.service):
                named.setdefault(service, []).append(each)
    for each in signals:
        if any(each in by for by in named.values()):
            continue
        if found := (leader_of(each, known.services) or store_of(each, signals)
                     or silent_server(each, known.services) or front_of(each, known.services)):
            named.setdefault(found, []).append(each)
        elif silent and calls(each) and each.host == silent[0].host and each.service != silent[0].service:
            named.setdefault(silent[0].service, []).append(each)
    # whoever is named and names somebody else is a link of the chain, not its end
    ends = {service: by for service, by in named.items()
            if not any(effect.service == service for other, effects in named.items() if other != service
                       for effect in effects)}
    if not ends:
        best = _best(signals, heard)
        return Lead(signal=best, cls=best.cls, service=best.service, host=best.host,
                    why="it explains most" if len(signals) > 1 else "it is the only sign")
    end = min(ends, key=lambda name: (-len({each.service for each in ends[name]}), name not in services,
                                      min(each.at for each in ends[name]), name))
    effects = ends[end]
    sufferers = ", ".join(sorted({each.service or "a client" for each in effects}))
    own = [each for each in signals if each.service == end]
    hosts = {each.host for each in own}
    own += [each for each in signals if not each.service and each.host in hosts]
    best = _best(own or effects, heard)
    if best.cls == "error_burst" and best.detector != "signature":
        best = min(effects, key=_order)
    said = [each for each in signals if each.cls == "auth_failures" and each.service != end
            and any(each.service == effect.service for effect in effects)]
    if said and (best.cls == "error_burst" or best.unanswered) and all(
            each.detector == "burst" for each in effects):
        # who says why it refuses its callers is not led to them by a count of its errors that name them
        best = min(said, key=_order)
        return Lead(signal=best, cls=best.cls, service=best.service, host=best.host, why="it says why")
    cls = best.cls
    if cls in ("service_crash", "external_api_down") and "database_failure" in {each.cls for each in effects}:
        cls = "database_failure"
    if cls == "external_api_down" and best not in own and end in known.services and (
            (nobody_there(best) and best.last_at >= max(each.last_at for each in signals) - _STILL_TOLD)
            or any(each.service == end for each in silent) or _missed_by_all(end, effects)):
        cls = "service_crash"  # what is one's own and does not answer is down, whatever its callers call it
    if cls == "error_burst" and best in own and any(map(nobody_there, effects)):
        cls = "service_crash"  # who errs, and where nobody listens any more, is down
    if cls in _ENDS and cut_off(own, effects):
        cls = "network_failure"
    quiet = next((each for each in silent if each.service == end and each.evidence), None)
    host = best.host if best in own else quiet.host if quiet else ""
    why = quiet.evidence[0].text if quiet else ""
    return Lead(signal=best, cls=cls, service=end, host=host,
                named=True, why=why or f"the errors of {sufferers} point to {end}")


def _missed_by_all(end: str, effects: Sequence[Signal]) -> bool:
    """Say whether two who call a store or broker both get no answer: then it is not one of them."""
    return is_store(end) and len({each.service for each in effects if each.unanswered}) > 1


def _told_still(signals: tuple[Signal, ...]) -> tuple[Signal, ...]:
    """Return the signals without those who missed somebody and no longer do, while others tell more."""
    newest = max(each.last_at for each in signals)
    # who refuses is not busy any more
    busy = newest - _STILL_TOLD if any(map(nobody_there, signals)) else 0
    still = tuple(each for each in signals if each.last_at >= (
        newest - _MISSED if each.unanswered else busy if each.cls == "cpu_overload" else 0))
    return still if any(each.detector not in GENERAL for each in still) else signals


def _without_asked(signals: tuple[Signal, ...]) -> tuple[Signal, ...]:
    """Return the signals without what stores say of wrong questions, if who asked says so as well."""
    asked = [each for each in signals if is_store(each.service) and NOT_THERE.search(_first_lines(each))]
    if not asked or not any(each.cls == asked[0].cls and not is_store(each.service)
                            and NOT_THERE.search(_first_lines(each)) for each in signals):
        return signals
    return tuple(each for each in signals if each not in asked)


def _first_lines(signal: Signal) -> str:
    """Return what a signal's evidence says in lower case, without the frames of a stack."""
    lines = (line for each in signal.evidence[:3] for line in each.text[:2000].split("\n"))
    return "\n".join(line for line in lines if not line.startswith((" ", "\t"))).lower()


def names(effect: Signal, signals: tuple[Signal, ...], known: Known) -> set[str]:
    """Return the services, other than its own, to which a signal points."""
    found: set[str] = set()
    place = known.at(effect.subject, effect.host) if effect.subject else ""
    if place and effect.detector != "probe":
        found.add(place)
    target = effect.subject.partition(":")[0]
    if target in known.services and effect.detector != "probe":
        # the culprit is often silent: that it is called by its name must suffice
        found.add(target)
    elif (called := of_its_host(effect.subject, known.services)) not in TOO_COMMON \
            and effect.detector != "probe":
        found.add(called)
    text = "\n".join(each.text for each in effect.evidence[:3]).lower()
    needs = known.needs(effect.service) if known.depends_on else {}
    probed = {each.service for each in signals if each.detector == "probe" and effect.subject
              and seen_from(each.subject, each.host) == seen_from(effect.subject, effect.host)}
    for service in {each.service for each in signals if each.service} | set(needs):
        if effect.detector == "probe":
            said = False
        else:
            said = service.lower() == target or service in probed \
                or (effect.cls != "auth_failures" and _speaks(text, service))
        if said or (service in needs and any(
                each.service == service and follows(each, effect) for each in signals)):
            found.add(service)
    found -= {effect.service, ""}
    return found


def _speaks(text: str, service: str) -> bool:
    name = service.lower()
    if len(name) < 3 or name in TOO_COMMON or name not in text:
        return False
    return re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", text) is not None


def _best(signals: Sequence[Signal], heard: Sequence[Signal]) -> Signal:
    """Return the signal that explains most; a failing check is passed over if its service says why."""
    best = min((each for each in signals if each.detector != "probe" or not explained(each, signals)),
               key=_order)
    return replace(best, cls="error_burst") if best.detector == "probe" and answers(best, heard) else best


def _order(signal: Signal) -> tuple[int, bool, int, int, int, int, str]:
    # the kernel tells what it did to somebody; who says the same of himself is that one
    cls = "disk_full" if signal.fingerprint.startswith(_OF_DISKS) else signal.cls
    told = (signal.detector != "probe") + (signal.detector in GENERAL)
    return (_RANK.get(cls, len(_RANK)), signal.service.lower() == "kernel", _distance(signal), told,
            -SEVERITY_ORDER[signal.severity], signal.at, signal.fingerprint)


def _distance(signal: Signal) -> int:
    """Return how far from the cause who tells of it stands: a proxy, or a check that asks from outside."""
    if signal.cls not in _PASSED_ON:
        return 0
    return 2 if only_tells(signal) else int(passes_on(signal.service))


def _spare(signals: Sequence[Signal]) -> Signal | None:
    """Return the latest of what is evidence alone: it makes room for what is told."""
    return next((each for each in reversed(signals) if not each.opens and each.detector != SILENCE), None)


def _places(before: tuple[str, ...], *more: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*before, *filter(None, more))))[:_BEYOND]


def _merged(before: Signal, now: Signal) -> Signal:
    evidence: dict[str, Evidence] = {each.id: each for each in (*before.evidence, *now.evidence)}
    ordered = sorted(evidence.values(), key=lambda each: (each.at, each.id))
    if len(ordered) > _EVIDENCE:
        ordered = [*ordered[:_EVIDENCE - 2], *ordered[-2:]]
    return replace(now, at=min(before.at, now.at), last_at=max(before.last_at, now.last_at),
                   count=before.count + now.count, subject=before.subject or now.subject,
                   evidence=tuple(ordered))
