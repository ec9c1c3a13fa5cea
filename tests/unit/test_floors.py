"""The shape of the code: sizes, floors and names that DESIGN fixes."""
from __future__ import annotations

import ast
import statistics
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PARTS = ("sra_cli", "sra_agent", "sra_server", "sdk/sra_sdk")
MODULES = sorted(path for part in PARTS for path in (ROOT / part).rglob("*.py")
                 if "/versions/" not in str(path))
LIMIT = 350
MEDIAN = 120


def lines(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


def test_no_module_is_long() -> None:
    long = {str(path.relative_to(ROOT)): lines(path) for path in MODULES if lines(path) > LIMIT}
    assert long == {}


def test_the_median_module_is_short() -> None:
    assert statistics.median(lines(path) for path in MODULES if lines(path) > 3) <= MEDIAN


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_each_module_opens_with_what_it_does(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    if source.strip():
        assert ast.get_docstring(ast.parse(source)), f"{path} has no docstring"


def test_no_module_has_an_empty_name() -> None:
    empty = {"utils", "common", "helpers", "manager", "misc"}
    assert [str(path) for path in MODULES if path.stem in empty] == []


def test_floors_are_kept() -> None:
    argv = [str(Path(sys.executable).parent / "lint-imports"), "--no-logo", "--no-cache"]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=110)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_sdk_reads_as_python_3_9() -> None:
    for path in (ROOT / "sdk" / "sra_sdk").rglob("*.py"):
        ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 9))
