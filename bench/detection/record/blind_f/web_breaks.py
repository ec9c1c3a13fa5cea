"""What breaks at the clinic's web site, and times in which nothing does."""

from __future__ import annotations

import os
import signal
import socket
from typing import Any

import web_stack as s
from cases import case, normal
from common import HOME, LOG, PG, Days, World, ask, end, postgres, shell, sql, strew

HOST, FILES = "praxis-1", s.FILES
ALL = " ".join(FILES)
NORMAL = float(os.environ.get("CORPUS_SECONDS", "780"))
ERR, HANGS = "apache-error.log", "a process that hangs: who waits for it sees only that it does not answer"


def hang_up(_: int) -> None:
    with socket.create_connection((s.WWW, 80), 3) as line:
        line.sendall(b"GET /rota/12 HTTP/1.1\r\nHost: www.clinic.internal\r\n\r\n")


def rotate() -> None:
    for name in ("apache-access.log", "apache-error.log"):
        (LOG / name).rename(LOG / f"{name}.1")
    s.control("graceful")


def anew(w: World, up: dict[str, Any], name: str, **env: str) -> None:
    """Deploy a service: it ends, and its release begins."""
    end(up[name])
    up[name] = getattr(s, name)(w, **env)


def backup() -> None:
    shell(f"{PG}/pg_dump -h /run/postgresql -U postgres -f /tmp/dump.sql clinic; gzip -f /tmp/dump.sql")


@normal(HOST, FILES)
def normal_f_web(w: World) -> None:
    """The clinic's web site: deploys of each service with short gaps, graceful restarts, a rotation, a scanner, a backup, a bulk import, slow and mistyped
    SQL, broken-off requests, a planned restart of PostgreSQL under load."""
    up = s.start(w)
    w.every(29, hang_up, first=20)
    w.every(140, lambda n: sql("select pg_sleep(0.8)"), first=50)
    w.every(210, lambda n: sql("select patients from visits"), first=80)
    paths = ("wp-login.php", ".env", "administrator/", "cgi-bin/test.cgi", ".git/HEAD", "phpinfo.php", "solr/", "records/../../etc/passwd")
    Days(NORMAL, (
        (50, lambda: s.release("visits", "")), (100, lambda: [ask(f"{s.WWW}/{each}", agent="masscan/1.3") for each in paths]), (150, lambda: anew(w, up, "rota")),
        (210, backup), (260, lambda: anew(w, up, "lab")), (330, lambda: s.control("graceful")), (380, lambda: sql(
            "insert into result (patient, value, unit) select n % 700, n % 190, 'mmol' from generate_series(1, 90000) n", "analyze result")),
        (430, lambda: anew(w, up, "stock")), (490, rotate), (550, lambda: (end(up["postgres"], signal.SIGINT), up.update(postgres=postgres(w, fresh=False)))),
        (620, lambda: (end(up["apache"]), up.update(apache=s.apache(w)))), (690, lambda: s.release("visits", "")), (740, lambda: anew(w, up, "rota")))).pass_by()


def calm(w: World, seconds: float = 32) -> dict[str, Any]:
    up = s.start(w)
    w.sleep(seconds)
    w.breaks()
    return up


@case(HOST, FILES, ALL, "service_crash", "apache2", ("points", "probe.up", "apache2", lambda p: p["v"] == 0), effects=("network_failure", "external_api_down"), silent=True)
def f_apache_killed(w: World) -> None:
    """Apache is killed with all its children; nobody says anything any more but the probe."""
    up = calm(w)
    os.killpg(up["apache"].pid, 9)
    w.sleep(75)


@case(HOST, FILES, ALL, "service_crash", "apache2", (ERR, "Invalid command|Syntax error"), effects=("network_failure", "external_api_down"))
def f_apache_directive_unknown(w: World) -> None:
    """A deploy wrote a directive whose module is not loaded into Apache's settings; after the restart it does not come up, though it is tried again and again."""
    up = calm(w)
    s.config("RewriteEngine On\n")
    end(up["apache"])
    w.every(8, lambda n: s.apache(w))
    w.sleep(75)


