"""Bodies of /autoheal and /remedies: an action on a target, its plan and its outcome."""
from __future__ import annotations

from typing import Literal, Optional

from pydantic import Field

from .base import Incoming, JsonObject, Outgoing, Timestamp

Action = Literal[
    "restart_service", "scale_replicas", "flush_cache", "clear_queue",
    "reroute_traffic", "rollback_deployment", "clear_disk",
]
RemedyStatus = Literal[
    "proposed", "planned", "approved", "leased", "executing", "verifying",
    "succeeded", "failed", "no_change", "unknown",
    "refused", "rejected", "cancelled", "expired", "simulated",
]
Verdict = Literal["recovered", "ineffective", "worse", "inconclusive"]


class StepOut(Outgoing):
    """One exact thing that a plan does, as the host computed it."""

    text: str
    argv: Optional[list[str]] = None
    timeout_s: float


class PlanOut(Outgoing):
    """What will run, computed by the host. `digest` covers `binding`; `estimates` are only shown.

    `mode` is the host's own word: a dry-run host simulates whatever the server says.
    """

    digest: str = Field(max_length=64)
    mode: Literal["dry-run", "live"]
    platform: str
    target: str
    steps: list[StepOut]
    checks: list[str] = Field(default_factory=list)
    estimates: JsonObject = Field(default_factory=dict)
    binding: JsonObject = Field(default_factory=dict)
    warnings: list[str] = Field(default_factory=list)
    planned_at: Timestamp
    expires_at: Timestamp


class OutcomeOut(Outgoing):
    """What became of a remedy, told by the host and judged with the server's own signals."""

    status: RemedyStatus
    verdict: Optional[Verdict] = None
    reason: str
    steps: list[JsonObject] = Field(default_factory=list)
    checks: list[JsonObject] = Field(default_factory=list)
    finished_at: Timestamp


class RemedyOut(Outgoing):
    """A remedy."""

    id: str
    incident_id: Optional[str] = None
    action: Action
    service: str
    host: str
    parameters: JsonObject = Field(default_factory=dict)
    status: RemedyStatus
    dry_run: bool
    reason: Optional[str] = None
    plan: Optional[PlanOut] = None
    outcome: Optional[OutcomeOut] = None
    approved_by: Optional[str] = None
    created_at: Timestamp
    updated_at: Timestamp


class HealIn(Incoming):
    """POST /autoheal/{action}. Without `host`, the only host that offers the action is taken.

    The calling of this endpoint is itself the approval of the plan that the host will answer;
    `wait` seconds (at most 60) wait for the outcome, otherwise the answer is 202.
    """

    service: Optional[str] = Field(default=None, max_length=200)
    host: Optional[str] = Field(default=None, max_length=200)
    incident_id: Optional[str] = Field(default=None, max_length=64)
    parameters: JsonObject = Field(default_factory=dict)
    wait: float = Field(default=0, ge=0, le=60)


class ApproveIn(Incoming):
    """POST /remedies/{id}/approve. `digest` is that of the plan that was read; without it, or with
    another, the approval is refused.
    """

    digest: Optional[str] = Field(default=None, max_length=128, description="Required.")


class RejectIn(Incoming):
    """POST /remedies/{id}/reject."""

    reason: Optional[str] = Field(default=None, max_length=4000)


class TargetOut(Outgoing):
    """A service on a host for which that host's policy allows an action."""

    host: str
    service: str
    platform: str
    mode: Literal["dry-run", "live"]


class ActionOut(Outgoing):
    """GET /autoheal/actions: an action of the catalogue and where it can be used."""

    name: Action
    description: str
    reversible: bool
    configured: bool
    targets: list[TargetOut] = Field(default_factory=list)
    message: Optional[str] = None


class DryRunIn(Incoming):
    """POST /autoheal/dry-run; the original's `?enabled=` serves as well."""

    enabled: bool = True


class DryRunOut(Outgoing):
    """The server's switch. Off means only that a host whose own policy is live may act."""

    dry_run: bool
    source: Literal["account", "environment", "default"] = "account"
