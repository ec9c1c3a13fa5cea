"""What breaks with the newer services, and times in which nothing does."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time

import web_stack as s
from cases import case, normal
from common import (
    HOME,
    LOG,
    PG,
    World,
    ask,
    end,
    postgres,
    quiet,
    redis,
    say,
    sql,
    strew,
)

HOST, FILES = "freight-1", s.FILES
ALL = "gate-access.json gate-error.log waybill.log portal.log weigh.log postgresql.log"
NORMAL = float(os.environ.get("CORPUS_SECONDS", "900"))


def everyday(w: World, up: dict, plan: tuple) -> None:
    began = time.monotonic()
    for moment, act in plan:
        time.sleep(max(0.0, began + moment * NORMAL / 900 - time.monotonic()))
        act()
    time.sleep(max(0.0, began + NORMAL - time.monotonic()))


def hang_up(_: int) -> None:
    with socket.create_connection((s.GATE, 80), 3) as line:
        line.sendall(b"GET /portal/waybill/12 HTTP/1.1\r\nHost: gate.freight.internal\r\n\r\n")


def rotate() -> None:
    for name in ("gate-access.json", "gate-error.log"):
        (LOG / name).rename(LOG / f"{name}.1")
        (LOG / name).touch()
        (LOG / name).chmod(0o666)
    quiet("nginx", "-c", str(HOME / "nginx/nginx.conf"), "-s", "reopen")


def anew(w: World, up: dict, name: str, **env: str) -> None:
    end(up[name])
    up[name] = getattr(s, name)(w, **env)


def rows() -> None:
    sql("copy (select 'DE', n % 500, 'import' from generate_series(1, 60000) n) to '/tmp/in.csv' csv",
        "copy waybill (country, weight, note) from '/tmp/in.csv' csv", "analyze waybill")


def backup() -> None:
    subprocess.run([str(PG / "pg_dump"), "-h", "/run/postgresql", "-U", "postgres", "-f", "/tmp/dump.sql", "freight"], check=False)


@normal(HOST, FILES)
def normal_d_web(w: World) -> None:
    """The newer services: planned restarts and deploys, a reload, a rotation, a scanner, a backup, a bulk import, slow and mistyped SQL, broken-off requests."""
    up = s.start(w)
    w.every(31, hang_up, first=20)
    w.every(97, lambda n: sql("select pg_sleep(0.7)"), first=40)
    w.every(170, lambda n: sql("select nam from parcel"), first=60)
    paths = ("wp-login.php", ".env", "admin/", "cgi-bin/luci", ".git/config", "xmlrpc.php", "phpmyadmin/", "server-status")
    plan = ((60, lambda: [ask(f"{s.GATE}/{each}", agent="zgrab/0.x") for each in paths]), (110, lambda: anew(w, up, "waybill")),
            (170, lambda: anew(w, up, "portal")), (230, rows), (290, lambda: anew(w, up, "weigh")), (340, backup),
            (400, lambda: quiet("nginx", "-c", str(HOME / "nginx/nginx.conf"), "-s", "reload")), (450, lambda: anew(w, up, "worker")), (520, rotate),
            (570, lambda: (end(up["redis"]), up.update(redis=redis(w)))), (640, lambda: quiet("psql", "-h", "pg1.freight.internal", "-U", "freight", "freight",
                                                                                             env={"PGPASSWORD": "habour", "PATH": "/usr/bin"})),
            (700, lambda: (end(up["postgres"], signal.SIGINT), up.update(postgres=postgres(w, fresh=False)))), (780, lambda: anew(w, up, "portal")),
            (840, lambda: anew(w, up, "waybill")))
    everyday(w, up, plan)


@normal(HOST, FILES)
def normal_d_web_2(w: World) -> None:
    """The newer services, other days: deploys of all, a carrier's short maintenance of two requests, night reports, imports, reloads, scanners."""
    up = s.start(w)
    w.every(43, hang_up, first=15)
    w.every(120, lambda n: sql("select count(*), pg_sleep(0.6) from waybill"), first=30)
    w.every(200, lambda n: ask(f"{s.GATE}/waybill", body={"weight": 3, "country": "NL"}), first=100)

    def maintenance() -> None:
        say("maintenance")
        time.sleep(4)
        say("ok")

    plan = ((50, lambda: anew(w, up, "weigh")), (120, backup), (190, lambda: anew(w, up, "worker")), (260, maintenance), (320, rows),
            (380, lambda: anew(w, up, "waybill")), (440, lambda: anew(w, up, "portal")), (500, rotate), (560, lambda: sql("vacuum full parcel")),
            (620, lambda: quiet("nginx", "-c", str(HOME / "nginx/nginx.conf"), "-s", "reload")), (690, backup),
            (750, lambda: [ask(f"{s.GATE}/old/{n}.asp", agent="Nikto") for n in range(25)]), (820, lambda: (end(up["redis"]), up.update(redis=redis(w)))))
    everyday(w, up, plan)


