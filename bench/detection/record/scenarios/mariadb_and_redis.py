"""MariaDB and Redis fail: full disks, killed, frozen, deadlocked, wrong passwords."""

from __future__ import annotations

import os
import signal

import programs as p
import redis
from breaking import fill, group, killed
from scenario import scenario
from world import HOME, World, quiet


@scenario(
    "disk_full",
    "mariadb",
    ("mariadb.log", "(?i)disk.*full|No space left|error 28"),
    "mariadb.log crm.log",
    effects=("database_failure", "error_burst"),
)
def mariadb_disk_full(w: World) -> None:
    """MariaDB's file system fills up with the CRM's visits and an export."""
    disk = w.disk(HOME / "mariadisk", 260, "mysql")
    p.mariadb(w, data=disk / "data")
    p.crm(w, CRM_PERIOD="0.7", CRM_NOTE="400000")
    w.ready()
    w.measure(10, p.probes("mariadb"))
    w.sleep(15)
    w.breaks()
    fill(disk)
    w.sleep(75)


@scenario(
    "disk_full",
    "redis",
    ("redis.log", "No space left|error trying to save|Background saving error"),
    "redis.log shop.log nginx-access.log",
    effects=("database_failure", "error_burst", "external_api_down"),
)
def redis_disk_full(w: World) -> None:
    """Redis can no longer append to its file nor save its dump; it refuses writes of the shop."""
    disk = w.disk(HOME / "redisdisk", 24, "redis")
    p.redis(w, "--appendonly", "yes", "--appendfsync", "everysec", "--save", "5 1", folder=disk / "data")
    p.shop(w, "redis")
    p.nginx(w)
    w.ready()
    w.measure(10, p.probes("redis", "shop", "nginx"))
    p.visitors(w, logins=False, reports=False)
    client = redis.Redis(host="127.0.0.12")
    w.every(0.2, lambda n: client.set(f"basket:{n % 40}", os.urandom(20_000)))
    w.sleep(20)
    w.breaks()
    fill(disk)
    w.sleep(50)


@scenario(
    "database_failure",
    "redis",
    ("shop.log", "(?i)cache not available|Connection refused|ConnectionError"),
    "redis.log shop.log nginx-access.log nginx-error.log postgresql.log",
    also=("service_crash",),
    why_also="the store is away because its process was ended",
    effects=("error_burst", "external_api_down"),
)
def redis_stopped(w: World) -> None:
    """Somebody stops Redis under load and forgets to start it again."""
    p.postgres(w)
    cache = p.redis(w)
    p.shop(w, "pg redis")
    p.nginx(w)
    w.ready()
    w.measure(10, p.probes("redis", "shop", "nginx", "postgresql"))
    p.visitors(w, logins=False)
    w.sleep(20)
    w.breaks()
    cache.terminate()
    w.sleep(45)


@scenario(
    "database_failure",
    "redis",
    ("shop.log", "(?i)timeout"),
    "redis.log shop.log nginx-access.log nginx-error.log postgresql.log",
    also=("service_crash",),
    why_also="a process that hangs answers nobody, which is also a failed service",
    effects=("error_burst", "external_api_down", "cpu_overload"),
    silent=True,
)
def redis_frozen(w: World) -> None:
    """Redis is frozen (SIGSTOP): it takes connections and answers nothing, and logs nothing."""
    p.postgres(w)
    cache = p.redis(w)
    p.shop(w, "pg redis")
    p.nginx(w)
    w.ready()
    w.measure(10, p.probes("redis", "shop", "nginx", "postgresql"))
    p.visitors(w, logins=False)
    w.sleep(20)
    w.breaks()
    group(cache, signal.SIGSTOP)
    w.sleep(55)


@scenario(
    "database_failure",
    "mariadb",
    ("crm.log", "2003|2013|2006|Lost connection|Can't connect"),
    "mariadb.log crm.log",
    also=("service_crash",),
    why_also="the database is down because its process was killed",
    effects=("error_burst",),
    silent=True,
)
def mariadb_killed(w: World) -> None:
    """MariaDB is killed with SIGKILL; only the CRM says so."""
    server = p.mariadb(w)
    p.crm(w)
    w.ready()
    w.measure(10, p.probes("mariadb"))
    w.sleep(20)
    w.breaks()
    killed(server)
    w.sleep(40)


@scenario(
    "deadlock",
    "mariadb",
    ("mariadb.log", "(?i)deadlock"),
    "mariadb.log crm.log",
    effects=("error_burst", "database_failure"),
)
def mariadb_deadlocks(w: World) -> None:
    """Several synchronisations update the same customers in random order and deadlock again and again."""
    p.mariadb(w)
    p.crm(w)
    w.ready()
    w.measure(10, p.probes("mariadb"))
    w.sleep(20)
    w.breaks()
    for _ in range(5):
        p.crm(w, CRM_PERIOD="0.3", CRM_PAUSE="0.4", CRM_CUSTOMERS="4")
    w.sleep(45)


@scenario(
    "deadlock",
    "mariadb",
    ("crm.log", "Lock wait timeout exceeded"),
    "mariadb.log crm.log",
    also=("database_failure", "error_burst"),
    why_also="waiting for a lock that is never given back is no cycle, and the database refuses the work",
)
def mariadb_lock_wait(w: World) -> None:
    """An administrator's transaction locks all customers and stays open."""
    p.mariadb(w, "--innodb-lock-wait-timeout=3")
    p.crm(w)
    w.ready()
    w.measure(10, p.probes("mariadb"))
    w.sleep(20)
    w.breaks()
    w.spawn(
        [
            "mariadb",
            "--no-defaults",
            "-S",
            "/run/mysqld/mysqld.sock",
            "-u",
            "root",
            "crm",
            "-e",
            "begin; update customers set points = 0; select sleep(300)",
        ]
    )
    w.sleep(45)


@scenario(
    "auth_failures",
    ("mariadb", "crm"),
    ("mariadb.log", "Access denied"),
    "mariadb.log crm.log",
    also=("database_failure",),
    why_also="for the CRM the database is out, though only because its password is wrong",
    effects=("error_burst",),
)
def mariadb_password(w: World) -> None:
    """The CRM's database password is changed by an administrator; three of its workers keep trying."""
    p.mariadb(w)
    first = p.crm(w)
    w.ready()
    w.measure(10, p.probes("mariadb"))
    w.sleep(20)
    w.breaks()
    p.maria("alter user crm@'%' identified by 'another'")
    first.terminate()
    first.wait(10)
    for _ in range(3):
        p.crm(w, CRM_PERIOD="2")
    w.sleep(40)


@scenario(
    "auth_failures",
    ("redis", "shop"),
    ("shop.log", "already authenticated|NOAUTH|AuthenticationError"),
    "redis.log shop.log nginx-access.log nginx-error.log postgresql.log gunicorn.log",
    also=("database_failure",),
    why_also="for the shop the store is out, though only because it gives no password",
    effects=("error_burst", "external_api_down"),
)
def redis_password(w: World) -> None:
    """Redis gets a password (requirepass) while the shop has none."""
    p.postgres(w)
    p.redis(w)
    p.shop(w, "pg redis")
    p.nginx(w)
    w.ready()
    w.measure(10, p.probes("redis", "shop", "nginx", "postgresql"))
    p.visitors(w, logins=False)
    w.sleep(20)
    w.breaks()
    quiet("redis-cli", "-h", "127.0.0.12", "config", "set", "requirepass", "another")
    quiet("redis-cli", "-h", "127.0.0.12", "--pass", "another", "client", "kill", "type", "normal")
    w.sleep(40)
