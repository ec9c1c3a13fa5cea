"""The local analyst: a root cause from the signals alone, within microseconds. From pipeline; to changes.

Confidence, never 1: 0.5 for a known text, a threshold or a health check that failed (0.2 for a bare
burst of errors, whose cause is unknown); 0.1 for each further kind of sign, service or host that
agrees, at most 0.3; 0.1 if a health check failed; 0.05 if others name the culprit; at most 0.95.
"""
from __future__ import annotations

import re
from collections.abc import Iterator

from ..domain.analysis import Analysis, Claim, Offer, Recommendation
from ..domain.case import Case
from ..domain.disk import broken, devices
from ..domain.evidence import Evidence
from ..domain.incident import Incident
from ..domain.killed import told_by
from ..domain.known import Known
from ..domain.lead import Lead, lead
from ..domain.remedy import ACTIONS
from ..domain.signal import CLASSES, Signal
from ..domain.software import speaks_for_others
from .evidence import checked, clock, supported

_QUOTE = 160
_CLAIMS = 8
_PARTIAL = re.compile(r"[\w.,:]*\Z")
#: These begin something anew, or more of it.
_OF_SERVICES = frozenset({"restart_service", "scale_replicas", "rollback_deployment"})
#: Classes that the caller reports and the called one has.
_REPORTED = frozenset({"external_api_down", "database_failure", "network_failure", "rate_limited",
                       "certificate_expired"})


class Local:
    """Explains by the catalogue's own words; says unknown where there is nothing but errors."""

    name = "local"

    def analyse(self, incident: Incident, case: Case, offers: tuple[Offer, ...], known: Known) -> Analysis:
        """Return the root cause with claims that cite the signals' evidence."""
        found = lead(case.signals, known)
        evidence = {each.id: each for signal in case.signals for each in signal.evidence}
        names = {*incident.services, *incident.hosts, found.service, found.host} - {""}
        said = (claim for each in _first(found.signal, case.signals) for claim in _claims(each))
        claims = checked(said, evidence, names)
        return Analysis(
            analyst=self.name, root_cause=_root_cause(found, case, evidence, names),
            confidence=confidence(found, case), claims=claims,
            recommendations=recommend(found, case, offers, known),
            note="" if claims else "no evidence is left that a claim could cite")


def confidence(found: Lead, case: Case) -> float:
    """Return how sure the local analyst is; the rule is in the module's docstring."""
    if found.cls == "error_burst" and found.signal.detector != "signature":
        return 0.2
    kinds = {(each.detector, each.service, each.host) for each in case.signals if each.opens}
    agreeing = min(0.3, 0.1 * (len(kinds) - 1))
    checks = {each.service for each in case.signals if each.detector == "probe"}
    probed = 0.1 if found.service in checks else 0.0
    named = 0.05 if found.why.startswith("the errors of") else 0.0
    return round(min(0.95, 0.5 + agreeing + probed + named), 2)


def recommend(found: Lead, case: Case, offers: tuple[Offer, ...],
              known: Known) -> tuple[Recommendation, ...]:
    """Return what would help, the cause's service first; what a host offers stands before mere advice.

    No text picks a target: a place that only a log names is advice without a service (decision 6).
    """
    wanted = dict.fromkeys(found.signal.remedies)
    for each in case.signals:
        if each.cls == found.cls:
            wanted.update(dict.fromkeys(each.remedies))
    elsewhere = _elsewhere(found)
    services = dict.fromkeys((found.service, *(each.service for each in case.telling)))
    made: list[Recommendation] = []
    for action in wanted:
        for service in services:
            for offer in offers:
                if offer.service == service and offer.action == action and service and not (
                        elsewhere and action == "restart_service"):
                    made.append(Recommendation(action=action, service=service, host=offer.host, offered=True,
                                               reason=_reason(action, found)))
    # the cause's own service first, in the order of the signature's remedies
    made.sort(key=lambda each: (each.service != found.service, list(wanted).index(each.action)))
    had = {(each.action, each.service) for each in made}
    for action in wanted:
        if (action, found.service) not in had and not (
                action in _OF_SERVICES and speaks_for_others(found.service)):
            there = bool(elsewhere) and action == "restart_service"
            service = _declared(elsewhere, found.signal.host, offers, known) if there else found.service
            reason = _reason(action, found)
            if there and not service:
                reason += "; it is none of the services known here, so look after what is called"
            made.append(Recommendation(action=action, service=service, reason=reason, offered=False,
                                       host="" if there else found.host))
    return tuple(made)


def _elsewhere(found: Lead) -> str:
    """Return the place that is ill if only who calls it has spoken: starting the caller anew helps nobody."""
    calls = found.signal.detector == "signature" and found.service == found.signal.service
    return found.signal.subject if calls and found.signal.subject and found.cls in _REPORTED else ""


