"""One line to resolved, in one process: real store, server, worker and sender; a scripted host over HTTP."""
from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from sra_server.app import serving
from tests.fakes.host import ScriptedHost
from tests.fakes.receiver import receiving
from tests.flow.conftest import settings, signed_in

FAILURE = ("psycopg2.OperationalError: connection to server at \"db-1\" (10.0.0.5), port 5432 failed: "
           "Connection refused")


async def fail(http: httpx.AsyncClient, service: str = "checkout", host: str = "web-1") -> None:
    """Send what a service writes that lost its database."""
    now = datetime.now(UTC)  # for as long as no failover takes
    answer = await http.post("/ingest/logs", json={"service": service, "host": host, "logs": [
        {"level": "error", "message": FAILURE, "timestamp": (now - timedelta(seconds=8 - 2 * n)).isoformat()}
        for n in range(5)]})
    assert answer.status_code == 200, answer.text


async def crash(http: httpx.AsyncClient, service: str = "checkout", host: str = "web-1") -> None:
    """Send what systemd writes of a service that was killed, for which a restart is the cure."""
    text = f"{service}.service: Main process exited, code=killed, status=9/KILL"
    answer = await http.post("/ingest/logs", json={
        "service": service, "host": host, "logs": [{"level": "error", "message": text}]})
    assert answer.status_code == 200, answer.text


async def until(
    http: httpx.AsyncClient, path: str, holds: Callable[[Any], Any], seconds: float = 15.0
) -> Any:
    """Read a path until the answer holds; return what `holds` gave."""
    last: Any = None
    try:
        async with asyncio.timeout(seconds):
            while True:
                last = (await http.get(path)).json()
                found = holds(last)
                if found:
                    return found
                await asyncio.sleep(0.05)
    except TimeoutError:
        pytest.fail(f"{path} never became what was awaited; last: {last}")


def first(found: Any) -> Any:
    return found and found[0]


async def planned(http: httpx.AsyncClient) -> tuple[dict[str, Any], dict[str, Any]]:
    """Wait for the incident and its planned remedy."""
    incident = await until(http, "/incidents", first)
    remedy = await until(http, "/remedies?status=planned", first)
    return incident, remedy


@pytest.mark.parametrize("http", [60.0], indirect=True)  # mere quiet must not resolve it first
async def test_from_a_line_to_a_verified_repair(http: httpx.AsyncClient) -> None:
    host = ScriptedHost(http)
    await host.announce()
    assert (await http.post("/autoheal/dry-run", json={"enabled": False})).json()["dry_run"] is False
    serving_host = asyncio.create_task(host.serve())
    try:
        await crash(http)
        incident, remedy = await planned(http)
        assert incident["class"] == "service_crash"
        assert remedy["incident_id"] == incident["id"]
        assert remedy["plan"]["digest"] == "digest-1"

        wrong = await http.post(f"/remedies/{remedy['id']}/approve", json={"digest": "another"})
        assert (wrong.status_code, wrong.json()["code"]) == (409, "plan_changed")
        clicks = await asyncio.gather(*(http.post(f"/remedies/{remedy['id']}/approve",
                                                  json={"digest": "digest-1"}) for _ in range(10)))
        assert sorted(answer.status_code for answer in clicks) == [200] + [409] * 9

        detail = await until(http, f"/incidents/{incident['id']}", lambda d: d["status"] == "resolved" and d)
        ended = detail["remedies"][0]
        assert (ended["status"], ended["outcome"]["verdict"]) == ("succeeded", "recovered")
        assert [task["kind"] for task in host.tasks].count("execute") == 1
        kinds = [entry["kind"] for entry in detail["timeline"]]
        wanted = ["opened", "proposed", "planned", "approved", "leased", "executing", "verifying", "resolved"]
        assert [kind for kind in kinds if kind in wanted] == wanted
        assert "passed 3 times after" in detail["resolution_summary"]
        cited = {e for claim in detail["analysis"]["claims"] for e in claim["evidence"]}
        assert cited
        assert cited <= {piece["id"] for piece in detail["evidence"]}
        summary = (await http.get(f"/incidents/{incident['id']}/summary")).json()
        assert summary["root_cause"]
        assert [act["id"] for act in summary["actions_taken"]] == [remedy["id"]]
    finally:
        serving_host.cancel()


async def test_a_repair_that_does_not_help_goes_back_to_people(http: httpx.AsyncClient) -> None:
    host = ScriptedHost(http)
    await host.announce()
    await http.post("/autoheal/dry-run?enabled=false")
    serving_host = asyncio.create_task(host.serve(recovered=False))
    try:
        await crash(http)
        incident, remedy = await planned(http)
        await http.post(f"/remedies/{remedy['id']}/approve", json={"digest": remedy["plan"]["digest"]})
        judged = await until(http, f"/remedies/{remedy['id']}",
                             lambda r: (r["outcome"] or {}).get("verdict") and r)
        assert (judged["status"], judged["outcome"]["verdict"]) == ("failed", "ineffective")
        detail = (await http.get(f"/incidents/{incident['id']}")).json()
        assert detail["status"] == "investigating"
        assert "escalated" in [entry["kind"] for entry in detail["timeline"]]
    finally:
        serving_host.cancel()


async def test_dry_run_is_on_until_somebody_turns_it_off(http: httpx.AsyncClient) -> None:
    host = ScriptedHost(http)
    await host.announce()
    serving_host = asyncio.create_task(host.serve())
    try:
        answer = await http.post("/autoheal/restart", json={"service": "checkout", "wait": 10})
        assert (answer.status_code, answer.json()["status"]) == (200, "simulated")
        assert answer.json()["dry_run"] is True
        assert host.acts[0]["dry_run"] is True
    finally:
        serving_host.cancel()


async def test_both_channels_hear_of_it_and_a_lost_answer_repeats(tmp_path: Path) -> None:
    async with receiving() as slack, receiving() as hook:
        hook.answers = [(503, {"Retry-After": "0"}, 0.0)]
        config = settings(tmp_path, slack_webhook_url=slack.url, webhook_url=hook.url,
                          public_url="https://sra.example.com", quiet_seconds=600.0)
        async with serving(config) as url, signed_in(url) as http:
            host = ScriptedHost(http)
            await host.announce()
            await crash(http)
            [alert] = await slack.until(1)
            assert "asking web-1 for its plan" in str(alert["blocks"])
            assert "<!channel>" in alert["text"]
            lost, told = (await hook.until(2))[:2]
            assert lost == told
            assert told["event"] == "incident.opened"
            assert told["remedies"][0]["status"] == "proposed"
            assert told["link"] == f"https://sra.example.com/incidents/{told['incident']['id']}"
            assert len({headers["X-SRA-Delivery"] for headers, _ in hook.requests}) == 1
            await http.post(f"/incidents/{told['incident']['id']}/resolve", json={"summary": "replaced db-1"})
            over = (await slack.until(2))[1]
            assert "Resolved" in over["text"]
            assert "replaced db-1" in str(over["blocks"])
            assert (await hook.until(3))[2]["event"] == "incident.resolved"
