"""Running a fixed argv: no shell, no environment, time and output bounded, secrets replaced."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from sra_agent.heal.run import Runner, start_time


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    return Runner(str(tmp_path / "output"))


async def test_arguments_reach_the_program_as_they_are(runner: Runner):
    hostile = ("; touch /tmp/x", "$(id)", "`id`", "a\tb", "*", "-n")
    ran = await runner.run((sys.executable, "-c", "import sys; print(sys.argv[1:])", *hostile), 20)
    assert ran.ok and ran.output.strip() == str(list(hostile))


async def test_nothing_of_our_environment_is_handed_on(runner: Runner, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("CANARY", "sra_secret")
    ran = await runner.run(("/usr/bin/env",), 20)
    assert ran.ok and "CANARY" not in ran.output and "PATH=/usr/local/sbin" in ran.output


async def test_exit_code_and_both_outputs(runner: Runner):
    ran = await runner.run(("/bin/sh", "-c", "echo out; echo err >&2; exit 3"), 20)
    assert ran.exit_code == 3 and not ran.ok and ran.output == "out\nerr\n"


async def test_what_cannot_be_started_is_said(runner: Runner):
    ran = await runner.run(("/nowhere/program",), 20)
    assert ran.exit_code is None and "cannot be started" in ran.output and not ran.ok


async def test_the_whole_group_is_killed_at_its_time(runner: Runner, tmp_path: Path):
    script = f"trap '' TERM; sleep 60 & echo $! > {tmp_path}/child; wait; sleep 60"
    begun = time.monotonic()
    ran = await runner.run(("/bin/sh", "-c", script), 0.5)
    assert ran.timed_out and ran.exit_code is None and time.monotonic() - begun < 10
    child = int((tmp_path / "child").read_text())
    for _ in range(50):
        if start_time(child) == 0:
            break
        time.sleep(0.05)
    assert start_time(child) == 0


async def test_a_daemon_left_behind_is_not_waited_for_and_does_not_die(runner: Runner, tmp_path: Path):
    daemon = f"(while :; do echo tick; sleep 0.1; done) & echo $! > {tmp_path}/daemon; echo started"
    begun = time.monotonic()
    ran = await runner.run(("/bin/sh", "-c", daemon), 30)
    pid = int((tmp_path / "daemon").read_text())
    try:
        assert ran.ok and "started" in ran.output and time.monotonic() - begun < 5
        time.sleep(0.5)
        assert start_time(pid) != 0
        kept = list((tmp_path / "output").iterdir())
        assert len(kept) == 1
        os.truncate(kept[0], 2_000_000)
        runner.tidy()
        assert kept[0].stat().st_size < 10_000
    finally:
        os.killpg(os.getpgid(pid), 9)


async def test_output_is_bounded_and_its_end_kept(runner: Runner, tmp_path: Path):
    ran = await runner.run((sys.executable, "-c", "print('first'); print('x' * 500_000); print('last')"), 20)
    assert ran.output.startswith("first") and ran.output.endswith("last\n") and len(ran.output) < 20_000
    assert "bytes left out" in ran.output
    assert list((tmp_path / "output").iterdir()) == []


async def test_secrets_and_control_characters_do_not_leave_the_host(runner: Runner):
    ran = await runner.run((sys.executable, "-c", "print('password=hunter2secret \\x1b[31m')"), 20)
    assert "hunter2secret" not in ran.output and "[redacted" in ran.output and "\x1b" not in ran.output


async def test_the_process_is_named_once_it_runs(runner: Runner):
    heard: list[tuple[int, int]] = []
    await runner.run(("/bin/true",), 20, started=lambda pid, began: heard.append((pid, began)))
    assert len(heard) == 1 and heard[0][0] > 1
