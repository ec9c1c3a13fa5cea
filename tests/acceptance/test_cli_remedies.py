"""Remedies by the command line on a real host: listed, simulated, refused for another plan, and done."""
from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sra_cli.demo import begin
from sra_cli.demo_show import Show
from sra_cli.demo_world import World, environment

from .shell import Shell


@pytest.fixture
def ill(tmp_path: Path) -> Iterator[tuple[World, str]]:
    """The demo's world with a killed inventory and a plan of its restart."""
    with Show(to_stderr=True) as show, World(tmp_path.resolve()) as world, begin(world, show) as client:
        world.kill_inventory()
        key = client.create_key("shell", ["read", "operate"]).key
        end = time.monotonic() + 20
        while not client.remedies(status="planned") and time.monotonic() < end:
            time.sleep(0.2)
        yield world, key


def test_a_remedy_is_simulated_while_dry_run_is_on_and_done_when_it_is_off(ill: tuple[World, str]) -> None:
    world, key = ill

    run = Shell(url=world.url, environment={**environment(), "SRA_SERVER": world.url, "SRA_API_KEY": key,
                                            "XDG_CONFIG_HOME": "/nonexistent"})
    remedy = run.json("remedies", "list", "--status", "planned")[0]["id"]
    assert "1. run" in run("remedies", "show", remedy)
    assert "--yes" in run("remedies", "approve", remedy, code=2)
    out = run("remedies", "approve", remedy, "--yes", "--wait", "30")
    assert "simulated" in out and "1. run" in out
    assert not world.pidfile.exists() or int(world.pidfile.read_text()) == world.killed
    assert "simulated" in run("remedies", "approve", remedy, "--yes", code=1), "what is over is over"

    assert "inventory" in run("hosts", "show", "demo-host") and "demo-host" in run("hosts")
    assert run.json("hosts")[0]["inventory"][0]["service"] == "inventory"
    run("dry-run", "off")
    asked = run("remedies", "run", "restart_service", "inventory", "--yes", "--wait", "40")
    assert "succeeded" in asked and "recovered" in asked
    pid = int(world.pidfile.read_text())
    assert pid != world.killed and Path(f"/proc/{pid}").exists()
    again = run("remedies", "run", "restart_service", "inventory", "--yes", "--wait", "20", code=1)
    assert "cooldown" in again
