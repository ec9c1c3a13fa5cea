"""Every request of the REST API, as plain values: what to send and how to read the answer.

From people's arguments; to sra_sdk.api, whose two clients send them. Nothing here does I/O.
"""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Callable, Generic, Optional, TypeVar, Union
from urllib.parse import quote

from pydantic import BaseModel, TypeAdapter, ValidationError

from . import models as m
from .errors import BadInput, SraError

T = TypeVar("T")
When = Union[str, datetime]


@dataclass(frozen=True)
class Ask(Generic[T]):
    """One request and the reader of its answer. `patience` is added to the client's time limit."""

    method: str
    path: str
    read: Callable[[Any], T]
    query: dict[str, str] = field(default_factory=dict)
    body: Any = None
    text: Optional[str] = None
    patience: float = 0.0
    #: an answer of this status other than 2xx is an answer all the same (health answers 503)
    accepts: tuple[int, ...] = ()


def _one(kind: type[T]) -> Callable[[Any], T]:
    """Read one model; an answer that does not fit is the server's fault and says so."""
    def read(answer: Any) -> T:
        return _checked(TypeAdapter(kind), answer)
    return read


#: What pydantic finds wrong, by the name it has for it.
_SAID = {
    "missing": "it is needed",
    "string_too_short": "it must have at least {min_length} characters",
    "string_too_long": "it must have at most {max_length} characters",
    "greater_than_equal": "it must be at least {ge}",
    "less_than_equal": "it must be at most {le}",
}


def _many(kind: type[T]) -> Callable[[Any], list[T]]:
    def read(answer: Any) -> list[T]:
        return _checked(TypeAdapter(list[kind]), answer)  # type: ignore[valid-type]
    return read


def _checked(adapter: TypeAdapter[T], answer: Any) -> T:
    try:
        return adapter.validate_python(answer)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the whole answer"
        raise SraError(f"the server's answer does not have the expected shape: {where}: {first['msg']}",
                       code="unexpected_answer", hint="client and server may be of different versions; "
                       "compare `sra --version` and GET /version") from error


def _body(kind: type[BaseModel], **fields: Any) -> dict[str, Any]:
    """Validate a request before it is sent, so that a mistake names its field without a round trip."""
    try:
        made = kind(**{name: value for name, value in fields.items() if value is not None})
    except ValidationError as error:
        raise BadInput("the request cannot be sent as it is", errors=[
            {"field": ".".join(str(part) for part in problem["loc"]), "message": _said(problem)}
            for problem in error.errors()
        ], hint="correct what is named here, and try again") from error
    return made.model_dump(mode="json", exclude_none=True, by_alias=True)


def _said(problem: Mapping[str, Any]) -> str:
    """Say in words of our own what is wrong with a field; pydantic's words are for programmers."""
    kind, bounds = problem["type"], problem.get("ctx", {})
    if kind == "string_too_short" and bounds.get("min_length") == 1:
        return "it is empty"
    words = _SAID.get(kind)
    return words.format(**bounds) if words else str(problem["msg"]).removeprefix("Value error, ")


def _query(**fields: Any) -> dict[str, str]:
    """The fields that were given; times as RFC 3339, lists joined by commas."""
    def text(value: Any) -> str:
        if isinstance(value, datetime):
            return value.isoformat()
        if isinstance(value, bool):
            return str(value).lower()
        return ",".join(value) if isinstance(value, (list, tuple)) else str(value)
    return {name: text(value) for name, value in fields.items() if value is not None}


def _id(value: str) -> str:
    """A path part; an empty one would address another route."""
    if not value.strip():
        raise BadInput("an empty id was given", hint="name the incident, remedy, host or key")
    return quote(value, safe="")


# people and keys

def register(email: str, password: str, name: Optional[str] = None) -> Ask[m.TokenOut]:
    """Create an account; the answer holds its first session."""
    body = _body(m.Registration, email=email, password=password, name=name)
    return Ask("POST", "/auth/register", _one(m.TokenOut), body=body)


def login(email: str, password: str) -> Ask[m.TokenOut]:
    """Open a session: give its token to the client."""
    return Ask("POST", "/auth/login", _one(m.TokenOut), body=_body(m.Login, email=email, password=password))


def logout() -> Ask[m.Done]:
    """End the session that the token belongs to."""
    return Ask("POST", "/auth/logout", _one(m.Done))


