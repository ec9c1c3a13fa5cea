"""The curl commands of the original's README, run as written (host, keys and ids replaced), with curl."""
from __future__ import annotations

import json
import re
import shlex
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.serve import Served, served
from tests.services import needs

pytestmark = needs("curl")

REGISTER = r"""
curl -X POST https://your-sra-backend.com/auth/register \
  -H "Content-Type: application/json" \
  -d '{"email": "you@example.com", "password": "your-secure-password"}'
"""
CREATE_KEY = r"""
curl -X POST https://your-sra-backend.com/api-keys \
  -H "Authorization: Bearer eyJhbGc..." \
  -H "Content-Type: application/json" \
  -d '{"name": "my-production-app"}'
"""
SEND_LOGS = r"""
curl -X POST https://your-sra-backend.com/ingest/logs \
  -H "X-API-Key: sra_a1b2c3d4e5f6..." \
  -H "Content-Type: application/json" \
  -d '{
    "logs": [
      {"level": "error", "message": "Database connection timeout", "service": "api-gateway"},
      {"level": "warning", "message": "High memory usage detected", "service": "api-gateway"}
    ]
  }'
"""
SEND_SNAPSHOT = r"""
curl -X POST https://your-sra-backend.com/ingest/snapshot \
  -H "X-API-Key: sra_a1b2c3d4e5f6..." \
  -H "Content-Type: application/json" \
  -d '{
    "snapshot": {
      "cpu_percent": 85.5,
      "memory_percent": 72.0,
      "error_rate": 0.05,
      "latency_ms": 250
    }
  }'
"""
LIST_INCIDENTS = r"""
curl -H "X-API-Key: sra_a1b2c3d4e5f6..." \
  https://your-sra-backend.com/incidents
"""
SHOW_INCIDENT = r"""
curl -H "X-API-Key: sra_a1b2c3d4e5f6..." \
  https://your-sra-backend.com/incidents/{incident_id}
"""
SUMMARIZE_INCIDENT = r"""
curl -H "X-API-Key: sra_a1b2c3d4e5f6..." \
  https://your-sra-backend.com/incidents/{incident_id}/summary
"""
LOGIN = r"""
curl -X POST https://your-sra-backend.com/auth/login \
  -H "Content-Type: application/json" \
  -d '{"email": "you@example.com", "password": "your-password"}'
"""
PROFILE = r"""
curl -H "Authorization: Bearer your-token" \
  https://your-sra-backend.com/auth/me
"""
LIST_KEYS = r"""
curl -H "Authorization: Bearer your-token" \
  https://your-sra-backend.com/api-keys
"""
REVOKE_KEY = r"""
curl -X DELETE -H "Authorization: Bearer your-token" \
  https://your-sra-backend.com/api-keys/sra_a1b2c3
"""
DELETE_KEY = r"""
curl -X DELETE -H "Authorization: Bearer your-token" \
  https://your-sra-backend.com/api-keys/sra_a1b2c3/delete
"""
#: Lines of the API reference, which gives no commands: method, path, body.
BY_KEY = 'curl -X {} -H "X-API-Key: sra_a1b2c3d4e5f6..." -H "Content-Type: application/json" \'{}{}\''
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Served]:
    with served(tmp_path, environment={"SRA_QUIET_SECONDS": "2"}) as running:
        yield running


class Curl:
    """Runs commands of the README with the words of a reader in place of its examples."""

    def __init__(self, url: str) -> None:
        self.words = {"https://your-sra-backend.com": url}

    def __call__(self, command: str, *more: str, status: int = 200) -> Any:
        command = command.replace("\\\n", " ")
        argv = shlex.split(command)
        for word, meant in self.words.items():
            argv = [part.replace(word, meant) for part in argv]
        done = subprocess.run([*argv, *more, "-sS", "-w", "\n%{http_code}"], capture_output=True, text=True,
                              timeout=30, check=True)
        body, _, code = done.stdout.rpartition("\n")
        assert int(code) == status, (argv, body)
        return json.loads(body)

    def by_key(self, method: str, path: str, body: str | None = None, **more: Any) -> Any:
        data = ("-d", body) if body is not None else ()
        return self(BY_KEY.format(method, "https://your-sra-backend.com", path), *data, **more)


def has(answer: dict[str, Any], **types: type | tuple[type, ...]) -> None:
    """Check that a body has these fields with these types."""
    for name, kind in types.items():
        assert isinstance(answer.get(name), kind), (name, answer)


def until(ask: Any, fits: Any, seconds: float = 15) -> Any:
    """Ask until the answer fits, or fail with the last one."""
    end = time.monotonic() + seconds
    while not fits(answer := ask()):
        assert time.monotonic() < end, answer
        time.sleep(0.1)
    return answer


def signed_up(curl: Curl) -> None:
    """Sections 1 and 2: an account and a key."""
    answer = curl(REGISTER)
    has(answer, access_token=str, token_type=str, user=dict)
    assert (answer["token_type"], answer["user"]["email"]) == ("bearer", "you@example.com")
    curl.words |= {"eyJhbGc...": answer["access_token"], "your-token": answer["access_token"]}
    key = curl(CREATE_KEY)
    assert re.fullmatch(r"sra_[0-9a-f]{12}_\S{20,}", key["key"])
    assert (key["name"], key["is_active"]) == ("my-production-app", True)
    assert TIME.fullmatch(key["created_at"])
    curl.words["sra_a1b2c3d4e5f6..."] = key["key"]


