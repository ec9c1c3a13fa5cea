"""Signal: what a detector noticed, with its evidence. From detect; to correlate."""
from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from .evidence import Evidence

Severity = Literal["low", "medium", "high", "critical"]
SEVERITY_ORDER: dict[str, int] = {"low": 0, "medium": 1, "high": 2, "critical": 3}

#: The severities for which people are called at once.
LOUD = frozenset({"high", "critical"})

#: Detectors that say themselves when it is over; quiet does not clear these.
LEVELS = frozenset({"probe", "threshold", "forecast", "leak", "baseline", "absence",
                    "servers"})

#: Every class of trouble, with the words that a title uses.
CLASSES: dict[str, str] = {
    "database_failure": "Database failure",
    "memory_exhaustion": "Memory exhausted",
    "cpu_overload": "CPU overload",
    "disk_full": "Disk full",
    "external_api_down": "Upstream or external API down",
    "auth_failures": "Authentication failures",
    "service_crash": "Service crashed",
    "certificate_expired": "Certificate expired",
    "network_failure": "Network failure",
    "queue_backlog": "Queue backlog",
    "rate_limited": "Rate limited",
    "deadlock": "Deadlock",
    "error_burst": "Errors",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """One observation of one trouble, or (`state` cleared) of its end.

    `fingerprint` is the same for the same trouble at the same place; `at` and `last_at` bound the
    evidence in event time; `count` is how many records or points stand behind it. `cause` says
    what it means in one sentence, `remedies` which actions of the catalogue would help.
    What does not `open` an incident is supporting evidence: it joins one that is open, and neither keeps
    it open nor leads it. `unanswered`: that somebody does not answer may be all that is behind it.
    `taught`: a user's own signature says that this is a trouble.
    `stopped` is no trouble: who was asked to stop said so. `objects`: of what a text complains often enough
    to be told, each with since when.
    """

    detector: str
    fingerprint: str
    cls: str
    severity: Severity
    title: str
    at: int
    last_at: int
    state: Literal["firing", "cleared", "stopped"] = "firing"
    service: str = ""
    host: str = ""
    count: int = 1
    cause: str = ""
    subject: str = ""
    opens: bool = True
    unanswered: bool = False
    taught: bool = False
    remedies: tuple[str, ...] = ()
    evidence: tuple[Evidence, ...] = field(default=())
    objects: tuple[tuple[str, int], ...] = ()


def restored(stored: dict[str, Any]) -> Signal:
    """Return the signal that was stored as a dictionary of its fields."""
    return Signal(**{**stored, "remedies": tuple(stored["remedies"]),
                     "objects": tuple((name, since) for name, since in stored.get("objects", ())),
                     "evidence": tuple(Evidence(**each) for each in stored["evidence"])})
