"""Failures of Redis under Sentinels and of a Redis Cluster."""

from __future__ import annotations

import signal
import time

from ground import Any, World, case, kill, node, sh, stop
from keys import LETTERS, cli, member

ERRORS = ("error_burst", "external_api_down")


@case("keys", "service_crash", "cluster-b", ("tickets.log", "level='error'"), silent=True, also=("database_failure",),
      why_also="a member of a data store is gone, and with it a third of the keys")
def cluster_member_killed(world: World, run: Any) -> None:
    """A master of the cluster without a replica is killed; the others find the cluster failing and serve nothing."""
    kill(run["cluster-b"])


@case("keys", "service_crash", "cluster-c", ("tickets.log", "level='error'"), silent=True, also=("database_failure", "network_failure"),
      why_also="a frozen member looks like one behind a broken network, and the store serves nothing")
def cluster_member_frozen(world: World, run: Any) -> None:
    """A master of the cluster hangs."""
    kill(run["cluster-c"], signal.SIGSTOP)


@case("keys", "database_failure", "cluster-a cluster-b cluster-c tickets", ("cluster-a.log", "state changed: fail"), also=("error_burst", "service_crash"), effects=ERRORS,
      why_also="the store refuses, for a part of its keys belongs to nobody; tickets, whose library throws what it does not catch, ends")
def cluster_slots_removed(world: World, run: Any) -> None:
    """An operator takes a range of slots from one member and gives it to no other; the cluster counts as down."""
    for x in LETTERS:
        cli(x, "cluster delslotsrange 0 999", 7000, "turnstile")


@case("keys", "network_failure", "cluster-a cluster-b cluster-c tickets", ("cluster-a.log", "(?i)fail"), also=("database_failure", "service_crash"), effects=ERRORS,
      why_also="the members cannot see each other: each looks gone to the others")
def cluster_bus_dropped(world: World, run: Any) -> None:
    """A firewall rule drops the bus of the cluster; clients still reach every member, which serves nothing any more."""
    sh("iptables -A INPUT -p tcp --dport 17000 -j DROP; iptables -A INPUT -p tcp --sport 17000 -j DROP")


@case("keys", "memory_exhaustion", "cluster-a cluster-b cluster-c tickets", ("tickets.log", "(?i)OOM|maxmemory"), effects=(*ERRORS, "database_failure"))
def cluster_memory_lowered(world: World, run: Any) -> None:
    """A change of settings leaves the members less memory than they use; they refuse every write."""
    for x in LETTERS:
        cli(x, "config set maxmemory 1mb", 7000, "turnstile")


@case("keys", "auth_failures", "tickets cluster-a cluster-b cluster-c", ("tickets.log", "level='error'"), effects=(*ERRORS, "database_failure"))
def cluster_password_rotated(world: World, run: Any) -> None:
    """The password of the cluster is rotated, and connections are closed; tickets still has the old one."""
    for x in LETTERS:
        cli(x, "config set requirepass gangway", 7000, "turnstile")
        cli(x, "client kill type normal", 7000, "gangway")


@case("keys", "service_crash", "redis-a", ("basket.log", "\"level\":50"), silent=True, also=("database_failure",), after=75,
      why_also="a data store that is gone, and no other takes its place")
def master_killed_no_quorum(world: World, run: Any) -> None:
    """Two Sentinels were forgotten after maintenance; the master is killed, and the last one may not move it."""
    for x in ("b", "c"):
        kill(run[f"sentinel-{x}"])
    time.sleep(1)
    kill(run["redis-a"])


@case("keys", "service_crash", "redis-a", ("basket.log", "\"level\":50"), silent=True, also=("database_failure", "network_failure"), options={"priority": 0},
      why_also="a frozen master looks like one behind a broken network", after=75)
def master_frozen_nobody_follows(world: World, run: Any) -> None:
    """The master hangs; the replicas are configured never to be promoted, so each failover is given up."""
    kill(run["redis-a"], signal.SIGSTOP)


@case("keys", "auth_failures", "basket redis-a redis-b redis-c", ("basket.log", "WRONGPASS|NOAUTH"), effects=(*ERRORS, "database_failure"))
def basket_wrong_secret(world: World, run: Any) -> None:
    """A deploy gives basket the password of another environment."""
    stop(run["basket"])
    run["basket"] = node(world, "basket", REDIS_PASSWORD="rattan")


@case("keys", "database_failure", "redis-a redis-b redis-c basket", ("basket.log", "NOREPLICAS|EXECABORT"), also=("service_crash", "error_burst"), options={"min_replicas": 1}, effects=ERRORS,
      why_also="the replicas are gone, so the master takes no write")
def not_enough_replicas(world: World, run: Any) -> None:
    """Both replicas are stopped and not started again; the master, which wants one, refuses every write."""
    for x in ("b", "c"):
        stop(run[f"redis-{x}"])


@case("keys", "auth_failures", "redis-b redis-c redis-a", ("redis-b.log", "(?i)auth"), also=("database_failure",), effects=("error_burst", "database_failure"), after=75,
      why_also="replicas that may not follow")
def replicas_locked_out(world: World, run: Any) -> None:
    """The master's password is rotated and not where the replicas have it; after a restart of the link they may not follow."""
    cli("a", "config set requirepass osier")
    for x in ("b", "c"):
        cli(x, "config set requirepass osier")
        cli(x, "client kill type master", word="osier")
    cli("a", "client kill type slave", word="osier")
    cli("a", "client kill type normal", word="osier")


@case("keys", "error_burst", "cluster-b tickets", ("tickets.log", "level='error'"), also=("service_crash", "database_failure"), silent=False, effects=ERRORS,
      why_also="a member comes back as an empty stranger, and its part of the keys is nowhere")
def cluster_member_empty(world: World, run: Any) -> None:
    """A member of the cluster is set up anew and forgets what it was; the others wait for one that does not come back."""
    stop(run["cluster-b"])
    sh("rm -f /srv/shop/cluster-b/nodes.conf")
    run["cluster-b"] = member(world, "b")
