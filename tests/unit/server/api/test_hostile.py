"""What no honest client sends gets a clear answer with a code, never a 500; on both databases."""
from __future__ import annotations

import asyncio
import base64
import hashlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from sra_server import app
from sra_server.config import ServerConfig

from .conftest import ADMIN_KEY

ADMIN = {"X-API-Key": ADMIN_KEY}


@pytest.fixture
async def client(database_url: str, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    config = ServerConfig(port=0, data_dir=tmp_path / "data", database_url=database_url,
                          admin_api_key=SecretStr(ADMIN_KEY))
    async with app.serving(config) as url, httpx.AsyncClient(
            base_url=url, timeout=30, headers={"Content-Type": "application/json"}) as client:
        yield client


async def ask(client: httpx.AsyncClient, method: str, path: str, body: Any = None,
              headers: dict[str, str] | None = None) -> tuple[int, str]:
    content = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
    answer = await client.request(method, path, content=content, headers={**ADMIN, **(headers or {})})
    return answer.status_code, answer.json().get("code", "") if answer.status_code >= 400 else ""


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00",
                                "0001-01-01T00:00:00.0+14:00"])
async def test_times_at_the_ends_of_the_calendar(client: httpx.AsyncClient, at: str) -> None:
    for path, body in (("/ingest/logs", {"logs": [{"message": "a", "timestamp": at}]}),
                       ("/ingest/batch", {"host": "h", "logs": [{"message": "a", "timestamp": at}]}),
                       ("/ingest/metrics", {"metrics": [{"name": "a", "value": 1, "timestamp": at}]}),
                       ("/ingest/snapshot", {"snapshot": {"cpu_percent": 1, "timestamp": at}})):
        assert await ask(client, "POST", path, body) == (422, "bad_timestamp")
    assert await ask(client, "GET", f"/logs?since={at.replace('+', '%2B')}") == (422, "bad_timestamp")


@pytest.mark.parametrize("size", [9_000_000, 100_000_000, 200_000_000, 10**15])
async def test_a_body_that_is_never_taken_need_not_come_again(client: httpx.AsyncClient, size: int) -> None:
    reader, writer = await asyncio.open_connection(client.base_url.host, client.base_url.port)
    writer.write(f"POST /ingest/logs HTTP/1.1\r\nHost: x\r\nX-API-Key: {ADMIN_KEY}\r\nConnection: close\r\n"
                 f"Content-Type: application/json\r\nContent-Length: {size}\r\n\r\n{{".encode())
    head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    assert head.startswith(b"HTTP/1.1 413") and b"retry-after" not in head.lower()
    assert json.loads(body)["code"] == "body_too_large"


@pytest.mark.parametrize("number", ["0" * 19 + "1" + "9" * 100, "9" * 20, "0", "00", "9" * 7000])
async def test_sequences_beyond_every_number(client: httpx.AsyncClient, number: str) -> None:
    raw = b'{"host": "h"}'
    seal = {"X-SRA-Producer": "p", "X-SRA-Sequence": number, "X-SRA-Digest": hashlib.sha256(raw).hexdigest()}
    assert await ask(client, "POST", "/ingest/batch", raw, seal) == (400, "bad_seal")


@pytest.mark.parametrize("text", ["9" * 50 + "|x", "-1|x", "1|a\0b", "1|" + "x" * 100, "x", "|", "1"])
async def test_cursors_that_no_page_gave(client: httpx.AsyncClient, text: str) -> None:
    cursor = base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")
    for path in ("/incidents", "/remedies", "/logs"):
        assert await ask(client, "GET", f"{path}?cursor={cursor}") == (422, "bad_cursor")


@pytest.mark.parametrize("header", [b"\xe9", b"\xc3\xa9", b"sra_\xff"])
async def test_keys_that_are_not_ascii(client: httpx.AsyncClient, header: bytes) -> None:
    for name, value in ((b"X-API-Key", header), (b"Authorization", b"Bearer " + header)):
        answer = await client.get("/incidents", headers=[(name, value)])
        assert answer.status_code == 401


