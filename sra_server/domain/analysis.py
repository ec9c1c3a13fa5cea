"""Analysis: an RCA with cited claims; Offer: a line of the inventory. From analyse; to store and api."""
from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What a host's policy offers: an action on a service, by a platform, dry-run or live."""

    host: str
    service: str
    action: str
    platform: str
    mode: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One sentence and the ids of the evidence that it rests on; never empty."""

    text: str
    evidence: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recommendation:
    """An action that would help; `offered` only if an inventory holds it (decision 6)."""

    action: str
    service: str
    host: str
    reason: str
    offered: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Analysis:
    """A root cause, how sure (0 to 1), the claims under it and what would help."""

    analyst: str
    root_cause: str
    confidence: float
    claims: tuple[Claim, ...]
    recommendations: tuple[Recommendation, ...]
    note: str = ""
