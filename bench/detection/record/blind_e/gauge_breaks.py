"""Failures of metering."""

from __future__ import annotations

import signal
import time

from gauge import MANY, prometheus_conf, query, rules
from ground import HOME, Any, World, case, kill, python, sh, stop

ERRORS = ("error_burst", "external_api_down")


@case("gauge", "service_crash", "influxdb", ("ingest.log", "refused|RemoteDisconnected|aborted"), silent=True, also=("database_failure",),
      why_also="a data store that is gone, told by its clients")
def influx_killed(world: World, run: Any) -> None:
    """InfluxDB is killed and does not come back."""
    kill(run["influxdb"])


@case("gauge", "service_crash", "influxdb ingest board", ("ingest.log", "timed out"), silent=True, also=("database_failure", "network_failure"),
      why_also="from a client, a frozen store and one behind a broken network look alike")
def influx_frozen(world: World, run: Any) -> None:
    """InfluxDB hangs: it takes connections and answers nothing."""
    kill(run["influxdb"], signal.SIGSTOP)


@case("gauge", "disk_full", "influxdb", ("ingest.log", "no space left"), options={"influx_disk": 40},
      effects=("error_burst", "external_api_down", "database_failure", "service_crash"))
def influx_disk_full(world: World, run: Any) -> None:
    """Somebody copies an archive to the disk of InfluxDB until nothing is left; writes fail."""
    sh("dd if=/dev/zero of=/srv/shop/influx/archive.tar bs=64k")


@case("gauge", "auth_failures", "influxdb ingest", ("ingest.log", "401"), effects=ERRORS)
def influx_password_rotated(world: World, run: Any) -> None:
    """The password of ingest is rotated in InfluxDB and not where ingest has it."""
    query("SET PASSWORD FOR ingest = 'ampere-and-ohm'")


@case("gauge", "auth_failures", "influxdb board", ("board.log", "403|not authorized"), effects=ERRORS, also=("error_burst", "database_failure"),
      why_also="a right that is missing: the store answers, and refuses")
def influx_right_revoked(world: World, run: Any) -> None:
    """An operator revokes the board's right to read the database."""
    query("REVOKE READ ON grid FROM board")


@case("gauge", "error_burst", "influxdb ingest", ("ingest.log", "max-series-per-database"), options={"series": 600},
      also=("database_failure", "rate_limited"), why_also="a limit of the store keeps readings out: no word of the vocabulary means that")
def influx_series_used_up(world: World, run: Any) -> None:
    """A deploy of ingest puts a trace number into a tag; the database has as many series as it may and drops the readings."""
    stop(run["ingest"])
    run["ingest"] = python(world, "ingest", TRACE_TAG="1")


@case("gauge", "database_failure", "influxdb ingest board", ("ingest.log", "database not found"), effects=ERRORS, also=("error_burst",),
      why_also="the database is not there any more")
def influx_database_dropped(world: World, run: Any) -> None:
    """An operator drops the database in use instead of the one for tests."""
    query("DROP DATABASE grid")


@case("gauge", "service_crash", "influxdb", ("influxdb.log", "permission denied"), effects=("error_burst", "external_api_down", "database_failure"),
      also=("database_failure",), why_also="the store does not start")
def influx_wrong_owner(world: World, run: Any) -> None:
    """After an upgrade the data belong to root; InfluxDB does not start, however often it is tried."""
    stop(run["influxdb"])
    sh("chown -R root:root /srv/shop/influx; chmod -R go-rwx /srv/shop/influx")
    for _ in range(8):
        world.spawn(["influxd", "-config", str(HOME / "influxdb.conf")], log="influxdb.log", user="influxdb").wait(20)
        time.sleep(4)


