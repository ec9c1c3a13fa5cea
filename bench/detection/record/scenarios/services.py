"""Services crash, do not start or hang, after a deploy or by themselves."""

from __future__ import annotations

import os
import signal
import time

import programs as p
from breaking import WEB, group
from scenario import scenario
from world import HOME, LOG, World


@scenario(
    "service_crash",
    "shop",
    ("gunicorn.log", "Worker failed to boot|HaltServer|Exception in worker"),
    WEB,
    effects=("error_burst", "external_api_down"),
)
def worker_boot(w: World) -> None:
    """A release with a mistyped import: no worker of gunicorn boots, nginx answers 502."""
    server = p.shop(w, "none")
    p.nginx(w)
    w.ready()
    w.measure(10, p.probes("shop", "nginx"))
    p.visitors(w, logins=False, reports=False)
    w.sleep(20)
    w.breaks()
    source = HOME / "app/shop.py"
    source.write_text(source.read_text().replace("import redis\n", "import redis\nimport shop_discounts\n"))
    server.terminate()
    server.wait(30)
    for _ in range(4):
        w.spawn(
            [
                p.PYTHON,
                "-m",
                "gunicorn",
                "-b",
                "127.0.0.30:8001",
                "-w",
                "2",
                "--threads",
                "4",
                "--error-logfile",
                str(LOG / "gunicorn.log"),
                "shop:app",
            ],
            cwd=HOME / "app",
            log="shop.out",
            env={"SHOP_USES": "none"},
            user="www-data",
        ).wait()
        w.sleep(7)


@scenario(
    "service_crash",
    "nginx",
    ("nginx-error.log", "Address already in use"),
    "nginx-error.log nginx-access.log haproxy.log shop.log",
    effects=("external_api_down", "error_burst"),
)
def port_in_use(w: World) -> None:
    """nginx is restarted while a debugging server sits on its port; it cannot bind."""
    p.rsyslog(w)
    p.shop(w, "none")
    server = p.nginx(w)
    p.haproxy(w)
    w.ready()
    w.measure(10, p.probes("shop", "nginx"))
    p.visitors(w, "127.0.0.21", logins=False, reports=False)
    w.sleep(20)
    w.breaks()
    server.send_signal(signal.SIGQUIT)
    server.wait(20)
    w.spawn(
        [p.PYTHON, "-m", "http.server", "80", "--bind", "127.0.0.20"],
        cwd=HOME / "redis" if (HOME / "redis").exists() else HOME / "nginx",
    )
    time.sleep(1)
    for _ in range(2):
        w.spawn(["nginx", "-c", str(HOME / "nginx/nginx.conf"), "-g", "daemon off;"], log="nginx.out").wait()
        w.sleep(10)
    w.sleep(10)


@scenario(
    "service_crash",
    "nginx",
    ("nginx-error.log", r"\[emerg\]"),
    "nginx-error.log nginx-access.log haproxy.log shop.log",
    also=("error_burst",),
    why_also="a reload with a wrong configuration leaves the old one at work; it is an error, and a crash only at the next start",
    effects=("external_api_down",),
)
def bad_reload(w: World) -> None:
    """nginx is reloaded, then restarted, with a configuration that holds a misspelt directive."""
    p.rsyslog(w)
    p.shop(w, "none")
    server = p.nginx(w)
    p.haproxy(w)
    w.ready()
    w.measure(10, p.probes("shop", "nginx"))
    p.visitors(w, "127.0.0.21", logins=False, reports=False)
    w.sleep(20)
    w.breaks()
    (HOME / "nginx/nginx.conf").write_text(p.nginx_conf("location / { proxy_pas http://shop; }"))
    server.send_signal(signal.SIGHUP)
    w.sleep(8)
    server.send_signal(signal.SIGQUIT)
    server.wait(20)
    for _ in range(2):
        w.spawn(["nginx", "-c", str(HOME / "nginx/nginx.conf"), "-g", "daemon off;"], log="nginx.out").wait()
        w.sleep(10)
    w.sleep(10)


@scenario(
    "service_crash",
    "payment",
    ("payment.out", "Error|throw"),
    WEB + " payment.log payment.out",
    also=("external_api_down",),
    why_also="for the shop, payment is an upstream that is down",
    effects=("error_burst",),
)
def node_unhandled(w: World) -> None:
    """A promise of the payment service is rejected and nobody handles it: Node ends the process, each time."""
    source = HOME / "app/payment.js"
    p.payment(w, ALONE="1")
    p.shop(w, "payment")
    p.nginx(w)
    w.ready()
    w.measure(10, p.probes("shop", "nginx", "payment"))
    p.visitors(w, logins=False, reports=False)
    w.sleep(20)
    w.breaks()
    source.write_text(
        source.read_text()
        + "\nsetTimeout(() => { Promise.reject(new Error('exchange rate for CHF is missing')); }, 1500);\n"
    )
    for each in w.processes:
        if each.args[0] == "node":  # type: ignore[index]
            each.terminate()
            each.wait(10)
    for _ in range(4):
        w.spawn(
            ["node", "payment.js"], cwd=HOME / "app", log="payment.out", env={"ALONE": "1"}, user="www-data"
        ).wait()
        w.sleep(6)


@scenario(
    "error_burst",
    "shop",
    ("shop.log", "Permission denied"),
    WEB,
    also=("service_crash",),
    why_also="a part of the application does not work any more",
    effects=("external_api_down",),
)
def permission_denied(w: World) -> None:
    """A deploy as root leaves the shop's price list unreadable to it; each product page fails."""
    source = HOME / "app/shop.py"
    source.write_text(
        source.read_text().replace(
            '    key = f"product:{number}"',
            "    open('/srv/shop/app/prices.csv').close()\n    key = f\"product:{number}\"",
        )
    )
    (HOME / "app/prices.csv").write_text("1;2.50\n")
    p.shop(w, "none")
    p.nginx(w)
    w.ready()
    w.measure(10, p.probes("shop", "nginx"))
    p.visitors(w, logins=False, reports=False)
    w.sleep(20)
    w.breaks()
    (HOME / "app/prices.csv").chmod(0o600)
    w.every(0.6, lambda n: p.get(f"/product/{n % 200}"))
    w.sleep(45)


@scenario(
    "service_crash",
    "shop",
    ("points", "probe.up", "shop", lambda one: one["v"] == 0),
    "shop.log gunicorn.log",
    kind="metrics",
    effects=("external_api_down",),
    silent=True,
)
def shop_hangs(w: World) -> None:
    """The shop hangs (SIGSTOP): no log at all, only its health check fails."""
    server = p.shop(w, "none")
    w.ready()
    w.measure(10, p.probes("shop"))
    p.visitors(w, "127.0.0.30", 8001, logins=False, reports=False)
    w.sleep(20)
    w.breaks()
    group(server, signal.SIGSTOP)
    w.sleep(45)


@scenario(
    "service_crash",
    "billing",
    ("points", "probe.up", "billing", lambda one: one["v"] == 0),
    "billing.log postgresql.log",
    kind="metrics",
    effects=("external_api_down",),
    silent=True,
)
def billing_killed(w: World) -> None:
    """The JVM is killed with SIGKILL between two requests; nobody calls it, only its health check fails."""
    p.postgres(w)
    server = p.billing(w)
    w.ready()
    w.measure(10, p.probes("billing", "postgresql"))
    w.sleep(20)
    w.breaks()
    os.kill(server.pid, signal.SIGKILL)
    w.sleep(40)
