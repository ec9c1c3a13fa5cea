"""Failures of PostgreSQL, its replica, PgBouncer and the orders."""

from __future__ import annotations

import os
import time

from stage import (
    HOME,
    Any,
    World,
    case,
    kill,
    script,
    sh,
    signal,
    stop,
)

from .pg import PSQL, replica, sql


@case("pg", "service_crash", "postgresql-replica", ("orders.log", r"db2|127\.0\.0\.42|refused"), also=("database_failure",),
      why_also="a database that is gone is a crash and a failure of the database", silent=True)
def pg_replica_killed(world: World, run: Any) -> None:
    """The replica is killed and does not come back; what is read from it fails."""
    kill(run["replica"])


@case("pg", "disk_full", "postgresql", ("postgresql.log", "No space left"), also=("database_failure", "service_crash"),
      why_also="PostgreSQL stops itself when it cannot write its log", options={"wal_disk": True},
      effects=("error_burst", "external_api_down"))
def pg_wal_disk_full(world: World, run: Any) -> None:
    """Somebody copies a dump onto the disk of the write-ahead log, which fills up; PostgreSQL stops in a panic."""
    sh(f"dd if=/dev/zero of={HOME}/wal/dump.sql bs=64k count=10000")
    for _ in range(3):
        sql("insert into orders (customer, note) select n, repeat('x', 200) from generate_series(1, 60000) n")


@case("pg", "database_failure", "postgresql", ("postgresql.log", "already|remaining connection"), also=("error_burst",),
      why_also="the database works, for those who are in", effects=("external_api_down", "service_crash"))
def pg_too_many_clients(world: World, run: Any) -> None:
    """A report opens connections and returns none, until nobody else gets one."""
    script(world, "hoard", "pg", "db1.lan")


@case("pg", "database_failure", "postgresql", ("postgresql.log", "statement timeout"), also=("error_burst",), options={"timeout": "200ms"},
      why_also="only some statements fail", effects=("cpu_overload", "external_api_down"))
def pg_index_dropped(world: World, run: Any) -> None:
    """A migration drops the index that the customers are found by; each search runs into the time limit."""
    sql("drop index customers_email")


@case("pg", "database_failure", "postgresql", ("postgresql.log", "invalid page|page verification"))
def pg_corrupt_pages(world: World, run: Any) -> None:
    """A faulty disk returns nonsense for many pages of a table."""
    path = sh(f"{PSQL} -At -d orders -c \"select pg_relation_filepath('customers')\"", user="postgres").strip()
    with (HOME / "pg" / path).open("r+b") as file:
        size = (HOME / "pg" / path).stat().st_size
        for block in range(4, size // 8192, 3):
            file.seek(block * 8192 + 12)
            file.write(os.urandom(900))


@case("pg", "database_failure", "postgresql orders", ("postgresql.log", "permission denied"), also=("auth_failures", "error_burst"),
      why_also="the role may not read the table any more: rights, seen by the database")
def pg_permission_denied(world: World, run: Any) -> None:
    """A migration makes a table anew as postgres and forgets the rights of the application."""
    sql("begin; alter table orders rename to orders_old; create table orders (like orders_old including all); commit")


@case("pg", "deadlock", "postgresql", ("postgresql.log", "lock timeout|still waiting"), also=("database_failure",),
      why_also="nothing but a lock that nobody returns")
def pg_lock_kept(world: World, run: Any) -> None:
    """A person locks a table in psql and goes to lunch; everybody waits for the lock in vain."""
    world.spawn(
        ["/bin/sh", "-c", f"(echo 'begin; lock table orders in access exclusive mode;'; sleep 300) | {PSQL} -d orders"], user="postgres"
    )


@case("pg", "auth_failures", "pgbouncer postgresql", ("pgbouncer.log", "password authentication failed|login failed"),
      also=("database_failure",), why_also="all of the database is out of reach for want of the password")
def pgbouncer_login(world: World, run: Any) -> None:
    """The password of the role is changed in the database and not in PgBouncer."""
    sql("alter role orders_app password 'rotated'")


@case("pg", "service_crash", "pgbouncer", ("orders.log", "refused"), also=("database_failure",),
      why_also="for the application its database is gone", silent=True)
def pgbouncer_killed(world: World, run: Any) -> None:
    """PgBouncer is killed and does not come back."""
    kill(run["bouncer"])


@case("pg", "database_failure", "postgresql orders", ("postgresql.log", "reached maximum|out of range"), also=("error_burst",),
      why_also="only inserts fail")
def pg_sequence_used_up(world: World, run: Any) -> None:
    """The numbers of the orders reach the end of an integer."""
    sql("select setval('orders_id_seq', 2147483640)")


@case("pg", "network_failure", "postgresql-replica", ("orders.log", "timeout|timed out"), also=("database_failure",),
      why_also="what cannot be reached is a database", silent=True)
def net_replica_dropped(world: World, run: Any) -> None:
    """A firewall rule drops all that goes to the replica."""
    sh("iptables -A INPUT -d 127.0.0.42 -j DROP")


@case("pg", "service_crash", "orders", ("nginx_error.log", "refused"))
def orders_bad_deploy(world: World, run: Any) -> None:
    """A deploy brings an application that does not start: a module is missing."""
    stop(run["orders"])
    (HOME / "app" / "orders.py").write_text("import decimalx\n" + (HOME / "app" / "orders.py").read_text())
    for _ in range(8):
        one = world.spawn(
            ["/srv/venv-a/bin/gunicorn", "-w", "2", "-b", "127.0.0.44:8000", "orders:app"], log="orders.log", user="www-data", cwd=HOME / "app",
        )
        one.wait(20)
        time.sleep(5)


@case("pg", "database_failure", "postgresql-replica postgresql", ("postgresql_replica.log", "already been removed"), effects=())
def pg_replica_too_old(world: World, run: Any) -> None:
    """The replica is down during a large import; the primary has thrown away what it needs, and it can never follow again."""
    stop(run["replica"], signal.SIGINT)
    for n in range(3):
        sql(f"create table import{n} as select n, repeat(md5(n::text), 12) from generate_series(1, 200000) n")
        sql("checkpoint")
    run["replica"] = replica(world)


@case("pg", "network_failure", "postgresql pgbouncer", ("orders.log", "timeout|timed out"), also=("database_failure",),
      why_also="what cannot be reached is a database")
def net_primary_dropped(world: World, run: Any) -> None:
    """A firewall rule drops all that goes to the primary."""
    sh("iptables -A INPUT -d 127.0.0.41 -j DROP")