def test_account_management(server: Served) -> None:
    curl = Curl(server.url)
    signed_up(curl)
    assert curl(LOGIN, status=401)["code"] == "wrong_login"
    curl.words["your-password"] = "your-secure-password"
    token = curl(LOGIN)["access_token"]
    curl.words["your-token"] = token
    has(curl(PROFILE), id=str, email=str, is_active=bool)
    (listed,) = curl(LIST_KEYS)
    assert re.fullmatch(r"sra_[0-9a-f]{12}\.\.\.", listed["key"])
    curl.words["sra_a1b2c3"] = listed["key"][:10]
    assert curl(REVOKE_KEY)["status"] == "revoked"
    assert [key["is_active"] for key in curl(LIST_KEYS)] == [False]
    assert curl(DELETE_KEY)["status"] == "deleted"
    assert curl(LIST_KEYS) == []
    logout = 'curl -X POST -H "Authorization: Bearer your-token" https://your-sra-backend.com/auth/logout'
    curl(logout)
    assert curl(PROFILE, status=401)["code"] == "invalid_token"


def test_ingestion(server: Served) -> None:
    curl = Curl(server.url)
    signed_up(curl)
    for answer, count in (
        (curl(SEND_LOGS), 2), (curl(SEND_SNAPSHOT), 4),
        (curl.by_key("POST", "/ingest/logs/raw", '["2025-01-01 10:00:00 ERROR one", "two"]'), 2),
        (curl.by_key("POST", "/ingest/logs/raw", '{"logs": ["three"], "service": "shop"}'), 1),
        (curl.by_key("POST", "/ingest/metrics", '{"metrics": [{"name": "active_users", "value": 150}]}'), 1),
    ):
        assert (answer["status"], answer["count"]) == ("accepted", count)
        assert TIME.fullmatch(answer["timestamp"])
    assert (server.count("records"), server.count("points")) == (5, 5)
    logs = curl.by_key("GET", "/logs?level=warning")["logs"]
    assert [log["message"] for log in logs] == ["one", "High memory usage detected",
                                                "Database connection timeout"]


def test_incidents_and_monitoring(server: Served) -> None:
    curl = Curl(server.url)
    for path in ("/health", "/version"):
        has(curl(f"curl https://your-sra-backend.com{path}"))
    assert curl("curl https://your-sra-backend.com/health")["status"] == "healthy"
    signed_up(curl)
    assert curl.by_key("GET", "/status")["status"] == "operational"
    assert curl.by_key("GET", "/anomaly/status")["anomaly_detected"] is False
    assert curl.by_key("GET", "/stability/check")["is_stable"] is True
    assert curl(LIST_INCIDENTS) == []
    curl(SEND_LOGS)
    time.sleep(4.2)
    curl(SEND_LOGS)  # one timeout alone is no failure yet, and neither is a moment's
    (incident,) = until(lambda: curl(LIST_INCIDENTS), bool)
    assert (incident["class"], incident["service"]) == ("database_failure", "api-gateway")
    number = incident["id"]
    curl.words["{incident_id}"] = number
    assert curl(SHOW_INCIDENT)["evidence"][0]["text"] == "Database connection timeout"
    summary = curl(SUMMARIZE_INCIDENT)
    has(summary, title=str, severity=str, root_cause=str, recommended_actions=list, duration_minutes=float)
    status = curl.by_key("GET", "/status")
    assert status["active_incident"] == number and status["status"] != "operational"
    anomaly = curl.by_key("GET", "/anomaly/status")
    assert (anomaly["anomaly_detected"], anomaly["incident_id"]) == (True, number)
    stability = curl.by_key("GET", "/stability/check")
    assert stability["is_stable"] is False and number in json.dumps(stability)
    # recovery: the service lives on and tells of no trouble
    life = '{"logs": [{"level": "info", "message": "request served", "service": "api-gateway"}]}'

    def alive() -> Any:
        curl.by_key("POST", "/ingest/logs", life)
        return curl.by_key("GET", "/status")

    assert until(alive, lambda answer: answer["status"] == "operational", 30)["active_incident"] is None
    assert curl.by_key("GET", "/anomaly/status")["anomaly_detected"] is False
    assert curl.by_key("GET", "/stability/check")["is_stable"] is True
    assert curl(SHOW_INCIDENT)["status"] == "resolved"
    assert curl.by_key("POST", f"/incidents/{number}/close")["status"] == "closed"


def test_an_incident_is_resolved_with_the_originals_query(server: Served) -> None:
    curl = Curl(server.url)
    signed_up(curl)
    curl(SEND_LOGS)
    time.sleep(4.2)
    curl(SEND_LOGS)  # one timeout alone is no failure yet, and neither is a moment's
    (incident,) = until(lambda: curl(LIST_INCIDENTS), bool)
    number = incident["id"]
    answer = curl.by_key("POST", f"/incidents/{number}/resolve?summary=fixed%20by%20hand")
    assert (answer["status"], answer["incident_id"]) == ("resolved", number)
    curl.words["{incident_id}"] = number
    assert curl(SHOW_INCIDENT)["resolution_summary"] == "fixed by hand"
    assert curl.by_key("POST", f"/incidents/{number}/close")["status"] == "closed"


def test_auto_healing(server: Served) -> None:
    curl = Curl(server.url)
    signed_up(curl)
    names = [action["name"] for action in curl.by_key("GET", "/autoheal/actions")]
    assert names == ["restart_service", "scale_replicas", "flush_cache", "clear_queue", "reroute_traffic",
                     "rollback_deployment", "clear_disk"]
    assert curl.by_key("POST", "/autoheal/dry-run?enabled=false")["dry_run"] is False
    assert curl.by_key("POST", "/autoheal/dry-run", '{"enabled": true}')["dry_run"] is True
    refused = curl.by_key("POST", "/autoheal/restart_service", '{"service": "api-gateway"}', status=409)
    has(refused, code=str, detail=str)
