"""/autoheal and /remedies: what can be done, doing it, a person's word on a plan. To heal, store.remedies."""
from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import get_args

from pydantic import Field

from sra_sdk.errors import BadInput, IllegalMove
from sra_sdk.models import (
    ActionOut,
    ApproveIn,
    DryRunIn,
    DryRunOut,
    HealIn,
    Incoming,
    RejectIn,
    RemedyOut,
    RemedyStatus,
)

from .. import present
from ..domain.remedy import FINAL, Remedy, Status
from ..heal import approve as approvals
from ..heal import catalog, inventory, propose, resolve, switch
from ..store import accounts, hosts, incidents, remedies, timeline
from .incidents import chosen
from .route import Answer, Call, Route


class Page(Incoming):
    """What a list of remedies may be narrowed by."""

    status: str | None = Field(None, description="One or several, parted by commas.")
    incident_id: str | None = Field(None, max_length=64)
    host: str | None = Field(None, max_length=200)
    limit: int = Field(50, ge=1, le=500)
    cursor: str | None = Field(None, max_length=200, description="From the header X-Next-Cursor.")


class Switch(Incoming):
    """The original's way to throw the switch."""

    enabled: bool | None = None


async def actions(call: Call) -> list[ActionOut]:
    """List the actions and where they can be used."""
    async with call.store.reading() as conn:
        return catalog.listed(await hosts.offers(conn, call.principal.account_id))


async def dry_run(call: Call) -> DryRunOut:
    """Tell how the switch stands."""
    async with call.store.reading() as conn:
        on, source = await switch.of(conn, call.principal.account_id, call.context.config)
    return DryRunOut(dry_run=on, source=source)


async def set_dry_run(call: Call) -> DryRunOut:
    """Throw the switch."""
    given: DryRunIn = call.body
    enabled = given.enabled if call.query.enabled is None else call.query.enabled
    async with call.store.writing(urgent=True) as conn:
        await accounts.set_dry_run(conn, call.principal.account_id, enabled)
    return DryRunOut(dry_run=enabled, source="account")


async def heal(call: Call) -> Answer:
    """Do an action: the host is asked for its plan, and the plan is approved by this very call."""
    wanted: HealIn = call.body
    action = catalog.named(call.path["action"])
    _refuse_parameters(action, wanted.parameters)
    account_id, who = call.principal.account_id, call.principal.name
    since = call.store.wakeups.mark()
    async with call.store.writing(urgent=True) as conn:
        if wanted.incident_id is not None:
            await incidents.get(conn, account_id, wanted.incident_id, lock=True)
        offer = inventory.choose(await hosts.offers(conn, account_id), action, wanted.service, wanted.host)
        await hosts.hold(conn, account_id, offer.host)
        for busy in await remedies.in_status(conn, account_id, set(get_args(RemedyStatus)) - FINAL,
                                             host=offer.host):
            if (busy.action, busy.service) == (action, offer.service) and _decided(busy):
                raise IllegalMove(f"{action} of {offer.service} on {offer.host} is under way",
                                  code="already_running", hint=f"GET /remedies/{busy.id}")
        on, _ = await switch.of(conn, account_id, call.context.config)
        remedy = propose.remedy(action=action, service=offer.service, host=offer.host, at=call.now(),
                                dry_run=on, reason=f"asked for by {who}", incident_id=wanted.incident_id,
                                parameters=wanted.parameters, preapproved_by=who)
        await remedies.create(conn, account_id, remedy)
        if remedy.incident_id is not None:
            text = f"{who} asked for {action} of {offer.service}: asking {offer.host} for its plan"
            await timeline.add(conn, account_id, remedy.incident_id, at=call.now(), kind="proposed",
                               actor=who, text=text, data={"remedy_id": remedy.id})
    call.store.wakeups.notify(f"host:{account_id}:{offer.host}")
    ended = await _await_end(call, remedy, wanted.wait, since)
    return Answer(present.remedy_out(ended, call.now()), status=200 if _over(ended) else 202)


def _refuse_parameters(action: str, given: Iterable[str]) -> None:
    """Raise BadInput naming what the action does not take: nobody shall think that it had an effect."""
    unknown = [f"parameters.{name[:50]}" for name in given if name not in catalog.PARAMETERS.get(action, ())]
    if unknown:
        raise BadInput(f"{unknown[0]}: {action} takes no such parameter", code="unknown_parameters",
                       errors=[{"field": name, "message": "no such parameter"} for name in unknown[:20]],
                       hint="what is done stands in the host's policy; leave them out")


def _decided(remedy: Remedy) -> bool:
    return remedy.preapproved_by is not None or remedy.status not in remedies.WAITING


def _over(remedy: Remedy) -> bool:
    return remedy.status in FINAL and not resolve.undecided(remedy)


