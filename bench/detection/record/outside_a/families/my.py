"""MariaDB with a replica, the CRM and Apache."""

from __future__ import annotations

import os
import time

from stage import (
    HOME,
    LOG,
    Any,
    World,
    app,
    case,
    chore,
    family,
    get,
    hang_up,
    kill,
    load,
    port_open,
    scanner,
    script,
    sh,
    shutil,
    signal,
    stop,
    touch,
)

SOURCES = {
    "mariadb.log": "mariadb",
    "mariadb_replica.log": "mariadb-replica",
    "crm.log": "crm",
    "crm_access.log": "crm",
    "apache_error.log": "apache",
    "apache_access.log": "apache",
}


def sql(text: str, socket: str = "one") -> str:
    return sh(f'mariadb --no-defaults -S /run/mysqld/{socket}.sock -u root -e "{text}"')


def server(world: World, name: str, number: int, *more: str) -> Any:
    log, folder = ("mariadb", "maria1") if number == 1 else ("mariadb_replica", "maria2")
    one = world.spawn(
        [
            "mariadbd", "--no-defaults", f"--datadir={HOME / folder}", f"--bind-address=127.0.0.5{number}", "--port=3306",
            f"--socket=/run/mysqld/{name}.sock", "--innodb-buffer-pool-size=16M", "--innodb-log-file-size=8M", "--log-warnings=2",
            "--innodb-flush-log-at-trx-commit=0", f"--server-id={number}", "--log-bin=bin", "--relay-log=relay", "--expire-logs-days=1",
            "--max-connections=30", "--myisam-recover-options=OFF", f"--pid-file=/run/mysqld/{name}.pid", *more,
        ],
        log=f"{log}.log", user="mysql",
    )
    port_open(f"127.0.0.5{number}", 3306, 60)
    time.sleep(0.5)
    return one


def apache(world: World) -> Any:
    (HOME / "apache.conf").write_text(
        "ServerRoot /etc/apache2\nServerName intranet.lan\nListen 127.0.0.54:80\nPidFile /run/apache2.pid\nMutex file:/tmp default\n"
        + "".join(
            f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so\n"
            for name in ("mpm_event", "authz_core", "proxy", "proxy_http")
        )
        + f"User www-data\nGroup www-data\nErrorLog {LOG}/apache_error.log\nDocumentRoot /var/www/html\n"
        'LogFormat "%h %l %u %t \\"%r\\" %>s %b \\"%{Referer}i\\" \\"%{User-Agent}i\\"" combined\n'
        f"CustomLog {LOG}/apache_access.log combined\nProxyTimeout 6\n"
        "StartServers 1\nMinSpareThreads 5\nMaxSpareThreads 25\nThreadsPerChild 25\nMaxRequestWorkers 25\nServerLimit 1\n"
        "ProxyPass / http://127.0.0.53:8000/ retry=2\n"
    )
    one = world.spawn(["apache2", "-D", "FOREGROUND", "-f", str(HOME / "apache.conf")])
    port_open("127.0.0.54", 80)
    return one


