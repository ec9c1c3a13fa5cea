"""A person's word on a remedy: approve exactly the plan that was read, reject, cancel. From api; to store.

An approval is single-use: it replaces the task token and is one compare-and-swap, so of twenty clicks
one wins. A plan that has run out is asked for anew, and the approval holds only for an equal digest.
"""
from __future__ import annotations

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from sra_sdk.errors import BadInput, IllegalMove

from ..domain.record import MINUTE, SECOND
from ..domain.remedy import Remedy, Status
from ..store import remedies, timeline
from .lease import holds
from .propose import token

#: A plan says how long it holds; never longer than this after the server got it.
PLAN_HOLDS = 10 * MINUTE


def expired(remedy: Remedy, now: int) -> bool:
    """Say whether the plan has run out, by the server's clock and the plan's own span."""
    plan = remedy.plan or {}
    try:
        span = datetime.fromisoformat(plan["expires_at"]) - datetime.fromisoformat(plan["planned_at"])
        allowed = min(PLAN_HOLDS, int(span.total_seconds() * SECOND))
    except (KeyError, TypeError, ValueError):
        allowed = PLAN_HOLDS
    return not holds(remedy.updated_at, now, allowed)


def approved(remedy: Remedy, *, digest: str | None, actor: str, dry_run: bool, now: int) -> Remedy:
    """Return the remedy after the approval, or asked for anew; raise IllegalMove where it cannot be."""
    if remedy.status == "proposed":
        raise IllegalMove(f"{remedy.host} has not answered with its plan yet, so there is nothing to approve",
                          code="no_plan_yet", hint="read the plan first: GET /remedies/{id}")
    if remedy.status != "planned":
        raise IllegalMove(f"remedy {remedy.id} is {remedy.status} and cannot be approved",
                          code="already_decided")
    if digest is None:
        raise BadInput("digest: an approval names the plan that was read", code="digest_required",
                       errors=[{"field": "digest", "message": "must be that of the plan that was read"}],
                       hint="read GET /remedies/{id} and send its plan's digest: {\"digest\": \"…\"}")
    if digest != remedy.plan_digest:
        raise IllegalMove("the plan is not the one that you read", code="plan_changed",
                          hint="read it again and approve its digest")
    if expired(remedy, now):
        return remedy.move("proposed", now, preapproved_by=actor, task_token=token())
    return remedy.move("approved", now, approved_by=actor, task_token=token(), dry_run=dry_run)


async def approve(conn: AsyncConnection, account_id: str, remedy_id: str, *, digest: str | None, actor: str,
                  dry_run: bool, now: int) -> Remedy:
    """Approve the plan, or ask for it anew if it has run out."""
    before = await remedies.get(conn, account_id, remedy_id)
    after = approved(before, digest=digest, actor=actor, dry_run=dry_run, now=now)
    if after.status == "proposed":
        text = f"approved by {actor}, but the plan had run out: {after.host} is asked for it again"
    else:
        text = f"approved by {actor}: {after.action} of {after.service} on {after.host}"
        text += " (dry-run)" if after.dry_run else ""
    await _write(conn, account_id, before, after, kind="approved", actor=actor, text=text)
    return after


async def withdraw(conn: AsyncConnection, account_id: str, remedy_id: str, to: Status, *, actor: str,
                   reason: str | None, now: int) -> Remedy:
    """Reject a remedy that waits for approval, or cancel one that no host has fetched."""
    before = await remedies.get(conn, account_id, remedy_id)
    after = before.move(to, now, task_token=None, reason=reason or before.reason)
    await _write(conn, account_id, before, after, kind=to, actor=actor,
                 text=f"{to} by {actor}" + (f": {reason}" if reason else ""))
    return after


async def cancel_waiting(conn: AsyncConnection, account_id: str, incident_id: str, *, reason: str,
                         now: int) -> None:
    """Cancel what still waits when its incident has ended."""
    for before in await remedies.of_incident(conn, account_id, incident_id):
        if before.status in remedies.WAITING or before.status == "approved":
            after = before.move("cancelled", now, task_token=None, reason=reason)
            await remedies.swap(conn, account_id, before, after)


async def _write(conn: AsyncConnection, account_id: str, before: Remedy, after: Remedy, *, kind: str,
                 actor: str, text: str) -> None:
    if not await remedies.swap(conn, account_id, before, after):
        raise IllegalMove(f"remedy {before.id} was decided by somebody else at this moment",
                          code="already_decided", hint=f"GET /remedies/{before.id} shows it")
    if before.incident_id is not None:
        await timeline.add(conn, account_id, before.incident_id, at=after.updated_at, kind=kind, actor=actor,
                           text=text, data={"remedy_id": before.id})
