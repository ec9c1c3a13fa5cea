"""What the platforms read: recorded answers of systemd and dockerd, and real processes for commands."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from sra_agent.heal.platforms import docker, systemd
from sra_agent.heal.platforms.command import Command
from sra_agent.heal.policy import Rule
from sra_agent.heal.run import Runner

FAILED = """\
Result=signal
MainPID=0
NRestarts=2
Id=shop.service
RequiredBy=till.service
BoundBy=
LoadState=loaded
ActiveState=failed
SubState=failed
FragmentPath=/etc/systemd/system/shop.service
InvocationID=
RefuseManualStart=no
RefuseManualStop=no
ActiveEnterTimestamp=Mon 2026-11-23 08:00:00 UTC
"""


def test_a_failed_unit():
    seen = systemd.read("alias.service", FAILED)
    assert seen.alive is False and seen.alive_text == "shop.service is active"
    assert seen.facts == {"unit": "shop.service", "fragment": "/etc/systemd/system/shop.service"}
    assert all(predicate.holds for predicate in seen.preconditions)
    assert seen.estimates["dependents"] == ["till.service"] and seen.estimates["restarts"] == 2
    assert "till.service depends on it" in seen.warnings[0]


def test_units_that_may_not_be_restarted():
    for change in ("LoadState=not-found", "LoadState=masked", "RefuseManualStop=yes"):
        key = change.split("=")[0]
        text = "\n".join(change if line.startswith(key) else line for line in FAILED.splitlines())
        assert not all(predicate.holds for predicate in systemd.read("shop.service", text).preconditions)


def test_a_container():
    document = {
        "id": "c" * 64,
        "image_id": "sha256:1",
        "image": "web:1",
        "status": "running",
        "running": True,
        "pid": 7,
        "started_at": "2026-11-23T08:00:00Z",
        "restarts": 0,
        "health": None,
    }
    assert docker.read("web", document).alive is True
    assert docker.read("web", {**document, "health": "starting"}).alive is False
    assert docker.read("web", {**document, "health": "healthy"}).alive is True
    assert docker.read("web", {**document, "running": False}).alive is False
    other = docker.read("web", {**document, "id": "d" * 64})
    assert other.facts != docker.read("web", document).facts


async def test_a_command_with_a_pidfile(tmp_path: Path):
    pidfile = tmp_path / "pid"
    rule = Rule(
        action="restart_service",
        service="web",
        platform="command",
        argv=("/bin/sh", "x"),
        pidfile=str(pidfile),
    )
    runner = Runner(str(tmp_path / "output"))
    seen = await Command().look(rule, runner)
    assert seen.alive is False and seen.identity == {"main_pid": 0, "began": 0}
    assert seen.facts["program"] == os.path.realpath("/bin/sh") and len(seen.facts["sha256"]) == 64
    process = subprocess.Popen(["/bin/sleep", "60"])
    pidfile.write_text(f"{process.pid}\n")
    seen = await Command().look(rule, runner)
    assert seen.alive is True and seen.identity is not None and seen.identity["main_pid"] == process.pid
    process.kill()
    process.wait()
    assert (await Command().look(rule, runner)).alive is False
    pidfile.write_text("-1\n")
    assert (await Command().look(rule, runner)).alive is False
