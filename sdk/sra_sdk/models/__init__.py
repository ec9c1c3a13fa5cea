"""Every body that crosses the HTTP border, as pydantic models (extra: api). The one contract.

One module a subject: account, ingest, incident, silence, remedy, host, monitoring; base holds what is shared.
"""
from .account import KeyChanged, KeyCreated, KeyOut, KeyRequest, Login, Registration, Scope, TokenOut, UserOut
from .base import Done, FieldProblem, Incoming, JsonObject, Outgoing, Problem, Timestamp
from .host import Announcement, AnnouncementOut, AnswerIn, HostOut, Offer, TaskOut, TasksOut
from .incident import (
    AnalysisOut,
    AssignIn,
    ClaimOut,
    CloseIn,
    EvidenceOut,
    IncidentChanged,
    IncidentDetail,
    IncidentOut,
    IncidentStatus,
    IncidentSummary,
    NoteIn,
    RecommendationOut,
    ResolveIn,
    Severity,
    TimelineEntry,
)
from .ingest import (
    BatchIn,
    EndsOut,
    IngestOut,
    LogsIn,
    LogsOut,
    MetricsIn,
    PointIn,
    RawLogsIn,
    RecordIn,
    RecordOut,
    Snapshot,
    SnapshotIn,
)
from .monitoring import AnomalyOut, HealthOut, StabilityOut, StatusOut, VersionOut
from .remedy import (
    Action,
    ActionOut,
    ApproveIn,
    DryRunIn,
    DryRunOut,
    HealIn,
    OutcomeOut,
    PlanOut,
    RejectIn,
    RemedyOut,
    RemedyStatus,
    StepOut,
    TargetOut,
    Verdict,
)
from .silence import LessonOut, SilencedOut, SilenceIn, SilenceOut, WindowIn, WindowOut

__all__ = [
    "Action", "ActionOut", "AnalysisOut", "Announcement", "AnnouncementOut", "AnomalyOut", "AnswerIn",
    "ApproveIn", "AssignIn", "BatchIn", "ClaimOut", "CloseIn", "Done", "DryRunIn", "DryRunOut", "EndsOut",
    "EvidenceOut", "FieldProblem", "HealIn", "HealthOut", "HostOut", "IncidentChanged", "IncidentDetail",
    "IncidentOut", "IncidentStatus", "IncidentSummary", "Incoming", "IngestOut", "JsonObject", "KeyChanged",
    "KeyCreated", "KeyOut", "KeyRequest", "LessonOut", "Login", "LogsIn", "LogsOut", "MetricsIn", "NoteIn",
    "Offer", "OutcomeOut", "Outgoing", "PlanOut", "PointIn", "Problem", "RawLogsIn", "RecommendationOut",
    "RecordIn", "RecordOut", "Registration", "RejectIn", "RemedyOut", "RemedyStatus", "ResolveIn", "Scope",
    "Severity", "SilenceIn", "SilenceOut", "SilencedOut", "Snapshot", "SnapshotIn", "StabilityOut",
    "StatusOut", "StepOut", "TargetOut", "TaskOut", "TasksOut", "TimelineEntry", "Timestamp", "TokenOut",
    "UserOut", "Verdict", "VersionOut", "WindowIn", "WindowOut",
]