@case(HOST, FILES, ALL, "service_crash", "apache2", (ERR, "AH00072|Address already in use"), also=("network_failure",), why_also="what it cannot have is an address",
      effects=("external_api_down",))
def f_apache_port_taken(w: World) -> None:
    """Apache is upgraded; while it is down a forgotten test server takes its port, and Apache cannot start."""
    up = calm(w)
    end(up["apache"])
    w.spawn(["/usr/bin/python3", "-m", "http.server", "--bind", s.WWW, "80", "--directory", str(HOME / "static")])
    w.sleep(2)
    w.every(8, lambda n: s.apache(w))
    w.sleep(75)


@case(HOST, FILES, ALL, "error_burst", "apache2", (ERR, "AH01630|client denied"), also=("auth_failures",), why_also="everybody is refused, by a rule and not by a fault of who asks")
def f_apache_denies_all(w: World) -> None:
    """A hardening of the settings denies everything under the site's folder: all its pages answer 403."""
    calm(w)
    s.config(f"<Directory {HOME}>\n  Require all denied\n</Directory>\n")
    s.control("graceful")
    w.sleep(75)


@case(HOST, FILES, ALL, "error_burst", "apache2", (ERR, "Permission denied"), also=("auth_failures",), why_also="files that it may not read")
def f_apache_files_unreadable(w: World) -> None:
    """A restore set the modes of the site's folder: Apache may read neither its pages nor its scripts."""
    calm(w)
    for name in ("app/records", "static"):
        (HOME / name).chmod(0o700)
    w.sleep(75)


@case(HOST, FILES, ALL, "error_burst", "apache2", (ERR, "AH00161|MaxRequestWorkers"), also=("external_api_down", "service_crash", "deadlock"),
      why_also="all its processes wait for one service behind it that hangs", effects=("network_failure",))
def f_apache_workers_used_up(w: World) -> None:
    """The rota's process is stopped by a debugger under a crowd: each of Apache's processes waits for it until there are none left."""
    up = calm(w)
    s.crowd(w, "rota/#", 24, 2.0)
    os.killpg(up["rota"].pid, signal.SIGSTOP)
    w.sleep(85)


@case(HOST, FILES, ALL, "error_burst", "visits apache2", (ERR, "ModuleNotFoundError|cannot be loaded"), also=("service_crash",), why_also="the application does not start")
def f_wsgi_module_missing(w: World) -> None:
    """A release of the visits imports a package that is not installed; mod_wsgi cannot load it, and each request fails."""
    calm(w)
    s.release("visits", "fhir")
    w.sleep(75)


@case(HOST, FILES, ALL, "service_crash", "visits apache2", (ERR, "Segmentation fault|Truncated or oversized|exit signal"), effects=("error_burst",))
def f_wsgi_segfault(w: World) -> None:
    """A release of the visits uses a broken native library: its process ends with a segmentation fault at every third visit."""
    calm(w)
    s.release("visits", "fast")
    w.sleep(75)


@case(HOST, FILES, ALL, "error_burst", "visits apache2", (ERR, "KeyError"))
def f_wsgi_prices_missing(w: World) -> None:
    """A release of the visits has lost the price of one ward: a quarter of the visits fails with a KeyError."""
    calm(w)
    s.release("visits", "prices")
    w.sleep(75)


@case(HOST, FILES, ALL, "deadlock", "visits apache2", (ERR, "[Tt]imeout|timed out"), also=("service_crash", "error_burst", "external_api_down"), why_also=HANGS,
      effects=("network_failure",))
def f_wsgi_locks_crossed(w: World) -> None:
    """A release of the visits takes two locks in either order: its threads wait for each other, and mod_wsgi says that it does not answer."""
    calm(w)
    s.release("visits", "locks")
    s.crowd(w, "visits/visit/#", 3)
    w.sleep(95)


@case(HOST, FILES, ALL, "error_burst", "apache2 php records", (ERR, "undefined function"))
def f_modphp_extension_missing(w: World) -> None:
    """A release of the patients' pages calls a function of an extension that is not installed: each page fails."""
    calm(w)
    (HOME / "app/records/settings.php").write_text("<?php\nconst RELEASE = 'labels';\n")
    w.sleep(70)


