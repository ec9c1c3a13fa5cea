"""The parish: MariaDB with a replica, Apache with PHP in it, memcached for sessions, a digest in Node. With their failures."""

from __future__ import annotations

import os
import signal
import time

from ground import (
    HOME,
    LOG,
    Any,
    Path,
    World,
    aside,
    case,
    chore,
    family,
    hang_up,
    home,
    kill,
    load,
    port_open,
    scanner,
    sh,
    shutil,
    stop,
    touch,
)

SOURCES = {
    "mysql_error.log": "mariadb", "mysql_replica_error.log": "mariadb-replica", "apache_error.log": "apache2", "apache_access.log": "apache2",
    "memcached.log": "memcached", "digest.log": "digest",
}
CRASH = "a database that is gone is a crash and a failure of the database"


def sql(text: str, socket: str = "main", user: str = "root", word: str = "") -> str:
    return sh(f"mariadb --no-defaults -S /run/mysqld/{socket}.sock -u {user} {word} -e \"{text}\"")


def server(world: World, name: str, *more: str) -> Any:
    log, address, number = ("mysql_error", "127.0.1.21", 11) if name == "main" else ("mysql_replica_error", "127.0.1.22", 12)
    touch(f"{log}.log")
    (HOME / f"{name}.cnf").write_text(
        f"[mariadbd]\ndatadir = /var/lib/mysql-{name}\nbind-address = {address}\nsocket = /run/mysqld/{name}.sock\npid-file = /run/mysqld/{name}.pid\n"
        f"log-error = {LOG}/{log}.log\nserver-id = {number}\nlog-bin = mariadb-bin\nbinlog-format = ROW\nrelay-log = relay\ngtid-domain-id = 1\n"
        "innodb-buffer-pool-size = 16M\ninnodb-log-file-size = 8M\ninnodb-flush-log-at-trx-commit = 0\ninnodb-lock-wait-timeout = 4\n"
        "lock-wait-timeout = 8\nmax-connections = 25\nlog-warnings = 2\nskip-name-resolve\nslave-net-timeout = 10\n"
        + "".join(f"{each}\n" for each in more)
    )
    return world.spawn(["mariadbd", f"--defaults-file={HOME}/{name}.cnf"], log=f"{name}.out", user="mysql")


def up(name: str) -> None:
    port_open("127.0.1.21" if name == "main" else "127.0.1.22", 3306, 60)
    time.sleep(0.5)


def memcached(world: World) -> Any:
    one = world.spawn(["memcached", "-l", "127.0.1.23", "-p", "11211", "-m", "16", "-u", "memcache", "-v"], log="memcached.log")
    port_open("127.0.1.23", 11211)
    return one


