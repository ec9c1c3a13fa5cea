"""What is called is down or hangs: backends of nginx and HAProxy, services of the shop."""

from __future__ import annotations

import os
import signal

import programs as p
from breaking import WEB, group
from scenario import scenario
from world import World


@scenario(
    "external_api_down",
    "shop",
    ("nginx-error.log", r"connect\(\) failed"),
    WEB,
    also=("service_crash",),
    why_also="the upstream is down because its process was ended",
    effects=("error_burst",),
    silent=True,
)
def upstream_refused(w: World) -> None:
    """The shop behind nginx is killed and stays away; nginx answers 502."""
    application = p.shop(w, "none")
    p.nginx(w)
    w.ready()
    w.measure(10, p.probes("shop", "nginx"))
    p.visitors(w, logins=False, reports=False)
    w.sleep(20)
    w.breaks()
    group(application, signal.SIGKILL)
    w.sleep(40)


@scenario(
    "external_api_down",
    "shop",
    ("nginx-error.log", "upstream timed out"),
    WEB,
    also=("service_crash",),
    why_also="a process that hangs answers nobody, which is also a failed service",
    effects=("error_burst", "cpu_overload"),
    silent=True,
)
def upstream_frozen(w: World) -> None:
    """The shop behind nginx hangs (SIGSTOP); nginx answers 504 after its time-out."""
    application = p.shop(w, "none")
    p.nginx(w)
    w.ready()
    w.measure(10, p.probes("shop", "nginx"))
    p.visitors(w, logins=False, reports=False)
    w.sleep(20)
    w.breaks()
    group(application, signal.SIGSTOP)
    w.sleep(50)


@scenario(
    "external_api_down",
    "nginx",
    ("haproxy.log", "is DOWN|has no server available"),
    "haproxy.log shop.log nginx-access.log nginx-error.log",
    also=("service_crash",),
    why_also="the backend is down because its process was ended",
    effects=("error_burst",),
    silent=True,
)
def haproxy_backend_down(w: World) -> None:
    """nginx behind HAProxy is killed; HAProxy has no server available."""
    p.rsyslog(w)
    p.shop(w, "none")
    server = p.nginx(w)
    p.haproxy(w)
    w.ready()
    w.measure(10, p.probes("shop", "nginx", "haproxy"))
    p.visitors(w, "127.0.0.21", logins=False, reports=False)
    w.sleep(20)
    w.breaks()
    group(server, signal.SIGKILL)
    w.sleep(40)


@scenario(
    "external_api_down",
    "payment",
    ("shop.log", "Connection refused|Max retries"),
    WEB + " payment.log payment.out",
    also=("service_crash",),
    why_also="what is called is down because its process was ended",
    effects=("error_burst",),
    silent=True,
)
def payment_gone(w: World) -> None:
    """The Node payment service is killed; every order of the shop fails."""
    service = p.payment(w, ALONE="1")
    p.shop(w, "payment")
    p.nginx(w)
    w.ready()
    w.measure(10, p.probes("shop", "nginx", "payment"))
    p.visitors(w, logins=False, reports=False)
    w.sleep(20)
    w.breaks()
    os.kill(service.pid, signal.SIGKILL)
    w.sleep(45)


@scenario(
    "external_api_down",
    "billing",
    ("payment.log", "ECONNREFUSED|fetch failed"),
    "payment.log billing.log shop.log nginx-access.log",
    also=("service_crash",),
    why_also="what is called is down because its process was ended",
    effects=("error_burst",),
    silent=True,
)
def billing_gone(w: World) -> None:
    """The JVM billing service is killed; payment (Node) reports ECONNREFUSED and the shop its 502."""
    p.postgres(w)
    service = p.billing(w)
    p.payment(w)
    p.shop(w, "payment")
    p.nginx(w)
    w.ready()
    w.measure(10, p.probes("shop", "nginx", "payment", "billing"))
    p.visitors(w, logins=False, reports=False)
    w.sleep(20)
    w.breaks()
    os.kill(service.pid, signal.SIGKILL)
    w.sleep(45)


@scenario(
    "database_failure",
    "memcached",
    ("shop.log", "Connection refused|ConnectionRefused"),
    WEB + " memcached.log",
    also=("service_crash", "external_api_down"),
    why_also="whether a store of sessions is a database or a service that is called is a matter of taste; it is down",
    effects=("error_burst",),
    silent=True,
)
def memcached_gone(w: World) -> None:
    """memcached is killed; nobody can sign in any more."""
    store = p.memcached(w)
    p.shop(w, "memcached")
    p.nginx(w)
    w.ready()
    w.measure(10, p.probes("shop", "nginx", "memcached"))
    p.visitors(w, orders=False, reports=False)
    w.sleep(20)
    w.breaks()
    os.kill(store.pid, signal.SIGKILL)
    w.sleep(45)
