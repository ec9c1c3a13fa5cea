"""What breaks with the older services, and times in which nothing does."""

from __future__ import annotations

import os
import signal
import socket
import time

import yard_stack as s
from cases import case, normal
from common import HOME, LOG, World, ask, carrier, certificate, end, redis, run, say, strew

HOST, FILES = "yard-3", s.FILES
FRONT = "lighttpd-access.log lighttpd-error.log"
ALL = FRONT + " rating.log claims.log labels.log php-fpm.log scan.log redis.log"
NORMAL = float(os.environ.get("CORPUS_SECONDS", "900"))


def hang_up(_: int) -> None:
    with socket.create_connection((s.GATE, 80), 3) as line:
        line.sendall(b"GET /surcharge/12 HTTP/1.1\r\nHost: gate.freight.internal\r\n\r\n")


def rotate() -> None:
    import subprocess

    for name in ("lighttpd-access.log", "lighttpd-error.log"):
        (LOG / name).rename(LOG / f"{name}.1")
        (LOG / name).touch()
        (LOG / name).chmod(0o666)
    subprocess.run(["pkill", "-HUP", "-F", "/run/lighttpd.pid"], check=False)


def anew(w: World, up: dict, name: str) -> None:
    end(up[name])
    up[name] = redis(w) if name == "redis" else getattr(s, name)(w)


def days(w: World, plan: tuple) -> None:
    began = time.monotonic()
    for moment, act in plan:
        time.sleep(max(0.0, began + moment * NORMAL / 900 - time.monotonic()))
        act()
    time.sleep(max(0.0, began + NORMAL - time.monotonic()))


@normal(HOST, FILES)
def normal_d_yard(w: World) -> None:
    """The older services: planned restarts and deploys of each, a rotation, scanners, broken-off requests, a slow carrier for some seconds."""
    up = s.start(w)
    w.every(37, hang_up, first=20)
    paths = ("wp-login.php", ".env", "admin/", "cgi-bin/test.cgi", ".git/HEAD", "xmlrpc.php", "phpmyadmin/", "manager/html", "intranet/index.php?page=-1")

    def busy() -> None:
        say("maintenance")
        time.sleep(3)
        say("ok")

    plan = ((60, lambda: anew(w, up, "rating")), (120, lambda: [ask(f"{s.GATE}/{each}", agent="Mozilla/5.0 zgrab/0.x") for each in paths]),
            (180, lambda: anew(w, up, "claims")), (240, lambda: anew(w, up, "labels")), (300, lambda: anew(w, up, "php")), (360, rotate),
            (420, lambda: anew(w, up, "scan")), (480, lambda: anew(w, up, "redis")), (560, lambda: anew(w, up, "rating")), (620, busy),
            (690, lambda: anew(w, up, "lighttpd")), (760, lambda: anew(w, up, "claims")), (830, lambda: anew(w, up, "scan")))
    days(w, plan)


@normal(HOST, FILES)
def normal_d_yard_2(w: World) -> None:
    """The older services, other days: imports of many scans, deploys, scanners, rotations, restarts in another order."""
    up = s.start(w)
    w.every(53, hang_up, first=10)

    def many() -> None:
        for n in range(120):
            ask(f"{s.GATE}/scan/{n + 20000}")
            time.sleep(0.1)

    plan = ((70, many), (140, lambda: anew(w, up, "labels")), (210, lambda: anew(w, up, "redis")), (280, lambda: anew(w, up, "php")),
            (350, lambda: [ask(f"{s.GATE}/backup/{n}.zip", agent="curl/7.88") for n in range(30)]), (420, lambda: anew(w, up, "scan")), (500, rotate),
            (570, lambda: anew(w, up, "rating")), (640, many), (710, lambda: anew(w, up, "claims")), (780, lambda: anew(w, up, "lighttpd")),
            (840, lambda: anew(w, up, "labels")))
    days(w, plan)


def calm(w: World, seconds: float = 45) -> dict:
    up = s.start(w)
    w.sleep(seconds)
    w.breaks()
    return up


HANGS = "a process that hangs: who waits for it sees only that it does not answer"


