"""Halls: nginx, an Express application, a Go service, Redis, and the partner's API behind both."""

from __future__ import annotations

import subprocess

from common import FRONT, HOME, World, certificate, dns, get, nginx, partner, proxied, redis, run, until

FILES = {**FRONT, "seats.log": "seats", "geo.log": "geo", "redis.log": "redis"}
PROBES = ({"name": "seats", "service": "seats", "http": "http://127.0.0.32:8200/health"},
          {"name": "geo", "service": "geo", "http": "http://127.0.0.33:8300/health"},
          {"name": "redis", "service": "redis", "tcp": "127.0.0.12:6379"})
MODULES = "/opt/tickets/node/node_modules"


def seats(w: World, *options: str, files: int = 0, **env: str):
    limit = ("prlimit", f"--nofile={files}") if files else ()
    return run(w, "seats.log", *limit, "node", *options, "server.js", cwd=HOME / "app/seats", again=True, NODE_PATH=MODULES, **env)


def geo(w: World, *limit: str, **env: str):
    return run(w, "geo.log", *limit, str(HOME / "app/geo/geo"), again=True, **env)


def start(w: World) -> dict:
    up = {"dns": dns(w)}
    certificate("partner", names=("api.partner.example", "auth.partner.example"))
    up["partner"] = partner(w)
    binary = HOME / "app/geo/geo"
    subprocess.run(["cp", "/opt/tickets/geo", str(binary)], check=True)
    up["redis"] = redis(w)
    up["geo"], up["seats"] = geo(w), seats(w)
    until("127.0.0.33:8300/health")
    until("127.0.0.32:8200/health")
    up["nginx"] = nginx(w, proxied("/", "127.0.0.32:8200"))
    w.sleep(3)
    w.ready()
    w.measure(10, PROBES)
    w.every(0.6, lambda n: get(f"127.0.0.20/seats/{n * 7 % 120}"))
    w.every(1.1, lambda n: get(f"127.0.0.20/near/{10000 + n * 7 % 997}"), first=0.4)
    w.every(29, lambda n: get("127.0.0.20/seats/900" if n % 2 else "127.0.0.20/favicon.ico"), first=9)
    w.every(67, lambda n: get("127.0.0.33:8300/near/abc"), first=33)
    return up

