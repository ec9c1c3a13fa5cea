"""Failures of the harbour."""

from __future__ import annotations

import os
import signal
import time

from ground import Any, Path, World, aside, case, kill, sh, stop
from harbor import BIN, MAIN, again, sql

BOTH = "a database that is gone is a crash and a failure of the database"


def drop_clients() -> None:
    sql("select pg_terminate_backend(pid) from pg_stat_activity where usename = 'berths'", "postgres")


@case("harbor", "database_failure", "postgresql", ("berths.log", r"refused|ConnectionBad"), also=("service_crash",), why_also=BOTH)
def pg_fast_stop(world: World, run: Any) -> None:
    """Somebody stops the wrong PostgreSQL under load, and it stays down."""
    stop(run["main"], signal.SIGINT)


@case("harbor", "database_failure", "postgresql berths", ("pg_main.log", "too many connections for role"), also=("error_burst",),
      why_also="the database works, for those who are in")
def pg_role_limit(world: World, run: Any) -> None:
    """The connections of the application's role are limited to one, and all others are refused."""
    sql("alter role berths connection limit 1", "postgres")
    drop_clients()


@case("harbor", "auth_failures", "postgresql berths", ("pg_main.log", "no pg_hba.conf entry"), also=("database_failure",),
      why_also="all of the database is out of reach for want of a right to enter")
def pg_hba_edited(world: World, run: Any) -> None:
    """A line of pg_hba.conf is lost in an edit and PostgreSQL is reloaded; the next connections are refused."""
    path = MAIN / "pg_hba.conf"
    path.write_text("\n".join(each for each in path.read_text().splitlines() if not each.startswith("host ")) + "\nhost postgres all 127.0.0.0/8 scram-sha-256\n")
    sql("select pg_reload_conf()")
    drop_clients()


@case("harbor", "disk_full", "postgresql", ("pg_main.log", "No space left"), options={"tablespace": True}, also=("database_failure",),
      why_also="what fails of it is the database", effects=("error_burst", "external_api_down", "service_crash"))
def pg_tablespace_full(world: World, run: Any) -> None:
    """Somebody keeps a dump on the disk of a tablespace, which fills up; nothing more can be written there."""
    sh("dd if=/dev/zero of=/srv/fast/before-upgrade.dump bs=64k")
    sql("insert into calls (ship, note) select n, repeat('x', 300) from generate_series(1, 3000) n")


@case("harbor", "database_failure", "postgresql", ("pg_main.log", "read-only transaction"), also=("error_burst",), why_also="only writing fails")
def pg_read_only(world: World, run: Any) -> None:
    """After a rehearsal of a switch-over the database stays read-only for everybody."""
    sql("alter database harbor set default_transaction_read_only = on")
    drop_clients()


@case("harbor", "database_failure", "postgresql", ("pg_main.log", "out of shared memory"), also=("error_burst", "memory_exhaustion"),
      why_also="the table of locks is full, which the database calls want of memory",
      options={"settings": ("max_locks_per_transaction=10", "max_connections=15")})
def pg_lock_table_full(world: World, run: Any) -> None:
    """A batch makes and locks thousands of tables in one transaction and keeps it open; others find no room for a lock."""
    world.spawn(
        ["/bin/sh", "-c",
         "(echo 'begin;'; for n in $(seq 900); do echo \"savepoint s; create table part_$n (n int); release s;\"; done; sleep 300)"
         f" | {BIN}/psql -X -q -v ON_ERROR_ROLLBACK=on -h /run/postgresql/main -U postgres -d harbor"], user="postgres",
    )


@case("harbor", "database_failure", "postgresql-report", ("pg_report.log", "duplicate key"), effects=("error_burst", "service_crash"))
def pg_subscription_conflict(world: World, run: Any) -> None:
    """Somebody wrote into the subscriber's table; what arrives conflicts, and its worker fails again and again."""
    sql("insert into calls (id, ship, note) select max(id) + 40, 1, 'by hand' from calls", where="report")


@case("harbor", "service_crash", "postgresql", ("pg_main.log", "terminated by signal"), also=("database_failure",),
      why_also="a crash of the database's processes")
def pg_backends_killed(world: World, run: Any) -> None:
    """Processes of PostgreSQL are killed again and again, and each time all of it recovers."""
    def work() -> None:
        for _ in range(5):
            pid = sql("select pid from pg_stat_activity where usename = 'berths' limit 1", "postgres").strip()
            if pid:
                os.kill(int(pid.split()[0]), signal.SIGKILL)
            time.sleep(12)

    aside(work)


