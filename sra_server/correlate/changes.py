"""Changes: each signal joins an open incident, opens one or says nothing new. From pipeline; to analyse.

Pure: the clock is the receipt time of the batch. A signal joins an incident for a reason that is said
in words (`relation`); what nothing explains opens its own. An incident resolves on positive evidence
alone (`settle`). Where very many troubles begin at once they are one storm. Two incidents of which it is
said later that they are one become one.
"""
from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from ..domain.case import Case
from ..domain.incident import ACTIVE, Change, Incident
from ..domain.lead import Lead, lead
from ..domain.lesson import lesson_for
from ..domain.record import SECOND
from ..domain.signal import LOUD, SEVERITY_ORDER, Signal
from .comeback import comes_back
from .disks import same_disk
from .doubt import again, believed
from .heading import restored, title
from .relation import link, one_trouble
from .rhythm import well_at
from .rules import Rules
from .settle import flap_note, why_over
from .silent import Ear, since
from .stops import blamed, crashed, note, waits
from .storm import storm
from .union import joined, roles, whole
from .vicinity import CLOSE
from .worse import far_larger, further, heard, others, renamed

#: A trouble that merely goes on is told at most this often.
TELL = 30 * SECOND


def correlate(signals: list[Signal], cases: Mapping[str, Case], incidents: tuple[Incident, ...],
              life: Mapping[str, int], now: int, rules: Rules,
              new_id: Callable[[], str]) -> tuple[dict[str, Case], list[Change]]:
    """Return the cases afterwards and one change for each incident that changed."""
    signals = [*again(rules.doubts, rules.lessons, signals, now, rules.quiet), *signals]
    firing = sorted((each for each in signals if each.state == "firing"),
                    key=lambda each: (not each.opens, each.at, each.fingerprint))
    places = {(each.service, each.host): each.cls for each in firing if each.opens}
    if rules.stops is not None:
        for signal in signals:
            if signal.state == "stopped":
                note(rules.stops, signal, now)
        crashed(rules.stops, firing)
    desk = _Desk(cases, incidents, now, rules, new_id, places)
    for signal in firing:
        desk.take(signal)
    for signal in signals:
        if signal.state == "cleared":
            desk.clear(signal)
    for incident in list(desk.incidents.values()):
        if incident.status in ACTIVE:
            desk.listen(incident)
            desk.settle(desk.incidents[incident.id], life)
    return desk.cases, list(desk.changes.values())


