"""/incidents: what is wrong, why, and people's moves. From people and programs; to store.incidents."""
from __future__ import annotations

from dataclasses import replace
from typing import get_args

from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncConnection

from sra_sdk.errors import BadInput
from sra_sdk.models import (
    AssignIn,
    CloseIn,
    IncidentChanged,
    IncidentDetail,
    IncidentOut,
    IncidentStatus,
    IncidentSummary,
    Incoming,
    NoteIn,
    ResolveIn,
    Severity,
)

from .. import present
from ..detect.catalogue import load_with
from ..domain.incident import ACTIVE, Incident
from ..heal import approve
from ..notify.route import Channels, of_incident
from ..state import counted
from ..store import casefile, heads, incidents, lessons, remedies, timeline
from .route import Answer, Call, Route


class Page(Incoming):
    """What a list of incidents may be narrowed by; several values are parted by commas."""

    status: str | None = Field(None, description="open, acknowledged, … or active, all that are not over.")
    severity: str | None = Field(None, description="low, medium, high, critical")
    service: str | None = Field(None, max_length=200)
    limit: int = Field(50, ge=1, le=500)
    cursor: str | None = Field(None, max_length=200, description="From the header X-Next-Cursor.")


class Summary(Incoming):
    """The original's way to give the summary of a resolution."""

    summary: str | None = Field(None, max_length=4000)


def chosen(field: str, text: str | None, allowed: tuple[str, ...]) -> frozenset[str]:
    """Return the values of a comma-separated filter, or raise BadInput naming those allowed."""
    values = {part.strip().lower() for part in (text or "").split(",") if part.strip()}
    if field == "status" and "active" in values:
        values = (values - {"active"}) | ACTIVE
    for value in sorted(values - set(allowed)):
        raise BadInput(f"{field}: {value[:64]!r} is not one of {', '.join(allowed)}", code="bad_filter")
    return frozenset(values)


async def every(call: Call) -> Answer:
    """List incidents, newest first; the header X-Next-Cursor continues the list."""
    asked: Page = call.query
    wanted = incidents.Filter(status=chosen("status", asked.status, get_args(IncidentStatus)),
                              severity=chosen("severity", asked.severity, get_args(Severity)),
                              service=asked.service)
    async with call.store.reading() as conn:
        found, cursor = await incidents.page(conn, call.principal.account_id, wanted, limit=asked.limit,
                                             cursor=asked.cursor)
    return Answer([present.incident_out(incident) for incident in found],
                  headers={"X-Next-Cursor": cursor} if cursor else None)


async def one(call: Call) -> IncidentDetail:
    """Show an incident with its analysis, evidence, remedies and timeline."""
    account_id, incident_id = call.principal.account_id, call.path["incident_id"]
    async with call.store.reading() as conn:
        incident = await incidents.get(conn, account_id, incident_id)
        return present.detail_out(
            incident, written=await casefile.latest_analysis(conn, account_id, incident_id),
            evidence=await casefile.evidence_of(conn, account_id, incident_id),
            remedies=await remedies.of_incident(conn, account_id, incident_id),
            timeline=await timeline.of(conn, account_id, incident_id), now=call.now(),
            lessons=await lessons.listed(conn, account_id, call.now()),
            catalogue=load_with(call.context.config.signatures).catalogue)


async def summary(call: Call) -> IncidentSummary:
    """Tell in short what is wrong, why, and what was done."""
    account_id, incident_id = call.principal.account_id, call.path["incident_id"]
    async with call.store.reading() as conn:
        incident = await incidents.get(conn, account_id, incident_id)
        return present.summary_out(
            incident, written=await casefile.latest_analysis(conn, account_id, incident_id),
            evidence=await casefile.evidence_of(conn, account_id, incident_id),
            remedies=await remedies.of_incident(conn, account_id, incident_id), now=call.now())


def _changed(incident: Incident) -> IncidentChanged:
    return IncidentChanged(status=incident.status, incident_id=incident.id)


async def acknowledge(call: Call) -> IncidentChanged:
    """Say that somebody looks after it."""
    who = call.principal.name
    async with call.store.writing(urgent=True) as conn:
        return _changed(await incidents.move(
            conn, call.principal.account_id, call.path["incident_id"], "acknowledged", at=call.now(),
            actor=who, kind="acknowledged", text=f"acknowledged by {who}"))


async def assign(call: Call) -> IncidentChanged:
    """Give it to somebody, or back."""
    given: AssignIn = call.body
    async with call.store.writing(urgent=True) as conn:
        return _changed(await incidents.assign(
            conn, call.principal.account_id, call.path["incident_id"], given.assignee or None,
            at=call.now(), actor=call.principal.name))


async def note(call: Call) -> IncidentChanged:
    """Write something into the timeline."""
    given: NoteIn = call.body
    async with call.store.writing(urgent=True) as conn:
        return _changed(await incidents.note(
            conn, call.principal.account_id, call.path["incident_id"], given.text, at=call.now(),
            actor=call.principal.name))


