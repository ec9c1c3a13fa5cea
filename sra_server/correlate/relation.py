"""Relation: why a signal, or another incident, belongs to an incident, in words. From correlate; pure.

The strongest reason wins: the same service; who points to whom, by its errors or by what was declared;
the same far place; the same host within seconds. Two classes join over a distance only where one brings
about the other, so what happens by chance at the same time elsewhere stays apart.
"""
from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from ..domain.called import calls, silent_server
from ..domain.case import SIGNALS, Case
from ..domain.effect import brings, compatible
from ..domain.incident import Incident
from ..domain.known import Known
from ..domain.lead import GENERAL, lead
from ..domain.names import names
from ..domain.own import own
from ..domain.record import MINUTE, SECOND
from ..domain.signal import CLASSES, LEVELS, Signal
from ..domain.software import is_store, may_listen
from .disks import felt_beside, same_disk
from .echo import echoed, same_words, speaks_of_store
from .vicinity import CLOSE, beside, host_gone, of_host, own_place

#: How strong a reason is, the strongest first: one disk; one service; that one points to the other, or both
#: to a third; one place; one host and time.
_DISK, _SERVICE, _SAID, _PLACE, _HOST = range(5)
#: Two unlike troubles of one service are one where no more than this lies between them.
_WITH = 60 * SECOND
#: What these bring about is often felt before they are told: room for work runs out, names are remembered for
#: a while, who waits for a lock gives up late. Of a full disk or a certificate the first failure tells.
_TOLD_LATE = frozenset({"memory_exhaustion", "cpu_overload", "deadlock", "network_failure"})
#: Of these a host has one: whichever bound or habit is passed first, it is the same shortage.
_SUPPLIES = frozenset({"memory_exhaustion", "cpu_overload"})
#: What a store that is gone and its clients say.
_BROKEN = frozenset({"database_failure", "service_crash", "external_api_down"})
#: Detectors that tell that a service is ill, and not of what: whatever it says itself may be the reason.
_WHAT = frozenset({"probe", "absence"})
#: Detectors that measure a host, and say themselves when it is over.
_MEASURES = frozenset({"threshold", "baseline", "leak"})

@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """How strongly (the least is strongest) and why a signal belongs to an incident."""

    rank: int
    why: str


def link(incident: Incident, case: Case | None, signal: Signal, known: Known, *, now: int,
         memory: int, well: int = 0) -> Link | None:
    """Return why a signal belongs to an active incident; `memory` is how long ago its last sign may be.

    `well`: when the signal's service was last heard of without a complaint on a host of the incident.
    """
    if case is not None and host_gone(signal) and len(case.signals) >= SIGNALS:
        return None  # people would not be told
    signals = case.telling if case else ()
    more = bool(case and case.more)
    last = case.last_at if case else incident.last_signal_at
    gap = max(0, now - last)
    fits = any(compatible(signal.cls, each) for each in (incident.cls, *(each.cls for each in signals)))
    if case is not None and (disk := same_disk(case, signal)):
        return Link(rank=_DISK, why=disk)
    # who guesses passwords is a trouble of his own; who is refused by his store is not
    alone = "auth_failures" in (signal.cls, incident.cls) and not fits and not any(
        each.cls == "auth_failures" and not is_store(each.service) and speaks_of_store(each)
        for each in (signal, *signals))
    recent = gap <= memory
    # of a full case it is no longer known who spoke and who was only named
    heard = set(incident.services) if more else {each.service for each in signals} or set(incident.services)
    if signal.service and signal.service in incident.services and signal.service in heard and not alone:
        found = _same_service(incident, case, signal, gap, well, fits=fits)
        if found is not None:
            return found
    if recent and not more:
        said = next(filter(None, (echoed(each, signal) for each in signals)), "")
        if said:
            return Link(rank=_SAID, why=said)
    if not fits:
        return None
    if recent and not more:  # of a storm, who points to whom was looked at with its first signals
        found = _pointed(incident, signals, signal, known)
        if found is not None:
            return found
        if case is not None and (disk := felt_beside(case, signal)):
            return Link(rank=_HOST, why=disk)
    # what is at one place is one trouble as long as it lasts, however seldom it is told
    if _one_place(case, signal):
        return Link(rank=_PLACE, why=f"both name {signal.subject}")
    if case is not None and _one_supply(case, signal):
        return Link(rank=_PLACE, why=f"of the same host {signal.host}, and it lasts still")
    if not recent:
        return None
    store = next(filter(None, (_store_there(each, signal, known) for each in signals)), "")
    return _near(incident, signals, signal, gap, known) or (
        Link(rank=_HOST, why=store) if store else None) or (
        None if more else _one_missed(incident, signals, signal, known))


