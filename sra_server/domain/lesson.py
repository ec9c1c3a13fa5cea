"""Lesson: what a false alarm taught about one sign. From people; to doubt.

More is asked than the false alarm had: of a text several times as many records, or that it goes on for
longer; of what is measured that it lasts longer. Each further false alarm doubles what is asked beyond, up to
three times; every four weeks without one halve it again, and in the end the lesson has faded. It never
mutes: a graver sign than the false alarm's (high or critical) is believed at once, and what is critical
waits for little.
"""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from .reach import measured, reaching
from .record import MINUTE
from .signal import SEVERITY_ORDER, Severity

FADE = 28 * 24 * 60 * MINUTE
#: False alarms beyond these ask for no more.
MOST = 4
#: So many times the records of the false alarm are believed however quickly they came, after the first.
TIMES = 3
#: So much longer than the false alarm it must last, after the first.
LONGER = 15 * MINUTE
#: What is critical is believed at so many times the records, and so much later, however often it misled.
TIMES_CRITICAL, LONGER_CRITICAL = 2, 5 * MINUTE
#: A false alarm that lasted longer is taken for one of so long: what lasts for days is told again some time.
LONGEST = 12 * 60 * MINUTE
#: Below these, a severity that has risen says no more than that there was more of it.
_GRAVE = frozenset({"high", "critical"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """`fingerprint` is the sign's, or with ANY in it what the lesson holds for.

    `count` is how many records or points the false alarm had, `lasted` for how long it went on, in
    microseconds (0: older releases did not keep it); `alarms` how many there were lately.
    """

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
    lasted: int = 0

    def steps(self, now: int) -> int:
        """Return how many false alarms are left of it."""
        return max(0, min(MOST, self.alarms) - max(0, now - self.taught_at) // FADE)

    def factor(self, now: int) -> int:
        """Return how many times the records are needed; 1 once it has faded."""
        steps = self.steps(now)
        if not steps:
            return 1
        return TIMES_CRITICAL if self.severity == "critical" else TIMES << steps - 1

    def lasting(self, now: int) -> int:
        """Return for how long it must last, in microseconds; 0 once it has faded."""
        steps = self.steps(now)
        if not steps:
            return 0
        longer = LONGER_CRITICAL if self.severity == "critical" else LONGER << steps - 1
        return min(self.lasted, LONGEST) + longer

    @property
    def measured(self) -> bool:
        """Say whether it is about what is measured: then only time tells more."""
        return measured(self.fingerprint)

    @property
    def fades_at(self) -> int:
        """Return when nothing is left of it."""
        return self.taught_at + min(MOST, self.alarms) * FADE

    def needs(self, now: int) -> str:
        """Return in words what it asks for and why."""
        since = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=self.taught_at)
        factor = self.factor(now)
        longer = f"{-(-self.lasting(now) // MINUTE)} min"
        if factor == 1:
            asked = "needs no more than others"
        elif self.measured:
            asked = f"must last {longer}"
        else:
            asked = f"needs {factor * self.count} records or must go on for {longer}"
        return (f"{asked} since {since:%Y-%m-%d}, because {self.taught_by} closed {self.incident_id} "
                "as a false alarm")

    def believes(self, severity: Severity, count: int, lasting: int, now: int) -> bool:
        """Say whether so many records or points over so long (microseconds) are enough this time."""
        if severity in _GRAVE and SEVERITY_ORDER[severity] > SEVERITY_ORDER[self.severity]:
            return True
        longer = lasting >= self.lasting(now)
        if self.measured:
            return longer
        # fewer records over a longer time are no stronger evidence
        return count >= (1 if longer else self.factor(now)) * self.count


def lesson_for(lessons: Mapping[str, Lesson], fingerprint: str, now: int) -> Lesson | None:
    """Return the nearest lesson that concerns a sign and has not faded, or None; `lessons` by fingerprint."""
    if not lessons:
        return None
    found = (lessons.get(each) for each in reaching(fingerprint))
    return next((each for each in found if each is not None and each.steps(now)), None)


