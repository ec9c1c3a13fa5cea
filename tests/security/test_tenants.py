"""Who may do what: every route of the table against other accounts' ids and against keys without its scope.

The routes come from the server's own table. A new route without a line here fails the first test.
"""
from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from sra_server.api import ROUTES
from sra_server.app import serving
from tests.fakes.host import ScriptedHost
from tests.flow.conftest import settings, signed_in

CANARY = "canary-of-account-a"
SECRET_SERVICE = "canary-service"

#: Every route that asks for a scope, and the scope that it must ask for.
SCOPES = {
    **dict.fromkeys([
        "POST /ingest/logs", "POST /ingest/logs/raw", "POST /ingest/metrics", "POST /ingest/snapshot",
        "POST /ingest/batch", "GET /ingest/ends", "POST /agent/hello", "GET /agent/tasks",
        "POST /agent/answers"], "ingest"),
    **dict.fromkeys([
        "GET /silences", "GET /lessons",
        "GET /logs", "GET /incidents", "GET /incidents/{incident_id}", "GET /incidents/{incident_id}/summary",
        "GET /autoheal/actions", "GET /autoheal/dry-run", "GET /remedies", "GET /remedies/{remedy_id}",
        "GET /hosts", "GET /hosts/{host}", "GET /status", "GET /anomaly/status", "GET /stability/check"],
        "read"),
    **dict.fromkeys([
        "POST /incidents/{incident_id}/resolve", "POST /incidents/{incident_id}/close",
        "POST /incidents/{incident_id}/acknowledge", "POST /incidents/{incident_id}/assign",
        "POST /incidents/{incident_id}/notes", "POST /autoheal/dry-run", "POST /autoheal/{action}",
        "POST /remedies/{remedy_id}/approve", "POST /remedies/{remedy_id}/reject",
        "POST /remedies/{remedy_id}/cancel", "POST /silences", "DELETE /silences/{silence_id}",
        "DELETE /lessons/{lesson_id}", "DELETE /incidents/{incident_id}/lessons"], "operate"),
}
#: Routes for nobody in particular, and those for a person's own session.
OPEN = {"POST /auth/register", "POST /auth/login", "GET /health", "GET /version", "GET /openapi.json",
        "GET /docs", "GET /docs/{name}"}
OWN = {"POST /auth/logout", "GET /auth/me", "POST /api-keys", "GET /api-keys", "DELETE /api-keys/{prefix}",
       "DELETE /api-keys/{prefix}/delete"}

BODIES: dict[str, Any] = {
    "POST /incidents/{incident_id}/assign": {"assignee": "mallory"},
    "POST /incidents/{incident_id}/notes": {"text": "mallory was here"},
    "POST /remedies/{remedy_id}/approve": {"digest": "digest-1"},
    "POST /ingest/logs": {"logs": []}, "POST /ingest/logs/raw": [], "POST /ingest/metrics": {"metrics": []},
    "POST /ingest/snapshot": {"snapshot": {}}, "POST /ingest/batch": {"host": "h"},
    "POST /agent/hello": {"host": "h", "agent_version": "0", "boot_id": "b"},
    "POST /agent/answers": {"task_id": "t", "token": "k", "kind": "plan", "body": {}},
    "POST /autoheal/{action}": {"service": SECRET_SERVICE},
    "POST /silences": {"host": "web-1", "seconds": 3600, "why": "mallory wants silence"},
}
QUERIES = {"GET /ingest/ends": {"host": "web-1"}, "GET /agent/tasks": {"host": "web-1", "wait": "0"}}


def name(route: Any) -> str:
    return f"{route.method} {route.path}"


def filled(path: str, values: dict[str, str]) -> str:
    """Return the path with its parameters; an unknown parameter fails the test."""
    for parameter, value in values.items():
        path = path.replace("{" + parameter + "}", value)
    assert "{" not in path, f"{path}: say here what stands for its parameter"
    return path


def test_every_route_is_in_a_table() -> None:
    assert {name(route) for route in ROUTES} == set(SCOPES) | OPEN | OWN
    assert {name(route): route.scope for route in ROUTES if route.scope} == SCOPES
    assert {name(route) for route in ROUTES if route.auth == "none"} == OPEN
    assert {name(route) for route in ROUTES if route.auth == "bearer"} == OWN


@dataclass(frozen=True, slots=True)
class Accounts:
    """Account A with data, account B without, and what stands for A's ids."""

    a: httpx.AsyncClient
    b: httpx.AsyncClient
    ids: dict[str, str]


