"""/autoheal, /remedies, /agent and /hosts over HTTP, with a host played by a script."""
from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from sra_server import app
from sra_server.api import agent
from sra_server.config import ServerConfig
from tests.fakes.host import ScriptedHost

from .conftest import Api


@pytest.fixture
async def host(api: Api, key: dict[str, str]) -> ScriptedHost:
    """web-1, announced; it speaks with the account's key."""
    api.client.headers.update(key)
    played = ScriptedHost(api.client)
    await played.announce()
    return played


async def asked(api: Api, **body: Any) -> dict[str, Any]:
    answer = await api.client.post("/autoheal/restart_service", json=body)
    assert answer.status_code == 202, answer.text
    return answer.json()


async def planned(api: Api, host: ScriptedHost) -> dict[str, Any]:
    """Return a remedy whose plan waits: asked for, and its approval taken back by a change of plan."""
    remedy = await asked(api)
    [task] = await host.poll()
    await host.plan(task)
    [task] = await host.poll()
    assert task["kind"] == "execute"
    await host.say(task, "refused", {"code": "plan_changed", "reason": "replaced"})
    host.digest = "digest-2"
    [task] = await host.poll()
    await host.plan(task)
    shown = (await api.client.get(f"/remedies/{remedy['id']}")).json()
    assert shown["status"] == "planned"
    return shown


async def test_hosts_show_what_they_offer(api: Api, host: ScriptedHost) -> None:
    [shown] = (await api.client.get("/hosts")).json()
    assert (shown["host"], shown["online"]) == ("web-1", True)
    assert shown["inventory"] == [{"service": "checkout", "action": "restart_service", "platform": "command",
                                   "mode": "live"}]
    assert (await api.client.get("/hosts/web-1")).json() == shown
    missing = await api.client.get("/hosts/web-9")
    assert (missing.status_code, missing.json()["code"]) == (404, "host_not_found")
    actions = {action["name"]: action for action in (await api.client.get("/autoheal/actions")).json()}
    assert len(actions) == 7
    assert actions["restart_service"]["targets"][0]["host"] == "web-1"
    assert actions["flush_cache"]["configured"] is False


@pytest.mark.parametrize(("path", "body", "status", "code"), [
    ("explode", {}, 404, "unknown_action"),
    ("flush", {}, 409, "no_target"),
    ("restart", {"service": "cart"}, 409, "no_target"),
    ("restart", {"host": "web-9"}, 409, "no_target"),
    ("restart", {"incident_id": "inc_none"}, 404, "incident_not_found"),
    ("restart", {"wait": 61}, 422, "validation_failed"),
    ("restart", {"parameters": {"force": True}}, 422, "unknown_parameters"),
    ("flush", {"parameters": {"keys": "*"}}, 422, "unknown_parameters"),
])
async def test_what_cannot_be_done_says_why(api: Api, host: ScriptedHost, path: str, body: dict[str, Any],
                                            status: int, code: str) -> None:
    answer = await api.client.post(f"/autoheal/{path}", json=body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert (await api.client.get("/remedies")).json() == []


async def test_several_hosts_are_listed(api: Api, host: ScriptedHost) -> None:
    await ScriptedHost(api.client, name="web-2").announce()
    answer = await api.client.post("/autoheal/restart", json={"service": "checkout"})
    assert (answer.status_code, answer.json()["code"]) == (409, "ambiguous_target")
    assert "checkout on web-1, checkout on web-2" in answer.json()["detail"]


async def test_the_switch_is_no_action(api: Api, host: ScriptedHost) -> None:
    assert (await api.client.get("/autoheal/dry-run")).json() == {"dry_run": True, "source": "default"}
    for query, body, on in (
        ("", {"enabled": False}, False),
        ("", None, True),
        ("?enabled=false", None, False),
        ("?enabled=true", None, True),
    ):
        answer = await api.client.post(f"/autoheal/dry-run{query}", json=body)
        assert answer.json() == {"dry_run": on, "source": "account"}
    assert (await api.client.get("/autoheal/dry-run")).json() == {"dry_run": True, "source": "account"}


async def test_doing_waits_for_the_end(api: Api, host: ScriptedHost) -> None:
    await api.client.post("/autoheal/dry-run?enabled=false")
    serving = asyncio.create_task(host.serve())
    try:
        answer = await api.client.post("/autoheal/restart", json={"wait": 15})
        assert answer.status_code == 200
        ended = answer.json()
        assert (ended["status"], ended["outcome"]["verdict"]) == ("succeeded", "recovered")
        assert ended["approved_by"]
    finally:
        serving.cancel()


async def test_the_same_act_is_not_begun_twice(api: Api, host: ScriptedHost) -> None:
    answers = await asyncio.gather(*(api.client.post("/autoheal/restart", json={}) for _ in range(10)))
    assert sorted(answer.status_code for answer in answers) == [202] + [409] * 9
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} == {"already_running"}
    assert len((await api.client.get("/remedies")).json()) == 1


