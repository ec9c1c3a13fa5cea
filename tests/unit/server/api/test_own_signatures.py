"""A user's own signatures: the running server finds by them, and tells of files that it cannot use."""
from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Any

import httpx
import pytest

from sra_server.app import serving
from sra_server.config import ServerConfig

from .conftest import Api

PRESS = """
[[signature]]
name = "press_jammed"
class = "queue_backlog"
severity = "high"
title = "the press is jammed"
means = "the printing press stands still"
any = ["press jammed"]
examples = ["2024-03-05 10:00:00,123 ERROR press jammed"]
"""


async def test_the_server_finds_by_them_and_starts_without_a_bad_file(
        tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = tmp_path / "data" / "signatures.d"
    folder.mkdir(parents=True)
    (folder / "press.toml").write_text(PRESS)
    (folder / "bad.toml").write_text(PRESS.replace("queue_backlog", "jam"))
    config = ServerConfig(port=0, data_dir=tmp_path / "data")
    with caplog.at_level(logging.WARNING):
        async with serving(config) as url, httpx.AsyncClient(base_url=url, timeout=30) as client:
            api = Api(client, tmp_path / "data" / "sra.db")
            session = await api.register()
            key = await api.key(session)
            sent = {"logs": [{"level": "error", "message": "press jammed at roll 7", "service": "press"}]}
            assert (await client.post("/ingest/logs", headers=key, json=sent)).status_code == 200
            status: dict[str, Any] = {}
            async with asyncio.timeout(10):
                while not status.get("incidents"):
                    await asyncio.sleep(0.05)
                    status = (await client.get("/status", headers=session)).json()
    assert [each["class"] for each in status["incidents"]] == ["queue_backlog"]
    told = status["signature_problems"]
    assert len(told) == 1 and told[0].startswith("bad.toml: signature press_jammed: class is 'jam'")
    assert str(tmp_path) not in told[0]
    logged = [record.getMessage() for record in caplog.records if "own signatures" in record.getMessage()]
    assert len(logged) == 1 and str(folder) in logged[0] and "signature press_jammed: class" in logged[0]


async def test_the_server_goes_on_whatever_the_patterns_say(tmp_path: Path) -> None:
    folder = tmp_path / "data" / "signatures.d"
    folder.mkdir(parents=True)
    patterns = {"endless": "(a+)+$", "slow": "a.*a.*b"}
    for name, pattern in patterns.items():
        (folder / f"{name}.toml").write_text(
            PRESS.replace("press_jammed", name) + f"patterns = [['press', '{pattern}']]\n")
    async with serving(ServerConfig(port=0, data_dir=tmp_path / "data")) as url, \
            httpx.AsyncClient(base_url=url, timeout=5) as client:
        api = Api(client, tmp_path / "data" / "sra.db")
        session = await api.register()
        key = await api.key(session)
        sent = {"logs": [{"level": "error", "message": f"press {'a' * 15_000}", "service": "press"},
                         {"level": "error", "message": "press jammed", "service": "press"}]}
        assert (await client.post("/ingest/logs", headers=key, json=sent)).status_code == 200
        status: dict[str, Any] = {}
        async with asyncio.timeout(5):
            while not status.get("incidents"):
                await asyncio.sleep(0.05)
                status = (await client.get("/status", headers=session)).json()
    assert [each["class"] for each in status["incidents"]] == ["queue_backlog"]
    [told] = status["signature_problems"]
    assert told.startswith("endless.toml: signature endless: patterns could search one line for minutes")


def test_the_folder_is_the_one_given_else_the_one_in_the_data_folder(tmp_path: Path) -> None:
    assert ServerConfig(data_dir=tmp_path, signatures_dir=tmp_path / "x").signatures == tmp_path / "x"
    assert ServerConfig.load(environment={"SRA_SIGNATURES_DIR": "", "SRA_DATA_DIR": str(tmp_path)}
                             ).signatures in (None, Path("/etc/sra/signatures.d"))
    (tmp_path / "signatures.d").mkdir()
    assert ServerConfig(data_dir=tmp_path).signatures == tmp_path / "signatures.d"