@case(HOST, FILES, ALL, "error_burst", "apache2 php records", (ERR, "Failed to open stream|Failed opening required"))
def f_modphp_settings_missing(w: World) -> None:
    """A deploy left out the settings of the patients' pages: each page ends with a fatal error."""
    calm(w)
    (HOME / "app/records/settings.php").unlink()
    w.sleep(70)


@case(HOST, FILES, ALL, "memory_exhaustion", "apache2 php records", (ERR, "Allowed memory size"), also=("error_burst",), why_also="each page fails, for its limit of memory")
def f_modphp_memory(w: World) -> None:
    """A release of the patients' pages gathers a history without end: each page reaches PHP's limit of memory."""
    calm(w)
    (HOME / "app/records/settings.php").write_text("<?php\nconst RELEASE = 'history';\n")
    w.sleep(70)


@case(HOST, FILES, ALL, "service_crash", "lab", (ERR, "AH01114|AH00957|Connection refused"), effects=("external_api_down", "network_failure", "error_burst"))
def f_jetty_killed(w: World) -> None:
    """The laboratory's JVM is killed and its supervisor with it; Apache finds nobody."""
    up = calm(w)
    os.killpg(up["lab"].pid, 9)
    w.sleep(75)


@case(HOST, FILES, ALL, "service_crash", "lab", (ERR, "AH01102|AH00898|timeout|Timeout"), also=("external_api_down", "deadlock", "error_burst"), why_also=HANGS,
      effects=("network_failure",), silent=True)
def f_jetty_frozen(w: World) -> None:
    """The laboratory's JVM is stopped by a signal; who asks it waits until Apache gives up."""
    up = calm(w)
    os.killpg(up["lab"].pid, signal.SIGSTOP)
    w.sleep(85)


@case(HOST, FILES, ALL, "memory_exhaustion", "lab", ("lab.log", "OutOfMemoryError"), effects=("error_burst", "external_api_down"))
def f_jetty_heap(w: World) -> None:
    """A release of the laboratory keeps what it has shown until the heap is full."""
    up = calm(w)
    anew(w, up, "lab", LAB_RELEASE="trend")
    w.sleep(10)
    strew(w, 0.5, f"{s.WWW}/lab/#")
    w.sleep(105)


@case(HOST, FILES, ALL, "error_burst", "lab", ("lab.log", "ConcurrentModificationException"), effects=("external_api_down",))
def f_jetty_list_changed(w: World) -> None:
    """A release of the laboratory changes a list while it goes through it: most requests fail."""
    up = calm(w)
    anew(w, up, "lab", LAB_RELEASE="recent")
    w.sleep(85)


@case(HOST, FILES, ALL, "error_burst", "lab", ("lab.log", "AccessDeniedException"), also=("auth_failures",), why_also="a folder that it may not write to",
      effects=("external_api_down",))
def f_jetty_exports_owner(w: World) -> None:
    """A release of the laboratory writes exports into a folder that belongs to root: each request fails."""
    up = calm(w)
    (HOME / "exports").chmod(0o755)
    anew(w, up, "lab", LAB_RELEASE="export")
    w.sleep(85)


@case(HOST, FILES, ALL, "service_crash", "rota", ("rota.log", "timeout \\(|killing"), also=("deadlock", "error_burst", "external_api_down"), why_also=HANGS,
      effects=("network_failure",))
def f_unicorn_timeouts(w: World) -> None:
    """A release of the rota hangs at each third request; Unicorn kills the worker after seven seconds, again and again."""
    up = calm(w)
    anew(w, up, "rota", ROTA_RELEASE="swap")
    w.sleep(85)


@case(HOST, FILES, ALL, "service_crash", "rota", ("rota.log", "LoadError|cannot load such file"), effects=("external_api_down", "error_burst", "network_failure"))
def f_unicorn_gem_missing(w: World) -> None:
    """A release of the rota requires a gem that is not installed: Unicorn ends at each start."""
    up = calm(w)
    anew(w, up, "rota", ROTA_RELEASE="calendar")
    w.sleep(75)