async def test_a_plan_is_asked_for_once_in_a_while_and_after_a_restart(api: Api, host: ScriptedHost) -> None:
    remedy = await asked(api)
    assert remedy["reason"].startswith("asking web-1 for its plan")
    [task] = await host.poll(0)
    assert await host.poll(0) == []
    await host.announce()
    [again] = await host.poll(0)
    assert again == task


async def test_a_server_does_not_remember_what_another_in_its_process_asked(tmp_path: Path) -> None:
    config = ServerConfig(port=0, data_dir=tmp_path / "data")
    for told in range(2):
        async with app.serving(config) as url, httpx.AsyncClient(base_url=url, timeout=30) as client:
            if not told:
                other = Api(client, tmp_path / "data" / "sra.db")
                client.headers.update(await other.key(await other.register()))
                headers = client.headers
                await ScriptedHost(client).announce()
                await asked(other)
            client.headers = headers
            assert len(await ScriptedHost(client).poll(0)) == 1


async def test_two_pollers_get_one_execution(api: Api, host: ScriptedHost) -> None:
    await asked(api)
    [task] = await host.poll()
    polls = [asyncio.create_task(host.poll(1)) for _ in range(6)]
    await asyncio.sleep(0.1)
    await host.plan(task)
    found = [task for tasks in await asyncio.gather(*polls) for task in tasks]
    assert [task["kind"] for task in found] == ["execute"]
    assert (await api.client.get("/remedies")).json()[0]["status"] == "leased"


async def test_a_stale_token_and_a_repeated_outcome(api: Api, host: ScriptedHost) -> None:
    await asked(api)
    [plan] = await host.poll()
    await host.plan(plan)
    [execute] = await host.poll()
    stale = await host.say(plan, "outcome", {"status": "succeeded"})
    assert (stale.status_code, stale.json()["code"]) == (409, "stale_token")
    await host.act(execute)
    for _ in range(3):
        again = await host.say(execute, "outcome", {"status": "failed", "reason": "x",
                                                    "finished_at": "2027-01-15T08:00:00Z"})
        assert (again.status_code, again.json()["status"]) == (200, "unchanged")
    assert (await api.client.get("/remedies")).json()[0]["status"] == "simulated"


async def test_a_changed_plan_is_shown_and_approved_once(api: Api, host: ScriptedHost) -> None:
    shown = await planned(api, host)
    assert "has changed since it was approved" in shown["plan"]["warnings"][0]
    answers = await asyncio.gather(*(api.client.post(f"/remedies/{shown['id']}/approve",
                                                     json={"digest": "digest-2"}) for _ in range(20)))
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 19


async def test_an_expired_plan_is_asked_for_anew(api: Api, host: ScriptedHost) -> None:
    shown = await planned(api, host)
    api.sql("UPDATE remedies SET updated_at = updated_at - 660000000")
    answer = await api.client.post(f"/remedies/{shown['id']}/approve", json={"digest": "digest-2"})
    assert (answer.status_code, answer.json()["status"]) == (202, "proposed")
    [task] = await host.poll()
    host.digest = "digest-3"
    await host.plan(task)
    back = (await api.client.get(f"/remedies/{shown['id']}")).json()
    assert (back["status"], back["approved_by"], back["plan"]["digest"]) == ("planned", None, "digest-3")


