"""Memory and processor run out: Python, the JVM, Node and Redis; by limit, by cgroup, by leak."""

from __future__ import annotations

import resource
import time

import programs as p
from scenario import scenario
from world import HOME, LOG, World, quiet

WEB = "shop.log gunicorn.log nginx-access.log nginx-error.log"


def front(w: World, uses: str = "redis", **env: str) -> None:
    """Redis, the shop and nginx, with visitors."""
    if "redis" in uses:
        p.redis(w)
    p.shop(w, uses, **env)
    p.nginx(w)
    w.ready()
    w.measure(10, p.probes("shop", "nginx"))
    p.visitors(w, logins=False, reports=False)
    w.sleep(20)


@scenario(
    "memory_exhaustion",
    "shop",
    ("shop.log", "MemoryError|Cannot allocate memory"),
    WEB,
    effects=("error_burst", "external_api_down", "service_crash"),
)
def python_memory_limit(w: World) -> None:
    """The shop has an address space limit (RLIMIT_AS) and keeps every report: MemoryError."""
    resource.setrlimit(resource.RLIMIT_AS, (900 << 20, 900 << 20))
    front(w)
    w.breaks()
    w.every(0.7, lambda n: p.get("/leak?mb=60", "127.0.0.30", 8001))
    w.sleep(45)


@scenario(
    "memory_exhaustion",
    "shop",
    ("gunicorn.log", "SIGKILL|out of memory"),
    WEB + " kern.log",
    also=("service_crash",),
    why_also="its workers are killed for want of memory",
    effects=("error_burst", "external_api_down"),
    memory_mb=420,
    extra={"kern.log": ""},
)
def python_cgroup_oom(w: World) -> None:
    """The container's memory limit is reached: the kernel kills a worker of the shop again and again."""
    (LOG / "kern.log").touch()
    conf = HOME / "kernel.conf"
    conf.write_text(
        f'module(load="imklog")\nmodule(load="imuxsock" SysSock.Use="off")\n:msg, contains, "emory cgroup" action(type="omfile" file="{LOG}/kern.log" template="RSYSLOG_TraditionalFileFormat")\n'
        f':msg, contains, "oom" action(type="omfile" file="{LOG}/kern.log" template="RSYSLOG_TraditionalFileFormat")\n'
    )
    front(w)
    w.spawn(["rsyslogd", "-n", "-f", str(conf), "-i", "/run/kernel.pid"])
    time.sleep(3)
    (LOG / "kern.log").write_text("")
    w.breaks()
    w.every(0.4, lambda n: p.get("/leak?mb=12", "127.0.0.30", 8001))
    w.sleep(60)


@scenario(
    "memory_exhaustion",
    "billing",
    ("billing.log", "OutOfMemoryError"),
    "billing.log billing.out payment.log postgresql.log",
    effects=("error_burst", "external_api_down", "service_crash", "database_failure"),
)
def jvm_heap(w: World) -> None:
    """Billing keeps every statement of accounts until its Java heap is full."""
    p.postgres(w)
    p.billing(w, "-Xmx48m")
    p.payment(w)
    w.ready()
    w.measure(10, p.probes("postgresql", "billing", "payment"))
    w.every(2, lambda n: p.get("/charge", "127.0.0.31", 3000, body={"order": n}))
    w.sleep(20)
    w.breaks()
    w.every(1, lambda n: p.get("/keep?mb=4", "127.0.0.32", 8080))
    w.sleep(50)


@scenario(
    "memory_exhaustion",
    "importer",
    ("importer.log", "OutOfMemoryError"),
    "importer.log",
    effects=("error_burst", "service_crash"),
    extra={"importer.log": "importer"},
)
def jvm_metaspace(w: World) -> None:
    """A Java importer makes a class loader for each file and never lets go: Metaspace is full."""
    _java(w, "Importer", "-XX:MaxMetaspaceSize=24m", "classes")
    w.ready()
    w.measure(10)
    w.sleep(16)
    w.breaks()
    w.sleep(60)


@scenario(
    "memory_exhaustion",
    "importer",
    ("importer.log", "GC overhead|OutOfMemoryError"),
    "importer.log",
    effects=("error_burst", "service_crash"),
    extra={"importer.log": "importer"},
)
def jvm_gc_overhead(w: World) -> None:
    """A Java importer fills a map with small objects until the collector does nothing else."""
    _java(w, "Importer", "-XX:+UseParallelGC -Xmx24m", "map")
    w.ready()
    w.measure(10)
    w.sleep(16)
    w.breaks()
    w.sleep(70)


def _java(w: World, name: str, options: str, mode: str) -> None:
    import subprocess

    p.touch("importer.log")
    subprocess.run(["javac", "-d", str(HOME / "app"), str(HOME / "app" / f"{name}.java")], check=True)
    w.spawn(
        ["java", *options.split(), "-cp", str(HOME / "app"), name, mode, "16"],
        log="importer.log",
        user="www-data",
    )
    time.sleep(1)


