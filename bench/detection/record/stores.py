"""Databases, stores and the queue, each started in a world as its packages would start it. To programs."""

from __future__ import annotations

import shutil
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

from world import HOME, LOG, port_open, quiet

if TYPE_CHECKING:
    from world import World

PG = next(Path("/usr/lib/postgresql").glob("*/bin"))


Process = subprocess.Popen  # type: ignore[type-arg]


def touch(name: str, user: str | None = None) -> Path:
    path = LOG / name
    path.touch()
    path.chmod(0o666)
    if user:
        shutil.chown(path, user)
    return path


def postgres(
    world: World, *settings: str, data: Path = HOME / "pg", fresh: bool = True, wait: bool = True
) -> Process:
    """PostgreSQL on db.shop.internal:5432 with the shop's tables."""
    touch("postgresql.log", "postgres")
    if fresh:
        data.mkdir(parents=True, exist_ok=True)
        shutil.chown(data, "postgres", "postgres")
        quiet(
            str(PG / "initdb"),
            "-D",
            str(data),
            "-U",
            "postgres",
            "--auth-host=scram-sha-256",
            "--auth-local=trust",
            "-E",
            "UTF8",
            "--locale=C",
            "--no-sync",
            user="postgres",
            group="postgres",
            extra_groups=[],
        )
    options = [
        "listen_addresses=127.0.0.11",
        "log_line_prefix=%m [%p] %q%u@%d ",
        "log_connections=on",
        "log_checkpoints=on",
        "log_min_duration_statement=250",
        "shared_buffers=24MB",
        "log_lock_waits=on",
        "autovacuum_naptime=30s",
        "log_autovacuum_min_duration=0",
        "log_timezone=UTC",
        "unix_socket_directories=/run/postgresql",
        "password_encryption=scram-sha-256",
        *settings,
    ]
    process = world.spawn(
        [str(PG / "postgres"), "-D", str(data), *(part for each in options for part in ("-c", each))],
        log="postgresql.log",
        user="postgres",
    )
    if wait:
        port_open("127.0.0.11", 5432)
        time.sleep(0.5)
    if fresh:
        sql("create role shop login password 'secret'; create database shop owner shop;", database="postgres")
        sql(
            "create table products (id int primary key, name text, stock int);"
            "insert into products select n, 'product '||n, 100000 from generate_series(1, 200) n;"
            "create table orders (id serial primary key, product int, body text, at timestamptz default now());"
            "create sequence invoices start 1000;"
            "alter table products owner to shop; alter table orders owner to shop; alter sequence invoices owner to shop;"
        )
    return process


def sql(text: str, *, database: str = "shop", user: str = "postgres") -> bool:
    """Run statements through the socket, one by one."""
    argv = [str(PG / "psql"), "-h", "/run/postgresql", "-U", user, "-d", database, "-q"]
    for each in text.split(";"):
        if each.strip():
            argv += ["-c", each]
    return quiet(*argv).returncode == 0


def redis(world: World, *options: str, folder: Path = HOME / "redis") -> Process:
    """Redis on cache.shop.internal:6379."""
    folder.mkdir(exist_ok=True)
    shutil.chown(folder, "redis", "redis")
    touch("redis.log", "redis")
    process = world.spawn(
        [
            "redis-server",
            "--bind",
            "127.0.0.12",
            "--port",
            "6379",
            "--protected-mode",
            "no",
            "--dir",
            str(folder),
            "--logfile",
            str(LOG / "redis.log"),
            "--maxmemory",
            "64mb",
            "--save",
            "60 20",
            *options,
        ],
        user="redis",
    )
    port_open("127.0.0.12", 6379)
    return process


def memcached(world: World) -> Process:
    """memcached on sessions.shop.internal:11211; it prints next to nothing."""
    touch("memcached.log")
    process = world.spawn(
        ["memcached", "-l", "127.0.0.15", "-p", "11211", "-m", "16", "-v"],
        log="memcached.log",
        user="www-data",
    )
    port_open("127.0.0.15", 11211)
    return process


