"""Lesson: what a false alarm taught about one fingerprint. From people; to doubt.

Each further false alarm doubles what is needed, up to sixteen times; every four weeks without one halve
it again, and in the end the lesson has faded. It never mutes: a graver sign than the false alarm's (high or
critical) is believed at once, much more evidence as well, and of what is critical no more than twice the
evidence is asked.
"""
from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from .record import MINUTE, SECOND
from .signal import SEVERITY_ORDER, Severity

FADE = 28 * 24 * 60 * MINUTE
#: Doublings at most.
MOST = 4
#: For each time beyond the first that the evidence is asked for, it must also last so much longer.
LASTS = 30 * SECOND
#: So many times what is needed are believed however quickly they came.
MUCH = 4
#: Below these, a severity that has risen says no more than that there was more of it.
_GRAVE = frozenset({"high", "critical"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """`count` is how many records or points opened the false alarm; `alarms` how many there were lately."""

    id: str
    fingerprint: str
    title: str
    cls: str
    severity: Severity
    count: int
    alarms: int
    incident_id: str
    why: str | None
    taught_by: str
    taught_at: int
    held: int = 0
    held_at: int | None = None

    def steps(self, now: int) -> int:
        """Return how many doublings are left of it."""
        return max(0, min(MOST, self.alarms) - max(0, now - self.taught_at) // FADE)

    def factor(self, now: int) -> int:
        """Return how many times the evidence is needed."""
        return 1 << self.steps(now)

    @property
    def fades_at(self) -> int:
        """Return when nothing is left of it."""
        return self.taught_at + min(MOST, self.alarms) * FADE

    def needs(self, now: int) -> str:
        """Return in words what it asks for and why."""
        since = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=self.taught_at)
        return (f"needs {self.factor(now)}x evidence since {since:%Y-%m-%d}, because {self.taught_by} closed "
                f"{self.incident_id} as a false alarm")

    def believes(self, severity: Severity, count: int, lasting: int, now: int) -> bool:
        """Say whether evidence of so many records or points over so long is enough this time."""
        if severity in _GRAVE and SEVERITY_ORDER[severity] > SEVERITY_ORDER[self.severity]:
            return True
        times = self.factor(now)
        if severity == "critical":
            return count >= min(times, 2) * self.count
        return count >= MUCH * times * self.count or (
            count >= times * self.count and lasting >= (times - 1) * LASTS)
