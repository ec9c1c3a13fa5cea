"""Keys: baskets (Node) on a Redis with two replicas and three Sentinels, tickets (Python) on a Redis Cluster of three masters."""

from __future__ import annotations

import os
import time
from pathlib import Path

from ground import (
    HOME,
    LOG,
    Any,
    World,
    chore,
    family,
    folder,
    get,
    node,
    port_open,
    python,
    quietly,
    sh,
    stop,
    touch,
)

LETTERS = ("a", "b", "c")
SOURCES = {
    **{f"redis-{x}.log": f"redis-{x}" for x in LETTERS}, **{f"sentinel-{x}.log": f"sentinel-{x}" for x in LETTERS},
    **{f"cluster-{x}.log": f"cluster-{x}" for x in LETTERS}, "basket.log": "basket", "tickets.log": "tickets",
}


def address(x: str) -> str:
    return f"127.0.3.2{LETTERS.index(x) + 1}"


def redis(world: World, x: str, *more: str) -> Any:
    """One of the three behind the Sentinels."""
    one = world.spawn(["redis-server", str(HOME / f"redis-{x}.conf"), *more], user="redis")
    port_open(address(x), 6379)
    return one


def sentinel(world: World, x: str) -> Any:
    one = world.spawn(["redis-sentinel", str(HOME / f"sentinel-{x}.conf")], user="redis")
    port_open(address(x), 26379)
    return one


def member(world: World, x: str) -> Any:
    """One of the three of the cluster."""
    one = world.spawn(["redis-server", str(HOME / f"cluster-{x}.conf")], user="redis")
    port_open(address(x), 7000)
    return one


def cli(x: str, command: str, port: int = 6379, word: str = "wicker") -> str:
    return sh(f"redis-cli --no-auth-warning -h {address(x)} -p {port} -a {word} {command}")


def settings(x: str, priority: int, min_replicas: int) -> None:
    # on loopback every connection would come from 127.0.0.1 otherwise, and all three would be one
    common = f"bind {address(x)}\nbind-source-addr {address(x)}\nsave ''\nmaxmemory 64mb\nprotected-mode no\n"
    follows = "" if x == "a" else f"replicaof {address('a')} 6379\n"
    (HOME / f"redis-{x}.conf").write_text(
        f"{common}replica-announce-ip {address(x)}\nport 6379\ndir {HOME}/redis-{x}\nlogfile {LOG}/redis-{x}.log\nrequirepass wicker\nmasterauth wicker\nrepl-timeout 15\n"
        f"repl-diskless-sync-delay 0\nreplica-priority {100 if x == 'a' else priority}\nmin-replicas-to-write {min_replicas}\n{follows}")
    (HOME / f"sentinel-{x}.conf").write_text(
        f"bind {address(x)}\nport 26379\nprotected-mode no\ndir {HOME}/redis-{x}\nlogfile {LOG}/sentinel-{x}.log\n"
        f"sentinel announce-ip {address(x)}\nbind-source-addr {address(x)}\nsentinel monitor baskets {address('a')} 6379 2\nsentinel auth-pass baskets wicker\nsentinel down-after-milliseconds baskets 5000\n"
        "sentinel failover-timeout baskets 12000\n")
    (HOME / f"cluster-{x}.conf").write_text(
        f"{common}port 7000\ndir {HOME}/cluster-{x}\nlogfile {LOG}/cluster-{x}.log\ncluster-enabled yes\ncluster-config-file nodes.conf\n"
        "cluster-node-timeout 5000\nrequirepass turnstile\nmasterauth turnstile\n")
    for name in ("redis", "sentinel", "cluster"):
        sh(f"chown redis:redis {HOME}/{name}-{x}.conf")


