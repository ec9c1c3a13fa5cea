"""Names, routes and limits: what is called cannot be found, reached or asked so often."""

from __future__ import annotations

import subprocess
import time

import programs as p
from breaking import WEB
from certificates import CLIENT, client
from scenario import scenario
from world import HOME, World, quiet


def dns(w: World) -> subprocess.Popen[bytes]:
    """dnsmasq as the resolver; it knows the partner's names."""
    process = w.spawn(
        [
            "dnsmasq",
            "--no-daemon",
            "--listen-address=127.0.0.53",
            "--bind-interfaces",
            "--no-resolv",
            "--no-hosts",
            "--user=root",
            "--address=/api.partner.example/127.0.0.50",
        ],
        log="dnsmasq.log",
    )
    conf = HOME / "nginx" / "plain.conf"
    conf.parent.mkdir(exist_ok=True)
    conf.write_text(
        "user www-data;\npid /run/plain.pid;\nevents {}\nhttp { access_log off; server { listen 127.0.0.50:80; location / { return 200 '{\"EUR\": 1.08}\\n'; } "
        'location /limited { default_type application/json; return 429 \'{"error": "rate limit exceeded"}\\n\'; } } }\n'
    )
    w.spawn(["nginx", "-c", str(conf), "-g", "daemon off;"])
    time.sleep(1)
    return process


@scenario(
    "network_failure",
    ("rates", "api.partner.example"),
    ("rates.log", "name resolution|Name or service not known|Failed to resolve"),
    "rates.log",
    effects=("external_api_down", "error_burst"),
    extra=CLIENT,
    silent=True,
)
def dns_python(w: World) -> None:
    """The resolver is gone: a Python client cannot resolve the name of its partner."""
    server = dns(w)
    client(w, "rates", p.PYTHON, "rates.py", "http://api.partner.example/v1/rates")
    w.ready()
    w.measure(10)
    w.sleep(20)
    w.breaks()
    server.kill()
    w.sleep(45)


@scenario(
    "network_failure",
    ("quotes", "api.partner.example"),
    ("quotes.log", "EAI_AGAIN|ENOTFOUND"),
    "quotes.log",
    effects=("external_api_down", "error_burst"),
    extra=CLIENT,
    silent=True,
)
def dns_node(w: World) -> None:
    """The resolver is gone, seen by Node."""
    server = dns(w)
    client(w, "quotes", "node", "quotes.js", "http://api.partner.example/v1/quotes")
    w.ready()
    w.measure(10)
    w.sleep(20)
    w.breaks()
    server.kill()
    w.sleep(45)


@scenario(
    "network_failure",
    ("parcels", "api.partner.example"),
    ("parcels.log", "UnknownHost|UnresolvedAddress|ConnectException"),
    "parcels.log",
    also=("external_api_down",),
    why_also="Java's HttpClient hides the resolver's answer behind a ConnectException without a text",
    effects=("error_burst",),
    extra=CLIENT,
    silent=True,
)
def dns_java(w: World) -> None:
    """The partner's name vanishes from the resolver, seen by Java's HttpClient."""
    server = dns(w)
    subprocess.run(["javac", "-d", str(HOME / "app"), str(HOME / "app/Parcels.java")], check=True)
    client(
        w,
        "parcels",
        "java",
        "-Xmx48m",
        "-XX:+UseSerialGC",
        "-Dsun.net.inetaddr.ttl=1",
        "-cp",
        str(HOME / "app"),
        "Parcels",
        "http://api.partner.example/v1/parcels",
    )
    w.ready()
    w.measure(10)
    w.sleep(20)
    w.breaks()
    server.kill()
    w.spawn(
        [
            "dnsmasq",
            "--no-daemon",
            "--listen-address=127.0.0.53",
            "--bind-interfaces",
            "--no-resolv",
            "--no-hosts",
            "--user=root",
            "--local=/example/",
        ]
    )
    w.sleep(45)


@scenario(
    "network_failure",
    ("rates", "10.9.0.5"),
    ("rates.log", "No route to host|unreachable"),
    "rates.log",
    effects=("external_api_down", "error_burst"),
    extra=CLIENT,
    silent=True,
)
def no_route(w: World) -> None:
    """The route to the partner's network is withdrawn."""
    quiet("ip", "addr", "add", "10.9.0.5/32", "dev", "lo")
    server = dns(w)
    conf = HOME / "nginx" / "plain.conf"
    other = HOME / "nginx" / "ten.conf"
    other.write_text(conf.read_text().replace("127.0.0.50:80", "10.9.0.5:80").replace("plain.pid", "ten.pid"))
    w.spawn(["nginx", "-c", str(other), "-g", "daemon off;"])
    time.sleep(1)
    client(w, "rates", p.PYTHON, "rates.py", "http://10.9.0.5/v1/rates")
    w.ready()
    w.measure(10)
    w.sleep(20)
    w.breaks()
    quiet("ip", "addr", "del", "10.9.0.5/32", "dev", "lo")
    quiet("ip", "route", "add", "unreachable", "10.9.0.0/16")
    w.sleep(40)
    server.kill()


@scenario(
    "rate_limited",
    ("rates", "api.partner.example"),
    ("rates.log", "429"),
    "rates.log",
    effects=("external_api_down", "error_burst"),
    extra=CLIENT,
)
def api_rate_limit(w: World) -> None:
    """The partner answers 429 because the quota of the month is used up."""
    dns(w)
    client(w, "rates", p.PYTHON, "rates.py", "http://api.partner.example/v1/rates", LIMITED_AFTER="18")
    w.ready()
    w.measure(10)
    w.sleep(19)
    w.breaks()
    w.sleep(40)


@scenario(
    "rate_limited",
    "nginx",
    ("nginx-error.log", "limiting requests"),
    WEB,
    effects=("error_burst", "external_api_down", "service_crash"),
)
def nginx_rate_limit(w: World) -> None:
    """One client floods the shop; nginx's limit_req refuses most of it, and with it the health check,
    which comes from the same address."""
    p.shop(w, "none")
    p.nginx(
        w,
        top="limit_req_zone $binary_remote_addr zone=one:1m rate=8r/s; limit_req_status 429;",
        server="location / { limit_req zone=one burst=10 nodelay; proxy_pass http://shop; }",
    )
    w.ready()
    w.measure(10, p.probes("shop", "nginx"))
    p.visitors(w, logins=False, reports=False)
    w.sleep(20)
    w.breaks()
    for _ in range(4):
        w.every(0.05, lambda n: p.get("/product/3"))
    w.sleep(35)
