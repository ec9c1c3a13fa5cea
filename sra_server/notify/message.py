"""The body of a message, the same for every channel. From worker and api; to outbox and channels. Pure.

    {"event": "incident.opened", "at": "…", "incident": {…}, "analysis": {…} or null, "evidence": […],
     "remedies": […], "asking": ["asking web-1 for its plan"], "link": "https://…/incidents/ID" or null,
     "note": "the silence is over (…), and the trouble is not" or null}

Events: incident.opened, incident.worsened (it is high or critical only now, a further grave trouble is found
in it, or another explains it; the note says which), incident.reopened, incident.resolved, remedy.outcome. The
parts have the shapes of GET /incidents/{id}. It is stored, so it is bounded: long texts are cut and say so.
"""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from .. import present
from ..domain.evidence import Evidence
from ..domain.incident import Incident
from ..domain.remedy import Remedy
from ..store.casefile import Written

Event = Literal["incident.opened", "incident.worsened", "incident.reopened", "incident.resolved",
                "remedy.outcome"]
EVIDENCE = 5
REMEDIES = 10
TEXT = 1500


def cut(text: str, most: int = TEXT) -> str:
    """Return the text, cut where it is longer, saying by how much."""
    if len(text) <= most:
        return text
    tail = f"… ({len(text) - most} more characters)"
    return text[:max(0, most - len(tail))] + tail


def _bounded(value: Any) -> Any:
    if isinstance(value, str):
        return cut(value)
    if isinstance(value, dict):
        return {key: _bounded(inner) for key, inner in list(value.items())[:50]}
    if isinstance(value, list):
        return [_bounded(inner) for inner in value[:50]]
    return value


def body(event: Event, *, at: int, incident: Incident | None, written: Written | None = None,
         evidence: Sequence[Evidence] = (), remedies: Sequence[Remedy] = (), public_url: str | None = None,
         note: str | None = None) -> dict[str, Any]:
    """Return the message. Cited evidence leads."""
    cited = {e for claim in written.analysis.claims for e in claim.evidence} if written else set()
    first = sorted(evidence, key=lambda piece: (piece.id not in cited, piece.at))[:EVIDENCE]
    hosts = sorted({remedy.host for remedy in remedies if remedy.status == "proposed"})
    link = f"{public_url.rstrip('/')}/incidents/{incident.id}" if public_url and incident else None
    shown = present.incident_out(incident).model_dump(mode="json", by_alias=True) if incident else None
    found: dict[str, Any] = _bounded({
        "event": event, "at": present.instant(at).isoformat(), "incident": shown,
        "analysis": present.analysis_out(written, remedies).model_dump(mode="json") if written else None,
        "evidence": [present.evidence_out(piece).model_dump(mode="json") for piece in first],
        "remedies": [present.remedy_out(remedy, at).model_dump(mode="json")
                     for remedy in list(remedies)[-REMEDIES:]],
        "asking": [f"asking {host} for its plan" for host in hosts], "link": link, "note": note})
    return found
