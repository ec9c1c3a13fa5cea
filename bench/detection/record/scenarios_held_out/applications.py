"""Held-out failures of applications in Python, Node, Java and shell, and in their metrics."""

from __future__ import annotations

import signal
import subprocess
import time

import estate as e
import programs as p
from around import OWN, WEB, web
from scenario import scenario
from world import HOME, World, quiet


@scenario(
    "disk_full",
    "desk",
    ("desk.log", "disk is full|disk I/O"),
    "desk.log",
    extra=OWN,
    effects=("error_burst", "database_failure"),
)
def sqlite_full(w: World) -> None:
    """The file system of the help desk's SQLite is full."""
    disk = w.disk(HOME / "desk", 12, "www-data")
    e.apps()
    e.desk(w)
    w.ready()
    w.measure(10)
    w.sleep(20)
    w.breaks()
    quiet("dd", "if=/dev/zero", f"of={disk}/video.mp4", "bs=64k")
    w.sleep(45)


@scenario(
    "deadlock",
    "desk",
    ("desk.log", "database is locked"),
    "desk.log",
    extra=OWN,
    also=("database_failure", "error_burst"),
    why_also="a lock that is never given back is no cycle, and the database refuses the work",
)
def sqlite_locked(w: World) -> None:
    """A person's tool holds the write lock of the help desk's SQLite."""
    import sqlite3

    e.apps()
    e.desk(w)
    w.ready()
    w.measure(10)
    w.sleep(20)
    w.breaks()
    connection = sqlite3.connect(HOME / "desk/desk.db", isolation_level=None, timeout=20)
    connection.execute("begin immediate")
    w.sleep(45)


@scenario("disk_full", "cart", ("cart.log", "ENOSPC"), "cart.log", extra=OWN, effects=("error_burst",))
def node_disk_full(w: World) -> None:
    """The cart's file system is full; Node cannot write."""
    disk = w.disk(HOME / "carts", 10, "www-data")
    e.apps()
    e.cart(w)
    w.ready()
    w.measure(10)
    w.sleep(20)
    w.breaks()
    quiet("dd", "if=/dev/zero", f"of={disk}/old.tar", "bs=64k")
    w.sleep(45)


@scenario(
    "rate_limited",
    "cart",
    ("cart.log", "429"),
    "cart.log",
    extra=OWN,
    effects=("external_api_down", "error_burst"),
)
def partner_limits(w: World) -> None:
    """The partner that knows shipping prices answers 429 to Node's fetch."""
    e.apps()
    folder = HOME / "nginx"
    folder.mkdir()
    text = "user www-data;\npid /tmp/partner.pid;\nevents {}\nhttp { access_log off; server { listen 127.0.0.70:80; location / { %s; } } }\n"
    (folder / "partner.conf").write_text(text % "return 200 'ok\\n'")
    site = w.spawn(["nginx", "-c", str(folder / "partner.conf"), "-g", "daemon off;"])
    time.sleep(1)
    e.cart(w, "http://127.0.0.70/price")
    w.ready()
    w.measure(10)
    w.sleep(20)
    w.breaks()
    (folder / "partner.conf").write_text(text % "return 429 'slow down\\n'")
    site.send_signal(signal.SIGHUP)
    w.sleep(40)


@scenario(
    "cpu_overload",
    "ledger",
    ("ledger.log", "RejectedExecution"),
    "ledger.log",
    extra=OWN,
    effects=("error_burst",),
)
def ledger_threads(w: World) -> None:
    """The ledger gets more entries than its threads can book; its pool rejects them."""
    e.apps()
    e.ledger(w, "threads", 18)
    w.ready()
    w.measure(10)
    w.sleep(17)
    w.breaks()
    w.sleep(45)


@scenario(
    "error_burst",
    "ledger",
    ("ledger.log", "NullPointerException"),
    "ledger.log",
    extra=OWN,
    also=("service_crash",),
    why_also="a part of the service does not work any more",
)
def ledger_null(w: World) -> None:
    """A currency is missing after a release: a NullPointerException for each entry."""
    e.apps()
    e.ledger(w, "null", 18)
    w.ready()
    w.measure(10)
    w.sleep(17)
    w.breaks()
    w.sleep(60)


