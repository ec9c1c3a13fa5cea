"""The parish: MariaDB with a replica, Apache with PHP in it, memcached for sessions, a digest in Node."""

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
    chore,
    family,
    hang_up,
    home,
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
        sql("use parish; insert into people select seq, 'x', concat('Old ', seq), repeat('y', 300) from seq_10001_to_80000; alter user parish@'%' with max_statement_time 0.12")
        # what was imported is written out before the load comes
        time.sleep(10)
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
