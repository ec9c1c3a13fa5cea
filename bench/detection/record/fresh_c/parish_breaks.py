"""Failures of the parish."""

from __future__ import annotations

import signal
import time

from ground import Any, Path, World, aside, case, kill, sh, stop
from parish import CRASH, server, sql, up


@case("parish", "service_crash", "mariadb", ("apache_error.log", r"2002|2006|refused|gone away"), also=("database_failure",), why_also=CRASH, silent=True)
def my_killed(world: World, run: Any) -> None:
    """MariaDB is killed and does not come back."""
    kill(run["main"])


@case("parish", "database_failure", "mariadb apache2", ("apache_error.log", r"1226|1203|max_user_connections"), also=("error_burst", "rate_limited"),
      why_also="a limit set too low: the database works for those within it")
def my_hourly_limit(world: World, run: Any) -> None:
    """The application's account is given a limit of connections by the hour, which is soon used up."""
    sql("alter user parish@'%' with max_connections_per_hour 20")


@case("parish", "auth_failures", "mariadb apache2", ("apache_error.log", r"1142|command denied"), also=("database_failure", "error_burst"),
      why_also="rights that are missing, seen in the database's answers")
def my_rights_revoked(world: World, run: Any) -> None:
    """A tidy-up of rights takes writing and reading of the main tables from the application."""
    sql("revoke select, insert, update, delete on parish.* from parish@'%'; grant select on parish.totals to parish@'%'")


@case("parish", "disk_full", "mariadb", ("mysql_error.log", r"(?i)errcode: 28|No space left|disk is full"), options={"disk": 260}, also=("database_failure",),
      why_also="what fails of it is the database", effects=("error_burst", "service_crash", "external_api_down"))
def my_datadir_full(world: World, run: Any) -> None:
    """The disk of MariaDB's data is filled by an old copy; a bulk import comes on top."""
    sh("dd if=/dev/zero of=/var/lib/mysql-main/old-copy.tar bs=64k")
    sql("use parish; create table copy as select * from people")
    sql("use parish; insert into gifts (person, note) select seq, repeat('x', 2000) from seq_1_to_4000")


@case("parish", "deadlock", "mariadb", ("apache_error.log", r"1205|Lock wait timeout"), also=("database_failure",), why_also="nothing but locks that nobody returns")
def my_open_transaction(world: World, run: Any) -> None:
    """A person changes the totals in a transaction and leaves it open; everybody else waits in vain."""
    world.spawn(["/bin/sh", "-c", "(echo 'use parish; begin; update totals set amount = amount + 1;'; sleep 300) | mariadb --no-defaults -S /run/mysqld/main.sock -u root"])


@case("parish", "database_failure", "mariadb", ("apache_error.log", r"1290|read-only"), also=("error_burst",), why_also="only writing fails")
def my_read_only(world: World, run: Any) -> None:
    """MariaDB is left read-only after maintenance."""
    sql("set global read_only = 1")


@case("parish", "auth_failures", "mariadb-replica mariadb", ("mysql_replica_error.log", r"Access denied|1045"), also=("database_failure",),
      why_also="replication is broken, for want of the password")
def my_replica_locked_out(world: World, run: Any) -> None:
    """The password of replication is changed on the main server alone."""
    sql("alter user copy@'%' identified by 'rotated'")
    sql("stop slave; do sleep(1); start slave", "ro")


@case("parish", "service_crash", "mariadb", ("mysql_error.log", r"unknown variable|Aborting"), also=("database_failure",), why_also=CRASH)
def my_bad_option(world: World, run: Any) -> None:
    """A changed configuration holds an option that does not exist; MariaDB does not start any more, however often it is tried."""
    stop(run["main"])
    for _ in range(6):
        server(world, "main", "innodb-bufer-pool-instances = 4")
        time.sleep(6)


@case("parish", "deadlock", "mariadb apache2", ("apache_error.log", r"1213|Deadlock found"), also=("database_failure", "error_burst"),
      why_also="requests fail by it, the database goes on")
def my_deadlocks(world: World, run: Any) -> None:
    """A new batch updates the same rows in another order than the application does; the two deadlock again and again."""
    def batch() -> None:
        for _ in range(70):
            sql("use parish; begin; insert into gifts (person, note) select seq, 'batch' from seq_1_to_60; update totals set amount = 1 where house = 0; do sleep(0.2); update totals set amount = 1 where house = 1; do sleep(0.2);"
                " update totals set amount = 1 where house = 2; update totals set amount = 1 where house = 3; commit", "main", "sexton", "-pspade")

    text = Path("/srv/parish/index.php").read_text()
    new = text.replace("$db->prepare('UPDATE totals SET amount = amount + 1 WHERE house = ?')->execute([$body['customer'] % 4]);",
                       "foreach ([3, 2, 1, 0] as $house) { $db->prepare('UPDATE totals SET amount = amount + 1 WHERE house = ?')->execute([$house]); usleep(120000); }")
    Path("/srv/parish/index.php").write_text(new)
    aside(batch)


