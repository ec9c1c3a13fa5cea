"""The clinic's services and job runners: Sanic, Koa, NestJS, Erlang/OTP; Dramatiq, arq, BullMQ, APScheduler; PostgreSQL, Redis, the insurer's API."""

from __future__ import annotations

import subprocess

from common import (
    HOME,
    TOOLS,
    VENV,
    Process,
    World,
    ask,
    port_open,
    postgres,
    redis,
    run,
    strew,
    until,
)

FILES = {"intake.log": "intake", "letters.log": "letters", "reminders.log": "reminders", "roster.log": "roster", "scans.log": "scans",
         "booking.log": "booking", "billing.log": "billing", "meter.log": "meter", "redis.log": "redis", "postgresql.log": "postgresql"}
PROBES = ({"name": "intake", "service": "intake", "http": "http://127.0.0.44:8100/health"},
          {"name": "booking", "service": "booking", "http": "http://127.0.0.45:8200/health"},
          {"name": "billing", "service": "billing", "http": "http://127.0.0.46:8300/health"},
          {"name": "meter", "service": "meter", "http": "http://127.0.0.47:8500/reading/1"},
          {"name": "redis", "service": "redis", "tcp": "127.0.0.12:6379"},
          {"name": "postgresql", "service": "postgresql", "tcp": "127.0.0.11:5432"})
NODE = {"NODE_PATH": str(TOOLS / "node/node_modules"), "NODE_ENV": "production", "NO_COLOR": "1"}


def say(mode: str) -> None:
    """Tell the insurer how to behave."""
    (HOME / "insurer.mode").write_text(mode)


def insurer(w: World) -> Process:
    say("ok")
    started = run(w, "insurer.out", f"{VENV}/python", "insurer.py", again=False)
    port_open("127.0.0.70", 8443)
    return started


def intake(w: World, **env: str) -> Process:
    return run(w, "intake.log", f"{VENV}/python", "-u", "intake.py", **env)


def letters(w: World, **env: str) -> Process:
    return run(w, "letters.log", f"{VENV}/dramatiq", "letters", "--processes", "1", "--threads", "2", PYTHONPATH=str(HOME / "app"), **env)


def reminders(w: World, **env: str) -> Process:
    return run(w, "reminders.log", f"{VENV}/arq", "reminders.WorkerSettings", PYTHONPATH=str(HOME / "app"), **env)


def roster(w: World, **env: str) -> Process:
    return run(w, "roster.log", f"{VENV}/python", "-u", "roster.py", **env)


def node(w: World, name: str, *options: str, **env: str) -> Process:
    return run(w, f"{name}.log", "node", *options, f"{name}.js", cwd=HOME / "app/node", **NODE, **env)


def scans(w: World, **env: str) -> Process:
    return node(w, "scans", **env)


def booking(w: World, *options: str, **env: str) -> Process:
    return node(w, "booking", *options, **env)


def billing(w: World, **env: str) -> Process:
    return node(w, "billing", **env)


def meter(w: World, **env: str) -> Process:
    return run(w, "meter.log", "erl", "-noinput", "-kernel", "logger_level", "info", "-s", "meter", "main", cwd=HOME / "app/meter", **env)


def start(w: World) -> dict[str, Process]:
    for name in ("plans", "meter"):
        (HOME / name).mkdir()
    (HOME / "meter/readings").write_text("".join(f"{17 + n % 9}\n" for n in range(60)))
    w.disk(HOME / "plans", 6, "www-data")
    subprocess.run(["erlc", "meter.erl", "meter_store.erl"], cwd=HOME / "app/meter", check=True)
    up = {"insurer": insurer(w), "postgres": postgres(w), "redis": redis(w)}
    for name in ("intake", "letters", "reminders", "roster", "scans", "booking", "billing", "meter"):
        up[name] = globals()[name](w)
    for path in ("127.0.0.44:8100/visit/3", "127.0.0.45:8200/booking/3", "127.0.0.46:8300/bill/3", "127.0.0.47:8500/reading/3"):
        until(path)
    w.sleep(6)
    w.ready()
    w.measure(10, PROBES)
    strew(w, 1.3, "127.0.0.44:8100/visit/#")
    w.every(1.9, lambda n: ask("127.0.0.44:8100/letter", body={"patient": n % 700}), first=0.4)
    strew(w, 1.4, "127.0.0.45:8200/booking/#", first=0.7)
    strew(w, 1.6, "127.0.0.46:8300/bill/#", first=1.0)
    strew(w, 1.7, "127.0.0.47:8500/reading/#", first=1.3)
    strew(w, 31, "127.0.0.44:8100/visit/90000", "127.0.0.45:8200/favicon.ico", "127.0.0.46:8300/wp-login.php", first=17)
    return up
