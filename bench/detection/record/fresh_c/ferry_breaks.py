"""Failures of the ferry."""

from __future__ import annotations

import signal
import time

from ferry import (
    CLI,
    GOOD,
    carrier,
    mood,
    nginx,
    renew,
    site,
    zone,
)
from ground import HOME, Any, Path, World, aside, case, kill, sh, shutil, stop

PARTNER = "carrier fares1 fares2 api.carrier.example"


@case("ferry", "external_api_down", PARTNER, ("fares1.log", "503"))
def carrier_503(world: World, run: Any) -> None:
    """The carrier's API answers 503 to everything."""
    mood("503")


@case("ferry", "service_crash", "fares2", ("nginx_error.log", "111: "), silent=True)
def one_of_two_dead(world: World, run: Any) -> None:
    """One of two services behind nginx is killed; the other serves on."""
    kill(run["fares2"])


@case("ferry", "service_crash", "redis", ("tokens.log", "ECONNREFUSED|closed|Socket"), also=("database_failure",), why_also="a store that is gone is a crash and a failure of the store")
def redis_shut_down(world: World, run: Any) -> None:
    """Somebody shuts down Redis under load, and it stays down."""
    sh(f"{CLI} SHUTDOWN NOSAVE")


@case("ferry", "certificate_expired", "nginx", ("lookout.log", "expired"), options={"ends": 76}, effects=("external_api_down", "error_burst", "network_failure"))
def site_certificate_expired(world: World, run: Any) -> None:
    """The certificate of the site expires; all clients turn away."""
    time.sleep(20)


@case("ferry", "network_failure", "unbound fares1 fares2 " + "api.carrier.example", ("fares1.log", "lookup"), also=("service_crash",), silent=True,
      why_also="the resolver is gone; what is felt is that no name resolves")
def resolver_killed(world: World, run: Any) -> None:
    """Unbound is killed and does not come back; no name of the carrier resolves."""
    kill(run["unbound"])


@case("ferry", "rate_limited", PARTNER, ("fares1.log", "429"), also=("external_api_down",), why_also="no price can be had of the API, for its limit")
def carrier_429(world: World, run: Any) -> None:
    """The quota at the carrier's API is used up; it answers 429 to everything."""
    mood("429")


@case("ferry", "database_failure", "redis", ("tokens.log", "BUSY|no answer"), also=("cpu_overload", "error_burst"), why_also="the store is busy with one script, on a full core",
      effects=("external_api_down", "service_crash"))
def redis_busy_script(world: World, run: Any) -> None:
    """A person runs a script in Redis that does not end."""
    world.spawn(["/bin/sh", "-c", f"{CLI} EVAL 'while true do redis.call(\"get\", \"n\") end' 0"])


@case("ferry", "external_api_down", PARTNER, ("fares1.log", "Timeout|deadline"), also=("network_failure",), why_also="from here, slow and out of reach look alike")
def carrier_slow(world: World, run: Any) -> None:
    """The carrier's API takes twenty seconds for an answer; callers give up after three."""
    mood("slow")


@case("ferry", "error_burst", "fares1 nginx", ("fares1.log", "too many open files"), options={"files": 48}, also=("service_crash", "external_api_down"),
      why_also="open files run out: no word of the vocabulary means that")
def fares_open_files(world: World, run: Any) -> None:
    """A broken client holds connections to a service that may have 48 files; it can neither accept nor ask."""
    import socket

    held: list[Any] = []

    def work() -> None:
        while True:
            try:
                one = socket.create_connection(("127.0.1.42", 8800), 2)
                one.sendall(b"GET /fares/1 HTTP/1.1\r\nX-Slow: ")
                held.append(one)
            except OSError:
                time.sleep(1)
            time.sleep(0.15)

    aside(work)


@case("ferry", "auth_failures", "redis tokens", ("tokens.log", "NOPERM|permissions"), also=("database_failure", "error_burst"), why_also="the store refuses commands for want of rights")
def redis_rights(world: World, run: Any) -> None:
    """The rights of the service's account in Redis are cut down to reading."""
    sh(f"{CLI} ACL SETUSER tokens -@all +@read +@connection +hello +client")


@case("ferry", "service_crash", "nginx", ("nginx_error.log", "emerg"), effects=("external_api_down", "error_burst", "network_failure"))
def nginx_unknown_upstream(world: World, run: Any) -> None:
    """nginx is restarted with an upstream whose name does not resolve; it does not start, however often it is tried."""
    site("server fares-new.ferry.lan:8800;")
    stop(run["nginx"])
    for _ in range(6):
        nginx(world, False)
        time.sleep(5)


@case("ferry", "certificate_expired", PARTNER, ("fares1.log", "expired"), options={"carrier_ends": 76}, also=("external_api_down",), why_also="the carrier's API is out of reach for it")
def carrier_certificate_expired(world: World, run: Any) -> None:
    """The certificate of the carrier's API expires."""
    time.sleep(20)


@case("ferry", "disk_full", "redis", ("redis-server.log", "(?i)no space left|short write"), options={"disk": 16}, also=("database_failure",), why_also="what fails of it is the store")
def redis_disk_full(world: World, run: Any) -> None:
    """The disk of Redis's append-only file is filled by a copy; Redis takes no more writes."""
    sh("dd if=/dev/zero of=/var/lib/redis/dump-copy.rdb bs=64k")


