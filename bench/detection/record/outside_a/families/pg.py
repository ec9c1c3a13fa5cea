"""PostgreSQL with a replica, PgBouncer, the orders application and nginx."""

from __future__ import annotations

import os
import time

from stage import (
    HOME,
    LOG,
    Any,
    Path,
    World,
    app,
    chore,
    family,
    get,
    hang_up,
    load,
    port_open,
    scanner,
    sh,
    shutil,
    signal,
    stop,
    touch,
)

BIN = next(Path("/usr/lib/postgresql").glob("*/bin"))
SOURCES = {
    "postgresql.log": "postgresql",
    "postgresql_replica.log": "postgresql-replica",
    "pgbouncer.log": "pgbouncer",
    "orders.log": "orders",
    "orders_access.log": "orders",
    "nginx_error.log": "nginx",
    "nginx_access.log": "nginx",
}
PSQL = f"{BIN}/psql -q -h /run/postgresql -U postgres"


def sql(text: str, database: str = "orders") -> str:
    return sh(f"{PSQL} -d {database} -c \"{text}\"", user="postgres")


def primary(world: World, *settings: str) -> Any:
    options = [
        "listen_addresses=127.0.0.41", "unix_socket_directories=/run/postgresql", "log_line_prefix=%m [%p] %q%u@%d ",
        "log_timezone=UTC", "shared_buffers=8MB", "log_lock_waits=on", "log_min_duration_statement=500",
        "wal_level=replica", "max_connections=40", "min_wal_size=32MB", "max_wal_size=512MB", "fsync=off",
        "wal_keep_size=64MB", "log_autovacuum_min_duration=0", *settings,
    ]
    one = world.spawn(
        [str(BIN / "postgres"), "-D", str(HOME / "pg"), *(x for each in options for x in ("-c", each))],
        log="postgresql.log", user="postgres",
    )
    port_open("127.0.0.41", 5432, 60)
    time.sleep(0.5)
    return one


def replica(world: World) -> Any:
    options = [
        "listen_addresses=127.0.0.42", "unix_socket_directories=", "log_line_prefix=%m [%p] %q%u@%d ", "log_timezone=UTC",
        "shared_buffers=8MB", "max_connections=40", "hot_standby=on",
    ]
    return world.spawn(
        [str(BIN / "postgres"), "-D", str(HOME / "pg2"), *(x for each in options for x in ("-c", each))],
        log="postgresql_replica.log", user="postgres",
    )


def bouncer(world: World) -> Any:
    (HOME / "pgbouncer.ini").write_text(
        "[databases]\norders = host=db1.lan port=5432 dbname=orders\n[pgbouncer]\n"
        "listen_addr = 127.0.0.43\nlisten_port = 6432\nunix_socket_dir =\nauth_type = scram-sha-256\n"
        f"auth_file = {HOME}/userlist.txt\nlogfile = {LOG}/pgbouncer.log\npool_mode = transaction\n"
        "max_client_conn = 200\ndefault_pool_size = 8\nserver_lifetime = 15\nserver_login_retry = 5\n"
        "query_wait_timeout = 10\nadmin_users = orders_app\nignore_startup_parameters = extra_float_digits\n"
        "log_connections = 0\nlog_disconnections = 0\n"
    )
    (HOME / "userlist.txt").write_text('"orders_app" "orders"\n')
    one = world.spawn(["pgbouncer", "-q", str(HOME / "pgbouncer.ini")], user="postgres")
    port_open("127.0.0.43", 6432)
    return one


def nginx(world: World) -> Any:
    (HOME / "nginx.conf").write_text(
        f"user www-data;\npid /run/nginx.pid;\nworker_processes 1;\nerror_log {LOG}/nginx_error.log;\n"
        "events { worker_connections 512; }\nhttp {\n"
        f"access_log {LOG}/nginx_access.log;\nproxy_read_timeout 12s;\nproxy_connect_timeout 4s;\n"
        "server { listen 127.0.0.45:80; location / { proxy_pass http://127.0.0.44:8000; proxy_set_header Host $host; } }\n}\n"
    )
    one = world.spawn(["nginx", "-c", str(HOME / "nginx.conf"), "-g", "daemon off;"])
    port_open("127.0.0.45", 80)
    return one


