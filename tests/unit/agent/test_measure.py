"""Measurements of this very machine, and probes of real listeners."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from sra_agent.config import Probe
from sra_agent.measure import Point, point
from sra_agent.measure.gather import Gather
from sra_agent.measure.host import Host
from sra_agent.measure.listeners import AGAIN, LOOK, Listeners
from sra_agent.measure.probes import ask, watch
from sra_agent.measure.processes import Processes
from sra_agent.spool import Spool


def test_the_host_is_measured() -> None:
    points = Host().collect(1_795_000_000.0)
    names = {p["name"] for p in points}
    assert names == {
        "system.cpu_percent",
        "system.load1",
        "system.load1_per_core",
        "system.memory_percent",
        "system.swap_percent",
        "system.network_bytes_sent",
        "system.network_bytes_recv",
    }
    (memory,) = [p["value"] for p in points if p["name"] == "system.memory_percent"]
    assert abs(memory - psutil.virtual_memory().percent) < 10
    assert all(p["timestamp"].year == 2026 for p in points)


def test_the_busiest_process_is_found() -> None:
    processes = Processes(top=3)
    processes.collect(0.0)
    until = time.process_time() + 0.3
    while time.process_time() < until:
        pass
    points = processes.collect(0.0)
    mine = psutil.Process(os.getpid()).name()
    assert any(
        p["name"] == "process.cpu_percent" and p["tags"]["process"] == mine and p["value"] > 5 for p in points
    )
    assert sum(p["name"] == "process.memory_bytes" for p in points) == 3


_SERVE = """
import socket, time
server = socket.create_server(("127.0.0.1", 0))
print(server.getsockname()[1], flush=True)
time.sleep(60)
"""


def test_a_program_that_listens_is_told_once_and_again_after_a_while(tmp_path: Path) -> None:
    at = [0.0]
    with subprocess.Popen([sys.executable, "-c", _SERVE], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        place = f"127.0.0.1:{int(server.stdout.readline())}"
        (tmp_path / str(server.pid)).mkdir()
        group = "0::/system.slice/system-db.slice/db@15-main.service\n"
        (tmp_path / str(server.pid) / "cgroup").write_text(group)
        listeners = Listeners(clock=lambda: at[0], proc=tmp_path)

        def told() -> list[dict[str, str]]:
            return [p["tags"] for p in listeners.collect(0.0) if p["tags"]["place"] == place]

        program = psutil.Process(server.pid).name()
        assert told() == [{"place": place, "program": program, "systemd": "db"}]
        at[0] = LOOK
        assert told() == [], "it is known already"
        at[0] = AGAIN
        assert len(told()) == 1
        server.kill()
    at[0] += AGAIN
    assert told() == []


async def listener(answer: bytes | None) -> tuple[asyncio.Server, int]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if answer is not None:
            await reader.readline()
            writer.write(answer)
            await writer.drain()
        else:
            await reader.read()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    return server, server.sockets[0].getsockname()[1]


@pytest.mark.parametrize(
    ("answer", "trouble"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\n", None),
        (b"HTTP/1.1 302 Found\r\n\r\n", None),
        (b"HTTP/1.1 503 No\r\n\r\n", "status 503"),
        (b"SSH-2.0\r\n", "not HTTP"),
        (b"", "not HTTP"),
        (None, "no answer"),
    ],
)
async def test_http_probes(answer: bytes | None, trouble: str | None) -> None:
    server, port = await listener(answer)
    probe = Probe(name="p", service="s", http=f"http://127.0.0.1:{port}/health?x=1", timeout=0.3)
    said = await ask(probe)
    assert said is None if trouble is None else trouble in str(said)
    server.close()
    await server.wait_closed()
    assert "refused" in str(await ask(probe)).lower()


async def test_tcp_probes() -> None:
    server, port = await listener(b"x")
    probe = Probe(name="p", service="s", tcp=f"127.0.0.1:{port}", timeout=0.5)
    assert await ask(probe) is None
    server.close()
    await server.wait_closed()
    assert "refused" in str(await ask(probe)).lower()


async def test_a_probe_tells_up_and_seconds_for_its_service() -> None:
    server, port = await listener(b"x")
    points: list[Point] = []
    stop = asyncio.Event()
    probe = Probe(name="p", service="shop", tcp=f"127.0.0.1:{port}", seconds=0.5)
    task = asyncio.create_task(watch(probe, points.extend, stop))
    await asyncio.sleep(0.2)
    server.close()
    await server.wait_closed()
    await asyncio.sleep(0.6)
    stop.set()
    await task
    ups = [p for p in points if p["name"] == "probe.up"]
    assert [p["value"] for p in ups] == [1.0, 0.0]
    assert ups[0]["service"] == "shop" and ups[0]["tags"] == {"probe": "p", "target": f"127.0.0.1:{port}"}
    assert sum(p["name"] == "probe.seconds" for p in points) == 2


async def test_an_answer_that_is_an_error_tells_its_status_before_that_the_check_failed() -> None:
    server, port = await listener(b"HTTP/1.1 500 Oops\r\n\r\n")
    points: list[Point] = []
    stop = asyncio.Event()
    probe = Probe(name="p", service="shop", http=f"http://127.0.0.1:{port}/", seconds=0.5)
    task = asyncio.create_task(watch(probe, points.extend, stop))
    await asyncio.sleep(0.2)
    server.close()
    await server.wait_closed()
    await asyncio.sleep(0.6)
    stop.set()
    await task
    assert [(p["name"], p["value"]) for p in points if p["name"] != "probe.seconds"] == [
        ("probe.status", 500.0), ("probe.up", 0.0), ("probe.status", 0.0), ("probe.up", 0.0)]


class Broken:
    def collect(self, now: float) -> list[Point]:
        raise RuntimeError("no such sensor")


class Steady:
    def collect(self, now: float) -> list[Point]:
        return [point("steady", 1.0, now)]


def test_points_that_find_no_room_are_counted(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    spool = Spool.open(tmp_path, host="h", cap=1000)
    gather = Gather(spool, (Broken(), Steady()), seconds=10.0)
    for _ in range(50):
        gather.collect()
        gather.flush()
    said = spool.counters()
    assert said["dropped"]["spool_full"] > 30 and said["written"] == 50
    assert said["written"] == said["spooled"] + said["dropped"]["spool_full"]
    assert len(caplog.records) == 1 and gather.problems() == ["Broken: cannot be measured"]
    spool.close()


def test_the_loop_measures_and_ends(tmp_path: Path) -> None:
    spool = Spool.open(tmp_path, host="h", cap=1_000_000)
    gather = Gather(spool, (Steady(),), seconds=0.2)
    stop = threading.Event()
    thread = threading.Thread(target=gather.run, args=(stop,))
    thread.start()
    time.sleep(1.0)
    gather.keep([point("probe.up", 1.0, 0.0)])
    stop.set()
    thread.join(3)
    assert not thread.is_alive() and 4 <= spool.counters()["written"] <= 8
    spool.close()
