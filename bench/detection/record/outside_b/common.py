"""The worlds of the second outside set: a ticket office on its own hosts. From the recorder's world; to the stacks."""

from __future__ import annotations

import http.client
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
sys.path.insert(0, str(HERE))
import keep  # noqa: E402
import world  # noqa: E402

HOME = world.HOME = Path("/srv/tickets")
LOG = world.LOG = keep.LOG = HOME / "log"
world.HERE = HERE
world.NAMES = {
    "127.0.0.11": "db.tickets.internal",
    "127.0.0.12": "cache.tickets.internal",
    "127.0.0.20": "www.tickets.internal",
    "127.0.0.30": "site.tickets.internal",
    "127.0.0.31": "pricing.tickets.internal",
    "127.0.0.32": "seats.tickets.internal",
    "127.0.0.33": "geo.tickets.internal",
    "127.0.0.34": "booking.tickets.internal",
    "127.0.0.35": "members.tickets.internal",
    "127.0.0.36": "legacy.tickets.internal",
}
from world import World, port_open, quiet  # noqa: E402

VENV = "/opt/tickets/venv/bin"
PG = next(Path("/usr/lib/postgresql").glob("*/bin"))
Process = subprocess.Popen  # type: ignore[type-arg]
FRONT = {"nginx-access.log": "nginx", "nginx-error.log": "nginx"}


def run(w: World, log: str, *argv: str, user: str | None = "www-data", cwd: Path | None = None,
        before: Callable[[], None] | None = None, again: bool = False, **env: str) -> Process:
    """Start a program of the office; with `again` it is started anew a second after it ended."""
    if again:
        argv = ("/bin/sh", "-c", 'while :; do "$@"; sleep 1; done', "sh", *argv)
    path = LOG / log
    path.touch()
    path.chmod(0o666)
    return w.spawn(list(argv), log=log, user=user, cwd=cwd or HOME / "app", before=before, env=env)


def end(process: Process, how: int = 15) -> None:
    """End a program and whatever it started."""
    import os

    with suppress(ProcessLookupError):
        os.killpg(process.pid, how)
    with suppress(subprocess.TimeoutExpired):
        process.wait(20)


def get(url: str, *, body: object = None, timeout: float = 12.0, agent: str = "Mozilla/5.0 (X11; Linux x86_64) Firefox/131.0") -> int:
    """Ask `host:port/path`; return the status, 0 for none."""
    host, _, path = url.partition("/")
    connection = http.client.HTTPConnection(host, timeout=timeout)
    try:
        headers = {"Host": "www.tickets.internal", "User-Agent": agent}
        if body is None:
            connection.request("GET", "/" + path, headers=headers)
        else:
            headers["Content-Type"] = "application/json"
            connection.request("POST", "/" + path, body=json.dumps(body), headers=headers)
        answer = connection.getresponse()
        answer.read()
        return answer.status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        connection.close()


def until(url: str, status: int = 200, tries: int = 160) -> None:
    """Wait for an answer."""
    import time

    for _ in range(tries):
        if get(url) == status:
            return
        time.sleep(0.5)
    raise SystemExit(f"{url} does not come up")


def nginx(w: World, places: str) -> Process:
    """The front on www.tickets.internal:80."""
    folder = HOME / "nginx"
    folder.mkdir(exist_ok=True)
    for name in ("nginx-access.log", "nginx-error.log"):
        (LOG / name).touch()
        (LOG / name).chmod(0o666)
    (folder / "nginx.conf").write_text(f"""user www-data;
worker_processes 1;
pid /run/nginx.pid;
error_log {LOG}/nginx-error.log warn;
events {{ worker_connections 256; }}
http {{
  access_log {LOG}/nginx-access.log combined;
  proxy_connect_timeout 3s; proxy_read_timeout 8s; fastcgi_read_timeout 8s;
  server {{ listen 127.0.0.20:80; server_name www.tickets.internal; root {HOME}/www;
    {places}
  }}
}}
""")
    (HOME / "www").mkdir(exist_ok=True)
    (HOME / "www/robots.txt").write_text("User-agent: *\n")
    started = run(w, "nginx.out", "nginx", "-c", str(folder / "nginx.conf"), "-g", "daemon off;", user=None)
    port_open("127.0.0.20", 80)
    return started