def mariadb(
    world: World, *options: str, data: Path = HOME / "mariadb", fresh: bool = True, wait: bool = True
) -> Process:
    """MariaDB on crm-db.shop.internal:3306 with the CRM's tables."""
    touch("mariadb.log", "mysql")
    if fresh:
        data.mkdir(exist_ok=True)
        shutil.chown(data, "mysql", "mysql")
        quiet(
            "mariadb-install-db",
            f"--datadir={data}",
            "--user=mysql",
            "--skip-test-db",
            "--innodb-log-file-size=8M",
            "--auth-root-authentication-method=normal",
        )
    process = world.spawn(
        [
            "mariadbd",
            "--no-defaults",
            f"--datadir={data}",
            "--bind-address=127.0.0.13",
            "--port=3306",
            "--socket=/run/mysqld/mysqld.sock",
            "--innodb-buffer-pool-size=16M",
            "--innodb-log-file-size=8M",
            "--innodb-print-all-deadlocks=ON",
            "--log-warnings=2",
            "--innodb-lock-wait-timeout=4",
            *options,
        ],
        log="mariadb.log",
        user="mysql",
    )
    if wait:
        port_open("127.0.0.13", 3306, 60)
    if fresh:
        maria(
            "create database crm; create user crm@'%' identified by 'secret'; grant all on crm.* to crm@'%';"
            "create table crm.customers (id int primary key, points int) engine=innodb;"
            "insert into crm.customers select seq, 0 from mysql.seq_1_to_20;"
            "create table crm.visits (id int auto_increment primary key, customer int, note longtext) engine=innodb;"
        )
    return process


def maria(text: str) -> bool:
    """Run statements as root through the socket."""
    text = text.replace(
        "select seq, 0 from mysql.seq_1_to_20", "values " + ",".join(f"({n}, 0)" for n in range(1, 21))
    )
    return (
        quiet(
            "mariadb", "--no-defaults", "-S", "/run/mysqld/mysqld.sock", "-u", "root", "-e", text
        ).returncode
        == 0
    )


def rabbitmq(world: World, *conf: str, base: Path = HOME / "rabbitmq", wait: bool = True) -> Process:
    """RabbitMQ on queue.shop.internal:5672 with the user shop."""
    base.mkdir(exist_ok=True)
    etc = HOME / "rabbitmq-etc"
    etc.mkdir(exist_ok=True)
    (etc / "enabled_plugins").write_text("[].\n")
    (etc / "rabbitmq.conf").write_text(
        "\n".join(
            (
                "listeners.tcp.local = 127.0.0.14:5672",
                "default_user = shop",
                "default_pass = secret",
                "log.file.level = info",
                "loopback_users = none",
                *conf,
            )
        )
        + "\n"
    )
    for path in (base, etc, *etc.iterdir()):
        shutil.chown(path, "rabbitmq", "rabbitmq")
    touch("rabbitmq.log", "rabbitmq")
    process = world.spawn(
        ["/usr/lib/rabbitmq/bin/rabbitmq-server"], user="rabbitmq", log="rabbitmq.out", env=rabbit_env(base)
    )
    if wait:
        port_open("127.0.0.14", 5672, 120)
    return process


def rabbit_env(base: Path = HOME / "rabbitmq") -> dict[str, str]:
    etc = HOME / "rabbitmq-etc"
    return {
        "HOME": str(base),
        "RABBITMQ_BASE": str(base),
        "RABBITMQ_MNESIA_BASE": str(base / "mnesia"),
        "RABBITMQ_LOG_BASE": str(LOG),
        "RABBITMQ_LOGS": str(LOG / "rabbitmq.log"),
        "RABBITMQ_CONFIG_FILE": str(etc / "rabbitmq"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(etc / "enabled_plugins"),
        "RABBITMQ_NODENAME": "rabbit@localhost",
        "ERL_EPMD_ADDRESS": "127.0.0.1",
        "RABBITMQ_DIST_PORT": "25672",
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 1:1 +sbwt none +sbwtdcpu none +sbwtdio none -kernel inet_dist_use_interface {127,0,0,1}",
    }


def rabbitctl(*argv: str) -> bool:
    return (
        quiet(
            "/usr/lib/rabbitmq/bin/rabbitmqctl",
            *argv,
            user="rabbitmq",
            group="rabbitmq",
            extra_groups=[],
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8", **rabbit_env()},
        ).returncode
        == 0
    )