@pytest.fixture
async def accounts(tmp_path: Path) -> AsyncIterator[Accounts]:
    async with (serving(settings(tmp_path)) as url, signed_in(url, "a@example.com") as a,
                signed_in(url, "b@example.com") as b):
        host = ScriptedHost(a, service=SECRET_SERVICE)
        await host.announce()
        failure = {"level": "error", "service": SECRET_SERVICE, "host": "web-1",
                   "message": f"java.lang.OutOfMemoryError: Java heap space {CANARY}"}
        await a.post("/ingest/logs", json={"logs": [failure] * 3})
        await host.plan((await host.poll(wait=10.0))[0])
        quiet = {"service": "backup", "seconds": 900, "why": CANARY}
        silence = (await a.post("/silences", json=quiet)).json()
        full = {"level": "error", "service": "archive", "host": "web-1", "message": "No space left on device"}
        await a.post("/ingest/logs", json={"logs": [full] * 3})
        async with asyncio.timeout(10):
            while not (extra := (await a.get("/incidents", params={"service": "archive"})).json()):
                await asyncio.sleep(0.05)
        alarm = {"false_alarm": True, "why": CANARY}
        await a.post(f"/incidents/{extra[0]['id']}/close", json=alarm)
        lesson = (await a.get("/lessons")).json()[0]
        incidents = (await a.get("/incidents", params={"service": SECRET_SERVICE})).json()
        remedies = (await a.get("/remedies")).json()
        keys = (await a.get("/api-keys", headers={"Authorization": a.headers["X-Test-Bearer"]})).json()
        yield Accounts(a, b, {"incident_id": incidents[0]["id"], "remedy_id": remedies[0]["id"],
                              "host": "web-1", "prefix": keys[0]["prefix"], "action": "restart_service",
                              "silence_id": silence["id"], "lesson_id": lesson["id"]})


async def ask(client: httpx.AsyncClient, route: Any, ids: dict[str, str]) -> httpx.Response:
    headers = {"Authorization": client.headers["X-Test-Bearer"]} if route.auth == "bearer" else {}
    body = BODIES.get(name(route), {} if route.body else None)
    return await client.request(route.method, filled(route.path, ids), json=body, headers=headers,
                                params=QUERIES.get(name(route)))


async def test_another_account_meets_nothing_of_ours(accounts: Accounts) -> None:
    before = await kept(accounts)
    assert CANARY in before
    nobodys = {"incident_id": "inc_000000000000", "remedy_id": "rem_000000000000", "host": "web-9",
               "prefix": "sra_000000000000", "action": "restart_service", "silence_id": "sil_000000000000",
               "lesson_id": "les_000000000000"}
    for route in ROUTES:
        if "{" in route.path and name(route) not in OPEN:
            theirs = await ask(accounts.b, route, accounts.ids)
            missing = await ask(accounts.b, route, nobodys)
            text = theirs.text
            for key, value in accounts.ids.items():
                text = text.replace(value, nobodys[key])
            assert theirs.status_code == missing.status_code in (404, 409), (name(route), theirs.text)
            assert json.loads(text) == missing.json(), name(route)
        elif route.method == "GET" and route.auth != "none":
            text = (await ask(accounts.b, route, accounts.ids)).text
            own = (accounts.ids[key] for key in (
                "incident_id", "remedy_id", "prefix", "silence_id", "lesson_id"))
            ours = (CANARY, SECRET_SERVICE, *own)
            assert not any(each in text for each in ours), name(route)
        elif route.method == "POST" and route.scope == "operate":
            await ask(accounts.b, route, accounts.ids)
    assert await kept(accounts) == before


async def kept(accounts: Accounts) -> str:
    """Return what nobody else may change."""
    paths = ("/incidents/{incident_id}", "/remedies/{remedy_id}", "/autoheal/dry-run", "/logs", "/silences",
             "/lessons")
    return "\n".join([(await accounts.a.get(filled(path, accounts.ids))).text for path in paths])


async def test_a_host_of_another_account_gets_no_task_of_ours(accounts: Accounts) -> None:
    await accounts.a.post(f"/remedies/{accounts.ids['remedy_id']}/approve", json={"digest": "digest-1"})
    twin = ScriptedHost(accounts.b, service=SECRET_SERVICE)
    await twin.announce()
    assert await twin.poll(wait=0.2) == []
    remedy = (await accounts.a.get(f"/remedies/{accounts.ids['remedy_id']}")).json()
    assert remedy["status"] == "approved"


async def test_a_key_without_the_scope_is_refused(tmp_path: Path) -> None:
    ids = {"incident_id": "inc_000000000000", "remedy_id": "rem_000000000000", "host": "web-9",
           "action": "restart_service", "silence_id": "sil_000000000000", "lesson_id": "les_000000000000"}
    async with serving(settings(tmp_path)) as url, signed_in(url) as person:
        bearer = {"Authorization": person.headers["X-Test-Bearer"]}
        for scope in ("ingest", "read", "operate"):
            others = [each for each in ("ingest", "read", "operate") if each != scope]
            wanted = {"name": scope, "scopes": others}
            made = (await person.post("/api-keys", json=wanted, headers=bearer)).json()
            async with httpx.AsyncClient(base_url=url, headers={"X-API-Key": made["key"]}) as client:
                for route in ROUTES:
                    if SCOPES.get(name(route)) == scope:
                        answer = await ask(client, route, ids)
                        assert answer.status_code == 403, (name(route), answer.text)
                        assert answer.json()["code"] == "scope_missing"
            await person.delete(f"/api-keys/{made['prefix']}", headers=bearer)