@family("my", SOURCES)
def start(world: World, binlog_disk: bool = False) -> dict[str, Any]:
    touch(*SOURCES)
    for name in ("maria1", "maria2"):
        (HOME / name).mkdir()
        shutil.chown(HOME / name, "mysql", "mysql")
        sh(f"mariadb-install-db --no-defaults --datadir={HOME / name} --user=mysql --skip-test-db --innodb-log-file-size=8M")
    more = []
    if binlog_disk:
        world.disk(HOME / "scratch", 40, "mysql")
        more = [f"--log-bin={HOME}/scratch/bin"]
    run: dict[str, Any] = {"one": server(world, "one", 1, *more), "two": server(world, "two", 2)}
    sql(
        "create database crm; create user crm@'%' identified by 'secret'; grant all on crm.* to crm@'%';"
        "create user report@'%' identified by 'report'; grant select on crm.* to report@'%';"
        "create user repl@'%' identified by 'repl'; grant replication slave on *.* to repl@'%'; reset master"
    )
    sql(
        "create user crm@'%' identified by 'secret'; grant all on *.* to crm@'%'; change master to master_host='127.0.0.51', master_user='repl',"
        "master_password='repl', master_connect_retry=5; start slave; create database crm",
        "two",
    )
    time.sleep(1)
    sql(
        "create table crm.customers (id int primary key, name text) engine=innodb;"
        "insert into crm.customers select seq, concat('customer ', seq) from (select seq from seq_1_to_6000) s".replace(
            "(select seq from seq_1_to_6000) s", "mysql.seq_1_to_6000"
        )
        + ";create table crm.sessions (id int primary key, data text) engine=myisam;"
        "insert into crm.sessions select id, name from crm.customers;"
        "create table crm.visits (id int auto_increment primary key, customer int, note text) engine=innodb"
    )
    run["crm"] = app(world, "crm", "127.0.0.53:8000")
    run["apache"] = apache(world)
    load(
        world, ("POST", "http://intranet.lan/visits"), ("GET", "http://intranet.lan/customers/{n}"),
        ("GET", "http://intranet.lan/session/{n}"), ("GET", "http://intranet.lan/report"),
    )
    return run


@chore("my")
def scan(world: World, run: Any) -> None:
    """somebody looks for holes in the web server"""
    scanner("intranet.lan")


@chore("my")
def person(world: World, run: Any) -> None:
    """a person mistypes a password and SQL"""
    sh("mariadb --no-defaults -h 127.0.0.51 -u report -pwrong -e 'select 1'; mariadb --no-defaults -h 127.0.0.51 -u report -preport crm -e 'selct 1; delete from visits'")
    sh("mariadb --no-defaults -h 127.0.0.51 -u report -preport crm -f -e 'select * from nothing; delete from visits'")


@chore("my")
def backup(world: World, run: Any) -> None:
    """a nightly dump and a check of the tables"""
    sh("mariadb-dump --no-defaults -S /run/mysqld/one.sock -u root --single-transaction crm > /tmp/crm.sql")
    sql("check table crm.sessions, crm.visits; analyze table crm.visits")


@chore("my")
def bulk(world: World, run: Any) -> None:
    """a bulk import of 6,000 rows in one statement"""
    sql("insert into crm.visits (customer, note) select id, name from crm.customers")


@chore("my")
def slow(world: World, run: Any) -> None:
    """a slow report and one that is broken off"""
    sql("select sleep(4)")
    sh("timeout 2 mariadb --no-defaults -S /run/mysqld/one.sock -u root -e 'select sleep(8)'")


@chore("my")
def reload_apache(world: World, run: Any) -> None:
    """Apache's logs are rotated and it is reloaded gracefully"""
    os.rename(LOG / "apache_access.log", LOG / "apache_access.log.1")
    run["apache"].send_signal(signal.SIGUSR1)


@chore("my")
def hang(world: World, run: Any) -> None:
    """clients hang up before they are answered, a check of the port of MariaDB breaks its greeting off"""
    for _ in range(4):
        hang_up("intranet.lan", 80, "/report")
    get("http://intranet.lan/customers/abc")
    get("http://intranet.lan/customers/99999")
    sh("timeout 2 bash -c 'exec 3<>/dev/tcp/127.0.0.51/3306; sleep 0.2'")


@chore("my")
def migration(world: World, run: Any) -> None:
    """a migration adds a column and an index while the load goes on"""
    sql("alter table crm.visits add column channel varchar(20), add index (customer)")


@chore("my")
def flush(world: World, run: Any) -> None:
    """logs and privileges are flushed, binary logs are purged"""
    sql("flush logs; flush privileges; flush tables; purge binary logs before now()")


@chore("my")
def deploy(world: World, run: Any) -> None:
    """the CRM is deployed: gunicorn starts new workers"""
    run["crm"].send_signal(signal.SIGHUP)


@chore("my")
def restart_two(world: World, run: Any) -> None:
    """the replica is restarted as one plans it"""
    stop(run["two"])
    run["two"] = server(world, "two", 2)


