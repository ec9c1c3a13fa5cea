"""/incidents over HTTP: lists, moves, and nothing for strangers."""
from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from .conftest import Api

FAILURE = 'psycopg2.OperationalError: connection to server at "db-1", port 5432 failed: Connection refused'


def failures(service: str, *ago: float) -> list[dict[str, str]]:
    """Return the logs of a service that misses its database so many seconds ago: at least 4 s apart."""
    now = datetime.now(UTC)
    return [{"level": "error", "message": FAILURE.replace("db-1", f"db-{service}"),
             "timestamp": (now - timedelta(seconds=seconds)).isoformat()} for seconds in ago]


async def fail(api: Api, key: dict[str, str], service: str = "checkout") -> dict[str, Any]:
    """Break a service; return its incident as the list shows it."""
    await api.client.post("/ingest/logs", headers=key, json={
        "service": service, "host": service, "logs": failures(service, 30, 25, 20)})
    async with asyncio.timeout(10):
        while True:
            found = (await api.client.get("/incidents", params={"service": service}, headers=key)).json()
            if found:
                return found[0]
            await asyncio.sleep(0.05)


async def test_an_incident_is_listed_shown_and_summed_up(api: Api, key: dict[str, str]) -> None:
    made = await fail(api, key)
    assert made["class"] == "database_failure"
    detail = (await api.client.get(f"/incidents/{made['id']}", headers=key)).json()
    assert made.items() <= detail.items()
    assert "db-checkout" in detail["evidence"][0]["text"]
    assert detail["analysis"]["analyst"] == "local"
    assert detail["timeline"][0]["kind"] == "opened"
    summary = (await api.client.get(f"/incidents/{made['id']}/summary", headers=key)).json()
    assert summary["summary"].startswith(made["title"])
    assert summary["duration_minutes"] >= 0


async def test_filters_and_pages(api: Api, key: dict[str, str]) -> None:
    made = {(await fail(api, key, service))["id"] for service in ("checkout", "payments", "search")}
    assert len(made) == 3
    seen: list[str] = []
    cursor = None
    while True:
        answer = await api.client.get("/incidents", headers=key, params={"limit": 1, "cursor": cursor or None}
                                      if cursor else {"limit": 1})
        assert isinstance(answer.json(), list)
        seen += [incident["id"] for incident in answer.json()]
        cursor = answer.headers.get("X-Next-Cursor")
        if cursor is None:
            break
    assert len(seen) == 3
    assert set(seen) == made

    async def ids(**params: str) -> int:
        return len((await api.client.get("/incidents", headers=key, params=params)).json())

    assert await ids(status="active") == 3
    assert await ids(status="open,acknowledged") == 3
    assert await ids(status="resolved") == 0
    assert await ids(severity="low") == 0
    assert await ids(service="search") == 1


@pytest.mark.parametrize(("query", "code"), [
    ("status=broken", "bad_filter"), ("severity=deadly", "bad_filter"), ("cursor=x", "bad_cursor"),
    ("limit=0", "validation_failed"), ("limit=many", "validation_failed"),
])
async def test_a_bad_filter_names_its_field(api: Api, key: dict[str, str], query: str, code: str) -> None:
    answer = await api.client.get(f"/incidents?{query}", headers=key)
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert query.partition("=")[0] in answer.json()["detail"]


async def test_peoples_moves(api: Api, key: dict[str, str]) -> None:
    made = (await fail(api, key))["id"]

    async def post(move: str, body: dict[str, Any] | None = None, query: str = "") -> tuple[int, Any]:
        answer = await api.client.post(f"/incidents/{made}/{move}{query}", headers=key, json=body)
        return answer.status_code, answer.json()

    assert await post("acknowledge") == (200, {"status": "acknowledged", "incident_id": made})
    assert (await post("acknowledge"))[1]["code"] == "illegal_move"
    assert (await post("assign", {"assignee": "ann"}))[0] == 200
    assert (await post("notes", {"text": "looking"}))[0] == 200
    assert (await post("notes", {"text": ""}))[0] == 422
    assert await post("resolve", query="?summary=replaced+it") == (
        200, {"status": "resolved", "incident_id": made})
    assert (await post("close"))[1]["status"] == "closed"
    status, problem = await post("resolve", {"summary": "again"})
    assert (status, problem["code"]) == (409, "illegal_move")
    detail = (await api.client.get(f"/incidents/{made}", headers=key)).json()
    assert (detail["assignee"], detail["resolution_summary"]) == ("ann", "replaced it")
    assert [entry["kind"] for entry in detail["timeline"]][-5:] == [
        "acknowledged", "assigned", "note", "resolved", "closed"]


@pytest.mark.parametrize(("method", "path"), [
    ("GET", ""), ("GET", "/summary"), ("POST", "/resolve"), ("POST", "/close"), ("POST", "/acknowledge"),
    ("POST", "/assign"), ("POST", "/notes"),
])
async def test_a_strangers_incident_is_as_missing_as_none(api: Api, key: dict[str, str], method: str,
                                                          path: str) -> None:
    made = (await fail(api, key))["id"]
    stranger = await api.key(await api.register("eve@example.com"))
    body = {"text": "x", "assignee": "eve"} if method == "POST" else None
    answers = [await api.client.request(method, f"/incidents/{name}{path}", headers=stranger, json=body)
               for name in (made, "inc_000000000000")]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert answers[0].json()["code"] == "incident_not_found"
    assert answers[0].text.replace(made, "inc_000000000000") == answers[1].text
    assert (await api.client.get("/incidents", headers=stranger)).json() == []
    assert (await api.client.get(f"/incidents/{made}", headers=key)).json()["status"] == "open"


async def test_reading_and_changing_need_their_scopes(api: Api, session: dict[str, str],
                                                      key: dict[str, str]) -> None:
    made = (await fail(api, key))["id"]
    reader = await api.key(session, scopes=["read"])
    assert (await api.client.get("/incidents", headers=reader)).status_code == 200
    for path in (f"/incidents/{made}/resolve", "/autoheal/restart", "/autoheal/dry-run", "/agent/hello"):
        answer = await api.client.post(path, headers=reader, json={})
        assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing"), path
