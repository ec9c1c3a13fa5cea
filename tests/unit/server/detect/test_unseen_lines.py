"""Outages in formats and words that hide them, each after 25 minutes that were well: what comes out of them.

Of the same software the normal lines are quiet, and one failure among them is no incident.
"""
from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sra_cli.analyze import analyze_files

BEGIN = datetime(2026, 11, 25, 8, tzinfo=UTC)
NOW = int((BEGIN + timedelta(days=1)).timestamp()) * 1_000_000
WELL = 25 * 60
#: A line, by when it is written.
Line = Callable[[datetime], str]


@dataclass(frozen=True)
class Case:
    """Every sixth second a line while all is well, every second second one while it is not."""

    name: str
    cls: str
    good: Line
    bad: Line
    head: tuple[str, ...] = ()
    every: int = 6
    rate: int = 2
    lasts: int = 180


def _balanced(status: int, target: str) -> Line:
    return lambda t: (
        f'https {t:%Y-%m-%dT%H:%M:%S}.123456Z app/shop/50dc6c495c0c9188 203.0.113.9:{40000 + t.second} '
        f'{"10.0.1.7:8080 0.001 0.024 0.000" if target != "-" else "- -1 -1 -1"} {status} {target} 34 12 '
        '"GET https://shop.example:443/cart HTTP/1.1" "Mozilla/5.0" ECDHE TLSv1.2 arn "Root=1-58" '
        f'"shop.example" "arn:aws:acm" 0 {t:%Y-%m-%dT%H:%M:%S}.100000Z "forward" "-" "-" "-" "-" "-" "-"')


def _classic(status: int) -> Line:
    return lambda t: (f'{t:%Y-%m-%dT%H:%M:%S}.123456Z shop-lb 203.0.113.9:2817 10.0.0.7:80 0.00007 0.001 '
                      f'0.0001 {status} {status} 0 29 "GET http://shop.example:80/ HTTP/1.1" "curl/8" - -')


_EDGE_HEAD = ("#Version: 1.0", "#Fields: date time x-edge-location sc-bytes c-ip cs-method cs(Host) "
              "cs-uri-stem sc-status cs(Referer) cs(User-Agent) cs-uri-query")


def _edge(status: int) -> Line:
    return lambda t: "\t".join((f"{t:%Y-%m-%d}", f"{t:%H:%M:%S}", "FRA56-P4", "2390", "203.0.113.9", "GET",
                                "d1.cloudfront.net", "/cart", str(status), "-", "Mozilla/5.0%20(X11)", "-"))


def _iis(status: int) -> Line:
    return lambda t: (f"{t:%Y-%m-%d %H:%M:%S} 10.0.0.7 GET /cart/view.aspx id={t.second} 443 - 203.0.113.9 "
                      f"Mozilla/5.0+(X11) - {status} 0 0 {t.second}")


_IIS_HEAD = ("#Software: Microsoft Internet Information Services 10.0", "#Fields: date time s-ip cs-method "
             "cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) cs(Referer) sc-status "
             "sc-substatus sc-win32-status time-taken")


def _caddy(status: int) -> Line:
    return lambda t: json.dumps({
        "level": "info", "ts": t.timestamp(), "logger": "http.log.access.log0", "msg": "handled request",
        "request": {"remote_ip": "203.0.113.9", "client_ip": "203.0.113.9", "method": "GET",
                    "host": "shop.example", "uri": "/cart"}, "duration": 0.001, "size": 0, "status": status})


def _envoy(status: int) -> Line:
    return lambda t: json.dumps({
        "start_time": f"{t:%Y-%m-%dT%H:%M:%S}.123Z", "method": "GET", "path": "/cart",
        "response_code": status, "response_flags": "-",
        "downstream_remote_address": "203.0.113.9:4000"})


def _cloud(status: int) -> Line:
    return lambda t: json.dumps({
        "httpRequest": {"requestMethod": "GET", "requestUrl": "https://shop.example/cart", "status": status},
        "severity": "INFO", "timestamp": f"{t:%Y-%m-%dT%H:%M:%SZ}"})


def _go(text: str) -> Line:
    return lambda t: f"{t:%Y/%m/%d %H:%M:%S} {text}"


def _syslog(program: str, text: str) -> Line:
    return lambda t: f"{t:%b %e %H:%M:%S} web-1 {program}[{t:%H%M%S}]: {text}"


def _spring(level: str, text: str) -> Line:
    return lambda t: f"{t:%Y-%m-%d %H:%M:%S}.123 {level:>5} 1 --- [nio-1] c.shop.Orders : {text}"


def _python(level: str, text: str) -> Line:
    return lambda t: f"{t:%Y-%m-%d %H:%M:%S},123 {level} shop: {text}"