@family("keys", SOURCES)
def start(world: World, priority: int = 100, min_replicas: int = 0) -> dict[str, Any]:
    touch(*SOURCES)
    run: dict[str, Any] = {}
    for x in LETTERS:
        for name in ("redis", "cluster"):
            folder(f"{name}-{x}", "redis", world)
        settings(x, priority, min_replicas)
        run[f"redis-{x}"], run[f"cluster-{x}"] = redis(world, x), member(world, x)
    members = " ".join(f"{address(x)}:7000" for x in LETTERS)
    sh(f"redis-cli --no-auth-warning -a turnstile --cluster create {members} --cluster-replicas 0 --cluster-yes")
    for x in LETTERS:
        run[f"sentinel-{x}"] = sentinel(world, x)
    time.sleep(3)
    run["basket"] = node(world, "basket")
    port_open("127.0.3.21", 8100)
    run["tickets"] = python(world, "tickets")
    for method, gap in (("POST", 1.0), ("GET", 0.7)):
        world.every(gap, lambda n, method=method: get(f"http://127.0.3.21:8100/basket?customer={n * 7 % 400}", method))
    return run


def rotate(name: str) -> None:
    """Move a log away; Redis opens its log anew for every line."""
    os.rename(LOG / name, LOG / f"{name}.1")
    Path(LOG / name).touch()
    (LOG / name).chmod(0o666)


# ── everyday life ────────────────────────────────────────────────────────────────────────────
@chore("keys")
def person(world: World, run: Any) -> None:
    """a person mistypes passwords and commands"""
    for command, word in (("ping", "wikcer"), ("ping", "Wicker"), ("hgetal basket:1", "wicker"), ("get basket:7", "wicker"), ("lpush basket:7 x", "wicker")):
        cli("a", command, word=word)


@chore("keys")
def backup(world: World, run: Any) -> None:
    """every Redis is backed up in the background"""
    for x in LETTERS:
        cli(x, "bgsave")
        cli(x, "bgsave", 7000, "turnstile")


@chore("keys")
def planned_failover(world: World, run: Any) -> None:
    """an operator lets the Sentinels move the master as planned"""
    sh(f"redis-cli -h {address('b')} -p 26379 sentinel failover baskets")


@chore("keys")
def rotation(world: World, run: Any) -> None:
    """logs are rotated"""
    for x in LETTERS:
        rotate(f"redis-{x}.log")
        rotate(f"cluster-{x}.log")


@chore("keys")
def replica(world: World, run: Any) -> None:
    """a replica is upgraded: stopped, and started four seconds later"""
    for x in LETTERS:
        if "role:slave" in cli(x, "info replication"):
            stop(run[f"redis-{x}"])
            time.sleep(4)
            run[f"redis-{x}"] = redis(world, x)
            return


@chore("keys")
def deploy(world: World, run: Any) -> None:
    """basket and tickets are deployed anew, each with a second's gap"""
    stop(run["basket"])
    time.sleep(1)
    run["basket"] = node(world, "basket")
    stop(run["tickets"])
    time.sleep(1)
    run["tickets"] = python(world, "tickets")


@chore("keys")
def member_restarts(world: World, run: Any) -> None:
    """a member of the cluster is restarted as one plans it"""
    stop(run["cluster-b"])
    run["cluster-b"] = member(world, "b")


@chore("keys")
def import_keys(world: World, run: Any) -> None:
    """five thousand old tickets are imported at once, and deleted again"""
    sh("for n in $(seq 2000); do echo SET old:$n x EX 60; done | redis-cli --no-auth-warning -c -h 127.0.3.21 -p 7000 -a turnstile", seconds=50)


@chore("keys")
def sentinel_restarts(world: World, run: Any) -> None:
    """one Sentinel is restarted for an upgrade"""
    stop(run["sentinel-c"])
    time.sleep(2)
    run["sentinel-c"] = sentinel(world, "c")


@chore("keys")
def scanner(world: World, run: Any) -> None:
    """a scanner knocks at every port and speaks HTTP to a Redis; checks of ports break off"""
    quietly(*[lambda p=p: get(f"http://127.0.3.21:{p}/", seconds=2) for p in (6379, 7000, 8100)])
    for port in (6379, 7000, 26379, 8100):
        port_open("127.0.3.21", port)
