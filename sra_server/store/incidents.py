"""Incidents at rest: the fold's changes, people's moves, and pages. From worker and api; to all readers.

A change of the fold is applied only to the incident that the fold had read: `as_read` compares, and
whoever lost the race reads again (`Stale`). Evidence and analyses are in `casefile`, the timeline in
`timeline`.
"""
from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, String, and_, cast, insert, or_, select, update
from sqlalchemy.engine import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from sra_sdk.errors import BadInput, NotFound

from ..domain.incident import ACTIVE, Change, Incident, Status
from . import casefile, timeline
from .schema import incidents

_LISTS = ("services", "hosts", "fingerprints", "firing")
_COLUMNS = tuple(c for c in incidents.columns if c.name != "account_id")
#: An account with more active troubles than this is in one trouble; the fold sees the latest.
ACTIVE_LIMIT = 500
#: An entry of the timeline holds the counts of so many signals.
_COUNTED = 20
_CURSOR = re.compile(r"([0-9]{1,19})\|([!-~]{1,64})")


class Stale(Exception):
    """The incident was changed by somebody else since it was read; read again and decide anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which incidents a page holds; empty means all."""

    status: frozenset[str] = frozenset()
    severity: frozenset[str] = frozenset()
    service: str | None = None


def _of(row: RowMapping) -> Incident:
    values = dict(row)
    values.update({name: tuple(values[name]) for name in _LISTS})
    return Incident(**values)


def _values(incident: Incident) -> dict[str, Any]:
    values = asdict(incident)
    values.update({name: list(values[name]) for name in _LISTS})
    return values


def _missing(incident_id: str) -> NotFound:
    return NotFound(f"no incident has the id {incident_id[:64]!r}", code="incident_not_found",
                    hint="GET /incidents lists them")


async def get(conn: AsyncConnection, account_id: str, incident_id: str, *, lock: bool = False) -> Incident:
    """Return the incident, or raise NotFound; the same for a stranger's id as for none."""
    query = select(*_COLUMNS).where(incidents.c.account_id == account_id, incidents.c.id == incident_id)
    row = (await conn.execute(query.with_for_update() if lock else query)).mappings().first()
    if row is None:
        raise _missing(incident_id)
    return _of(row)


async def hold(conn: AsyncConnection, account_id: str, incident_id: str) -> None:
    """Lock the incident's row to the end of the transaction; it comes before its remedies' rows."""
    await conn.execute(select(incidents.c.id).where(
        incidents.c.account_id == account_id, incidents.c.id == incident_id).with_for_update())


async def active(conn: AsyncConnection, account_id: str, *, resolved_since: int | None = None,
                 ) -> tuple[Incident, ...]:
    """Return the active incidents, and those resolved at or after `resolved_since`; latest first."""
    wanted: ColumnElement[bool] = incidents.c.status.in_(sorted(ACTIVE))
    if resolved_since is not None:
        wanted = or_(wanted, and_(incidents.c.status == "resolved",
                                  incidents.c.resolved_at >= resolved_since))
    query = (select(*_COLUMNS).where(incidents.c.account_id == account_id, wanted)
             .order_by(incidents.c.created_at.desc(), incidents.c.id).limit(ACTIVE_LIMIT))
    return tuple(_of(row) for row in (await conn.execute(query)).mappings())


async def accounts_with_active(conn: AsyncConnection) -> list[str]:
    """Return the accounts in which time must pass for a trouble to end."""
    query = select(incidents.c.account_id).where(incidents.c.status.in_(sorted(ACTIVE))).distinct()
    return list((await conn.execute(query)).scalars())


async def page(conn: AsyncConnection, account_id: str, wanted: Filter, *, limit: int,
               cursor: str | None = None) -> tuple[list[Incident], str | None]:
    """Return incidents, newest first, and the cursor of the next page if there is one."""
    query = select(*_COLUMNS).where(incidents.c.account_id == account_id)
    if wanted.status:
        query = query.where(incidents.c.status.in_(sorted(wanted.status)))
    if wanted.severity:
        query = query.where(incidents.c.severity.in_(sorted(wanted.severity)))
    if wanted.service is not None:
        # it is asked for whatever it is a part of, as the list of an incident's services shows it
        listed = cast(incidents.c.services, String).contains(json.dumps(wanted.service), autoescape=True)
        query = query.where(or_(incidents.c.service == wanted.service, listed))
    if cursor is not None:
        at, last = read_cursor(cursor)
        query = query.where(or_(incidents.c.created_at < at,
                                and_(incidents.c.created_at == at, incidents.c.id < last)))
    query = query.order_by(incidents.c.created_at.desc(), incidents.c.id.desc()).limit(limit + 1)
    found = [_of(row) for row in (await conn.execute(query)).mappings()]
    more = len(found) > limit
    found = found[:limit]
    return found, write_cursor(found[-1].created_at, found[-1].id) if more and found else None