@case(HOST, FILES, ALL, "error_burst", "rota", ("rota.log", "KeyError|key not found"), effects=("external_api_down",))
def f_unicorn_shift_missing(w: World) -> None:
    """A release of the rota has lost the night shift: a third of the requests fails."""
    up = calm(w)
    anew(w, up, "rota", ROTA_RELEASE="night")
    w.sleep(75)


@case(HOST, FILES, ALL, "disk_full", "rota praxis-1", ("rota.log", "ENOSPC|No space left"), effects=("error_burst", "external_api_down"))
def f_unicorn_notes_full(w: World) -> None:
    """The disk of the rota's notes fills up with a forgotten archive: no note can be written."""
    up = s.start(w)
    anew(w, up, "rota", ROTA_RELEASE="notes")
    w.sleep(30)
    w.breaks()
    shell(f"dd if=/dev/zero of={HOME}/notes/archive.tar bs=64k")
    w.sleep(75)


@case(HOST, FILES, ALL, "service_crash", "stock", ("stock.log", "ModuleNotFoundError|no app loaded|no python application"), also=("error_burst",),
      why_also="uWSGI goes on without the application and answers 500", effects=("external_api_down",))
def f_uwsgi_no_application(w: World) -> None:
    """A release of the stock imports a module that was not packed; uWSGI starts without an application and answers everything with an error."""
    up = calm(w)
    anew(w, up, "stock", STOCK_RELEASE="barcode")
    w.sleep(75)


@case(HOST, FILES, ALL, "service_crash", "stock", ("stock.log", "HARAKIRI|listen queue"), also=("deadlock", "error_burst", "external_api_down"), why_also=HANGS,
      effects=("network_failure",))
def f_uwsgi_harakiri(w: World) -> None:
    """A release of the stock counts all articles anew at each request; uWSGI kills its workers after six seconds, and its queue fills."""
    up = calm(w)
    end(up["stock"])
    up["stock"] = s.stock(w, "--harakiri", "6", "--harakiri-verbose", STOCK_RELEASE="recount")
    s.crowd(w, "stock/#", 8)
    w.sleep(85)


@case(HOST, FILES, ALL, "memory_exhaustion", "stock", ("stock.log", "MemoryError"), effects=("error_burst", "external_api_down"))
def f_uwsgi_memory(w: World) -> None:
    """A release of the stock keeps what it read; its address space is limited, and Python runs out of it."""
    up = calm(w)
    end(up["stock"])
    up["stock"] = s.stock(w, "--limit-as", "260", STOCK_RELEASE="cache")
    s.crowd(w, "stock/#", 2)
    w.sleep(85)


@case(HOST, FILES, ALL, "database_failure", "postgresql", ("postgresql.log", "does not exist"), effects=("error_burst", "external_api_down"))
def f_pg_base_renamed(w: World) -> None:
    """Somebody renames the database of the clinic, for a restore beside it: each connection is refused."""
    calm(w)
    sql("select pg_terminate_backend(pid) from pg_stat_activity where datname = 'clinic'", "alter database clinic rename to clinic_old", base="postgres")
    w.sleep(75)


@case(HOST, FILES, ALL, "database_failure", "postgresql", ("postgresql.log", "statement timeout"), also=("error_burst",), why_also="the database answers, and breaks off each statement",
      effects=("external_api_down",))
def f_pg_statement_timeout(w: World) -> None:
    """A tuning of the night sets a statement timeout of a millisecond for the clinic's role, and tables have grown: statements are broken off."""
    up = s.start(w)
    sql("insert into visit (ward, patient, note) select 'A1', n % 700, repeat('x', 200) from generate_series(1, 400000) n", "alter table visit drop constraint visit_pkey",
        "insert into result (patient, value, unit) select n % 700, 3, 'mmol' from generate_series(1, 300000) n", "analyze")
    del up
    w.sleep(32)
    w.breaks()
    sql("alter role clinic set statement_timeout = '1ms'", base="postgres")
    w.sleep(75)