@family("pg", SOURCES)
def start(world: World, wal_disk: bool = False, timeout: str = "400ms") -> dict[str, Any]:
    touch(*SOURCES)
    data = HOME / "pg"
    data.mkdir()
    shutil.chown(data, "postgres", "postgres")
    waldir = ""
    if wal_disk:
        world.disk(HOME / "wal", 500, "postgres")
        (HOME / "wal" / "pg_wal").mkdir()
        shutil.chown(HOME / "wal" / "pg_wal", "postgres", "postgres")
        waldir = f"--waldir={HOME}/wal/pg_wal"
    sh(
        f"{BIN}/initdb -D {data} -U postgres --auth-host=scram-sha-256 --auth-local=trust -k -E UTF8 --locale=C --no-sync {waldir}",
        user="postgres",
    )
    with (data / "pg_hba.conf").open("a") as file:
        file.write("host replication repl 127.0.0.0/8 scram-sha-256\n")
    running: dict[str, Any] = {"primary": primary(world)}
    sql("create role orders_app login password 'orders'", "postgres")
    sql("create role repl login replication password 'repl'", "postgres")
    sql("create role report login password 'report'", "postgres")
    sql("grant pg_read_all_data to report", "postgres")
    sql("create database orders owner orders_app", "postgres")
    for each in (
        "create table customers (id serial primary key, email text, about text)",
        "insert into customers (email, about) select 'customer'||n||'@example.com', repeat(md5(n::text), 4) from generate_series(1, 300000) n",
        "create index customers_email on customers (regexp_replace(lower(email), '[^a-z0-9@.]', '', 'g'))",
        "create table orders (id serial primary key, customer int, note text, at timestamptz default now())",
        "insert into orders (customer, note, at) select n, 'old', now() - interval '1 day' from generate_series(1, 5000) n",
        "create index on orders (customer)",
        "create index on orders (at)",
        "alter table orders owner to orders_app",
        "alter table customers owner to orders_app",
        f"alter role orders_app set statement_timeout = '{timeout}'",
        "alter role orders_app set lock_timeout = '350ms'",
        "analyze",
        "checkpoint",
    ):
        sql(each)
    sh(f"PGPASSWORD=repl {BIN}/pg_basebackup -h db1.lan -U repl -D {HOME}/pg2 -R -X stream -c fast", user="postgres")
    (HOME / "pg2").chmod(0o700)
    running["replica"] = replica(world)
    port_open("127.0.0.42", 5432, 60)
    running["bouncer"] = bouncer(world)
    running["orders"] = app(world, "orders", "127.0.0.44:8000")
    running["nginx"] = nginx(world)
    load(
        world,
        ("POST", "http://www.lan/orders"), ("GET", "http://www.lan/orders/{n}"),
        ("GET", "http://www.lan/customers/{n}"), ("GET", "http://www.lan/stats"),
    )
    return running


# ── everyday life ────────────────────────────────────────────────────────────────────────────
@chore("pg")
def scan(world: World, run: Any) -> None:
    """somebody looks for holes in the web server"""
    scanner("www.lan")


@chore("pg")
def wrong_password(world: World, run: Any) -> None:
    """a person mistypes his password and SQL in psql"""
    sh(f"PGPASSWORD=wrnog {BIN}/psql -h db1.lan -U report -d orders -c 'select 1'")
    sh(f"PGPASSWORD=report {BIN}/psql -h db1.lan -U report -d orders -c 'selct 1' -c 'select * from order' -c 'delete from orders'")


@chore("pg")
def backup(world: World, run: Any) -> None:
    """a nightly backup by pg_dump and a vacuum"""
    sh(f"PGPASSWORD=report {BIN}/pg_dump -h db2.lan -U report -d orders -Fc -f /tmp/orders.dump", seconds=120)
    sql("vacuum analyze orders")


@chore("pg")
def slow(world: World, run: Any) -> None:
    """slow reports by people, one of them broken off"""
    sql("select count(*), pg_sleep(2) from orders")
    sql("set statement_timeout = '1s'; select pg_sleep(5)")
    sql("select count(*) from customers where about like '%7f7%'")


@chore("pg")
def bulk(world: World, run: Any) -> None:
    """a bulk import of 60,000 rows"""
    sql("create table import as select n, md5(n::text) from generate_series(1, 60000) n; drop table import")


@chore("pg")
def reload_nginx(world: World, run: Any) -> None:
    """nginx is reloaded and its logs are rotated"""
    os.rename(LOG / "nginx_access.log", LOG / "nginx_access.log.1")
    (LOG / "nginx_access.log").touch()
    run["nginx"].send_signal(signal.SIGUSR1)
    run["nginx"].send_signal(signal.SIGHUP)


@chore("pg")
def hang(world: World, run: Any) -> None:
    """clients hang up before they are answered, others send nonsense"""
    for _ in range(4):
        hang_up("www.lan", 80, "/orders/17")
    get("http://www.lan/orders/abc")
    get("http://www.lan/customers/9999999")
    sh("printf 'nonsense' | timeout 2 bash -c 'cat > /dev/tcp/127.0.0.41/5432'")


@chore("pg")
def reload_pg(world: World, run: Any) -> None:
    """settings of PostgreSQL are changed and it is reloaded; so is PgBouncer"""
    sql("alter system set work_mem = '6MB'")
    sql("select pg_reload_conf()")
    run["bouncer"].send_signal(signal.SIGHUP)


@chore("pg")
def deploy(world: World, run: Any) -> None:
    """orders are deployed: gunicorn starts new workers"""
    run["orders"].send_signal(signal.SIGHUP)


@chore("pg")
def migration(world: World, run: Any) -> None:
    """a migration adds a column and an index while the load goes on"""
    sql("alter table orders add column channel text")
    sql("create index concurrently orders_note on orders (note)")


@chore("pg")
def restart_replica(world: World, run: Any) -> None:
    """the replica is restarted as one plans it"""
    stop(run["replica"], signal.SIGINT)
    run["replica"] = replica(world)


@chore("pg")
def restart_bouncer(world: World, run: Any) -> None:
    """PgBouncer is restarted as one plans it"""
    stop(run["bouncer"], signal.SIGTERM)
    run["bouncer"] = bouncer(world)


@chore("pg")
def restart_primary(world: World, run: Any) -> None:
    """PostgreSQL is restarted as one plans it"""
    stop(run["primary"], signal.SIGINT)
    run["primary"] = primary(world)


@chore("pg")
def restart_orders(world: World, run: Any) -> None:
    """orders are restarted as one plans it"""
    stop(run["orders"])
    run["orders"] = app(world, "orders", "127.0.0.44:8000")
