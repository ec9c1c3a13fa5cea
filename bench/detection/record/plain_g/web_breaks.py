"""What breaks at the campus' web site, and hours in which nothing does."""

from __future__ import annotations

import os
import signal
import socket
from typing import Any

import web_stack as s
from cases import case, normal
from common import HOME, LOG, PG, World, ask, days, end, postgres, shell, sql

HOST, FILES = "web-1", s.FILES
ALL = " ".join(FILES)
SECONDS = float(os.environ.get("CORPUS_SECONDS", "915"))
CPU = {"cpu": 0.9}


def hang_up(_: int) -> None:
    with socket.create_connection((s.WWW, 80), 3) as line:
        line.sendall(b"GET /grades/12 HTTP/1.1\r\nHost: www.campus.example\r\n\r\n")


def scan(agent: str = "Mozilla/5.0 zgrab/0.x") -> None:
    for path in ("wp-login.php", ".env", ".git/config", "phpmyadmin/", "actuator/health", "enroll/../../etc/passwd", "server-status", "api/v1/users", "backup.zip"):
        ask(f"{s.WWW}/{path}", agent=agent)


def rotate() -> None:
    for name in ("nginx-access.log", "nginx-error.log"):
        (LOG / name).rename(LOG / f"{name}.1")
    shell("kill -USR1 $(cat /run/nginx.pid)")


def backup() -> None:
    shell(f"{PG}/pg_dump -h /run/postgresql -U postgres -f /tmp/campus.sql campus && gzip -f /tmp/campus.sql")


def again(w: World, up: dict[str, Any], *names: str) -> Any:
    return lambda: [s.anew(w, up, each) for each in names]


@normal(HOST, FILES, **CPU)
def normal_g_web_1(w: World) -> None:
    """A quarter of an hour of the campus' site: deploys of each service one after the other, a reload of nginx, a rotation, a backup, a scanner, mistyped SQL, broken-off
    requests, a bulk import, a planned restart of memcached and of PostgreSQL while people are at work."""
    up = s.start(w)
    w.every(33, hang_up, first=20)
    w.every(170, lambda n: sql("select stundent from grade"), first=60)
    days(SECONDS, (60, again(w, up, "enroll")), (120, scan), (170, s.reload), (220, again(w, up, "catalog")), (280, backup), (340, again(w, up, "grades")),
         (410, lambda: sql("insert into grade (student, course, points) select n % 700, n % 200, n % 16 from generate_series(1, 40000) n", "analyze grade")),
         (460, again(w, up, "portal")), (520, rotate), (570, again(w, up, "memcached")), (640, lambda: (end(up["postgres"], signal.SIGINT), up.update(postgres=postgres(w, fresh=False)))),
         (720, lambda: (end(up["nginx"], signal.SIGQUIT), up.update(nginx=s.nginx(w)))), (790, again(w, up, "enroll", "portal")), (850, scan))


@normal(HOST, FILES, **CPU)
def normal_g_web_2(w: World) -> None:
    """Another quarter of an hour of the site: a maintenance of the standby, an index built concurrently, two deploys, slow reports, the bank down for eight seconds,
    expired tokens of two students, many wrong addresses, a backup, a reload of PostgreSQL's settings, a vacuum."""
    up = s.start(w)
    w.every(41, hang_up, first=25)
    w.every(120, lambda n: sql("select pg_sleep(0.7), count(*) from sign_up a, sign_up b where a.student = b.student"), first=45)
    w.every(75, lambda n: [ask(f"{s.WWW}/{each}") for each in ("grades/abc", "catalog/5000", "portal/nowhere", "enroll/mine")], first=30)
    days(SECONDS, (70, lambda: (end(up["standby"], signal.SIGINT), up.update(standby=s.standby(w, fresh=False)))), (140, lambda: sql("create index concurrently sign_up_course on sign_up (course)")),
         (200, again(w, up, "portal")), (260, lambda: s.say("down")), (268, lambda: s.say("ok")), (330, backup), (390, lambda: scan("curl/7.88.1")), (450, again(w, up, "grades")),
         (520, lambda: sql("alter system set work_mem = '8MB'", "select pg_reload_conf()")), (570, lambda: sql("vacuum analyze")), (630, again(w, up, "catalog")), (690, s.reload),
         (740, lambda: (w.spawn(["/usr/bin/gzip", "-9", "-c", "/usr/bin/dockerd"]), None)), (800, again(w, up, "enroll")))


