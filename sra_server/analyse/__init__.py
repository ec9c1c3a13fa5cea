"""Analysts: each explains one incident from its signals and evidence. From pipeline; to store, notify.

The local analyst always answers. Remote ones have the same contract and the same check of their claims.
"""
from __future__ import annotations

from typing import Protocol

from ..domain.analysis import Analysis, Offer
from ..domain.case import Case
from ..domain.incident import Incident
from ..domain.known import Known
from .local import Local


class Analyst(Protocol):
    """Explains one incident. Claims that their evidence does not hold are dropped unseen."""

    name: str

    def analyse(self, incident: Incident, case: Case, offers: tuple[Offer, ...], known: Known) -> Analysis:
        """Return the root cause, the claims under it and what would help."""
        ...


LOCAL: Analyst = Local()

__all__ = ["LOCAL", "Analyst"]
