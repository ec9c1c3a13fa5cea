"""/lessons over HTTP: a false alarm teaches, the incident and the list say so, and it can be forgotten."""

from __future__ import annotations

import asyncio

from .conftest import Api
from .test_incidents import fail, failures


async def test_a_false_alarm_teaches_visibly_and_reversibly(api: Api, key: dict[str, str]) -> None:
    incident = await fail(api, key)
    words = {"false_alarm": True, "why": "the import does that"}
    closed = await api.client.post(f"/incidents/{incident['id']}/close", headers=key, json=words)
    assert closed.json()["status"] == "closed"
    [lesson] = (await api.client.get("/lessons", headers=key)).json()
    assert (lesson["sign"], lesson["service"]) == ("the database cannot be reached", "checkout")
    assert (lesson["factor"], lesson["alarms"], lesson["held"]) == (2, 1, 0)
    assert lesson["needs_records"] == 2 * incident["signals"]  # it was critical, so little more is asked
    assert 300 <= lesson["needs_seconds"] < 400
    assert (lesson["incident_id"], lesson["why"]) == (incident["id"], "the import does that")
    detail = (await api.client.get(f"/incidents/{incident['id']}", headers=key)).json()
    assert detail["lessons"] == [lesson]
    assert f"closed {incident['id']} as a false alarm" in lesson["needs"]
    assert "false alarm: the import does that" in detail["timeline"][-1]["text"]

    await api.client.post(
        "/ingest/logs",
        headers=key,
        json={
            "service": "checkout",
            "host": "checkout",
            "logs": failures("checkout", 15, 10, 5),
        },
    )
    async with asyncio.timeout(10):
        while not (await api.client.get("/lessons", headers=key)).json()[0]["held"]:
            await asyncio.sleep(0.05)
    assert (await api.client.get("/incidents", headers=key, params={"status": "active"})).json() == []

    gone = await api.client.delete(f"/lessons/{lesson['id']}", headers=key)
    assert gone.json()["id"] == lesson["id"]
    assert (await api.client.get("/lessons", headers=key)).json() == []
    assert (await fail_again(api, key))["status"] == "open"


async def test_what_a_forgotten_lesson_held_is_told_within_seconds_though_nothing_comes(
    api: Api, key: dict[str, str]
) -> None:
    incident = await fail(api, key)
    words = {"false_alarm": True, "why": "the import does that"}
    await api.client.post(f"/incidents/{incident['id']}/close", headers=key, json=words)
    lines = failures("checkout", 5, 3)
    body = {"service": "checkout", "host": "checkout", "logs": lines}
    await api.client.post("/ingest/logs", headers=key, json=body)
    async with asyncio.timeout(10):
        while not (await api.client.get("/lessons", headers=key)).json()[0]["held"]:
            await asyncio.sleep(0.05)
    await asyncio.sleep(2.5)  # time passes, and it is held
    active = {"status": "active"}
    assert (await api.client.get("/incidents", headers=key, params=active)).json() == []
    await api.client.delete(f"/incidents/{incident['id']}/lessons", headers=key)
    async with asyncio.timeout(8):
        while not (found := (await api.client.get("/incidents", headers=key, params=active)).json()):
            await asyncio.sleep(0.05)
    [told] = found
    assert (told["service"], told["signals"]) == ("checkout", len(lines))


async def fail_again(api: Api, key: dict[str, str]) -> dict:
    await api.client.post(
        "/ingest/logs",
        headers=key,
        json={
            "service": "checkout",
            "host": "checkout",
            "logs": failures("checkout", 0),
        },
    )
    async with asyncio.timeout(10):
        while not (
            found := (await api.client.get("/incidents", headers=key, params={"status": "active"})).json()
        ):
            await asyncio.sleep(0.05)
    return found[0]


async def test_what_was_closed_without_saying_more_can_be_called_a_false_alarm_later_once(
    api: Api, key: dict[str, str]
) -> None:
    incident = await fail(api, key)
    path = f"/incidents/{incident['id']}"
    await api.client.post(f"{path}/close", headers=key)
    assert (await api.client.get("/lessons", headers=key)).json() == []
    closed = (await api.client.get(path, headers=key)).json()
    assert (await api.client.post(f"{path}/close", headers=key)).status_code == 409

    words = {"false_alarm": True, "why": "a drill"}
    for _ in range(3):
        answer = await api.client.post(f"{path}/close", headers=key, json=words)
        assert (answer.status_code, answer.json()["status"]) == (200, "closed")
    [lesson] = (await api.client.get("/lessons", headers=key)).json()
    assert (lesson["alarms"], lesson["incident_id"], lesson["why"]) == (1, incident["id"], "a drill")
    detail = (await api.client.get(path, headers=key)).json()
    assert detail["closed_at"] == closed["closed_at"]
    told = [event["text"] for event in detail["timeline"] if event["kind"] == "taught"]
    assert len(told) == 1 and told[0].endswith("as a false alarm: a drill")

    # wider is another lesson; what is forgotten can be taught again, and both stand in the timeline
    await api.client.post(f"{path}/close", headers=key, json={"false_alarm": True, "everywhere": True})
    assert len((await api.client.get("/lessons", headers=key)).json()) == 2
    assert len((await api.client.delete(f"{path}/lessons", headers=key)).json()) == 2
    detail = (await api.client.get(path, headers=key)).json()
    assert (detail["timeline"][-1]["kind"], detail["lessons"]) == ("forgotten", [])
    assert lesson["id"] in detail["timeline"][-1]["text"]
    await api.client.post(f"{path}/close", headers=key, json=words)
    assert [one["alarms"] for one in (await api.client.get("/lessons", headers=key)).json()] == [1]


async def test_all_lessons_of_an_incident_go_at_once_or_none_does(api: Api, key: dict[str, str]) -> None:
    """With a second lesson that cannot be deleted, the first stays, too."""
    incident = await fail(api, key)
    await api.client.post(f"/incidents/{incident['id']}/close", headers=key, json={"false_alarm": True})
    for id_, of in (("les_9", incident["id"]), ("les_other", "inc_other")):
        api.sql(
            "INSERT INTO lessons SELECT account_id, ?, ? || fingerprint, title, cls, severity, count, "
            "alarms, ?, why, taught_by, taught_at, held, held_at, lasted FROM lessons "
            "WHERE id NOT IN ('les_9')",
            id_,
            id_,
            of,
        )
    api.sql(
        "CREATE TRIGGER held BEFORE DELETE ON lessons WHEN old.id = 'les_9' "
        "BEGIN SELECT raise(ABORT, 'held'); END"
    )
    path = f"/incidents/{incident['id']}/lessons"
    assert (await api.client.delete(path, headers=key)).status_code in (500, 503)
    assert len((await api.client.get("/lessons", headers=key)).json()) == 3
    api.sql("DROP TRIGGER held")
    gone = await api.client.delete(path, headers=key)
    assert gone.status_code == 200 and {one["incident_id"] for one in gone.json()} == {incident["id"]}
    assert len(gone.json()) == 2
    assert [one["id"] for one in (await api.client.get("/lessons", headers=key)).json()] == ["les_other"]
    again = await api.client.delete(path, headers=key)
    assert (again.status_code, again.json()["code"]) == (404, "lesson_not_found")


async def test_no_such_lesson(api: Api, key: dict[str, str]) -> None:
    answer = await api.client.delete("/lessons/les_0", headers=key)
    assert (answer.status_code, answer.json()["code"]) == (404, "lesson_not_found")
