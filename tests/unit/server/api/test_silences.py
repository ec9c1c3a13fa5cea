"""/silences over HTTP: made, listed, ended, and what is wrong with a request."""

from __future__ import annotations

from typing import Any

import pytest

from sra_server.store import silences

from .conftest import Api
from .test_incidents import fail

HOUR = {"service": "checkout", "seconds": 3600, "why": "moving racks"}


async def test_made_listed_shown_on_the_incident_and_ended(api: Api, key: dict[str, str]) -> None:
    made = (await api.client.post("/silences", headers=key, json=HOUR)).json()
    assert (made["service"], made["host"], made["why"], made["until"]) == (
        "checkout",
        None,
        "moving racks",
        made["ends_at"],
    )
    incident = await fail(api, key)
    assert incident["silenced"] == {"id": made["id"], "why": "moving racks", "until": made["ends_at"]}
    assert [one["id"] for one in (await api.client.get("/silences", headers=key)).json()] == [made["id"]]
    ended = (await api.client.delete(f"/silences/{made['id']}", headers=key)).json()
    assert (ended["until"], ended["ended_by"] is not None) == (None, True)
    assert (await api.client.get("/silences", headers=key)).json() == []
    every = (await api.client.get("/silences", headers=key, params={"all": "true"})).json()
    assert [one["id"] for one in every] == [made["id"]]
    again = (await api.client.delete(f"/silences/{made['id']}", headers=key)).json()
    assert again["ends_at"] == ended["ends_at"]


async def test_a_window_recurs(api: Api, key: dict[str, str]) -> None:
    window = {"every": "sun", "at": "02:00", "seconds": 3600, "timezone": "Europe/Berlin"}
    made = (
        await api.client.post(
            "/silences", headers=key, json={"class": "disk_full", "window": window, "why": "backup"}
        )
    ).json()
    assert (made["window"], made["class"], made["ends_at"]) == (window, "disk_full", None)


@pytest.mark.parametrize(("every", "seconds"), [("day", 86_399), ("sun", 7 * 86_400 - 1)])
async def test_a_window_may_last_almost_until_the_next(
    api: Api, key: dict[str, str], every: str, seconds: int
) -> None:
    window = {"every": every, "at": "00:00", "seconds": seconds}
    wanted = {"class": "disk_full", "window": window, "why": "backup"}
    answer = await api.client.post("/silences", headers=key, json=wanted)
    assert answer.json()["window"]["seconds"] == seconds


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        ({"service": None}, "bad_silence", "service"),
        ({"seconds": None}, "bad_silence", "seconds"),
        ({"class": "no such class"}, "bad_silence", "class"),
        ({"why": ""}, "validation_failed", "why"),
        ({"seconds": 0}, "validation_failed", "seconds"),
        ({"starts_at": "2020-01-01T00:00:00Z"}, "bad_silence", "starts_at"),
        ({"starts_at": "2150-01-01T00:00:00Z"}, "bad_silence", "starts_at"),
        ({"window": {"every": "sun", "at": "2:00", "seconds": 60}}, "validation_failed", "window.at"),
        *(
            (
                {"window": {"every": every, "at": "00:00", "seconds": seconds}},
                "validation_failed",
                "window.seconds",
            )
            for every, seconds in (("day", 86_400), ("day", 2 * 86_400), ("sun", 7 * 86_400))
        ),
        (
            {"window": {"every": "sun", "at": "02:00", "seconds": 60, "timezone": "../etc/passwd"}},
            "bad_silence",
            "window.timezone",
        ),
        (
            {"window": {"every": "sun", "at": "02:00", "seconds": 60, "timezone": "Nowhere/Land"}},
            "bad_silence",
            "window.timezone",
        ),
    ],
)
async def test_what_cannot_be_meant_is_refused(
    api: Api, key: dict[str, str], change: dict[str, Any], code: str, field: str
) -> None:
    answer = await api.client.post("/silences", headers=key, json={**HOUR, **change})
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert answer.json()["errors"][0]["field"] == field
    assert answer.headers["content-type"].startswith("application/problem+json")


async def test_a_window_that_never_ends_is_refused_in_words(api: Api, key: dict[str, str]) -> None:
    window = {"every": "day", "at": "00:00", "seconds": 172_800}
    answer = await api.client.post("/silences", headers=key, json={**HOUR, "window": window})
    assert "shorter than 24 h" in answer.json()["errors"][0]["message"]


async def test_they_are_bounded(api: Api, key: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(silences, "LIMIT", 2)
    answers = [await api.client.post("/silences", headers=key, json=HOUR) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 409]
    assert answers[2].json()["code"] == "silence_limit"


async def test_no_such_silence(api: Api, key: dict[str, str]) -> None:
    answer = await api.client.delete("/silences/sil_0", headers=key)
    assert (answer.status_code, answer.json()["code"]) == (404, "silence_not_found")
