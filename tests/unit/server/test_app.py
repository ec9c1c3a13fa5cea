"""The server as a whole: starts, refuses to start twice, stops cleanly, and works on PostgreSQL, too."""
from __future__ import annotations

import asyncio
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from sra_sdk.errors import Refused, Unavailable
from sra_server import app
from sra_server.config import ServerConfig


async def test_the_main_flow_from_a_key_to_an_incident(database_url: str, tmp_path: Path) -> None:
    config = ServerConfig(port=0, data_dir=tmp_path / "d", database_url=database_url)
    async with app.serving(config) as url, httpx.AsyncClient(base_url=url) as client:
        answer = await client.post("/auth/register", json={"email": "a@b.c", "password": "long enough"})
        session = {"Authorization": f"Bearer {answer.json()['access_token']}"}
        made = await client.post("/api-keys", headers=session, json={"name": "k"})
        key = {"X-API-Key": made.json()["key"]}
        lines = [f"2026-01-02T03:04:0{i}Z ERROR could not connect to database: connection refused"
                 for i in range(6)]
        answer = await client.post("/ingest/logs/raw", headers=key, json={"logs": lines, "service": "shop"})
        assert answer.status_code == 200, answer.text
        async with asyncio.timeout(20):
            while not (found := (await client.get("/incidents", headers=key)).json()):
                await asyncio.sleep(0.05)
        assert found[0]["class"] == "database_failure"
        logs = (await client.get("/logs?q=REFUSED", headers=key)).json()["logs"]
        detail = (await client.get(f"/incidents/{found[0]['id']}", headers=key)).json()
        assert {one["id"] for one in detail["evidence"]} & {log["id"] for log in logs}


async def test_a_second_server_on_the_folder_is_refused(tmp_path: Path) -> None:
    config = ServerConfig(port=0, data_dir=tmp_path)
    async with app.serving(config):
        with pytest.raises(Refused, match="another SRA server"):
            async with app.serving(config):
                pass
        second = subprocess.run(
            [sys.executable, "-m", "sra_cli", "serve", "--port", "0", "--data-dir", tmp_path],
            capture_output=True, text=True, timeout=60, cwd=tmp_path)
    assert second.returncode == 1  # nothing was asked wrongly
    assert "another SRA server" in second.stderr and "Traceback" not in second.stderr
    async with app.serving(config):
        pass


def test_a_server_that_cannot_start_failed_or_was_asked_wrongly(tmp_path: Path) -> None:
    """The exit codes are those of every command: 1 and 2."""
    (tmp_path / "sra.toml").write_text("[service.a]\ndepends_on = ['b']\n")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        for options, code, said in (
            (("--port", str(taken.getsockname()[1])), 1, "end what listens there, or choose another --port"),
            (("--port", "0", "--host", "no.such.host.invalid"), 2, "choose another --host"),
            (("--port", "0", "--role", "api"), 2, "needs PostgreSQL"),
            (("--config", "sra.toml"), 2, "did you mean [services]?"),
        ):
            config = () if "--config" in options else ("--config", "/dev/null")
            words = ("serve", "--data-dir", tmp_path / "data", *options, *config)
            ran = subprocess.run(
                [sys.executable, "-m", "sra_cli", *words],
                capture_output=True, text=True, timeout=60, cwd=tmp_path)
            assert (ran.returncode, "Traceback" in ran.stderr) == (code, False), ran.stderr
            assert said in ran.stderr and ran.stderr.startswith("error: ")


async def test_a_port_in_use_is_named_and_the_folder_given_free(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        config = ServerConfig(port=taken.getsockname()[1], data_dir=tmp_path)
        with pytest.raises(Unavailable, match=f"cannot listen on 127.0.0.1:{config.port}"):
            async with app.serving(config):
                pass
    async with app.serving(ServerConfig(port=0, data_dir=tmp_path)):
        pass


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_says_where_it_listens_and_stops_on_a_signal(tmp_path: Path, number: signal.Signals) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "sra_cli", "serve", "--port", "0", "--data-dir", tmp_path / "data"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path)
    try:
        assert process.stdout is not None
        url = process.stdout.readline().split()[-1]
        assert httpx.get(f"{url}/health").json()["status"] == "healthy"
        started = time.monotonic()
        process.send_signal(number)
        _, errors = process.communicate(timeout=15)
        assert (process.returncode, errors) == (0, "")
        assert time.monotonic() - started < 8
    finally:
        process.kill()
        process.communicate()


SERVED = """
import asyncio, gc, os, signal, sys
from sra_server import app
from sra_server.config import ServerConfig

async def main():
    serving = asyncio.create_task(app._serve(ServerConfig(port=0, data_dir=sys.argv[1])))
    async with asyncio.timeout(60):
        while not gc.get_freeze_count() and not serving.done():
            await asyncio.sleep(0.05)
    frozen = gc.get_freeze_count()
    before = len(gc.get_objects())
    os.kill(os.getpid(), signal.SIGTERM)
    print("frozen", frozen, "looked at", before, "ended", await serving)

asyncio.run(main())
"""


def test_what_was_made_to_start_is_no_longer_looked_at_by_the_garbage_collection(tmp_path: Path) -> None:
    """Else each full collection holds every request up for as long as half a million objects take."""
    ran = subprocess.run([sys.executable, "-c", SERVED, str(tmp_path / "d")], capture_output=True, text=True,
                         timeout=120, check=False)
    assert ran.returncode == 0, ran.stderr
    words = ran.stdout.split()
    frozen, looked_at, ended = (int(words[words.index(name) + 1]) for name in ("frozen", "at", "ended"))
    assert ended == 0
    assert frozen > 50_000 and looked_at < frozen / 5, ran.stdout
