"""Metering: InfluxDB and Prometheus with Alertmanager and an exporter; ingest writes, the board reads, the pager is told."""

from __future__ import annotations

import signal
import time

from ground import (
    HOME,
    LOG,
    Any,
    World,
    chore,
    family,
    folder,
    get,
    port_open,
    python,
    quietly,
    sh,
    stop,
    touch,
)

SOURCES = {
    "influxdb.log": "influxdb", "prometheus.log": "prometheus", "alertmanager.log": "alertmanager", "exporter.log": "node-exporter",
    "ingest.log": "ingest", "board.log": "board", "pager.log": "pager",
}
INFLUX = "http://127.0.3.11:8086"
RULES = """groups:
- name: grid
  interval: 5s
  rules:
  - alert: Heartbeat
    expr: vector(1)
    labels: {severity: none}
  - alert: NodeBusy
    expr: node_load1 > 500
    for: 1m
  - record: job:up:sum
    expr: sum by (job) (up)
"""
MANY = """  - record: grid:disk_share
    expr: node_filesystem_avail_bytes / on(instance) node_filesystem_size_bytes
"""


def influx_conf(series: int = 0) -> None:
    (HOME / "influxdb.conf").write_text(
        'reporting-disabled = true\nbind-address = "127.0.3.11:8088"\n[meta]\n  dir = "/srv/shop/influx/meta"\n[data]\n  dir = "/srv/shop/influx/data"\n'
        f'  wal-dir = "/srv/shop/influx/wal"\n  max-series-per-database = {series}\n  query-log-enabled = false\n  cache-snapshot-memory-size = "512k"\n'
        '[http]\n  bind-address = "127.0.3.11:8086"\n  auth-enabled = true\n  log-enabled = true\n[monitor]\n  store-enabled = false\n[logging]\n  format = "logfmt"\n'
    )


def influxdb(world: World, user: str = "influxdb") -> Any:
    one = world.spawn(["influxd", "-config", str(HOME / "influxdb.conf")], log="influxdb.log", user=user)
    port_open("127.0.3.11", 8086, 60)
    return one


def query(text: str) -> None:
    get(f"{INFLUX}/query", "POST", params={"q": text, "u": "root", "p": "ground-wire"})


def rules(more: str = "") -> None:
    (HOME / "rules.yml").write_text(RULES + more)


def prometheus_conf(more: str = "") -> None:
    (HOME / "prometheus.yml").write_text(
        "global: {scrape_interval: 5s, evaluation_interval: 5s}\nrule_files: [/srv/shop/rules.yml]\n"
        "alerting:\n  alertmanagers:\n  - static_configs: [{targets: ['alerts.grid.example:9093']}]\n"
        "scrape_configs:\n- job_name: node\n  static_configs: [{targets: ['node.grid.example:9100']}]\n"
        "- job_name: influx\n  static_configs: [{targets: ['influx.grid.example:8086']}]\n" + more
    )


def prometheus(world: World) -> Any:
    one = world.spawn(
        ["prometheus", f"--config.file={HOME}/prometheus.yml", "--storage.tsdb.path=/srv/shop/tsdb", "--web.listen-address=127.0.3.12:9090",
         "--storage.tsdb.retention.time=2d", "--rules.alert.resend-delay=5s"], log="prometheus.log", user="prometheus")
    port_open("127.0.3.12", 9090, 60)
    return one


def alertmanager(world: World) -> Any:
    one = world.spawn(
        ["prometheus-alertmanager", f"--config.file={HOME}/alertmanager.yml", "--storage.path=/srv/shop/alerts", "--web.listen-address=127.0.3.13:9093",
         "--cluster.listen-address="], log="alertmanager.log", user="prometheus")
    port_open("127.0.3.13", 9093, 60)
    return one


def exporter(world: World) -> Any:
    one = world.spawn(
        ["prometheus-node-exporter", "--web.listen-address=127.0.3.15:9100", "--collector.disable-defaults", "--collector.loadavg",
         "--collector.filesystem", "--collector.meminfo"], log="exporter.log", user="prometheus")
    port_open("127.0.3.15", 9100, 60)
    return one


