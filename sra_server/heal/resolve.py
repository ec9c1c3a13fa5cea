"""The verdict on an act and what follows: an incident ends, or goes back to people. From worker, each tick.

Only the worker passes verdicts, for it alone knows when detection last saw each trouble.
"""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from ..domain.incident import ACTIVE, Incident
from ..domain.remedy import Remedy
from ..store import incidents, life, remedies, timeline
from . import approve
from .judge import Facts, Judgement, judge

#: The outcomes on which a verdict is passed; the others changed nothing.
JUDGED = frozenset({"succeeded", "failed", "no_change", "unknown"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """A remedy with its verdict, its incident as it is now, and whether this ended it."""

    remedy: Remedy
    judgement: Judgement
    incident: Incident | None = None
    resolved: bool = False


def undecided(remedy: Remedy) -> bool:
    """Say whether the remedy's outcome is known and its verdict is not."""
    outcome = remedy.outcome or {}
    return remedy.status in JUDGED and "received_at" in outcome and outcome.get("verdict") is None


def check_broke(checks: list[dict[str, Any]]) -> bool:
    """Say whether a check that passed before the act fails after it."""
    return any(check.get("before") is True and check.get("passed") is False for check in checks)


async def facts_of(conn: AsyncConnection, account_id: str, remedy: Remedy, now: int,
                   fired: Mapping[str, int]) -> Facts:
    """Gather what is known of an act; `fired` tells when each incident was last seen firing."""
    outcome = remedy.outcome or {}
    acted_at, finished_at = int(outcome["acted_at"]), int(outcome["received_at"])
    troubles = [i for i in await incidents.active(conn, account_id)
                if i.id == remedy.incident_id or remedy.service in (i.service, *i.services)]
    others = [i.created_at for i in troubles if i.id != remedy.incident_id and i.created_at > acted_at]
    return Facts(
        status=remedy.status, acted_at=acted_at, finished_at=finished_at, now=now,
        checks_recovered=outcome.get("checks_recovered"), unchanged=outcome.get("unchanged"),
        check_broke=check_broke(outcome.get("checks", [])), new_trouble_at=max(others, default=None),
        last_signal_at=max((fired.get(i.id, i.last_signal_at) for i in troubles), default=None),
        caught_up=await life.caught_up(conn, account_id, finished_at),
        life_at=await life.since(conn, account_id, remedy.service, remedy.host, acted_at))


async def settle(conn: AsyncConnection, account_id: str, remedy: Remedy, now: int,
                 fired: Mapping[str, int]) -> Settled | None:
    """Pass the verdict if it can be passed now, and carry it to the incident; None if it must wait."""
    judgement = judge(await facts_of(conn, account_id, remedy, now, fired))
    if judgement.verdict is None:
        return None
    outcome = {**(remedy.outcome or {}), "verdict": judgement.verdict, "why": judgement.why.value}
    outcome["reason"] = f"{outcome.get('reason', remedy.status)}; {judgement.verdict}: {judgement.text}"
    after = replace(remedy, outcome=outcome, updated_at=max(now, remedy.updated_at + 1))
    if not await remedies.swap(conn, account_id, remedy, after):
        return None  # another server passed it
    if remedy.incident_id is None:
        return Settled(remedy=after, judgement=judgement)
    incident = await incidents.get(conn, account_id, remedy.incident_id, lock=True)
    if judgement.verdict == "recovered":
        return await _recovered(conn, account_id, after, incident, judgement, now)
    await timeline.add(conn, account_id, incident.id, at=now, kind="verdict", actor="sra",
                       text=f"{after.action} of {after.service} on {after.host}: {judgement.verdict}, "
                            f"{judgement.text}", data={"remedy_id": after.id, "why": judgement.why.value})
    if incident.status == "mitigating":
        incident = await incidents.move(conn, account_id, incident.id, "investigating", at=now, actor="sra",
                                        kind="escalated", text="the repair did not settle it; a person must")
    return Settled(remedy=after, judgement=judgement, incident=incident)


async def _recovered(conn: AsyncConnection, account_id: str, remedy: Remedy, incident: Incident,
                     judgement: Judgement, now: int) -> Settled:
    if incident.status not in ACTIVE:
        await timeline.add(conn, account_id, incident.id, at=now, kind="verdict", actor="sra",
                           text=sentence(remedy), data={"remedy_id": remedy.id})
        return Settled(remedy=remedy, judgement=judgement, incident=incident)
    resolved = await incidents.move(conn, account_id, incident.id, "resolved", at=now, actor="sra",
                                    kind="resolved", text=sentence(remedy), resolution=sentence(remedy),
                                    firing=(), data={"remedy_id": remedy.id})
    await approve.cancel_waiting(conn, account_id, incident.id, reason="the incident is resolved", now=now)
    return Settled(remedy=remedy, judgement=judgement, incident=resolved, resolved=True)


_DONE = {"restart_service": "restarted", "scale_replicas": "scaled", "flush_cache": "flushed the cache of",
         "clear_queue": "cleared the queue of", "reroute_traffic": "rerouted the traffic of",
         "rollback_deployment": "rolled back", "clear_disk": "cleared disk space of"}


def sentence(remedy: Remedy) -> str:
    """Return in one line what was done and why it counts as recovered."""
    checks = (remedy.outcome or {}).get("checks", [])
    passed = max((len(check.get("after") or []) for check in checks), default=0)
    by = f", approved by {remedy.approved_by}" if remedy.approved_by else ""
    return (f"{_DONE[remedy.action]} {remedy.service} on {remedy.host}{by}; check failed before, "
            f"passed {passed} times after; quiet since")
