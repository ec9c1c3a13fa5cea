"""Record scenarios: `record.py NAME...`, `record.py --all [-j 3]`, `record.py --list`. To ../corpus or ../held_out."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))


def load(which: str) -> dict:
    """Import the scenario modules of a set."""
    import importlib

    folder = HERE / "scenarios" if which == "corpus" else HERE / "scenarios_held_out"
    for path in sorted(folder.glob("*.py")):
        sys.path.insert(0, str(folder))
        importlib.import_module(path.stem)
    from scenario import SCENARIOS

    return SCENARIOS


def one(name: str, which: str) -> tuple[str, int, float]:
    began = time.monotonic()
    if (HERE.parent / which / name / "case.toml").exists() or Path(
        f"/sys/fs/cgroup/cpu/corpus-{name}"
    ).exists():
        return name, 0, 0.0
    done = subprocess.run(
        [sys.executable, str(HERE / "record.py"), name],
        check=False,
        timeout=420,
        env={**os.environ, "CORPUS_SET": which},
    )
    return name, done.returncode, time.monotonic() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*")
    parser.add_argument(
        "--set", default=os.environ.get("CORPUS_SET", "corpus"), choices=("corpus", "held_out", "trial")
    )
    parser.add_argument("--all", action="store_true", help="those that are not recorded yet")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("-j", type=int, default=2)
    given = parser.parse_args()
    which = "held_out" if given.set == "held_out" else "corpus"
    known = load(which)
    if given.list:
        print("\n".join(f"{name:32} {each.cls:20} {each.story}" for name, each in known.items()))
        return
    names = given.names
    if given.all:
        names = [name for name in known if not (HERE.parent / given.set / name / "case.toml").exists()]
    if len(names) == 1 and not given.all:
        from scenario import record
        from world import World

        os.environ["CORPUS_SET"] = given.set
        each = known[names[0]]
        record(World(names[0], cpu=each.cpu, memory_mb=each.memory_mb, nice=each.nice), each)
        return
    with ThreadPoolExecutor(given.j) as pool:
        for name, code, seconds in pool.map(lambda name: one(name, given.set), names):
            print(f"{name:32} {'recorded' if code == 0 else 'FAILED'} in {seconds:.0f} s", flush=True)


if __name__ == "__main__":
    main()
