"""GET /logs: its parameters and its cursor."""
from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from .conftest import Api


async def fill(api: Api, key: dict[str, str]) -> None:
    ago = (datetime.now(UTC) - timedelta(hours=2)).isoformat()
    logs = [{"message": f"m{i}", "level": level, "service": "shop" if i % 2 else "pay", "host": f"h{i}"}
            for i, level in enumerate(("debug", "info", "warning", "error", "critical"))]
    logs.append({"message": "long ago", "timestamp": ago})
    answer = await api.client.post("/ingest/logs", headers=key, json={"logs": logs})
    assert answer.status_code == 200


@pytest.mark.parametrize(("query", "expected"), [
    ("", ["long ago", "m4", "m3", "m2", "m1", "m0"]),
    ("?level=error", ["m4", "m3"]), ("?level=WARN&service=shop", ["m3"]), ("?host=h2", ["m2"]),
    ("?q=LONG", ["long ago"]), ("?q=", ["long ago", "m4", "m3", "m2", "m1", "m0"]), ("?q=%25", []),
    ("?since=15m&limit=1", ["m4"]), ("?until=1h", ["long ago"]), ("?since=3h&until=1h", ["long ago"]),
    ("?since=2020-01-01T00:00:00%2B02:00&until=2020-01-02T00:00:00+02:00", []),
    ("?since=2020-01-01", ["long ago", "m4", "m3", "m2", "m1", "m0"]),
])
async def test_parameters(api: Api, key: dict[str, str], query: str, expected: list[str]) -> None:
    await fill(api, key)
    answer = await api.client.get(f"/logs{query}", headers=key)
    assert [log["message"] for log in answer.json()["logs"]] == expected, answer.text


async def test_the_cursor_leads_through_all_and_ends(api: Api, key: dict[str, str]) -> None:
    await fill(api, key)
    seen, cursor, pages = [], "", 0
    while cursor is not None:
        page = (await api.client.get(f"/logs?limit=2&cursor={cursor}", headers=key)).json()
        seen += [log["message"] for log in page["logs"]]
        cursor, pages = page["next_cursor"], pages + 1
    assert (seen, pages) == (["long ago", "m4", "m3", "m2", "m1", "m0"], 3)


@pytest.mark.parametrize(("query", "field", "code"), [
    ("?level=loud", "level", "unknown_level"), ("?limit=0", "limit", "validation_failed"),
    ("?limit=1001", "limit", "validation_failed"), ("?since=yesterday", "since", "bad_timestamp"),
    ("?until=10000-01-01T00:00:00Z", "until", "bad_timestamp"), ("?cursor=nonsense", "cursor", "bad_cursor"),
    ("?cursor=LTEuMS4x", "cursor", "bad_cursor"), ("?q=%00", "q", "nul_character"),
    ("?service=a%00b", "service", "nul_character"),
])
async def test_wrong_parameters_are_named(api: Api, key: dict[str, str], query: str, field: str,
                                          code: str) -> None:
    answer = await api.client.get(f"/logs{query}", headers=key)
    assert (answer.status_code, answer.json()["code"]) == (422, code), answer.text
    assert [problem["field"] for problem in answer.json()["errors"]] == [field]


async def test_a_stranger_sees_nothing(api: Api, key: dict[str, str]) -> None:
    await fill(api, key)
    stranger = await api.key(await api.register("stranger@example.com"))
    assert (await api.client.get("/logs", headers=stranger)).json() == {"logs": [], "next_cursor": None}