@family("gauge", SOURCES)
def start(world: World, influx_disk: int = 0, prom_disk: int = 0, series: int = 0) -> dict[str, Any]:
    touch(*SOURCES)
    folder("influx", "influxdb", world, influx_disk)
    folder("tsdb", "prometheus", world, prom_disk)
    folder("alerts", "prometheus", world)
    influx_conf(series)
    rules()
    prometheus_conf()
    (HOME / "rota.txt").write_text("liv\nnoah\n")
    (HOME / "alertmanager.yml").write_text(
        "route: {receiver: pager, group_wait: 1s, group_interval: 5s, repeat_interval: 10s, group_by: [alertname]}\n"
        "receivers:\n- name: pager\n  webhook_configs: [{url: 'http://pager.grid.example:8060/alert', send_resolved: true}]\n"
    )
    run: dict[str, Any] = {"pager": python(world, "pager"), "influxdb": influxdb(world)}
    get(f"{INFLUX}/query", "POST", params={"q": "CREATE USER root WITH PASSWORD 'ground-wire' WITH ALL PRIVILEGES"})
    for text in ("CREATE DATABASE grid", "CREATE USER ingest WITH PASSWORD 'volt-and-watt'", "CREATE USER board WITH PASSWORD 'read-only-eyes'",
                 "GRANT ALL ON grid TO ingest", "GRANT READ ON grid TO board"):
        query(text)
    run["exporter"] = exporter(world)
    run["alertmanager"] = alertmanager(world)
    run["prometheus"] = prometheus(world)
    run["ingest"] = python(world, "ingest")
    run["board"] = python(world, "board")
    port_open("127.0.3.16", 8000)
    world.every(1.1, lambda n: get("http://board.grid.example:8000/" + ("load", "targets", "health", "load?s=1")[n % 4], seconds=6))
    return run


# ── everyday life ────────────────────────────────────────────────────────────────────────────
@chore("gauge")
def person(world: World, run: Any) -> None:
    """a person mistypes InfluxDB's password twice, and then a query"""
    quietly(*[lambda q=q, p=p: get(f"{INFLUX}/query", params={"q": q, "u": "root", "p": p, "db": "grid"})
              for q, p in (("SHOW DATABASES", "groundwire"), ("SHOW DATABASES", "Ground-wire"), ("SELCT 1", "ground-wire"), ("SELECT x FROM lod", "ground-wire"))])


@chore("gauge")
def visitors(world: World, run: Any) -> None:
    """somebody asks for pages that are not there, and a web scanner comes by"""
    quietly(*[lambda p=p, h=h: get(f"http://{h}{p}") for h in ("board.grid.example:8000", "influx.grid.example:8086")
              for p in ("/admin", "/.env", "/login.php", "/wp-login.php")])


@chore("gauge")
def reload_rules(world: World, run: Any) -> None:
    """a rule is added and Prometheus reloaded"""
    rules("  - alert: DiskNearlyFull\n    expr: node_filesystem_avail_bytes / node_filesystem_size_bytes < 0.0001\n")
    run["prometheus"].send_signal(signal.SIGHUP)


@chore("gauge")
def deploy_board(world: World, run: Any) -> None:
    """the board is deployed anew, with two seconds' gap"""
    stop(run["board"])
    time.sleep(2)
    run["board"] = python(world, "board")


@chore("gauge")
def restart_alertmanager(world: World, run: Any) -> None:
    """Alertmanager is upgraded: stopped, and started anew three seconds later"""
    stop(run["alertmanager"])
    time.sleep(3)
    run["alertmanager"] = alertmanager(world)


@chore("gauge")
def backup(world: World, run: Any) -> None:
    """InfluxDB is backed up and its log rotated by copying"""
    sh("influxd backup -portable -database grid -host 127.0.3.11:8088 /srv/shop/backup", seconds=40)
    sh(f"cp {LOG}/influxdb.log {LOG}/influxdb.log.1 && : > {LOG}/influxdb.log")


@chore("gauge")
def restart_influx(world: World, run: Any) -> None:
    """InfluxDB is restarted as one plans it; ingest keeps its readings for the two seconds"""
    stop(run["influxdb"])
    run["influxdb"] = influxdb(world)


@chore("gauge")
def heavy(world: World, run: Any) -> None:
    """an analyst asks for everything, and breaks another such query off"""
    quietly(lambda: get(f"{INFLUX}/query", params={"q": "SELECT * FROM load", "u": "root", "p": "ground-wire", "db": "grid"}, seconds=20),
            lambda: get(f"{INFLUX}/query", params={"q": "SELECT * FROM load", "u": "root", "p": "ground-wire", "db": "grid"}, seconds=0.05))


@chore("gauge")
def upgrade_exporter(world: World, run: Any) -> None:
    """the exporter's package is upgraded; it is away for seven seconds"""
    stop(run["exporter"])
    time.sleep(7)
    run["exporter"] = exporter(world)


@chore("gauge")
def deploy_ingest(world: World, run: Any) -> None:
    """ingest is deployed anew"""
    stop(run["ingest"])
    run["ingest"] = python(world, "ingest")


@chore("gauge")
def pager_blips(world: World, run: Any) -> None:
    """the pager is restarted while an alert is on its way"""
    stop(run["pager"])
    time.sleep(2)
    run["pager"] = python(world, "pager")


@chore("gauge")
def restart_prometheus(world: World, run: Any) -> None:
    """Prometheus is restarted as one plans it"""
    stop(run["prometheus"])
    run["prometheus"] = prometheus(world)