def proxied(path: str, to: str) -> str:
    return f"location {path} {{ proxy_pass http://{to}; proxy_set_header X-Forwarded-For $remote_addr; }}\n"


def postgres(w: World, *settings: str, fresh: bool = True) -> Process:
    """PostgreSQL on db.tickets.internal:5432 with the database `office`."""
    (LOG / "postgresql.log").touch()
    shutil.chown(LOG / "postgresql.log", "postgres")
    data = HOME / "pg"
    if fresh:
        data.mkdir()
        shutil.chown(data, "postgres", "postgres")
        quiet(str(PG / "initdb"), "-D", str(data), "-U", "postgres", "--auth-host=scram-sha-256",
              "--auth-local=trust", "-E", "UTF8", "--locale=C", "--no-sync", user="postgres", group="postgres", extra_groups=[])
    options = ("listen_addresses=127.0.0.11", "log_line_prefix=%m [%p] %q%u@%d ", "log_checkpoints=on", "shared_buffers=24MB",
               "log_timezone=UTC", "unix_socket_directories=/run/postgresql", "log_min_duration_statement=500", *settings)
    started = run(w, "postgresql.log", str(PG / "postgres"), "-D", str(data), *(part for each in options for part in ("-c", each)),
                  user="postgres", cwd=HOME)
    port_open("127.0.0.11", 5432)
    until_sql()
    if fresh:
        sql("create role office login password 'secret'", "create database office owner office", base="postgres")
    return started


def until_sql() -> None:
    import time

    for _ in range(60):
        if sql("select 1", base="postgres"):
            return
        time.sleep(0.3)


def sql(*texts: str, base: str = "office", user: str = "postgres") -> bool:
    """Run statements through the socket."""
    argv = [str(PG / "psql"), "-h", "/run/postgresql", "-U", user, "-d", base, "-q"]
    return quiet(*argv, *(part for each in texts for part in ("-c", each))).returncode == 0


def redis(w: World, *options: str) -> Process:
    """Redis on cache.tickets.internal:6379."""
    folder = HOME / "redis"
    folder.mkdir(exist_ok=True)
    shutil.chown(folder, "redis", "redis")
    started = run(w, "redis.log", "redis-server", "--bind", "127.0.0.12", "--port", "6379", "--protected-mode", "no", "--dir", str(folder),
                  "--save", "60 50", *options, user="redis", cwd=HOME)
    port_open("127.0.0.12", 6379)
    return started


def certificate(name: str, *, by: str = "ca", days: tuple[float, float] = (-30, 300), names: tuple[str, ...] = ()) -> None:
    """Make HOME/tls/<name>.pem (and .key) signed by <by>.pem, made on first use, valid from and to some days from now."""
    folder = HOME / "tls"
    folder.mkdir(exist_ok=True)
    quiet(f"{VENV}/python", str(HERE / "certificate.py"), str(folder), name, by, str(days[0]), str(days[1]), *names)
    for each in folder.iterdir():
        each.chmod(0o644)


def partner(w: World, mode: str = "ok", certificate_of: str = "partner") -> Process:
    """The outside partner with its API and its token endpoint; it keeps no log that we could see."""
    say(w, mode)
    process = run(w, "partner.out", f"{VENV}/python", "partner.py", str(HOME / f"tls/{certificate_of}"), str(HOME / "partner.mode"), user=None)
    port_open("127.0.0.60", 443)
    return process


def say(w: World, mode: str) -> None:
    """Tell the partner how to behave."""
    (HOME / "partner.mode").write_text(mode)


def dns(w: World) -> Process:
    """The resolver that knows the partner."""
    started = run(w, "dnsmasq.out", "dnsmasq", "--keep-in-foreground", "--no-resolv", "--no-hosts", "--listen-address=127.0.0.53",
                  "--bind-interfaces", "--address=/partner.example/127.0.0.60", "--local-ttl=1", "--pid-file=", user=None)
    port_open("127.0.0.53", 53)
    return started


def store(w: World, case: dict[str, Any], sources: dict[str, str]) -> None:
    w.finish(case, {name: service for name, service in sources.items()})
