"""The harbour: PostgreSQL, a second one that subscribes to it, berths in Ruby, a batch in shell, nginx."""

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
    certificate,
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

BIN = next(Path("/usr/lib/postgresql").glob("*/bin"))
SOURCES = {
    "pg_main.log": "postgresql", "pg_report.log": "postgresql-report", "berths.log": "berths", "manifest.log": "manifest",
    "gate_error.log": "nginx", "gate_access.log": "nginx",
}
MAIN, REPORT = Path("/var/lib/postgresql/main"), Path("/var/lib/postgresql/report")


def sql(text: str, database: str = "harbor", where: str = "main") -> str:
    return sh(f'{BIN}/psql -X -At -h /run/postgresql/{where} -U postgres -d {database} -c "{text}"', user="postgres")


def postgres(world: World, where: str, *settings: str) -> Any:
    prefix = "%t [%p]: [%l-1] user=%u,db=%d,app=%a,client=%h " if where == "main" else "%m [%p] "
    address = {"main": "127.0.1.11", "report": "127.0.1.12"}[where]
    options = [
        f"listen_addresses={address}", f"unix_socket_directories=/run/postgresql/{where}", f"log_line_prefix={prefix}", "log_timezone=UTC",
        "shared_buffers=8MB", "wal_level=logical", "max_connections=25", "log_min_duration_statement=1s", "log_checkpoints=on",
        "log_lock_waits=on", "deadlock_timeout=1s", "fsync=off", "min_wal_size=32MB", "max_wal_size=64MB", "log_temp_files=0", *settings,
    ]
    data = MAIN if where == "main" else REPORT
    one = world.spawn(
        [str(BIN / "postgres"), "-D", str(data), *(x for each in options for x in ("-c", each))], log=f"pg_{where}.log", user="postgres",
    )
    port_open(address, 5432, 60)
    time.sleep(0.5)
    return one


def berths(world: World, **env: str) -> Any:
    one = world.spawn(
        ["puma", "-q", "-e", "production", "-t", "4:8", "-b", "tcp://127.0.1.13:9292", str(HOME / "app" / "berths.ru")], log="berths.log",
        user="www-data", cwd=HOME / "app", env=env,
    )
    port_open("127.0.1.13", 9292, 40)
    return one


def nginx(world: World) -> Any:
    (HOME / "gate.conf").write_text(
        f"user www-data;\npid /run/gate.pid;\nworker_processes 1;\nerror_log {LOG}/gate_error.log notice;\nevents {{ worker_connections 256; }}\nhttp {{\n"
        "log_format fields escape=json '{\"time\":\"$time_iso8601\",\"remote\":\"$remote_addr\",\"request\":\"$request\",\"status\":$status,"
        "\"bytes\":$body_bytes_sent,\"took\":$request_time,\"upstream\":\"$upstream_addr\",\"upstream_status\":\"$upstream_status\"}';\n"
        f"access_log {LOG}/gate_access.log fields;\nproxy_read_timeout 10s;\nproxy_connect_timeout 3s;\n"
        "upstream berths { server 127.0.1.13:9292; }\n"
        "server { listen 127.0.1.14:80; server_name gate.harbor.lan; location / { proxy_pass http://berths; } }\n}\n"
    )
    one = world.spawn(["nginx", "-c", str(HOME / "gate.conf"), "-g", "daemon off;"])
    port_open("127.0.1.14", 80)
    return one


