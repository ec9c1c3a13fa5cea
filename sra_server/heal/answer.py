"""What a host says of its tasks: a plan, a refusal, progress, an outcome. From api.agent; to store.

`stepped` is the pure part: the remedy after an answer. Repeated answers change nothing; an answer
with another token than the remedy's present one is stale, whoever sent it.
"""
from __future__ import annotations

import hmac
from dataclasses import replace
from typing import Any

from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncConnection

from sra_sdk.errors import BadInput, IllegalMove, Unavailable
from sra_sdk.models import AnswerIn, OutcomeOut, PlanOut

from ..domain.incident import ACTIVE
from ..domain.remedy import FINAL, Remedy
from ..store import incidents, remedies, timeline
from .propose import token

_OUTCOMES = frozenset({"succeeded", "failed", "no_change", "unknown", "simulated", "refused"})


def remedy_of(answer: AnswerIn) -> str:
    """Return the id of the remedy that a task was about."""
    return answer.task_id.partition(".")[0]


def stepped(remedy: Remedy, answer: AnswerIn, *, dry_run: bool, now: int) -> Remedy:
    """Return the remedy after the answer, the same one if it is a repetition, or raise."""
    if not hmac.compare_digest((remedy.task_token or "").encode(), answer.token.encode()):
        raise IllegalMove(f"the token of task {answer.task_id} is not the present one of its remedy",
                          code="stale_token", hint="drop this answer; ask for tasks again")
    if answer.kind == "plan":
        return _planned(remedy, answer.body, dry_run=dry_run, now=now)
    if answer.kind == "refused":
        return _refused(remedy, answer.body, now)
    if answer.kind == "outcome":
        return _ended(remedy, answer.body, now)
    to = "executing" if answer.kind == "started" else "verifying"
    if remedy.status in FINAL or remedy.status == "verifying" or remedy.status == to:
        return remedy  # told late, or twice
    return remedy.move("executing" if to == "executing" else "verifying", now)


def _planned(remedy: Remedy, body: dict[str, Any], *, dry_run: bool, now: int) -> Remedy:
    if remedy.status == "planned" and body.get("digest") == remedy.plan_digest:
        return remedy
    try:
        plan = PlanOut.model_validate(body)
    except ValidationError as error:
        raise _unusable("plan", error) from None
    kept, earlier = remedy.plan, remedy.plan_digest
    after = remedy.move("planned", now, plan=plan.model_dump(mode="json"), plan_digest=plan.digest,
                        preapproved_by=None)
    if remedy.preapproved_by is None and earlier in (None, plan.digest):
        return after
    if earlier not in (None, plan.digest):
        shown = [f"the plan has changed since it was approved: {line}" for line in difference(kept, body)]
        return replace(after, plan={**(after.plan or {}), "warnings": [*plan.warnings, *shown]})
    return after.move("approved", now, approved_by=remedy.preapproved_by, task_token=token(),
                      dry_run=dry_run)


def difference(before: dict[str, Any] | None, after: dict[str, Any]) -> list[str]:
    """Return what changed between two plans, a line for each field that the digest may cover."""
    old, found = before or {}, []
    for name in ("platform", "target", "mode", "checks"):
        if old.get(name) != after.get(name):
            found.append(f"{name} was {old.get(name)!r}, is {after.get(name)!r}")
    was = [step.get("text") for step in old.get("steps", [])]
    now = [step.get("text") for step in after.get("steps", [])]
    if was != now:
        found.append(f"steps were {was!r}, are {now!r}")
    bound, binds = old.get("binding") or {}, after.get("binding") or {}
    found += [f"{name} was {bound.get(name)!r}, is {binds.get(name)!r}"
              for name in sorted({*bound, *binds}) if bound.get(name) != binds.get(name)]
    return found or ["its digest is another one"]


def _refused(remedy: Remedy, body: dict[str, Any], now: int) -> Remedy:
    if remedy.status == "refused":
        return remedy
    if body.get("code") == "plan_changed" and remedy.status in ("leased", "executing"):
        # the approval is given back: the host is asked anew, and a person sees what is different
        back = replace(remedy, status="leased").move("planned", now)
        return back.move("proposed", now, task_token=token(), approved_by=None, preapproved_by=None)
    parts = [str(body[name]) for name in ("reason", "message", "hint") if body.get(name)]
    reason = f"{remedy.host} refused ({body.get('code') or 'no code'})" + "".join(f"; {p}" for p in parts)
    return remedy.move("refused", now, reason=reason[:2000])


