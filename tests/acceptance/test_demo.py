"""`sra demo` seen from outside: processes, probe and database, not what the demo says of itself."""
from __future__ import annotations

import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from http.client import HTTPException
from pathlib import Path
from typing import Any

import pytest

from sra_cli import demo_shop

DETECT_GOAL = 10.0
WHOLE_GOAL = 60.0


def running(folder: Path) -> list[str]:
    """The command lines of processes that name the folder or live in it."""
    found = []
    for process in Path("/proc").iterdir():
        if not process.name.isdigit() or int(process.name) == os.getpid():
            continue
        with contextlib.suppress(OSError):
            line = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            if "sra demo" not in line and "sra_cli demo" not in line and (
                    str(folder) in line or os.readlink(process / "cwd") == str(folder)):
                found.append(line)
    return found


def text(path: Path) -> str:
    with contextlib.suppress(OSError):
        return path.read_text().strip()
    return ""


def answers(port: int) -> int:
    """The process that answers the health probe, or 0."""
    with contextlib.suppress(OSError, HTTPException, ValueError):
        status, body = demo_shop.ask(f"127.0.0.1:{port}", "/health", 0.5)
        return int(body["pid"]) if status == 200 else 0
    return 0


@contextlib.contextmanager
def demo(folder: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SRA_")}
    environment["DATABASE_URL"] = "postgresql+asyncpg://nobody@127.0.0.1:1/not-this-one"  # must not be used
    process = subprocess.Popen([sys.executable, "-m", "sra_cli", "demo", "--keep", str(folder), *arguments],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def test_the_killed_process_comes_back_under_a_policy_and_the_loop_is_in_the_database(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    begun = time.monotonic()
    before, after = set[int](), set[int]()
    killed = ""
    with demo(folder, "--yes", "--json") as process:
        while process.poll() is None and time.monotonic() - begun < 90:
            killed = killed or text(folder / "killed.pid")
            if ports := text(folder / "ports.json"):
                pid = answers(json.loads(ports)["inventory"])
                (after if killed else before).add(pid)
                if killed and pid:
                    assert text(folder / "inventory.pid") == str(pid), "the pidfile names who answers"
            time.sleep(0.1)
        out, progress = process.communicate(timeout=20)
    assert process.returncode == 0, progress
    took = time.monotonic() - begun

    assert before - {0} == {int(killed)}, "before: one process answered, and that one was killed"
    assert len(after - {0, int(killed)}) == 1, "after: exactly one new process answered the probe"
    assert 0 in after, "between the two nobody answered"
    told = json.loads(out)
    assert told["verdict"] == "recovered" and told["seconds"]["detect"] <= DETECT_GOAL and took <= WHOLE_GOAL
    assert told["incident"]["status"] == "resolved" and told["analysis"]["root_cause"]
    assert told["remedy"]["action"] == "restart_service" and told["remedy"]["service"] == "inventory"
    kinds = [entry["kind"] for entry in told["timeline"]]
    assert kinds.index("opened") < kinds.index("approved") < kinds.index("resolved")
    check_database(folder, told)
    check_logs(folder, told)
    assert running(folder) == []


def check_database(folder: Path, told: dict[str, Any]) -> None:
    with contextlib.closing(sqlite3.connect(folder / "data" / "sra.db")) as db:
        (status,) = db.execute("SELECT status FROM incidents WHERE id = ?",
                               (told["incident"]["id"],)).fetchone()
        (remedy,) = db.execute("SELECT status FROM remedies WHERE id = ?",
                               (told["remedy"]["id"],)).fetchone()
        (errors,) = db.execute("SELECT count(*) FROM records WHERE level >= 40").fetchone()
        (points,) = db.execute("SELECT count(*) FROM points WHERE name = 'probe.up' AND value = 0").fetchone()
    assert (status, remedy) == ("resolved", "succeeded") and errors > 0 and points > 0


def check_logs(folder: Path, told: dict[str, Any]) -> None:
    """Each piece of evidence that names a line of a log is that line."""
    lines = (folder / "shop.log").read_text().splitlines()
    cited = [piece for piece in told["incident"]["evidence"] if piece["kind"] == "record" and piece["source"]]
    assert any("cannot reach inventory" in piece["text"] for piece in cited)
    for piece in cited:
        assert any(piece["text"] in line for line in lines)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_demo_that_is_ended_in_the_middle_leaves_no_process(tmp_path: Path, number: signal.Signals) -> None:
    folder = tmp_path / "demo"
    with demo(folder, "--yes") as process:
        end = time.monotonic() + 40
        while not (folder / "killed.pid").exists() and process.poll() is None and time.monotonic() < end:
            time.sleep(0.05)
        assert running(folder), "the demo runs"
        time.sleep(0.5)
        process.send_signal(number)
        _, errors = process.communicate(timeout=30)
    assert process.returncode in (128 + number, 130) and "Traceback" not in errors
    assert running(folder) == []


def test_nothing_is_approved_where_nobody_can_be_asked(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-m", "sra_cli", "demo", "--keep", str(tmp_path / "demo")],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2 and "--yes" in done.stderr and not (tmp_path / "demo").exists()


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("precious")
    done = subprocess.run([sys.executable, "-m", "sra_cli", "demo", "--yes", "--keep", str(tmp_path)],
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 2 and [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