class _Desk:
    """One fold's working copy: what was given is never changed."""

    def __init__(self, cases: Mapping[str, Case], incidents: tuple[Incident, ...], now: int, rules: Rules,
                 new_id: Callable[[], str], places: dict[tuple[str, str], str]) -> None:
        self.incidents = {each.id: each for each in incidents}
        # an incident that the store no longer gives is closed or long over; its case is done with
        self.cases = {key: case for key, case in cases.items() if key in self.incidents}
        self.now, self.rules, self.new_id = now, rules, new_id
        self.changes: dict[str, Change] = {}
        self._before = {each.id: each for each in incidents}
        self._places = places
        self._further: set[str] = set()
        self._swept: set[str] = set()
        self._leads: dict[int, tuple[tuple[Signal, ...], Lead]] = {}
        self._ear = Ear(rules.rhythms, rules.known, now)

    def take(self, signal: Signal) -> None:
        """Give a firing signal to the incident that it belongs to, or open one."""
        if not signal.opens:
            self._support(signal)
            return
        same = self._same(signal)
        if same is not None:
            if (why := "" if same.status in ACTIVE else self._believed(signal)) is not None:
                self._again(same, signal, why)
            return
        related = self._related(signal)
        if related is not None:
            # what is no more than a restart does not rename another trouble either
            if not self._waits(signal) or signal.service in related[0].services:
                self._attach(*related, signal)
        elif (why := self._believed(signal)) is None:
            return
        elif (same := self._same(signal, disk=True)) is not None:
            self._again(same, signal, why)
        else:
            stopped, after = blamed(self.rules.stops, signal, self.rules.known, self.now)
            self._open(stopped, _and(after, why))

    def _believed(self, signal: Signal) -> str | None:
        """Return None for what a lesson or a restart holds back, else what is to be said of it, mostly ""."""
        if self._waits(signal):
            return None
        return believed(self.rules.doubts, self.rules.lessons, signal, self.now, self.rules.reopen)

    def _waits(self, signal: Signal) -> bool:
        return waits(self.rules.stops, signal, self.rules.known, self.now)

    def clear(self, signal: Signal) -> None:
        """Note that one sign is positively over."""
        for key, case in self.cases.items():
            if signal.fingerprint in case.fired:
                self.cases[key] = case.clear(signal.fingerprint, self.now)

    def listen(self, incident: Incident) -> None:
        """Look who is silent where a young trouble is told by callers alone, and name it."""
        case = self.cases.get(incident.id)
        if case is None or not self._ear.asks(incident, case) or self._lead(case.signals).named:
            return
        found = self._ear.silence(case.signals, since(incident, case))
        if found is not None and (supported := case.support(found)) is not case:
            self._beside(incident, supported, found.evidence[0].text, found)

    def settle(self, incident: Incident, life: Mapping[str, int]) -> None:
        """Resolve an incident if there is positive evidence that it is over."""
        case = self.cases.get(incident.id)
        if case is None:
            case = self.cases[incident.id] = restored(incident)
        reason = why_over(incident, case, life, self.now, self.rules.quiet)
        if reason:
            done = replace(incident.move("resolved", self.now), firing=(), last_signal_at=case.last_at,
                           resolution=incident.resolution or reason, signals=case.count)
            self._write("resolved", done, case, reason, ())

    # ── which incident ──────────────────────────────────────────────────────────────────────
    def _same(self, signal: Signal, *, disk: bool = False) -> Incident | None:
        """Return the incident that had a signal, or one of the same disk that is over."""
        had = (each for each in self.incidents.values() if signal.fingerprint in each.fingerprints or (
            disk and each.id in self.cases and same_disk(self.cases[each.id], signal)))
        fits = [each for each in had if each.status in ACTIVE or comes_back(
            each, self.cases.get(each.id), signal, self.now, self.rules.reopen)]
        # of equals the older one: it took the other in
        return max(fits, default=None,
                   key=lambda each: (each.status in ACTIVE, each.last_signal_at, -each.created_at))

    def _related(self, signal: Signal) -> tuple[Incident, str] | None:
        """Return the active incident that the signal belongs to most, and why."""
        found = [(joined, incident) for incident in self.incidents.values() if incident.status in ACTIVE
                 if (joined := link(incident, self.cases.get(incident.id), signal, self.rules.known,
                                    now=self.now, memory=self.rules.reopen, well=self._well(incident, signal)
                                    )) is not None]
        if found:
            best, incident = min(found, key=lambda each: (each[0].rank, -each[1].last_signal_at, each[1].id))
            return incident, best.why
        if not signal.opens:
            return None
        swept = storm(self.incidents.values(), self.cases, self._places, signal, self.now)
        if swept is not None:
            self._swept.add(signal.fingerprint)
        return swept

    def _well(self, incident: Incident, signal: Signal) -> int:
        """Return when a service of an incident was last heard of as well."""
        if signal.service not in incident.services:
            return 0
        hosts = (signal.host,) if signal.host else incident.hosts or ("",)
        return well_at(self.rules.rhythms, signal.service, hosts)

    # ── what happens to it ──────────────────────────────────────────────────────────────────
    def _open(self, signal: Signal, why: str) -> None:
        case = Case(signals=(), fired={}, cleared={}, last_at=self.now, told_at=self.now, count=0)
        case = case.add(signal, self.now)
        found = lead(case.signals, self.rules.known)
        incident = Incident(
            id=self.new_id(), title=title(found), cls=found.cls, severity=signal.severity, status="open",
            service=found.service, host=found.host, services=joined((), found.service, signal.service),
            hosts=joined((), signal.host), fingerprints=(signal.fingerprint,), firing=(signal.fingerprint,),
            started_at=signal.at, created_at=self.now, updated_at=self.now, last_signal_at=self.now,
            signals=signal.count)
        self._write("opened", incident, case, _and(f"{signal.title}: {signal.cause}", why), (signal,))

    def _attach(self, incident: Incident, reason: str, signal: Signal) -> None:
        before = self.cases.get(incident.id) or restored(incident)
        signal = self._told(incident, before, signal)
        before, more = self._others(incident, before, signal)
        case = before.add(signal, self.now)
        if signal.fingerprint in self._swept and signal.fingerprint in case.fired:
            case = replace(case, swept=(*case.swept, signal.fingerprint))
        incident = self._regarded(incident, case, signal)
        self._write("attached", incident, case, _and(f"{signal.title}: {reason}", more), (signal,))
        self._unite(incident.id, signal)

    def _told(self, incident: Incident, case: Case, signal: Signal) -> Signal:
        """Note that people are told of what joins an incident, if it is more than they know of it."""
        larger = far_larger(incident, case, signal, self.now)
        if larger is not None or further(incident, case, signal, self.now):
            self._further.add(signal.fingerprint)
        return larger or signal

    def _unite(self, mine: str, signal: Signal) -> None:
        """Take in, or give to, another incident which a signal shows to be the same trouble."""
        for other in [each for each in self.incidents.values() if each.status in ACTIVE and each.id != mine]:
            incident, case, theirs = self.incidents[mine], self.cases[mine], self.cases.get(other.id)
            if theirs is None or roles(incident, other, self.changes) is None:
                continue
            why = one_trouble((incident, case), (other, theirs), signal, self.rules.known, now=self.now,
                              memory=self.rules.reopen)
            if why is not None:
                keeps, goes = roles(incident, other, self.changes) or (incident, other)
                self._take_in(keeps, goes, why)
                mine = keeps.id

    def _take_in(self, keeps: Incident, goes: Incident, why: str) -> None:
        theirs = self.cases[goes.id]
        case = self.cases[keeps.id].with_all_of(theirs)
        ended = replace(goes.move("resolved", self.now), firing=(), last_signal_at=theirs.last_at,
                        resolution=f"part of incident {keeps.id}: {why}")
        self._write("resolved", ended, theirs, ended.resolution or "", ())
        both = whole(self._named(keeps, case), goes, case, self.now)
        self._write("attached", both, case, f"takes in incident {goes.id}: {why}", theirs.signals)

    def _support(self, signal: Signal) -> None:
        """Add what is evidence alone to the trouble that it belongs to, once; it prolongs nothing."""
        if any(each.fingerprint == signal.fingerprint for key, case in self.cases.items()
               if self.incidents[key].status in ACTIVE for each in case.signals):
            return
        related = self._related(signal)
        if related is None or related[0].id not in self.cases or related[0].cls == "auth_failures" \
                or self._waits(signal):
            return
        incident, reason = related
        case = self.cases[incident.id]
        supported = case.support(signal)
        if supported is not case:
            self._beside(incident, supported, f"{signal.title}: {reason}", signal)
            self.cases[incident.id] = supported  # when what goes on is told does not wait for evidence

    def _beside(self, incident: Incident, case: Case, reason: str, signal: Signal) -> None:
        """Write what is evidence alone, under the heading that the analysis will have as well."""
        named = self._named(replace(incident, updated_at=self.now), case)
        self._write("attached", replace(named, services=joined(named.services, named.service)), case, reason,
                    (signal,))

    def _again(self, incident: Incident, signal: Signal, why: str = "") -> None:
        before = self.cases.get(incident.id) or restored(incident)
        if incident.status == "resolved":
            ended = incident.resolved_at or 0
            if signal.last_at <= ended and self.now - ended <= CLOSE:
                return  # what was written before the end and came late tells nothing new
            # what was over explains nothing before it is told again
            fresh = replace(before.back(self.now), reopened=before.reopened + 1, signals=(), objects={})
            case = fresh.add(signal, self.now)
            back = self._regarded(replace(incident.move("open", self.now), resolution=None), case, signal)
            self._write("reopened", back, case, _and(f"{signal.title}: it fires again", why), (signal,),
                        flap_note(case, self.rules.quiet))
            return
        returns = signal.fingerprint in before.cleared
        before = before.back(self.now) if returns else before
        note = flap_note(before, self.rules.quiet) if returns else ""
        before, more = self._others(incident, before, signal)
        # of what calls nobody a line is enough
        note = note or (f"{signal.title}: {more}" if more and signal.fingerprint not in self._further else "")
        told = self.changes.get(incident.id)
        if returns or far_larger(incident, before, signal, self.now):
            signal = self._told(incident, before, signal)
        graver = signal.fingerprint in self._further or renamed(incident, before, self.now) \
            or SEVERITY_ORDER[signal.severity] > SEVERITY_ORDER[incident.severity]
        if not note and told is None and not graver and signal.fingerprint in incident.firing \
                and self.now - before.told_at < TELL:
            # evidence that no change carries would not be stored, and could not be cited
            self.cases[incident.id] = before.add(replace(signal, evidence=()), self.now)
            return
        case = before.add(signal, self.now)
        reason = more or f"goes on, {case.count} records or points so far"
        self._write("attached", self._regarded(incident, case, signal), case, f"{signal.title}: {reason}",
                    (signal,), note)
        self._unite(incident.id, signal)

    def _others(self, incident: Incident, case: Case, signal: Signal) -> tuple[Case, str]:
        """Return what further objects an incident has, in words, and the case in which they are known."""
        known, fresh = others(incident, case, signal, self.now)
        if fresh and (lesson_for(self.rules.lessons, signal.fingerprint, self.now) is not None
                      or self._waits(replace(signal, opens=False, subject=fresh[0]))):
            return case, ""
        if fresh and signal.severity in LOUD:
            self._further.add(signal.fingerprint)
        return known, f"also {', '.join(fresh)}" if fresh else ""

    def _regarded(self, incident: Incident, case: Case, signal: Signal) -> Incident:
        """Return the incident as all its signals now explain it."""
        named = self._named(incident, case) if case.signals else incident
        severity = max((incident.severity, signal.severity), key=lambda each: SEVERITY_ORDER[each])
        return replace(
            named, severity=severity, updated_at=self.now, last_signal_at=self.now, signals=case.count,
            services=joined(incident.services, signal.service, named.service),
            hosts=joined(incident.hosts, signal.host), started_at=min(incident.started_at, signal.at),
            fingerprints=joined(incident.fingerprints, signal.fingerprint),
            firing=joined(incident.firing, signal.fingerprint))

    def _named(self, incident: Incident, case: Case) -> Incident:
        """Return the incident with the title, class and place that explain its signals."""
        explain = tuple(each for each in case.signals if each.fingerprint not in case.swept) if case.swept \
            else case.signals
        found = self._lead(explain or case.signals)
        return replace(incident, title=title(found), cls=found.cls, service=found.service, host=found.host)

    def _lead(self, signals: tuple[Signal, ...]) -> Lead:
        known = self._leads.get(id(signals))
        if known is None or known[0] is not signals:
            known = self._leads[id(signals)] = (signals, lead(signals, self.rules.known))
        return known[1]

    def _write(self, kind: str, incident: Incident, case: Case, reason: str,
               signals: tuple[Signal, ...], note: str = "") -> None:
        self.incidents[incident.id] = incident
        # what the case had no room for cannot be cited
        signals = tuple(each for each in signals if each.fingerprint in case.fired or not each.opens)
        before = self.changes.get(incident.id)
        # one fold, one change: an opening remains one, whatever else joined in the same batch
        kind = before.kind if before is not None and kind == "attached" else kind
        worse = frozenset(each.fingerprint for each in signals if kind == "attached" and (
            each.fingerprint in self._further
            or SEVERITY_ORDER[each.severity] > SEVERITY_ORDER[self._before[incident.id].severity]))
        self.cases[incident.id], news = heard(kind, incident, case, self._before.get(incident.id),
                                              reason if worse else "", self.now)
        if before is not None:
            note = note or before.note
            reason = before.reason if reason in before.reason or before.reason.count("; ") > 5 \
                else _and(before.reason, reason)
            signals = (*before.signals, *signals)
            if kind == before.kind:
                worse, news = worse | before.worse, _and(before.news, news)
        self.changes[incident.id] = Change(kind=kind, incident=incident, reason=reason,  # type: ignore[arg-type]
                                           at=self.now, signals=signals, note=note, worse=worse, news=news)


def _and(*reasons: str) -> str:
    return "; ".join(filter(None, reasons))
