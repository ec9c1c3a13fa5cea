"""Facts as the wire tells them: domain and store values to `sra_sdk.models`. To api and notify; pure."""
from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sra_sdk.models import (
    AnalysisOut,
    EvidenceOut,
    HostOut,
    IncidentDetail,
    IncidentOut,
    IncidentSummary,
    LessonOut,
    RecommendationOut,
    RemedyOut,
    SilenceOut,
    TimelineEntry,
)

from .detect.catalogue import Catalogue
from .detect.sign import sign_of
from .domain.analysis import Analysis, Offer
from .domain.evidence import Evidence
from .domain.incident import ACTIVE, Incident
from .domain.lesson import Lesson
from .domain.reach import reaching
from .domain.record import MINUTE, SECOND
from .domain.remedy import Remedy
from .domain.silence import Silence
from .store.casefile import Written
from .store.hosts import Host
from .store.timeline import Event

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: After this long without a plan the host is said not to answer.
PLAN_AWAITED = 20 * SECOND
#: A summary shows the first pieces only; the incident itself has them all.
SUMMARY_EVIDENCE = 10


def instant(at: int) -> datetime:
    """Return the time of epoch microseconds."""
    return _EPOCH + timedelta(microseconds=at)


def _maybe(at: int | None) -> datetime | None:
    return None if at is None else instant(at)


def _fields(incident: Incident) -> dict[str, Any]:
    return {
        "id": incident.id, "title": incident.title, "class": incident.cls, "severity": incident.severity,
        "status": incident.status, "service": incident.service or None, "host": incident.host or None,
        "services": list(incident.services), "hosts": list(incident.hosts),
        "started_at": instant(incident.started_at), "created_at": instant(incident.created_at),
        "updated_at": instant(incident.updated_at), "resolved_at": _maybe(incident.resolved_at),
        "closed_at": _maybe(incident.closed_at), "signals": incident.signals, "assignee": incident.assignee,
        "root_cause": incident.root_cause, "confidence": incident.confidence,
        "resolution_summary": incident.resolution,
        "silenced": {"id": incident.silenced_by, "why": incident.silenced_why or "",
                     "until": _maybe(incident.silenced_until)} if incident.silenced_by else None,
    }


def incident_out(incident: Incident) -> IncidentOut:
    """Return an incident as a list shows it."""
    return IncidentOut.model_validate(_fields(incident))


def evidence_out(piece: Evidence) -> EvidenceOut:
    """Return a piece of evidence."""
    return EvidenceOut(id=piece.id, kind=piece.kind, at=instant(piece.at), service=piece.service or None,
                       host=piece.host or None, source=piece.source or None, line=piece.line, text=piece.text)


def recommendations_out(analysis: Analysis, remedies: Sequence[Remedy]) -> list[RecommendationOut]:
    """Return what would help, each with the latest remedy made of it."""
    made = {(r.action, r.service, r.host): r.id for r in remedies}
    return [RecommendationOut(action=r.action, service=r.service or None, host=r.host or None,
                              reason=r.reason, remedy_id=made.get((r.action, r.service, r.host)))
            for r in analysis.recommendations]


def analysis_out(written: Written, remedies: Sequence[Remedy]) -> AnalysisOut:
    """Return an analysis."""
    analysis = written.analysis
    return AnalysisOut.model_validate({
        "analyst": analysis.analyst, "root_cause": analysis.root_cause, "confidence": analysis.confidence,
        "claims": [{"text": c.text, "evidence": list(c.evidence)} for c in analysis.claims],
        "recommended_actions": recommendations_out(analysis, remedies),
        "created_at": instant(written.at), "note": analysis.note or None})


def remedy_out(remedy: Remedy, now: int) -> RemedyOut:
    """Return a remedy; while its host owes the plan, `reason` says so."""
    outcome = remedy.outcome or {}
    reason = remedy.reason
    if remedy.status == "proposed":
        silent = now - remedy.updated_at >= PLAN_AWAITED
        reason = f"{remedy.host} does not answer" if silent else f"asking {remedy.host} for its plan"
        reason += f"; {remedy.reason}" if remedy.reason else ""
    return RemedyOut.model_validate({
        "id": remedy.id, "incident_id": remedy.incident_id, "action": remedy.action,
        "service": remedy.service, "host": remedy.host, "parameters": remedy.parameters,
        "status": remedy.status, "dry_run": remedy.dry_run, "reason": reason, "plan": remedy.plan,
        "outcome": outcome if "status" in outcome else None, "approved_by": remedy.approved_by,
        "created_at": instant(remedy.created_at), "updated_at": instant(remedy.updated_at)})


def timeline_out(event: Event) -> TimelineEntry:
    """Return an entry of the timeline."""
    return TimelineEntry(at=instant(event.at), kind=event.kind, actor=event.actor, text=event.text,
                         data=event.data)


