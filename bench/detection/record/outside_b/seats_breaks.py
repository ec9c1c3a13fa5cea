"""What breaks at the halls' services, and a time in which nothing does."""

from __future__ import annotations

import os
import signal
import time

import seats_stack as s
from cases import case, normal
from common import HOME, LOG, World, certificate, end, get, partner, quiet, redis, run, say

HOST, FILES = "halls-1", s.FILES
WEB = "nginx-access.log nginx-error.log seats.log"
NORMAL = float(os.environ.get("CORPUS_SECONDS", "1500"))


@normal(HOST, FILES)
def b_normal_seats(w: World) -> None:
    """The halls' services: deploys, planned restarts, reloads, rotation, scanners, clients that hang up, an import."""
    up = s.start(w)
    w.every(180, lambda n: [get(f"127.0.0.20/{p}") for p in ("wp-admin", "cgi-bin/luci", "vendor/phpunit", "actuator/env", "seats/999")], first=50)
    w.every(130, lambda n: get("127.0.0.20/near/10007", timeout=0.001), first=70)

    def again(name: str, anew) -> None:
        end(up[name])
        up[name] = anew(w)

    def rotate() -> None:
        for name in ("nginx-access.log", "nginx-error.log"):
            os.rename(LOG / name, LOG / f"{name}.1")
        quiet("nginx", "-c", str(HOME / "nginx/nginx.conf"), "-s", "reopen")

    def load() -> None:
        for n in range(300):
            get(f"127.0.0.20/seats/{n % 150}")

    plan = ((130, lambda: again("geo", s.geo)), (250, lambda: again("seats", s.seats)), (370, rotate), (480, load),
            (600, lambda: again("redis", redis)), (730, lambda: again("geo", s.geo)), (860, lambda: quiet("redis-cli", "-h", "127.0.0.12", "bgsave")),
            (980, lambda: again("seats", s.seats)), (1100, lambda: quiet("nginx", "-c", str(HOME / "nginx/nginx.conf"), "-s", "reload")),
            (1220, load), (1340, lambda: again("seats", s.seats)))
    began = time.monotonic()
    for moment, act in plan:
        time.sleep(max(0.0, began + moment * NORMAL / 1500 - time.monotonic()))
        act()
    time.sleep(max(0.0, began + NORMAL - time.monotonic()))


def calm(w: World) -> dict:
    up = s.start(w)
    w.sleep(45)
    w.breaks()
    return up


def deploy_seats(w: World, *options: str, seconds: float = 70, files: int = 0, **env: str) -> None:
    up = calm(w)
    end(up["seats"])
    s.seats(w, *options, files=files, **env)
    w.sleep(seconds)


def deploy_geo(w: World, release: str, seconds: float = 70) -> None:
    up = calm(w)
    end(up["geo"])
    s.geo(w, GEO_RELEASE=release)
    w.sleep(seconds)


@case(HOST, FILES, WEB, "service_crash", "seats", ("seats.log", "TypeError: Cannot read"), effects=("error_burst", "external_api_down"))
def b_node_unhandled_express(w: World) -> None:
    """A release has a promise that fails for every fifth hall and that nobody catches; Node ends each time."""
    deploy_seats(w, SEATS_RELEASE="unhandled")


@case(HOST, FILES, WEB, "memory_exhaustion", "seats", ("seats.log", "heap out of memory|Mark-sweep|Mark-Compact|Scavenge"),
      effects=("error_burst", "external_api_down", "service_crash"))
def b_node_heap_express(w: World) -> None:
    """A release keeps the plan of each hall that is asked for; Node's heap is used up again and again."""
    deploy_seats(w, "--max-old-space-size=90", SEATS_RELEASE="memory")


@case(HOST, FILES, WEB, "error_burst", "seats", ("seats.log", "EMFILE"), also=("service_crash", "disk_full"),
      why_also="no class is for file descriptors: the service cannot work, for want of a resource", effects=("external_api_down",))
def b_node_emfile(w: World) -> None:
    """A release never closes the plans that it opens, and the limit of files is 300."""
    deploy_seats(w, files=300, SEATS_RELEASE="files")


@case(HOST, FILES, WEB + " geo.log", "external_api_down", "geo", ("seats.log", "ECONNREFUSED"), also=("service_crash",),
      why_also="the service that is gone is one's own", silent=True, effects=("error_burst", "network_failure"))
def b_node_econnrefused(w: World) -> None:
    """The geo service is stopped and not started again; who asks it is refused."""
    up = calm(w)
    end(up["geo"], signal.SIGKILL)
    w.sleep(70)


@case(HOST, FILES, WEB + " redis.log", "service_crash", "redis", ("seats.log", "ECONNREFUSED|Reached the max retries|Connection is closed|ETIMEDOUT"),
      also=("database_failure",), why_also="Redis is a store, and gone: both names fit", effects=("error_burst", "external_api_down", "network_failure"))
