"""The web site of a campus: nginx, Flask under gunicorn, a Go service, a JVM, a Node service, PostgreSQL with a standby, memcached."""

from __future__ import annotations

import itertools
import shutil
import subprocess
from pathlib import Path

from common import (
    HOME,
    LOG,
    PG,
    TOOLS,
    VENV,
    Process,
    World,
    ask,
    certificate,
    dns,
    end,
    port_open,
    postgres,
    quiet,
    run,
    shell,
    strew,
    until,
)

FILES = {"nginx-access.log": "nginx", "nginx-error.log": "nginx", "enroll.log": "enroll", "catalog.log": "catalog", "grades.log": "grades",
         "portal.log": "portal", "postgresql.log": "postgresql", "standby.log": "postgresql-standby"}
PROBES = ({"name": "nginx", "service": "nginx", "http": "http://127.0.0.20:80/ping"},
          {"name": "enroll", "service": "enroll", "http": "http://127.0.0.41:8410/health"},
          {"name": "catalog", "service": "catalog", "http": "http://127.0.0.42:8420/health"},
          {"name": "grades", "service": "grades", "http": "http://127.0.0.43:8430/health"},
          {"name": "portal", "service": "portal", "http": "http://127.0.0.44:8440/health"},
          {"name": "postgresql", "service": "postgresql", "tcp": "127.0.0.11:5432"},
          {"name": "memcached", "service": "memcached", "tcp": "127.0.0.12:11211"})
WWW = "127.0.0.20"
SHARE = Path("/usr/share/java")
JARS = ("HikariCP", "postgresql", "slf4j-api", "slf4j-jdk14")
CONFIG = f"""user www-data;
worker_processes 1;
pid /run/nginx.pid;
error_log {LOG}/nginx-error.log warn;
events {{ worker_connections 256; }}
http {{
  log_format timed '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent" rt=$request_time';
  access_log {LOG}/nginx-access.log timed;
  proxy_connect_timeout 3s; proxy_read_timeout 10s;
  server {{
    listen {WWW}:80;
    server_name www.campus.example;
    location /enroll/ {{ proxy_pass http://enroll.campus.internal:8410; }}
    location /catalog/ {{ proxy_pass http://catalog.campus.internal:8420; }}
    location /grades/ {{ proxy_pass http://grades.campus.internal:8430; }}
    location /portal/ {{ proxy_pass http://portal.campus.internal:8440; }}
    location / {{ root {HOME}/www; }}
  }}
}}
"""


def config(text: str = CONFIG) -> None:
    (HOME / "nginx").mkdir(exist_ok=True)
    (HOME / "nginx/nginx.conf").write_text(text)


def nginx(w: World) -> Process:
    """Start nginx; what it says before it has a log goes where its log is, as its unit would have it."""
    return run(w, "nginx-error.log", "nginx", "-c", str(HOME / "nginx/nginx.conf"), "-g", "daemon off;", user=None, again=False)


def reload() -> None:
    shell(f"nginx -c {HOME}/nginx/nginx.conf -s reload 2>>{LOG}/nginx-error.log")


def enroll(w: World, *more: str, **env: str) -> Process:
    return run(w, "enroll.log", f"{VENV}/gunicorn", "--bind", "127.0.0.41:8410", "--workers", "2", "--threads", "4", "--timeout", "20", "--graceful-timeout", "3", *more, "enroll:app",
               cwd=HOME / "app/enroll", HOME="/tmp", **env)


def catalog(w: World, files: int = 0, **env: str) -> Process:
    limit = ("prlimit", f"--nofile={files}") if files else ()
    return run(w, "catalog.log", *limit, str(TOOLS / "bin/catalog"), cwd=HOME, CATALOG_CONFIG=str(HOME / "catalog.json"), **env)