@case("parish", "database_failure", "mariadb apache2", ("apache_error.log", r"MaxRequestWorkers|1205|timeout"), also=("deadlock", "error_burst"),
      why_also="a table is locked and nobody returns it; told by the web server that is full")
def my_table_locked(world: World, run: Any) -> None:
    """A maintenance script locks tables and hangs; all workers of Apache wait until it has none left."""
    world.spawn(["/bin/sh", "-c", "(echo 'use parish; lock tables gifts write, people write, totals write;'; sleep 300) | mariadb --no-defaults -S /run/mysqld/main.sock -u root"])


@case("parish", "service_crash", "memcached apache2", ("apache_error.log", r"(?i)memcached|session"), silent=True)
def memcached_killed(world: World, run: Any) -> None:
    """memcached is killed and does not come back; no session can be opened."""
    kill(run["memcached"])


@case("parish", "database_failure", "mariadb", ("mysql_error.log", r"(?i)corrupt|checksum"), also=("service_crash",), why_also="MariaDB ends itself when it reads such a page")
def my_pages_broken(world: World, run: Any) -> None:
    """After a planned restart pages of a table turn out to be broken on disk."""
    stop(run["main"])
    path = Path("/var/lib/mysql-main/parish/people.ibd")
    size = path.stat().st_size
    with path.open("r+b") as file:
        for block in range(4, size // 16384, 25):
            file.seek(block * 16384 + 400)
            file.write(bytes(3000))
    for _ in range(4):
        run["main"] = server(world, "main")
        time.sleep(14)
        if run["main"].poll() is None:
            break


@case("parish", "database_failure", "mariadb apache2", ("apache_error.log", r"1969|max_statement_time"), also=("error_burst",), effects=("cpu_overload", "external_api_down"),
      why_also="only some statements fail", options={"limit": True})
def my_index_dropped(world: World, run: Any) -> None:
    """An index is dropped by mistake; each search of people runs into the time limit."""
    sql("alter table parish.people drop key street")


@case("parish", "network_failure", "mariadb apache2", ("apache_error.log", r"timed out|2002"), also=("database_failure",), why_also="what cannot be reached is a database")
def my_dropped(world: World, run: Any) -> None:
    """A firewall rule drops all that goes to MariaDB."""
    sh("iptables -A INPUT -d 127.0.1.21 -p tcp --dport 3306 -j DROP")


@case("parish", "database_failure", "mariadb apache2", ("apache_error.log", r"1040|Too many connections"), also=("error_burst",), why_also="the database works, for those who are in")
def my_too_many_connections(world: World, run: Any) -> None:
    """A script opens connections and never closes one, until MariaDB takes no more."""
    world.spawn(["/bin/sh", "-c", "for n in $(seq 40); do (sleep 300 | mariadb --no-defaults -h 127.0.1.21 -u sexton -pspade parish) & sleep 0.2; done; wait"])


@case("parish", "database_failure", "mariadb apache2", ("apache_error.log", r"1146|doesn't exist"), also=("error_burst",), why_also="the restore did it, the database says it")
def my_table_missing(world: World, run: Any) -> None:
    """A restore from a dump breaks off after it has dropped a table."""
    sql("use parish; set foreign_key_checks=0; drop table people")


@case("parish", "service_crash", "mariadb apache2", ("apache_error.log", r"2002|2006|timed out|gone away|MaxRequestWorkers"), also=("database_failure",),
      why_also="it runs and does not answer: a store that fails, a service that hangs", silent=True)
def my_frozen(world: World, run: Any) -> None:
    """MariaDB stops in its tracks, as on a frozen disk: connections are taken and nothing is answered."""
    run["main"].send_signal(signal.SIGSTOP)


@case("parish", "database_failure", "mariadb-replica mariadb", ("mysql_replica_error.log", r"1236"))
def my_replica_purged(world: World, run: Any) -> None:
    """The replica was down while the main server threw away the binary logs that it needs; it can never follow again."""
    stop(run["ro"])
    time.sleep(2)
    for _ in range(3):
        sql("use parish; insert into gifts (person, note) select seq, 'import' from seq_1_to_200; flush binary logs")
    time.sleep(2)
    sql("purge binary logs to 'mariadb-bin.000004'")
    run["ro"] = server(world, "ro")
    up("ro")
