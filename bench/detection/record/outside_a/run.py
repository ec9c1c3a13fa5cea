"""Record: `run.py CASE`, `run.py --all [-j 4]`, `run.py --normal FAMILY`. To ../../outside.

The class of a case is what an engineer would file it under, written before the judge ever saw the case.
Each family of programs (PostgreSQL; MariaDB; Redis; RabbitMQ; etcd, mosquitto and beanstalkd; proxies; BIND, OpenLDAP,
Postfix and SQLite) has a world of its own, with load on it: 45 seconds of normal operation, the break, and 68 seconds
of what follows. The same family records its normal operation, in which its chores are done one after the other.

To record again (root, Debian 12, version-1 cgroups; besides what ../../README.md names):

    apt-get install nginx-light haproxy mariadb-server redis-server redis-sentinel rabbitmq-server etcd-server etcd-client \
        mosquitto mosquitto-clients bind9 bind9-dnsutils beanstalkd pgbouncer stunnel4 slapd ldap-utils postfix varnish squid \
        apache2 lighttpd caddy sqlite3 rsyslog dnsmasq-base postgresql iproute2 iptables
    /usr/bin/python3 -m venv /srv/venv-a && /srv/venv-a/bin/pip install flask gunicorn "psycopg[binary]" redis pika pymysql \
        cryptography requests psutil python-json-logger aiohttp platformdirs tomli orjson async-timeout ldap3 paho-mqtt \
        greenstalk pydantic httpx
    for each in pg my cache rabbit small edge office; do
        CORPUS_SECONDS=1260 /srv/venv-a/bin/python bench/detection/record/outside_a/run.py --normal $each &
    done
    /srv/venv-a/bin/python bench/detection/record/outside_a/run.py --all -j 4
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

import families  # noqa: E402, F401
from stage import CASES, FAMILIES, mask, prepare  # noqa: E402
from world import World  # noqa: E402

BEFORE = 45.0


def record(name: str) -> None:
    one = CASES[name]
    group = FAMILIES[one.family]
    world = World(name, cpu=1.5, memory_mb=group.memory, host="node-7", nice=15)
    prepare(world)
    programs = group.start(world, **one.options)
    world.sleep(6)
    world.ready()
    world.measure(10)
    world.sleep(float(os.environ.get("CORPUS_SECONDS", BEFORE)))
    world.breaks()
    one.act(world, programs)
    world.sleep(one.after)
    mask()
    world.finish(
        {
            "name": name,
            "class": one.cls,
            "also": list(one.also),
            "why_also": one.why_also,
            "culprit": list(one.culprit),
            "effects": list(one.effects),
            "kind": "logs",
            "silent": one.silent,
            "story": one.story,
            "must": f"one incident of class {one.cls} that names {' or '.join(one.culprit)}",
            "must_not": "anything before broken_at; an incident of a class that is neither this one nor "
            "listed under also or effects",
            "decisive": one.decisive,
        },
        group.sources,
    )


def normal(name: str) -> None:
    """Everyday life of one family: its load goes on, and one chore after the other is done."""
    group = FAMILIES[name]
    seconds = float(os.environ.get("CORPUS_SECONDS", 1200))
    world = World(f"normal_a_{name}", cpu=1.5, memory_mb=group.memory, host="node-7", nice=15)
    prepare(world)
    programs = group.start(world)
    world.sleep(8)
    world.ready()
    world.measure(10)
    end = time.monotonic() + seconds
    gap = (seconds - 60) / max(1, len(group.chores))
    for each in group.chores:
        world.sleep(gap * 0.5)
        began = time.monotonic()
        try:
            each(world, programs)
        except Exception as error:  # noqa: BLE001  # a chore that fails is only told; the hour goes on
            print(f"{name}: {each.__name__}: {error!r}", flush=True)
        world.sleep(max(1.0, gap * 0.5 - (time.monotonic() - began)))
    world.sleep(max(0.0, end - time.monotonic()))
    mask()
    world.finish(
        {
            "name": world.name,
            "kind": "normal",
            "story": "normal operation: " + "; ".join(" ".join((each.__doc__ or "").split()) for each in group.chores),
        },
        group.sources,
    )


def one(name: str) -> tuple[str, int, float]:
    began = time.monotonic()
    with open(f"/var/lib/sra-corpus/{name}.out", "wb") as out:
        done = subprocess.run(
            [sys.executable, str(HERE / "run.py"), name], check=False, timeout=420, stdout=out, stderr=out,
            env={**os.environ, "CORPUS_SET": os.environ.get("CORPUS_SET", "outside")},
        )
    return name, done.returncode, time.monotonic() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--normal", default="")
    parser.add_argument("--all", action="store_true", help="those that are not recorded yet")
    parser.add_argument("--family", default="")
    parser.add_argument("-j", type=int, default=4)
    given = parser.parse_args()
    os.environ.setdefault("CORPUS_SET", "outside")
    out = HERE.parents[1] / os.environ["CORPUS_SET"]
    if given.normal:
        normal(given.normal)
        return
    names = given.names
    if given.all or given.family:
        names = [
            name for name, each in CASES.items()
            if not (out / name / "case.toml").exists() and given.family in ("", each.family)
        ]
    elif len(names) == 1:
        record(names[0])
        return
    with ThreadPoolExecutor(given.j) as pool:
        for name, code, seconds in pool.map(one, names):
            print(f"{name:32} {'recorded' if code == 0 else 'FAILED'} in {seconds:.0f} s", flush=True)


if __name__ == "__main__":
    main()