def calm(w: World, seconds: float = 14, **more: Any) -> dict[str, Any]:
    up = s.start(w, **more)
    w.sleep(seconds)
    w.breaks()
    return up


@case(HOST, FILES, ALL, "error_burst", "enroll", ("enroll.log", "KeyError"), effects=("external_api_down",), **CPU)
def g_enroll_key_missing(w: World) -> None:
    """A release of enroll reads a room that the courses do not have: the list of courses ends in a KeyError each time."""
    up = calm(w)
    s.anew(w, up, "enroll", ENROLL_RELEASE="rooms")
    w.sleep(60)


@case(HOST, FILES, ALL, "error_burst", "enroll postgresql", ("enroll.log", "UndefinedColumn|does not exist"), also=("database_failure",), why_also="application and database do not fit together",
      effects=("external_api_down",), **CPU)
def g_enroll_migration_forgotten(w: World) -> None:
    """A release of enroll asks for a column whose migration nobody ran: each course ends in an error."""
    up = calm(w)
    s.anew(w, up, "enroll", ENROLL_RELEASE="waitlist")
    w.sleep(60)


@case(HOST, FILES, ALL, "database_failure", "enroll", ("enroll.log", "QueuePool limit"), also=("error_burst",), why_also="the database is well; the application used up its own connections", effects=("external_api_down",), **CPU)
def g_enroll_connections_leak(w: World) -> None:
    """A release of enroll takes a connection for an audit and never gives it back; SQLAlchemy's pool is used up."""
    up = calm(w)
    s.anew(w, up, "enroll", ENROLL_RELEASE="audit")
    w.sleep(64)


@case(HOST, FILES, ALL, "service_crash", "enroll", ("enroll.log", "ModuleNotFoundError|failed to boot"), effects=("error_burst", "external_api_down", "network_failure"), **CPU)
def g_enroll_does_not_boot(w: World) -> None:
    """A release of enroll imports a package that is not installed: gunicorn's workers fail to boot, again and again."""
    up = calm(w)
    s.anew(w, up, "enroll", ENROLL_RELEASE="sentry")
    w.sleep(60)


@case(HOST, FILES, ALL, "error_burst", "catalog", ("catalog.log", "http: panic serving"), also=("service_crash",), why_also="a panic, which the server survives", effects=("external_api_down",), **CPU)
def g_catalog_panics(w: World) -> None:
    """A release of the catalog writes into a map that was never made: half of its requests panic."""
    up = calm(w)
    s.anew(w, up, "catalog", CATALOG_RELEASE="ratings")
    w.sleep(60)


@case(HOST, FILES, ALL, "service_crash", "catalog", ("catalog.log", "cannot read configuration"), effects=("error_burst", "external_api_down", "network_failure"), **CPU)
def g_catalog_config_broken(w: World) -> None:
    """An edit left a comma at the end of the catalog's settings; it ends at each start."""
    up = calm(w)
    text = (HOME / "catalog.json").read_text()
    (HOME / "catalog.json").write_text(text.replace("}", ",}"))
    s.anew(w, up, "catalog")
    w.sleep(60)


@case(HOST, FILES, ALL, "error_burst", "catalog", ("catalog.log", "too many open files"), also=("service_crash",), why_also="no class is for descriptors used up; it cannot serve any more", effects=("external_api_down",), **CPU)
def g_catalog_files_open(w: World) -> None:
    """A release of the catalog never closes its covers; it has opened as many files as it may."""
    up = calm(w)
    end(up["catalog"])
    s.catalog(w, files=50, CATALOG_RELEASE="covers")
    s.crowd(w, "catalog/#", 2)
    w.sleep(64)


