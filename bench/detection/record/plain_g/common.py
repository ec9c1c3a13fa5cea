"""The worlds of a campus: its names and what its stacks share. From the freight company's worlds, whose helpers are used; to the stacks."""

from __future__ import annotations

import http.client
import importlib.util
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).resolve().parent
RECORD = HERE.parent
sys.path.insert(0, str(RECORD))


def _freight() -> object:
    """Load the helpers of the freight company under a name of their own, for this module has theirs."""
    spec = importlib.util.spec_from_file_location("freight_common", RECORD / "fresh_d/common.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


freight = _freight()
sys.path.insert(0, str(HERE))
import keep  # noqa: E402
import world  # noqa: E402

HOME = freight.HOME = world.HOME = Path("/srv/campus")
LOG = freight.LOG = world.LOG = keep.LOG = HOME / "log"
world.HERE = HERE
world.NAMES = {
    "127.0.0.11": "pg.campus.internal",
    "127.0.0.12": "mc.campus.internal",
    "127.0.0.13": "sql.campus.internal",
    "127.0.0.14": "mq.campus.internal",
    "127.0.0.15": "pg-standby.campus.internal",
    "127.0.0.16": "kv.campus.internal",
    "127.0.0.20": "www.campus.internal",
    "127.0.0.41": "enroll.campus.internal",
    "127.0.0.42": "catalog.campus.internal",
    "127.0.0.43": "grades.campus.internal",
    "127.0.0.44": "portal.campus.internal",
    "127.0.0.45": "fees.campus.internal",
    "127.0.0.46": "tickets-1.campus.internal",
    "127.0.0.47": "tickets-2.campus.internal",
    "127.0.0.71": "sso.campus.internal",
}
from world import World, port_open, quiet  # noqa: E402

World.spawn.__kwdefaults__["cwd"] = HOME

TOOLS = Path("/opt/campus")
VENV = str(TOOLS / "venv/bin")
freight.VENV = VENV
PG, Process = freight.PG, freight.Process
run, end, until, strew, certificate = freight.run, freight.end, freight.until, freight.strew, freight.certificate
HANGS = "a process that hangs: who waits for it sees only that it does not answer"


def ask(url: str, *, body: object = None, timeout: float = 10.0, agent: str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/142.0",
        token: str = "") -> int:
    """Ask `host:port/path`; return the status, 0 for none."""
    host, _, path = url.partition("/")
    headers = {"Host": "www.campus.example", "User-Agent": agent, **({"Authorization": f"Bearer {token}"} if token else {})}
    connection = http.client.HTTPConnection(host, timeout=timeout)
    try:
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


# the freight company's callers ask as this campus does
freight.ask = ask


def shell(text: str, **env: str) -> None:
    """Run a line of shell in the world."""
    subprocess.run(["/bin/sh", "-c", text], check=False, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                   env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8", **env})


def sql(*texts: str, base: str = "campus") -> bool:
    """Run statements in PostgreSQL through the socket."""
    return bool(freight.sql(*texts, base=base))


def postgres(w: World, *settings: str, folder: str = "pg", address: str = "127.0.0.11", log: str = "postgresql.log", fresh: bool = True) -> Process:
    """PostgreSQL with the database `campus`, or (by another folder) a copy of it that is there already."""
    data, sockets = HOME / folder, "/run/postgresql" if folder == "pg" else f"/run/{folder}"
    Path(sockets).mkdir(exist_ok=True)
    shutil.chown(sockets, "postgres", "postgres")
    if fresh:
        data.mkdir(exist_ok=True)
        shutil.chown(data, "postgres", "postgres")
        quiet(str(PG / "initdb"), "-D", str(data), "-U", "postgres", "--auth-host=scram-sha-256", "--auth-local=trust", "-E", "UTF8",
              "--locale=C", "--no-sync", user="postgres", group="postgres", extra_groups=[])
    options = (f"listen_addresses={address}", "log_line_prefix=%m [%p] %q%u@%d ", "shared_buffers=24MB", "log_timezone=UTC",
               f"unix_socket_directories={sockets}", *settings)
    started = run(w, log, str(PG / "postgres"), "-D", str(data), *(part for each in options for part in ("-c", each)),
                  user="postgres", cwd=HOME, again=False)
    port_open(address, 5432)
    for _ in range(60):
        if folder != "pg" or sql("select 1", base="postgres"):
            break
        time.sleep(0.3)
    if fresh:
        sql("create role campus login password 'lecture'", "create database campus owner campus", base="postgres")
        sql("create table course (id serial primary key, title text, seats int)", "insert into course (title, seats) select 'Course ' || n, 30 + n % 90 from generate_series(1, 200) n",
            "create table sign_up (id serial primary key, student int, course int, at timestamptz default now())",
            "insert into sign_up (student, course) select n % 700, n % 200 + 1 from generate_series(1, 20000) n", "create index sign_up_student on sign_up (student)",
            "create table grade (id serial primary key, student int, course int, points int)", "insert into grade (student, course, points) select n % 700, n % 200 + 1, n % 16 from generate_series(1, 20000) n",
            "create index grade_student on grade (student)", *(f"alter table {each} owner to campus" for each in ("course", "sign_up", "grade")), "analyze")
    return started


def dns(w: World) -> Process:
    """The resolver, which knows the bank."""
    started = run(w, "dnsmasq.out", "dnsmasq", "--keep-in-foreground", "--no-resolv", "--no-hosts", "--listen-address=127.0.0.53", "--bind-interfaces",
                  "--address=/bank.example/127.0.0.70", "--local-ttl=1", "--pid-file=", user=None, again=False)
    port_open("127.0.0.53", 53)
    return started


def days(seconds: float, *plan: tuple[float, Callable[[], object]]) -> None:
    """Let an hour pass in which planned things happen: (second, act) one after the other."""
    began = time.monotonic()
    for moment, act in plan:
        time.sleep(max(0.0, began + moment - time.monotonic()))
        act()
    time.sleep(max(0.0, began + seconds - time.monotonic()))