@chore("my")
def restart_one(world: World, run: Any) -> None:
    """MariaDB is restarted as one plans it"""
    stop(run["one"])
    run["one"] = server(world, "one", 1)


@chore("my")
def restart_crm(world: World, run: Any) -> None:
    """the CRM is restarted as one plans it"""
    stop(run["crm"])
    run["crm"] = app(world, "crm", "127.0.0.53:8000")


@case("my", "database_failure", "mariadb", ("mariadb.log", "is corrupt|crashed|Incorrect key"))
def maria_table_crashed(world: World, run: Any) -> None:
    """The index of the table of sessions is damaged on the disk; each use of it fails."""
    path = HOME / "maria1" / "crm" / "sessions.MYI"
    with path.open("r+b") as file:
        file.seek(1024)
        file.write(os.urandom(path.stat().st_size - 1024))
    sql("flush tables")


@case("my", "database_failure", "mariadb", ("crm.log", "Too many connections"), also=("error_burst",),
      why_also="those that are connected are served", silent=True)
def maria_max_connections(world: World, run: Any) -> None:
    """A report opens connections and returns none, until nobody else gets one."""
    script(world, "hoard", "maria", "crmdb1.lan")


@case("my", "database_failure", "mariadb-replica", ("mariadb_replica.log", "slave SQL thread aborted|Duplicate entry"), effects=())
def maria_replication_stopped(world: World, run: Any) -> None:
    """Somebody writes to the replica; the next row of the primary collides with his and replication stops."""
    sql("insert into crm.visits (id, customer, note) select max(id) + 6, 1, 'by hand' from crm.visits", "two")


@case("my", "database_failure", "mariadb", ("crm.log", "[Tt]ablespace"))
def maria_tablespace_discarded(world: World, run: Any) -> None:
    """The space of a table is discarded for an import that is then forgotten; each use of it fails."""
    sql("set sql_log_bin = 0; alter table crm.customers discard tablespace")


@case("my", "auth_failures", "mariadb crm", ("crm.log", "Access denied"), also=("database_failure",),
      why_also="the database is out of reach for want of rights")
def maria_user_dropped(world: World, run: Any) -> None:
    """The account of the CRM is dropped while accounts are tidied up."""
    sql("drop user crm@'%'")


@case("my", "disk_full", "mariadb", ("mariadb.log", "Errcode: 28|No space|is full|28 "), also=("database_failure",),
      why_also="for the application its database takes no writes", options={"binlog_disk": True})
def maria_binlog_disk_full(world: World, run: Any) -> None:
    """The disk of the binary log is filled up by a forgotten copy; each write waits for room."""
    sh(f"dd if=/dev/zero of={HOME}/scratch/copy.sql bs=4k count=25600")


@case("my", "service_crash", "crm", ("apache_error.log", "refused|AH00957"), silent=True)
def crm_killed(world: World, run: Any) -> None:
    """The CRM is killed and does not come back; Apache has nobody to ask."""
    kill(run["crm"])


@case("my", "service_crash", "crm", ("apache_error.log", "AH01102|AH00898|AH03490|timeout"), also=("external_api_down", "error_burst"),
      why_also="it hangs: Apache only sees a backend that gives no answer", silent=True)
def crm_frozen(world: World, run: Any) -> None:
    """The CRM hangs (stopped by a debugger); Apache waits in vain and runs out of workers."""
    kill(run["crm"], signal.SIGSTOP)


@case("my", "deadlock", "mariadb", ("crm.log", "timeout|timed out|1205"), also=("database_failure",),
      why_also="nothing but a lock that nobody returns", silent=True)
def maria_read_lock(world: World, run: Any) -> None:
    """A broken backup leaves a read lock on all tables; each write waits for it in vain."""
    world.spawn(
        ["/bin/sh", "-c", "(echo 'flush tables with read lock;'; sleep 300) | mariadb --no-defaults -S /run/mysqld/one.sock -u root"]
    )
