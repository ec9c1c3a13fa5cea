"""Whether a bench met its goals: what was missed is said, the exit code is 1. To incidents, noise, nab."""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """A figure that must be so much at least, or at most."""

    name: str
    least: float | None = None
    most: float | None = None

    def missed(self, value: float | None) -> str | None:
        """Say how a value misses the goal, or None; what was not measured misses it."""
        if value is None:
            return f"{self.name} was not measured"
        if self.least is not None and value < self.least:
            return f"{self.name} is {value}, the goal is {self.least} or more"
        if self.most is not None and value > self.most:
            return f"{self.name} is {value}, the goal is {self.most} or less"
        return None


def check(bench: str, goals: Sequence[Goal], found: Mapping[str, Any]) -> int:
    """Print which goals were missed, and return the exit code."""
    missed = [text for goal in goals if (text := goal.missed(found.get(goal.name))) is not None]
    for text in missed:
        print(f"{bench}: {text}")
    if not missed:
        print(f"{bench}: all {len(goals)} goals are met")
    return int(bool(missed))
