"""Record: `record.py CASE`, `record.py --all [-j 4] [--family NAME]`, `record.py --normal FAMILY`. To ../../blind.

The class of a case is what an engineer would file it under, written before any judge saw it. What it needs stands in ../../blind/E.md.
"""

from __future__ import annotations

import argparse
import importlib
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
os.environ.setdefault("CORPUS_SET", "blind")

from ground import CASES, FAMILIES, HOST, mask, prepare  # noqa: E402
from world import World  # noqa: E402

for each in HOST:
    if (HERE / f"{each}_breaks.py").exists():
        importlib.import_module(f"{each}_breaks")


def record(name: str) -> None:
    one = CASES[name]
    group = FAMILIES[one.family]
    world = World(name, cpu=1.5, memory_mb=2500, host=HOST[one.family], nice=10)
    prepare(world)
    programs = group.start(world, **one.options)
    world.sleep(5)
    world.ready()
    world.measure(10)
    world.sleep(float(os.environ.get("CORPUS_SECONDS", 32)))
    # many programs stamp whole seconds: the break comes just after one began, so that nothing of it lies before it
    world.sleep(1.02 - time.time() % 1)
    world.breaks()
    world.broken_at = float(int(world.broken_at or 0))
    one.act(world, programs)
    world.sleep(one.after)
    mask()
    world.finish(
        {
            "name": name, "class": one.cls, "also": list(one.also), "why_also": one.why_also, "culprit": list(one.culprit),
            "effects": list(one.effects), "kind": "logs", "silent": one.silent, "story": one.story,
            "must": f"one incident of class {one.cls} that names {' or '.join(one.culprit)}",
            "must_not": "anything before broken_at; an incident of a class that is neither this one nor listed under also or effects",
            "decisive": one.decisive,
        },
        group.sources,
    )


def normal(name: str) -> None:
    """Everyday life of one family: its load goes on, and one chore after the other is done."""
    group = FAMILIES[name]
    seconds = float(os.environ.get("CORPUS_SECONDS", 760))
    world = World(f"normal_e_{name}", cpu=1.5, memory_mb=2500, host=HOST[name], nice=10)
    prepare(world)
    programs = group.start(world)
    world.sleep(8)
    world.ready()
    world.measure(10)
    gap = (seconds - 30) / max(1, len(group.chores))
    for number, each in enumerate(group.chores):
        due = (world.ready_at or 0) + 20 + gap * number
        world.sleep(max(0.0, due - time.time()))
        print(f"{name}: {each.__name__}", flush=True)
        try:
            each(world, programs)
        except Exception as error:  # noqa: BLE001  # a chore that fails is only told; the hour goes on
            print(f"{name}: {each.__name__}: {error!r}", flush=True)
    world.sleep(max(0.0, (world.ready_at or 0) + seconds - time.time()))
    mask()
    world.finish(
        {"name": world.name, "kind": "normal",
         "story": "normal operation: " + "; ".join(" ".join((each.__doc__ or "").split()) for each in group.chores)},
        group.sources,
    )


def one(name: str) -> tuple[str, int, float]:
    began = time.monotonic()
    with open(f"/var/lib/sra-corpus/{name}.out", "wb") as out:
        try:
            code = subprocess.run([sys.executable, str(HERE / "record.py"), name], check=False, timeout=420, stdout=out, stderr=out).returncode
        except subprocess.TimeoutExpired:
            code = -1
    return name, code, time.monotonic() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--normal", default="")
    parser.add_argument("--all", action="store_true", help="those that are not recorded yet")
    parser.add_argument("--family", default="")
    parser.add_argument("-j", type=int, default=4)
    given = parser.parse_args()
    if given.normal:
        normal(given.normal)
        return
    names = given.names
    if given.all or given.family:
        out = HERE.parents[1] / os.environ["CORPUS_SET"]
        names = [name for name, each in CASES.items() if not (out / name / "case.toml").exists() and given.family in ("", each.family)]
    elif len(names) == 1:
        record(names[0])
        return
    with ThreadPoolExecutor(given.j) as pool:
        for name, code, seconds in pool.map(one, names):
            print(f"{name:32} {'recorded' if code == 0 else 'FAILED'} in {seconds:.0f} s", flush=True)


if __name__ == "__main__":
    main()