def calm(w: World, seconds: float = 45, **more: object) -> dict:
    up = s.start(w, **more)
    w.sleep(seconds)
    w.breaks()
    return up


def deploy(w: World, up: dict, name: str, *limit: str, **env: str) -> None:
    end(up[name])
    up[name] = getattr(s, name)(w, *limit, **env)


@case(HOST, FILES, ALL, "error_burst", "waybill", ("waybill.log", "KeyError|request failed"), effects=("external_api_down",))
def d_flask_tariff_missing(w: World) -> None:
    """A release of the waybills has lost the tariff of one country: a fifth of the requests fails with a KeyError."""
    up = calm(w)
    deploy(w, up, "waybill", RELEASE="tariff")
    w.sleep(75)


@case(HOST, FILES, ALL, "error_burst", "waybill", ("waybill.log", "UndefinedColumn|request failed"), effects=("external_api_down",), also=("database_failure",),
      why_also="what is missing is a column that the migration would have made")
def d_flask_migration_missing(w: World) -> None:
    """A release of the waybills reads a column which its migration has not made: each look-up fails."""
    up = calm(w)
    deploy(w, up, "waybill", RELEASE="insurance")
    w.sleep(75)


@case(HOST, FILES, ALL, "database_failure", "postgresql waybill", ("postgresql.log", "too many connections for role"), also=("error_burst",),
      why_also="the application leaks; the database refuses by its limit of the role", effects=("external_api_down",))
def d_pg_role_connections(w: World) -> None:
    """A release opens a connection with each request and closes none, until the limit of its role in PostgreSQL is reached."""
    up = s.start(w)
    sql("alter role freight connection limit 30")
    w.sleep(45)
    w.breaks()
    deploy(w, up, "waybill", RELEASE="connections")
    w.sleep(95)


@case(HOST, FILES, ALL, "database_failure", "postgresql", ("waybill.log", "ReadOnlySqlTransaction|read-only"), also=("error_burst",),
      why_also="nothing can be written, all else works", effects=("external_api_down",))
def d_pg_read_only(w: World) -> None:
    """During a move somebody makes the database read-only and forgets it: each insert fails."""
    calm(w)
    sql("alter database freight set default_transaction_read_only = on",
        "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'freight'")
    w.sleep(90)


@case(HOST, FILES, ALL, "service_crash", "weigh", ("waybill.log", r"timed out|Task queue depth"), also=("deadlock", "external_api_down", "error_burst"),
      why_also="a process that hangs: who waits for it sees only that it does not answer", effects=("network_failure",), silent=True)
def d_weigh_frozen(w: World) -> None:
    """The scale's service is stopped (SIGSTOP); the waybills wait for it and time out."""
    up = calm(w)
    os.killpg(up["weigh"].pid, signal.SIGSTOP)
    w.sleep(85)


@case(HOST, FILES, ALL, "error_burst", "weigh waybill", ("waybill.log", "Task queue depth"), also=("cpu_overload", "service_crash", "deadlock"),
      why_also="all threads of waitress wait for a service that hangs: the pool is used up", effects=("external_api_down", "network_failure"))
def d_waitress_threads_used_up(w: World) -> None:
    """A release of the waybills waits without a limit; then the scale's service hangs and all four threads of waitress wait for ever."""
    up = s.start(w)
    deploy(w, up, "waybill", RELEASE="patient")
    w.sleep(45)
    w.breaks()
    os.killpg(up["weigh"].pid, signal.SIGSTOP)
    w.sleep(85)


@case(HOST, FILES, ALL, "error_burst", "weigh", ("weigh.log", "panicked at"), also=("service_crash",), why_also="its threads panic, the process lives on",
      effects=("external_api_down", "network_failure"))
def d_rust_lock_poisoned(w: World) -> None:
    """One thread of the scale's service panics with the lock in its hand; from then on each request panics on the poisoned lock."""
    up = calm(w)
    deploy(w, up, "weigh", RELEASE="trays")
    strew(w, 40, "127.0.0.43:8600/weigh/57", first=8)
    w.sleep(85)


@case(HOST, FILES, ALL, "service_crash", "weigh", ("weigh.log", "panicked at"), effects=("error_burst", "external_api_down", "network_failure"))
def d_rust_env_missing(w: World) -> None:
    """A release of the scale's service wants the name of a calibration file, which nobody has set: it panics at each start."""
    up = calm(w)
    deploy(w, up, "weigh", RELEASE="calibrated")
    w.sleep(75)


