"""The worlds of a freight company: helpers to its stacks. From the recorder's world; to the stacks."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
sys.path.insert(0, str(HERE))
sys.path.append(str(HERE.parent / "outside_b"))
import keep  # noqa: E402
import world  # noqa: E402

HOME = world.HOME = Path("/srv/freight")
LOG = world.LOG = keep.LOG = HOME / "log"
world.HERE = HERE
world.NAMES = {
    "127.0.0.11": "pg1.freight.internal",
    "127.0.0.12": "kv1.freight.internal",
    "127.0.0.20": "gate.freight.internal",
    "127.0.0.41": "waybill.freight.internal",
    "127.0.0.42": "portal.freight.internal",
    "127.0.0.43": "weigh.freight.internal",
    "127.0.0.51": "rating.freight.internal",
    "127.0.0.52": "claims.freight.internal",
    "127.0.0.53": "resolver.freight.internal",
    "127.0.0.54": "labels.freight.internal",
    "127.0.0.55": "scan.freight.internal",
    "127.0.0.70": "api.carrier.example",
}
from world import World, port_open, quiet  # noqa: E402

TOOLS = Path("/opt/freight")
VENV = str(TOOLS / "venv/bin")
PG = next(Path("/usr/lib/postgresql").glob("*/bin"))
Process = subprocess.Popen  # type: ignore[type-arg]


def run(w: World, log: str, *argv: str, user: str | None = "www-data", cwd: Path | None = None, again: bool = True, **env: str) -> Process:
    """Start a program of the company; with `again` it is started anew a second after it ended."""
    if again:
        argv = ("/bin/sh", "-c", 'while :; do "$@"; sleep 1; done', "sh", *argv)
    path = LOG / log
    path.touch()
    path.chmod(0o666)
    return w.spawn(list(argv), log=log, user=user, cwd=cwd or HOME / "app", env=env)


def end(process: Process, how: int = 15) -> None:
    """End a program and whatever it started."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, how)
    with suppress(subprocess.TimeoutExpired):
        process.wait(12)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, 9)
    with suppress(subprocess.TimeoutExpired):
        process.wait(5)


def ask(url: str, *, body: object = None, timeout: float = 10.0, agent: str = "FreightClient/4.2 (Windows NT 10.0)") -> int:
    """Ask `host:port/path`; return the status, 0 for none."""
    host, _, path = url.partition("/")
    connection = http.client.HTTPConnection(host, timeout=timeout)
    try:
        headers = {"Host": "gate.freight.internal", "User-Agent": agent}
        if body is None:
            connection.request("GET", "/" + path, headers=headers)
        else:
            connection.request("POST", "/" + path, body=json.dumps(body), headers={**headers, "Content-Type": "application/json"})
        answer = connection.getresponse()
        answer.read()
        return answer.status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        connection.close()


def until(url: str, status: int = 200, tries: int = 160) -> None:
    """Wait for an answer."""
    for _ in range(tries):
        if ask(url) == status:
            return
        time.sleep(0.5)
    raise SystemExit(f"{url} does not come up")


def until_closed(address: str, port: int) -> None:
    """Wait until nobody listens any more."""
    import socket

    for _ in range(60):
        try:
            socket.create_connection((address, port), 1).close()
        except OSError:
            return
        time.sleep(0.2)