def one_trouble(mine: tuple[Incident, Case], other: tuple[Incident, Case], signal: Signal, known: Known, *,
                now: int, memory: int) -> str | None:
    """Return why two active incidents are one, as a signal of `mine` shows, or None.

    Who points to whom must be said, and what explains both must bring about all that was seen: a service
    that is ill itself also complains of others.
    """
    found = link(*other, signal, known, now=now, memory=memory)
    if found is None:
        return None
    why = found.why
    if any(echoed(each, signal) for each in other[1].telling):
        return why
    if found.rank not in (_DISK, _SAID):
        if not _one_place(other[1], signal):
            return None
        why = f"both name {signal.subject}"
    seen = tuple(each for each in (*mine[1].signals, *other[1].signals) if each.opens)
    cause = lead(seen, known).cls if seen else ""
    explained = all(brings(cause, each.cls) for each in seen)
    return why if seen and explained else None


def _same_service(incident: Incident, case: Case | None, signal: Signal, gap: int, well: int, *,
                  fits: bool) -> Link | None:
    """Return the link to what the same service has; of another name on another host nothing is known."""
    theirs = [each for each in case.telling if each.service == signal.service] if case else []
    hosts = {host for each in theirs for host in _hosts(each)} or set(incident.hosts)
    mine = _hosts(signal)
    # many errors, or new ones, may be those of what is asked about here
    clear = [each for each in theirs if each.detector not in _WHAT]
    said = [each for each in clear if each.detector not in GENERAL] or clear
    apart = min((_apart(each, signal) for each in said or theirs), default=gap)
    alike = any(each.cls == signal.cls for each in said or theirs) if theirs else signal.cls == incident.cls
    if not mine or not hosts or mine & hosts:
        if case is not None and said and not alike:
            # who fails of himself suffers from what began with it, and not from what has gone on for long
            late = own(signal) and min(abs(signal.at - each.at) for each in said) > CLOSE
            other = late or (apart > CLOSE and _got_over(case, said, well))
            if other and not any(same_words(each, signal) for each in theirs):
                return None
        # what comes later than with the other comes of it, or has nothing to do with it
        effect = any(brings(each.cls, signal.cls) for each in theirs) if theirs else fits
        return Link(rank=_SERVICE, why=f"same service {signal.service}") if effect or (
            apart <= _WITH and _explains(clear, signal, theirs)) else None
    if alike and apart <= CLOSE:
        return Link(rank=_SERVICE, why=f"same service {signal.service}, at the same time on another host")
    return None


def _explains(clear: Sequence[Signal], signal: Signal, theirs: Sequence[Signal]) -> bool:
    """Say whether what is no effect may be why a service has its signs, though these go on for long.

    Where these, or it, do not say what is the matter, it may; else it began with them.
    """
    said = [each for each in clear if each.detector not in GENERAL]
    return not said or signal.detector in _WHAT or any(abs(signal.at - each.at) <= _WITH or (
        signal.cls in _TOLD_LATE and brings(signal.cls, each.cls)) for each in said) or any(
            same_words(each, signal) for each in theirs)


def _apart(one: Signal, other: Signal) -> int:
    return min(abs(other.at - one.at), abs(other.at - one.last_at))


def _got_over(case: Case, said: Sequence[Signal], well: int) -> bool:
    """Say whether a service was heard of as well for long enough after the last of its signs.

    What came seldom is waited for as long as three times its usual pause.
    """
    for each in said:
        fired, cleared = case.fired.get(each.fingerprint), each.fingerprint in case.cleared
        if fired is None or (each.detector in LEVELS and not cleared):
            return False
        pause = (each.last_at - each.at) // max(1, each.count - 1)
        if well - fired < max(CLOSE, 3 * pause):
            return False
    return True


def _own(service: str, signal: Signal, other: Signal | None, hosts: Collection[str], known: Known) -> bool:
    """Say whether a sign that names a service means the one on its own host, and not that of other hosts."""
    far = bool(signal.subject) and not own_place(signal.subject)
    homes = known.homes.get(service, frozenset())
    return not far and signal.host in homes and bool(hosts) and signal.host not in hosts and (
        other is None or other.host in homes)


def _pointed(incident: Incident, signals: tuple[Signal, ...], signal: Signal, known: Known) -> Link | None:
    everything = (*signals, signal)
    where = signal.service or signal.host or "this source"
    pointed = names(signal, everything, known)
    declared = known.needs(signal.service)
    said = names(signal, everything, replace(known, depends_on={})) if declared else pointed
    hits = {each for each in pointed & {*incident.services, incident.service} - {""}
            if not _own(each, signal, None, _where(each, incident, signals), known)}
    for hit in sorted(hits, key=lambda name: (name not in said, name)):
        if hit in said:
            return Link(rank=_SAID, why=f"the errors of {where} point to {hit}")
        return Link(rank=_SAID, why=declared[hit])
    for each in signals:
        if signal.service and signal.service in names(each, everything, known) and not _own(
                signal.service, each, None, _hosts(signal), known):
            needs = known.needs(each.service)
            if signal.service in needs and signal.service not in names(
                    each, everything, replace(known, depends_on={})):
                return Link(rank=_SAID, why=needs[signal.service])
            who = each.service or "this source"
            return Link(rank=_SAID, why=f"the errors of {who} point to {signal.service}")
    common = pointed & {name for each in signals for name in names(each, everything, known)
                        if not _own(name, signal, each, _hosts(each), known)}
    if common:
        return Link(rank=_SAID, why=f"both point to {sorted(common)[0]}")
    return None


