"""An hour in which nothing is wrong, of every program together: load, jobs, reloads, planned restarts, rotation.

CORPUS_SECONDS shortens it to try the script; all planned events are then brought nearer.
"""

from __future__ import annotations

import os
import shutil
import signal
import time
from pathlib import Path

import programs as p
from keep import version
from world import HOME, LOG, World, port_open, quiet

SECONDS = float(os.environ.get("CORPUS_SECONDS", "3720"))
world = World(os.environ.get("CORPUS_NAME", "normal"), cpu=0.6, memory_mb=3000)
p.rsyslog(world)
running = {
    "postgresql": p.postgres(world),
    "redis": p.redis(world),
    "memcached": p.memcached(world),
    "mariadb": p.mariadb(world),
    "rabbitmq": p.rabbitmq(world),
    "sshd": p.sshd(world),
}
p.rabbitctl("await_startup")
running["billing"] = p.billing(world)
running["payment"] = p.payment(world)
running["shop"] = p.shop(world, "pg redis memcached rabbit payment")
running["nginx"] = p.nginx(world)
running["haproxy"] = p.haproxy(world)
running["mailer"] = p.mailer(world)
running["crm"] = p.crm(world)
Path("/etc/cron.d/shop").write_text(
    "SHELL=/bin/sh\n*/5 * * * * deploy test -d /srv/shop\n*/10 * * * * root find /srv/shop/log -name '*.gz' -mtime +7\n"
)
for old in ("/etc/cron.d/e2scrub_all", "/etc/cron.d/php", "/etc/cron.d/sysstat"):
    Path(old).unlink(missing_ok=True)
world.spawn(["cron", "-f"], log="cron.out")
world.ready()
world.measure(10, p.probes(*p.PROBES))
p.visitors(world, "127.0.0.21")
world.every(60, lambda n: p.ssh_key(), first=15)
world.every(37, lambda n: p.get("/static/logo.png"), first=5)
world.every(
    420,
    lambda n: p.sql(
        (
            "select nothing from orders",
            "insert into products values (1, 'again', 0)",
            "select * from order_items",
            "selct 1",
        )[n % 4]
    ),
    first=100,
)
world.every(1300, lambda n: p.get("/broken", "127.0.0.21"), first=700)
world.every(240, lambda n: p.sql("vacuum analyze orders"), first=200)


def restart(name: str, start: object, how: signal.Signals = signal.SIGTERM) -> None:
    """Stop a program as its unit would, wait, start it."""
    running[name].send_signal(how)
    running[name].wait(60)
    running[name] = start()  # type: ignore[operator]


def forgetful() -> None:
    """Somebody types the password wrong twice, then right."""
    p.ssh_password("deploy", "Tr0ub4dor-wrong")
    time.sleep(6)
    p.ssh_password("deploy", "tr0ub4dor-right")
    time.sleep(9)
    p.ssh_password("deploy", "Tr0ub4dor-right")


def rotate() -> None:
    """Rotate as logrotate does: move, then tell."""
    for name in ("nginx-access.log", "nginx-error.log", "shop.log"):
        os.rename(LOG / name, LOG / f"{name}.1")
        p.touch(name)
    running["nginx"].send_signal(signal.SIGUSR1)


def wrong_maria() -> None:
    """A person mistypes the database's password once."""
    quiet("mariadb", "--no-defaults", "-h", "127.0.0.13", "-u", "crm", "-poops", "crm", "-e", "select 1")


def dump() -> None:
    """The nightly backup."""
    quiet(
        str(p.PG / "pg_dump"),
        "-h",
        "/run/postgresql",
        "-U",
        "postgres",
        "-f",
        str(HOME / "backup.sql"),
        "shop",
    )
    quiet("redis-cli", "-h", "127.0.0.12", "bgsave")


def deploy() -> None:
    """A release of the JVM and Node services and a reload of the application."""
    restart("billing", lambda: p.billing(world))
    restart("payment", lambda: p.payment(world))
    running["shop"].send_signal(signal.SIGHUP)


def half_request() -> None:
    """A browser goes away before the answer."""
    p.get("/report?wait=1.5", timeout=0.4)


EVENTS = (
    (240, lambda: running["nginx"].send_signal(signal.SIGHUP)),
    (420, forgetful),
    (500, half_request),
    (600, lambda: running["shop"].send_signal(signal.SIGHUP)),
    (780, wrong_maria),
    (900, lambda: p.sql("select pg_reload_conf()")),
    (1080, rotate),
    (1260, lambda: restart("redis", lambda: p.redis(world))),
    (1380, half_request),
    (1500, lambda: running["haproxy"].send_signal(signal.SIGUSR2)),
    (1680, lambda: restart("mailer", lambda: p.mailer(world), signal.SIGTERM)),
    (1760, lambda: restart("crm", lambda: p.crm(world))),
    (1900, dump),
    (2040, forgetful),
    (2200, lambda: restart("postgresql", lambda: p.postgres(world, fresh=False), signal.SIGINT)),
    (2420, lambda: restart("mariadb", lambda: p.mariadb(world, fresh=False))),
    (2640, lambda: restart("rabbitmq", lambda: p.rabbitmq(world))),
    (2860, deploy),
    (3060, lambda: restart("nginx", lambda: p.nginx(world), signal.SIGQUIT)),
    (3180, lambda: restart("memcached", lambda: p.memcached(world))),
    (3300, lambda: running["sshd"].send_signal(signal.SIGHUP)),
    (3360, forgetful),
    (3480, dump),
)
began = time.monotonic()
scale = min(1.0, SECONDS / 3720)
for moment, event in EVENTS:
    time.sleep(max(0.0, began + moment * scale - time.monotonic()))
    try:
        event()
        print(f"{time.strftime('%H:%M:%S')} {moment}", flush=True)
    except Exception as problem:  # noqa: BLE001 - one event that fails must not cost the hour
        print(f"event {moment}: {problem!r}", flush=True)
time.sleep(max(0.0, began + SECONDS - time.monotonic()))
shutil.rmtree(HOME / "backup.sql", ignore_errors=True)
port_open("127.0.0.11", 5432)
software = [
    version(str(p.PG / "postgres"), "--version"),
    version("redis-server", "--version"),
    version("nginx", "-v"),
    version("haproxy", "-v"),
    "RabbitMQ 3.10.8",
    version("memcached", "-V"),
    version("mariadbd", "--version"),
    version("/usr/sbin/sshd", "-V"),
    version("java", "-version"),
    "Node " + version("node", "--version"),
    "Python " + version(p.PYTHON, "--version"),
]
names = [
    name
    for name in (
        "postgresql.log",
        "redis.log",
        "memcached.log",
        "mariadb.log",
        "rabbitmq.log",
        "auth.log",
        "syslog",
        "haproxy.log",
        "nginx-access.log",
        "nginx-error.log",
        "shop.log",
        "gunicorn.log",
        "mailer.log",
        "crm.log",
        "payment.log",
        "billing.log",
    )
]
world.finish(
    {
        "name": world.name,
        "kind": "normal",
        "story": "an hour of normal operation of all programs",
        "software": software,
    },
    p.sources(*names),
)
