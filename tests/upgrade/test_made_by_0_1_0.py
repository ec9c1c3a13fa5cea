"""What version 0.1.0 left is found and finished: rows, incident, remedy, and the spool's lines once."""
from __future__ import annotations

import asyncio
import json
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from sra_agent import Agent, AgentConfig
from sra_sdk.api import AsyncClient
from sra_sdk.errors import ServerAnswered
from sra_server.app import serving
from sra_server.config import ServerConfig

SCRIPT = Path(__file__).with_name("make_v0_1_0.py")


@pytest.mark.timeout(120)
async def test_an_old_database_and_spool_go_on(tmp_path: Path) -> None:
    folder = tmp_path / "old"
    made = await asyncio.to_thread(subprocess.run, [sys.executable, str(SCRIPT), str(folder)],
                                   capture_output=True, text=True, timeout=90)
    assert made.returncode == 0, made.stderr
    facts = json.loads((folder / "facts.json").read_text())
    async with serving(ServerConfig(port=0, data_dir=folder / "server")) as url:
        async with AsyncClient(url) as nobody:
            token = (await nobody.login(facts["email"], facts["password"])).access_token
        async with AsyncClient(url, token=token) as sra:
            assert (await sra.incident(facts["incident"])).class_ == facts["incident_class"]
            closed = await sra.incident(facts["closed_incident"])
            assert (closed.status, closed.resolution_summary) == ("closed", "made room")
            simulated = await sra.remedy(facts["remedy_simulated"])
            assert (simulated.status, simulated.plan is not None) == ("simulated", True)
            assert (await sra.remedy(facts["remedy_waiting"])).action == "restart_service"
        async with AsyncClient(url, api_key=facts["revoked_key"]) as gone:
            with pytest.raises(ServerAnswered, match="revoked"):
                await gone.incidents()
        async with AsyncClient(url) as nobody:
            other = (await nobody.login(facts["other_email"], facts["password"])).access_token
        async with AsyncClient(url, token=other) as sra:
            assert [record.message for record in (await sra.logs()).logs] == ["of the other account"]
        async with Agent(AgentConfig(server=url, key=facts["key"], host=facts["host"], executor="off",
                                     state_dir=str(folder / "agent"), metrics_seconds=0.0)) as agent:
            for _ in range(150):
                if agent.counters()["spooled"] == 0:
                    break
                await asyncio.sleep(0.1)
    with sqlite3.connect(folder / "server" / "sra.db") as database:
        rows = database.execute("SELECT message FROM records WHERE message LIKE 'line %'").fetchall()
        points = database.execute("SELECT count(*) FROM points WHERE name LIKE 'system.%'").fetchone()[0]
    assert points > 0
    expected = facts["lines_stored"] + facts["lines_spooled"]
    assert sorted(int(row[0].split()[1]) for row in rows) == list(range(expected))
