"""A case as lines: everything a person needs, nothing that can drive the terminal."""
from __future__ import annotations

from datetime import timedelta
from typing import Any

from sra_cli import casefile, doctor, remedies
from sra_cli.incidents import news
from sra_sdk.models import HealthOut, IncidentDetail, IncidentOut, RemedyOut

NOW = "2026-01-02T03:04:05Z"
REMEDY: dict[str, Any] = {
    "id": "rem1", "incident_id": "inc1", "action": "restart_service", "service": "inventory", "host": "web-1",
    "status": "planned", "dry_run": True, "created_at": NOW, "updated_at": NOW,
    "reason": "it does not answer",
    "plan": {"digest": "d", "mode": "live", "platform": "command", "target": "/bin/r\x1b[0m",
             "steps": [{"text": "run /bin/r", "argv": ["/bin/r"], "timeout_s": 60}],
             "checks": ["GET http://x/health answers"], "warnings": ["writable by others"],
             "estimates": {"main_pid": 7}, "planned_at": NOW, "expires_at": NOW}}
INCIDENT: dict[str, Any] = {
    "id": "inc1", "title": "inventory \x1b]0;x\x07 is down", "class": "service_crash", "severity": "critical",
    "status": "open", "service": "inventory", "host": "web-1", "services": ["inventory", "shop"],
    "hosts": ["web-1"], "started_at": NOW, "created_at": NOW, "updated_at": NOW, "signals": 2,
    "analysis": {"analyst": "local", "root_cause": "inventory stopped answering", "confidence": 0.83,
                 "claims": [{"text": "refused", "evidence": ["r1"]}], "created_at": NOW,
                 "recommended_actions": [{"action": "clear_disk", "service": "db", "reason": "full"}]},
    "evidence": [{"id": "r1", "kind": "record", "at": NOW, "host": "web-1", "source": "/var/log/shop.log",
                  "line": 42, "text": "\n".join(f"line {n}\x1b[2J" for n in range(9))}],
    "remedies": [REMEDY], "timeline": [{"at": NOW, "kind": "opened", "actor": "sra", "text": "two signals"}]}


def test_a_case_is_told_whole() -> None:
    text = "\n".join(casefile.incident(IncidentDetail.model_validate(INCIDENT)))
    for part in ("/var/log/shop.log:42 on web-1", "confidence 83%", "inventory stopped answering",
                 "- refused  [r1]",
                 "1. run /bin/r (at most 60 s)", "check: GET http://x/health answers", "estimate: main_pid 7",
                 "warning: writable by others", "next: sra remedies approve rem1", "and 3 more lines",
                 "advice: clear_disk db: full (no host offers it)", "sra: two signals", "inventory, shop"):
        assert part in text, part
    assert all(character.isprintable() or character == "\n" for character in text)


def test_a_case_without_analysis_says_so() -> None:
    bare = {**INCIDENT, "analysis": None, "evidence": [], "remedies": [], "timeline": []}
    text = "\n".join(casefile.incident(IncidentDetail.model_validate(bare)))
    assert "not analysed yet" in text and "none" in text


def test_an_outcome_shows_its_verdict() -> None:
    done = {**REMEDY, "status": "succeeded", "dry_run": False, "approved_by": "ada@example.com", "outcome": {
        "status": "succeeded", "verdict": "recovered", "reason": "three checks passed", "finished_at": NOW}}
    text = "\n".join(casefile.remedy(RemedyOut.model_validate(done)))
    assert "verdict recovered: three checks passed" in text and "approved by ada@example.com" in text
    assert "simulation only" not in text and "next:" not in text


def test_only_news_is_told() -> None:
    seen: dict[str, str] = {}
    one = IncidentOut.model_validate(INCIDENT)
    assert news(seen, [one]) == [one] and news(seen, [one]) == []
    assert news(seen, [one.model_copy(update={"status": "resolved"})])[0].status == "resolved"


def test_that_an_incident_is_called_by_another_cause_is_news_and_that_it_counts_on_is_not() -> None:
    seen: dict[str, str] = {}
    one = IncidentOut.model_validate(INCIDENT)
    news(seen, [one])
    assert news(seen, [one.model_copy(update={"title": "Errors: shop: 19 errors in one minute"})]) == []
    for change in ({"service": "db-1"}, {"class_": "disk_full"}, {"host": "db-7"}):
        one = one.model_copy(update=change)
        assert news(seen, [one]) == [one]


def test_parameters_are_json_or_text() -> None:
    assert remedies.parameters(["replicas=3", "force=true", "name=web=1", "note="]) == {
        "replicas": 3, "force": True, "name": "web=1", "note": ""}


def test_a_clock_that_is_off_is_noticed_whatever_the_way() -> None:
    health = HealthOut.model_validate({"status": "healthy", "database": "ok", "timestamp": NOW})
    at = health.timestamp
    assert doctor.clock(health, at, at).state == "ok"
    assert doctor.clock(health, at - timedelta(seconds=4), at - timedelta(seconds=3)).state == "ok"
    assert doctor.clock(health, at - timedelta(seconds=60), at - timedelta(seconds=59)).state == "warning"
    assert doctor.clock(health, at + timedelta(seconds=59), at + timedelta(seconds=60)).state == "warning"
    # a slow answer is no wrong clock
    assert doctor.clock(health, at - timedelta(seconds=60), at + timedelta(seconds=60)).state == "ok"


def test_what_a_false_alarm_holds_back_everywhere_is_said_before() -> None:
    critical = IncidentDetail.model_validate(INCIDENT)
    text = "\n".join(casefile.everywhere(critical))
    for part in ("inventory", "critical", "ANY service on ANY host", "at least twice", "2 records or points",
                 "inventory@web-1", "at least 5 min"):
        assert part in text, part
    assert all(character.isprintable() or character == "\n" for character in text)
    mild = IncidentDetail.model_validate({**INCIDENT, "severity": "medium", "service": None, "host": None})
    text = "\n".join(casefile.everywhere(mild))
    assert "three times" in text and "at least 15 min" in text and "points)" in text
