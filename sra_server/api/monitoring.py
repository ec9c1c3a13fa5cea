"""/health, /version, /status, /anomaly/status, /stability/check: how it goes. From monitors and people."""
from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from sra_sdk.errors import SraError
from sra_sdk.models import AnomalyOut, HealthOut, IncidentOut, StabilityOut, StatusOut, VersionOut

from .. import __version__, present
from ..detect.catalogue import load_with
from ..domain.incident import ACTIVE, Incident
from ..domain.record import SECOND
from ..domain.signal import CLASSES, SEVERITY_ORDER
from ..heal import switch
from ..state import unwatched
from ..store import Store, casefile, heads, hosts, incidents
from .route import Answer, Call, Route

log = logging.getLogger(__name__)

API_VERSION = "1"
#: The database is asked at most this often, whoever asks us, and given this long to answer.
ASKED_EVERY = 2 * SECOND
PATIENCE = 3.0
#: Changes nothing and yet must be written: what cannot be written makes it fail.
_WRITE = text("UPDATE accounts SET name = name WHERE id = (SELECT min(id) FROM accounts)")


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What the three monitors look at: the active incidents, the worst first, and those just resolved."""

    active: tuple[Incident, ...]
    resolved: tuple[Incident, ...]

    def shown(self) -> list[IncidentOut]:
        """Return the active incidents for the wire."""
        return [present.incident_out(incident) for incident in self.active]


_last_health: dict[int, tuple[int, bool]] = {}


async def writable(store: Store, now: int) -> bool:
    """Say whether the database takes writes; asked at most every two seconds."""
    known = _last_health.get(id(store))
    if known is not None and 0 <= now - known[0] < ASKED_EVERY:
        return known[1]
    try:
        async with asyncio.timeout(PATIENCE):
            async with store.writing(urgent=True) as conn:
                await conn.execute(_WRITE)
        well = True
    except (SraError, TimeoutError) as error:
        log.warning("the database cannot be written: %s", error, extra={"action": "unhealthy"})
        well = False
    _last_health.clear()
    _last_health[id(store)] = (now, well)
    return well


async def health(call: Call) -> Answer:
    """200 while the database can be written, else 503."""
    well = await writable(call.store, call.now())
    return Answer(HealthOut(status="healthy" if well else "unhealthy",
                            database="ok" if well else "unavailable",
                            timestamp=present.instant(call.now())), status=200 if well else 503)


async def version(call: Call) -> VersionOut:
    """Tell the versions."""
    return VersionOut(version=__version__, api_version=API_VERSION)


async def _view(conn: AsyncConnection, call: Call) -> View:
    reopen = int(call.context.config.reopen_seconds * SECOND)
    found = await incidents.active(conn, call.principal.account_id, resolved_since=call.now() - reopen)
    active = sorted((i for i in found if i.status in ACTIVE),
                    key=lambda i: (-SEVERITY_ORDER[i.severity], i.created_at))
    return View(active=tuple(active), resolved=tuple(i for i in found if i.status not in ACTIVE))


async def status(call: Call) -> StatusOut:
    """Tell the state of the account's systems."""
    account_id, now = call.principal.account_id, call.now()
    async with call.store.reading() as conn:
        view = await _view(conn, call)
        head = await heads.load(conn, account_id)
        known = await hosts.every(conn, account_id)
        on, _ = await switch.of(conn, account_id, call.context.config)
    worst = view.active[0] if view.active else None
    mending = bool(view.active) and all(i.status == "mitigating" for i in view.active)
    ill = "critical" if worst is not None and worst.severity == "critical" else "degraded"
    return StatusOut.model_validate({
        "status": ill if worst else "operational",
        "timestamp": present.instant(now), "active_incident": worst.id if worst else None,
        "incidents": view.shown(), "hosts_total": len(known),
        "stability_trend": "recovering" if mending or (not worst and view.resolved) else
                           "unstable" if worst else "stable",
        "hosts_online": sum(host.online(now) for host in known), "dry_run": on,
        "records_stored": head.records if head else 0, "detection_lag_batches": head.lag if head else 0,
        "series_unwatched": unwatched(head.state if head else None),
        "signature_problems": list(load_with(call.context.config.signatures).problems)})


async def anomaly(call: Call) -> AnomalyOut:
    """Tell whether something is wrong, and what is worst."""
    async with call.store.reading() as conn:
        view = await _view(conn, call)
        if not view.active:
            return AnomalyOut(anomaly_detected=False)
        worst = view.active[0]
        evidence = await casefile.evidence_of(conn, call.principal.account_id, worst.id)
    return AnomalyOut(
        anomaly_detected=True, anomaly_type=worst.cls, severity=worst.severity,
        description=f"{worst.title}. {worst.root_cause}" if worst.root_cause else worst.title,
        affected_metrics=sorted({piece.source for piece in evidence if piece.kind == "points"}),
        confidence=worst.confidence or 0.0, incident_id=worst.id, incidents=view.shown())


async def stability(call: Call) -> StabilityOut:
    """Tell whether all is stable, and what is not."""
    account_id, kinds = call.principal.account_id, set[str]()
    async with call.store.reading() as conn:
        view = await _view(conn, call)
        for incident in view.active:
            kinds |= {piece.kind for piece in await casefile.evidence_of(conn, account_id, incident.id)}
    if not view.active:
        quiet = f"; {len(view.resolved)} lately resolved" if view.resolved else ""
        return StabilityOut(is_stable=True, metrics_ok=True, logs_ok=True, details=f"no open incident{quiet}")
    named = "; ".join(f"{i.severity} {CLASSES.get(i.cls, i.cls)} {i.id}: {i.title}" for i in view.active[:10])
    return StabilityOut(
        is_stable=False, metrics_ok="points" not in kinds, logs_ok="record" not in kinds,
        details=f"{len(view.active)} open: {named}", incidents=view.shown(),
        should_rerun_agent=any(incident.root_cause is None for incident in view.active))


_TAG = "Monitoring"
ROUTES: tuple[Route, ...] = (
    Route(method="GET", path="/health", handler=health, tag=_TAG, auth="none", answer=HealthOut,
          summary="Health of the server: 503 while it cannot write", errors=(503,)),
    Route(method="GET", path="/version", handler=version, tag=_TAG, auth="none", answer=VersionOut,
          summary="Version of the server and its API"),
    Route(method="GET", path="/status", handler=status, tag=_TAG, scope="read", answer=StatusOut,
          summary="State of the account's systems"),
    Route(method="GET", path="/anomaly/status", handler=anomaly, tag=_TAG, scope="read", answer=AnomalyOut,
          summary="Whether something is wrong, and what is worst"),
    Route(method="GET", path="/stability/check", handler=stability, tag=_TAG, scope="read",
          answer=StabilityOut, summary="Whether all is stable"),
)
