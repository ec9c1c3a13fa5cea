"""Bodies of /incidents: troubles, their evidence, analysis and timeline."""
from __future__ import annotations

from typing import Literal, Optional

from pydantic import Field

from .base import Incoming, JsonObject, Outgoing, Timestamp
from .remedy import RemedyOut
from .silence import LessonOut, SilencedOut

Severity = Literal["low", "medium", "high", "critical"]
IncidentStatus = Literal["open", "acknowledged", "investigating", "mitigating", "resolved", "closed"]


class EvidenceOut(Outgoing):
    """Something stored that a claim cites.

    `kind` record: `id` is the record's, `source` its file or logger, `line` its number there if
    known, `text` its message. `kind` points: `text` gives the values. `kind` event: a change.
    """

    id: str
    kind: Literal["record", "points", "event"]
    at: Timestamp
    service: Optional[str] = None
    host: Optional[str] = None
    source: Optional[str] = None
    line: Optional[int] = None
    text: str


class ClaimOut(Outgoing):
    """One sentence of an analysis and the evidence that it rests on."""

    text: str
    evidence: list[str]


class RecommendationOut(Outgoing):
    """An action that would help. `remedy_id` is set where a host offers it; otherwise it is advice."""

    action: str
    service: Optional[str] = None
    host: Optional[str] = None
    reason: str
    remedy_id: Optional[str] = None


class AnalysisOut(Outgoing):
    """A root cause analysis; the same schema whoever wrote it."""

    analyst: str = Field(description="local or watsonx")
    root_cause: str
    confidence: float = Field(ge=0, le=1)
    claims: list[ClaimOut] = Field(default_factory=list)
    recommended_actions: list[RecommendationOut] = Field(default_factory=list)
    created_at: Timestamp
    note: Optional[str] = Field(default=None, description="Why a deeper analysis is missing, if it is.")


class TimelineEntry(Outgoing):
    """One thing that happened to an incident, oldest first."""

    at: Timestamp
    kind: str
    actor: str
    text: str
    data: JsonObject = Field(default_factory=dict)


class IncidentOut(Outgoing):
    """An incident in a list."""

    id: str
    title: str
    class_: str = Field(alias="class")
    severity: Severity
    status: IncidentStatus
    service: Optional[str] = None
    host: Optional[str] = None
    services: list[str] = Field(default_factory=list)
    hosts: list[str] = Field(default_factory=list)
    started_at: Timestamp
    created_at: Timestamp
    updated_at: Timestamp
    resolved_at: Optional[Timestamp] = None
    closed_at: Optional[Timestamp] = None
    signals: int
    assignee: Optional[str] = None
    root_cause: Optional[str] = None
    confidence: Optional[float] = None
    resolution_summary: Optional[str] = None
    silenced: Optional[SilencedOut] = Field(default=None, description="While nobody is told of it.")


class IncidentDetail(IncidentOut):
    """GET /incidents/{id}."""

    analysis: Optional[AnalysisOut] = None
    evidence: list[EvidenceOut] = Field(default_factory=list)
    remedies: list[RemedyOut] = Field(default_factory=list)
    timeline: list[TimelineEntry] = Field(default_factory=list)
    lessons: list[LessonOut] = Field(default_factory=list, description="What its kind was taught.")


class IncidentSummary(Outgoing):
    """GET /incidents/{id}/summary: what a person reads first."""

    id: str
    title: str
    class_: str = Field(alias="class")
    severity: Severity
    status: IncidentStatus
    service: Optional[str] = None
    summary: str
    root_cause: Optional[str] = None
    confidence: Optional[float] = None
    evidence: list[EvidenceOut] = Field(default_factory=list)
    recommended_actions: list[RecommendationOut] = Field(default_factory=list)
    actions_taken: list[RemedyOut] = Field(default_factory=list)
    created_at: Timestamp
    updated_at: Timestamp
    duration_minutes: float
    resolution_summary: Optional[str] = None


class ResolveIn(Incoming):
    """POST /incidents/{id}/resolve; the original's `?summary=` serves as well."""

    summary: Optional[str] = Field(default=None, max_length=4000)


class CloseIn(Incoming):
    """POST /incidents/{id}/close; a false alarm teaches that its main sign needs more evidence."""

    false_alarm: bool = False
    everywhere: bool = Field(default=False, description="A false alarm at every service and host.")
    why: Optional[str] = Field(default=None, max_length=1000)


class NoteIn(Incoming):
    """POST /incidents/{id}/notes."""

    text: str = Field(min_length=1, max_length=4000)


class AssignIn(Incoming):
    """POST /incidents/{id}/assign; null gives it back."""

    assignee: Optional[str] = Field(default=None, max_length=200)


class IncidentChanged(Outgoing):
    """The answer of acknowledge, assign, note, resolve and close."""

    status: IncidentStatus
    incident_id: str
