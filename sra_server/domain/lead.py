"""Lead: which signal of a trouble explains the others, and where the cause is. From correlate; to analyse.

It looks for the cause, not for the loudest: first along who names whom, then by how much a class explains,
then by who was first.
"""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from .called import NOT_THERE, calls, cut_off, leader_of, nobody_there, silent_server, store_of
from .case import SILENCE
from .disk import broken
from .killed import lost_by
from .known import Known
from .names import names
from .record import SECOND
from .reply import answers, explained
from .signal import SEVERITY_ORDER, Signal
from .software import is_store, kind_of, passes_on
from .witness import front_of, gives_up, guarded, only_tells

#: Detectors that tell that a service writes errors, and not what these say.
GENERAL = frozenset({"burst", "novelty"})
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
#: What somebody who says it has himself, and does not miss at others.
_OWN = frozenset({"disk_full", "memory_exhaustion", "database_failure", "deadlock", "service_crash"})
#: The usual port of memcached: who misses a cache misses no database.
_CACHE = "11211"
#: Of these a proxy only passes on what somebody behind it has.
_PASSED_ON = frozenset({"error_burst", "external_api_down"})
#: As long as it goes on saying so: what came first and is no longer told explains nothing.
_STILL_TOLD = 60 * SECOND


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
    if any(map(guarded, signals)):  # who gives up an address for it explains nothing
        signals = tuple(each for each in signals if not gives_up(each))
    if any(each.cls == "service_crash" and each.service for each in signals):
        silent = []  # who is known to be down leaves others without work, and these are silent as well
    if (killed := _ended(signals)) is not None:
        return killed
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
    if (cause := _behind(end, best, effects, signals)) is not None:
        return Lead(signal=cause, cls=cause.cls, service=cause.service, host=cause.host,
                    why=f"{end} fails at whom it calls, and {cause.service} says what is the matter with it")
    cls = best.cls
    if cls in ("service_crash", "external_api_down") and kind_of(end) != _CACHE and "database_failure" in {
            each.cls for each in effects}:
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


def _ended(signals: Sequence[Signal]) -> Lead | None:
    """Return the lead of a service that the kernel took a process from, if nothing explains more."""
    best = min(signals, key=_order)
    victims = [(each, service) for each in signals
               if each.cls == best.cls and (service := lost_by(each, signals))]
    # who says it of himself is named by the kernel as anybody is
    if not victims or any(each.cls == best.cls and each.service == service
                          for each in signals for _, service in victims):
        return None
    teller, service = min(victims, key=lambda pair: (pair[0].at, pair[0].fingerprint))
    return Lead(signal=teller, cls=teller.cls, service=service, host=teller.host, named=True,
                why=f"{teller.service} tells what became of a process of {service}")


def _behind(end: str, best: Signal, effects: Sequence[Signal], signals: Sequence[Signal]) -> Signal | None:
    """Return what somebody said first is the matter with himself, where `end` only misses who is called."""
    if best.service != end or best.cls != "external_api_down" or best.detector != "signature":
        return None
    chain = {end, "", *(each.service for each in effects)}
    found = [each for each in signals if each.detector == "signature" and each.service not in chain
             and each.cls in _OWN and each.host == best.host and each.at <= best.at]
    return min(found, key=_order, default=None)


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


def _best(signals: Sequence[Signal], heard: Sequence[Signal]) -> Signal:
    """Return the signal that explains most; a failing check is passed over if its service says why."""
    best = min((each for each in signals if each.detector != "probe" or not explained(each, signals)),
               key=_order)
    return replace(best, cls="error_burst") if best.detector == "probe" and answers(best, heard) else best


def _order(signal: Signal) -> tuple[int, bool, int, int, int, int, str]:
    # the kernel tells what it did to somebody; who says the same of himself is that one, but of a disk
    cls = "disk_full" if signal.fingerprint.startswith(_OF_DISKS) else signal.cls
    told = (signal.detector != "probe") + (signal.detector in GENERAL)
    teller = signal.service.lower() == "kernel" and not broken(signal)
    return (_RANK.get(cls, len(_RANK)), teller, _distance(signal), told,
            -SEVERITY_ORDER[signal.severity], signal.at, signal.fingerprint)


def _distance(signal: Signal) -> int:
    """Return how far from the cause who tells of it stands: a proxy, or a check that asks from outside."""
    if signal.cls not in _PASSED_ON:
        return 0
    return 2 if only_tells(signal) else int(passes_on(signal.service))
