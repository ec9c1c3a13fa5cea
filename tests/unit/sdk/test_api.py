"""The REST client against a real HTTP server: what goes out, what comes back, every kind of failure."""
from __future__ import annotations

import asyncio
import inspect
import json
import socket
import threading
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from aiohttp import web

from sra_sdk import api_quiet, api_requests
from sra_sdk.api import AsyncClient, Client
from sra_sdk.errors import BadInput, ServerAnswered, SraError, Unavailable

NOW = "2026-01-02T03:04:05Z"
REMEDY = {"id": "rem1", "action": "restart_service", "service": "shop", "host": "web-1", "status": "planned",
          "dry_run": True, "created_at": NOW, "updated_at": NOW}
INCIDENT = {"id": "inc1", "title": "t", "class": "service_crash", "severity": "high", "status": "open",
            "started_at": NOW, "created_at": NOW, "updated_at": NOW, "signals": 1}
USER = {"id": "u", "email": "a@b.example", "account_id": "acc", "scopes": ["read"], "created_at": NOW}
TOKEN = {"access_token": "tok", "expires_at": NOW, "user": USER}
KEY = {"key": "sra_abc", "prefix": "sra_abc", "name": "ci", "scopes": ["read"], "created_at": NOW,
       "is_active": True}
HOST = {"host": "web-1", "online": True, "last_seen": NOW}
TAKEN = {"count": 1, "timestamp": NOW}
MOVED = {"status": "acknowledged", "incident_id": "inc1"}
WINDOW = {"every": "sun", "at": "02:00", "seconds": 3600, "timezone": "UTC"}
SILENCE = {"id": "sil1", "class": "disk_full", "why": "w", "created_by": "ann", "created_at": NOW,
           "starts_at": NOW, "ends_at": None, "window": WINDOW}
LESSON = {"id": "les1", "title": "t", "class": "disk_full", "fingerprint": "f", "factor": 2, "alarms": 1,
          "needs": "n", "incident_id": "inc1", "taught_by": "ann", "taught_at": NOW, "fades_at": NOW,
          "held": 0}