def _ended(remedy: Remedy, body: dict[str, Any], now: int) -> Remedy:
    if remedy.status in FINAL and not (remedy.outcome or {}).get("presumed"):
        return remedy
    status = body.get("status")
    if not isinstance(status, str) or status not in _OUTCOMES:
        raise BadInput(f"outcome.status is {status!r:.60}, and must be one of {', '.join(sorted(_OUTCOMES))}",
                       code="bad_outcome")
    try:
        told = OutcomeOut.model_validate({**body, "reason": str(body.get("reason") or status)})
    except ValidationError as error:
        raise _unusable("outcome", error) from None
    # the server's own times lead: the act is taken to end where its verification began
    began = (remedy.outcome or {}).get("acted_at", remedy.updated_at)
    outcome = {**told.model_dump(mode="json"), "verdict": None, "acted_at": began, "received_at": now,
               "checks_recovered": body.get("checks_recovered"), "unchanged": body.get("unchanged")}
    if remedy.status in FINAL:  # the server had presumed an end; the host's word is the better one
        return replace(remedy, status=told.status, outcome=outcome, updated_at=now)
    return remedy.move(told.status, now, outcome=outcome)


def _unusable(what: str, error: ValidationError) -> BadInput:
    first = error.errors(include_url=False, include_input=False)[0]
    field = ".".join(str(part) for part in first["loc"])
    return BadInput(f"{what}.{field}: {first['msg']}", code=f"bad_{what}")


def told(before: Remedy, after: Remedy) -> tuple[str, str]:
    """Return the timeline's kind and text for a step."""
    what = f"{after.action} of {after.service} on {after.host}"
    plan = after.plan or {}
    steps = "; ".join(str(step.get("text")) for step in plan.get("steps", []))
    if after.status == "approved":
        return "approved", f"approved by {after.approved_by}, and {after.host} plans: {steps}"
    if after.status == "planned":
        changed = before.plan_digest not in (None, after.plan_digest)
        return "planned", f"{after.host} plans{' differently now' if changed else ''}: {steps}"
    if after.status == "proposed":
        return "plan_changed", f"{after.host} did not act, for its plan is another one now; asked again"
    outcome = after.outcome or {}
    words = {"executing": f"{what} has begun", "verifying": f"{what} is done and being verified",
             "refused": after.reason or f"{what} was refused",
             "simulated": f"dry-run of {what}: nothing was changed ({steps})"}
    return after.status, words.get(after.status, f"{what}: {after.status} ({outcome.get('reason', '')})")


async def receive(conn: AsyncConnection, account_id: str, answer: AnswerIn, *, dry_run: bool,
                  now: int) -> tuple[Remedy, Remedy]:
    """Apply an answer; return the remedy before and after, equal if it said nothing new."""
    before = await remedies.get(conn, account_id, remedy_of(answer))
    after = stepped(before, answer, dry_run=dry_run, now=now)
    if after == before:
        return before, after
    if not await remedies.swap(conn, account_id, before, after):
        raise Unavailable(f"remedy {before.id} changed at this moment", code="try_again", retry_after=0.5,
                          hint="send the answer again")
    if before.incident_id is not None:
        kind, text = told(before, after)
        await timeline.add(conn, account_id, before.incident_id, at=now, kind=kind, actor=after.host,
                           text=text[:4000], data={"remedy_id": after.id})
        await _mitigating(conn, account_id, after, now)
    return before, after


async def _mitigating(conn: AsyncConnection, account_id: str, remedy: Remedy, now: int) -> None:
    """Say that a trouble is being dealt with once a host really acts on it."""
    live = not remedy.dry_run and (remedy.plan or {}).get("mode") == "live"
    if remedy.status not in ("executing", "verifying") or not live or remedy.incident_id is None:
        return
    incident = await incidents.get(conn, account_id, remedy.incident_id, lock=True)
    if incident.status in ACTIVE and incident.status != "mitigating":
        await incidents.move(conn, account_id, incident.id, "mitigating", at=now, actor=remedy.host,
                             kind="mitigating", text=f"{remedy.action} of {remedy.service} is under way",
                             data={"remedy_id": remedy.id})
