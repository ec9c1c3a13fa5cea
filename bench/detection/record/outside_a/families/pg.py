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
        world.disk(HOME / "wal", 128, "postgres")
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


# ── failures ─────────────────────────────────────────────────────────────────────────────────
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
    sh(f"dd if=/dev/zero of={HOME}/wal/dump.sql bs=1M count=200")
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