@family("harbor", SOURCES)
def start(world: World, tablespace: bool = False, tls: float = 0, settings: tuple[str, ...] = ()) -> dict[str, Any]:
    touch(*SOURCES)
    for where, data in (("main", MAIN), ("report", REPORT)):
        home(where, str(data), "postgres", world)
        data.chmod(0o700)
        Path(f"/run/postgresql/{where}").mkdir()
        Path(f"/run/postgresql/{where}").chmod(0o777)
        sh(f"{BIN}/initdb -D {data} -U postgres --auth-host=scram-sha-256 --auth-local=trust -E UTF8 --locale=C --no-sync", user="postgres")
    more = list(settings)
    home("archive", "/srv/archive", "postgres", world)
    env: dict[str, str] = {}
    if tls:
        certificate(HOME / "tls", "pgmain.harbor.lan", tls)
        shutil.copy(HOME / "tls/pgmain.harbor.lan.pem", MAIN / "server.crt")
        shutil.copy(HOME / "tls/pgmain.harbor.lan.key", MAIN / "server.key")
        for each in ("server.crt", "server.key"):
            shutil.chown(MAIN / each, "postgres", "postgres")
            (MAIN / each).chmod(0o600)
        more.append("ssl=on")
        env = {"SSLMODE": "verify-full", "ROOTCERT": str(HOME / "tls/ca.pem")}
    run: dict[str, Any] = {"main": postgres(world, "main", *more), "report": postgres(world, "report"), "settings": more, "env": env}
    sql("create role berths login password 'tide'", "postgres")
    sql("create role feed login replication superuser password 'feed'", "postgres")
    sql("create role berths login password 'tide'", "postgres", "report")
    space = ""
    if tablespace:
        world.disk(Path("/srv/fast"), 48, "postgres")
        sql("create tablespace fast location '/srv/fast'", "postgres")
        space = " tablespace fast"
    tables = (
        f"create table calls (id bigserial primary key, ship int, note text, at timestamptz default now()){space};"
        "create table ships (id int primary key, name text, tonnage int); create table manifests (id serial primary key, calls int);"
        "alter table calls owner to berths; alter table ships owner to berths; alter table manifests owner to berths"
    )
    for where in ("main", "report"):
        sql("create database harbor owner berths", "postgres", where)
        sql(tables.replace(" tablespace fast", "") if where == "report" else tables, where=where)
    sql("insert into ships select n, 'Ship '||n, n*7%90000 from generate_series(1, 4500) n")
    sql("insert into calls (ship, note) select n, 'old' from generate_series(1, 3000) n")
    sql("create publication calls for table calls")
    sql("create subscription calls connection 'host=pgmain.harbor.lan user=feed password=feed dbname=harbor' publication calls", where="report")
    sql("alter role berths set statement_timeout = '4s'")
    run["berths"] = berths(world, **env)
    world.spawn(["/bin/bash", str(HOME / "app" / "manifest.sh")], log="manifest.log", user="www-data")
    run["nginx"] = nginx(world)
    load(world, ("POST", "http://gate.harbor.lan/calls"), ("GET", "http://gate.harbor.lan/ships/{n}"), ("GET", "http://gate.harbor.lan/lately"))
    return run


def again(world: World, run: Any, seconds: float = 1, **env: str) -> None:
    """The berths are restarted, as after a deploy."""
    stop(run["berths"])
    time.sleep(seconds)
    run["berths"] = berths(world, **{**run["env"], **env})


# ── everyday life ────────────────────────────────────────────────────────────────────────────
@chore("harbor")
def scan(world: World, run: Any) -> None:
    """somebody looks for holes in the web server"""
    scanner("gate.harbor.lan")


@chore("harbor")
def person(world: World, run: Any) -> None:
    """a person mistypes a password, a database, a table and SQL in psql"""
    psql = f"{BIN}/psql -X -h pgmain.harbor.lan -U berths"
    sh(f"PGPASSWORD=tied {psql} -d harbor -c 'select 1'; PGPASSWORD=tide {psql} -d harbour -c 'select 1'")
    sh(f"PGPASSWORD=tide {psql} -d harbor -c 'select * from ship' -c 'selct 1' -c 'select 1/0'")


@chore("harbor")
def slow(world: World, run: Any) -> None:
    """an analyst's slow reports, one of them cancelled"""
    sql("select count(*), pg_sleep(3) from calls")
    sql("set statement_timeout = '2s'; select pg_sleep(6)")


@chore("harbor")
def dump(world: World, run: Any) -> None:
    """a nightly dump, and vacuum"""
    sh(f"{BIN}/pg_dump -h /run/postgresql/main -U postgres -d harbor -Fc -f /tmp/harbor.dump", user="postgres")
    sql("vacuum analyze")


@chore("harbor")
def bulk(world: World, run: Any) -> None:
    """a bulk import of 40,000 calls"""
    sql("insert into calls (ship, note) select n, repeat('bulk ', 12) from generate_series(1, 40000) n")
    sql("checkpoint")


@chore("harbor")
def hangs(world: World, run: Any) -> None:
    """clients hang up before they are answered"""
    for _ in range(4):
        hang_up("gate.harbor.lan", 80, "/lately")


@chore("harbor")
def settings(world: World, run: Any) -> None:
    """a setting of PostgreSQL is changed and it is reloaded; so is nginx, whose log is rotated"""
    sql("alter system set work_mem = '8MB'")
    sql("select pg_reload_conf()")
    os.rename(LOG / "gate_access.log", LOG / "gate_access.log.1")
    touch("gate_access.log")
    run["nginx"].send_signal(signal.SIGUSR1)
    time.sleep(2)
    run["nginx"].send_signal(signal.SIGHUP)


@chore("harbor")
def migration(world: World, run: Any) -> None:
    """a migration adds a column and an index"""
    sql("alter table ships add column flag text")
    sql("create index concurrently ships_name on ships (name)")


@chore("harbor")
def restart_report(world: World, run: Any) -> None:
    """the report database is restarted as one plans it"""
    stop(run["report"], signal.SIGINT)
    run["report"] = postgres(world, "report")


@chore("harbor")
def deploy(world: World, run: Any) -> None:
    """the berths are deployed anew: stopped and started"""
    again(world, run, 0.2)


@chore("harbor")
def restart_main(world: World, run: Any) -> None:
    """PostgreSQL is restarted as one plans it"""
    stop(run["main"], signal.SIGINT)
    run["main"] = postgres(world, "main", *run["settings"])
