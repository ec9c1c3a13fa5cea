"""A Galera cluster of three MariaDB nodes; two copies of an application, each at a node; a check that asks all three."""

from __future__ import annotations

import time

from ground import (
    HOME,
    LOG,
    OWN,
    Any,
    World,
    chore,
    family,
    folder,
    get,
    port_open,
    python,
    quietly,
    sh,
    shutil,
    stop,
    touch,
)

SOURCES = {
    **{f"maria-{n}.log": f"maria-{n}" for n in (1, 2, 3)}, "roster-a.log": "roster-a", "roster-b.log": "roster-b", "wsrep-check.log": "wsrep-check",
}
TABLES = """CREATE DATABASE wards; USE wards;
CREATE TABLE duty (ward INT, nurse INT, hours INT DEFAULT 0, PRIMARY KEY (ward, nurse)) ENGINE=InnoDB;
CREATE USER roster@'%' IDENTIFIED BY 'night-shift'; GRANT ALL ON wards.* TO roster@'%';
CREATE USER monitor@'%' IDENTIFIED BY 'stethoscope'; GRANT PROCESS ON *.* TO monitor@'%';
INSERT INTO duty (ward, nurse) SELECT w.seq, n.seq FROM seq_1_to_12 w, seq_1_to_12 n;
"""


def settings(n: int, cluster: str = "wards", method: str = "rsync", more: str = "") -> None:
    own = f"127.0.3.5{n}"
    (HOME / f"maria-{n}.cnf").write_text(
        f"[mariadbd]\nuser=mysql\nbind-address={own}\nport=3306\nsocket=/run/mysqld/{n}.sock\npid-file=/run/mysqld/{n}.pid\ndatadir={HOME}/maria-{n}\n"
        f"log-error={LOG}/maria-{n}.log\nbinlog_format=ROW\ninnodb_autoinc_lock_mode=2\ninnodb_buffer_pool_size=48M\ninnodb_log_file_size=12M\n"
        f"performance_schema=off\nskip-name-resolve\ninnodb_flush_log_at_trx_commit=2\nlog_warnings=2\nlock_wait_timeout=20\ninnodb_lock_wait_timeout=6\n"
        f"wsrep_on=ON\nwsrep_provider=/usr/lib/galera/libgalera_smm.so\nwsrep_cluster_name={cluster}\nwsrep_node_name=maria-{n}\nwsrep_node_address={own}\n"
        f"wsrep_cluster_address=gcomm://127.0.3.51,127.0.3.52,127.0.3.53\nwsrep_sst_method={method}\nwsrep_sst_receive_address={own}:4444\n"
        f"wsrep_provider_options=\"gmcast.listen_addr=tcp://{own}:4567;ist.recv_addr={own}:4568;gcache.size=16M;socket.ssl=NO\"\n{more}")


def maria(world: World, n: int, *more: str, wait: bool = True) -> Any:
    one = world.spawn(["mariadbd", f"--defaults-file={HOME}/maria-{n}.cnf", *more], user="mysql", log=f"maria-{n}.out")
    if wait:
        port_open(f"127.0.3.5{n}", 3306, 90)
        ready(n)
    return one


def sql(n: int, text: str, seconds: float = 60) -> str:
    return sh(f"mariadb -u root -S /run/mysqld/{n}.sock -N -B -e \"{text}\"", seconds=seconds)


def ready(n: int) -> None:
    for _ in range(80):
        if "Synced" in sql(n, "SHOW STATUS LIKE 'wsrep_local_state_comment'"):
            return
        time.sleep(0.5)


def roster(world: World, letter: str, n: int, **env: str) -> Any:
    one = python(world, "roster", log=f"roster-{letter}", NODE=f"127.0.3.5{n}", NAME=f"roster-{letter}", LISTEN=f"127.0.3.5{n}:8200", **env)
    port_open(f"127.0.3.5{n}", 8200)
    return one


