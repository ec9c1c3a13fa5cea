"""Held-out failures of servers: Apache, pgbouncer, dovecot, mosquitto, supervisord, Redis, MariaDB, systemd."""

from __future__ import annotations

import signal
from contextlib import suppress

import estate as e
import programs as p
from around import DB, OWN, WEB, group, web
from scenario import scenario
from world import HOME, World, quiet


@scenario(
    "cpu_overload",
    "apache",
    ("apache-error.log", "MaxRequestWorkers"),
    WEB,
    extra=OWN,
    also=("rate_limited",),
    why_also="all workers are taken by slow requests; nothing computes",
    effects=("external_api_down", "error_burst", "service_crash"),
)
def apache_workers(w: World) -> None:
    """Slow requests take all of Apache's workers."""
    web(w, alone=True, workers=6, STOCK_SLOW="9")
    w.breaks()
    for _ in range(14):
        w.every(0.3, lambda n: p.get("/slow", "127.0.0.63", 80, timeout=12))
    w.sleep(45)


@scenario(
    "external_api_down",
    "stock",
    ("apache-error.log", "AH01114|AH00957|AH00959"),
    WEB,
    extra=OWN,
    also=("service_crash",),
    why_also="the backend is down because its process was ended",
    effects=("error_burst",),
    silent=True,
)
def apache_backend(w: World) -> None:
    """The stock service behind Apache is killed."""
    made = web(w, alone=True)
    w.breaks()
    made["stock"].kill()
    w.sleep(40)


@scenario(
    "database_failure",
    "postgresql",
    ("stock.log", "ERROR.*not readable"),
    DB,
    extra=OWN,
    also=("service_crash",),
    why_also="the database is down because its process was killed",
    effects=("external_api_down", "error_burst"),
    silent=True,
)
def pgbouncer_database_gone(w: World) -> None:
    """PostgreSQL behind pgbouncer is killed."""
    made = web(w)
    w.breaks()
    group(made["postgresql"], signal.SIGKILL)
    w.sleep(45)


@scenario(
    "database_failure",
    "pgbouncer",
    ("pgbouncer.log", "no more connections allowed"),
    DB,
    extra=OWN,
    effects=("external_api_down", "error_burst"),
)
def pgbouncer_full(w: World) -> None:
    """A job holds all client connections of pgbouncer."""
    import psycopg

    web(w, clients=12)
    w.breaks()
    held = []
    for _ in range(12):
        with suppress(psycopg.Error):
            held.append(psycopg.connect("host=127.0.0.61 port=6432 dbname=shop user=shop password=secret"))
    quiet("true")
    w.every(
        0.7,
        lambda n: held.append(
            psycopg.connect("host=127.0.0.61 port=6432 dbname=shop user=shop password=secret")
        ),
    )
    w.sleep(45)


@scenario(
    "database_failure",
    "pgbouncer",
    ("stock.log", "ERROR.*not readable"),
    DB,
    extra=OWN,
    also=("service_crash",),
    why_also="a process that hangs answers nobody, which is also a failed service",
    effects=("external_api_down", "error_burst", "cpu_overload"),
    silent=True,
)
def pgbouncer_frozen(w: World) -> None:
    """pgbouncer hangs; PostgreSQL is well."""
    made = web(w)
    w.breaks()
    group(made["pgbouncer"], signal.SIGSTOP)
    w.sleep(55)


@scenario(
    "auth_failures",
    "dovecot",
    ("dovecot.log", "auth failed|unknown user|Password mismatch"),
    "dovecot.log",
    extra=OWN,
)
def imap_guessing(w: World) -> None:
    """Somebody guesses passwords of mailboxes over IMAP."""
    e.apps()
    e.dovecot(w)
    w.ready()
    w.measure(10, e.probes("dovecot"))
    w.every(8, lambda n: e.imap("anna", "right-one"))
    w.sleep(20)
    w.breaks()
    for way in range(3):
        w.every(0.4, lambda n, way=way: e.imap(("anna", "info", "sales", "root")[(n + way) % 4], f"guess{n}"))
    w.sleep(50)