def _declared(place: str, host: str, offers: tuple[Offer, ...], known: Known) -> str:
    """Return the service that a health check, an inventory or the configuration has at a place, or none."""
    declared = {each.service for each in offers} | set(known.depends_on)
    declared.update(*known.depends_on.values())
    name = place.partition(":")[0]
    return known.probed(place, host) or (name if name in declared else "")


def _reason(action: str, found: Lead) -> str:
    return f"{ACTIONS[action][0].split(' via ')[0]}: {found.signal.cause or found.signal.title}"


def _root_cause(found: Lead, case: Case, evidence: dict[str, Evidence], names: set[str]) -> str:
    """Return one sentence: what, where, since when; its numbers are held to the evidence as claims are."""
    signal = found.signal
    named = found.service or signal.service
    place = named or (f"the host {found.host}" if found.host else "an unnamed service")
    host = f" on {found.host}" if found.host and named else ""
    # of this sign alone: what else is told of the incident may have begun long before
    since = f"since {clock(min((each.at for each in signal.evidence), default=signal.at))}"
    if found.cls == "error_burst" and found.signal.detector != "signature":
        does = signal.cause.removeprefix("it ") or "writes far more errors than it is used to"
        says = _says(found, case)
        if says is not None:
            who = says.service or (f"the host {says.host}" if says.host else "a client")
            told = f"{place}{host} {does}, {since}; {who} reports: {says.title}; {says.cause}."
            if supported(told, evidence.values(), names):
                return told
        return f"Unknown: {place}{host} {does}, {since}, and nothing seen so far says why."
    others = {each.service for each in case.signals if each.opens} - {"", found.service}
    # of a disk several programs tell, and only who reads or writes suffers; nor does who kills
    tell = {each.service for each in case.signals
            if each.service in others and (told_by(each) or (
                broken(signal) and devices(signal) & devices(each)))}
    if found.service and told_by(signal) and found.service != signal.service:
        what = f"{place}{host}: {signal.service} reports {since}: {signal.title}; {signal.cause}"
        others.discard(signal.service)
    elif found.service and signal.service and found.service != signal.service:
        what = f"{found.service} is the likely cause: {signal.service} reports {since} that {signal.cause}"
        others.discard(signal.service)
    else:
        what = f"{place}{host}: {signal.title} {since}; {signal.cause}"
    sentence = "; ".join(filter(None, (
        what, _joined(tell & others, "tells", "tell", "of it as well"),
        _joined(others - tell, "suffers", "suffer", "from it")))) + "."
    if supported(sentence, evidence.values(), names):
        return sentence
    plain = f"{place}{host}: {signal.title}."
    known = supported(plain, evidence.values(), ())
    return plain if known else f"{place}{host}: {CLASSES[found.cls].lower()}."


def _joined(services: set[str], one: str, several: str, rest: str) -> str:
    names = ", ".join(sorted(services)[:5])
    return f"{names} {one if len(services) == 1 else several} {rest}" if services else ""


def _says(found: Lead, case: Case) -> Signal | None:
    """Return of the known texts in a case the one that says most of why a service writes errors, or None."""
    said = [each for each in case.signals if each.detector == "signature"]
    return max(said, default=None, key=lambda each: (
        each.opens, each.service == found.service, each.last_at, each.fingerprint))


def _first(leader: Signal, signals: tuple[Signal, ...]) -> list[Signal]:
    rest = sorted((each for each in signals if each.fingerprint != leader.fingerprint),
                  key=lambda each: not each.opens)
    own = [each for each in signals if each.fingerprint == leader.fingerprint]
    return [*own, *rest][:_CLAIMS]


def _claims(signal: Signal) -> Iterator[Claim]:
    """Yield what the signal's evidence says: its first line or value, and every fact that was needed."""
    said = [each for each in signal.evidence if each.kind != "event"] or list(signal.evidence[:1])
    for first in said[:1]:
        where = " ".join(filter(None, (first.service, f"on {first.host}" if first.host else "")))
        quote = " ".join(first.text.split())
        if len(quote) > _QUOTE:
            # cut between words: half a number is another number, and would not be found in the evidence
            cut = quote[:_QUOTE]
            quote = f"{cut.rpartition(' ')[0] or _PARTIAL.sub('', cut)} …"
        said_by = f"{where} wrote" if first.kind == "record" and where else where or "the source wrote"
        yield Claim(text=f"At {clock(first.at)} {said_by}: {quote} ({signal.title})",
                    evidence=tuple(each.id for each in said))
    for fact in signal.evidence:
        if fact.kind == "event" and fact not in said:
            yield Claim(text=fact.text, evidence=(fact.id,))