def postgres(w: World, *settings: str, fresh: bool = True) -> Process:
    """PostgreSQL on pg1.freight.internal:5432 with the database `freight`."""
    data = HOME / "pg"
    if fresh:
        data.mkdir()
        shutil.chown(data, "postgres", "postgres")
        quiet(str(PG / "initdb"), "-D", str(data), "-U", "postgres", "--auth-host=scram-sha-256", "--auth-local=trust", "-E", "UTF8",
              "--locale=C", "--no-sync", user="postgres", group="postgres", extra_groups=[])
    options = ("listen_addresses=127.0.0.11", "log_line_prefix=%t [%p]: db=%d,user=%u,app=%a ", "log_checkpoints=on", "shared_buffers=24MB",
               "log_timezone=UTC", "unix_socket_directories=/run/postgresql", "log_min_duration_statement=400", "log_lock_waits=on", *settings)
    started = run(w, "postgresql.log", str(PG / "postgres"), "-D", str(data), *(part for each in options for part in ("-c", each)),
                  user="postgres", cwd=HOME, again=False)
    port_open("127.0.0.11", 5432)
    for _ in range(60):
        if sql("select 1", base="postgres"):
            break
        time.sleep(0.3)
    if fresh:
        sql("create role freight login password 'harbour'", "create database freight owner freight", base="postgres")
        sql("create table waybill (id serial primary key, country text, weight int, note text)",
            "insert into waybill (country, weight, note) select (array['DE','FR','NL','SE','PL'])[1 + n % 5], n % 900 + 1, 'parcel ' || n"
            " from generate_series(1, 3000) n", "alter table waybill owner to freight",
            "create table parcel (id serial primary key, sender text, state text)",
            "insert into parcel (sender, state) select 'sender ' || n % 40, 'moving' from generate_series(1, 3000) n",
            "alter table parcel owner to freight")
    return started


def sql(*texts: str, base: str = "freight") -> bool:
    """Run statements through the socket."""
    argv = [str(PG / "psql"), "-h", "/run/postgresql", "-U", "postgres", "-d", base, "-q"]
    return quiet(*argv, *(part for each in texts for part in ("-c", each))).returncode == 0


def redis(w: World, *options: str) -> Process:
    """Redis on kv1.freight.internal:6379."""
    folder = HOME / "redis"
    folder.mkdir(exist_ok=True)
    shutil.chown(folder, "redis", "redis")
    started = run(w, "redis.log", "redis-server", "--bind", "127.0.0.12", "--port", "6379", "--protected-mode", "no", "--dir", str(folder),
                  "--save", "60 50", *options, user="redis", cwd=HOME, again=False)
    port_open("127.0.0.12", 6379)
    return started


def certificate(name: str, *names: str, days: tuple[float, float] = (-30, 300), by: str = "ca") -> None:
    """Make HOME/tls/<name>.pem (and .key) signed by <by>.pem, valid from and to some days from now."""
    folder = HOME / "tls"
    folder.mkdir(exist_ok=True)
    quiet(f"{VENV}/python", str(HERE.parent / "outside_b/certificate.py"), str(folder), name, by, str(days[0]), str(days[1]), *names)
    for each in folder.iterdir():
        each.chmod(0o644)


def carrier(w: World, mode: str = "ok", of: str = "carrier") -> Process:
    """The carrier's API, which asks for a client's certificate and a key; its log is not ours."""
    say(mode)
    started = run(w, "carrier.out", f"{VENV}/python", "carrier.py", str(HOME / f"tls/{of}"), str(HOME / "tls/ca.pem"), str(HOME / "carrier.mode"),
                  user=None, again=False)
    port_open("127.0.0.70", 443)
    return started


def say(mode: str) -> None:
    """Tell the carrier how to behave."""
    (HOME / "carrier.mode").write_text(mode)


def dns(w: World) -> Process:
    """The resolver of the company's zone."""
    started = run(w, "dnsmasq.out", "dnsmasq", "--keep-in-foreground", "--no-resolv", "--listen-address=127.0.0.53", "--bind-interfaces",
                  "--local=/freight.internal/", "--pid-file=", user=None, again=False)
    port_open("127.0.0.53", 53)
    return started


def strew(w: World, seconds: float, *urls: str, first: float = 0.0, agent: str = "") -> None:
    """Ask these one after another again and again."""
    w.every(seconds, lambda n: ask(urls[n % len(urls)].replace("#", str(n * 7 % 900 + 1)), **({"agent": agent} if agent else {})), first=first)


Work = Callable[[World], None]
