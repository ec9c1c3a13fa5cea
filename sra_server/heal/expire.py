"""What nobody came for: the end of remedies that wait too long. From worker, on each tick.

Nothing is called a success or a failure here: what a host took and never spoke of again is `unknown`,
until the host says otherwise.
"""
from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncConnection

from ..domain.record import MINUTE, SECOND
from ..domain.remedy import Remedy
from ..present import instant
from ..store import remedies, timeline
from .lease import APPROVAL_HOLDS, holds

#: A host that took a task says within this that it began.
LEASE_HOLDS = 5 * MINUTE
#: Beyond what the plan's own steps may take.
ACT_HOLDS = 15 * MINUTE
#: A proposal or a plan that nobody wanted for a day.
OFFER_HOLDS = 24 * 60 * MINUTE
UNDER_WAY = ("proposed", "planned", "approved", "leased", "executing", "verifying")


def ended(remedy: Remedy, now: int) -> Remedy:
    """Return the remedy as it is now that time has passed; the same one if nothing is due."""
    waited, host = now - remedy.updated_at, remedy.host
    wished = remedy.status == "proposed" and remedy.preapproved_by is not None
    void = not holds(remedy.updated_at, now, APPROVAL_HOLDS)
    if wished and void:
        return remedy.move("expired", now, reason=f"{host} did not answer with a plan; is its agent running?")
    if remedy.status in ("proposed", "planned") and waited >= OFFER_HOLDS:
        return remedy.move("expired", now, reason="nobody decided on it for a day")
    if remedy.status == "approved" and void:
        return remedy.move("expired", now, reason=f"{host} did not come for it while the approval held")
    if remedy.status == "leased" and waited >= LEASE_HOLDS:
        return _presumed(remedy, now, f"{host} took the task and never said that it began")
    steps = sum(float(step.get("timeout_s", 0)) for step in (remedy.plan or {}).get("steps", []))
    if remedy.status in ("executing", "verifying") and waited >= ACT_HOLDS + int(steps * SECOND):
        return _presumed(remedy, now, f"{host} began and never said how it ended")
    return remedy


def _presumed(remedy: Remedy, now: int, reason: str) -> Remedy:
    return remedy.move("unknown", now, outcome={
        "status": "unknown", "verdict": "inconclusive", "reason": reason, "steps": [], "checks": [],
        "finished_at": instant(now).isoformat(), "presumed": True, "acted_at": remedy.updated_at})


async def sweep(conn: AsyncConnection, account_id: str, now: int) -> list[Remedy]:
    """End what is due in the account; return it."""
    found = []
    for before in await remedies.in_status(conn, account_id, UNDER_WAY):
        after = ended(before, now)
        if after is before or not await remedies.swap(conn, account_id, before, after):
            continue
        found.append(after)
        if after.incident_id is not None:
            why = after.reason if after.status == "expired" else (after.outcome or {}).get("reason")
            await timeline.add(conn, account_id, after.incident_id, at=now, kind=after.status, actor="sra",
                               text=f"{after.action} of {after.service} on {after.host}: {why}",
                               data={"remedy_id": after.id})
    return found
