"""Every benchmark starts: what it imports from the others and from SRA is there."""
from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
COMMANDS = sorted(path.relative_to(ROOT) for folder in ("bench", "bench/detection")
                  for path in (ROOT / folder).glob("*.py") if "ArgumentParser(" in path.read_text("utf-8"))


@pytest.mark.parametrize("command", COMMANDS, ids=str)
def test_a_benchmark_tells_its_options(command: Path) -> None:
    path = os.pathsep.join((str(ROOT), str(ROOT / "sdk")))
    done = subprocess.run([sys.executable, str(command), "--help"], cwd=ROOT, capture_output=True, text=True,
                          env={**os.environ, "PYTHONPATH": path}, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert "usage:" in done.stdout