async def _await_end(call: Call, remedy: Remedy, seconds: float, since: int) -> Remedy:
    """Return the remedy once it has ended with its verdict, or as it is when the time is up."""
    loop = asyncio.get_running_loop()
    until = loop.time() + seconds
    topic = f"remedy:{call.principal.account_id}:{remedy.id}"
    while (left := until - loop.time()) > 0:
        await call.store.wakeups.wait(topic, min(left, 2.0), since=since)
        since = call.store.wakeups.mark()
        async with call.store.reading() as conn:
            remedy = await remedies.get(conn, call.principal.account_id, remedy.id)
        if _over(remedy):
            break
    return remedy


async def every(call: Call) -> Answer:
    """List remedies, newest first; the header X-Next-Cursor continues the list."""
    asked: Page = call.query
    wanted = remedies.Filter(status=chosen("status", asked.status, get_args(RemedyStatus)),
                             incident_id=asked.incident_id, host=asked.host)
    async with call.store.reading() as conn:
        found, cursor = await remedies.page(conn, call.principal.account_id, wanted, limit=asked.limit,
                                            cursor=asked.cursor)
    return Answer([present.remedy_out(remedy, call.now()) for remedy in found],
                  headers={"X-Next-Cursor": cursor} if cursor else None)


async def one(call: Call) -> RemedyOut:
    """Show a remedy with its plan and outcome."""
    async with call.store.reading() as conn:
        remedy = await remedies.get(conn, call.principal.account_id, call.path["remedy_id"])
    return present.remedy_out(remedy, call.now())


async def approve(call: Call) -> Answer:
    """Approve the plan; one that has run out is asked for anew and holds only if it is the same."""
    given: ApproveIn = call.body
    account_id = call.principal.account_id
    async with call.store.writing(urgent=True) as conn:
        on, _ = await switch.of(conn, account_id, call.context.config)
        remedy = await approvals.approve(conn, account_id, call.path["remedy_id"], digest=given.digest,
                                         actor=call.principal.name, dry_run=on, now=call.now())
    _tell(call, remedy)
    return Answer(present.remedy_out(remedy, call.now()), status=202 if remedy.status == "proposed" else 200)


async def reject(call: Call) -> RemedyOut:
    """Say no."""
    return await _withdraw(call, "rejected")


async def cancel(call: Call) -> RemedyOut:
    """Take it back while no host has fetched it."""
    return await _withdraw(call, "cancelled")


async def _withdraw(call: Call, to: Status) -> RemedyOut:
    given: RejectIn = call.body
    async with call.store.writing(urgent=True) as conn:
        remedy = await approvals.withdraw(conn, call.principal.account_id, call.path["remedy_id"], to,
                                          actor=call.principal.name, reason=given.reason, now=call.now())
    _tell(call, remedy)
    return present.remedy_out(remedy, call.now())


def _tell(call: Call, remedy: Remedy) -> None:
    call.store.wakeups.notify(f"remedy:{call.principal.account_id}:{remedy.id}")
    call.store.wakeups.notify(f"host:{call.principal.account_id}:{remedy.host}")


_ONE = "/remedies/{remedy_id}"
#: The fixed paths stand before `/autoheal/{action}`, or it would take them.
ROUTES: tuple[Route, ...] = (
    Route(method="GET", path="/autoheal/actions", handler=actions, tag="Auto-Healing", scope="read",
          summary="List the actions and where they can be used", answer=list[ActionOut]),
    Route(method="GET", path="/autoheal/dry-run", handler=dry_run, tag="Auto-Healing", scope="read",
          summary="Tell how the dry-run switch stands", answer=DryRunOut),
    Route(method="POST", path="/autoheal/dry-run", handler=set_dry_run, tag="Auto-Healing", scope="operate",
          body=DryRunIn, body_optional=True, query=Switch, summary="Throw the dry-run switch",
          answer=DryRunOut),
    Route(method="POST", path="/autoheal/{action}", handler=heal, tag="Auto-Healing", scope="operate",
          body=HealIn, body_optional=True, summary="Execute an action on the host that offers it",
          answer=RemedyOut, status=202, errors=(404, 409)),
    Route(method="GET", path="/remedies", handler=every, tag="Remedies", scope="read", query=Page,
          summary="List remedies", answer=list[RemedyOut]),
    Route(method="GET", path=_ONE, handler=one, tag="Remedies", scope="read",
          summary="Get a remedy with its plan and outcome", answer=RemedyOut, errors=(404,)),
    Route(method="POST", path=f"{_ONE}/approve", handler=approve, tag="Remedies", scope="operate",
          body=ApproveIn, body_optional=True,  # without a body it says which word is missing
          summary="Approve exactly the plan that was read",
          answer=RemedyOut, errors=(404, 409)),
    Route(method="POST", path=f"{_ONE}/reject", handler=reject, tag="Remedies", scope="operate",
          body=RejectIn, body_optional=True, summary="Reject a remedy", answer=RemedyOut, errors=(404, 409)),
    Route(method="POST", path=f"{_ONE}/cancel", handler=cancel, tag="Remedies", scope="operate",
          body=RejectIn, body_optional=True, summary="Cancel a remedy that no host has fetched",
          answer=RemedyOut, errors=(404, 409)),
)