def apache(world: World, more: str = "") -> Any:
    (HOME / "apache.conf").write_text(
        "ServerRoot /etc/apache2\nServerName www.parish.lan\nListen 127.0.1.24:80\nPidFile /run/apache2.pid\nMutex file:/tmp default\n"
        + "".join(f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so\n" for name in ("mpm_prefork", "authz_core", "dir", "mime", "alias"))
        + f"LoadModule php_module {HOME}/libphp8.2.so\nPHPIniDir /etc/php/8.2/apache2c\nUser www-data\nGroup www-data\nErrorLog {LOG}/apache_error.log\n"
        f"LogFormat \"%v:%p %h %l %u %t \\\"%r\\\" %>s %O \\\"%{{Referer}}i\\\" \\\"%{{User-Agent}}i\\\"\" vhost_combined\n"
        f"CustomLog {LOG}/apache_access.log vhost_combined\nDocumentRoot /srv/parish\nTypesConfig /etc/mime.types\n"
        "<Directory /srv/parish>\nRequire all granted\nFallbackResource /index.php\n</Directory>\n<FilesMatch \\.php$>\nSetHandler application/x-httpd-php\n</FilesMatch>\n"
        f"StartServers 3\nMinSpareServers 2\nMaxSpareServers 4\nServerLimit 8\nMaxRequestWorkers 8\nKeepAlive Off\nTimeout 30\n{more}\n"
    )
    one = world.spawn(["apache2", "-D", "FOREGROUND", "-f", str(HOME / "apache.conf")], log="apache.out")
    port_open("127.0.1.24", 80)
    return one


@family("parish", SOURCES)
def start(world: World, disk: int = 0, limit: bool = False) -> dict[str, Any]:
    touch(*SOURCES)
    for name in ("main", "ro"):
        home(f"mysql-{name}", f"/var/lib/mysql-{name}", "mysql", world, disk if name == "main" else 0)
        sh(f"mariadb-install-db --no-defaults --datadir=/var/lib/mysql-{name} --user=mysql --skip-test-db --innodb-log-file-size=8M")
    (HOME / "code").mkdir()
    for each in (HOME / "app" / "parish").iterdir():
        shutil.copy(each, HOME / "code")
    Path("/srv/parish").mkdir(exist_ok=True)
    sh(f"mount --bind {HOME}/code /srv/parish")
    shutil.copy("/opt/fresh/modphp/usr/lib/apache2/modules/libphp8.2.so", HOME)
    ini = Path("/etc/php/8.2/apache2c/conf.d")
    ini.mkdir(parents=True)
    (ini.parent / "php.ini").write_text("log_errors = On\ndisplay_errors = Off\nerror_reporting = E_ALL\nhtml_errors = Off\n")
    for each in Path("/etc/php/8.2/cli/conf.d").iterdir():
        shutil.copy(each, ini / each.name, follow_symlinks=True)
    # a module's build looks for its settings where its package has them
    sh(f"mkdir -p /etc/php/8.2/apache2 && cp -r {ini} {ini.parent}/php.ini /etc/php/8.2/apache2/")
    run: dict[str, Any] = {"main": server(world, "main"), "ro": server(world, "ro")}
    up("main")
    up("ro")
    sql(
        "create database parish; create user parish@'%' identified by 'candle'; grant select, insert, update, delete on parish.* to parish@'%';"
        "create user digest@'%' identified by 'wax'; grant select on parish.* to digest@'%';"
        "create user copy@'%' identified by 'copy'; grant replication slave on *.* to copy@'%';"
        "create user sexton@'%' identified by 'spade'; grant all on parish.* to sexton@'%'"
    )
    sql("change master to master_host='127.0.1.21', master_user='copy', master_password='copy', master_connect_retry=5, master_use_gtid=slave_pos; start slave", "ro")
    sql(
        "use parish; create table people (id int primary key, name varchar(80), street varchar(80), about text, key (street));"
        "insert into people select seq, concat('Person ', seq), concat('Street ', seq), repeat('about ', 60) from seq_1_to_5000;"
        "create table gifts (id int auto_increment primary key, person int, note text, at timestamp default current_timestamp);"
        "create table totals (house int primary key, amount int); insert into totals values (0,0),(1,0),(2,0),(3,0)"
    )
    if limit:
        sql("insert into parish.people select seq, 'x', concat('Old ', seq), repeat('y', 300) from seq_10001_to_80000; alter user parish@'%' with max_statement_time 0.08")
    run["memcached"] = memcached(world)
    run["apache"] = apache(world)
    world.spawn(["node", str(HOME / "app/digest.js")], log="digest.log", user="www-data", cwd=HOME / "app")
    load(world, ("POST", "http://www.parish.lan/gifts"), ("GET", "http://www.parish.lan/people/{n}"), ("GET", "http://www.parish.lan/desk"))
    return run


# ── everyday life ────────────────────────────────────────────────────────────────────────────
@chore("parish")
def scan(world: World, run: Any) -> None:
    """somebody looks for holes in the web server"""
    scanner("www.parish.lan")


@chore("parish")
def person(world: World, run: Any) -> None:
    """a person mistypes a password and SQL"""
    sh("mariadb --no-defaults -h 127.0.1.21 -u sexton -pshovel parish -e 'select 1'")
    sh("mariadb --no-defaults -h 127.0.1.21 -u sexton -pspade parish -e 'selct 1; select * from person'")


@chore("parish")
def dump(world: World, run: Any) -> None:
    """a nightly dump from the replica, and an analysis of tables"""
    sh("mariadb-dump --no-defaults -S /run/mysqld/ro.sock -u root --single-transaction parish > /tmp/parish.sql")
    sql("analyze table parish.people; optimize table parish.gifts")


@chore("parish")
def bulk(world: World, run: Any) -> None:
    """a bulk import of 20,000 people, who are removed again"""
    sql("use parish; insert into people select seq, concat('Import ', seq), 'New Street', '' from seq_100001_to_120000; delete from people where id > 100000")


@chore("parish")
def slow(world: World, run: Any) -> None:
    """slow reports, one of them killed by its author"""
    sql("select count(*), sleep(2) from parish.totals where house = 1")
    sh("timeout 2 mariadb --no-defaults -S /run/mysqld/main.sock -u root -e 'select sleep(8)'")


@chore("parish")
def hangs(world: World, run: Any) -> None:
    """clients hang up before they are answered, a check of the database's port breaks off"""
    for _ in range(3):
        hang_up("www.parish.lan", 80, "/people/7")
    sh("timeout 2 bash -c 'exec 3<>/dev/tcp/127.0.1.21/3306; sleep 0.3'")


@chore("parish")
def graceful(world: World, run: Any) -> None:
    """Apache is reloaded gracefully and its logs are rotated"""
    os.rename(LOG / "apache_access.log", LOG / "apache_access.log.1")
    touch("apache_access.log")
    run["apache"].send_signal(signal.SIGUSR1)


@chore("parish")
def restart_memcached(world: World, run: Any) -> None:
    """memcached is restarted as one plans it"""
    stop(run["memcached"])
    run["memcached"] = memcached(world)


@chore("parish")
def restart_replica(world: World, run: Any) -> None:
    """the replica is restarted as one plans it"""
    stop(run["ro"])
    run["ro"] = server(world, "ro")
    up("ro")


@chore("parish")
def restart_main(world: World, run: Any) -> None:
    """MariaDB is restarted as one plans it"""
    stop(run["main"])
    run["main"] = server(world, "main")
    up("main")


@chore("parish")
def restart_apache(world: World, run: Any) -> None:
    """Apache is restarted as one plans it"""
    stop(run["apache"])
    run["apache"] = apache(world)


# ── failures ─────────────────────────────────────────────────────────────────────────────────
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
        sql("insert into parish.gifts (person, note) select seq, 'import' from seq_1_to_200; flush binary logs")
    time.sleep(2)
    sql("purge binary logs to 'mariadb-bin.000004'")
    run["ro"] = server(world, "ro")
    up("ro")
