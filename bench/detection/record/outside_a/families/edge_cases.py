"""Failures of HAProxy, nginx, stunnel, Varnish, Caddy and Squid."""

from __future__ import annotations

import datetime as dt
import time

from stage import (
    HOME,
    Any,
    Path,
    World,
    aside,
    case,
    kill,
    sh,
    signal,
)


@case("edge", "service_crash", "api1 api2 api3", ("haproxy.log", "no server available|is DOWN"))
def haproxy_all_down(world: World, run: Any) -> None:
    """All three services behind HAProxy are killed and do not come back."""
    for n in (1, 2, 3):
        kill(run[f"api{n}"])


@case("edge", "service_crash", "api2", ("haproxy.log", "is DOWN|api/api2 .* 50[0-9] "), silent=True)
def haproxy_one_down(world: World, run: Any) -> None:
    """One of three services behind HAProxy is killed and does not come back; the others serve on."""
    kill(run["api2"])


@case("edge", "error_burst", "haproxy api1 api2 api3", ("haproxy.log", " sQ"), also=("external_api_down", "queue_backlog"),
      why_also="the services are slow and requests are given up in HAProxy's queue: several words fit", options={"maxconn": 1})
def haproxy_queue(world: World, run: Any) -> None:
    """What the services depend on becomes slow; requests wait in HAProxy's queue until they are given up."""
    Path("/tmp/slow").touch()


@case("edge", "error_burst", "nginx", ("secure_error.log", "worker_connections are not enough|Too many open files"),
      also=("service_crash", "rate_limited"), why_also="connections run out: no word of the vocabulary means that")
def nginx_connections(world: World, run: Any) -> None:
    """Slow clients hold all connections that nginx may have; others are turned away."""
    import socket

    held: list[Any] = []

    def hold() -> None:
        while True:
            try:
                one = socket.create_connection(("127.0.0.65", 80), 2)
                one.sendall(b"GET /items/1 HTTP/1.1\r\nHost: x\r\nX-Slow: ")
                held.append(one)
            except OSError:
                time.sleep(1)
            time.sleep(0.1)

    aside(hold)


@case("edge", "certificate_expired", "stunnel nginx", ("secure_error.log", "certificate"), options={"certificate_seconds": 70}, after=75)
def tls_expired(world: World, run: Any) -> None:
    """The certificate of the encrypted way behind nginx reaches its end; nginx trusts it no more."""
    from cryptography import x509

    end = x509.load_pem_x509_certificate((HOME / "tls" / "1.pem").read_bytes()).not_valid_after_utc
    time.sleep(max(0.0, (end - dt.datetime.now(dt.UTC)).total_seconds()))
    world.breaks()


@case("edge", "service_crash", "api4", ("stunnel.log", "refused"), silent=True)
def stunnel_target_killed(world: World, run: Any) -> None:
    """The service behind stunnel is killed and does not come back."""
    kill(run["api4"])


@case("edge", "service_crash", "varnish", ("varnish.log", "[Cc]hild .* died"))
def varnish_child_dies(world: World, run: Any) -> None:
    """Varnish's child dies by a fault of memory again and again."""

    def hit() -> None:
        while True:
            sh("pkill -SEGV --ns $$ -x cache-main")
            time.sleep(6)

    aside(hit)


@case("edge", "network_failure", "dnsmasq squid", ("feeds.log", " 50[0-9] "), effects=("error_burst", "external_api_down", "service_crash"), silent=True)
def squid_without_dns(world: World, run: Any) -> None:
    """The name server is gone; Squid finds no partner any more."""
    kill(run["dnsmasq"])


@case("edge", "external_api_down", "squid feeds", ("feeds.log", "50[0-9]|timed out"), also=("network_failure",),
      why_also="a partner that gives no answer may be down or cut off", silent=True)
def squid_partner_dropped(world: World, run: Any) -> None:
    """The partner gives no answer any more: all packets to it are dropped."""
    sh("iptables -A INPUT -d 127.0.0.90 -j DROP")


@case("edge", "service_crash", "api5", ("caddy.log", "refused"), silent=True)
def caddy_upstream_killed(world: World, run: Any) -> None:
    """The service behind Caddy is killed and does not come back."""
    kill(run["api5"])


@case("edge", "service_crash", "api5", ("caddy.log", "timeout|deadline"), also=("external_api_down", "error_burst"),
      why_also="it hangs: Caddy only sees a backend that gives no answer", silent=True)
def caddy_upstream_frozen(world: World, run: Any) -> None:
    """The service behind Caddy hangs (stopped by a debugger)."""
    kill(run["api5"], signal.SIGSTOP)


@case("edge", "service_crash", "squid", ("feeds.log", "refused|ProxyError"), silent=True)
def squid_killed(world: World, run: Any) -> None:
    """Squid is killed and does not come back; nobody reaches the partner."""
    kill(run["squid"])


@case("edge", "service_crash", "haproxy", ("varnishncsa.log", " 503 "), silent=True)
def haproxy_killed(world: World, run: Any) -> None:
    """HAProxy is killed and does not come back; Varnish has nobody to ask."""
    kill(run["haproxy"])


@case("edge", "external_api_down", "squid feeds", ("feeds.log", " 50[0-9] "), also=("network_failure",),
      why_also="a partner that takes no connections may be down or cut off", silent=True)
def partner_refuses(world: World, run: Any) -> None:
    """The partner takes no connections any more."""
    kill(run["partner"])
