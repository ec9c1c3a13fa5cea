"""An incident and a remedy as lines of text, as a person reads a case. From the API's models; to output."""
from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from .output import age, colour, local, plain

if TYPE_CHECKING:
    from sra_sdk.models import EvidenceOut, IncidentDetail, IncidentOut, LessonOut, RemedyOut


def headline(one: IncidentOut) -> str:
    """One line for a live list."""
    where = "@".join(plain(part) for part in (one.service, one.host) if part)
    return (f"{local(one.updated_at, date=False)}  {colour(one.severity):8}  {colour(one.status):8}  "
            f"{plain(one.title)}  ({where or 'no service'}, {one.id}{', silenced' if one.silenced else ''})")


def source(one: EvidenceOut) -> str:
    """Where a piece of evidence stands: file:line, as editors open it."""
    place = plain(one.source or one.service or one.kind)
    return f"{place}:{one.line}" if one.line is not None else place


def evidence(one: EvidenceOut) -> Iterator[str]:
    """Where, when and what; long texts keep their beginning."""
    where = f" on {plain(one.host)}" if one.host else ""
    yield f"  {source(one)}{where}, {local(one.at)}  [{one.id}]"
    lines = plain(one.text, lines=True).splitlines() or [""]
    for line in lines[:6]:
        yield f"      {line[:400]}"
    if len(lines) > 6:
        yield f"      … and {len(lines) - 6} more lines"


def taught(one: LessonOut) -> str:
    """Which sign needs more evidence, where, and why."""
    anywhere = "*" in one.fingerprint.split("|")
    service = f" of {one.service}" if one.service else " of any service" if anywhere and not one.host else ""
    host = f" on {one.host}" if one.host else " on any host" if anywhere else ""
    return f"{one.sign or one.title}{service}{host}: {one.needs}"


def everywhere(one: IncidentDetail) -> Iterator[str]:
    """What is held back, and from whom, once this is a false alarm at every service and host."""
    yield f"{plain(one.title)} ({colour(one.severity)})"
    where = "@".join(plain(part) for part in (one.service, one.host) if part)
    times, longer = ("twice", 5) if one.severity == "critical" else ("three times", 15)
    at = f" at {where}" if where else ""
    yield "  The same sign of ANY service on ANY host of this account, also of those to come, is told only"
    yield f"  when it has at least {times} what this one had ({one.signals} records or points{at}) or lasts"
    yield f"  at least {longer} min longer. Without --everywhere that holds only where it was seen."


def remedy(one: RemedyOut) -> Iterator[str]:
    """What would be done, exactly; what became of it; what to do next."""
    simulated = ", simulation only" if one.dry_run else ""
    yield (f"  {one.id}  {one.action} {plain(one.service)} on {plain(one.host)}: "
           f"{colour(one.status)}{simulated}")
    if one.reason:
        yield f"      why: {plain(one.reason)}"
    if one.parameters:
        given = ", ".join(f"{plain(name)}={plain(str(value))}" for name, value in one.parameters.items())
        yield f"      with: {given}"
    if one.plan:
        plan = one.plan
        yield f"      plan of {plain(one.host)} ({plan.mode}) for {plan.platform} {plain(plan.target)}:"
        for number, step in enumerate(plan.steps, 1):
            yield f"        {number}. {plain(step.text)} (at most {step.timeout_s:g} s)"
        for check in plan.checks:
            yield f"        check: {plain(check)}"
        for name, value in plan.estimates.items():
            yield f"        estimate: {plain(name)} {plain(str(value))}"
        for warning in plan.warnings:
            yield f"        warning: {plain(warning)}"
    if one.approved_by:
        yield f"      approved by {plain(one.approved_by)}"
    if one.outcome:
        verdict = f", verdict {colour(one.outcome.verdict)}" if one.outcome.verdict else ""
        yield f"      outcome: {colour(one.outcome.status)}{verdict}: {plain(one.outcome.reason)}"
    if one.status == "planned":
        yield f"      next: sra remedies approve {one.id}"


def _facts(one: IncidentDetail) -> Iterator[str]:
    yield f"{plain(one.title)}"
    yield f"  {one.id}: {colour(one.severity)}, {colour(one.status)}, {one.class_}"
    services = ", ".join(plain(name) for name in one.services) or plain(one.service or "unknown")
    hosts = ", ".join(plain(name) for name in one.hosts) or plain(one.host or "unknown")
    yield f"  service {services}; host {hosts}"
    yield (f"  started {local(one.started_at)} ({age(one.started_at)}), noticed {local(one.created_at)}, "
           f"signals {one.signals}")
    if one.silenced:
        until = f" until {local(one.silenced.until)}" if one.silenced.until else ""
        yield f"  silenced{until}: {plain(one.silenced.why)}  [{one.silenced.id}]"
    for lesson in one.lessons:
        yield f"  {plain(taught(lesson))}  [{lesson.id}]"
    if one.assignee:
        yield f"  assigned to {plain(one.assignee)}"
    if one.resolved_at:
        summary = f": {plain(one.resolution_summary)}" if one.resolution_summary else ""
        yield f"  resolved {local(one.resolved_at)}{summary}"


def _analysis(one: IncidentDetail) -> Iterator[str]:
    if one.analysis is None:
        yield f"  {plain(one.root_cause)}" if one.root_cause else "  not analysed yet"
        return
    yield f"  {plain(one.analysis.root_cause)}"
    yield f"  confidence {one.analysis.confidence:.0%}, by {one.analysis.analyst} analysis"
    for claim in one.analysis.claims:
        yield f"  - {plain(claim.text)}  [{', '.join(claim.evidence)}]"
    if one.analysis.note:
        yield f"  note: {plain(one.analysis.note)}"


def _advice(one: IncidentDetail) -> Iterator[str]:
    for advice in one.analysis.recommended_actions if one.analysis else ():
        if advice.remedy_id is None:
            target = f" {plain(advice.service)}" if advice.service else ""
            yield f"  advice: {advice.action}{target}: {plain(advice.reason)} (no host offers it)"


def incident(one: IncidentDetail) -> Iterator[str]:
    """The whole case."""
    yield from _facts(one)
    yield "\nRoot cause"
    yield from _analysis(one)
    yield f"\nEvidence ({len(one.evidence)})"
    for piece in one.evidence:
        yield from evidence(piece)
    yield "\nRemedies"
    remedies = [line for each in one.remedies for line in remedy(each)] + list(_advice(one))
    yield from remedies or ["  none"]
    yield "\nTimeline"
    for entry in one.timeline:
        yield f"  {local(entry.at)}  {entry.kind:12}  {plain(entry.actor)}: {plain(entry.text)}"