NUL = [
    ("POST", "/incidents/x/notes", {"text": "a\0b"}), ("POST", "/incidents/x/assign", {"assignee": "a\0"}),
    ("POST", "/incidents/x/resolve", {"summary": "\0"}), ("POST", "/incidents/x/resolve?summary=%00", {}),
    ("GET", "/incidents/a%00b", None), ("GET", "/incidents/a%00b/summary", None),
    ("POST", "/incidents/a%00/close", None), ("POST", "/incidents/a%00/acknowledge", None),
    ("GET", "/remedies/a%00", None), ("POST", "/remedies/a%00/approve", {"digest": "x"}),
    ("POST", "/remedies/x/reject", {"reason": "\0"}), ("POST", "/remedies/x/approve", {"digest": "\0"}),
    ("GET", "/hosts/a%00", None), ("GET", "/incidents?service=a%00", None),
    ("GET", "/remedies?host=%00", None), ("GET", "/docs/page.js%00", None),
    ("GET", "/remedies?incident_id=%00", None), ("GET", "/incidents?cursor=%00", None),
    ("GET", "/incidents?status=%00", None), ("GET", "/logs?service=%00", None), ("GET", "/logs?q=%00", None),
    ("GET", "/ingest/ends?host=a%00", None), ("GET", "/agent/tasks?host=a%00&wait=0", None),
    ("POST", "/autoheal/restart_service", {"service": "a\0"}),
    ("POST", "/autoheal/restart_service", {"incident_id": "a\0"}),
    ("POST", "/auth/register", {"email": "a@b.example", "password": "long enough", "name": "a\0"}),
    ("POST", "/auth/login", {"email": "a\0@b.example", "password": "long enough"}),
    ("POST", "/ingest/logs", {"logs": [{"message": "a\0"}]}),
    ("POST", "/ingest/logs", {"logs": [{"message": "a", "service": "a\0"}]}),
    ("POST", "/ingest/logs/raw?service=%00", ["a"]), ("POST", "/ingest/logs/raw", ["a\0"]),
    ("POST", "/agent/answers", {"task_id": "a\0", "token": "x", "kind": "started"}),
    ("POST", "/agent/hello", {"host": "h", "agent_version": "1", "boot_id": "b", "watches": ["a\0"]}),
    ("POST", "/agent/hello", {"host": "h", "agent_version": "1", "boot_id": "b", "policy_problem": "a\0"}),
]


@pytest.mark.parametrize(("method", "path", "body"), NUL, ids=lambda value: repr(value)[:60])
async def test_a_nul_is_refused_everywhere(client: httpx.AsyncClient, method: str, path: str,
                                           body: Any) -> None:
    assert await ask(client, method, path, body) == (422, "nul_character")


async def test_half_a_character_is_refused(client: httpx.AsyncClient) -> None:
    """Bytes that are no UTF-8 reach the handlers as lone surrogates."""
    host, port = client.base_url.host, client.base_url.port
    for path in (b"/incidents/\xff", b"/logs?q=\xff", b"/nowhere\xff", b"/logs?q=%ff%ed%a0%80",
                 b"/incidents/%ed%a0%80"):
        reader, writer = await asyncio.open_connection(host, port)
        writer.write(b"GET " + path + b" HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX-API-Key: "
                     + ADMIN_KEY.encode() + b"\r\n\r\n")
        answer = await reader.read()
        writer.close()
        assert answer.split()[1] != b"500", answer[:200]