@case(HOST, FILES, ALL, "service_crash", "portal", ("portal.log", "plugin did not start|FST_ERR_PLUGIN_TIMEOUT|AVV_ERR"), effects=("error_burst", "external_api_down"))
def d_fastify_plugin_timeout(w: World) -> None:
    """A new plugin of the portal waits for a cache that is not there; Fastify gives up its start each time."""
    up = calm(w)
    deploy(w, up, "portal", RELEASE="cache")
    w.sleep(85)


@case(HOST, FILES, ALL, "service_crash", "portal", ("portal.log", "SyntaxError"), effects=("error_burst", "external_api_down"))
def d_node_syntax_error(w: World) -> None:
    """A merge left its marks in the portal's script; Node cannot read it."""
    up = calm(w)
    script = HOME / "app/portal/server.js"
    script.write_text(script.read_text().replace("app.get('/health'", "<<<<<<< HEAD\napp.get('/health'"))
    deploy(w, up, "portal")
    w.sleep(75)


@case(HOST, FILES, ALL, "service_crash", "portal", ("portal.log", "SESSION_SECRET"), effects=("error_burst", "external_api_down"))
def d_node_secret_missing(w: World) -> None:
    """A release of the portal needs a secret that was not set where it runs; it ends at each start."""
    up = calm(w)
    deploy(w, up, "portal", RELEASE="env")
    w.sleep(75)


@case(HOST, FILES, ALL, "error_burst", "portal", ("portal.log", "TypeError"), effects=("external_api_down",))
def d_fastify_all_fail(w: World) -> None:
    """A release of the portal reads the depot of each parcel, which the query does not bring: each look-up fails."""
    up = calm(w)
    deploy(w, up, "portal", RELEASE="depots")
    w.sleep(75)


@case(HOST, FILES, ALL, "error_burst", "portal", ("portal.log", "RangeError"), effects=("external_api_down",))
def d_fastify_quarter_fails(w: World) -> None:
    """A release of the portal fails for each fourth parcel."""
    up = calm(w)
    deploy(w, up, "portal", RELEASE="senders")
    w.sleep(75)


@case(HOST, FILES, ALL, "database_failure", "portal", ("portal.log", "timeout exceeded when trying to connect"), also=("error_burst",),
      why_also="the pool belongs to the application, which keeps its clients; the database is well", effects=("external_api_down",))
def d_node_pg_pool_held(w: World) -> None:
    """A release of the portal does not give back each third client of its pool."""
    up = calm(w)
    deploy(w, up, "portal", RELEASE="held")
    w.sleep(85)


@case(HOST, FILES, ALL, "network_failure", "portal pg2 resolver", ("portal.log", "ENOTFOUND|EAI_AGAIN"), also=("database_failure", "error_burst"),
      why_also="the name of the database does not exist: to the portal it has no database", effects=("external_api_down",))
def d_node_db_name_wrong(w: World) -> None:
    """The portal's settings name a database host that does not exist in the zone."""
    up = calm(w)
    deploy(w, up, "portal", PGHOST="pg2.freight.internal")
    w.sleep(75)


@case(HOST, FILES, ALL, "service_crash", "portal", ("gate-error.log", "connect\\(\\) failed"), also=("network_failure",), silent=True,
      why_also="the front only sees that nobody takes the connection", effects=("error_burst", "external_api_down"))
def d_portal_killed(w: World) -> None:
    """The portal is killed and nobody starts it again."""
    up = calm(w)
    end(up["portal"], 9)
    w.sleep(75)


@case(HOST, FILES, ALL, "error_burst", "nginx", ("gate-error.log", "connect\\(\\) failed"), also=("service_crash", "network_failure"),
      why_also="the front's new settings have a wrong port: to it the portal is gone", effects=("external_api_down",))
def d_nginx_wrong_port(w: World) -> None:
    """New settings of the front have a mistyped port of the portal; a reload takes them."""
    calm(w)
    s.gate_config("127.0.0.42:8550")
    quiet("nginx", "-c", str(HOME / "nginx/nginx.conf"), "-s", "reload")
    w.sleep(75)


@case(HOST, FILES, ALL, "error_burst", "nginx", ("gate-error.log", "Permission denied"))
def d_nginx_files_unreadable(w: World) -> None:
    """A deploy unpacked the static files for root alone; the front answers 403 to each."""
    calm(w)
    (HOME / "static").chmod(0o700)
    strew(w, 1.5, f"{s.GATE}/static/app.css")
    w.sleep(75)