@case("ferry", "network_failure", PARTNER + " unbound", ("fares1.log", "no such host"), also=("external_api_down",), why_also="the API is out of reach, for its name is gone")
def carrier_name_gone(world: World, run: Any) -> None:
    """The carrier's name disappears from the zone."""
    zone(' local-zone: "carrier.example." static')
    run["unbound"].send_signal(signal.SIGHUP)


@case("ferry", "disk_full", "nginx", ("nginx_error.log", "28: No space"), options={"body": 4})
def nginx_body_disk_full(world: World, run: Any) -> None:
    """The disk on which nginx keeps uploads for a while is full; uploads fail."""
    sh("dd if=/dev/zero of=/var/lib/nginx/body/core bs=4k")


@case("ferry", "service_crash", "redis", ("tokens.log", "no answer"), also=("database_failure",), silent=True,
      why_also="it runs and does not answer: a store that fails, a service that hangs")
def redis_frozen(world: World, run: Any) -> None:
    """The process of Redis stops in its tracks, as on a frozen disk: connections are taken and nothing is answered."""
    run["redis"].send_signal(signal.SIGSTOP)


@case("ferry", "network_failure", PARTNER, ("fares1.log", "timeout|Timeout|deadline"), also=("external_api_down",), why_also="from here, a route that is gone and an API that is down look alike")
def carrier_dropped(world: World, run: Any) -> None:
    """A firewall rule drops all that goes to the carrier."""
    sh("iptables -A OUTPUT -d 127.0.1.50 -j DROP; iptables -A INPUT -d 127.0.1.50 -j DROP")


@case("ferry", "error_burst", "fares1 fares2 nginx", ("nginx_error.log", "too big header"), also=("external_api_down",), why_also="nginx fails what its upstream answers")
def fares_big_header(world: World, run: Any) -> None:
    """A deploy of the fares sets cookies that are larger than nginx takes; it answers 502."""
    Path("/tmp/verbose-cookies").touch()


@case("ferry", "certificate_expired", PARTNER, ("fares1.log", "x509"), also=("external_api_down",), why_also="another fault of a certificate: the vocabulary has one word for them")
def carrier_wrong_name(world: World, run: Any) -> None:
    """The carrier puts up a certificate for another name."""
    renew("carrier", 8e6, "api.freight.example")
    stop(run["carrier"])
    run["carrier"] = carrier(world)


@case("ferry", "external_api_down", PARTNER, ("fares1.log", "cannot be read"), also=("error_burst",), why_also="it answers, with what is no answer")
def carrier_html(world: World, run: Any) -> None:
    """The carrier's API answers 200 with a page instead of a price."""
    mood("html")


@case("ferry", "error_burst", "nginx", ("nginx_error.log", "13: Permission denied"), also=("disk_full",), why_also="files that cannot be written, for want of rights")
def nginx_body_denied(world: World, run: Any) -> None:
    """A script that tidies up rights takes the folder of uploads from nginx."""
    shutil.chown("/var/lib/nginx/body", "root", "root")
    Path("/var/lib/nginx/body").chmod(0o700)


@case("ferry", "service_crash", "fares1 fares2", ("nginx_error.log", "111: |no live upstreams"), silent=True)
def both_fares_killed(world: World, run: Any) -> None:
    """Both services behind nginx are killed and do not come back."""
    kill(run["fares1"])
    kill(run["fares2"])


@case("ferry", "service_crash", "nginx", ("nginx_error.log", "key values mismatch|emerg"), also=("certificate_expired",),
      why_also="nginx does not start, for a fault of its certificate", effects=("external_api_down", "error_burst", "network_failure"))
def nginx_key_mismatch(world: World, run: Any) -> None:
    """A renewal puts the new certificate beside the old key; nginx is restarted and does not start."""
    key = (HOME / "tls/www.ferry.lan.key").read_bytes()
    renew("www.ferry.lan", 8e6, "www.ferry.lan")
    (HOME / "tls/www.ferry.lan.key").write_bytes(key)
    stop(run["nginx"])
    for _ in range(6):
        nginx(world, False)
        time.sleep(5)


@case("ferry", "network_failure", PARTNER + " unbound", ("fares1.log", "lookup"), also=("external_api_down",), why_also="the API is out of reach, for its name is not known any more")
def forwarder_gone(world: World, run: Any) -> None:
    """Unbound is given a forwarder that does not answer; it says SERVFAIL for all names."""
    zone('forward-zone:\n name: "."\n forward-addr: 127.0.1.99@5353')
    run["unbound"].send_signal(signal.SIGHUP)


@case("ferry", "network_failure", PARTNER, ("fares1.log", "Timeout|deadline|timeout"), also=("external_api_down",), why_also="from here, a bad line and a slow API look alike")
def carrier_packet_loss(world: World, run: Any) -> None:
    """Two of three packets to and from the carrier are lost."""
    for way in ("-d", "-s"):
        sh(f"iptables -A INPUT {way} 127.0.1.50 -m statistic --mode random --probability 0.65 -j DROP")


@case("ferry", "network_failure", "unbound fares1 fares2 api.carrier.example", ("fares1.log", "lookup"), also=("external_api_down",), why_also="the API is out of reach, for its name is not told")
def resolver_refuses(world: World, run: Any) -> None:
    """A change of Unbound's rules of access refuses all who ask."""
    zone(GOOD)
    path = HOME / "unbound.conf"
    path.write_text(path.read_text().replace("127.0.0.0/8 allow", "127.0.0.0/8 refuse"))
    run["unbound"].send_signal(signal.SIGHUP)