def detail_out(incident: Incident, *, written: Written | None, evidence: Sequence[Evidence],
               remedies: Sequence[Remedy], timeline: Sequence[Event], now: int,
               lessons: Sequence[Lesson], catalogue: Catalogue) -> IncidentDetail:
    """Return an incident with all that is known of it; `lessons` are the account's."""
    near = {each for fingerprint in incident.fingerprints for each in reaching(fingerprint)}
    own = [lesson for lesson in lessons if lesson.fingerprint in near]
    return IncidentDetail.model_validate({
        **_fields(incident), "analysis": analysis_out(written, remedies) if written else None,
        "evidence": [evidence_out(piece) for piece in evidence],
        "remedies": [remedy_out(remedy, now) for remedy in remedies],
        "timeline": [timeline_out(event) for event in timeline],
        "lessons": [lesson_out(lesson, now, catalogue) for lesson in own]})


def lesson_out(lesson: Lesson, now: int, catalogue: Catalogue) -> LessonOut:
    """Return a lesson with what it is about and what it asks for now."""
    sign = sign_of(lesson.fingerprint, catalogue)
    return LessonOut.model_validate({
        "id": lesson.id, "title": lesson.title, "class": lesson.cls, "fingerprint": lesson.fingerprint,
        "sign": sign.text, "service": sign.service or None, "host": sign.host or None,
        "factor": lesson.factor(now), "alarms": lesson.alarms, "needs": lesson.needs(now),
        "needs_records": None if lesson.measured else lesson.factor(now) * lesson.count,
        "needs_seconds": lesson.lasting(now) // SECOND,
        "incident_id": lesson.incident_id, "why": lesson.why, "taught_by": lesson.taught_by,
        "taught_at": instant(lesson.taught_at), "fades_at": instant(lesson.fades_at),
        "held": lesson.held, "held_at": _maybe(lesson.held_at)})


def silence_out(silence: Silence, now: int) -> SilenceOut:
    """Return a silence, with its present end if it holds now."""
    window = silence.window
    return SilenceOut.model_validate({
        "id": silence.id, "service": silence.service or None, "host": silence.host or None,
        "class": silence.cls or None, "why": silence.why, "created_by": silence.created_by,
        "created_at": instant(silence.created_at), "starts_at": instant(silence.starts_at),
        "ends_at": _maybe(silence.ends_at), "ended_by": silence.ended_by, "until": _maybe(silence.until(now)),
        "window": {"every": window.every, "at": f"{window.minute // 60:02}:{window.minute % 60:02}",
                   "seconds": window.seconds, "timezone": window.timezone} if window else None})


def summary_text(incident: Incident, written: Written | None) -> str:
    """Return the incident in a few sentences."""
    where = f" on {incident.host}" if incident.host else ""
    alone = f"the host {incident.host}" if incident.host else "an unnamed service"
    place = f"{incident.service}{where}" if incident.service else alone
    text = (f"{incident.title}: {incident.severity} trouble of {place} since "
            f"{instant(incident.started_at):%Y-%m-%d %H:%M:%S} UTC, {incident.status}.")
    if written is not None:
        text += f" Root cause ({written.analysis.confidence:.0%} sure): {written.analysis.root_cause}"
    if incident.status not in ACTIVE and incident.resolution:
        text += f" Resolution: {incident.resolution}"
    return text


def summary_out(incident: Incident, *, written: Written | None, evidence: Sequence[Evidence],
                remedies: Sequence[Remedy], now: int) -> IncidentSummary:
    """Return what a person reads first: cited evidence before the rest."""
    cited = {e for claim in written.analysis.claims for e in claim.evidence} if written else set()
    first = sorted(evidence, key=lambda piece: (piece.id not in cited, piece.at))[:SUMMARY_EVIDENCE]
    until = incident.resolved_at or incident.closed_at or now
    return IncidentSummary.model_validate({
        "id": incident.id, "title": incident.title, "class": incident.cls, "severity": incident.severity,
        "status": incident.status, "service": incident.service or None,
        "summary": summary_text(incident, written), "root_cause": incident.root_cause,
        "confidence": incident.confidence, "evidence": [evidence_out(piece) for piece in first],
        "recommended_actions": recommendations_out(written.analysis, remedies) if written else [],
        "actions_taken": [remedy_out(r, now) for r in remedies if r.outcome is not None],
        "created_at": instant(incident.created_at), "updated_at": instant(incident.updated_at),
        "duration_minutes": round(max(0, until - incident.started_at) / MINUTE, 2),
        "resolution_summary": incident.resolution})


def host_out(host: Host, offers: Sequence[Offer], now: int) -> HostOut:
    """Return a host and what it offers."""
    return HostOut.model_validate({
        "host": host.host, "agent_version": host.agent_version, "online": host.online(now),
        "last_seen": instant(host.last_seen), "watches": host.watches, "cannot_watch": host.cannot_watch,
        "services": host.services, "policy_problem": host.policy_problem, "counters": host.counters,
        "inventory": [{"service": o.service, "action": o.action, "platform": o.platform, "mode": o.mode}
                      for o in offers if o.host == host.host]})