def write_cursor(at: int, last: str) -> str:
    """Return the place after (at, last) in a list ordered by time and id."""
    return base64.urlsafe_b64encode(f"{at}|{last}".encode()).decode().rstrip("=")


def read_cursor(cursor: str) -> tuple[int, str]:
    """Return what `write_cursor` was given, or raise BadInput."""
    try:
        raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii")
        found = _CURSOR.fullmatch(raw)
        if found is None or int(found[1]) >= 2**63:
            raise ValueError(raw)
        return int(found[1]), found[2]
    except (binascii.Error, ValueError, UnicodeError):
        raise BadInput("cursor: not one that a page of this list gave", code="bad_cursor",
                       errors=[{"field": "cursor", "message": "not one that a page of this list gave"}],
                       hint="leave cursor out to start at the newest") from None


async def apply(conn: AsyncConnection, account_id: str, changes: Sequence[Change],
                as_read: Iterable[Incident]) -> None:
    """Write the changes of one fold, with evidence, analyses and timeline; raise Stale if outrun."""
    before = {incident.id: incident for incident in as_read}
    # in one order, whoever locks them: two transactions never wait for each other
    for incident_id in sorted({change.incident.id for change in changes} & before.keys()):
        if await get(conn, account_id, incident_id, lock=True) != before[incident_id]:
            raise Stale(incident_id)
    for change in changes:
        last = before.get(change.incident.id)
        if last is None:
            await conn.execute(insert(incidents).values(account_id=account_id, **_values(change.incident)))
        else:
            await _overwrite(conn, account_id, change.incident)
        before[change.incident.id] = change.incident
        await casefile.add_evidence(conn, account_id, change)
        if change.analysis is not None:
            await casefile.add_analysis(conn, account_id, change.incident.id, change.analysis, change.at)
        if worth_telling(change, last):
            await timeline.add(conn, account_id, change.incident.id, at=change.at, kind=change.kind,
                               actor="sra", text=change.reason, data=_signs(change))
        if change.note:
            await timeline.add(conn, account_id, change.incident.id, at=change.at, kind="flapping",
                               actor="sra", text=change.note)
        if change.analysis is not None:
            await timeline.add(conn, account_id, change.incident.id, at=change.at, kind="analysed",
                               actor=change.analysis.analyst, text=change.analysis.root_cause,
                               data={"confidence": change.analysis.confidence})


def _signs(change: Change) -> dict[str, Any]:
    """Return what a lesson needs to know of each sign, should this be a false alarm."""
    counts: dict[str, int] = {}
    places: dict[str, list[str]] = {}
    for signal in change.signals[:_COUNTED]:
        counts[signal.fingerprint] = counts.get(signal.fingerprint, 0) + signal.count
        places[signal.fingerprint] = [signal.cls, signal.service, signal.host]
    return {"counts": counts, "signs": places} if counts else {}


def worth_telling(change: Change, last: Incident | None) -> bool:
    """Say whether the timeline needs the change: the hundredth error of one kind tells nothing new."""
    if change.kind != "attached" or last is None:
        return True
    if change.news or (change.reason and not change.signals):
        return True  # what people are told, or a silence that ended and left nothing to tell people
    now = change.incident
    called = (now.cls, now.service, now.host) != (last.cls, last.service, last.host)
    return called or set(now.fingerprints) != set(last.fingerprints) or now.severity != last.severity


async def _overwrite(conn: AsyncConnection, account_id: str, incident: Incident) -> None:
    await conn.execute(update(incidents).where(incidents.c.account_id == account_id,
                                               incidents.c.id == incident.id).values(**_values(incident)))


async def move(conn: AsyncConnection, account_id: str, incident_id: str, to: Status, *, at: int, actor: str,
               kind: str, text: str, data: dict[str, Any] | None = None, **changes: Any) -> Incident:
    """Take a legal step on somebody's behalf and tell it in the timeline; raise IllegalMove otherwise."""
    moved = replace((await get(conn, account_id, incident_id, lock=True)).move(to, at), **changes)
    await _overwrite(conn, account_id, moved)
    await timeline.add(conn, account_id, incident_id, at=at, kind=kind, actor=actor, text=text,
                       data=data)
    return moved


async def assign(conn: AsyncConnection, account_id: str, incident_id: str, assignee: str | None, *, at: int,
                 actor: str) -> Incident:
    """Give the incident to somebody, or back (None)."""
    now = replace(await get(conn, account_id, incident_id, lock=True), assignee=assignee, updated_at=at)
    await _overwrite(conn, account_id, now)
    await timeline.add(conn, account_id, incident_id, at=at, kind="assigned", actor=actor,
                       text=f"assigned to {assignee}" if assignee else "given back")
    return now


async def note(conn: AsyncConnection, account_id: str, incident_id: str, text: str, *, at: int,
               actor: str, kind: str = "note") -> Incident:
    """Add a person's words to the timeline; the fold's view of the incident is not touched."""
    incident = await get(conn, account_id, incident_id)
    await timeline.add(conn, account_id, incident_id, at=at, kind=kind, actor=actor, text=text)
    return incident
