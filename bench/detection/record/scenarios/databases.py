"""PostgreSQL fails: full disk, no connections, killed, frozen, locked, wrong password, pools of its clients."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import threading
import time
from contextlib import suppress

import programs as p
import psycopg
from breaking import SHOP, URL, fill, group, web
from scenario import scenario
from world import HOME, World


@scenario(
    "disk_full",
    "postgresql",
    ("postgresql.log", "No space left on device"),
    SHOP,
    effects=("database_failure", "error_burst", "external_api_down", "service_crash"),
)
def postgres_disk_full(w: World) -> None:
    """A backup fills the file system of PostgreSQL; the shop's orders fail."""
    disk = w.disk(HOME / "pgdisk", 160, "postgres")
    web(w, "max_wal_size=64MB", "min_wal_size=32MB", "wal_recycle=off", data=disk / "data")
    w.breaks()
    fill(disk)
    p.get("/order", body={"product": 1})
    w.every(
        2,
        lambda n: p.sql(
            "insert into orders (body) select repeat(md5(i::text), 100) from generate_series(1, 3000) i"
        ),
    )
    w.sleep(60)


@scenario(
    "database_failure",
    "postgresql",
    ("postgresql.log", "too many clients|remaining connection slots"),
    SHOP + " billing.log",
    effects=("error_burst", "external_api_down"),
)
def postgres_connections(w: World) -> None:
    """A report job opens connections and never closes them until PostgreSQL has none left."""
    p.postgres(w, "max_connections=16", "superuser_reserved_connections=2")
    p.billing(w)
    p.shop(w, "pg")
    p.nginx(w)
    w.ready()
    w.measure(10, p.probes("postgresql", "shop", "billing"))
    p.visitors(w, logins=False)
    w.every(3, lambda n: p.get(f"/invoice?order={n}", "127.0.0.32", 8080))
    w.sleep(20)
    w.breaks()
    held: list[psycopg.Connection] = []
    for _ in range(24):
        with suppress(psycopg.Error):
            held.append(psycopg.connect(URL))
    w.every(1, lambda n: held.append(psycopg.connect(URL)))
    w.sleep(45)


@scenario(
    "database_failure",
    "postgresql",
    (
        "shop.log",
        "connection refused|Connection refused|server closed|could not connect|connection to server|the connection is closed|terminat",
    ),
    SHOP + " billing.log",
    also=("service_crash",),
    why_also="the database is down because its process was killed",
    effects=("error_burst", "external_api_down"),
    silent=True,
)
def postgres_killed(w: World) -> None:
    """The postmaster and its backends are killed with SIGKILL: PostgreSQL itself writes nothing more."""
    server = p.postgres(w)
    p.billing(w)
    p.shop(w, "pg")
    p.nginx(w)
    w.ready()
    w.measure(10, p.probes("postgresql", "shop", "billing"))
    p.visitors(w, logins=False)
    w.every(3, lambda n: p.get(f"/invoice?order={n}", "127.0.0.32", 8080))
    w.sleep(20)
    w.breaks()
    group(server, signal.SIGKILL)
    w.sleep(45)


@scenario(
    "service_crash",
    "postgresql",
    ("postgresql.log", "terminated by signal 9"),
    SHOP,
    also=("database_failure",),
    why_also="a database whose backend crashes is out for all until it has recovered",
    effects=("error_burst", "external_api_down"),
)
def postgres_backend_killed(w: World) -> None:
    """A backend is killed with SIGKILL, again and again; each time PostgreSQL restarts all its processes."""
    web(w)
    w.breaks()

    def kill(n: int) -> None:
        found = subprocess.run(
            ["pgrep", "-f", "postgres: shop shop"], capture_output=True, text=True, check=False
        )
        for pid in found.stdout.split()[:1]:
            os.kill(int(pid), signal.SIGKILL)

    w.every(8, kill)
    w.sleep(40)


@scenario(
    "database_failure",
    "postgresql",
    ("billing.log", "(?i)Read timed out|SocketTimeout|not available|I/O error"),
    SHOP + " billing.log payment.log",
    also=("service_crash",),
    why_also="a process that hangs answers nobody, which is also a failed service",
    effects=("error_burst", "external_api_down", "cpu_overload"),
    silent=True,
)
def postgres_frozen(w: World) -> None:
    """All processes of PostgreSQL are frozen (SIGSTOP); billing, payment and the shop run into their time-outs."""
    server = p.postgres(w)
    p.billing(w)
    p.payment(w)
    p.shop(w, "pg payment")
    p.nginx(w)
    w.ready()
    w.measure(10, p.probes("postgresql", "shop", "billing", "payment", "nginx"))
    p.visitors(w, logins=False)
    w.every(3, lambda n: p.get(f"/invoice?order={n}", "127.0.0.32", 8080))
    w.sleep(20)
    w.breaks()
    group(server, signal.SIGSTOP)
    w.sleep(55)