def _partner(w: World, *, secure: bool = False):
    """A partner's site by nginx, and the sync that fetches from it."""
    e.apps()
    folder = HOME / "nginx"
    folder.mkdir()
    with open("/etc/hosts", "a") as hosts:
        hosts.write("127.0.0.71 prices.partner.example\n")

    def run(*argv: str) -> None:
        subprocess.run(argv, check=True, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def certificate(ends: str = "20300101000000Z") -> None:
        run(
            "openssl",
            "req",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-keyout",
            "site.key",
            "-out",
            "site.csr",
            "-subj",
            "/CN=prices.partner.example",
            "-addext",
            "subjectAltName=DNS:prices.partner.example",
        )
        run(
            "openssl",
            "ca",
            "-batch",
            "-config",
            "ca.conf",
            "-cert",
            "ca.pem",
            "-keyfile",
            "ca.key",
            "-in",
            "site.csr",
            "-out",
            "site.pem",
            "-startdate",
            "20240101000000Z",
            "-enddate",
            ends,
        )

    listen, tls = "127.0.0.71:80", ""
    if secure:
        run(
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-keyout",
            "ca.key",
            "-out",
            "ca.pem",
            "-days",
            "900",
            "-subj",
            "/CN=Partner CA",
        )
        (folder / "ca.conf").write_text(
            "[ca]\ndefault_ca=d\n[d]\nnew_certs_dir=.\ndatabase=index\nserial=serial\nunique_subject=no\ndefault_md=sha256\npolicy=p\ncopy_extensions=copy\n[p]\ncommonName=supplied\n"
        )
        (folder / "index").touch()
        (folder / "serial").write_text("01\n")
        certificate()
        listen, tls = (
            "127.0.0.71:443 ssl",
            f"ssl_certificate {folder}/site.pem; ssl_certificate_key {folder}/site.key;",
        )
    (folder / "site.conf").write_text(
        f"user www-data;\npid /tmp/site.pid;\nevents {{}}\nhttp {{ access_log off; server {{ listen {listen}; {tls} location / {{ return 200 'ok\\n'; }} }} }}\n"
    )
    site = w.spawn(["nginx", "-c", str(folder / "site.conf"), "-g", "daemon off;"])
    time.sleep(1)
    e.sync(
        w,
        f"http{'s' * secure}://prices.partner.example/list",
        CURL_MORE=f"--cacert {folder}/ca.pem" if secure else "",
    )
    w.ready()
    w.measure(10)
    w.sleep(20)
    return site, certificate


@scenario(
    "network_failure",
    ("sync", "prices.partner.example"),
    ("sync.log", "Could not resolve host"),
    "sync.log",
    extra=OWN,
    effects=("external_api_down", "error_burst"),
    silent=True,
)
def curl_names(w: World) -> None:
    """curl cannot resolve the partner's name any more."""
    _partner(w)
    w.breaks()
    hosts = open("/etc/hosts").read()
    open("/etc/hosts", "w").write(hosts.replace("prices.partner.example", "other.partner.example"))
    w.sleep(40)


@scenario(
    "certificate_expired",
    ("sync", "prices.partner.example"),
    ("sync.log", "certificate has expired"),
    "sync.log",
    extra=OWN,
    effects=("external_api_down", "error_burst"),
)
def curl_certificate(w: World) -> None:
    """The partner's certificate ends; curl refuses it."""
    site, certificate = _partner(w, secure=True)
    w.breaks()
    certificate("20260101000000Z")
    site.send_signal(signal.SIGHUP)
    w.sleep(40)


@scenario(
    "error_burst",
    "stock",
    ("points", "error_rate", "stock", lambda one: one["v"] >= 0.2),
    "apache-access.log",
    extra=OWN,
    kind="metrics",
    also=("external_api_down", "database_failure", "service_crash"),
    why_also="why a third of the answers is 503 cannot be seen in metrics and access lines",
    effects=("cpu_overload",),
)
def error_rate(w: World) -> None:
    """A third of the stock service's answers fails; seen in its error rate and Apache's access lines alone."""
    made = web(w)
    w.breaks()
    del made
    p.sql("revoke select on products from shop; alter table products rename to goods")
    p.sql(
        "create view products as select id, case when id % 3 = 0 then 1 / (id - id) else stock end as stock from goods; grant select on products to shop; alter view products owner to shop; grant select on goods to shop"
    )
    w.sleep(120)


@scenario(
    "cpu_overload",
    "stock",
    ("points", "latency_ms", "stock", lambda one: one["v"] >= 500),
    WEB,
    extra=OWN,
    kind="metrics",
    also=("database_failure",),
    why_also="the answers are slow because the database sleeps",
    effects=("external_api_down", "error_burst"),
)
def latency(w: World) -> None:
    """Each answer of the stock service takes more than a second; nothing fails."""
    web(w)
    w.breaks()
    p.sql(
        "alter table products rename to goods; create view products as select id, stock + 0 * length(pg_sleep(1.2)::text) as stock from goods; alter view products owner to shop; grant select on goods to shop"
    )
    w.sleep(190)