def me() -> Ask[m.UserOut]:
    """The person whose token it is."""
    return Ask("GET", "/auth/me", _one(m.UserOut))


def create_key(name: str, scopes: Optional[list[m.Scope]] = None) -> Ask[m.KeyCreated]:
    """Make an API key; the only answer that holds it whole."""
    return Ask("POST", "/api-keys", _one(m.KeyCreated), body=_body(m.KeyRequest, name=name, scopes=scopes))


def keys() -> Ask[list[m.KeyOut]]:
    """List the keys, without their secrets."""
    return Ask("GET", "/api-keys", _many(m.KeyOut))


def revoke_key(prefix: str) -> Ask[m.KeyChanged]:
    """Make a key useless; it stays in the list."""
    return Ask("DELETE", f"/api-keys/{_id(prefix)}", _one(m.KeyChanged))


def delete_key(prefix: str) -> Ask[m.KeyChanged]:
    """Remove a key for good."""
    return Ask("DELETE", f"/api-keys/{_id(prefix)}/delete", _one(m.KeyChanged))


# ingestion and logs

def ingest_logs(logs: list[dict[str, Any]], service: Optional[str] = None,
                host: Optional[str] = None) -> Ask[m.IngestOut]:
    """Store records; answered after the commit."""
    body = _body(m.LogsIn, logs=logs, service=service, host=host)
    return Ask("POST", "/ingest/logs", _one(m.IngestOut), body=body)


def ingest_raw(lines: list[str], service: Optional[str] = None, host: Optional[str] = None,
               source: Optional[str] = None) -> Ask[m.IngestOut]:
    """Store log lines; the server reads time, level and service from them."""
    body = _body(m.RawLogsIn, logs=lines, service=service, host=host, source=source)
    return Ask("POST", "/ingest/logs/raw", _one(m.IngestOut), body=body)


def ingest_metrics(metrics: list[dict[str, Any]], service: Optional[str] = None,
                   host: Optional[str] = None) -> Ask[m.IngestOut]:
    """Store metric values."""
    body = _body(m.MetricsIn, metrics=metrics, service=service, host=host)
    return Ask("POST", "/ingest/metrics", _one(m.IngestOut), body=body)


def ingest_snapshot(snapshot: dict[str, Any], service: Optional[str] = None,
                    host: Optional[str] = None) -> Ask[m.IngestOut]:
    """Store several values of one instant."""
    body = _body(m.SnapshotIn, snapshot=snapshot, service=service, host=host)
    return Ask("POST", "/ingest/snapshot", _one(m.IngestOut), body=body)


def logs(service: Optional[str] = None, host: Optional[str] = None, level: Optional[str] = None,
         q: Optional[str] = None, since: Optional[When] = None, until: Optional[When] = None,
         limit: Optional[int] = None, cursor: Optional[str] = None) -> Ask[m.LogsOut]:
    """Search records, newest first; `level` includes those above, `cursor` continues a page."""
    query = _query(service=service, host=host, level=level, q=q, since=since, until=until, limit=limit,
                   cursor=cursor)
    return Ask("GET", "/logs", _one(m.LogsOut), query=query)


# incidents

def incidents(status: Optional[str] = None, severity: Optional[str] = None, service: Optional[str] = None,
              limit: Optional[int] = None) -> Ask[list[m.IncidentOut]]:
    """List incidents, newest first; `status` may name several, or be "active"."""
    query = _query(status=status, severity=severity, service=service, limit=limit)
    return Ask("GET", "/incidents", _many(m.IncidentOut), query=query)


def incident(incident_id: str) -> Ask[m.IncidentDetail]:
    """One incident with analysis, evidence, remedies and timeline."""
    return Ask("GET", f"/incidents/{_id(incident_id)}", _one(m.IncidentDetail))


def incident_summary(incident_id: str) -> Ask[m.IncidentSummary]:
    """What a person reads first."""
    return Ask("GET", f"/incidents/{_id(incident_id)}/summary", _one(m.IncidentSummary))


def _move(incident_id: str, verb: str, body: Optional[dict[str, Any]] = None) -> Ask[m.IncidentChanged]:
    return Ask("POST", f"/incidents/{_id(incident_id)}/{verb}", _one(m.IncidentChanged), body=body)


def acknowledge(incident_id: str) -> Ask[m.IncidentChanged]:
    """Say that somebody looks at it."""
    return _move(incident_id, "acknowledge")


