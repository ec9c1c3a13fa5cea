"""The ferry: nginx with TLS, two Go services that ask a carrier, a Node service on Redis, Unbound, a check by curl."""

from __future__ import annotations

import os
import shutil
import signal
import time

from ground import (
    HOME,
    LOG,
    Any,
    Path,
    World,
    certificate,
    chore,
    family,
    hang_up,
    home,
    port_open,
    scanner,
    sh,
    stop,
    touch,
)

SOURCES = {
    "nginx_error.log": "nginx", "nginx_access.log": "nginx", "fares1.log": "fares1", "fares2.log": "fares2", "tokens.log": "tokens",
    "redis-server.log": "redis", "unbound.log": "unbound", "lookout.log": "lookout",
}
CLI = "redis-cli -h redis.ferry.lan --user operator --pass winch --no-auth-warning"


def nginx(world: World, wait: bool = True) -> Any:
    one = world.spawn(["nginx", "-c", str(HOME / "ferry.conf"), "-g", "daemon off;"], log="nginx_error.log" if not wait else "nginx.out")
    if wait:
        port_open("127.0.1.41", 443)
    return one


def site(upstream: str = "server 127.0.1.42:8800 max_fails=2 fail_timeout=5s; server 127.0.1.43:8800 max_fails=2 fail_timeout=5s;", more: str = "") -> None:
    (HOME / "ferry.conf").write_text(
        f"user www-data;\npid /run/nginx.pid;\nworker_processes 1;\nerror_log {LOG}/nginx_error.log warn;\nevents {{ worker_connections 128; }}\nhttp {{\n"
        f"access_log {LOG}/nginx_access.log;\nproxy_read_timeout 8s;\nproxy_connect_timeout 2s;\nkeepalive_timeout 5;\nproxy_temp_path /tmp/proxy;\n"
        "client_body_temp_path /var/lib/nginx/body;\nclient_body_buffer_size 8k;\nclient_max_body_size 4m;\n"
        f"upstream fares {{ {upstream} }}\nupstream tokens {{ server 127.0.1.44:7000; }}\n"
        "server { listen 127.0.1.41:80; return 301 https://www.ferry.lan$request_uri; }\n"
        f"server {{ listen 127.0.1.41:443 ssl; server_name www.ferry.lan; ssl_certificate {HOME}/tls/www.ferry.lan.pem; ssl_certificate_key {HOME}/tls/www.ferry.lan.key;\n"
        f" location /fares/ {{ proxy_pass http://fares; }}\n location /upload {{ proxy_pass http://fares; }}\n location /tokens/ {{ proxy_pass http://tokens; }}\n {more}\n}}\n}}\n"
    )


def fares(world: World, n: int, files: int = 0) -> Any:
    def limit() -> None:
        import resource

        resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))

    name = f"fares{n}"
    touch(f"{name}.log")
    one = world.spawn([str(HOME / "fares"), name, f"127.0.1.4{n + 1}:8800"], log=f"{name}.log", user="www-data", before=limit if files else None)
    port_open(f"127.0.1.4{n + 1}", 8800)
    return one


def tokens(world: World) -> Any:
    one = world.spawn(["node", str(HOME / "app/tokens.js")], log="tokens.log", user="www-data", cwd=HOME / "app")
    port_open("127.0.1.44", 7000)
    return one


def redis(world: World) -> Any:
    one = world.spawn(["redis-server", str(HOME / "redis.conf")], user="redis")
    port_open("127.0.1.45", 6379)
    return one


def zone(text: str) -> None:
    (HOME / "unbound.conf").write_text(
        f"server:\n interface: 127.0.0.53\n port: 53\n do-daemonize: no\n username: \"\"\n chroot: \"\"\n directory: \"{HOME}\"\n pidfile: \"\"\n"
        f" logfile: \"{LOG}/unbound.log\"\n use-syslog: no\n log-time-ascii: yes\n verbosity: 1\n log-servfail: yes\n num-threads: 1\n do-not-query-localhost: no\n"
        f" module-config: \"iterator\"\n access-control: 127.0.0.0/8 allow\n{text}\nremote-control:\n control-enable: no\n"
    )


GOOD = ' local-zone: "carrier.example." static\n local-data: "api.carrier.example. 3 IN A 127.0.1.50"'


def unbound(world: World) -> Any:
    return world.spawn(["unbound", "-d", "-c", str(HOME / "unbound.conf")], log="unbound.out")


def carrier(world: World) -> Any:
    one = world.spawn(["/usr/bin/python3", str(HOME / "app/carrier.py"), f"{HOME}/tls/carrier.pem", f"{HOME}/tls/carrier.key"])
    port_open("127.0.1.50", 8443)
    return one


def mood(text: str) -> None:
    Path("/tmp/carrier").write_text(text)


def renew(name: str, seconds: float, alternative: str) -> None:
    certificate(HOME / "tls", name, seconds, alternative)