@case(HOST, FILES, ALL, "error_burst", "rating", ("rating.log", "ArrayIndexOutOfBounds"), effects=("external_api_down",))
def d_java_third_fails(w: World) -> None:
    """A release of the rating does not know the new zones: each third request fails."""
    up = calm(w)
    end(up["rating"])
    s.rating(w, "-Drelease=zones")
    w.sleep(75)


@case(HOST, FILES, ALL, "error_burst", "rating", ("rating.log", "NoClassDefFoundError"), effects=("external_api_down",))
def d_java_class_missing(w: World) -> None:
    """A deploy of the rating has left out a class: each price fails with NoClassDefFoundError."""
    up = calm(w)
    end(up["rating"])
    (HOME / "app/rating/Tariffs.class").unlink()
    s.rating(w)
    w.sleep(75)


@case(HOST, FILES, ALL, "service_crash", "rating", ("rating.log", "ExceptionInInitializerError|settings cannot be read"), effects=("error_burst", "external_api_down"))
def d_java_settings_missing(w: World) -> None:
    """A clean-up removed the settings of the rating; after its restart it ends at each start."""
    up = calm(w)
    end(up["rating"])
    (HOME / "rating.properties").unlink()
    s.rating(w)
    w.sleep(80)


@case(HOST, FILES, ALL, "service_crash", "rating", ("rating.log", "UnsupportedClassVersion|LinkageError|could not|Error"), effects=("error_burst", "external_api_down"))
def d_java_class_version(w: World) -> None:
    """The rating is deployed as it was compiled for a later Java; the JVM refuses it at each start."""
    up = calm(w)
    end(up["rating"])
    for path in (HOME / "app/rating").glob("*.class"):
        text = bytearray(path.read_bytes())
        text[7] = 65
        path.write_bytes(bytes(text))
    s.rating(w)
    w.sleep(75)


@case(HOST, FILES, ALL, "external_api_down", "rating carrier api.carrier.example", ("rating.log", "RejectedExecution"), also=("error_burst", "cpu_overload"),
      why_also="the carrier is slow; what the log tells is that the pool of threads is used up", effects=("service_crash", "network_failure"))
def d_java_pool_rejects(w: World) -> None:
    """The carrier answers after 25 seconds and the rating waits without a limit: its four threads and their queue are used up, and all prices are refused."""
    s.start(w)
    for part in range(6):
        strew(w, 5, f"{s.GATE}/surcharge/#", first=part * 0.7)
    w.sleep(45)
    w.breaks()
    say("slow")
    w.sleep(90)


@case(HOST, FILES, ALL, "memory_exhaustion", "rating", ("rating.log", "OutOfMemoryError"), effects=("error_burst", "external_api_down", "service_crash"))
def d_java_gc_overhead(w: World) -> None:
    """A release of the rating keeps the history of each price until the heap is used up."""
    up = calm(w)
    end(up["rating"])
    s.rating(w, "-Drelease=history", "-Xmx36m", "-XX:-UseSerialGC", "-XX:+UseParallelGC")
    w.sleep(100)


@case(HOST, FILES, ALL, "certificate_expired", "carrier rating scan api.carrier.example", ("rating.log", "CertificateExpired|validity check failed|PKIX"),
      effects=("error_burst", "external_api_down"))
def d_carrier_certificate_expired(w: World) -> None:
    """The carrier's certificate expires; the JVM and the Go service refuse it."""
    up = calm(w)
    end(up["carrier"])
    certificate("carrier_old", "api.carrier.example", days=(-90, -0.01))
    carrier(w, of="carrier_old")
    w.sleep(80)


@case(HOST, FILES, ALL, "certificate_expired", "carrier rating scan api.carrier.example", ("rating.log", "No subject alternative|No name matching|SSLHandshake"), also=("network_failure", "external_api_down"),
      why_also="the certificate is valid, and of another host: no class but this is about certificates", effects=("error_burst", "external_api_down"))
def d_carrier_certificate_wrong_name(w: World) -> None:
    """The carrier has put a certificate of another host of his before his API."""
    up = calm(w)
    end(up["carrier"])
    certificate("carrier_other", "shop.carrier.example")
    carrier(w, of="carrier_other")
    w.sleep(80)


