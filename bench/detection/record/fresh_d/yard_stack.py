"""The older services: lighttpd, a JVM without a framework, Sinatra, Mojolicious, PHP-FPM, a Go service, Redis, the carrier's API."""

from __future__ import annotations

import shutil
import subprocess

from common import (
    HOME,
    LOG,
    TOOLS,
    Process,
    World,
    carrier,
    certificate,
    dns,
    port_open,
    redis,
    run,
    strew,
    until,
)

FILES = {"lighttpd-access.log": "lighttpd", "lighttpd-error.log": "lighttpd", "rating.log": "rating", "claims.log": "claims",
         "labels.log": "labels", "php-fpm.log": "php-fpm", "scan.log": "scan", "redis.log": "redis"}
PROBES = ({"name": "rating", "service": "rating", "http": "http://127.0.0.51:8700/health"},
          {"name": "claims", "service": "claims", "http": "http://127.0.0.52:9300/health"},
          {"name": "labels", "service": "labels", "http": "http://127.0.0.54:3000/health"},
          {"name": "scan", "service": "scan", "http": "http://127.0.0.55:8800/health"},
          {"name": "redis", "service": "redis", "tcp": "127.0.0.12:6379"})
GATE = "127.0.0.20"


def lighttpd(w: World) -> Process:
    folder = HOME / "lighttpd"
    folder.mkdir(exist_ok=True)
    (HOME / "www").mkdir(exist_ok=True)
    (HOME / "www/index.html").write_text("yard\n")
    for name in ("lighttpd-access.log", "lighttpd-error.log"):
        (LOG / name).touch()
        (LOG / name).chmod(0o666)
    ways = "".join(f'$HTTP["url"] =~ "^/{path}/" {{ proxy.server = ("" => (("host" => "{host}", "port" => {port}))) }}\n'
                   for path, host, port in (("rate", "127.0.0.51", 8700), ("surcharge", "127.0.0.51", 8700), ("claims", "127.0.0.52", 9300),
                                            ("label", "127.0.0.54", 3000), ("scan", "127.0.0.55", 8800), ("carrier", "127.0.0.55", 8800)))
    (folder / "lighttpd.conf").write_text(f"""server.modules = ("mod_accesslog", "mod_rewrite", "mod_fastcgi", "mod_proxy")
server.document-root = "{HOME}/www"
server.bind = "{GATE}"
server.port = 80
server.username = "www-data"
server.groupname = "www-data"
server.pid-file = "/run/lighttpd.pid"
server.errorlog = "{LOG}/lighttpd-error.log"
accesslog.filename = "{LOG}/lighttpd-access.log"
server.upload-dirs = ("/tmp")
index-file.names = ("index.html")
fastcgi.server = ("/intranet/" => (("socket" => "/run/php-intranet.sock", "check-local" => "disable", "docroot" => "{HOME}/app/")))
{ways}""")
    started = run(w, "lighttpd.out", "lighttpd", "-D", "-f", str(folder / "lighttpd.conf"), user=None, again=False)
    port_open(GATE, 80)
    return started


def rating(w: World, *options: str, classes: str = "app/rating") -> Process:
    return run(w, "rating.log", "java", "-Xmx64m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", *options, "-cp", str(HOME / classes), "Rating", cwd=HOME)


def claims(w: World, threads: str = "2:5", **env: str) -> Process:
    return run(w, "claims.log", "puma", "-b", "tcp://127.0.0.52:9300", "-t", threads, "-e", "production", "config.ru", cwd=HOME / "app/claims",
               RACK_ENV="production", **env)


def labels(w: World, **env: str) -> Process:
    return run(w, "labels.log", "/usr/bin/perl", "labels.pl", "prefork", "-m", "production", "-l", "http://127.0.0.54:3000", "-w", "2", "-c", "5",
               "-I", "2", "-H", "8", "-G", "3", "-P", "/run/lock/labels.pid", cwd=HOME / "app/labels", **env)


def scan(w: World, *limit: str, **env: str) -> Process:
    return run(w, "scan.log", *limit, str(HOME / "app/scan/scan"), **env)


def php(w: World, terminate: str = "0", memory: str = "32M") -> Process:
    (HOME / "fpm.conf").write_text(f"""[global]
error_log = {LOG}/php-fpm.log
daemonize = no
[intranet]
user = www-data
group = www-data
listen = /run/php-intranet.sock
listen.owner = www-data
pm = static
pm.max_children = 3
request_terminate_timeout = {terminate}
catch_workers_output = yes
php_admin_value[error_log] = {LOG}/php-fpm.log
php_admin_flag[log_errors] = on
php_admin_value[max_execution_time] = 4
php_admin_value[memory_limit] = {memory}
""")
    return run(w, "php-fpm.out", "php-fpm8.2", "--nodaemonize", "--fpm-config", str(HOME / "fpm.conf"), user=None, again=False)


def start(w: World) -> dict[str, Process]:
    for path in (TOOLS / "rating").glob("*.class"):
        shutil.copy(path, HOME / "app/rating")
    shutil.copy(TOOLS / "scan", HOME / "app/scan/scan")
    (HOME / "rating.properties").write_text("margin.percent=12\ncurrency=EUR\n")
    for name in ("sessions", "spool"):
        (HOME / name).mkdir()
        shutil.chown(HOME / name, "www-data", "www-data")
    (HOME / "intranet.release").write_text("2.0\n")
    (LOG / "php-fpm.log").touch()
    (LOG / "php-fpm.log").chmod(0o666)
    subprocess.run(["chmod", "1777", "/run/lock"], check=True)
    up = {"dns": dns(w)}
    certificate("carrier", "api.carrier.example")
    up["carrier"] = carrier(w)
    up["redis"] = redis(w)
    up["rating"], up["claims"], up["labels"], up["scan"], up["php"] = rating(w), claims(w), labels(w), scan(w), php(w)
    until("127.0.0.51:8700/health")
    until("127.0.0.52:9300/health")
    until("127.0.0.54:3000/health")
    until("127.0.0.55:8800/health")
    up["lighttpd"] = lighttpd(w)
    until(f"{GATE}/intranet/index.php?page=1")
    until(f"{GATE}/claims/4")
    w.sleep(3)
    w.ready()
    w.measure(10, PROBES)
    strew(w, 1.1, f"{GATE}/rate/#")
    strew(w, 1.2, f"{GATE}/claims/#", first=0.3)
    strew(w, 1.3, f"{GATE}/label/#", first=0.6)
    strew(w, 1.2, f"{GATE}/scan/#", first=0.8)
    strew(w, 1.4, f"{GATE}/intranet/index.php?page=#", first=0.2)
    strew(w, 2.9, f"{GATE}/surcharge/#", first=1.2)
    strew(w, 2.7, f"{GATE}/carrier/#", first=1.9)
    strew(w, 28, f"{GATE}/claims/9000", f"{GATE}/rate/abc", f"{GATE}/favicon.ico", f"{GATE}/label/9999", f"{GATE}/intranet/index.php?page=6000", first=9)
    return up