@case("gauge", "disk_full", "prometheus", ("prometheus.log", "no space left"), options={"prom_disk": 24}, effects=("error_burst", "service_crash", "database_failure"), after=110)
def prometheus_disk_full(world: World, run: Any) -> None:
    """The disk of Prometheus is filled by a snapshot; it can write no sample any more."""
    sh("dd if=/dev/zero of=/srv/shop/tsdb/snapshot.tar bs=1k")


@case("gauge", "service_crash", "alertmanager", ("prometheus.log", "(?i)error sending alert"), silent=True, also=("external_api_down",),
      why_also="told by Prometheus, which cannot send alerts")
def alertmanager_killed(world: World, run: Any) -> None:
    """Alertmanager is killed; Prometheus has nobody to tell."""
    kill(run["alertmanager"])


@case("gauge", "error_burst", "prometheus", ("prometheus.log", "(?i)evaluating rule failed"))
def rule_matches_many(world: World, run: Any) -> None:
    """A deploy of rules brings one whose match is not unique; it fails at every evaluation."""
    rules(MANY)
    run["prometheus"].send_signal(signal.SIGHUP)


@case("gauge", "error_burst", "prometheus", ("prometheus.log", "(?i)error (re)?loading config|level=error"), also=("service_crash",),
      why_also="Prometheus runs on with the old configuration, each try to load the new one fails")
def prometheus_config_broken(world: World, run: Any) -> None:
    """A deploy brings a configuration that does not parse; the reload is tried again and again."""
    prometheus_conf("- job_name: node\n  scrape_intervall: 5s\n")
    for _ in range(7):
        run["prometheus"].send_signal(signal.SIGHUP)
        time.sleep(7)


@case("gauge", "error_burst", "pager", ("pager.log", "(?i)exception on"), also=("external_api_down",), effects=("external_api_down",),
      why_also="Alertmanager sees an endpoint that answers 500")
def pager_fails(world: World, run: Any) -> None:
    """The rota is deployed to another place; the pager answers every alert with 500."""
    (HOME / "rota.txt").rename(HOME / "rota.old")


@case("gauge", "service_crash", "pager", ("alertmanager.log", "(?i)refused"), silent=True, also=("external_api_down",),
      why_also="told by Alertmanager, whose notifications fail")
def pager_killed(world: World, run: Any) -> None:
    """The pager is killed; nobody is told of alerts."""
    kill(run["pager"])


@case("gauge", "service_crash", "node-exporter", ("board.log", "target is down"), silent=True, also=("external_api_down", "error_burst"),
      why_also="Prometheus says nothing; the board warns of a target that is down", after=75)
def exporter_killed(world: World, run: Any) -> None:
    """The exporter is killed; its target stays down."""
    kill(run["exporter"])


@case("gauge", "network_failure", "influxdb ingest board", ("ingest.log", "(?i)timed out|no route"), silent=True, also=("service_crash", "external_api_down", "database_failure"),
      why_also="from a client, a store that is gone and one that cannot be reached look alike")
def influx_dropped(world: World, run: Any) -> None:
    """A firewall rule drops all that goes to InfluxDB."""
    sh("iptables -A INPUT -d 127.0.3.11 -p tcp --dport 8086 -j DROP")


@case("gauge", "error_burst", "alertmanager prometheus", ("alertmanager.log", "(?i)failed|error"), also=("service_crash", "external_api_down"),
      why_also="Alertmanager does not start with its new configuration; Prometheus cannot reach it")
def alertmanager_config_broken(world: World, run: Any) -> None:
    """A deploy of Alertmanager names a receiver that is not there; it ends at every start."""
    path = HOME / "alertmanager.yml"
    path.write_text(path.read_text().replace("route: {receiver: pager", "route: {receiver: oncall"))
    stop(run["alertmanager"])
    for _ in range(6):
        world.spawn(["prometheus-alertmanager", f"--config.file={path}", "--storage.path=/srv/shop/alerts", "--web.listen-address=127.0.3.13:9093",
                     "--cluster.listen-address="], log="alertmanager.log", user="prometheus").wait(20)
        time.sleep(5)
