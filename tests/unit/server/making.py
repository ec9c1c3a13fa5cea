"""Facts for tests, each with what matters given and the rest made up."""
from __future__ import annotations

from typing import Any

from sra_server.domain.analysis import Analysis, Claim, Recommendation
from sra_server.domain.evidence import Evidence
from sra_server.domain.incident import Change, Incident
from sra_server.domain.record import SECOND
from sra_server.domain.remedy import Remedy
from sra_server.domain.signal import Signal

NOW = 1_800_000_000 * SECOND


def incident(**given: Any) -> Incident:
    """Return an open incident of checkout on web-1."""
    return Incident(**{
        "id": "inc_1", "title": "Database failure: checkout", "cls": "database_failure", "severity": "high",
        "status": "open", "service": "checkout", "host": "web-1", "services": ("checkout",),
        "hosts": ("web-1",), "fingerprints": ("f1",), "firing": ("f1",), "started_at": NOW - SECOND,
        "created_at": NOW, "updated_at": NOW, "last_signal_at": NOW, **given})


def evidence(number: int = 1, **given: Any) -> Evidence:
    """Return a record as evidence."""
    return Evidence(**{"id": f"r1-1-{number}", "kind": "record", "at": NOW + number,
                       "text": "connection refused", "service": "checkout", "host": "web-1",
                       "source": "app.log", "line": number, **given})


def signal(*pieces: Evidence, **given: Any) -> Signal:
    """Return a firing signal with evidence."""
    return Signal(**{"detector": "signature", "fingerprint": "f1", "cls": "database_failure",
                     "severity": "high", "title": "connection refused", "at": NOW, "last_at": NOW,
                     "service": "checkout", "host": "web-1", "evidence": pieces, **given})


def recommendation(**given: Any) -> Recommendation:
    """Return an offered restart of checkout on web-1."""
    return Recommendation(**{"action": "restart_service", "service": "checkout", "host": "web-1",
                             "reason": "it does not answer", "offered": True, **given})


def analysis(*wishes: Recommendation, cites: tuple[str, ...] = ("r1-1-1",)) -> Analysis:
    """Return an analysis of one claim."""
    return Analysis(analyst="local", root_cause="the database refuses connections", confidence=0.8,
                    claims=(Claim(text="it refuses", evidence=cites),), recommendations=wishes)


def change(kind: str = "opened", **given: Any) -> Change:
    """Return a change of an incident."""
    return Change(
        **{"kind": kind, "incident": incident(), "reason": "connection refused", "at": NOW, **given}
    )


def plan(**given: Any) -> dict[str, Any]:
    """Return the body of a host's plan."""
    return {"digest": "d1", "mode": "live", "platform": "command", "target": "checkout",
            "steps": [{"text": "/usr/local/bin/restart-checkout", "argv": ["/usr/local/bin/restart-checkout"],
                       "timeout_s": 60.0}],
            "checks": ["http http://127.0.0.1:8081/health"], "binding": {"argv": ["restart-checkout"]},
            "planned_at": "2027-01-15T08:00:00+00:00", "expires_at": "2027-01-15T08:10:00+00:00", **given}


def remedy(**given: Any) -> Remedy:
    """Return a proposed restart of checkout on web-1."""
    return Remedy(**{"id": "rem_1", "action": "restart_service", "service": "checkout", "host": "web-1",
                     "status": "proposed", "created_at": NOW, "updated_at": NOW, "task_token": "token-one",
                     **given})


def planned(**given: Any) -> Remedy:
    """Return a remedy whose plan waits for approval."""
    return remedy(**{"status": "planned", "plan": plan(), "plan_digest": "d1", **given})
