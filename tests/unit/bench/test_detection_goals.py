"""Detection keeps to its goals: on our own recordings always, on public logs and series where they are here.

The judges' arithmetic is tested beside this; here the whole command runs, as `make detection` runs it.
"""
from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "bench" / "detection"))

from gate import Goal, check

from tests.services import needs

ROOT = Path(__file__).resolve().parents[3]


def checked(bench: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join((str(ROOT), str(ROOT / "sdk")))
    return subprocess.run([sys.executable, f"bench/detection/{bench}.py", "--check"], cwd=ROOT,
                          capture_output=True, text=True, env={**os.environ, "PYTHONPATH": path}, check=False)


# half a minute of one processor, but others may want it, too
@pytest.mark.timeout(600)
@pytest.mark.parametrize("bench", [
    "incidents", pytest.param("noise", marks=needs("loghub")), pytest.param("nab", marks=needs("nab"))])
def test_the_goals_are_met(bench: str) -> None:
    done = checked(bench)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr
    assert done.stdout.rstrip().endswith("goals are met")


GOALS = (Goal(name="recall", least=0.95), Goal(name="late", most=0))


@pytest.mark.parametrize(("found", "said"), [
    ({"recall": 0.95, "late": 0}, "all 2 goals are met"),
    ({"recall": 0.94, "late": 0}, "recall is 0.94, the goal is 0.95 or more"),
    ({"recall": 1.0, "late": 1}, "late is 1, the goal is 0 or less"),
    ({"recall": None, "late": 0}, "recall was not measured"),
    ({"recall": 1.0}, "late was not measured"),
])
def test_a_goal_that_is_missed_or_not_measured_fails(
        found: dict[str, float | None], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert check("bench", GOALS, found) == (0 if "met" in said else 1)
    assert capsys.readouterr().out == f"bench: {said}\n"
