"""Record cases of this set to ../../plain: `record.py NAME`, `--list`, or `--all [-j 3] [--only REGEX]`."""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
os.environ["CORPUS_SET"] = "../plain"
import common  # noqa: E402, F401 - the names of this set come first
from cases import CASES, record  # noqa: E402

for _path in sorted(HERE.glob("*_breaks.py")):
    __import__(_path.stem)


def tidy(name: str) -> None:
    """Remove the cgroups that containers left in a world which has ended."""
    for folder in sorted(Path("/sys/fs/cgroup").glob(f"*/corpus-{name}/**"), reverse=True):
        with suppress(OSError):
            folder.rmdir()


def one(name: str) -> str:
    began = time.monotonic()
    tidy(name)
    with open(Path(tempfile.gettempdir(), f"plain-{name}.log"), "wb") as log:
        done = subprocess.run([sys.executable, str(HERE / "record.py"), name], check=False, timeout=1500, stdout=log, stderr=subprocess.STDOUT)
    tidy(name)
    return f"{name:32} {'recorded' if done.returncode == 0 else 'FAILED'} in {time.monotonic() - began:.0f} s"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", nargs="?")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--only", default="")
    parser.add_argument("-j", type=int, default=3)
    given = parser.parse_args()
    if given.list:
        print("\n".join(f"{name:32} {each.cls:20} {each.story}" for name, each in CASES.items()))
    elif given.all:
        names = [name for name in CASES if re.search(given.only, name) and not (HERE.parents[1] / "plain" / name / "case.toml").exists()]
        with ThreadPoolExecutor(given.j) as pool:
            for line in pool.map(one, names):
                print(time.strftime("%H:%M:%S"), line, flush=True)
    else:
        if os.environ.get("CORPUS_WORLD") != given.name:
            tidy(given.name)
        record(given.name)


if __name__ == "__main__":
    main()