@case("harbor", "database_failure", "postgresql", ("pg_main.log", "archive command failed"), effects=("error_burst", "disk_full"),
      options={"settings": ("archive_mode=on", "archive_timeout=10s", "archive_command=cp %p /srv/archive/%f")})
def pg_archive_fails(world: World, run: Any) -> None:
    """The folder of archived segments loses its rights in a move; each attempt to archive fails."""
    Path("/srv/archive").chmod(0o555)
    sql("select pg_switch_wal()")


@case("harbor", "error_burst", "berths postgresql", ("pg_main.log", "does not exist"), also=("database_failure",),
      why_also="the database says it, the migration did it")
def pg_column_renamed(world: World, run: Any) -> None:
    """A migration renames a column before the application that knows its new name is deployed."""
    sql("alter table calls rename column note to remark")
    sql("alter table ships rename column tonnage to gross_tonnage")


@case("harbor", "deadlock", "postgresql", ("pg_main.log", "still waiting|statement timeout"), also=("database_failure",),
      why_also="nothing but locks that nobody returns")
def pg_ddl_queue(world: World, run: Any) -> None:
    """A migration waits behind a transaction that is forgotten open, and all requests wait behind the migration."""
    world.spawn(["/bin/sh", "-c", f"(echo 'begin; select count(*) from calls; select count(*) from ships;'; sleep 300) | {BIN}/psql -X -q -h /run/postgresql/main -U postgres -d harbor"],
                user="postgres")
    time.sleep(1)
    for table in ("calls", "ships"):
        world.spawn([str(BIN / "psql"), "-X", "-h", "/run/postgresql/main", "-U", "postgres", "-d", "harbor", "-c", f"alter table {table} add column eta date"], user="postgres")


@case("harbor", "network_failure", "postgresql berths", ("berths.log", "No route to host|unreachable|timeout|timed out"), also=("database_failure",),
      why_also="what cannot be reached is a database")
def pg_no_route(world: World, run: Any) -> None:
    """A firewall answers that the database's host cannot be reached; connections break."""
    sh("iptables -A INPUT -d 127.0.1.11 -p tcp --dport 5432 -j REJECT --reject-with icmp-host-unreachable")
    drop_clients()


@case("harbor", "certificate_expired", "postgresql", ("berths.log", "certificate"), options={"tls": 76}, also=("database_failure",),
      why_also="what cannot be reached for it is a database")
def pg_certificate_expired(world: World, run: Any) -> None:
    """The certificate of PostgreSQL has expired when the application is restarted, which wants to verify it."""
    time.sleep(23)
    drop_clients()


@case("harbor", "network_failure", "berths postgresql", ("berths.log", "could not translate|resolve|Name or service"), also=("database_failure",),
      why_also="what cannot be found is a database")
def pg_name_gone(world: World, run: Any) -> None:
    """The database's name is gone from the hosts file that is rolled out, and the application is restarted."""
    text = Path("/etc/hosts").read_text()
    Path("/etc/hosts").write_text("\n".join(each for each in text.splitlines() if "pgmain" not in each) + "\n")
    Path("/etc/resolv.conf").write_text("nameserver 127.0.0.53\noptions timeout:1 attempts:1\n")
    again(world, run)


@case("harbor", "auth_failures", "postgresql berths", ("pg_main.log", "password authentication failed"), also=("database_failure",),
      why_also="all of the database is out of reach for want of the password")
def pg_wrong_secret_deployed(world: World, run: Any) -> None:
    """A deploy of the berths brings the password of another environment."""
    again(world, run, PGWORD="staging")


@case("harbor", "network_failure", "berths nginx", ("gate_error.log", "110: |timed out"), also=("service_crash",), why_also="from the proxy, an application that is gone and one that cannot be reached look alike")
def berths_dropped(world: World, run: Any) -> None:
    """A firewall rule drops all that goes to the application behind nginx."""
    sh("iptables -A INPUT -d 127.0.1.13 -p tcp --dport 9292 -j DROP")


@case("harbor", "service_crash", "postgresql-report", ("manifest.log", "refused"), also=("database_failure",), why_also=BOTH, silent=True)
def pg_report_killed(world: World, run: Any) -> None:
    """The report database is killed and does not come back; the batch that reads it fails."""
    kill(run["report"])


@case("harbor", "service_crash", "berths", ("gate_error.log", "111: "), silent=True)
def berths_killed(world: World, run: Any) -> None:
    """The application behind nginx is killed and does not come back."""
    kill(run["berths"])