async def resolve(call: Call) -> IncidentChanged:
    """Say that it is over, and how."""
    words = call.query.summary or call.body.summary
    account_id, who = call.principal.account_id, call.principal.name
    async with call.store.writing(urgent=True) as conn:
        incident = await incidents.move(
            conn, account_id, call.path["incident_id"], "resolved", at=call.now(), actor=who,
            kind="resolved", text=words or f"resolved by {who}", resolution=words or f"resolved by {who}")
        told = await _over(conn, call, incident)
    if told:
        call.store.wakeups.notify("outbox")
    return _changed(incident)


async def _over(conn: AsyncConnection, call: Call, incident: Incident) -> bool:
    account_id = call.principal.account_id
    await approve.cancel_waiting(conn, account_id, incident.id, reason=f"the incident is {incident.status}",
                                 now=call.now())
    return await of_incident(conn, account_id, incident, "incident.resolved", at=call.now(),
                             channels=Channels.of(call.context.config))


async def close(call: Call) -> IncidentChanged:
    """Put it away for good; the same trouble will open a new one.

    If it was a false alarm, its main sign will need stronger evidence: GET /lessons tells how much. That may
    be said of an incident that is closed already as well; said again, it changes nothing.
    """
    account_id, who, given = call.principal.account_id, call.principal.name, call.body
    if given.everywhere and not given.false_alarm:
        raise BadInput("everywhere: only a false alarm teaches", code="bad_close",
                       hint="add false_alarm, or leave everywhere out")
    text = (f"closed by {who}{' as a false alarm' if given.false_alarm else ''}"
            f"{': ' + given.why if given.why else ''}")
    async with call.store.writing(urgent=True) as conn:
        incident = await incidents.get(conn, account_id, call.path["incident_id"], lock=True)
        made = await lessons.teach(
            conn, account_id, incident, await _signs(conn, incident, account_id), who=who,
            why=given.why, at=call.now(), everywhere=given.everywhere) if given.false_alarm else []
        data = {"taught": [lesson.fingerprint for lesson in made]} if made else None
        if incident.status == "closed" and given.false_alarm:
            if made:
                await timeline.add(conn, account_id, incident.id, at=call.now(), kind="taught", actor=who,
                                   text=text.replace("closed by", "said later by", 1), data=data)
            return _changed(incident)
        incident = await incidents.move(conn, account_id, incident.id, "closed", at=call.now(), actor=who,
                                        kind="closed", text=text, data=data)
        await approve.cancel_waiting(conn, account_id, incident.id, reason="the incident is closed",
                                     now=call.now())
    return _changed(incident)


async def _signs(conn: AsyncConnection, incident: Incident, account_id: str) -> timeline.Signs:
    """Return the incident's signs, with as many records as each has by now: a row is written now and then."""
    found = await timeline.signs_of(conn, account_id, incident.id)
    head = await heads.load(conn, account_id)
    return replace(found, counts={**found.counts, **counted(head.state if head else None, incident.id)})


_ONE = "/incidents/{incident_id}"
ROUTES: tuple[Route, ...] = (
    Route(method="GET", path="/incidents", handler=every, tag="Incidents", scope="read", query=Page,
          summary="List incidents", answer=list[IncidentOut]),
    Route(method="GET", path=_ONE, handler=one, tag="Incidents", scope="read",
          summary="Get an incident with analysis, evidence, remedies and timeline", answer=IncidentDetail,
          errors=(404,)),
    Route(method="GET", path=f"{_ONE}/summary", handler=summary, tag="Incidents", scope="read",
          summary="Get the summary of an incident with its root cause", answer=IncidentSummary,
          errors=(404,)),
    Route(method="POST", path=f"{_ONE}/resolve", handler=resolve, tag="Incidents", scope="operate",
          body=ResolveIn, body_optional=True, query=Summary, summary="Mark an incident resolved",
          answer=IncidentChanged, errors=(404, 409)),
    Route(method="POST", path=f"{_ONE}/close", handler=close, tag="Incidents", scope="operate",
          body=CloseIn, body_optional=True, summary="Close an incident", answer=IncidentChanged,
          errors=(404, 409)),
    Route(method="POST", path=f"{_ONE}/acknowledge", handler=acknowledge, tag="Incidents", scope="operate",
          summary="Acknowledge an incident", answer=IncidentChanged, errors=(404, 409)),
    Route(method="POST", path=f"{_ONE}/assign", handler=assign, tag="Incidents", scope="operate",
          body=AssignIn, summary="Assign an incident", answer=IncidentChanged, errors=(404,)),
    Route(method="POST", path=f"{_ONE}/notes", handler=note, tag="Incidents", scope="operate", body=NoteIn,
          summary="Add a note to an incident", answer=IncidentChanged, errors=(404,)),
)
