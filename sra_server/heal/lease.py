"""Tasks for a host: plans to compute, and approved remedies, each handed over once. To api.agent."""
from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncConnection

from sra_sdk.models import TaskOut

from ..domain.record import MINUTE
from ..domain.remedy import Remedy
from ..store import remedies, timeline

#: An approval that the host did not fetch in this time is void: nobody expects it to act hours later.
APPROVAL_HOLDS = 10 * MINUTE
#: So far the clocks of servers may be apart. What is from later than that is from before one was set back.
SKEW = MINUTE


def holds(since: int, now: int, span: int) -> bool:
    """Say whether what holds for a span holds still; of what nobody knows the age, it does not."""
    return -SKEW <= now - since < span


def task_id(remedy: Remedy) -> str:
    """Return the task's id: the remedy's, and enough of the token to tell one asking from the next."""
    return f"{remedy.id}.{(remedy.task_token or '')[:8]}"


def task_of(account_id: str, remedy: Remedy) -> TaskOut:
    """Return what the host is asked: the plan while proposed, else the execution."""
    execute = remedy.status != "proposed"
    return TaskOut(id=task_id(remedy), token=remedy.task_token or "", kind="execute" if execute else "plan",
                   remedy_id=remedy.id, account_id=account_id, action=remedy.action, service=remedy.service,
                   parameters=remedy.parameters, digest=remedy.plan_digest if execute else None,
                   dry_run=remedy.dry_run, approved_by=remedy.approved_by)


async def waiting(conn: AsyncConnection, account_id: str, host: str) -> list[Remedy]:
    """Return what waits for the host, the oldest first."""
    return await remedies.in_status(conn, account_id, ("proposed", "approved"), host=host)


async def hand_over(conn: AsyncConnection, account_id: str, before: Remedy, *, dry_run: bool,
                    now: int) -> TaskOut | None:
    """Lease an approved remedy to its host; None if another poll was faster or the approval is void.

    `dry_run` is the switch as it stands now: thrown after the approval, it still narrows.
    """
    if before.status != "approved" or not holds(before.updated_at, now, APPROVAL_HOLDS):
        return None
    after = before.move("leased", now, dry_run=before.dry_run or dry_run)
    if not await remedies.swap(conn, account_id, before, after):
        return None
    if before.incident_id is not None:
        await timeline.add(conn, account_id, before.incident_id, at=now, kind="leased", actor="sra",
                           text=f"handed to {before.host}", data={"remedy_id": before.id})
    return task_of(account_id, after)
