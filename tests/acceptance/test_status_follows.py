"""After an injected database failure the three monitors name the incident, and clear after recovery."""
from __future__ import annotations

import asyncio
from pathlib import Path

import httpx

from sra_server.app import serving
from tests.fakes.host import ScriptedHost
from tests.flow.conftest import settings, signed_in
from tests.flow.test_loop import fail, until


async def test_the_monitors_name_the_incident_and_clear(tmp_path: Path) -> None:
    async with serving(settings(tmp_path, quiet_seconds=2.0)) as url, signed_in(url) as http:
        assert (await http.get("/status")).json()["status"] == "operational"
        assert (await http.get("/anomaly/status")).json()["anomaly_detected"] is False
        assert (await http.get("/stability/check")).json()["is_stable"] is True

        await fail(http)
        status = await until(http, "/status", lambda s: s["active_incident"] and s)
        incident = status["active_incident"]
        assert status["status"] in ("degraded", "critical")
        assert status["stability_trend"] == "unstable"
        assert [i["id"] for i in status["incidents"]] == [incident]
        anomaly = (await http.get("/anomaly/status")).json()
        assert (anomaly["anomaly_detected"], anomaly["incident_id"]) == (True, incident)
        assert (anomaly["anomaly_type"], anomaly["confidence"] > 0) == ("database_failure", True)
        stability = (await http.get("/stability/check")).json()
        assert stability["is_stable"] is False
        assert stability["logs_ok"] is False
        assert stability["metrics_ok"] is True
        assert incident in stability["details"]

        life = asyncio.create_task(_live(http))
        try:
            clear = await until(http, "/status", lambda s: not s["active_incident"] and s, seconds=20)
        finally:
            life.cancel()
        assert clear["status"] == "operational"
        assert clear["stability_trend"] == "recovering"
        assert (await http.get("/anomaly/status")).json()["anomaly_detected"] is False
        stable = (await http.get("/stability/check")).json()
        assert (stable["is_stable"], stable["logs_ok"]) == (True, True)
        shown = (await http.get(f"/incidents/{incident}")).json()
        assert shown["status"] == "resolved"
        assert shown["resolution_summary"]


async def _live(http: httpx.AsyncClient) -> None:
    host = ScriptedHost(http)
    while True:
        await host.alive()
        await asyncio.sleep(0.3)
