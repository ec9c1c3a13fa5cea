"""Texts at the pace at which software repeats them: what opens an incident, and what of its kind does not.

Each line is read and rated as the agent does it, after half a minute of ordinary lines of its service.
"""
from __future__ import annotations

from dataclasses import replace

import pytest

from sra_server.detect.trial import arrived

from .world import World, at, batch, record

T = "2024-03-05 10:00:00,123"
S = "Mar  5 10:00:00 db-1 "
K = f"{S}kernel: [ 812.123456] "
DENIED = ("botocore.exceptions.ClientError: An error occurred (AccessDenied) when calling the PutObject "
          "operation: Access Denied")
SLOW_CONSUMER = ("[7] 2024/03/05 10:00:00.123456 [INF] 10.0.0.9:4 - cid:9 - Slow Consumer Detected: "
                 "WriteDeadline of 10s exceeded")
FDATASYNC = '{"level":"warn","ts":"2024-03-05T10:00:00Z","msg":"slow fdatasync","took":"3s"}'
BECAME = "[2024-03-05T10:00:00,123][INFO ][o.e.A] [es-1] Cluster health status changed from "
TLS = f"{S}postfix/smtpd[7]: warning: TLS library problem: error:0A00010B:SSL routines::wrong version number:"
LOCKED = "Fatal: unable to create lock in backend: repository is already locked by PID 7 on web-1"
NOSPACE = '{"level":"warn","ts":"2024-03-05T10:00:00Z","msg":"alarm raised","alarm":"NOSPACE"}'

TOLD = [
    # class, line, times, seconds between
    ("auth_failures", f"{T} ERROR uploader: {DENIED}", 6, 2),
    ("rate_limited", f"{T} ERROR uploader: {DENIED.replace('AccessDenied', 'SlowDown')}", 6, 2),
    ("auth_failures",
     f"{T} ERROR config: hvac.exceptions.Forbidden: permission denied, on get https://vault/v1/a",
     3, 20),
    ("auth_failures", f"{S}sssd[300]: Failed to initialize credentials: Clock skew too great.", 2, 60),
    ("database_failure", f"{T} INFO: demoted self because DCS is not accessible and I was a leader", 1, 1),
    ("database_failure", f"{T} ERROR: Error communicating with DCS", 3, 10),
    ("database_failure", NOSPACE, 1, 1),
    ("database_failure", FDATASYNC, 10, 2),
    ("database_failure", f"{BECAME}[YELLOW] to [RED] (reason: [{{es-2}} failed]).", 1, 1),
    ("network_failure", f"{K} connection1:0: detected conn error (1020)", 3, 60),
    ("network_failure", f"{K} session1: session recovery timed out after 120 secs", 1, 1),
    ("network_failure",
     f"{S}pacemaker-schedulerd[8]:  warning: Cluster node db-2 will be fenced: peer is lost",
     1, 1),
    ("queue_backlog", SLOW_CONSUMER, 5, 2),
    ("service_crash", "F20240305 10:00:00.123456  1234 storage.cc:77] Check failed: size > 0 (0 vs. 0)",
     1, 1),
    ("error_burst", "2024/03/05 10:00:00 [alert] 7#7: 1024 worker_connections are not enough", 6, 2),
    ("error_burst", LOCKED, 2, 3600),
    ("external_api_down",
     'E, [2024-03-05T10:00:00.123456 #12] ERROR -- : Net::OpenTimeout (execution expired)', 6, 2),
]
QUIET = [
    (f"{T} ERROR uploader: {DENIED}", 3, 20),
    (f"{T} ERROR: Error communicating with DCS", 1, 1),
    (f"{T} INFO: manual failover: demoting myself", 1, 1),
    (f"{T} INFO: no action. I am (pg-2), a secondary, and following a leader (pg-1)", 20, 10),
    (FDATASYNC, 2, 5),
    (f"{BECAME}[RED] to [GREEN] (reason: []).", 1, 1),
    (f"{K} connection1:0: detected conn error (1020)", 1, 1),
    ("2024-03-05 10:00:00.123456+00:00 [info] <0.500.0> node rabbit@mq-2 down: connection_closed", 1, 1),
    (SLOW_CONSUMER, 1, 1),
    (f"{S}ovpn-server[812]: 203.0.113.9:1194 TLS Error: TLS handshake failed", 8, 5),
    (f"{TLS}../a.c:3:", 6, 5),
    (LOCKED, 1, 1),
]


def _folded(line: str, times: int, gap: float) -> World:
    world = World(through_json=False)
    told = list(arrived(line.split("\n")))
    service = told[0].service or "shop"
    for second in range(30):
        ordinary = record(f"served {second}", second, service=service, host="db-1", level=20)
        world.fold(batch(second, ordinary))
    for n in range(times):
        when = 30 + n * gap
        world.fold(batch(when, *(replace(each, id=f"{n}-{each.line}", at=at(when), service=service,
                                         host="db-1") for each in told)))
    return world


@pytest.mark.parametrize(("cls", "line", "times", "gap"), TOLD, ids=lambda each: str(each)[:60])
def test_a_failure_is_told_and_classed(cls: str, line: str, times: int, gap: float) -> None:
    (incident,) = _folded(line, times, gap).incidents.values()
    assert incident.cls == cls
    assert incident.severity != "low"


@pytest.mark.parametrize(("line", "times", "gap"), QUIET, ids=lambda each: str(each)[:60])
def test_everyday_life_wakes_nobody(line: str, times: int, gap: float) -> None:
    loud = [each.title for each in _folded(line, times, gap).incidents.values() if each.severity != "low"]
    assert loud == []