@case(HOST, FILES, ALL, "memory_exhaustion", "grades", ("grades.log", "OutOfMemoryError"), effects=("error_burst", "external_api_down", "service_crash"), **CPU)
def g_grades_heap(w: World) -> None:
    """A release of the grades keeps three megabytes of each request until the heap is full."""
    up = calm(w)
    s.anew(w, up, "grades", GRADES_RELEASE="history")
    w.sleep(95)


@case(HOST, FILES, ALL, "error_burst", "grades", ("grades.log", "NullPointerException"), effects=("external_api_down",), **CPU)
def g_grades_null(w: World) -> None:
    """A release of the grades has no word for some of them: a NullPointerException in most requests."""
    up = calm(w)
    s.anew(w, up, "grades", GRADES_RELEASE="words")
    w.sleep(60)


@case(HOST, FILES, ALL, "database_failure", "grades", ("grades.log", "Connection is not available|request timed out"), also=("error_burst",), why_also="the database is well; the application used up its own connections",
      effects=("external_api_down",), **CPU)
def g_grades_pool_used_up(w: World) -> None:
    """A release of the grades does not give back a third of its connections: HikariCP has none left."""
    up = calm(w)
    s.anew(w, up, "grades", GRADES_RELEASE="report")
    w.sleep(64)


@case(HOST, FILES, ALL, "service_crash", "portal", ("portal.log", "TypeError"), effects=("error_burst", "external_api_down", "network_failure"), **CPU)
def g_portal_crashes(w: World) -> None:
    """A release of the portal reads an avatar that nobody has, outside of any try: the process ends with each page that it shows."""
    up = calm(w)
    s.anew(w, up, "portal", PORTAL_RELEASE="avatars")
    w.sleep(60)


@case(HOST, FILES, ALL, "service_crash", "nginx", ("nginx-error.log", "emerg"), also=("error_burst",), why_also="nginx goes on by its old settings and cannot take the new ones", **CPU)
def g_nginx_reload_refused(w: World) -> None:
    """A semicolon is missing in a new version of nginx' settings; the deploy tries the reload again and again, and nginx refuses it."""
    calm(w)
    s.config(s.CONFIG.replace("proxy_read_timeout 10s;", "proxy_read_timeout 10s"))
    w.every(6, lambda n: s.reload())
    w.sleep(60)


@case(HOST, FILES, ALL, "service_crash", "nginx", ("nginx-error.log", "Address already in use"), also=("network_failure",), why_also="what it cannot have is an address", effects=("external_api_down",), **CPU)
def g_nginx_port_taken(w: World) -> None:
    """nginx is restarted for an upgrade; a test server that somebody left behind takes its port before it."""
    up = calm(w)
    end(up["nginx"])
    w.spawn(["/usr/bin/python3", "-m", "http.server", "--bind", s.WWW, "80", "--directory", "/mnt"])
    w.sleep(2)
    w.every(8, lambda n: s.nginx(w))
    w.sleep(60)


@case(HOST, FILES, ALL, "error_burst", "nginx", ("nginx-error.log", "Permission denied"), also=("auth_failures",), why_also="files that it may not read", **CPU)
def g_nginx_files_unreadable(w: World) -> None:
    """A deploy copied the site's files with the modes of a private folder: nginx may read none, and answers 403."""
    calm(w)
    s.strew(w, 0.9, f"{s.WWW}/ping")
    (HOME / "www").chmod(0o700)
    w.sleep(60)


@case(HOST, FILES, ALL, "error_burst", "nginx", ("nginx-error.log", "worker_connections are not enough|Too many open files"), also=("network_failure", "service_crash"),
      why_also="no class is for descriptors and connections used up", effects=("external_api_down",), **CPU)
def g_nginx_connections_used_up(w: World) -> None:
    """Somebody set the connections of nginx to sixteen; slow visitors hold them all."""
    calm(w)
    s.config(s.CONFIG.replace("worker_connections 256", "worker_connections 16"))
    s.reload()
    lines = []

    def hold(_: int) -> None:
        line = socket.create_connection((s.WWW, 80), 3)
        line.sendall(b"GET /ping HTTP/1.1\r\n")
        lines.append(line)

    w.every(0.4, hold)
    w.sleep(60)
