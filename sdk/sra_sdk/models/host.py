"""Bodies of /hosts and /agent: what a host offers, and the long poll that carries remedies to it."""
from __future__ import annotations

from typing import Annotated, Literal, Optional

from pydantic import Field

from .base import Incoming, JsonObject, MendedObject, Outgoing, Timestamp
from .ingest import Name
from .remedy import Action

_Short = Annotated[Name, Field(max_length=64)]


class Offer(Incoming):
    """One line of a host's inventory: this action on this service, by this platform."""

    service: Name
    action: Action
    platform: Annotated[Name, Field(max_length=32)]
    mode: Literal["dry-run", "live"] = "dry-run"


class Announcement(Incoming):
    """POST /agent/hello: who the agent is, what it watches, what the host's policy offers."""

    host: Name
    agent_version: _Short
    boot_id: _Short
    watches: list[str] = Field(default_factory=list, max_length=1000)
    cannot_watch: list[str] = Field(default_factory=list, max_length=1000)
    services: list[Name] = Field(default_factory=list, max_length=10_000)
    policy_hash: Optional[_Short] = None
    policy_problem: Optional[str] = Field(default=None, max_length=2000)
    inventory: list[Offer] = Field(default_factory=list, max_length=10_000)
    counters: JsonObject = Field(default_factory=dict)


class AnnouncementOut(Outgoing):
    """What the agent must know of its server."""

    account_id: str
    poll_seconds: float
    server_version: str


class TaskOut(Outgoing):
    """One thing that the server asks of a host. `token` is single-use and goes back in the answer.

    kind plan: compute the plan of the remedy. kind execute: run it if the plan's digest, recomputed
    now, equals `digest`; `dry_run` can only narrow.
    """

    id: str
    token: str
    kind: Literal["plan", "execute"]
    remedy_id: str
    account_id: str
    action: str
    service: str
    parameters: JsonObject = Field(default_factory=dict)
    digest: Optional[str] = None
    dry_run: bool = True
    approved_by: Optional[str] = None


class TasksOut(Outgoing):
    """GET /agent/tasks?host=&wait=: empty when nothing came up within the wait."""

    tasks: list[TaskOut]


class AnswerIn(Incoming):
    """POST /agent/answers: a plan, a refusal, a step of progress or an outcome.

    Outcomes are sent until answered 200; a repeated one is recognised by `token` and `kind`.
    """

    task_id: str = Field(max_length=64)
    token: str = Field(max_length=128)
    kind: Literal["plan", "refused", "started", "verifying", "outcome"]
    body: MendedObject = Field(default_factory=dict)


class HostOut(Outgoing):
    """GET /hosts and /hosts/{host}."""

    host: str
    agent_version: Optional[str] = None
    online: bool
    last_seen: Timestamp
    watches: list[str] = Field(default_factory=list)
    cannot_watch: list[str] = Field(default_factory=list)
    services: list[str] = Field(default_factory=list)
    inventory: list[Offer] = Field(default_factory=list)
    policy_problem: Optional[str] = None
    counters: JsonObject = Field(default_factory=dict)
