"""Killed with -9 at any moment after it took the lines in, the server opens one incident, once."""
from __future__ import annotations

import json
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import httpx

from tests.acceptance.serve import Served, served
from tests.fakes.host import ScriptedHost
from tests.flow.test_loop import crash

#: Seconds between the answer to the lines and the kill: before, in and after the round of detection.
MOMENTS = (0.0, 0.01, 0.05, 0.2)


async def test_one_incident_one_remedy_one_message(tmp_path: Path) -> None:
    environment = {"SRA_WEBHOOK_URL": "http://127.0.0.1:9/nobody", "SRA_QUIET_SECONDS": "600"}
    headers: dict[str, str] = {}
    for number, moment in enumerate(MOMENTS):
        with served(tmp_path, environment=environment) as server:
            async with httpx.AsyncClient(base_url=server.url, headers=headers, timeout=20) as http:
                if not number:
                    made = await http.post("/auth/register",
                                           json={"email": "a@example.com", "password": "long enough"})
                    headers["Authorization"] = f"Bearer {made.json()['access_token']}"
                    http.headers.update(headers)
                    await ScriptedHost(http).announce()
                await crash(http)
            time.sleep(moment)
            server.process.kill()
            server.process.wait()
    with served(tmp_path, environment=environment) as server:
        async with httpx.AsyncClient(base_url=server.url, headers=headers, timeout=20) as http:
            began = time.monotonic()
            while (await http.get("/status")).json()["detection_lag_batches"]:
                assert time.monotonic() - began < 10
                time.sleep(0.05)
            [incident] = (await http.get("/incidents")).json()
            detail = (await http.get(f"/incidents/{incident['id']}")).json()
        assert len(detail["remedies"]) == 1
        assert len(detail["evidence"]) == len({piece["id"] for piece in detail["evidence"]})
        assert [entry["kind"] for entry in detail["timeline"]].count("opened") == 1
        assert server.count("outbox") == 1
        assert server.count("batches") == len(MOMENTS)
        assert signals(server) == len(MOMENTS)


def signals(server: Served) -> int:
    """Return how many records stand behind the one case that detection remembers."""
    with closing(sqlite3.connect(f"file:{server.file}?mode=ro", uri=True)) as conn:
        [(state,)] = conn.execute("SELECT state FROM heads").fetchall()
    [case] = json.loads(state)["cases"].values()
    return int(case["count"])