def _pino(level: int, text: str) -> Line:
    return lambda t: json.dumps({"level": level, "time": int(t.timestamp() * 1000), "pid": 7,
                                 "hostname": "web-1", "msg": text})


def _elixir(level: str, text: str) -> Line:
    return lambda t: f"{t:%H:%M:%S}.123 request_id=F1 [{level}] {text}"


def _telegraf(level: str, text: str) -> Line:
    return lambda t: f"{t:%Y-%m-%dT%H:%M:%SZ} {level}! [outputs.influxdb] {text}"


def _airflow(text: str) -> Line:
    return lambda t: f"[{t:%Y-%m-%dT%H:%M:%S}.123+0000] {{dagrun.py:796}} {text}"


def _run(level: str, became: str) -> Line:
    return _airflow(f"{level} - Marking run <DagRun load @ 2026-11-25 07:00:00+00:00: scheduled__1, "
                    f"state:running> {became}")


def _ansible(text: str) -> Line:
    return lambda t: f"{t:%Y-%m-%d %H:%M:%S},123 p=812 u=root n=ansible | {text}"


_STORED, _PAID = _go("order 4711 stored, 3 items"), _syslog("shop", "order 4711 paid")
_SPRING, _PYTHON = _spring("INFO", "order stored"), _python("INFO", "order stored")
_ALTNAME = ("Hostname/IP does not match certificate's altnames: Host: pay.example. is not in the cert's "
            "altnames: x")
CASES = (
    # access lines
    Case("balancer_502", "external_api_down", _balanced(200, "200"), _balanced(502, "-")),
    Case("balancer_500", "error_burst", _balanced(200, "200"), _balanced(500, "500")),
    Case("classic_balancer", "error_burst", _classic(200), _classic(500)),
    Case("cloudfront", "external_api_down", _edge(200), _edge(502), _EDGE_HEAD),
    Case("cloudfront_head_unseen", "external_api_down", _edge(200), _edge(504)),
    Case("iis", "error_burst", _iis(200), _iis(500), _IIS_HEAD),
    Case("iis_head_unseen", "external_api_down", _iis(200), _iis(503)),
    Case("caddy", "external_api_down", _caddy(200), _caddy(502)),
    Case("envoy", "external_api_down", _envoy(200), _envoy(503)),
    Case("google_balancer", "external_api_down", _cloud(200), _cloud(502)),
    # sentences without a level
    Case("go_no_answer", "external_api_down", _STORED,
         _go('could not get the rate for order 4711, using none: Get "http://rates:8080/eur": dial tcp '
             '10.0.0.7:8080: connect: connection refused')),
    Case("go_end_of_file", "external_api_down", _STORED,
         _go('unable to fetch prices: Get "http://rates/eur": EOF')),
    Case("go_status", "external_api_down", _STORED,
         _go("rates: unexpected status 503 Service Unavailable, skipped")),
    Case("go_own", "error_burst", _STORED, _go("could not price order 4711: rate table is empty")),
    Case("syslog_failed", "error_burst", _PAID,
         _syslog("shop", "payment failed: provider said 'internal error'")),
    Case("syslog_failed_at_the_end", "error_burst", _PAID, _syslog("shop", "checkout of order 4711 failed")),
    Case("syslog_cannot", "error_burst", _PAID, _syslog("shop", "cannot price order 4711: no rate for EUR")),
    # jobs
    Case("backup", "error_burst", _syslog("nightly", "nightly backup done: 12 GB"),
         _syslog("nightly", "Backup FAILED: exit code 1"), every=300, rate=100),
    Case("restic", "error_burst", _syslog("restic", "snapshot 6c2b4f1e saved"),
         _syslog("restic", "Fatal: unable to save snapshot: server response unexpected: 500"),
         every=300, rate=100),
    Case("airflow", "error_burst", _run("INFO", "successful"), _run("ERROR", "failed"), every=60, rate=60),
    Case("ansible", "error_burst", _ansible("ok: [web-1]"),
         _ansible('fatal: [web-1]: FAILED! => {"changed": false, "msg": "Unable to start service shop"}'),
         every=60, rate=300, lasts=900),
    # classes
    Case("oracle_no_listener", "database_failure", _SPRING, _spring(
        "ERROR", "java.sql.SQLRecoverableException: Listener refused the connection with the following "
        "error:\nORA-12541, TNS:no listener")),
    Case("oracle_network_adapter", "database_failure", _SPRING, _spring(
        "ERROR", "java.sql.SQLRecoverableException: IO Error: The Network Adapter could not establish the "
        "connection")),
    Case("cassandra_no_node", "database_failure", _SPRING, _spring(
        "ERROR", "com.datastax.oss.driver.api.core.NoNodeAvailableException: No node was available to "
        "execute the query")),
    Case("cassandra_no_host", "database_failure", _PYTHON, _python(
        "ERROR", "cassandra.cluster.NoHostAvailable: ('Unable to complete the operation against any hosts', "
        "{<Host: 10.0.0.5:9042 dc1>: ConnectionShutdown('Connection to 10.0.0.5:9042 was closed')})")),
    Case("gocql", "database_failure", _STORED, _go("order 4711: gocql: no hosts available in the pool")),
    Case("node_altname", "certificate_expired", _pino(30, "charged"),
         _pino(50, f"charge failed: {_ALTNAME}")),
    Case("vault_in_lines", "auth_failures", _STORED, _go(
        "no secret: Error making API request.\n\nURL: GET https://vault:8200/v1/secret/data/shop\n"
        "Code: 403. Errors:\n\n* permission denied")),
    Case("vault_agent", "auth_failures", _python("INFO", "secret read"), _python(
        "ERROR", 'error authenticating: error="Error making API request.\\n\\nURL: PUT https://vault:8200/v1/'
        'auth/approle/login\\nCode: 403. Errors:\\n\\n* permission denied" backoff=1s')),
    Case("elixir_pool", "database_failure", _elixir("info", "Sent 200 in 12ms"), _elixir(
        "error", "** (DBConnection.ConnectionError) connection not available and request was dropped from "
        "queue after 1203ms. This means requests are coming in and your connection pool cannot serve them "
        "fast enough.")),
    Case("nats_nobody", "external_api_down", _STORED, _go("nats: no responders available for request")),
    Case("influx_dropped", "database_failure", _telegraf("I", "wrote 20 points"), _telegraf(
        "E", 'When writing to [http://influx:8086]: 404 Not Found: database not found: "m"'),
        every=10, rate=10),
)