def grades(w: World, heap: str = "96m", **env: str) -> Process:
    path = ":".join([str(TOOLS / "grades"), *(str(SHARE / f"{each}.jar") for each in JARS)])
    return run(w, "grades.log", "java", f"-Xmx{heap}", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", path, "Grades", **env)


def portal(w: World, **env: str) -> Process:
    return run(w, "portal.log", "node", "portal.js", cwd=HOME / "app/portal", NODE_PATH=str(TOOLS / "node/node_modules"), **env)


def memcached(w: World) -> Process:
    started = run(w, "memcached.out", "memcached", "-l", "127.0.0.12", "-m", "16", "-u", "memcache", user=None, again=False)
    port_open("127.0.0.12", 11211)
    return started


def bank(w: World, mode: str = "ok", of: str = "bank") -> Process:
    say(mode)
    started = run(w, "bank.out", f"{VENV}/python", "bank.py", str(HOME / f"tls/{of}"), str(HOME / "bank.mode"), user=None, again=False)
    port_open("127.0.0.70", 443)
    return started


def say(mode: str) -> None:
    """Tell the bank how to behave."""
    (HOME / "bank.mode").write_text(mode)


def sso(w: World, *before: str, **env: str) -> Process:
    return run(w, "sso.out", *before, f"{VENV}/python", "sso.py", **env)


def standby(w: World, fresh: bool = True) -> Process:
    """A standby that streams from the primary."""
    if fresh:
        (HOME / "standby").mkdir(mode=0o700)
        shutil.chown(HOME / "standby", "postgres", "postgres")
        quiet(str(PG / "pg_basebackup"), "-h", "/run/postgresql", "-U", "postgres", "-D", str(HOME / "standby"), "-R", "-c", "fast",
              user="postgres", group="postgres", extra_groups=[])
    return postgres(w, "hot_standby=on", folder="standby", address="127.0.0.15", log="standby.log", fresh=False)


def build() -> None:
    """Compile the catalog and the grades once, for all worlds."""
    if not (TOOLS / "bin/catalog").exists():
        (TOOLS / "bin").mkdir(exist_ok=True)
        subprocess.run([f"{VENV}/go", "build", "-trimpath", "-o", str(TOOLS / "bin"), "."], cwd=HOME / "app/catalog", check=True,
                       env={"PATH": "/usr/bin:/bin", "GOCACHE": str(TOOLS / "gocache"), "GOFLAGS": "-mod=mod", "HOME": "/tmp", "CGO_ENABLED": "0"})
    if not (TOOLS / "grades/Grades.class").exists():
        (TOOLS / "grades").mkdir(exist_ok=True)
        subprocess.run(["javac", "-cp", ":".join(str(SHARE / f"{each}.jar") for each in JARS), "-d", str(TOOLS / "grades"), str(HOME / "app/grades/Grades.java")], check=True)


def start(w: World, data_mb: int = 0) -> dict[str, Process]:
    build()
    (HOME / "www").mkdir()
    (HOME / "www/ping").write_text("pong\n")
    (HOME / "cover.jpg").write_bytes(b"\xff\xd8\xff\xe0 cover")
    (HOME / "catalog.json").write_text(f'{{"listen": "127.0.0.42:8420", "books": 900, "covers": "{HOME}/cover.jpg"}}\n')
    config()
    certificate("bank", "pay.bank.example")
    if data_mb:
        shutil.chown(w.disk(HOME / "pg", data_mb, "postgres"), "postgres", "postgres")
    up = {"postgres": postgres(w), "memcached": memcached(w), "dns": dns(w), "bank": bank(w), "sso": sso(w)}
    up |= {"standby": standby(w), "grades": grades(w), "enroll": enroll(w), "catalog": catalog(w), "portal": portal(w), "nginx": nginx(w)}
    port_open(WWW, 80)
    for path in ("enroll/courses", "catalog/7", "grades/7", "portal/me/7", "portal/fees/7"):
        until(f"{WWW}/{path}")
    w.sleep(3)
    w.ready()
    w.measure(10, PROBES)
    students = itertools.count(3)
    strew(w, 1.3, f"{WWW}/enroll/course/7", f"{WWW}/enroll/course/112", f"{WWW}/enroll/courses")
    w.every(3.1, lambda n: ask(f"{WWW}/enroll/sign-up", body={"student": next(students) * 11 % 700, "course": n * 7 % 199 + 1}), first=0.4)
    strew(w, 1.4, f"{WWW}/catalog/#", first=0.7)
    strew(w, 1.5, f"{WWW}/grades/#", first=1.0)
    w.every(1.9, lambda n: ask(f"{WWW}/portal/me/{n * 13 % 700}"), first=0.2)
    w.every(3.7, lambda n: ask(f"{WWW}/portal/fees/{n * 13 % 700}"), first=1.6)
    strew(w, 27, f"{WWW}/favicon.ico", f"{WWW}/enroll/course/9000", f"{WWW}/catalog/old", f"{WWW}/grades/none", first=13)
    return up


def anew(w: World, up: dict[str, Process], name: str, *more: str, **env: str) -> None:
    """Deploy a service: it ends, and its release begins."""
    end(up[name])
    up[name] = globals()[name](w, *more, **env)


def crowd(w: World, path: str, people: int = 4, seconds: float = 1.0) -> None:
    """More people who ask for the same."""
    for each in range(people):
        w.every(seconds, lambda n: ask(f"{WWW}/{path}".replace("#", str(n * 11 % 900 + 1)), timeout=30), first=each * 0.2)