#: client method, its arguments, what must arrive, what the server answers
ROUTES: list[tuple[str, dict[str, Any], str, Any, Any]] = [
    ("register", {"email": "A@b.example", "password": "12345678"}, "POST /auth/register",
     {"email": "a@b.example", "password": "12345678"}, TOKEN),
    ("login", {"email": "a@b.example", "password": "x"}, "POST /auth/login",
     {"email": "a@b.example", "password": "x"}, TOKEN),
    ("logout", {}, "POST /auth/logout", None, {"status": "ok"}),
    ("me", {}, "GET /auth/me", None, USER),
    ("create_key", {"name": "ci", "scopes": ["read"]}, "POST /api-keys",
     {"name": "ci", "scopes": ["read"]}, KEY),
    ("keys", {}, "GET /api-keys", None, [KEY]),
    ("revoke_key", {"prefix": "sra_abc"}, "DELETE /api-keys/sra_abc", None,
     {"status": "revoked", "name": "ci", "prefix": "sra_abc"}),
    ("delete_key", {"prefix": "sra_abc"}, "DELETE /api-keys/sra_abc/delete", None,
     {"status": "deleted", "name": "ci", "prefix": "sra_abc"}),
    ("ingest_logs", {"logs": [{"message": "m", "level": "WARN"}], "service": "s"}, "POST /ingest/logs",
     {"logs": [{"message": "m", "level": "warning", "metadata": {}}], "service": "s"}, TAKEN),
    ("ingest_raw", {"lines": ["a"], "host": "h"}, "POST /ingest/logs/raw",
     {"logs": ["a"], "host": "h"}, TAKEN),
    ("ingest_metrics", {"metrics": [{"name": "n", "value": 1}]}, "POST /ingest/metrics",
     {"metrics": [{"name": "n", "value": 1.0, "tags": {}}]}, TAKEN),
    ("ingest_snapshot", {"snapshot": {"cpu_percent": 5}}, "POST /ingest/snapshot",
     {"snapshot": {"cpu_percent": 5.0, "custom_metrics": {}}}, TAKEN),
    ("logs", {"service": "a&b", "since": datetime(2026, 1, 1, tzinfo=UTC), "limit": 5},
     "GET /logs?service=a%26b&since=2026-01-01T00%3A00%3A00%2B00%3A00&limit=5", None, {"logs": []}),
    ("incidents", {"status": "open", "limit": 3}, "GET /incidents?status=open&limit=3", None, [INCIDENT]),
    ("incident", {"incident_id": "inc1"}, "GET /incidents/inc1", None, INCIDENT),
    ("incident_summary", {"incident_id": "inc1"}, "GET /incidents/inc1/summary", None,
     {**{name: INCIDENT[name] for name in ("id", "title", "class", "severity", "status", "created_at",
                                           "updated_at")},
      "summary": "s", "duration_minutes": 1.5}),
    ("acknowledge", {"incident_id": "inc1"}, "POST /incidents/inc1/acknowledge", None, MOVED),
    ("assign", {"incident_id": "inc1", "assignee": None}, "POST /incidents/inc1/assign",
     {"assignee": None}, MOVED),
    ("note", {"incident_id": "inc1", "text": "n"}, "POST /incidents/inc1/notes", {"text": "n"}, MOVED),
    ("resolve", {"incident_id": "inc1", "summary": "s"}, "POST /incidents/inc1/resolve",
     {"summary": "s"}, MOVED),
    ("close", {"incident_id": "inc1"}, "POST /incidents/inc1/close", None, MOVED),
    ("close", {"incident_id": "inc1", "false_alarm": True, "why": "w"}, "POST /incidents/inc1/close",
     {"false_alarm": True, "why": "w"}, MOVED),
    ("close", {"incident_id": "inc1", "false_alarm": True, "everywhere": True}, "POST /incidents/inc1/close",
     {"false_alarm": True, "everywhere": True}, MOVED),
    ("silence", {"why": "w", "cls": "disk_full", "seconds": 60}, "POST /silences",
     {"why": "w", "class": "disk_full", "seconds": 60}, SILENCE),
    ("silence", {"why": "w", "service": "s", "window": WINDOW}, "POST /silences",
     {"why": "w", "service": "s", "window": WINDOW}, SILENCE),
    ("silences", {}, "GET /silences", None, [SILENCE]),
    ("silences", {"all": True}, "GET /silences?all=true", None, [SILENCE]),
    ("end_silence", {"silence_id": "sil1"}, "DELETE /silences/sil1", None, SILENCE),
    ("lessons", {}, "GET /lessons", None, [LESSON]),
    ("forget_lesson", {"lesson_id": "les1"}, "DELETE /lessons/les1", None, LESSON),
    ("forget_lessons_of", {"incident_id": "inc1"}, "DELETE /incidents/inc1/lessons", None, [LESSON]),
    ("remedies", {"status": "planned"}, "GET /remedies?status=planned", None, [REMEDY]),
    ("remedy", {"remedy_id": "../x"}, "GET /remedies/..%2Fx", None, REMEDY),
    ("approve", {"remedy_id": "rem1", "digest": "d"}, "POST /remedies/rem1/approve", {"digest": "d"}, REMEDY),
    ("reject", {"remedy_id": "rem1", "reason": "no"}, "POST /remedies/rem1/reject", {"reason": "no"}, REMEDY),
    ("cancel", {"remedy_id": "rem1"}, "POST /remedies/rem1/cancel", None, REMEDY),
    ("heal", {"action": "restart_service", "service": "shop", "wait": 2.0}, "POST /autoheal/restart_service",
     {"service": "shop", "parameters": {}, "wait": 2.0}, REMEDY),
    ("actions", {}, "GET /autoheal/actions", None,
     [{"name": "clear_disk", "description": "d", "reversible": False, "configured": False}]),
    ("dry_run", {}, "GET /autoheal/dry-run", None, {"dry_run": True, "source": "default"}),
    ("set_dry_run", {"enabled": False}, "POST /autoheal/dry-run", {"enabled": False}, {"dry_run": False}),
    ("hosts", {}, "GET /hosts", None, [HOST]),
    ("host", {"name": "web-1"}, "GET /hosts/web-1", None, HOST),
    ("status", {}, "GET /status", None,
     {"status": "operational", "timestamp": NOW, "stability_trend": "stable", "hosts_online": 1,
      "hosts_total": 1, "dry_run": True, "records_stored": 3, "detection_lag_batches": 0}),
    ("anomaly", {}, "GET /anomaly/status", None, {"anomaly_detected": False}),
    ("stability", {}, "GET /stability/check", None,
     {"is_stable": True, "metrics_ok": True, "logs_ok": True, "details": "d"}),
    ("health", {}, "GET /health", None, {"status": "healthy", "database": "ok", "timestamp": NOW}),
    ("version", {}, "GET /version", None, {"version": "0.1.0", "api_version": "1"}),
]


