"""The whole shipper in this process, against a recording server."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sra_agent import Agent, AgentConfig, Probe, peer
from sra_agent.systemd import notify, watchdog_seconds
from sra_sdk.errors import BadInput

from .recorder import KEY, Recorder

ROOT = Path(__file__).resolve().parents[3]


def config(recorder: Recorder, folder: Path, **more: Any) -> AgentConfig:
    given: dict[str, Any] = {
        "server": recorder.url,
        "key": KEY,
        "host": "web-1",
        "files": (str(folder / "*.log"),),
        "state_dir": str(folder / "state"),
        "metrics_seconds": 0.0,
        "executor": "off",
        "poll_seconds": 0.05,
        "drain_seconds": 5.0,
    }
    return AgentConfig(**{**given, **more})


def write(folder: Path, start: int, end: int, name: str = "app.log") -> list[str]:
    lines = [f"line {n}" for n in range(start, end)]
    with (folder / name).open("a") as file:
        file.write("".join(line + "\n" for line in lines))
    return lines


async def until(holds: Callable[[], Any], seconds: float = 15.0) -> None:
    async with asyncio.timeout(seconds):
        while not holds():
            await asyncio.sleep(0.02)


def balanced(said: dict[str, Any]) -> bool:
    return bool(said["written"] == said["stored"] + sum(said["dropped"].values()) + said["spooled"])


async def test_lines_measures_and_probes_arrive(tmp_path: Path) -> None:
    with Recorder() as recorder:
        probe = Probe(name="p", service="shop", tcp="127.0.0.1:1", seconds=0.5)
        async with Agent(config(recorder, tmp_path, metrics_seconds=0.3, probes=(probe,))) as agent:
            expected = write(tmp_path, 0, 2000)
            await until(lambda: len(recorder.records) >= 1999)
            await until(lambda: {"system.cpu_percent", "probe.up"} <= {p["name"] for p in recorder.points})
            assert balanced(agent.counters())
            hello = recorder.hellos[0]
            assert hello["host"] == "web-1" and hello["boot_id"] and "host measurements" in hello["watches"]
        assert recorder.messages() == expected and balanced(agent.counters())
        assert agent.counters()["spooled"] == 0


async def test_what_is_written_just_before_the_end_is_sent(tmp_path: Path) -> None:
    with Recorder() as recorder:
        async with Agent(config(recorder, tmp_path)):
            await until(lambda: recorder.requests)
            await asyncio.sleep(0.2)
            expected = write(tmp_path, 0, 500)
        assert recorder.messages() == expected


async def test_old_lines_are_not_read_and_a_restart_continues(tmp_path: Path) -> None:
    write(tmp_path, 0, 10)
    with Recorder() as recorder:
        async with Agent(config(recorder, tmp_path)):
            pass
        expected = write(tmp_path, 10, 20)
        async with Agent(config(recorder, tmp_path)):
            await until(lambda: len(recorder.records) == 10)
        assert recorder.messages() == expected


async def test_a_stop_with_the_server_away_is_bounded_and_loses_nothing(tmp_path: Path) -> None:
    with Recorder() as recorder:
        async with Agent(config(recorder, tmp_path)):
            # A line that arrived shows that the server has said how far the files are stored; until it
            # has, an agent holds its place and spools nothing.
            first = write(tmp_path, 0, 1)
            await until(lambda: recorder.messages() == first)
        recorder.stop()
        began = asyncio.get_running_loop().time()
        async with Agent(config(recorder, tmp_path, drain_seconds=0.5)) as agent:
            expected = first + write(tmp_path, 1, 101)
            await until(lambda: agent.counters()["spooled"] == 100)
        assert asyncio.get_running_loop().time() - began < 8
        assert balanced(agent.counters()) and agent.counters()["spooled"] == 100
        recorder.start()
        async with Agent(config(recorder, tmp_path)):
            await until(lambda: len(recorder.records) == 101)
        assert recorder.messages() == expected


async def test_a_lost_state_directory_sends_nothing_twice(tmp_path: Path) -> None:
    with Recorder() as recorder:
        async with Agent(config(recorder, tmp_path, from_start=True)):
            expected = write(tmp_path, 0, 1000)
            await until(lambda: len(recorder.records) >= 999)
        for path in (tmp_path / "state").iterdir():
            if path.is_file():
                path.unlink()
        expected += write(tmp_path, 1000, 1500)
        async with Agent(config(recorder, tmp_path, from_start=True)) as agent:
            await until(lambda: len(recorder.records) >= 1499)
            await until(lambda: recorder.hellos[-1]["counters"]["lost_unknown"] == 1)
        async with Agent(config(recorder, tmp_path, from_start=True)) as agent:
            assert agent.counters()["spools_lost"] == 1  # known once, and not again at each start
        assert recorder.messages() == expected and len(recorder.seals) == 2


async def test_what_is_deleted_before_the_server_is_reached_is_not_lost(tmp_path: Path) -> None:
    with Recorder() as recorder:
        recorder.fault = lambda method, path, n: 503
        async with Agent(config(recorder, tmp_path)):
            expected = write(tmp_path, 0, 50)
            await asyncio.sleep(1.3)  # it is found within a second
            (tmp_path / "app.log").rename(tmp_path / "app.log.1")
            expected += write(tmp_path, 50, 100)
            await asyncio.sleep(1.3)
            (tmp_path / "app.log.1").unlink()
            recorder.fault = None
            await until(lambda: len(recorder.records) == 100)
        assert sorted(recorder.messages()) == sorted(expected)


async def test_an_old_copy_of_the_state_sends_nothing_twice(tmp_path: Path) -> None:
    state, copy = tmp_path / "state", tmp_path / "copy"
    with Recorder() as recorder:
        async with Agent(config(recorder, tmp_path, from_start=True)):
            expected = write(tmp_path, 0, 100)
            await until(lambda: len(recorder.records) >= 99)
        shutil.copytree(state, copy)
        async with Agent(config(recorder, tmp_path)):
            expected += write(tmp_path, 100, 300)
            await until(lambda: len(recorder.records) >= 299)
        shutil.rmtree(state)
        shutil.copytree(copy, state)
        expected += write(tmp_path, 300, 350)
        async with Agent(config(recorder, tmp_path)) as agent:
            await until(lambda: len(recorder.records) >= 349)
            assert agent.counters()["spools_lost"] == 1
        assert recorder.messages() == expected


async def test_a_copy_of_a_state_that_has_sent_nothing_yet_sends_nothing_twice(tmp_path: Path) -> None:
    state, copy, log = tmp_path / "state", tmp_path / "copy", tmp_path / "app.log"
    with Recorder() as recorder:
        async with Agent(config(recorder, tmp_path, from_start=True)):
            expected = write(tmp_path, 0, 100)
            await until(lambda: len(recorder.records) >= 99)
        shutil.rmtree(state)
        recorder.fault = lambda method, path, n: 503 if path == "/ingest/batch" else None
        async with Agent(config(recorder, tmp_path)) as agent:
            spool = agent._parts._spool  # type: ignore[union-attr]
            await until(lambda: spool.fact("ends_known") == "1")
            assert spool.stored_ends()[str(log)]["offset"] == log.stat().st_size
        shutil.copytree(state, copy)
        recorder.fault = None
        async with Agent(config(recorder, tmp_path)):
            expected += write(tmp_path, 100, 200)
            await until(lambda: len(recorder.records) >= 199)
            log.rename(tmp_path / "app.log.1")
            expected += write(tmp_path, 200, 300)
            await until(lambda: len(recorder.records) >= 299)
        shutil.rmtree(state)
        shutil.copytree(copy, state)
        log.rename(tmp_path / "app.log.2")
        expected += write(tmp_path, 300, 350)
        async with Agent(config(recorder, tmp_path)):
            await until(lambda: len(recorder.records) >= 349)
        assert sorted(recorder.messages()) == sorted(expected)


@pytest.mark.parametrize("from_start", [False, True])
async def test_a_lost_spool_and_rotated_files_that_match(tmp_path: Path, from_start: bool) -> None:
    log = tmp_path / "app.log"
    with Recorder() as recorder:
        async with Agent(config(recorder, tmp_path, from_start=True)):
            expected = write(tmp_path, 0, 100)
            await until(lambda: len(recorder.records) >= 99)
        expected += write(tmp_path, 100, 150)
        log.rename(tmp_path / "app.2.log")
        expected += write(tmp_path, 150, 200)
        log.rename(tmp_path / "app.1.log")
        expected += write(tmp_path, 200, 250)
        shutil.rmtree(tmp_path / "state")
        async with Agent(config(recorder, tmp_path, from_start=from_start)):
            await until(lambda: len(recorder.records) >= 249)
        async with Agent(config(recorder, tmp_path, from_start=from_start)):
            await asyncio.sleep(0.5)
        assert sorted(recorder.messages()) == sorted(expected)


async def test_what_is_written_once_the_agent_has_started_is_news(tmp_path: Path) -> None:
    """Looking at many files takes a while; a start that did not wait for it took their lines for history."""
    for number in range(400):
        (tmp_path / f"{number}.log").write_text("an old line\n")
    last = tmp_path / "399.log"
    with Recorder() as recorder:
        async with Agent(config(recorder, tmp_path, files=(str(tmp_path / "*.log"),))):
            with last.open("a") as file:
                file.write("a new line\n")
            await until(lambda: recorder.messages() == ["a new line"])


async def test_a_spool_that_breaks_at_work_is_replaced(tmp_path: Path) -> None:
    with Recorder() as recorder:
        async with Agent(config(recorder, tmp_path)) as agent:
            expected = write(tmp_path, 0, 100)
            await until(lambda: len(recorder.records) == 100)
            recorder.fault = lambda method, path, n: 503 if path == "/ingest/batch" else None
            expected += write(tmp_path, 100, 200)
            await until(lambda: agent.counters()["spooled"] == 100)
            connection = agent._parts._spool._connection  # type: ignore[union-attr]
            connection.execute("UPDATE chunks SET log_bytes = zeroblob(length(log_bytes))")
            recorder.fault = None
            await until(lambda: len(recorder.records) == 200)
            assert agent.counters()["spools_lost"] == 1
        assert recorder.messages() == expected


async def test_a_plan_binds_the_name_under_which_the_host_is_known(tmp_path: Path) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text(
        '[[allow]]\naction = "restart_service"\nservice = "shop"\nplatform = "command"\n'
        'argv = ["/bin/true"]\n'
    )
    policy.chmod(0o600)
    task = {
        "id": "t",
        "token": "k",
        "kind": "plan",
        "remedy_id": "r",
        "account_id": "a",
        "action": "restart_service",
        "service": "shop",
        "parameters": {},
        "digest": None,
        "dry_run": True,
    }
    async with peer.child(tmp_path / "state", str(policy), "web-7") as (reader, writer):
        writer.write(json.dumps({"id": 1, "op": "plan", "task": task}).encode() + b"\n")
        answer = json.loads(await asyncio.wait_for(reader.readline(), 20))
    assert answer["ok"]["binding"]["host"] == "web-7"


async def test_the_executor_is_a_process_of_its_own(tmp_path: Path) -> None:
    with Recorder() as recorder:
        async with Agent(config(recorder, tmp_path, executor="child", policy=str(tmp_path / "policy.toml"))):
            await until(lambda: recorder.hellos)
            hello = recorder.hellos[0]
            assert hello["inventory"] == [] and "policy" in str(hello["policy_problem"])
            children = subprocess.run(
                ["ps", "--ppid", str(os.getpid()), "-o", "args="], capture_output=True, text=True
            )
            assert "sra_agent.executor" in children.stdout
        children = subprocess.run(
            ["ps", "--ppid", str(os.getpid()), "-o", "args="], capture_output=True, text=True
        )
        assert "sra_agent.executor" not in children.stdout


async def test_an_agent_without_a_key_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(BadInput) as caught:
        Agent(AgentConfig(state_dir=str(tmp_path)))
    assert "sra keys create" in str(caught.value.hint)


async def test_two_agents_do_not_share_a_state_directory(tmp_path: Path) -> None:
    with Recorder() as recorder:
        async with Agent(config(recorder, tmp_path)):
            with pytest.raises(BadInput, match="another agent"):
                await Agent(config(recorder, tmp_path)).run()


def test_systemd_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for address in (str(tmp_path / "notify"), f"@sra-test-{os.getpid()}"):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
            listener.bind("\0" + address[1:] if address[0] == "@" else address)
            monkeypatch.setenv("NOTIFY_SOCKET", address)
            notify("READY=1")
            assert listener.recv(100) == b"READY=1"
    notify("nobody listens any more")
    monkeypatch.setenv("WATCHDOG_USEC", "10000000")
    assert watchdog_seconds() == 5.0
    monkeypatch.setenv("WATCHDOG_PID", "1")
    assert watchdog_seconds() is None


def test_the_shipper_loads_nothing_heavy() -> None:
    code = (
        "import sys; from sra_agent import Agent; "
        "heavy = {'pydantic', 'docker', 'aiohttp', 'httpx', 'sqlalchemy', 'sra_agent.heal'}; "
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, timeout=60)
    assert done.stdout.strip() == "[]", done.stdout + done.stderr


RUNNING = """
import asyncio, logging, sys
from sra_agent import Agent, AgentConfig
logging.basicConfig(format="%(message)s")
url, key, folder = sys.argv[1:]
asyncio.run(Agent(AgentConfig(server=url, key=key, host="h", files=(folder + "/*.log",), executor="off",
    state_dir=folder + "/state", metrics_seconds=0.0, poll_seconds=0.05)).run())