def _where(service: str, incident: Incident, signals: tuple[Signal, ...]) -> set[str]:
    """Return the hosts on which a service of an incident has its trouble, as far as that is known."""
    hosts = {host for each in signals if each.service == service for host in _hosts(each)}
    return hosts or ({incident.host} - {""} if incident.service == service else set())


def _one_missed(incident: Incident, signals: tuple[Signal, ...], signal: Signal, known: Known) -> Link | None:
    """Return the link to who misses the same, or is it, where a client names it by its kind or port alone."""
    near = [each for each in signals if each.opens and each.host == signal.host]
    missed = silent_server(signal, known.services) if near else ""
    if not missed:
        return None
    if missed == incident.service or any(each.service == missed for each in near):
        return Link(rank=_SAID, why=f"the errors of {signal.service} point to {missed}")
    if any(calls(each) and silent_server(each, known.services) == missed for each in near):
        return Link(rank=_SAID, why=f"both miss {missed}")
    return None


def _one_place(case: Case | None, signal: Signal) -> bool:
    """Say whether a case knows the place that a signal names."""
    if case is None or not signal.subject:
        return False
    # what is an address of its own machine, or a mount, is another one on another host
    far = not own_place(signal.subject)
    return (far and signal.subject in case.beyond) or any(
        each.subject == signal.subject and (far or each.host == signal.host) for each in case.telling)


def _store_there(one: Signal, other: Signal, known: Known) -> str:
    """Say in words that one of two signs is of a store that broke and the other of who misses it, or ""."""
    for store, client in ((one, other), (other, one)):
        if {store.detector, client.detector} != {"signature"} or not {store.cls, client.cls} <= _BROKEN \
                or not is_store(store.service) or is_store(client.service) or own_place(client.subject):
            continue
        port = client.subject.rpartition(":")[2]
        # whose address it is, is not known: the only store of its kind, in the same minute, will be it
        if abs(store.at - client.at) <= MINUTE and may_listen(store.service, port) and not any(
                may_listen(each, port) for each in known.services if each != store.service):
            return f"{client.subject} is missed, where {store.service} may be, which broke in the same minute"
    return ""


def _one_supply(case: Case, signal: Signal) -> bool:
    """Say whether a case holds, not yet over, that the host of a signal is short of the same already."""
    return signal.cls in _SUPPLIES and bool(signal.host) and _measured(signal) and any(
        each.cls == signal.cls and each.host == signal.host and each.opens and _measured(each)
        and each.fingerprint in case.fired and each.fingerprint not in case.cleared for each in case.signals)


def _measured(signal: Signal) -> bool:
    return signal.detector in _MEASURES and not signal.service


def elsewhere(incident: Incident, case: Case | None, signal: Signal) -> bool:
    """Say whether a signal is of other hosts than those of an incident, as far as both are known.

    What counts for a service as a whole has no host of its own; where it was seen, its evidence tells.
    """
    signals = case.signals if case else ()
    theirs = {*incident.hosts, *(host for each in signals for host in _hosts(each))}
    mine = _hosts(signal)
    return bool(mine and theirs) and not mine & theirs


def _hosts(signal: Signal) -> set[str]:
    return ({signal.host} if signal.host else {each.host for each in signal.evidence}) - {""}


def _near(incident: Incident, signals: tuple[Signal, ...], signal: Signal, gap: int,
          known: Known) -> Link | None:
    """Return the link to what is on the same host at the same time, where the one may come from the other."""
    if signals:
        found = beside(signals, signal, known)
        if found is None:
            return None
        gap = found[0]
    elif gap > CLOSE or not (of_host(signal) or not incident.service) or not (
            signal.host in incident.hosts or (not signal.host and not incident.hosts)):
        return None
    place = f"same host {signal.host}" if signal.host else "same source"
    return Link(rank=_HOST, why=f"{place}, {gap / SECOND:.0f} s apart{_order(signals, signal)}")


def _order(signals: tuple[Signal, ...], signal: Signal) -> str:
    """Say which of the two came first, where they are of different kinds."""
    others = [each for each in signals if each.cls != signal.cls]
    if not others or len(others) < len(signals):
        return ""
    first = min(others, key=lambda each: (each.at, each.fingerprint))
    if first.at == signal.at:
        return ""
    return f", {CLASSES[(first if first.at < signal.at else signal).cls].lower()} precedes"
