"""What an incident rests on: its evidence and its analyses. From store.incidents; to api and notify."""
from __future__ import annotations

from dataclasses import asdict, dataclass

from sqlalchemy import func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from ..domain.analysis import Analysis, Claim, Recommendation
from ..domain.evidence import Evidence
from ..domain.incident import Change
from .schema import analyses, evidence

#: The first so many pieces are kept; beyond them only what an analysis cites, up to the second bound.
KEPT = 50
KEPT_CITED = 200
_COLUMNS = tuple(c for c in evidence.columns if c.name not in ("account_id", "incident_id"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """An analysis and when it was written."""

    analysis: Analysis
    at: int


async def add_evidence(conn: AsyncConnection, account_id: str, change: Change) -> None:
    """Store the evidence of a change's signals; what is there already is left alone."""
    incident_id = change.incident.id
    here = (evidence.c.account_id == account_id, evidence.c.incident_id == incident_id)
    known = set((await conn.execute(select(evidence.c.id).where(*here))).scalars())
    cited = {e for claim in change.analysis.claims for e in claim.evidence} if change.analysis else set()
    offered = {piece.id: piece for signal in change.signals for piece in signal.evidence}
    rows = []
    # what is cited comes first, so that the bound never cuts a claim from its evidence
    for piece in sorted(offered.values(), key=lambda p: (p.id not in cited, p.at)):
        bound = KEPT_CITED if piece.id in cited else KEPT
        if piece.id in known or len(known) >= bound:
            continue
        known.add(piece.id)
        rows.append({"account_id": account_id, "incident_id": incident_id, **asdict(piece)})
    if rows:
        await conn.execute(insert(evidence), rows)


async def evidence_of(conn: AsyncConnection, account_id: str, incident_id: str, *,
                      limit: int = KEPT_CITED) -> list[Evidence]:
    """Return the evidence, oldest first."""
    query = (select(*_COLUMNS)
             .where(evidence.c.account_id == account_id, evidence.c.incident_id == incident_id)
             .order_by(evidence.c.at, evidence.c.id).limit(limit))
    return [Evidence(**row) for row in (await conn.execute(query)).mappings()]


async def add_analysis(conn: AsyncConnection, account_id: str, incident_id: str, analysis: Analysis,
                       at: int) -> None:
    """Store an analysis beside the earlier ones."""
    here = (analyses.c.account_id == account_id, analyses.c.incident_id == incident_id)
    number = ((await conn.execute(select(func.max(analyses.c.number)).where(*here))).scalar() or 0) + 1
    await conn.execute(insert(analyses).values(
        account_id=account_id, incident_id=incident_id, number=number, analyst=analysis.analyst,
        root_cause=analysis.root_cause, confidence=analysis.confidence, note=analysis.note, created_at=at,
        claims=[asdict(claim) for claim in analysis.claims],
        recommendations=[asdict(recommendation) for recommendation in analysis.recommendations]))


async def latest_analysis(conn: AsyncConnection, account_id: str, incident_id: str) -> Written | None:
    """Return the last analysis, or None while there is none."""
    query = (select(analyses).where(analyses.c.account_id == account_id,
                                    analyses.c.incident_id == incident_id)
             .order_by(analyses.c.number.desc()).limit(1))
    row = (await conn.execute(query)).mappings().first()
    if row is None:
        return None
    return Written(at=row["created_at"], analysis=Analysis(
        analyst=row["analyst"], root_cause=row["root_cause"], confidence=row["confidence"],
        note=row["note"] or "",
        claims=tuple(Claim(text=c["text"], evidence=tuple(c["evidence"])) for c in row["claims"]),
        recommendations=tuple(Recommendation(**r) for r in row["recommendations"])))