@family("ferry", SOURCES)
def start(world: World, disk: int = 0, body: int = 0, files: int = 0, ends: float = 8e6, carrier_ends: float = 8e6) -> dict[str, Any]:
    touch(*SOURCES)
    renew("www.ferry.lan", ends, "www.ferry.lan")
    renew("carrier", carrier_ends, "api.carrier.example")
    shutil.copy(HOME / "tls/ca.pem", "/etc/ssl/ferry-ca.pem")
    Path("/etc/ssl/ferry-ca.pem").chmod(0o644)
    Path("/etc/resolv.conf").write_text("nameserver 127.0.0.53\noptions timeout:1 attempts:2\n")
    shutil.copy("/opt/fresh/fares", HOME / "fares")
    home("body", "/var/lib/nginx/body", "www-data", world, body)
    home("redis", "/var/lib/redis", "redis", world, disk)
    (HOME / "redis.conf").write_text(
        f"bind 127.0.1.45\nport 6379\ndir /var/lib/redis\nlogfile {LOG}/redis-server.log\nappendonly yes\nmaxmemory 96mb\nsave 60 100\n"
        "user default off\nuser operator on >winch ~* &* +@all\nuser tokens on >anchor ~* &* +@all -@dangerous\nlua-time-limit 2000\n"
    )
    shutil.chown(HOME / "redis.conf", "redis", "redis")
    zone(GOOD)
    run: dict[str, Any] = {"unbound": unbound(world), "carrier": carrier(world), "redis": redis(world)}
    run["fares1"], run["fares2"] = fares(world, 1, files), fares(world, 2)
    run["tokens"] = tokens(world)
    site()
    run["nginx"] = nginx(world)
    world.spawn(["/bin/bash", str(HOME / "app/lookout.sh")], log="lookout.log", user="www-data")

    import requests

    def visit(method: str, path: str, **more: Any) -> Any:
        def work(n: int) -> None:
            url = f"https://www.ferry.lan{path}".replace("{n}", str(n * 37 % 900))
            requests.request(method, url, timeout=9, verify="/etc/ssl/ferry-ca.pem", headers={"User-Agent": "Ferry/4.2 (Android 14)"}, **more)

        return work

    for place, (method, path) in enumerate((("GET", "/fares/{n}"), ("GET", "/fares/{n}"), ("POST", "/tokens/{n}"), ("GET", "/tokens/{n}"))):
        world.every(1.0, visit(method, path), first=0.25 * place)
    world.every(3.0, visit("POST", "/upload", data=b"photo" * 12000), first=0.6)
    return run


# ── everyday life ────────────────────────────────────────────────────────────────────────────
@chore("ferry")
def scan(world: World, run: Any) -> None:
    """somebody looks for holes in the web server, in plain and with TLS"""
    scanner("www.ferry.lan")
    sh("for p in .env wp-login.php admin/config.php; do curl -sk -m 3 https://www.ferry.lan/$p; done; curl -s -m 3 http://www.ferry.lan:443/")


@chore("ferry")
def person(world: World, run: Any) -> None:
    """a person mistypes a password and commands of Redis"""
    sh("redis-cli -h redis.ferry.lan --user operator --pass wench PING")
    sh(f"{CLI} GTE token:1; {CLI} LPUSH token:1 x; {CLI} SLOWLOG GET 3")


@chore("ferry")
def blip(world: World, run: Any) -> None:
    """the carrier answers 500 to two or three requests"""
    mood("500")
    time.sleep(1.2)
    Path("/tmp/carrier").unlink()


@chore("ferry")
def hangs(world: World, run: Any) -> None:
    """clients hang up in the midst of a handshake or before they are answered"""
    for _ in range(3):
        hang_up("www.ferry.lan", 80, "/")
    sh("timeout 1 bash -c 'exec 3<>/dev/tcp/127.0.1.41/443; sleep 0.4'; curl -sk -m 0.02 https://www.ferry.lan/fares/3; curl -s -m 3 https://www.ferry.lan/")


@chore("ferry")
def bulk(world: World, run: Any) -> None:
    """a bulk import of 20,000 keys that expire, and a save"""
    sh(f"for n in $(seq 20000); do echo SET import:$n {'y' * 50} EX 60; done | {CLI} --pipe; {CLI} BGSAVE; sleep 2; {CLI} BGREWRITEAOF")


@chore("ferry")
def reload_nginx(world: World, run: Any) -> None:
    """a renewed certificate is put in place, nginx is reloaded and its logs are rotated"""
    renew("www.ferry.lan", 8e6, "www.ferry.lan")
    run["nginx"].send_signal(signal.SIGHUP)
    os.rename(LOG / "nginx_access.log", LOG / "nginx_access.log.1")
    touch("nginx_access.log")
    run["nginx"].send_signal(signal.SIGUSR1)


@chore("ferry")
def reload_unbound(world: World, run: Any) -> None:
    """a zone is added to Unbound, which is reloaded"""
    zone(GOOD + '\n local-data: "new.carrier.example. 3 IN A 127.0.1.50"')
    run["unbound"].send_signal(signal.SIGHUP)


@chore("ferry")
def deploy(world: World, run: Any) -> None:
    """the two Go services are deployed anew, one after the other"""
    for n in (1, 2):
        stop(run[f"fares{n}"])
        run[f"fares{n}"] = fares(world, n)
        time.sleep(6)


@chore("ferry")
def deploy_tokens(world: World, run: Any) -> None:
    """the tokens are deployed anew"""
    stop(run["tokens"])
    run["tokens"] = tokens(world)


@chore("ferry")
def restart_redis(world: World, run: Any) -> None:
    """Redis is restarted as one plans it"""
    stop(run["redis"])
    run["redis"] = redis(world)


@chore("ferry")
def restart_nginx(world: World, run: Any) -> None:
    """nginx is restarted as one plans it"""
    stop(run["nginx"], signal.SIGQUIT)
    run["nginx"] = nginx(world)