"""


async def test_a_log_that_may_not_be_read_is_told_within_seconds_and_named_once(tmp_path: Path) -> None:
    log = tmp_path / "app.log"
    write(tmp_path, 0, 10)
    # Root without these two is held to the modes of its files, as everybody is.
    held = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search"] if os.geteuid() == 0 else []
    with (
        Recorder() as recorder,
        subprocess.Popen(
            [*held, sys.executable, "-c", RUNNING, recorder.url, KEY, str(tmp_path)],
            cwd=ROOT,
            stderr=subprocess.PIPE,
            text=True,
        ) as agent,
    ):
        try:
            await until(lambda: recorder.hellos and recorder.hellos[-1]["watches"] == [str(log)])
            assert recorder.hellos[-1]["cannot_watch"] == []
            log.rename(tmp_path / "app.log.1")
            log.touch(mode=0o000)
            told = [f"{log}: Permission denied"]
            await until(lambda: recorder.hellos[-1]["cannot_watch"] == told, 6)
            await asyncio.sleep(2.5)
            said = len(recorder.hellos)
            log.chmod(0o600)
            expected = write(tmp_path, 10, 20)
            await until(lambda: recorder.hellos[-1]["cannot_watch"] == [] and len(recorder.records) == 10, 6)
            assert len(recorder.hellos) == said + 1 and recorder.messages() == expected
        finally:
            agent.terminate()
        assert agent.stderr is not None
        assert agent.stderr.read().count("Permission denied") == 1
