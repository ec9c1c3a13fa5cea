"""Correlate: signals and open incidents become changes, one incident per trouble. From detect; to analyse.

Pure: the clock is the receipt time of the batch. A signal joins an incident for a reason that is said
in words; what nothing explains opens its own. An incident resolves on positive evidence alone: every
sign was cleared, or all is quiet while the service shows life well after its last sign (a start line
right after a crash is not recovery).
"""
from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from .domain.case import Case, Known, Lead, lead, names
from .domain.incident import ACTIVE, Change, Incident
from .domain.record import SECOND
from .domain.signal import CLASSES, SEVERITY_ORDER, Signal

#: Signals of one host this close together may be one trouble.
CLOSE = 30 * SECOND
#: A trouble that merely goes on is told at most this often.
TELL = 30 * SECOND
#: An incident's row names at most so many fingerprints, services and hosts.
_FINGERPRINTS = 200
#: Detectors that say themselves when it is over; quiet does not clear these.
_LEVELS = frozenset({"probe", "threshold"})

#: What a class brings about; two classes may be one trouble only if one brings about the other.
_BRINGS: dict[str, frozenset[str]] = {
    "disk_full": frozenset({"database_failure", "service_crash", "external_api_down", "queue_backlog",
                            "error_burst"}),
    "memory_exhaustion": frozenset({"service_crash", "database_failure", "external_api_down", "cpu_overload",
                                    "queue_backlog", "error_burst"}),
    "certificate_expired": frozenset({"external_api_down", "network_failure", "database_failure",
                                      "error_burst"}),
    "network_failure": frozenset({"external_api_down", "database_failure", "service_crash", "queue_backlog",
                                  "error_burst"}),
    "database_failure": frozenset({"external_api_down", "service_crash", "cpu_overload", "queue_backlog",
                                   "error_burst"}),
    "deadlock": frozenset({"database_failure", "error_burst"}),
    "service_crash": frozenset({"external_api_down", "database_failure", "network_failure", "cpu_overload",
                                "queue_backlog", "error_burst"}),
    "cpu_overload": frozenset({"external_api_down", "service_crash", "database_failure", "queue_backlog",
                               "error_burst"}),
    "queue_backlog": frozenset({"cpu_overload", "error_burst"}),
    "rate_limited": frozenset({"external_api_down", "error_burst"}),
    "external_api_down": frozenset({"cpu_overload", "service_crash", "queue_backlog", "error_burst"}),
    "auth_failures": frozenset({"error_burst"}),
    "error_burst": frozenset(),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """Quiet and reopen in microseconds, and what is known of the surroundings."""

    quiet: int
    reopen: int
    known: Known = field(default_factory=Known)


def correlate(signals: list[Signal], cases: Mapping[str, Case], incidents: tuple[Incident, ...],
              life: Mapping[str, int], now: int, rules: Rules,
              new_id: Callable[[], str]) -> tuple[dict[str, Case], list[Change]]:
    """Return the cases afterwards and one change for each incident that changed."""
    desk = _Desk(cases, incidents, now, rules, new_id)
    for signal in sorted((each for each in signals if each.state == "firing"),
                         key=lambda each: (each.at, each.fingerprint)):
        desk.take(signal)
    for signal in signals:
        if signal.state == "cleared":
            desk.clear(signal)
    for incident in list(desk.incidents.values()):
        if incident.status in ACTIVE:
            desk.settle(incident, life)
    return desk.cases, list(desk.changes.values())


class _Desk:
    """One fold's working copy: what was given is never changed."""

    def __init__(self, cases: Mapping[str, Case], incidents: tuple[Incident, ...], now: int, rules: Rules,
                 new_id: Callable[[], str]) -> None:
        self.incidents = {each.id: each for each in incidents}
        # an incident that the store no longer gives is closed or long over; its case is done with
        self.cases = {key: case for key, case in cases.items() if key in self.incidents}
        self.now, self.rules, self.new_id = now, rules, new_id
        self.changes: dict[str, Change] = {}
        self._leads: dict[int, tuple[tuple[Signal, ...], Lead]] = {}

    def take(self, signal: Signal) -> None:
        """Give a firing signal to the incident that it belongs to, or open one."""
        same = self._same(signal)
        if same is not None:
            self._again(same, signal)
            return
        related = [(found, incident) for incident in self.incidents.values()
                   if (found := self._relation(incident, signal)) is not None]
        if not related:
            self._open(signal)
            return
        (_, reason), incident = min(
            related, key=lambda each: (each[0][0], -each[1].last_signal_at, each[1].id))
        self._attach(incident, signal, reason)

    def clear(self, signal: Signal) -> None:
        """Note that one sign is positively over."""
        for key, case in self.cases.items():
            if signal.fingerprint in case.fired:
                self.cases[key] = case.clear(signal.fingerprint, self.now)

    def settle(self, incident: Incident, life: Mapping[str, int]) -> None:
        """Resolve an incident if there is positive evidence that it is over."""
        case = self.cases.get(incident.id)
        if case is None:
            case = self.cases[incident.id] = _restored(incident)
        reason = why_over(incident, case, life, self.now, self.rules)
        if reason:
            done = replace(incident.move("resolved", self.now), firing=(), last_signal_at=case.last_at,
                           resolution=incident.resolution or reason, signals=case.count)
            self._write("resolved", done, case, reason, ())

    # ── which incident ──────────────────────────────────────────────────────────────────────
    def _same(self, signal: Signal) -> Incident | None:
        had = (each for each in self.incidents.values() if signal.fingerprint in each.fingerprints)
        fits = [each for each in had if each.status in ACTIVE or self._may_reopen(each)]
        return max(fits, key=lambda each: (each.status in ACTIVE, each.last_signal_at), default=None)

    def _may_reopen(self, incident: Incident) -> bool:
        if incident.status != "resolved":
            return False
        # who guesses passwords comes back for days: one campaign, as long as the caller still gives it
        return incident.cls == "auth_failures" or self.now - (incident.resolved_at or 0) <= self.rules.reopen

    def _relation(self, incident: Incident, signal: Signal) -> tuple[int, str] | None:
        """Return how strongly (0 is strongest) and why a signal belongs to an active incident."""
        if incident.status not in ACTIVE:
            return None
        case = self.cases.get(incident.id)
        signals = case.signals if case else ()
        last = case.last_at if case else incident.last_signal_at
        gap = max(0, self.now - last)
        fits = any(compatible(signal.cls, each) for each in (incident.cls, *(each.cls for each in signals)))
        where = signal.service or signal.host
        alone = "auth_failures" in (signal.cls, incident.cls) and not fits
        recent = gap <= self.rules.reopen
        heard = {each.service for each in signals} or set(incident.services)
        there = signal.service and signal.service in incident.services and signal.service in heard
        if there and not alone and (fits or recent):
            return 0, f"same service {signal.service}"
        if not recent or not fits:
            return None
        if case is not None and case.more:
            # a storm: who points to whom has been looked at with the first signals
            return self._near(incident, signal, signals, gap)
        everything, known = (*signals, signal), self.rules.known
        pointed = names(signal, everything, known)
        hit = sorted(pointed & {*incident.services, incident.service} - {""})
        if hit:
            return 1, f"the errors of {where or 'this source'} point to {hit[0]}"
        back = [each.service for each in signals if signal.service in names(each, everything, known)]
        if signal.service and back:
            return 1, f"the errors of {back[0] or 'this source'} point to {signal.service}"
        common = pointed & {name for each in signals for name in names(each, everything, known)}
        if common:
            return 1, f"both point to {sorted(common)[0]}"
        if signal.subject and any(each.subject == signal.subject for each in signals):
            return 2, f"both name {signal.subject}"
        return self._near(incident, signal, signals, gap)

    def _near(self, incident: Incident, signal: Signal, signals: tuple[Signal, ...],
              gap: int) -> tuple[int, str] | None:
        moments = [moment for each in signals for moment in (each.at, each.last_at)]
        near = min((abs(signal.at - moment) for moment in moments), default=gap)
        if near <= CLOSE and (signal.host in incident.hosts or (not signal.host and not incident.hosts)):
            place = f"same host {signal.host}" if signal.host else "same source"
            return 3, f"{place}, {near / SECOND:.0f} s apart"
        return None

    # ── what happens to it ──────────────────────────────────────────────────────────────────
    def _open(self, signal: Signal) -> None:
        case = Case(signals=(), fired={}, cleared={}, last_at=self.now, told_at=self.now, count=0)
        case = case.add(signal, self.now)
        found = lead(case.signals, self.rules.known)
        incident = Incident(
            id=self.new_id(), title=title(found), cls=found.cls, severity=signal.severity, status="open",
            service=found.service, host=found.host, services=_joined((), found.service, signal.service),
            hosts=_joined((), signal.host), fingerprints=(signal.fingerprint,), firing=(signal.fingerprint,),
            started_at=signal.at, created_at=self.now, updated_at=self.now, last_signal_at=self.now,
            signals=signal.count)
        self._write("opened", incident, case, f"{signal.title}: {signal.cause}", (signal,))

    def _attach(self, incident: Incident, signal: Signal, reason: str) -> None:
        case = (self.cases.get(incident.id) or _restored(incident)).add(signal, self.now)
        incident = self._regarded(incident, case, signal)
        self._write("attached", incident, case, f"{signal.title}: {reason}", (signal,))

    def _again(self, incident: Incident, signal: Signal) -> None:
        before = self.cases.get(incident.id) or _restored(incident)
        case = before.add(signal, self.now)
        if incident.status == "resolved":
            ended = incident.resolved_at or 0
            if signal.last_at <= ended and self.now - ended <= CLOSE:
                # what was written before the end and came late tells nothing new
                return
            case = replace(case, reopened=case.reopened + 1)
            back = self._regarded(replace(incident.move("open", self.now), resolution=None), case, signal)
            self._write("reopened", back, case, f"{signal.title}: it fires again", (signal,))
            return
        told = self.changes.get(incident.id)
        if told is None and signal.fingerprint in incident.firing and self.now - case.told_at < TELL:
            # evidence that no change carries would not be stored, and could not be cited
            self.cases[incident.id] = before.add(replace(signal, evidence=()), self.now)
            return
        self._write("attached", self._regarded(incident, case, signal), case,
                    f"{signal.title}: goes on, {case.count} records or points so far", (signal,))

    def _regarded(self, incident: Incident, case: Case, signal: Signal) -> Incident:
        """Return the incident as all its signals now explain it."""
        found = self._lead(case.signals) if case.signals else None
        severity = max((incident.severity, signal.severity), key=lambda each: SEVERITY_ORDER[each])
        fresh = replace(
            incident, severity=severity, updated_at=self.now, last_signal_at=self.now, signals=case.count,
            services=_joined(incident.services, signal.service, found.service if found else ""),
            hosts=_joined(incident.hosts, signal.host), started_at=min(incident.started_at, signal.at),
            fingerprints=_joined(incident.fingerprints, signal.fingerprint),
            firing=_joined(incident.firing, signal.fingerprint))
        if found is None:
            return fresh
        return replace(fresh, title=title(found), cls=found.cls, service=found.service, host=found.host)

    def _lead(self, signals: tuple[Signal, ...]) -> Lead:
        known = self._leads.get(id(signals))
        if known is None or known[0] is not signals:
            known = self._leads[id(signals)] = (signals, lead(signals, self.rules.known))
        return known[1]

    def _write(self, kind: str, incident: Incident, case: Case, reason: str,
               signals: tuple[Signal, ...]) -> None:
        self.incidents[incident.id] = incident
        self.cases[incident.id] = replace(case, told_at=self.now)
        before = self.changes.get(incident.id)
        if before is not None:
            # one fold, one change: an opening remains one, whatever else joined in the same batch
            kind = before.kind if kind == "attached" else kind
            reason = before.reason if reason in before.reason or before.reason.count("; ") > 5 \
                else f"{before.reason}; {reason}"
            signals = (*before.signals, *signals)
        self.changes[incident.id] = Change(kind=kind, incident=incident, reason=reason,  # type: ignore[arg-type]
                                           at=self.now, signals=signals)


def compatible(one: str, other: str) -> bool:
    """Say whether two classes may be signs of one trouble."""
    return one == other or other in _BRINGS.get(one, ()) or one in _BRINGS.get(other, ())


def title(found: Lead) -> str:
    """Return a title that names the class, the place and what was seen."""
    where = found.service or found.host
    words = CLASSES[found.cls]
    seen = found.signal.title
    if found.service and found.signal.service and found.service != found.signal.service:
        seen = f"{found.signal.service} reports: {seen}"
    return f"{words}: {where}: {seen}" if where else f"{words}: {seen}"


def why_over(incident: Incident, case: Case, life: Mapping[str, int], now: int, rules: Rules) -> str | None:
    """Return the positive evidence that a trouble is over, or None."""
    levels = {key for key in case.fired if key.partition("|")[0] in _LEVELS}
    if any(key not in case.cleared for key in levels):
        return None
    flapped = min(8, 2 ** case.reopened)
    event = max((when for key, when in case.fired.items() if key not in levels), default=0)
    passed = max((case.cleared[key] for key in levels if key.startswith("probe") or not event), default=0)
    if passed and event <= passed and not case.more:
        # a check that failed passes again: a quarter of the quiet is enough, none where it was the only sign
        wait = rules.quiet // 4 * flapped if event or case.reopened else 0
        over = now - passed >= wait
        return "what failed before passes again, and nothing else is reported" if over else None
    quiet = rules.quiet * flapped
    if now - case.last_at < quiet:
        return None
    # the cause must show life itself; who never reports is judged by those who suffered from it
    own = life.get(f"service|{incident.service}")
    seen = [own] if own is not None else [life.get(f"service|{each}", 0) for each in incident.services]
    if incident.cls == "auth_failures" or not incident.services:
        seen += [life.get(f"host|{each}", 0) for each in incident.hosts or ("",)]
    if max(seen, default=0) >= case.last_at + quiet // 2:
        who = incident.service or incident.host or "the source"
        return f"quiet for {quiet // SECOND} s while {who} shows life"
    return None


def _joined(before: tuple[str, ...], *more: str) -> tuple[str, ...]:
    fresh = [each for each in more if each and each not in before]
    return (*before, *dict.fromkeys(fresh)) if fresh and len(before) < _FINGERPRINTS else before


def _restored(incident: Incident) -> Case:
    """Return what can be known of an incident whose case was lost: its row."""
    fired = {each: incident.last_signal_at for each in incident.firing}
    return Case(signals=(), fired=fired, cleared={}, last_at=incident.last_signal_at,
                told_at=incident.updated_at, count=incident.signals)