async def test_numbers_that_are_none(client: httpx.AsyncClient) -> None:
    for number in (b"1e999", b"NaN", b"-Infinity"):
        for path, body in (
                ("/ingest/batch", b'{"host":"h","ends":{"/a":{"offset":%s}}}'),
                ("/ingest/batch", b'{"host":"h","logs":[{"message":"a","metadata":{"x":[{"y":%s}]}}]}'),
                ("/ingest/logs", b'{"logs":[{"message":"a","metadata":{"x":%s}}]}'),
                ("/ingest/metrics", b'{"metrics":[{"name":"a","value":1,"tags":{"x":%s}}]}'),
                ("/autoheal/restart_service", b'{"parameters":{"a":%s}}'),
                ("/agent/hello", b'{"host":"h","agent_version":"1","boot_id":"b","counters":{"a":%s}}')):
            assert await ask(client, "POST", path, body % number) == (422, "not_finite"), (path, number)


async def test_end_positions_that_are_no_numbers_of_ours(client: httpx.AsyncClient) -> None:
    for body in ({"host": "h", "ends": {"/a": {"offset": 10**40, "name": "a\0b"}}},
                 {"host": "h", "dropped": {"a": 10**40}}, {"host": "h", "dropped": {"a\0": 1}},
                 {"host": "h", "ends": {"a\0": {}}}):
        status, _ = await ask(client, "POST", "/ingest/batch", body)
        assert status in (200, 422), body


async def test_long_words_of_an_agent(client: httpx.AsyncClient) -> None:
    for field in ("agent_version", "boot_id", "policy_hash"):
        hello = {"host": "h", "agent_version": "1", "boot_id": "b", field: "x" * 200}
        assert await ask(client, "POST", "/agent/hello", hello) == (422, "validation_failed")


async def test_an_outcome_gets_through_whatever_its_words_hold(client: httpx.AsyncClient) -> None:
    hello = {"host": "h", "agent_version": "1", "boot_id": "b", "inventory": [
        {"service": "shop", "action": "restart_service", "platform": "command", "mode": "live"}]}
    assert (await ask(client, "POST", "/agent/hello", hello))[0] == 200
    await ask(client, "POST", "/autoheal/dry-run", {"enabled": False})
    made = (await client.post("/autoheal/restart_service", json={"service": "shop"}, headers=ADMIN)).json()

    async def task() -> dict[str, Any]:
        got = await client.get("/agent/tasks", params={"host": "h", "wait": 0}, headers=ADMIN)
        found: dict[str, Any] = got.json()["tasks"][0]
        return found

    plan = {"digest": "d", "mode": "live", "platform": "command", "target": "shop", "binding": {}, "steps": [
        {"text": "restart", "timeout_s": 5}], "planned_at": "2026-01-01T00:00:00Z",
        "expires_at": "2099-01-01T00:00:00Z"}
    for kind, body in (("plan", plan), ("started", {}), ("outcome", {
            "status": "failed", "reason": "no\0pe", "finished_at": "2026-01-01T00:00:00Z",
            "steps": [{"text": "restart", "output": "a\0b", "seconds": float("inf")}]})):
        if kind != "outcome":
            given = await task()
        raw = json.dumps({"task_id": given["id"], "token": given["token"], "kind": kind, "body": body})
        assert await ask(client, "POST", "/agent/answers", raw.encode()) == (200, ""), kind
    shown = (await client.get(f"/remedies/{made['id']}", headers=ADMIN)).json()
    assert shown["outcome"]["reason"] == "no\ufffdpe"
    assert shown["outcome"]["steps"][0]["output"] == "a\ufffdb"


async def test_an_outcome_of_no_known_kind(client: httpx.AsyncClient) -> None:
    hello = {"host": "h", "agent_version": "1", "boot_id": "b", "inventory": [
        {"service": "shop", "action": "restart_service", "platform": "command", "mode": "live"}]}
    await ask(client, "POST", "/agent/hello", hello)
    await client.post("/autoheal/restart_service", json={"service": "shop"}, headers=ADMIN)
    got = await client.get("/agent/tasks", params={"host": "h", "wait": 0}, headers=ADMIN)
    task = got.json()["tasks"][0]
    answer = {"task_id": task["id"], "token": task["token"], "kind": "outcome", "body": {"status": []}}
    assert await ask(client, "POST", "/agent/answers", answer) == (422, "bad_outcome")