@dataclass
class Peer:
    """A server that answers what it is told and keeps what it was asked."""

    url: str = ""
    asked: list[tuple[str, Any, dict[str, str]]] = field(default_factory=list)
    status: int = 200
    content: bytes = b"{}"
    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": "application/json"})
    delay: float = 0.0

    def answer(self, data: Any) -> None:
        self.status, self.content = 200, json.dumps(data).encode()


@pytest.fixture
async def peer() -> AsyncIterator[Peer]:
    here = Peer()

    async def handle(request: web.Request) -> web.Response:
        body = await request.read()
        here.asked.append((f"{request.method} {request.raw_path}", json.loads(body) if body else None,
                           dict(request.headers)))
        await asyncio.sleep(here.delay)
        return web.Response(status=here.status, body=here.content, headers=here.headers)
    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    here.url = runner.addresses[0] and f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield here
    await runner.cleanup()


def holds(whole: Any, part: Any) -> bool:
    """Whether all that the server said is in what the client gives."""
    if isinstance(part, dict):
        return all(holds(whole[name], value) for name, value in part.items())
    return bool(whole == part)


@pytest.mark.parametrize(("method", "arguments", "line", "body", "answer"), ROUTES,
                         ids=[route[0] for route in ROUTES])
async def test_each_method_sends_its_request_and_reads_its_answer(
        peer: Peer, method: str, arguments: dict[str, Any], line: str, body: Any, answer: Any) -> None:
    peer.answer(answer)
    async with AsyncClient(peer.url, token="secret") as client:
        later = await getattr(client, method)(**arguments)

    def blocking() -> Any:
        with Client(peer.url, token="secret") as client:
            return getattr(client, method)(**arguments)
    now = await asyncio.to_thread(blocking)
    assert [(what, sent) for what, sent, _ in peer.asked] == [(line, body)] * 2
    assert now == later
    for given in answer if isinstance(answer, list) else [answer]:
        made = now[0] if isinstance(answer, list) else now
        assert holds(made.model_dump(mode="json", by_alias=True), given)


def test_every_request_is_a_method_of_both_clients_and_tested() -> None:
    names = {name for module in (api_requests, api_quiet) for name, value in vars(module).items()
             if inspect.isfunction(value) and value.__module__ == module.__name__ and name[0] != "_"}
    assert names == {row[0] for row in ROUTES}
    for kind in (Client, AsyncClient):
        assert names <= {name for name in dir(kind) if callable(getattr(kind, name))}


@pytest.mark.parametrize(("signed", "header", "value"), [
    ({"token": "abc"}, "Authorization", "Bearer abc"), ({"api_key": "sra_1"}, "X-API-Key", "sra_1")])
async def test_credentials_and_the_user_agent_go_with_each_request(
        peer: Peer, signed: dict[str, str], header: str, value: str) -> None:
    peer.answer({"anomaly_detected": False})
    async with AsyncClient(peer.url + "/", **signed) as client:
        await client.anomaly()
    headers = peer.asked[0][2]
    assert headers[header] == value
    assert headers["User-Agent"].startswith("sra-sdk")
    assert ("Authorization" in headers) + ("X-API-Key" in headers) == 1


PROBLEM = {"type": "about:blank", "title": "Unprocessable", "status": 422, "code": "bad_field",
           "detail": "level: no", "hint": "use error",
           "errors": [{"field": "logs.0.level", "message": "unknown"}]}


