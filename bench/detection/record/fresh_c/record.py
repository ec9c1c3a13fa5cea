"""Record: `record.py CASE`, `record.py --all [-j 5]`, `record.py --normal FAMILY`. To ../../fresh.

The class of a case is what an engineer would file it under, written before any judge saw it. Four families: a harbour
(PostgreSQL with a logical subscriber, a Ruby application, nginx, a batch in shell), a parish (MariaDB with a replica, Apache
with PHP, memcached, a Node reader), a mill (RabbitMQ and NATS with Node and Ruby clients) and a ferry (nginx with TLS, two
Go services, a Node service on Redis, Unbound, a carrier's API, a check by curl). 45 s of normal operation, the break, 65 s more.

To record again (root, Debian 12, version-1 cgroups; besides what ../../README.md and ../outside_a/run.py name):

    apt-get install ruby-pg ruby-bunny ruby-connection-pool puma php8.2-mysql php8.2-memcached nats-server unbound golang
    apt-get download libapache2-mod-php8.2 && dpkg-deb -x libapache2-mod-php8.2*.deb /opt/fresh/modphp
    npm install --prefix /opt/fresh/node amqplib redis mysql2 winston nats
    go build -o /opt/fresh/fares bench/detection/record/fresh_c/apps/fares.go
    CORPUS_SECONDS=700 /srv/venv-a/bin/python bench/detection/record/fresh_c/record.py --normal harbor   # and the other three
    /srv/venv-a/bin/python bench/detection/record/fresh_c/record.py --all -j 5
"""

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
os.environ.setdefault("CORPUS_SET", "fresh")

import ferry_breaks  # noqa: E402, F401
import harbor_breaks  # noqa: E402, F401
import mill_breaks  # noqa: E402, F401
import parish_breaks  # noqa: E402, F401
from ground import CASES, FAMILIES, HOST, mask, prepare  # noqa: E402
from world import World  # noqa: E402


def record(name: str) -> None:
    one = CASES[name]
    group = FAMILIES[one.family]
    world = World(name, cpu=1.5, memory_mb=2500, host=HOST[one.family], nice=15)
    prepare(world)
    programs = group.start(world, **one.options)
    world.sleep(5)
    world.ready()
    world.measure(10)
    world.sleep(float(os.environ.get("CORPUS_SECONDS", 45)))
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
    """Everyday life of one family: its load goes on, and one chore after the other is done; `_2` does them backwards."""
    name, _, again = name.partition("_")
    group = FAMILIES[name]
    seconds = float(os.environ.get("CORPUS_SECONDS", 700))
    world = World(f"normal_c_{name}{again and '_'}{again}", cpu=1.5, memory_mb=2500, host=HOST[name], nice=15)
    prepare(world)
    programs = group.start(world)
    world.sleep(8)
    world.ready()
    world.measure(10)
    end = time.monotonic() + seconds
    gap = (seconds - 40) / max(1, len(group.chores))
    chores = group.chores[::-1] if again else group.chores
    for each in chores:
        began = time.monotonic()
        world.sleep(gap * 0.4)
        print(f"{name}: {each.__name__}", flush=True)
        try:
            each(world, programs)
        except Exception as error:  # noqa: BLE001  # a chore that fails is only told; the hour goes on
            print(f"{name}: {each.__name__}: {error!r}", flush=True)
        world.sleep(max(1.0, gap - (time.monotonic() - began)))
    world.sleep(max(0.0, end - time.monotonic()))
    mask()
    world.finish(
        {
            "name": world.name, "kind": "normal",
            "story": "normal operation: " + "; ".join(" ".join((each.__doc__ or "").split()) for each in chores),
        },
        group.sources,
    )


def one(name: str) -> tuple[str, int, float]:
    began = time.monotonic()
    if (HERE.parents[1] / os.environ["CORPUS_SET"] / name / "case.toml").exists():
        return name, 0, 0.0
    with open(f"/var/lib/sra-corpus/{name}.out", "wb") as out:
        done = subprocess.run([sys.executable, str(HERE / "record.py"), name], check=False, timeout=420, stdout=out, stderr=out)
    return name, done.returncode, time.monotonic() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--normal", default="")
    parser.add_argument("--all", action="store_true", help="those that are not recorded yet")
    parser.add_argument("--family", default="")
    parser.add_argument("-j", type=int, default=5)
    given = parser.parse_args()
    out = HERE.parents[1] / os.environ["CORPUS_SET"]
    if given.normal:
        normal(given.normal)
        return
    names = given.names
    if given.all or given.family:
        left = [
            name for name, each in CASES.items()
            if not (out / name / "case.toml").exists() and given.family in ("", each.family)
        ]
        groups = [[name for name in left if CASES[name].family == group] for group in FAMILIES]
        # families in turn, so that what is recorded at any time is a fair part of each
        names = [group[n] for n in range(max(map(len, groups), default=0)) for group in groups if n < len(group)]
    elif len(names) == 1:
        record(names[0])
        return
    with ThreadPoolExecutor(given.j) as pool:
        for name, code, seconds in pool.map(one, names):
            print(f"{name:32} {'recorded' if code == 0 else 'FAILED'} in {seconds:.0f} s", flush=True)


if __name__ == "__main__":
    main()