@scenario(
    "auth_failures", "mosquitto", ("mosquitto.log", "not authori|not authoris"), "mosquitto.log", extra=OWN
)
def mqtt_password(w: World) -> None:
    """The sensors keep an old password after it was changed in mosquitto."""
    e.apps()
    e.mosquitto(w)
    w.ready()
    w.measure(10, e.probes("mosquitto"))
    w.every(3, lambda n: e.publish())
    w.sleep(20)
    w.breaks()
    for _ in range(3):
        w.every(1.5, lambda n: e.publish("old"))
    w.sleep(45)


@scenario(
    "service_crash",
    "feeder",
    ("supervisord.log", "not expected|FATAL"),
    "supervisord.log feeder.log",
    extra=OWN,
    effects=("error_burst",),
)
def supervisor_gives_up(w: World) -> None:
    """A broken price list ends the feeder at each start; supervisord gives up."""
    e.apps()
    e.supervisor(w)
    w.ready()
    w.measure(10)
    w.sleep(20)
    w.breaks()
    (HOME / "app/feeder.broken").touch()
    e.control("restart", "feeder")
    w.sleep(35)


@scenario(
    "database_failure",
    "redis",
    ("redis-replica.log", "Connection with master lost|Error condition on socket"),
    "redis.log redis-replica.log",
    extra=OWN,
    also=("service_crash",),
    why_also="the store is away because its process was killed",
    effects=("external_api_down", "network_failure"),
    silent=True,
)
def redis_primary_gone(w: World) -> None:
    """The primary of Redis is killed; its replica cannot reach it any more."""
    e.apps()
    server = p.redis(w)
    e.replica(w)
    w.ready()
    w.measure(10, e.probes("redis"))
    w.every(3, lambda n: quiet("redis-cli", "-h", "127.0.0.12", "set", f"shelf:{n % 50}", str(n)))
    w.sleep(20)
    w.breaks()
    server.kill()
    w.sleep(40)


@scenario(
    "service_crash",
    "shop-watched",
    ("system.journal", "(?i)watchdog timeout"),
    "system.journal",
    extra={"system.journal": ""},
    effects=("error_burst",),
)
def watchdog(w: World) -> None:
    """A service under systemd stops to answer its watchdog and is killed for it."""
    from machine import Machine

    e.apps()
    unit = """[Unit]
Description=A watched service of the shop
StartLimitIntervalSec=0
[Service]
Type=notify
WatchdogSec=4
Restart=on-failure
RestartSec=2
ExecStart=/usr/bin/python3 -u /srv/shop/app/watched.py
"""
    machine = Machine(w, {"shop-watched.service": unit})
    machine.start("shop-watched", "shop-worker")
    w.ready()
    w.measure(10)
    w.sleep(20)
    w.breaks()
    (HOME / "unit/hang").touch()
    w.sleep(40)
    machine.keep()


@scenario(
    "database_failure",
    "mariadb",
    ("mariadb.log", "Too many connections"),
    "mariadb.log crm.log",
    effects=("error_burst",),
)
def mariadb_too_many(w: World) -> None:
    """Many clients hold all connections of MariaDB."""
    import pymysql

    p.mariadb(w, "--max-connections=12")
    p.crm(w)
    w.ready()
    w.measure(10, e.probes("mariadb"))
    w.sleep(20)
    w.breaks()
    held = []
    for _ in range(14):
        with suppress(pymysql.MySQLError):
            held.append(pymysql.connect(host="127.0.0.13", user="crm", password="secret", database="crm"))
    for _ in range(3):
        p.crm(w)
    w.every(
        1,
        lambda n: held.append(
            pymysql.connect(host="127.0.0.13", user="crm", password="secret", database="crm")
        ),
    )
    w.sleep(45)
