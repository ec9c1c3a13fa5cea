"""`sra agent quarantine` beside an agent at work: shown, sent again once, given up."""
from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sra_agent.spool import Spool
from tests.unit.agent.recorder import KEY, Recorder


def sra(*arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "sra_cli", "agent", "quarantine", *arguments], input=given,
                          capture_output=True, text=True, timeout=60, check=False)


def listed(state: Path) -> list[dict[str, Any]]:
    ran = sra("list", "--state-dir", str(state), "--json")
    assert ran.returncode == 0, ran.stderr
    found: list[dict[str, Any]] = json.loads(ran.stdout)
    return found


@contextlib.contextmanager
def agent(recorder: Recorder, state: Path, log: Path) -> Iterator[None]:
    config = state.parent / "sra.toml"
    config.write_text(f'[agent]\nserver = "{recorder.url}"\nkey = "{KEY}"\nstate_dir = "{state}"\n'
                      f'files = ["shop={log}"]\nfrom_start = true\nexecutor = "off"\nmetrics_seconds = 0.0\n')
    with subprocess.Popen([sys.executable, "-m", "sra_cli", "agent", "run", "--config",
                           str(config)]) as process:
        try:
            yield
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) == 0


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    with Recorder() as running:
        yield running


def test_what_was_rejected_is_shown_and_sent_again_beside_the_agent(
        recorder: Recorder, tmp_path: Path) -> None:
    state, log = tmp_path / "state", tmp_path / "shop.log"
    log.write_text("".join(f"ERROR line {n} \x1b[31m\n" for n in range(20)))
    recorder.poison = lambda item: any(f"line {n} " in item["message"] for n in (3, 7, 11))
    with agent(recorder, state, log):
        assert recorder.wait_for(lambda: len(recorder.records) == 17)
        until = time.monotonic() + 20
        while len(found := listed(state)) < 3 and time.monotonic() < until:
            time.sleep(0.1)
        assert [one["item"]["message"].split()[2 if "ERROR" in one["item"]["message"] else 1]
                for one in found] == ["3", "7", "11"]
        assert all(one["reason"].startswith("422") and not one["resend"] for one in found)
        shown = sra("show", str(found[1]["id"]), "--config", str(tmp_path / "sra.toml"))
        assert shown.returncode == 0 and "line 7" in shown.stdout and "\x1b" not in shown.stdout
        recorder.poison = None
        ran = sra("resend", str(found[0]["id"]), str(found[1]["id"]), "--state-dir", str(state))
        assert (ran.returncode, ran.stderr) == (0, "") and ran.stdout.startswith("2 items are sent again")
        assert recorder.wait_for(lambda: len(recorder.records) == 19)
        given_up = sra("drop", "--all", "--yes", "--json", "--state-dir", str(state))
        assert json.loads(given_up.stdout) == {"dropped": [found[2]["id"]]}
        assert listed(state) == []
    told = sorted(message for message in recorder.messages())
    assert len(told) == len(set(told)) == 19
    spool = Spool.open(state, host="h", cap=1_000_000)
    counts = spool.counters()
    spool.close()
    assert (counts["written"], counts["stored"], counts["dropped"], counts["spooled"]) == (
        20, 19, {"rejected": 1}, 0)


@pytest.mark.parametrize(("arguments", "said"), [
    (("show", "99"), "holds no item 99"),
    (("resend", "99"), "holds no item 99"),
    (("drop", "99", "--yes"), "holds no item 99"),
    (("drop", "99"), "there is no terminal"),
    (("resend",), "name some items, or --all"),
    (("resend", "1", "--all"), "name some items, or --all"),
    (("show", "seven"), "valid integer"),
    (("resend", "9" * 30), "less than or equal"),
    (("list", "--config", "no.toml"), "not both"),
])
def test_bad_input_leaves_with_2(tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    Spool.open(tmp_path, host="h", cap=1_000_000).close()
    ran = sra(*arguments, "--state-dir", str(tmp_path))
    assert ran.returncode == 2 and said in ran.stderr, ran.stderr


def test_a_folder_that_is_no_agents_leaves_with_2(tmp_path: Path) -> None:
    ran = sra("list", "--state-dir", str(tmp_path))
    assert ran.returncode == 2 and "no spool of an agent" in ran.stderr and list(tmp_path.iterdir()) == []


def test_the_usual_folders_are_looked_into(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SRA_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("SRA_DATA_DIR", str(tmp_path / "data"))
    none = sra("list")
    assert none.returncode == 2 and str(tmp_path / "state") in none.stderr
    for folder in ("data/agent", "state"):
        (tmp_path / folder).mkdir(parents=True)
        spool = Spool.open(tmp_path / folder, host="h", cap=1_000_000)
        spool.append([{"message": f"of {folder}"}], [], {})
        sealed = spool.batch()
        assert sealed is not None
        spool.reject(sealed, "422")
        spool.close()
        ran = sra("list", "--json")
        if folder == "data/agent":
            assert [one["item"]["message"] for one in json.loads(ran.stdout)] == ["of data/agent"]
    assert ran.returncode == 2 and str(tmp_path / "data") in ran.stderr


def test_an_empty_quarantine_says_so(tmp_path: Path) -> None:
    Spool.open(tmp_path, host="h", cap=1_000_000).close()
    ran = sra("list", "--state-dir", str(tmp_path))
    assert (ran.returncode, ran.stdout) == (0, "") and "nothing was rejected" in ran.stderr
    assert json.loads(sra("resend", "--all", "--json", "--state-dir", str(tmp_path)).stdout) == {"resend": []}
