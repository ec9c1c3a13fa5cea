"""Real containers of a real dockerd, told through a real agent: every line once, whoever is restarted."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from tests.acceptance.docker_host import Daemon
from tests.acceptance.executor_host import eventually
from tests.acceptance.source_agent import Process
from tests.services import needs
from tests.unit.agent.recorder import Recorder

pytestmark = [needs("dockerd"), pytest.mark.xdist_group("dockerd")]

#: Numbers its lines anew in each life, so that every line is another.
COUNTING = """
read up rest < /proc/uptime; n=0
while [ $n -lt %d ]; do
  n=$((n+1))
  echo "out life=$up seq=$n"; echo "err life=$up seq=$n" >&2
  [ $((n %% 20)) -ne 0 ] || /bin/busybox usleep 20000
done
exec /bin/busybox sleep 600
"""


@pytest.fixture(scope="module")
def daemon() -> Iterator[Daemon]:
    made = Daemon()
    yield made
    made.close()


@pytest.fixture
def agent(daemon: Daemon, tmp_path: Path) -> Iterator[Process]:
    with Recorder() as recorder:
        process = Process(tmp_path, recorder, f'docker = "{daemon.socket}"')
        yield process
        process.close()
        for container in daemon.client.containers.list(all=True):
            container.remove(force=True)


def written(container: docker.models.containers.Container) -> Counter[str]:
    """Return what dockerd itself says the container wrote; together its streams may interrupt each other."""
    streams = [container.logs(stdout=out, stderr=not out).decode() for out in (True, False)]
    return Counter(line.rstrip("\r") for text in streams for line in text.splitlines())


def same(agent: Process, service: str, container: docker.models.containers.Container) -> None:
    expected = written(container)
    assert eventually(lambda: agent.lines(service).total() >= expected.total(), 40), (
        agent.lines(service).total(),
        expected.total(),
        agent.errors(),
    )
    time.sleep(1.0)  # so that what comes twice can show
    came = agent.lines(service)
    sizes = [sorted(len(text) for text in more) for more in (came - expected, expected - came)]
    assert (came - expected, expected - came) == (Counter(), Counter()), f"lengths {sizes}"


@pytest.mark.timeout(180)
def test_every_line_once_over_restarts_of_container_agent_and_dockerd(daemon: Daemon, agent: Process) -> None:
    agent.start()
    container = daemon.run("shop-1", COUNTING % 2000, labels={"com.docker.compose.service": "shop"})
    assert eventually(lambda: agent.lines("shop").total() > 200, 20), agent.errors()
    for step in ("container", "agent", "container", "agent", "dockerd"):
        if step == "container":
            container.restart(timeout=0)
        elif step == "dockerd":
            daemon.stop()
            daemon.start()
            container.start()
        else:
            agent.kill()
            time.sleep(0.3)
            agent.start()
        time.sleep(0.7)
    assert eventually(lambda: b"seq=2000" in container.logs(tail=1), 60), container.logs(tail=3)
    assert written(container).total() > 4_000
    same(agent, "shop", container)


@pytest.mark.timeout(120)
def test_what_a_container_wrote_while_the_agent_was_away_is_told(daemon: Daemon, agent: Process) -> None:
    early = daemon.run("early", "echo before the first start; /bin/busybox sleep 600")
    assert eventually(lambda: b"before" in early.logs(), 10)
    agent.start()
    short = daemon.run(
        "short",
        "echo one; echo two >&2; /bin/busybox head -c 40000 /dev/zero | /bin/busybox tr '\\0' x; echo",
    )
    short.wait(timeout=20)  # what it wrote is compared, so it must have written all
    same(agent, "short", short)
    agent.kill()
    away = daemon.run("away", "echo while; echo away >&2")
    away.wait(timeout=20)
    agent.start()
    same(agent, "away", away)
    same(agent, "short", short)
    assert agent.lines("early").total() == 0  # old when the agent came for the first time


def test_what_a_container_wrote_before_the_server_was_reached_is_told(daemon: Daemon, agent: Process) -> None:
    agent.recorder.stop()
    agent.start(wait=False)
    assert eventually(lambda: "files wait" in agent.errors(), 20)
    container = daemon.run("early-1", COUNTING % 200)
    assert eventually(lambda: written(container).total() == 400, 20)
    agent.recorder.start()
    same(agent, "early-1", container)


def test_a_terminal_a_label_and_one_left_out(daemon: Daemon, agent: Process) -> None:
    agent.start()
    loop = (
        "n=0; while [ $n -lt 300 ]; do n=$((n+1)); echo line $n; done; "
        "/bin/busybox head -c 50000 /dev/zero | /bin/busybox tr '\\0' y; echo; /bin/busybox sleep 600"
    )
    terminal = daemon.run("terminal", loop, tty=True, labels={"sra.service": "console"})
    daemon.run("quiet", "echo not to be told; /bin/busybox sleep 600", labels={"sra.watch": "false"})
    assert eventually(lambda: terminal.logs().count(b"y") == 50_000, 20)
    same(agent, "console", terminal)
    assert agent.lines("quiet").total() == 0
    with agent.recorder.lock:
        record = agent.recorder.records[0]
    assert record["metadata"]["container"] == "terminal" and record["source"] == "docker:terminal"
    assert agent.rss_mb() <= 40.0  # goal P10 asks for 45 at idle