def _found(folder: Path, lines: list[str]) -> list[tuple[str, str]]:
    log = folder / "app.log"
    log.write_text("\n".join(lines) + "\n")
    return [(each.incident.cls, each.incident.title) for each in analyze_files([str(log)], now=NOW).incidents
            if each.incident.severity != "low"]


def _well(case: Case) -> list[str]:
    return [*case.head, *(case.good(BEGIN + timedelta(seconds=n)) for n in range(0, WELL, case.every))]


@pytest.mark.parametrize("case", CASES, ids=lambda each: each.name)
def test_it_is_seen_and_classed_and_one_failure_is_not(case: Case, tmp_path: Path) -> None:
    ill = BEGIN + timedelta(seconds=WELL)
    failing = [case.bad(ill + timedelta(seconds=n)) for n in range(0, case.lasts, case.rate)]
    assert [cls for cls, _ in _found(tmp_path, _well(case) + failing)] == [case.cls]
    assert _found(tmp_path, [*_well(case), case.bad(ill), case.good(ill + timedelta(seconds=6))]) == []


def test_nobody_answers_over_the_broker_which_is_well(tmp_path: Path) -> None:
    case = next(each for each in CASES if each.name == "nats_nobody")
    ill = BEGIN + timedelta(seconds=WELL)
    failing = [case.bad(ill + timedelta(seconds=n)) for n in range(0, 60, 2)]
    [(_, title)] = _found(tmp_path, _well(case) + failing)
    assert "nobody answers requests" in title


def _alerts(status: str, *alerts: tuple[str, str]) -> str:
    return json.dumps({"receiver": "log", "status": status, "groupKey": "{}", "version": "4", "alerts": [
        {"status": status, "labels": {"alertname": name, "severity": severity, "instance": "db-1:9187",
                                      "service": "billing"},
         "annotations": {"summary": f"{name} on db-1"}, "startsAt": "2026-11-25T08:00:00Z"}
        for name, severity in alerts]})


@pytest.mark.parametrize(("alerts", "cls"), [
    ([("PostgresqlDown", "critical")], "database_failure"), ([("InstanceDown", "page")], "external_api_down"),
    ([("HighLatency", "warning"), ("CheckoutBurnsItsBudget", "critical")], "error_burst"),
])
def test_an_alert_that_people_call_critical_is_an_incident(alerts: list[tuple[str, str]], cls: str,
                                                           tmp_path: Path) -> None:
    before = [_pino(30, "up")(BEGIN + timedelta(seconds=n)) for n in range(0, WELL, 30)]
    log = tmp_path / "hook.log"
    log.write_text("\n".join([*before, _alerts("firing", *alerts)]) + "\n")
    [trouble] = analyze_files([str(log)], now=NOW).incidents
    assert (trouble.incident.cls, trouble.incident.service) == (cls, "billing")


@pytest.mark.parametrize("line", [
    _alerts("resolved", ("PostgresqlDown", "critical")), _alerts("firing", ("Watchdog", "none")),
    _alerts("firing", ("HighLatency", "warning")),
])
def test_what_is_over_or_mild_is_none(line: str, tmp_path: Path) -> None:
    assert _found(tmp_path, [line] * 3) == []