async def test_reject_and_cancel(api: Api, host: ScriptedHost) -> None:
    shown = await planned(api, host)
    rejected = await api.client.post(f"/remedies/{shown['id']}/reject", json={"reason": "not now"})
    assert (rejected.json()["status"], rejected.json()["reason"]) == ("rejected", "not now")
    assert (await api.client.post(f"/remedies/{shown['id']}/approve")).json()["code"] == "already_decided"
    remedy = await asked(api)
    assert (await api.client.post(f"/remedies/{remedy['id']}/cancel")).json()["status"] == "cancelled"
    assert await host.poll(0) == []
    assert [r["status"] for r in (await api.client.get("/remedies?status=cancelled,rejected")).json()] == [
        "cancelled", "rejected"]


async def test_an_outage_of_the_host_is_said(api: Api, host: ScriptedHost) -> None:
    remedy = await asked(api)
    api.sql("UPDATE remedies SET updated_at = updated_at - 25000000")
    shown = (await api.client.get(f"/remedies/{remedy['id']}")).json()
    assert shown["reason"].startswith("web-1 does not answer")


async def test_a_revoked_key_ends_its_poll(api: Api, session: dict[str, str], host: ScriptedHost,
                                           monkeypatch: pytest.MonkeyPatch) -> None:
    assert agent.LOOK <= 5
    monkeypatch.setattr(agent, "LOOK", 0.5)
    made = await api.key(session, scopes=["ingest"])
    poll = asyncio.create_task(api.client.get("/agent/tasks?host=web-1&wait=30", headers=made, timeout=40))
    await asyncio.sleep(0.2)
    began = time.monotonic()
    await api.client.delete(f"/api-keys/{made['X-API-Key'][:16]}", headers=session)
    answer = await poll
    assert (answer.status_code, answer.json()["code"]) == (401, "revoked_key")
    assert time.monotonic() - began <= 3


async def test_a_host_that_is_not_known_is_told_to_announce_itself(api: Api, key: dict[str, str]) -> None:
    answer = await api.client.get("/agent/tasks?host=web-7&wait=0", headers=key)
    assert (answer.status_code, answer.json()["code"]) == (404, "host_not_found")


async def test_a_head_request_takes_no_task(api: Api, host: ScriptedHost) -> None:
    await asked(api)
    await api.client.head("/agent/tasks?host=web-1&wait=0")
    assert len(await host.poll(0)) == 1


async def test_a_stranger_reaches_neither_remedy_nor_task(api: Api, host: ScriptedHost) -> None:
    remedy = await asked(api)
    [task] = await host.poll(0)
    api.client.headers.update(await api.key(await api.register("eve@example.com")))
    for path in ("", "/approve", "/reject", "/cancel"):
        method = "POST" if path else "GET"
        answers = [await api.client.request(method, f"/remedies/{name}{path}")
                   for name in (remedy["id"], "rem_000000000000")]
        assert [answer.status_code for answer in answers] == [404, 404]
        assert answers[0].text.replace(remedy["id"], "rem_000000000000") == answers[1].text
    assert (await host.say(task, "refused", {})).status_code == 404
    await host.announce()
    assert await host.poll(0) == []
    assert (await api.client.post("/autoheal/restart", json={"incident_id": "inc_1"})).status_code == 404


async def test_an_approval_without_the_plan_that_was_read_is_none(api: Api, host: ScriptedHost) -> None:
    shown = await planned(api, host)
    for body in (None, {}, {"digest": None}):
        answer = await api.client.post(f"/remedies/{shown['id']}/approve", json=body)
        assert (answer.status_code, answer.json()["code"]) == (422, "digest_required")
        assert answer.json()["hint"]
    assert (await api.client.get(f"/remedies/{shown['id']}")).json()["status"] == "planned"
