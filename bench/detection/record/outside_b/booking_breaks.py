"""What breaks at the bookings, and a time in which nothing does."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import booking_stack as s
from cases import case, normal
from common import HOME, LOG, World, end, get, postgres, quiet, run, sql

HOST, FILES = "rooms-1", s.FILES
WEB = "nginx-access.log nginx-error.log booking.log"
NORMAL = float(os.environ.get("CORPUS_SECONDS", "1300"))


@normal(HOST, FILES)
def b_normal_booking(w: World) -> None:
    """The bookings: deploys, planned restarts, a reload, rotation, a backup, a bulk import, scanners, slow statements, mistyped SQL."""
    up = s.start(w)
    w.every(200, lambda n: [get(f"127.0.0.20/{p}") for p in ("manager/html", "struts/login.action", "jmx-console/", "rooms/9999999", "axis2/")], first=60)
    w.every(170, lambda n: sql("select pg_sleep(0.8)"), first=40)
    w.every(260, lambda n: sql("selct 1"), first=90)
    w.every(150, lambda n: get("127.0.0.20/rooms/9", timeout=0.001), first=75)

    def again(name: str, anew) -> None:
        end(up[name], signal.SIGINT if name == "postgresql" else 15)
        up[name] = anew(w)

    def rotate() -> None:
        for name in ("nginx-access.log", "nginx-error.log"):
            os.rename(LOG / name, LOG / f"{name}.1")
        quiet("nginx", "-c", str(HOME / "nginx/nginx.conf"), "-s", "reopen")

    def load() -> None:
        for n in range(250):
            get(f"127.0.0.20/rooms/{n % 120 + 1}")

    plan = ((150, lambda: again("booking", s.booking)), (300, rotate), (400, load), (500, lambda: sql("vacuum analyze bookings")),
            (620, lambda: quiet("pg_dump", "-h", "/run/postgresql", "-U", "postgres", "-f", str(HOME / "backup.sql"), "office")),
            (720, lambda: again("booking", s.booking)), (850, lambda: again("postgresql", lambda w: postgres(w, fresh=False))),
            (1000, lambda: quiet("nginx", "-c", str(HOME / "nginx/nginx.conf"), "-s", "reload")), (1150, lambda: again("booking", s.booking)))
    began = time.monotonic()
    for moment, act in plan:
        time.sleep(max(0.0, began + moment * NORMAL / 1300 - time.monotonic()))
        act()
    time.sleep(max(0.0, began + NORMAL - time.monotonic()))


def deploy(w: World, *options: str, seconds: float = 80, again: bool = True) -> None:
    up = s.start(w)
    w.sleep(45)
    w.breaks()
    end(up["booking"])
    s.booking(w, *options, again=again)
    w.sleep(seconds)


@case(HOST, FILES, WEB, "memory_exhaustion", "booking", ("booking.log", "Java heap space"), effects=("error_burst", "external_api_down", "service_crash"))
def b_tomcat_heap(w: World) -> None:
    """A release keeps a megabyte for each booking; the heap is used up and Tomcat answers no more as it should."""
    deploy(w, "-Drelease=heap", seconds=100)


@case(HOST, FILES, WEB, "memory_exhaustion", "booking", ("booking.log", "java.lang.OutOfMemoryError"), effects=("error_burst", "external_api_down", "service_crash"))
def b_tomcat_oom_exit(w: World) -> None:
    """The same with -XX:+ExitOnOutOfMemoryError: the JVM ends and is started again, again and again."""
    deploy(w, "-Drelease=heap", "-Xmx40m", "-XX:+ExitOnOutOfMemoryError", seconds=110)


@case(HOST, FILES, WEB, "memory_exhaustion", "booking", ("booking.log", "OutOfMemoryError: Metaspace"), effects=("error_burst", "external_api_down", "service_crash"))
def b_tomcat_metaspace(w: World) -> None:
    """A release loads its template's class anew for each booking; the metaspace is used up."""
    deploy(w, "-Drelease=metaspace", "-XX:MaxMetaspaceSize=22m", seconds=110)


@case(HOST, FILES, WEB, "memory_exhaustion", "booking", ("booking.log", "direct buffer memory|Direct buffer memory"), effects=("error_burst", "external_api_down"))
def b_tomcat_direct_memory(w: World) -> None:
    """A release keeps its direct buffers; their memory is used up."""
    deploy(w, "-Drelease=direct", "-XX:MaxDirectMemorySize=20m", seconds=90)


@case(HOST, FILES, WEB, "memory_exhaustion", "booking", ("booking.log", "unable to create native thread"), also=("error_burst", "service_crash"),
      why_also="Java calls it memory, what is used up is the number of threads", effects=("external_api_down",))
def b_tomcat_threads(w: World) -> None:
    """A release starts threads that never end; the container's limit of processes is reached."""
    up = s.start(w)
    w.sleep(45)
    w.breaks()
    end(up["booking"])
    group = Path("/sys/fs/cgroup/pids/corpus-b-threads")
    group.mkdir(exist_ok=True)
    (group / "pids.max").write_text("90")
    process = s.booking(w, "-Drelease=threads", again=False)
    (group / "cgroup.procs").write_text(str(process.pid))
    w.sleep(90)


