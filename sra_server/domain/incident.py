"""Incident: one trouble, its legal moves, and the changes that the fold makes to it.

From correlate and from people's requests; to store. `MOVES` is the whole life of an incident.
"""
from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from sra_sdk.errors import IllegalMove

from .analysis import Analysis
from .signal import Severity, Signal

Status = Literal["open", "acknowledged", "investigating", "mitigating", "resolved", "closed"]
ACTIVE: frozenset[str] = frozenset({"open", "acknowledged", "investigating", "mitigating"})

MOVES: dict[str, frozenset[str]] = {
    "open": frozenset({"acknowledged", "investigating", "mitigating", "resolved", "closed"}),
    "acknowledged": frozenset({"investigating", "mitigating", "resolved", "closed"}),
    "investigating": frozenset({"acknowledged", "mitigating", "resolved", "closed"}),
    "mitigating": frozenset({"acknowledged", "investigating", "resolved", "closed"}),
    "resolved": frozenset({"open", "closed"}),
    "closed": frozenset(),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """One trouble. `started_at` is the first evidence (event time), `created_at` when SRA noticed.

    `fingerprints` are those of its signals, `firing` the ones not yet cleared; `last_signal_at` is
    the receipt time of the latest firing signal. `silenced_by` names the silence that holds for it.
    """

    id: str
    title: str
    cls: str
    severity: Severity
    status: Status
    service: str
    host: str
    services: tuple[str, ...]
    hosts: tuple[str, ...]
    fingerprints: tuple[str, ...]
    firing: tuple[str, ...]
    started_at: int
    created_at: int
    updated_at: int
    last_signal_at: int
    signals: int = 1
    resolved_at: int | None = None
    closed_at: int | None = None
    assignee: str | None = None
    resolution: str | None = None
    root_cause: str | None = None
    confidence: float | None = None
    silenced_by: str | None = None
    silenced_at: int | None = None
    silenced_until: int | None = None
    silenced_why: str | None = None

    def move(self, to: Status, at: int) -> Incident:
        """Return the incident after a legal step, or raise IllegalMove naming both states."""
        if to not in MOVES[self.status]:
            raise IllegalMove(f"incident {self.id} is {self.status} and cannot become {to}",
                              hint="closed is final" if self.status == "closed" else None)
        return replace(
            self, status=to, updated_at=at,
            resolved_at=at if to == "resolved" else None if to == "open" else self.resolved_at,
            closed_at=at if to == "closed" else self.closed_at,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What a fold did to one incident, and why.

    `incident` is its value afterwards; `signals` those that were attached by this change (their
    evidence is to be stored); `analysis` is set when a new one was written; `note` is a line of its own
    in the timeline; `worse` names the signs by which it is worse than people were told, `news` says what they
    are told of it, also where it is called otherwise than they heard. `partly` says which part is silenced
    where another is not, `silenced` whose that is; `despite` which lesson did not keep it back.
    """

    kind: Literal["opened", "attached", "resolved", "reopened", "silenced", "unsilenced"]
    incident: Incident
    reason: str
    at: int
    signals: tuple[Signal, ...] = ()
    analysis: Analysis | None = None
    note: str = ""
    worse: frozenset[str] = frozenset()
    news: str = ""
    partly: str = ""
    despite: str = ""
    silenced: frozenset[str] = frozenset()
