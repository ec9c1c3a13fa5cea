"""`sra agent run` becomes the agent's own lean process, with all that it was given."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.acceptance.executor_host import eventually
from tests.unit.agent.recorder import KEY, Recorder

pytestmark = pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="needs /proc, which Linux has")


def test_it_has_what_it_was_given_and_nothing_of_the_command_line(tmp_path: Path) -> None:
    with Recorder() as recorder:
        (tmp_path / "sra.toml").write_text(
            f'[agent]\nserver = "http://127.0.0.1:1"\nkey = "sra_of_the_file"\nhost = "of-the-file"\n'
            f'executor = "off"\nmetrics_seconds = 0\nstate_dir = "{tmp_path / "elsewhere"}"\n')
        (tmp_path / "a b.log").write_text("2026-03-14 10:00:00,123 - app - ERROR - one\n")
        (tmp_path / "json.py").write_text("raise SystemExit('taken from the folder')\n")
        given = ["--config", "sra.toml", "--server", recorder.url, "--key", KEY, "--host", "web-1",
                 "--from-start", "--state-dir", str(tmp_path / "state"), "--file", f"shop={tmp_path}/a b.log",
                 "--file", "-c.log"]
        script = Path(sys.executable).with_name("sra")
        start = [str(script)] if script.exists() else [sys.executable, "-P", "-m", "sra_cli"]
        with subprocess.Popen([*start, "agent", "run", *given], cwd=tmp_path, stderr=subprocess.PIPE,
                              env={**os.environ, "SRA_API_KEY": "sra_of_the_environment"}) as process:
            try:
                assert eventually(lambda: any(one["service"] == "shop" for one in recorder.records), 30)
                line = Path(f"/proc/{process.pid}/cmdline").read_bytes()
                maps = Path(f"/proc/{process.pid}/maps").read_text()
            finally:
                process.terminate()
                left = process.wait(30)
        assert left == 0
        assert b"sra_cli.daemon" in line and KEY.encode() not in line
        assert "pydantic" not in maps
        assert (tmp_path / "state").is_dir() and not (tmp_path / "elsewhere").exists()
        assert recorder.hellos[0]["host"] == "web-1"


def test_what_keeps_it_from_starting_is_said_as_by_every_command(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file where a folder belongs")
    done = subprocess.run(
        [sys.executable, "-m", "sra_cli", "agent", "run", "--key", KEY, "--state-dir", "state"], cwd=tmp_path,
        capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode in (1, 2) and done.stdout == ""
    assert done.stderr.startswith("error: ") and "what to do" in done.stderr
    assert "Traceback" not in done.stderr
