"""Lessons at rest. From api, which teaches and forgets; to the worker, whose fold asks for more evidence."""
from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import asdict

from sqlalchemy import delete, insert, select, update
from sqlalchemy.engine import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from sra_sdk.errors import NotFound

from ..domain import reach
from ..domain.incident import Incident
from ..domain.lesson import FADE, MOST, TIMES, Lesson
from .schema import accounts, lessons
from .timeline import Signs

#: An account keeps so many; the oldest go.
LIMIT = 500
#: One false alarm teaches of so many fingerprints.
AT_ONCE = 20
_COLUMNS = tuple(c for c in lessons.columns if c.name != "account_id")


def _of(row: RowMapping) -> Lesson:
    # what an older release taught has no length
    return Lesson(**{**row, "lasted": row["lasted"] or 0})


async def listed(conn: AsyncConnection, account_id: str, now: int) -> list[Lesson]:
    """Return those that have not faded, the newest first."""
    query = select(*_COLUMNS).where(lessons.c.account_id == account_id,
                                    lessons.c.taught_at > now - MOST * FADE)
    rows = await conn.execute(query.order_by(lessons.c.taught_at.desc(), lessons.c.id).limit(LIMIT))
    found = (_of(row) for row in rows.mappings())
    return [lesson for lesson in found if lesson.steps(now)]


async def accounts_with_some(conn: AsyncConnection) -> list[str]:
    """Return the accounts in which a lesson may hold something back."""
    return list((await conn.execute(select(lessons.c.account_id).distinct())).scalars())


async def teach(conn: AsyncConnection, account_id: str, incident: Incident, signs: Signs, *, who: str,
                why: str | None, at: int, everywhere: bool = False) -> list[Lesson]:
    """Learn that an incident was none: of its main signs, for each where a lesson reaches, or `everywhere`.

    What is taught again asks for more than the largest and the longest of its false alarms. One incident
    teaches each thing once: what it has taught already is left as it is, and not returned.
    """
    await conn.execute(select(accounts.c.id).where(accounts.c.id == account_id).with_for_update())
    query = select(*_COLUMNS).where(lessons.c.account_id == account_id)
    known = {row["fingerprint"]: _of(row) for row in (await conn.execute(query)).mappings()}
    ended = incident.last_signal_at if incident.resolved_at is not None else incident.closed_at or at
    lasted = max(0, ended - incident.started_at)
    made: dict[str, Lesson] = {}
    for sign in reach.main(incident, signs.places):
        fingerprint = (reach.everywhere(sign) if everywhere
                       else reach.own(sign, incident.fingerprints))
        if fingerprint in made or len(made) >= AT_ONCE:
            continue
        seen = _seen(incident, signs.counts, sign)
        old = known.get(fingerprint)
        if old and old.steps(at) and (fingerprint in signs.taught or old.incident_id == incident.id):
            continue
        old = known.pop(fingerprint, None)
        if old is not None:
            await _remove(conn, account_id, [old.id])
        before = old if old and old.steps(at) else None
        lesson = Lesson(
            id=old.id if old else f"les_{secrets.token_hex(6)}", fingerprint=fingerprint,
            title=incident.title, cls=incident.cls, severity=incident.severity,
            alarms=(before.steps(at) if before else 0) + 1,
            count=max(before.count, seen // TIMES) if before else seen,
            lasted=max(before.lasted, lasted) if before else lasted,
            incident_id=incident.id, why=why, taught_by=who, taught_at=at,
            held=old.held if old else 0, held_at=old.held_at if old else None)
        await conn.execute(insert(lessons).values(account_id=account_id, **asdict(lesson)))
        made[fingerprint] = lesson
    kept = sorted(known.values(), key=lambda each: each.taught_at, reverse=True)
    faded = [each.id for each in kept if not each.steps(at)]
    await _remove(conn, account_id, {*faded, *(each.id for each in kept[LIMIT - len(made):])})
    return list(made.values())


def _seen(incident: Incident, counts: Mapping[str, int], sign: str) -> int:
    """Return how many records a sign had at most: the incident's, without those of the others."""
    others = sum(n for fingerprint, n in counts.items() if fingerprint != sign)
    return max(1, counts.get(sign, 1), incident.signals - others)


async def _remove(conn: AsyncConnection, account_id: str, ids: Sequence[str] | set[str]) -> None:
    if ids:
        await conn.execute(delete(lessons).where(lessons.c.account_id == account_id,
                                                 lessons.c.id.in_(sorted(ids))))


async def forget(conn: AsyncConnection, account_id: str, lesson_id: str) -> Lesson:
    """Forget one and return it, or raise NotFound; the same for a stranger's id as for none."""
    row = (await conn.execute(select(*_COLUMNS).where(
        lessons.c.account_id == account_id, lessons.c.id == lesson_id))).mappings().first()
    if row is None:
        raise NotFound(f"no lesson has the id {lesson_id[:64]!r}", code="lesson_not_found",
                       hint="GET /lessons lists them")
    await _remove(conn, account_id, [lesson_id])
    return _of(row)


async def forget_of(conn: AsyncConnection, account_id: str, incident_id: str) -> list[Lesson]:
    """Forget all that closing one incident taught and return it, or raise NotFound."""
    rows = (await conn.execute(select(*_COLUMNS).where(
        lessons.c.account_id == account_id, lessons.c.incident_id == incident_id,
    ).order_by(lessons.c.id))).mappings().all()
    if not rows:
        raise NotFound(f"no lesson comes from the incident {incident_id[:64]!r}", code="lesson_not_found",
                       hint="GET /lessons lists them")
    await _remove(conn, account_id, [row["id"] for row in rows])
    return [_of(row) for row in rows]


async def held(conn: AsyncConnection, account_id: str, fingerprints: Sequence[str], at: int) -> None:
    """Count that something was held back because of a lesson."""
    if fingerprints:
        await conn.execute(update(lessons).where(
            lessons.c.account_id == account_id, lessons.c.fingerprint.in_(fingerprints),
        ).values(held=lessons.c.held + 1, held_at=at))