@case(HOST, FILES, WEB, "error_burst", "booking", ("booking.log", "StackOverflowError"), effects=("external_api_down",))
def b_tomcat_stack_overflow(w: World) -> None:
    """A release calls itself without end for each second room."""
    deploy(w, "-Drelease=stack", "-Xss256k")


@case(HOST, FILES, WEB, "error_burst", "booking", ("booking.log", "NullPointerException"), effects=("external_api_down",))
def b_tomcat_null_pointer(w: World) -> None:
    """A release follows null for each third room."""
    deploy(w, "-Drelease=null")


@case(HOST, FILES, WEB, "deadlock", "booking", ("nginx-error.log", "upstream timed out"), also=("service_crash", "external_api_down"), silent=True,
      why_also="two threads wait for each other, but nobody says so: seen from outside it does not answer", effects=("error_burst", "network_failure", "cpu_overload"))
def b_tomcat_deadlock(w: World) -> None:
    """A release takes two locks in different order; soon all threads of Tomcat hang, its health check too."""
    deploy(w, "-Drelease=deadlock", seconds=100)


@case(HOST, FILES, WEB, "service_crash", "booking", ("booking.log", "SIGSEGV"), effects=("error_burst", "external_api_down"))
def b_jvm_sigsegv(w: World) -> None:
    """Native code of a release writes to address 0 for each tenth room; the JVM crashes each time."""
    deploy(w, "-Drelease=crash")


@case(HOST, FILES, WEB + " postgresql.log", "database_failure", "booking", ("booking.log", "Connection is not available, request timed out"), also=("error_burst",),
      why_also="the pool belongs to the application, which leaks its connections; the database is well", effects=("external_api_down",))
def b_hikari_leak_tomcat(w: World) -> None:
    """A release does not give back the connections of each second room; Hikari's pool is empty."""
    deploy(w, "-Drelease=leak")


@case(HOST, FILES, WEB, "service_crash", "booking", ("booking.log", "Address already in use|BindException"), effects=("error_burst", "external_api_down"))
def b_tomcat_port_in_use(w: World) -> None:
    """Another process holds the port of the bookings; Tomcat cannot start."""
    up = s.start(w)
    w.sleep(45)
    w.breaks()
    end(up["booking"])
    run(w, "old.out", "/usr/bin/python3", "-c",
        "import socket,time\ns=socket.socket()\ns.setsockopt(1,2,1)\nwhile True:\n    try:\n        s.bind(('127.0.0.34',8080))\n        break\n"
        "    except OSError:\n        time.sleep(0.1)\ns.listen(1)\ntime.sleep(999)")
    w.sleep(4)
    s.booking(w)
    w.sleep(80)


@case(HOST, FILES, WEB + " postgresql.log", "auth_failures", "booking postgresql", ("postgresql.log", "password authentication failed"), also=("database_failure", "service_crash"),
      why_also="the database cannot be used because it refuses the password, and the service does not start without it",
      effects=("error_burst", "external_api_down"))
def b_tomcat_db_password(w: World) -> None:
    """A release has an old password of the database; HikariCP cannot fill its pool and the service ends, again and again."""
    deploy(w, "-Dpassword=of-last-year")


@case(HOST, FILES, WEB + " postgresql.log", "database_failure", "postgresql", ("booking.log", "PSQLException|SQLTransientConnection|57P01|terminating connection"),
      also=("service_crash",), why_also="the database's service is down", effects=("error_burst", "external_api_down", "network_failure"))
def b_postgres_killed_tomcat(w: World) -> None:
    """PostgreSQL is killed with SIGKILL and stays away."""
    up = s.start(w)
    w.sleep(45)
    w.breaks()
    end(up["postgresql"], signal.SIGKILL)
    w.sleep(80)


@case(HOST, FILES, WEB, "cpu_overload", "rooms-1 booking", ("points", "system.cpu_percent", "", lambda each: each["v"] > 95), kind="metrics", cpu=0.25,
      effects=("error_burst", "external_api_down"))
def b_cpu_runaway_job(w: World) -> None:
    """A job on the host counts for ever and takes all of the CPU."""
    s.start(w)
    w.sleep(60)
    w.breaks()
    for _ in range(3):
        run(w, "job.out", "/bin/sh", "-c", "while :; do :; done")
    w.sleep(150)


@case(HOST, FILES, WEB, "memory_exhaustion", "rooms-1 booking", ("points", "system.memory_percent", "", lambda each: each["v"] > 90), kind="metrics", memory_mb=700,
      effects=("error_burst", "external_api_down", "service_crash"))
def b_memory_leak_job(w: World) -> None:
    """A job on the host leaks memory until nearly none is left."""
    s.start(w)
    w.sleep(60)
    w.breaks()
    run(w, "job.out", "/usr/bin/python3", "-c",
        "import time\nkept=[]\nwhile len(kept) < 560 * 2:\n    at=dict(l.split() for l in open('/sys/fs/cgroup/memory/corpus-b_memory_leak_job/memory.stat'))['total_rss']\n"
        "    if int(at) < 665 << 20: kept.append(bytearray(b'x' * (1 << 20)))\n    time.sleep(0.1)")
    w.sleep(170)