@scenario(
    "deadlock",
    "postgresql",
    ("postgresql.log", "deadlock detected"),
    SHOP,
    effects=("error_burst", "database_failure"),
)
def postgres_deadlocks(w: World) -> None:
    """A new stock job takes products in another order than its twin."""
    web(w, "deadlock_timeout=300ms")
    w.breaks()

    def twin(way: int) -> None:
        while not w.stop.is_set():
            with suppress(psycopg.Error), psycopg.connect(URL) as connection:
                for number in ((5, 6), (6, 5))[way]:
                    connection.execute("update products set stock = stock + 1 where id = %s", (number,))
                    time.sleep(0.3)
            time.sleep(random.uniform(0.5, 1.5))

    for way in (0, 1):
        threading.Thread(target=twin, args=(way,), daemon=True).start()
    w.sleep(40)


@scenario(
    "deadlock",
    "postgresql",
    ("postgresql.log", "could not serialize access"),
    SHOP,
    also=("database_failure", "error_burst"),
    why_also="serialization failures are conflicts of transactions like deadlocks, but the taxonomy has no class of their own",
    effects=(),
)
def postgres_serialization(w: World) -> None:
    """A release runs its transactions serializable, and most of them collide."""
    web(w)
    w.breaks()

    def collide(_: int) -> None:
        while not w.stop.is_set():
            with suppress(psycopg.Error), psycopg.connect(URL) as connection:
                connection.isolation_level = psycopg.IsolationLevel.SERIALIZABLE
                connection.execute("select sum(stock) from products")
                time.sleep(0.2)
                connection.execute(
                    "update products set stock = stock + 1 where id = %s", (random.randint(1, 4),)
                )
            time.sleep(0.4)

    for way in range(4):
        threading.Thread(target=collide, args=(way,), daemon=True).start()
    w.sleep(40)


@scenario(
    "deadlock",
    "postgresql",
    ("postgresql.log", "lock timeout"),
    SHOP,
    also=("database_failure", "error_burst"),
    why_also="waiting for a lock that is never given back is no cycle, and the database refuses the work",
    effects=("external_api_down",),
)
def postgres_lock_timeout(w: World) -> None:
    """A person's open transaction holds the table of orders; every order waits and is cancelled."""
    web(w, "lock_timeout=1500ms", "deadlock_timeout=500ms")
    w.breaks()
    holder = psycopg.connect(URL)
    holder.execute("lock table orders in access exclusive mode")
    w.sleep(45)


@scenario(
    "auth_failures",
    ("postgresql", "shop"),
    ("postgresql.log", "password authentication failed"),
    SHOP,
    also=("database_failure",),
    why_also="for the shop the database is out, though only because its password is wrong",
    effects=("error_burst", "external_api_down"),
)
def postgres_password(w: World) -> None:
    """The password of the shop's database user is changed, and the shop is not told."""
    web(w)
    w.breaks()
    p.sql(
        "alter role shop password 'another'; select pg_terminate_backend(pid) from pg_stat_activity where usename = 'shop'"
    )
    w.sleep(40)


@scenario(
    "error_burst",
    "shop",
    ("shop.log", "UndefinedColumn|does not exist"),
    SHOP,
    also=("database_failure",),
    why_also="the failing statements are the database's errors, though the release is at fault",
    effects=("external_api_down",),
)
def migration_missing(w: World) -> None:
    """A release renames a column before the application that knows the new name is rolled out."""
    web(w)
    w.breaks()
    p.sql("alter table products rename column stock to in_stock")
    w.every(0.5, lambda n: p.get(f"/product/{n % 200 + 1}"))
    w.sleep(45)


@scenario(
    "database_failure",
    ("shop", "postgresql"),
    ("shop.log", "QueuePool limit"),
    SHOP,
    also=("cpu_overload", "error_burst"),
    why_also="the pool belongs to the application, the slowness to the database",
    effects=("external_api_down",),
)
def sqlalchemy_pool(w: World) -> None:
    """Slow reports hold every connection of SQLAlchemy's pool; all other requests wait in vain."""
    web(w, pool="1")
    w.breaks()
    for _ in range(12):
        w.every(0.2, lambda n: p.get("/report?wait=4", "127.0.0.30", 8001, timeout=8))
    w.sleep(45)


@scenario(
    "database_failure",
    ("billing", "postgresql"),
    ("billing.log", "Connection is not available"),
    "billing.log payment.log postgresql.log",
    also=("cpu_overload", "error_burst"),
    why_also="the pool belongs to the application, the slowness to the database",
    effects=("external_api_down",),
)
def hikari_pool(w: World) -> None:
    """Long statements of accounts hold all three connections of billing's HikariCP pool."""
    p.postgres(w)
    p.billing(w, "-Xmx64m", "-Dthreads=16")
    p.payment(w)
    w.ready()
    w.measure(10, p.probes("postgresql", "billing", "payment"))
    w.every(2, lambda n: p.get("/charge", "127.0.0.31", 3000, body={"order": n}))
    w.sleep(20)
    w.breaks()
    for _ in range(5):
        w.every(0.2, lambda n: p.get("/hold?s=4", "127.0.0.32", 8080, timeout=9))
    w.sleep(45)
