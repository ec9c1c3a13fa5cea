"""Remedy: an action on a target, from proposal to verdict. From analyse and api; to store and hosts.

`MOVES` is the whole life of a remedy; the statuses are those of DESIGN's vocabulary.
"""
from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Literal

from sra_sdk.errors import IllegalMove

Status = Literal[
    "proposed", "planned", "approved", "leased", "executing", "verifying",
    "succeeded", "failed", "no_change", "unknown",
    "refused", "rejected", "cancelled", "expired", "simulated",
]
FINAL: frozenset[str] = frozenset({
    "succeeded", "failed", "no_change", "unknown", "refused", "rejected", "cancelled", "expired", "simulated",
})
_OUTCOMES = frozenset({"succeeded", "failed", "no_change", "unknown", "refused", "simulated"})

MOVES: dict[str, frozenset[str]] = {
    "proposed": frozenset({"planned", "refused", "rejected", "cancelled", "expired"}),
    # a plan may be computed anew, and an approval given back when the plan has changed
    "planned": frozenset({"proposed", "planned", "approved", "refused", "rejected", "cancelled", "expired"}),
    "approved": frozenset({"leased", "planned", "refused", "cancelled", "expired"}),
    # the host may answer late or in one word: every outcome is reachable once it was handed over
    "leased": frozenset({"executing", "verifying", "planned", "expired"}) | _OUTCOMES,
    "executing": frozenset({"verifying"}) | _OUTCOMES,
    "verifying": _OUTCOMES,
    **{final: frozenset() for final in FINAL},
}

#: The catalogue's seven actions: what each does, and whether an inverse exists.
ACTIONS: dict[str, tuple[str, bool]] = {
    "restart_service": ("Restart a service via systemd, Docker, Kubernetes or a fixed command", False),
    "scale_replicas": ("Increase the number of a service's instances", True),
    "flush_cache": ("Clear a Redis or memcached cache", False),
    "clear_queue": ("Drain a message queue", False),
    "reroute_traffic": ("Send traffic to healthy endpoints", True),
    "rollback_deployment": ("Go back to the previous deployment", True),
    "clear_disk": ("Free disk space in named directories", False),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Remedy:
    """An action on a service of a host. `dry_run` is the server's word; the host's may be stricter."""

    id: str
    action: str
    service: str
    host: str
    status: Status
    created_at: int
    updated_at: int
    incident_id: str | None = None
    parameters: dict[str, Any] = field(default_factory=dict)
    dry_run: bool = True
    reason: str | None = None
    plan: dict[str, Any] | None = None
    plan_digest: str | None = None
    approved_by: str | None = None
    #: an approval given before the plan was known (POST /autoheal): proceed as soon as it comes
    preapproved_by: str | None = None
    task_token: str | None = None
    outcome: dict[str, Any] | None = None

    def move(self, to: Status, at: int, **changes: Any) -> Remedy:
        """Return the remedy after a legal step, or raise IllegalMove naming both states."""
        if to not in MOVES[self.status]:
            raise IllegalMove(f"remedy {self.id} is {self.status} and cannot become {to}")
        return replace(self, status=to, updated_at=at, **changes)