@pytest.mark.parametrize(("status", "content", "code", "words"), [
    (422, json.dumps(PROBLEM).encode(), "bad_field", "level: no"),
    (502, b"<html>Bad Gateway</html>", "http_502", "Bad Gateway"),
    (500, b"", "http_500", "answered 500"),
    (500, b"\xff\xfe\x00", "http_500", "answered 500"),
    (400, b'["a list"]', "http_400", "answered 400"),
    (401, b'{"detail": "no token", "errors": "odd"}', "http_401", "no token"),
    (302, b"moved", "http_302", "answered 302"),
])
async def test_an_answer_that_is_an_error_raises_whatever_its_body(
        peer: Peer, status: int, content: bytes, code: str, words: str) -> None:
    peer.status, peer.content = status, content
    peer.headers = {"Content-Type": "application/problem+json", "Retry-After": "7"}
    async with AsyncClient(peer.url) as client:
        with pytest.raises(ServerAnswered) as caught:
            await client.status()
    assert (caught.value.status, caught.value.code, caught.value.retry_after) == (status, code, 7.0)
    assert words in caught.value.message
    if status == 422:
        assert caught.value.hint == "use error" and caught.value.errors == PROBLEM["errors"]
    if status == 401:
        assert "sra login" in (caught.value.hint or "") and caught.value.errors == []


async def test_an_unhealthy_server_still_gives_its_health(peer: Peer) -> None:
    peer.answer({"status": "unhealthy", "database": "unavailable", "timestamp": NOW})
    peer.status = 503
    async with AsyncClient(peer.url) as client:
        assert (await client.health()).database == "unavailable"


@pytest.mark.parametrize("content", [b"not json", b'{"anomaly_detected": "perhaps"}', b"[]"])
async def test_an_answer_of_another_shape_is_named_as_such(peer: Peer, content: bytes) -> None:
    peer.content = content
    async with AsyncClient(peer.url) as client:
        with pytest.raises(SraError) as caught:
            await client.anomaly()
    assert caught.value.code == "unexpected_answer" and caught.value.hint


async def test_a_slow_server_is_given_up_and_waiting_is_added_to_the_limit(peer: Peer) -> None:
    peer.delay = 0.6
    peer.answer(REMEDY)
    async with AsyncClient(peer.url, timeout=0.2) as client:
        with pytest.raises(Unavailable) as caught:
            await client.remedy("rem1")
        assert caught.value.code == "timeout" and peer.url in caught.value.message
        assert (await client.heal("restart_service", wait=1.0)).id == "rem1"


def test_a_server_that_is_not_there_says_its_url_and_what_to_do() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with Client(url) as client, pytest.raises(Unavailable) as caught:
            client.health()
    assert url in caught.value.message and "sra serve" in (caught.value.hint or "")


def test_a_local_server_is_asked_directly_whatever_proxy_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    with socket.create_server(("127.0.0.1", 0)) as server:
        seen: list[bytes] = []

        def accept() -> None:
            connection, _ = server.accept()
            with connection:
                seen.append(connection.recv(4096))
                connection.sendall(b"HTTP/1.1 500 no\r\nContent-Length: 0\r\n\r\n")
        thread = threading.Thread(target=accept)
        thread.start()
        with Client(f"http://127.0.0.1:{server.getsockname()[1]}") as client, pytest.raises(ServerAnswered):
            client.health()
        thread.join(5)
    assert seen[0].startswith(b"GET /health ")


@pytest.mark.parametrize("url", ["", "localhost:8000", "ftp://x", "http://", "/health"])
def test_what_is_not_a_url_is_refused(url: str) -> None:
    with pytest.raises(BadInput, match="server"):
        Client(url)


@pytest.mark.parametrize("secret", ["a\nb", "schlüssel"])
def test_a_damaged_key_is_refused_before_it_is_sent(secret: str) -> None:
    with pytest.raises(BadInput):
        Client("http://127.0.0.1:1", api_key=secret)


@pytest.mark.parametrize(("method", "arguments", "named"), [
    ("register", {"email": "nobody", "password": "12345678"}, "email"),
    ("register", {"email": "a@b.example", "password": "short"}, "password"),
    ("ingest_logs", {"logs": [{"message": "m", "level": "loud"}]}, "logs.0.level"),
    ("heal", {"action": "restart_service", "wait": 99.0}, "wait"),
])
def test_a_bad_argument_names_its_field_without_a_round_trip(
        method: str, arguments: dict[str, Any], named: str) -> None:
    with Client("http://127.0.0.1:1") as client, pytest.raises(BadInput) as caught:
        getattr(client, method)(**arguments)
    assert caught.value.errors[0]["field"] == named


def test_an_empty_id_would_be_another_route_and_is_refused() -> None:
    with Client("http://127.0.0.1:1") as client, pytest.raises(BadInput, match="empty"):
        client.incident(" ")
