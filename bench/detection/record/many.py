"""Many: the command that records the cases of one set, by name or several at a time. From a set's record.py."""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any


def tidy(name: str) -> None:
    """Remove the cgroups that containers left in a world which has ended."""
    for folder in sorted(Path("/sys/fs/cgroup").glob(f"*/corpus-{name}/**"), reverse=True):
        with suppress(OSError):
            folder.rmdir()


def one(script: Path, kept: Path, name: str) -> str:
    """Record one case in a process of its own; return how that went."""
    began = time.monotonic()
    tidy(name)
    with open(Path(tempfile.gettempdir(), f"{kept.name}-{name}.log"), "wb") as log:
        done = subprocess.run([sys.executable, str(script), name], check=False, timeout=1500, stdout=log, stderr=subprocess.STDOUT)
    tidy(name)
    return f"{name:32} {'recorded' if done.returncode == 0 else 'FAILED'} in {time.monotonic() - began:.0f} s"


def main(about: str | None, script: Path, kept: Path, cases: Mapping[str, Any], record: Callable[[str], None]) -> None:
    """Do what the command line of a set's `script` says; `kept` is the folder where its cases are."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("name", nargs="?")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--only", default="")
    parser.add_argument("-j", type=int, default=3)
    given = parser.parse_args()
    if given.list:
        print("\n".join(f"{name:32} {each.cls:20} {each.story}" for name, each in cases.items()))
    elif given.all:
        names = [name for name in cases if re.search(given.only, name) and not (kept / name / "case.toml").exists()]
        with ThreadPoolExecutor(given.j) as pool:
            for line in pool.map(lambda name: one(script, kept, name), names):
                print(time.strftime("%H:%M:%S"), line, flush=True)
    else:
        if os.environ.get("CORPUS_WORLD") != given.name:
            tidy(given.name)
        record(given.name)
