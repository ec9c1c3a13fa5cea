"""The ticket site: nginx, Django under gunicorn, Celery, FastAPI, PostgreSQL, Redis, and a client of the partner's API."""

from __future__ import annotations

import shutil

from common import (
    FRONT,
    HOME,
    VENV,
    World,
    certificate,
    dns,
    get,
    nginx,
    partner,
    port_open,
    postgres,
    proxied,
    quiet,
    redis,
    run,
    sql,
    until,
)

FILES = {**FRONT, "site.log": "site", "celery.log": "celery", "pricing.log": "pricing", "sync.log": "sync",
         "postgresql.log": "postgresql", "redis.log": "redis"}
PROBES = ({"name": "site", "service": "site", "http": "http://127.0.0.30:8000/health"},
          {"name": "pricing", "service": "pricing", "http": "http://127.0.0.31:8100/health"},
          {"name": "postgresql", "service": "postgresql", "tcp": "127.0.0.11:5432"},
          {"name": "redis", "service": "redis", "tcp": "127.0.0.12:6379"})


def site(w: World, **env: str):
    folder = HOME / ".gunicorn"
    folder.mkdir(exist_ok=True)
    shutil.chown(folder, "www-data", "www-data")
    started = run(w, "site.log", f"{VENV}/gunicorn", "-b", "127.0.0.30:8000", "-w", "2", "--threads", "3", "-t", "20", "--graceful-timeout", "5",
                  "--access-logfile", "/dev/null", "site_wsgi:application", again=True, **env)
    return started


def pricing(w: World, **env: str):
    return run(w, "pricing.log", f"{VENV}/uvicorn", "--host", "127.0.0.31", "--port", "8100", "pricing:app", again=True, **env)


def celery(w: World):
    return run(w, "celery.log", f"{VENV}/celery", "-A", "tickets.tasks", "worker", "-l", "INFO", "-c", "2", "-n", "office@%h", again=True)


def sync(w: World):
    return run(w, "sync.log", f"{VENV}/python", "-u", "sync.py", again=True)


def start(w: World) -> dict:
    """Bring up all of it with its load; returns the processes by name."""
    up = {"dns": dns(w)}
    certificate("partner", names=("api.partner.example", "auth.partner.example"))
    up["partner"] = partner(w)
    up["postgresql"] = postgres(w)
    up["redis"] = redis(w)
    quiet(f"{VENV}/python", "manage.py", "migrate", cwd=HOME / "app")
    sql("create table prices (id int primary key, price numeric)",
        "insert into prices select n, 20 + n % 50 from generate_series(1, 120) n", "grant select on prices to office")
    up["site"], up["pricing"], up["celery"], up["sync"] = site(w), pricing(w), celery(w), sync(w)
    until("127.0.0.30:8000/health")
    until("127.0.0.31:8100/health")
    up["nginx"] = nginx(w, proxied("/", "127.0.0.30:8000"))
    port_open("127.0.0.20", 80)
    w.sleep(3)
    w.ready()
    w.measure(10, PROBES)
    w.every(0.7, lambda n: get(f"127.0.0.20/event/{n * 7 % 120 + 1}"))
    w.every(1.6, lambda n: get("127.0.0.20/book", body={"event": n % 120 + 1, "buyer": f"Person {n}"}), first=0.5)
    w.every(1.3, lambda n: get(f"127.0.0.20/price/{n % 97}"), first=0.9)
    w.every(23, lambda n: get("127.0.0.20/event/4711" if n % 2 else "127.0.0.20/favicon.ico"), first=9)
    w.every(61, lambda n: get("127.0.0.20/book", body={}), first=30)
    w.every(47, lambda n: get("127.0.0.20/statistics"), first=12)
    return up