def b_redis_gone_node(w: World) -> None:
    """Redis is killed; the seats of the halls cannot be counted."""
    up = calm(w)
    end(up["redis"], signal.SIGKILL)
    w.sleep(70)


@case(HOST, FILES, WEB, "external_api_down", "seats api.partner.example", ("seats.log", "status code 500"), effects=("error_burst",))
def b_partner_500_node(w: World) -> None:
    """The partner answers 500 for everything."""
    calm(w)
    say(w, "500")
    w.sleep(75)


@case(HOST, FILES, WEB, "certificate_expired", "seats api.partner.example", ("seats.log", "certificate has expired"), effects=("error_burst", "external_api_down"))
def b_tls_expired_node(w: World) -> None:
    """The certificate of the partner has expired, as Node sees it."""
    up = calm(w)
    certificate("old", days=(-90, -0.01), names=("api.partner.example", "auth.partner.example"))
    end(up["partner"])
    partner(w, certificate_of="old")
    w.sleep(75)


@case(HOST, FILES, "geo.log " + WEB, "service_crash", "geo", ("geo.log", "^panic: "), effects=("error_burst", "external_api_down"))
def b_go_panic(w: World) -> None:
    """A release reads past the end of a slice in a goroutine; the process dies for every sixth place."""
    deploy_geo(w, "panic")


@case(HOST, FILES, "geo.log " + WEB, "error_burst", "geo", ("geo.log", "http: panic serving"), also=("service_crash",),
      why_also="Go calls it a panic, but only the request dies", effects=("external_api_down",))
def b_go_nil_map(w: World) -> None:
    """A release writes into a map that was never made; net/http catches the panic of each request."""
    deploy_geo(w, "nilmap")


@case(HOST, FILES, "geo.log " + WEB, "deadlock", "geo", ("geo.log", "all goroutines are asleep"), also=("service_crash",),
      why_also="the runtime says deadlock and ends the process, at each start", effects=("error_burst", "external_api_down"))
def b_go_deadlock(w: World) -> None:
    """A release waits at its start for a channel that nobody reads; the runtime ends it as a deadlock."""
    deploy_geo(w, "deadlock")


@case(HOST, FILES, "geo.log " + WEB, "service_crash", "geo", ("seats.log", "timeout of 3000ms|ECONNABORTED"), also=("deadlock", "external_api_down"),
      why_also="a process that hangs: who waits for it sees only that it does not answer", silent=True, effects=("error_burst", "network_failure"))
def b_go_hang(w: World) -> None:
    """A release locks twice; the service hangs, its health check too, and it says nothing."""
    deploy_geo(w, "hang", 80)


@case(HOST, FILES, "geo.log " + WEB, "service_crash", "geo", ("geo.log", "address already in use"), effects=("error_burst", "external_api_down"))
def b_go_port_in_use(w: World) -> None:
    """An old process of another release holds the port; the new one cannot start and tries again and again."""
    up = calm(w)
    end(up["geo"])
    run(w, "old.out", "/usr/bin/python3", "-c",
        "import socket,time; s=socket.socket(); s.setsockopt(1,2,1); s.bind(('127.0.0.33',8300)); s.listen(1); time.sleep(999)")
    w.sleep(0.5)
    s.geo(w)
    w.sleep(70)


@case(HOST, FILES, "geo.log", "external_api_down", "geo api.partner.example", ("geo.log", "context deadline exceeded"), effects=("error_burst", "network_failure"))
def b_partner_slow_go(w: World) -> None:
    """The partner answers after twenty seconds, the Go client waits for four."""
    calm(w)
    say(w, "slow")
    w.sleep(80)


@case(HOST, FILES, "geo.log seats.log", "certificate_expired", "geo seats api.partner.example",
      ("geo.log", "certificate signed by unknown authority"), also=("external_api_down", "network_failure"),
      why_also="no class is for a certificate of a wrong authority: it is the class of TLS", effects=("error_burst",))
def b_tls_wrong_ca_go(w: World) -> None:
    """The partner has a certificate by another authority, as Go and Node see it."""
    up = calm(w)
    certificate("foreign", by="other-ca", names=("api.partner.example", "auth.partner.example"))
    end(up["partner"])
    partner(w, certificate_of="foreign")
    w.sleep(75)


@case(HOST, FILES, "geo.log seats.log", "network_failure", "geo seats api.partner.example", ("geo.log", "lookup api.partner.example|no such host|server misbehaving"),
      also=("external_api_down",), why_also="the partner cannot be reached, and it is the resolver that is at fault", effects=("error_burst",))
def b_dns_down_go(w: World) -> None:
    """The resolver dies, as Go and Node see it."""
    up = calm(w)
    end(up["dns"], signal.SIGKILL)
    w.sleep(75)


@case(HOST, FILES, "geo.log seats.log", "rate_limited", "geo api.partner.example", ("geo.log", "429 Too Many"), effects=("error_burst", "external_api_down"))
def b_partner_429_go(w: World) -> None:
    """The quota at the partner is used up, as Go and Node see it."""
    calm(w)
    say(w, "429")
    w.sleep(75)