@scenario(
    "memory_exhaustion",
    "redis",
    ("shop.log", "command not allowed when used memory"),
    "redis.log " + WEB,
    effects=("error_burst", "external_api_down", "database_failure"),
)
def redis_maxmemory(w: World) -> None:
    """Redis reaches maxmemory under the policy noeviction and refuses every write of the shop."""
    p.redis(w, "--maxmemory", "6mb", "--maxmemory-policy", "noeviction")
    p.shop(w, "redis")
    p.nginx(w)
    w.ready()
    w.measure(10, p.probes("redis", "shop", "nginx"))
    p.visitors(w, logins=False, reports=False)
    w.sleep(20)
    w.breaks()
    w.every(0.1, lambda n: quiet("redis-cli", "-h", "127.0.0.12", "setrange", f"export:{n}", "200000", "x"))
    w.sleep(45)


@scenario(
    "memory_exhaustion",
    "render",
    ("render.log", "heap out of memory|Reached heap limit|JavaScript heap"),
    "render.log",
    also=("service_crash",),
    why_also="the process ends of it",
    effects=("error_burst",),
    extra={"render.log": "render"},
)
def node_heap(w: World) -> None:
    """A Node program keeps rendered pages until V8's heap is full and it dies."""
    p.touch("render.log")
    w.spawn(
        ["node", "--max-old-space-size=40", "render.js", "15"],
        cwd=HOME / "app",
        log="render.log",
        user="www-data",
    )
    w.ready()
    w.measure(10)
    w.sleep(15)
    w.breaks()
    w.sleep(40)


@scenario(
    "memory_exhaustion",
    ("shop-1", "shop"),
    ("points", "system.memory_percent", "", lambda one: one["v"] >= 95),
    WEB + " redis.log",
    kind="metrics",
    also=(),
    effects=("cpu_overload", "error_burst", "external_api_down", "service_crash"),
    memory_mb=500,
)
def memory_leak(w: World) -> None:
    """The shop leaks until 97 % of the host's memory is used, and stays there; nothing says so but the metric."""
    front(w)
    w.breaks()
    group = w.cgroups[2]

    def used() -> float:
        counted = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
        taken = int((group / "memory.usage_in_bytes").read_text())
        return (taken - int(counted["total_cache"]) + int(counted["total_shmem"])) / w.memory * 100

    end = time.monotonic() + 170
    while time.monotonic() < end:
        if used() < 96.3:
            p.get(f"/leak?mb={1 if used() > 92 else 8}", "127.0.0.30", 8001)
        w.sleep(0.5 if used() < 92 else 1.5)


@scenario(
    "cpu_overload",
    ("shop-1", "shop"),
    ("points", "system.cpu_percent", "", lambda one: one["v"] >= 95),
    WEB + " redis.log",
    kind="metrics",
    effects=("external_api_down", "error_burst"),
    nice=0,
)
def cpu_burn(w: World) -> None:
    """A nightly computation beside the shop uses the whole processor for minutes."""
    # so little that it is there even while others work on the machine
    w.cpu = 0.2
    front(w)
    (w.cgroups[0] / "cpu.cfs_quota_us").write_text("20000")
    w.sleep(10)
    w.breaks()
    for _ in range(2):
        w.spawn([p.PYTHON, "-c", "while True: sum(range(9999))"], user="www-data")
    w.sleep(190)


@scenario(
    "cpu_overload",
    "shop",
    ("gunicorn.log", "WORKER TIMEOUT"),
    WEB,
    effects=("error_burst", "external_api_down", "service_crash"),
)
def gunicorn_timeouts(w: World) -> None:
    """Requests that compute for ever keep both workers busy past gunicorn's time-out."""
    p.touch("shop.log")
    p.touch("gunicorn.log")
    w.spawn(
        [
            p.PYTHON,
            "-m",
            "gunicorn",
            "-b",
            "127.0.0.30:8001",
            "-w",
            "2",
            "-t",
            "4",
            "--graceful-timeout",
            "2",
            "--error-logfile",
            str(LOG / "gunicorn.log"),
            "shop:app",
        ],
        cwd=HOME / "app",
        log="shop.out",
        env={"SHOP_USES": "none"},
        user="www-data",
    )
    for _ in range(60):
        if p.get("/health", "127.0.0.30", 8001) == 200:
            break
        time.sleep(0.5)
    p.nginx(w)
    w.ready()
    w.measure(10, p.probes("shop", "nginx"))
    p.visitors(w, logins=False, reports=False)
    w.sleep(20)
    w.breaks()
    for _ in range(3):
        w.every(1, lambda n: p.get("/burn?seconds=40", timeout=12))
    w.sleep(50)
