"""Bad input of every kind: a clear error with a stable code, and nothing half-written."""
from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.acceptance.serve import Served, served


@dataclasses.dataclass(frozen=True)
class Row:
    """One request that must be refused, and how."""

    name: str
    status: int
    code: str
    method: str = "POST"
    path: str = "/ingest/logs"
    body: Any = None
    key: str | None = "key"
    field: str | None = None
    headers: dict[str, str] = dataclasses.field(default_factory=dict)


def logs(**record: Any) -> dict[str, Any]:
    """Return a body whose first record is fine and whose second is not."""
    return {"logs": [{"message": "fine"}, {"message": "m", **record}]}


TABLE = (
    Row("malformed JSON", 400, "malformed_json", body=b'{"logs": [{"message": "x"}'),
    Row("JSON of another shape", 422, "validation_failed", body=b"[]"),
    Row("unknown level", 422, "unknown_level", body=logs(level="loud"), field="logs[1].level"),
    Row("level that is no text", 422, "unknown_level", body=logs(level=5), field="logs[1].level"),
    Row("timestamp in the year 10000", 422, "bad_timestamp", body=logs(timestamp="10000-01-01T00:00:00Z"),
        field="logs[1].timestamp"),
    Row("timestamp in the year 9999", 422, "bad_timestamp", body=logs(timestamp="9999-12-31T23:59:59Z"),
        field="logs[1].timestamp"),
    Row("message of 2 MB", 413, "message_too_large", body=logs(message="x" * 2_000_000),
        field="logs[1].message"),
    Row("body of 9 MB", 413, "body_too_large", body=b"x" * 9_000_000),
    Row("NUL in a message", 422, "nul_character", body=logs(message="a\0b"), field="logs[1].message"),
    Row("NUL in a raw line", 422, "nul_character", path="/ingest/logs/raw", body=["fine", "a\0b"],
        field="logs[1]"),
    Row("NUL in a text line", 422, "nul_character", path="/ingest/logs/raw", body=b"fine\na\0b\n",
        headers={"Content-Type": "text/plain"}, field="logs[1]"),
    Row("invalid UTF-8", 400, "invalid_utf8", body=b'{"logs": [{"message": "\xff"}]}'),
    Row("invalid UTF-8 in text", 400, "invalid_utf8", path="/ingest/logs/raw", body=b"fine\n\xff\n",
        headers={"Content-Type": "text/plain"}),
    Row("JSON as text", 415, "unsupported_media_type", body=logs(), headers={"Content-Type": "text/plain"}),
    Row("a form", 415, "unsupported_media_type", body=b"logs=x", path="/ingest/metrics",
        headers={"Content-Type": "application/x-www-form-urlencoded"}),
    Row("parts", 415, "unsupported_media_type", body=b"--a\r\n\r\nx\r\n--a--\r\n", path="/ingest/snapshot",
        headers={"Content-Type": "multipart/form-data; boundary=a"}),
    Row("no type", 415, "unsupported_media_type", body={"host": "h"}, path="/ingest/batch",
        headers={"Content-Type": ""}),
    Row("no JSON application", 415, "unsupported_media_type", body=logs(),
        headers={"Content-Type": "application/octet-stream"}),
    Row("raw lines as parts", 415, "unsupported_media_type", body=b"x", path="/ingest/logs/raw",
        headers={"Content-Type": "multipart/form-data; boundary=a"}),
    Row("a form for a key", 415, "unsupported_media_type", body=b"name=a", path="/api-keys", key="session",
        headers={"Content-Type": "application/x-www-form-urlencoded"}),
    Row("half a character", 400, "malformed_json", body=b'{"logs": [{"message": "\\ud800"}]}'),
    Row("no number as a value", 422, "validation_failed", path="/ingest/metrics",
        body=b'{"metrics": [{"name": "n", "value": NaN}]}', field="metrics[0].value"),
    Row("several wrong fields", 422, "validation_failed", body=logs(level="loud", timestamp="never")),
    Row("wrong key", 401, "invalid_key", body=logs(), key="wrong"),
    Row("revoked key", 401, "revoked_key", body=logs(), key="revoked"),
    Row("missing key", 401, "not_signed_in", body=logs(), key=None),
    Row("unknown incident", 404, "incident_not_found", method="GET", path="/incidents/no-such-incident"),
    Row("unknown incident resolved", 404, "incident_not_found",
        path="/incidents/no-such-incident/resolve"),
    Row("fourth key", 400, "key_limit", path="/api-keys", body={"name": "fourth"}, key="session"),
    Row("unknown action", 404, "unknown_action", path="/autoheal/explode", body={"service": "shop"}),
    Row("unknown route", 404, "not_found", method="GET", path="/no/such/route"),
    Row("wrong method", 405, "method_not_allowed", method="PATCH", path="/logs"),
    Row("digest of other bytes", 400, "digest_mismatch", path="/ingest/batch", body={"host": "h"},
        headers={"X-SRA-Producer": "p", "X-SRA-Sequence": "1", "X-SRA-Digest": "0" * 64}),
    Row("seal without a number", 400, "bad_seal", path="/ingest/batch", body={"host": "h"},
        headers={"X-SRA-Producer": "p", "X-SRA-Digest": "0" * 64}),
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder: Path = tmp_path_factory.mktemp("bad-input")
    with served(folder) as running:
        yield running


@pytest.fixture(scope="module")
def credentials(server: Served) -> dict[str, dict[str, str]]:
    """Make an account with three active keys and one that was revoked."""
    with httpx.Client(base_url=server.url) as client:
        token = client.post("/auth/register", json={"email": "you@example.com", "password": "long enough"}
                            ).raise_for_status().json()["access_token"]
        session = {"Authorization": f"Bearer {token}"}

        def make() -> str:
            made = client.post("/api-keys", headers=session, json={"name": "k"}).raise_for_status()
            return str(made.json()["key"])

        revoked = make()
        client.delete(f"/api-keys/{revoked[:16]}", headers=session).raise_for_status()
        keys = [make() for _ in range(3)]
    return {"key": {"X-API-Key": keys[0]}, "revoked": {"X-API-Key": revoked}, "session": session,
            "wrong": {"X-API-Key": keys[0][:-4] + "aaaa"}}


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.name)
def test_bad_input(server: Served, credentials: dict[str, dict[str, str]], row: Row) -> None:
    tables = ("records", "points", "batches", "producers", "source_ends", "heads", "remedies", "incidents")
    before = [server.count(table) for table in tables] + [server.count("api_keys")]
    content = row.body if isinstance(row.body, bytes | None) else json.dumps(row.body).encode()
    headers = {"Content-Type": "application/json", **row.headers, **(credentials[row.key] if row.key else {})}
    answer = httpx.request(row.method, server.url + row.path, content=content, headers=headers, timeout=30)
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (row.status, row.code), problem
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert problem["status"] == row.status and len(problem["detail"]) > 10
    assert "Traceback" not in answer.text
    if row.field is not None:
        assert [problem["field"] for problem in problem["errors"]] == [row.field]
    assert [server.count(table) for table in tables] + [server.count("api_keys")] == before
