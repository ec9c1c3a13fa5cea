"""Bodies of /health, /version, /status, /anomaly/status and /stability/check."""
from __future__ import annotations

from typing import Literal, Optional

from pydantic import Field

from .base import Outgoing, Timestamp
from .incident import IncidentOut, Severity


class HealthOut(Outgoing):
    """GET /health: 200 while the server can write to its database, else 503."""

    status: Literal["healthy", "unhealthy"]
    database: Literal["ok", "unavailable"]
    timestamp: Timestamp


class VersionOut(Outgoing):
    """GET /version."""

    version: str
    api_version: str
    name: str = "System Reliability Assistant"


class StatusOut(Outgoing):
    """GET /status. `active_incident` is the most severe open one; `incidents` all of them."""

    status: Literal["operational", "degraded", "critical"]
    timestamp: Timestamp
    active_incident: Optional[str] = None
    incidents: list[IncidentOut] = Field(default_factory=list)
    stability_trend: Literal["stable", "unstable", "recovering"]
    hosts_online: int
    hosts_total: int
    dry_run: bool
    records_stored: int
    detection_lag_batches: int
    series_unwatched: dict[str, int] = Field(default_factory=dict)
    signature_problems: list[str] = Field(default_factory=list)


class AnomalyOut(Outgoing):
    """GET /anomaly/status. The original's fields describe the most severe open incident."""

    anomaly_detected: bool
    anomaly_type: Optional[str] = None
    severity: Optional[Severity] = None
    description: Optional[str] = None
    affected_metrics: list[str] = Field(default_factory=list)
    confidence: float = 0.0
    incident_id: Optional[str] = None
    incidents: list[IncidentOut] = Field(default_factory=list)


class StabilityOut(Outgoing):
    """GET /stability/check."""

    is_stable: bool
    metrics_ok: bool
    logs_ok: bool
    details: str
    should_rerun_agent: bool = False
    incidents: list[IncidentOut] = Field(default_factory=list)
