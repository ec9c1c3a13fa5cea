"""Remove each safety guard in turn and expect the named test to fail. Run by `make mutants`.

A guard whose removal no test notices is not guarded. The table stands in `mutants.toml`: the file,
the text that is the guard, what stands there once it is removed, and the test that must then fail.
The same tests must first pass in an unchanged copy of the checkout. A mutant is made of links to that copy's
files, the compiled ones too, so that only what it changes is read and compiled anew.
"""
from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import tomli

ROOT = Path(__file__).resolve().parents[1]
COPIED = ("sra_cli", "sra_agent", "sra_server", "sdk", "tests", "pyproject.toml", "README.md",
          "sra.toml.example")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """A guard, its removal and the test that must notice."""

    name: str
    file: str
    guard: str
    removed: str
    test: str


def read_table() -> list[Mutant]:
    """Return the mutants of mutants.toml."""
    table = tomli.loads((ROOT / "tests" / "mutants.toml").read_text(encoding="utf-8"))
    return [Mutant(**row) for row in table["mutant"]]


def copy_checkout(to: Path) -> None:
    """Copy what the tests need, without caches."""
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, to / name, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
        elif source.exists():
            shutil.copy2(source, to / name)


def link_copy(copy: Path, to: Path, changed: str) -> None:
    """Make a tree of links to the files of a copy; the one to be `changed` is its own, and not compiled."""
    shutil.copytree(copy, to, copy_function=os.link, dirs_exist_ok=True, symlinks=True)
    path = to / changed
    path.unlink()
    shutil.copy2(copy / changed, path)
    for compiled in path.parent.glob(f"__pycache__/{path.stem}.*"):
        compiled.unlink()


def run_tests(checkout: Path, tests: list[str], *how: str) -> subprocess.CompletedProcess[str]:
    """Run the tests in the copy; its packages come before the installed ones."""
    path = f"{checkout}:{checkout / 'sdk'}"
    environment = {**os.environ, "PYTHONPATH": path}
    # only whether they fail is asked: to show how two long lists differ may take minutes
    argv = [sys.executable, "-m", "pytest", "-x", "-q", "--assert=plain", "-p", "no:cacheprovider", "-p",
            "no:hypothesispytest", *how, *tests]
    return subprocess.run(argv, cwd=checkout, env=environment, capture_output=True, text=True, timeout=420)


def try_mutant(copy: Path, mutant: Mutant) -> str | None:
    """Return what is wrong, or None when the test noticed the missing guard."""
    with tempfile.TemporaryDirectory(prefix="sra-mutant-") as folder:
        checkout = Path(folder)
        link_copy(copy, checkout, mutant.file)
        path = checkout / mutant.file
        text = path.read_text(encoding="utf-8")
        if text.count(mutant.guard) != 1:
            return f"the guard stands {text.count(mutant.guard)} times in {mutant.file}, and must stand once"
        path.write_text(text.replace(mutant.guard, mutant.removed), encoding="utf-8")
        done = run_tests(checkout, [mutant.test], "-p", "no:xdist")
        if done.returncode == 0:
            return f"{mutant.test} passes although the guard is gone"
        if done.returncode != 1:  # 1 is "tests failed"; anything else is not a verdict
            return f"{mutant.test} could not be run:\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
    return None


def timed(copy: Path, mutant: Mutant) -> tuple[str | None, float]:
    """Return what try_mutant says, and how long it took in seconds."""
    started = time.monotonic()
    return try_mutant(copy, mutant), time.monotonic() - started


def survivors_of(copy: Path, mutants: list[Mutant]) -> list[str]:
    """Try each mutant, print its verdict, and return what is to be said of those that no test noticed."""
    survivors: list[str] = []
    # most of these tests wait for real programs, so twice as many as there are cores run side by side
    with ThreadPoolExecutor(max_workers=2 * (os.cpu_count() or 1)) as pool:
        tried = pool.map(partial(timed, copy), mutants)
        for mutant, (problem, seconds) in zip(mutants, tried, strict=True):
            verdict = "SURVIVED" if problem else "killed  "
            print(f"{verdict} {mutant.name} ({seconds:.1f} s)", flush=True)
            if problem:
                survivors.append(f"SURVIVED {mutant.name}\n         {problem}")
    return survivors


def main() -> int:
    """Try all mutants, or those whose names contain the given words."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("words", nargs="*", help="only mutants whose name contains one of these")
    words = parser.parse_args().words
    mutants = [m for m in read_table() if not words or any(word in m.name for word in words)]
    with tempfile.TemporaryDirectory(prefix="sra-unchanged-") as folder:
        copy = Path(folder)
        copy_checkout(copy)
        tests = sorted({mutant.test for mutant in mutants})
        done = run_tests(copy, tests, "-n", "auto", "--dist", "loadgroup")
        if done.returncode != 0:
            print(f"The tests do not pass without any mutant:\n{done.stdout[-4000:]}{done.stderr[-2000:]}")
            return 1
        survivors = survivors_of(copy, mutants)
    print(f"{len(mutants) - len(survivors)} of {len(mutants)} guards are held by their tests")
    for survivor in survivors:  # once more at the end: who reads a log of CI often has its end alone
        print(survivor)
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())