@case(HOST, FILES, ALL, "external_api_down", "carrier rating scan api.carrier.example", ("rating.log", "carrier answered 503"), effects=("error_burst",))
def d_carrier_maintenance(w: World) -> None:
    """The carrier's API answers 503 for good."""
    calm(w)
    say("maintenance")
    w.sleep(80)


@case(HOST, FILES, ALL, "network_failure", "rating scan api.carrier.example yard-3", ("scan.log", "network is unreachable|no route"), also=("external_api_down",),
      why_also="the carrier cannot be reached, and the way there is at fault", effects=("error_burst",))
def d_route_lost(w: World) -> None:
    """A change of the network takes away the route to the carrier: nobody there can be reached."""
    calm(w)
    from common import quiet

    quiet("ip", "route", "add", "unreachable", "127.0.0.70/32", "table", "local")
    quiet("ip", "rule", "add", "prio", "0", "to", "127.0.0.70/32", "unreachable")
    quiet("ip", "rule", "del", "prio", "0", "lookup", "local")
    quiet("ip", "rule", "add", "prio", "1", "lookup", "local")
    w.sleep(80)


@case(HOST, FILES, ALL, "error_burst", "scan", ("scan.log", "too many open files"), also=("service_crash", "disk_full"),
      why_also="no class is for file descriptors: the service cannot work, for want of a resource", effects=("external_api_down", "network_failure", "database_failure"))
def d_go_too_many_files(w: World) -> None:
    """A release of the scans opens an image with each request and closes none; at its limit nothing works."""
    up = calm(w)
    end(up["scan"])
    s.scan(w, "prlimit", "--nofile=48", RELEASE="images")
    w.sleep(110)


@case(HOST, FILES, ALL, "service_crash", "scan", ("scan.log", "permission denied"), effects=("error_burst", "external_api_down"))
def d_go_port_forbidden(w: World) -> None:
    """A release of the scans listens on port 443, which its user may not; it ends at each start."""
    up = calm(w)
    end(up["scan"])
    s.scan(w, RELEASE="wellknown")
    w.sleep(75)


@case(HOST, FILES, ALL, "service_crash", "scan", ("scan.log", "unknown time zone|settings are not valid"), effects=("error_burst", "external_api_down"))
def d_go_time_zone(w: World) -> None:
    """The settings of the scans name a time zone that does not exist; it ends at each start."""
    up = calm(w)
    end(up["scan"])
    s.scan(w, RELEASE="zone", SCAN_ZONE="Europe/Bremen")
    w.sleep(75)


@case(HOST, FILES, ALL, "database_failure", "redis", ("scan.log", "i/o timeout|deadline exceeded"), also=("service_crash",), silent=True,
      why_also="Redis hangs: who waits for it sees only that it does not answer", effects=("error_burst", "external_api_down", "network_failure"))
def d_redis_frozen(w: World) -> None:
    """Redis hangs (SIGSTOP); the scans and the claims wait for it in vain."""
    up = calm(w)
    os.killpg(up["redis"].pid, signal.SIGSTOP)
    w.sleep(85)


@case(HOST, FILES, ALL, "service_crash", "rating", ("rating.log", "Unrecognized VM option|Could not create"), effects=("error_burst", "external_api_down"))
def d_java_option_unknown(w: World) -> None:
    """Somebody gave the rating an option that was taken out of Java: the JVM is not created at any start."""
    up = calm(w)
    end(up["rating"])
    s.rating(w, "-XX:+UseConcMarkSweepGC", "-XX:PermSize=64m", "-XX:+CMSIncrementalMode")
    w.sleep(75)


@case(HOST, FILES, ALL, "cpu_overload", "yard-3", ("points", "system.cpu_percent", "", lambda each: each["v"] > 95), kind="metrics", cpu=0.25, also=("service_crash",),
      why_also="what has no processor left answers late", effects=("error_burst", "external_api_down", "network_failure"))
def d_cpu_compression(w: World) -> None:
    """A compression of old scans is started at noon with eight processes; the host has no processor left."""
    calm(w)
    for _ in range(8):
        run(w, "compress.out", "python3", "-c", "import lzma, os\nwhile 1: lzma.compress(os.urandom(300000), preset=9)", again=False)
    w.sleep(140)
