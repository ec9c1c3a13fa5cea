"""The newer services: nginx, Flask under waitress, Fastify, a Rust service, an RQ worker, PostgreSQL, Redis, the carrier's API."""

from __future__ import annotations

import subprocess

from common import (
    HOME,
    LOG,
    TOOLS,
    VENV,
    Process,
    World,
    ask,
    carrier,
    certificate,
    dns,
    port_open,
    postgres,
    redis,
    run,
    strew,
    until,
)

FILES = {"gate-access.json": "nginx", "gate-error.log": "nginx", "waybill.log": "waybill", "portal.log": "portal", "weigh.log": "weigh",
         "labels-worker.log": "labels-worker", "queue.log": "labels-worker", "postgresql.log": "postgresql", "redis.log": "redis"}
PROBES = ({"name": "waybill", "service": "waybill", "http": "http://127.0.0.41:8400/health"},
          {"name": "portal", "service": "portal", "http": "http://127.0.0.42:8500/health"},
          {"name": "weigh", "service": "weigh", "http": "http://127.0.0.43:8600/health"},
          {"name": "postgresql", "service": "postgresql", "tcp": "127.0.0.11:5432"})
GATE = "127.0.0.20"


def gate(w: World, portal: str = "127.0.0.42:8500") -> Process:
    gate_config(portal)
    for name in ("gate-access.json", "gate-error.log"):
        (LOG / name).touch()
        (LOG / name).chmod(0o666)
    started = run(w, "nginx.out", "nginx", "-c", str(HOME / "nginx/nginx.conf"), "-g", "daemon off;", user=None, again=False)
    port_open(GATE, 80)
    return started


def gate_config(portal: str) -> None:
    (HOME / "nginx").mkdir(exist_ok=True)
    (HOME / "static").mkdir(exist_ok=True)
    (HOME / "static/app.css").write_text("body { margin: 0 }\n")
    (HOME / "nginx/nginx.conf").write_text(f"""user www-data;
worker_processes 1;
pid /run/nginx.pid;
error_log {LOG}/gate-error.log warn;
events {{ worker_connections 256; }}
http {{
  log_format json escape=json '{{"time":"$time_iso8601","remote_addr":"$remote_addr","method":"$request_method","uri":"$request_uri",'
    '"status":$status,"bytes":$body_bytes_sent,"request_time":$request_time,"upstream":"$upstream_addr","agent":"$http_user_agent"}}';
  access_log {LOG}/gate-access.json json;
  types {{ text/css css; }}
  proxy_connect_timeout 3s; proxy_read_timeout 7s;
  server {{ listen {GATE}:80; server_name gate.freight.internal;
    location /portal/ {{ proxy_pass http://{portal}; }}
    location /static/ {{ root {HOME}; }}
    location / {{ proxy_pass http://127.0.0.41:8400; }}
  }}
}}
""")


def waybill(w: World, *limit: str, **env: str) -> Process:
    return run(w, "waybill.log", *limit, f"{VENV}/python", "-u", "waybill.py", **env)


def portal(w: World, script: str = "server.js", **env: str) -> Process:
    return run(w, "portal.log", "node", script, cwd=HOME / "app/portal", NODE_PATH=str(TOOLS / "node/node_modules"), NODE_ENV="production", **env)


def weigh(w: World, **env: str) -> Process:
    return run(w, "weigh.log", str(HOME / "app/weigh/weigh"), **env)


def worker(w: World, **env: str) -> Process:
    return run(w, "labels-worker.log", f"{VENV}/rq", "worker", "--url", "redis://kv1.freight.internal:6379", "labels", PYTHONPATH=str(HOME / "app"), **env)


def start(w: World, scans_mb: int = 300, rate: float = 1.0) -> dict[str, Process]:
    subprocess.run(["cp", str(TOOLS / "weigh"), str(HOME / "app/weigh/weigh")], check=True)
    w.disk(HOME / "scans", scans_mb, "www-data")
    up = {"dns": dns(w)}
    certificate("carrier", "api.carrier.example")
    certificate("client", "freight")
    up["carrier"] = carrier(w)
    up["postgres"], up["redis"] = postgres(w), redis(w)
    up["weigh"], up["waybill"], up["portal"], up["worker"] = weigh(w), waybill(w), portal(w), worker(w)
    up["depth"] = run(w, "queue.log", f"{VENV}/python", "-u", "depth.py")
    until("127.0.0.43:8600/health")
    until("127.0.0.41:8400/health")
    until("127.0.0.42:8500/health")
    up["gate"] = gate(w)
    until(f"{GATE}/waybill/1")
    w.sleep(3)
    w.ready()
    w.measure(10, PROBES)
    strew(w, 0.9 * rate, f"{GATE}/waybill/#")
    strew(w, 1.0 * rate, f"{GATE}/portal/parcels/#", first=0.4)
    strew(w, 2.3 * rate, f"{GATE}/surcharge/#", first=0.7)
    strew(w, 3.1 * rate, f"{GATE}/portal/waybill/#", f"{GATE}/static/app.css", first=1.1)
    w.every(4.0 * rate, lambda n: ask(f"{GATE}/waybill", body={"country": "NL", "weight": n % 90}), first=2)
    w.every(9.0 * rate, lambda n: ask(f"{GATE}/portal/parcels", body={"sender": f"sender {n}"}), first=5)
    strew(w, 26, f"{GATE}/waybill/90000", f"{GATE}/favicon.ico", f"{GATE}/portal/parcels/80000", first=11)
    return up
