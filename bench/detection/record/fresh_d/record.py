"""Record cases of this set to ../../fresh: `record.py NAME`, `record.py --list`, `record.py --all [-j 4] [--only REGEX]`."""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
os.environ["CORPUS_SET"] = "../fresh"
import common  # noqa: E402, F401 - the names of this set come first
from cases import CASES, record  # noqa: E402

for _path in sorted(HERE.glob("*_stack.py")) + sorted(HERE.glob("*_breaks.py")):
    __import__(_path.stem)


def one(name: str) -> tuple[str, int, float]:
    began = time.monotonic()
    with open(Path(tempfile.gettempdir(), f"fresh-{name}.log"), "wb") as log:
        done = subprocess.run([sys.executable, str(HERE / "record.py"), name], check=False, timeout=2400, stdout=log, stderr=subprocess.STDOUT)
    return name, done.returncode, time.monotonic() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", nargs="?")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--only", default="")
    parser.add_argument("-j", type=int, default=4)
    given = parser.parse_args()
    if given.list:
        print("\n".join(f"{name:26} {each.cls:20} {each.story}" for name, each in CASES.items()))
    elif given.all:
        names = [name for name, each in CASES.items()
                 if each.cls and re.search(given.only, name) and not (HERE.parents[1] / "fresh" / name / "case.toml").exists()]
        with ThreadPoolExecutor(given.j) as pool:
            for name, code, seconds in pool.map(one, names):
                print(f"{time.strftime('%H:%M:%S')} {name:26} {'recorded' if code == 0 else 'FAILED'} in {seconds:.0f} s", flush=True)
    else:
        record(given.name)


if __name__ == "__main__":
    main()