@family("trio", SOURCES)
def start(world: World, disk: int = 0) -> dict[str, Any]:
    touch(*SOURCES)
    run: dict[str, Any] = {}
    for n in (1, 2, 3):
        path = folder(f"maria-{n}", "mysql", world, disk if n == 3 else 0)
        settings(n)
        # every node begins as the same empty copy; what it lacks the first one sends
        shutil.copytree(OWN / "maria", path, dirs_exist_ok=True)
        sh(f"chown -R mysql:mysql {path}")
    for n in (1, 2, 3):
        (LOG / f"maria-{n}.log").chmod(0o666)
    run["maria-1"] = maria(world, 1, "--wsrep-new-cluster")
    (HOME / "tables.sql").write_text(TABLES)
    sh(f"mariadb -u root -S /run/mysqld/1.sock < {HOME}/tables.sql")
    for n in (2, 3):
        run[f"maria-{n}"] = maria(world, n)
    run["roster-a"], run["roster-b"] = roster(world, "a", 1), roster(world, "b", 3)
    world.spawn(["/bin/bash", str(HOME / "app/wsrep_check.sh")], log="wsrep-check.log", user="www-data")
    for n, first in ((1, 0.0), (3, 0.5)):
        world.every(0.9, lambda k, n=n: get(f"http://127.0.3.5{n}:8200/roster/{k % 12 + 1}", seconds=12), first=first)
        # the two copies write into different wards, as the wards of two houses would be
        world.every(1.3, lambda k, n=n: get(f"http://127.0.3.5{n}:8200/swap/{k % 6 + (1 if n == 1 else 7)}?nurse={k % 12 + 1}", "POST", seconds=12), first=first)
    return run


# ── everyday life ────────────────────────────────────────────────────────────────────────────
@chore("trio")
def person(world: World, run: Any) -> None:
    """a person mistypes a password twice, and SQL"""
    for word in ("nightshift", "Night-shift"):
        sh(f"mariadb -h 127.0.3.51 -u roster -p{word} -e 'SELECT 1'")
    sql(1, "SELEC 1")
    sql(1, "SELECT * FROM wards.dutty")


@chore("trio")
def slow(world: World, run: Any) -> None:
    """a slow report runs, and one is broken off"""
    sql(2, "SELECT COUNT(*), SLEEP(4) FROM wards.duty")
    sql(2, "SELECT SLEEP(20)", seconds=2)


@chore("trio")
def backup(world: World, run: Any) -> None:
    """a dump is written at the second node"""
    sh("mariadb-dump -u root -S /run/mysqld/2.sock --single-transaction wards > /srv/shop/wards.sql")


@chore("trio")
def deploy(world: World, run: Any) -> None:
    """the copies of the application are deployed one after the other, with a gap of a second"""
    for letter, n in (("a", 1), ("b", 3)):
        stop(run[f"roster-{letter}"])
        time.sleep(1)
        run[f"roster-{letter}"] = roster(world, letter, n)


@chore("trio")
def node_upgraded(world: World, run: Any) -> None:
    """the second node is upgraded: stopped, and started five seconds later; it catches up"""
    stop(run["maria-2"])
    time.sleep(5)
    run["maria-2"] = maria(world, 2)


@chore("trio")
def import_wards(world: World, run: Any) -> None:
    """an import writes four thousand rows at the second node"""
    sql(2, "USE wards; CREATE TABLE wards.old (id INT PRIMARY KEY, note VARCHAR(80)); INSERT INTO wards.old SELECT seq, CONCAT('note ', seq) FROM seq_1_to_4000")


@chore("trio")
def conflict(world: World, run: Any) -> None:
    """two people change the same row at two nodes in the same moment; one tries again"""
    sh("for n in 1 2; do mariadb -u root -S /run/mysqld/$n.sock -e 'BEGIN; UPDATE wards.duty SET hours=hours+1 WHERE ward=9 AND nurse=9; SELECT SLEEP(1); COMMIT' & done; wait")


@chore("trio")
def alter(world: World, run: Any) -> None:
    """a migration adds a column and an index"""
    sql(1, "ALTER TABLE wards.duty ADD COLUMN remark VARCHAR(40), ADD INDEX by_nurse (nurse)")


@chore("trio")
def rotation(world: World, run: Any) -> None:
    """logs are rotated"""
    for n in (1, 2, 3):
        sh(f"mv {LOG}/maria-{n}.log {LOG}/maria-{n}.log.1")
        touch(f"maria-{n}.log")
        sql(n, "FLUSH ERROR LOGS")


@chore("trio")
def visitors(world: World, run: Any) -> None:
    """a scanner comes by, and a check of a port breaks off in MariaDB's greeting"""
    quietly(*[lambda p=p: get(f"http://127.0.3.51:8200{p}") for p in ("/.env", "/admin", "/wp-login.php")])
    for n in (1, 2, 3):
        port_open(f"127.0.3.5{n}", 3306)


@chore("trio")
def third_restarts(world: World, run: Any) -> None:
    """the third node is restarted as one plans it; its application's requests fail for a few seconds"""
    stop(run["maria-3"])
    run["maria-3"] = maria(world, 3)
