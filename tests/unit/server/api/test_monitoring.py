"""/health, /version and the monitors of an account without trouble."""
from __future__ import annotations

import asyncio
import time
from pathlib import Path

import httpx
import pytest

from sra_server import __version__
from sra_server.api import monitoring
from sra_server.api.monitoring import writable
from sra_server.app import serving
from sra_server.config import ServerConfig
from sra_server.store import Store
from tests.fakes.host import ScriptedHost

from .conftest import Api


async def test_health_and_version_need_nothing(api: Api) -> None:
    health = await api.client.get("/health")
    assert (health.status_code, health.json()["status"], health.json()["database"]) == (200, "healthy", "ok")
    assert (await api.client.get("/version")).json()["version"] == __version__


async def test_health_fails_while_the_database_cannot_be_written(tmp_path: Path,
                                                                 monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(monitoring, "PATIENCE", 0.2)
    store = await Store.open(f"sqlite:///{tmp_path}/data/sra.db")
    try:
        assert await writable(store, 10_000_000)
        async with store.writing():  # whoever holds the only writer for long makes it unhealthy
            assert await writable(store, 11_000_000)
            assert not await writable(store, 13_000_000)
        assert not await writable(store, 14_000_000)
        assert await writable(store, 16_000_000)
    finally:
        await store.close()


async def test_the_monitors_of_a_quiet_account(api: Api, key: dict[str, str]) -> None:
    api.client.headers.update(key)
    host = ScriptedHost(api.client)
    await host.announce()
    await host.alive()
    status = (await api.client.get("/status")).json()
    assert (status["status"], status["stability_trend"], status["dry_run"]) == ("operational", "stable", True)
    assert (status["hosts_online"], status["hosts_total"], status["records_stored"]) == (1, 1, 1)
    assert status["active_incident"] is None
    async with asyncio.timeout(5):
        while (await api.client.get("/status")).json()["detection_lag_batches"]:
            await asyncio.sleep(0.05)
    assert (await api.client.get("/status")).json()["series_unwatched"] == {}
    assert (await api.client.get("/anomaly/status")).json()["anomaly_detected"] is False
    stable = (await api.client.get("/stability/check")).json()
    assert (stable["is_stable"], stable["metrics_ok"], stable["logs_ok"]) == (True, True, True)


async def test_a_waiting_poll_does_not_delay_the_end_of_the_server(tmp_path: Path) -> None:
    async with httpx.AsyncClient(timeout=40) as client:
        async with serving(ServerConfig(port=0, data_dir=tmp_path)) as url:
            made = await client.post(f"{url}/auth/register",
                                     json={"email": "a@example.com", "password": "long enough"})
            client.headers["Authorization"] = f"Bearer {made.json()['access_token']}"
            client.base_url = httpx.URL(url)
            await ScriptedHost(client).announce()
            poll = asyncio.create_task(client.get("/agent/tasks?host=web-1&wait=30"))
            await asyncio.sleep(0.3)
            began = time.monotonic()
        assert time.monotonic() - began < 2.5
        assert (await poll).json() == {"tasks": []}