def assign(incident_id: str, assignee: Optional[str]) -> Ask[m.IncidentChanged]:
    """Give it to somebody; None gives it back."""
    return _move(incident_id, "assign", {**_body(m.AssignIn, assignee=assignee), "assignee": assignee})


def note(incident_id: str, text: str) -> Ask[m.IncidentChanged]:
    """Add a note to its timeline."""
    return _move(incident_id, "notes", _body(m.NoteIn, text=text))


def resolve(incident_id: str, summary: Optional[str] = None) -> Ask[m.IncidentChanged]:
    """Mark it resolved."""
    return _move(incident_id, "resolve", _body(m.ResolveIn, summary=summary))


# remedies and healing

def remedies(status: Optional[str] = None, incident_id: Optional[str] = None, host: Optional[str] = None,
             limit: Optional[int] = None) -> Ask[list[m.RemedyOut]]:
    """List remedies, newest first."""
    query = _query(status=status, incident_id=incident_id, host=host, limit=limit)
    return Ask("GET", "/remedies", _many(m.RemedyOut), query=query)


def remedy(remedy_id: str) -> Ask[m.RemedyOut]:
    """One remedy with its plan and outcome."""
    return Ask("GET", f"/remedies/{_id(remedy_id)}", _one(m.RemedyOut))


def approve(remedy_id: str, digest: Optional[str] = None) -> Ask[m.RemedyOut]:
    """Approve the plan that was read; the server asks for its `digest`."""
    body = _body(m.ApproveIn, digest=digest)
    return Ask("POST", f"/remedies/{_id(remedy_id)}/approve", _one(m.RemedyOut), body=body)


def reject(remedy_id: str, reason: Optional[str] = None) -> Ask[m.RemedyOut]:
    """Decide against a remedy."""
    body = _body(m.RejectIn, reason=reason)
    return Ask("POST", f"/remedies/{_id(remedy_id)}/reject", _one(m.RemedyOut), body=body)


def cancel(remedy_id: str) -> Ask[m.RemedyOut]:
    """Take a remedy back before it runs."""
    return Ask("POST", f"/remedies/{_id(remedy_id)}/cancel", _one(m.RemedyOut))


def heal(action: str, service: Optional[str] = None, host: Optional[str] = None,
         incident_id: Optional[str] = None, parameters: Optional[dict[str, Any]] = None,
         wait: float = 0.0) -> Ask[m.RemedyOut]:
    """Ask for an action now, which approves whatever plan the host makes; waits up to 60 s."""
    body = _body(m.HealIn, service=service, host=host, incident_id=incident_id, parameters=parameters,
                 wait=wait)
    return Ask("POST", f"/autoheal/{_id(action)}", _one(m.RemedyOut), body=body, patience=wait)


def actions() -> Ask[list[m.ActionOut]]:
    """The catalogue, and where each action is offered."""
    return Ask("GET", "/autoheal/actions", _many(m.ActionOut))


def dry_run() -> Ask[m.DryRunOut]:
    """How the switch stands."""
    return Ask("GET", "/autoheal/dry-run", _one(m.DryRunOut))


def set_dry_run(enabled: bool) -> Ask[m.DryRunOut]:
    """Throw the switch."""
    return Ask("POST", "/autoheal/dry-run", _one(m.DryRunOut), body=_body(m.DryRunIn, enabled=enabled))


# hosts and monitoring

def hosts() -> Ask[list[m.HostOut]]:
    """The hosts with an agent."""
    return Ask("GET", "/hosts", _many(m.HostOut))


def host(name: str) -> Ask[m.HostOut]:
    """One host: what it watches and offers."""
    return Ask("GET", f"/hosts/{_id(name)}", _one(m.HostOut))


def status() -> Ask[m.StatusOut]:
    """How things stand now."""
    return Ask("GET", "/status", _one(m.StatusOut))


def anomaly() -> Ask[m.AnomalyOut]:
    """Whether something is wrong, and what is worst."""
    return Ask("GET", "/anomaly/status", _one(m.AnomalyOut))


def stability() -> Ask[m.StabilityOut]:
    """Whether all is stable."""
    return Ask("GET", "/stability/check", _one(m.StabilityOut))


def health() -> Ask[m.HealthOut]:
    """Whether the server can write; also answered when it cannot."""
    return Ask("GET", "/health", _one(m.HealthOut), accepts=(503,))


def version() -> Ask[m.VersionOut]:
    """Version of the server and of its API."""
    return Ask("GET", "/version", _one(m.VersionOut))
