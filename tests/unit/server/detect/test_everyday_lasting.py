# ruff: noqa: E501 - lines of logs are as long as they are
"""What usually heals within seconds is given them; what does not heal is told within ten of its first line.

The stories that open nothing are in everyday/failovers.log, fleet.log and restarts.log; here stands, of the same
software, what is really broken.
"""
from __future__ import annotations

from dataclasses import replace

import pytest

from sra_server.detect.trial import arrived
from sra_server.domain.record import Record

from .everyday import Story, told


def _story(*lines: tuple[float, str]) -> Story:
    found: list[tuple[float, Record]] = []
    for second, line in lines:
        found += [(second, replace(each, service=each.service or "shop", host=each.host or "web-1"))
                  for each in arrived(line.split("\n"), source=f"{second}")]
    return Story("trouble", tuple(found))


def _each(step: float, *lines: str) -> Story:
    return _story(*((n * step, line) for n in range(int(60 / step)) for line in lines))


REAL: dict[str, tuple[str, Story]] = {
    "a database that stays away": ("database_failure", _each(
        1, '2024-03-05 10:00:00,123 ERROR orders: psycopg.OperationalError: connection failed: connection to server at '
        '"10.0.0.5", port 5432 failed: Connection refused')),
    "a cache that stays away": ("database_failure", _each(
        1, "[ioredis] Unhandled error event: Error: connect ECONNREFUSED 127.0.0.1:6379")),
    "a set without a primary": ("database_failure", _each(
        1, "2024-03-05 10:00:00,123 ERROR cart: pymongo.errors.NotPrimaryError: not primary, full error: {'ok': 0.0, "
        "'errmsg': 'not primary', 'code': 10107, 'codeName': 'NotWritablePrimary'}")),
    "one deadlock after the other": ("deadlock", _each(
        2, "2024-03-05 10:00:00.123 UTC [4711] ERROR:  deadlock detected")),
    "rows that stay locked": ("deadlock", _each(
        1, "2024-03-05 10:00:00,123 ERROR orders: psycopg.errors.LockNotAvailable: canceling statement due to lock timeout")),
    "a search cluster without memory": ("memory_exhaustion", _each(
        1, "2024-03-05 10:00:00,123 ERROR search: elasticsearch.exceptions.TransportError: TransportError(429, "
        "'circuit_breaking_exception', '[parent] Data too large, data for [<http_request>] would be [1020054732/972.7mb]')")),
    "a program without memory": ("memory_exhaustion", _each(
        3, '2024-03-05 10:00:00,123 ERROR shop: request failed\nTraceback (most recent call last):\n  File "a.py", line 8, in f\n'
        "    rows = list(cursor)\nMemoryError")),
    "a program that ends for want of memory": ("memory_exhaustion", _story(
        (0, 'Traceback (most recent call last):\n  File "a.py", line 8, in <module>\n    rows = list(cursor)\nMemoryError'))),
    "workers that hang one after the other": ("cpu_overload", _story(
        (0, "[2024-03-05 10:00:00 +0000] [7] [CRITICAL] WORKER TIMEOUT (pid:4711)"),
        (5, "[2024-03-05 10:00:05 +0000] [7] [CRITICAL] WORKER TIMEOUT (pid:4712)"))),
    "children that are always too few": ("cpu_overload", _each(
        6, "[05-Mar-2024 10:00:00] WARNING: [pool www] server reached pm.max_children setting (5), consider raising it")),
    "a backend that stays away": ("external_api_down", _each(
        0.5, '2024/03/05 10:00:00 [error] 7#7: *9 connect() failed (111: Connection refused) while connecting to upstream, client: '
        '192.0.2.7, server: shop, request: "GET / HTTP/1.1", upstream: "http://127.0.0.1:8081/", host: "shop"',
        '192.0.2.7 - - [05/Mar/2024:10:00:00 +0000] "GET / HTTP/1.1" 502 157 "-" "-"')),
    "a server of gRPC that stays away": ("external_api_down", _each(
        0.5, '2024-03-05 10:00:00,123 ERROR shop: rpc error: code = Unavailable desc = connection error: desc = "transport: '
        'Error while dialing: dial tcp 10.0.0.7:50051: connect: connection refused"')),
    "a partner that refuses every request": ("rate_limited", _each(
        1, "2024-03-05 10:00:00,123 ERROR rates: 429 Client Error: Too Many Requests for url: http://api.example/v1")),
    "a pool that is used up": ("database_failure", _each(
        2, "2024-03-05 10:00:00,123 ERROR shop: QueuePool limit of size 5 overflow 10 reached, connection timed out, timeout 30.00")),
    "an upstream that hangs up": ("external_api_down", _each(
        1, "2024-03-05 10:00:00,123 ERROR gw: request to pay failed: Connection reset by peer")),
    "one account that is guessed": ("auth_failures", _each(
        1, "2024-03-05 10:00:00,123 WARNING auth: login failed for ann: invalid password")),
    "a network that is gone": ("network_failure", _each(
        1, "2024-03-05 10:00:00,123 ERROR shop: OSError: [Errno 113] No route to host")),
}


@pytest.mark.parametrize("name", REAL)
def test_what_does_not_heal_is_told_within_ten_seconds(name: str) -> None:
    cls, story = REAL[name]
    assert {each.split()[0] for each in told([(0, story)], until=11)} == {cls}


FIRST = {
    "a program before its database": (
        0.5, 30, "2024-03-05 10:00:00,123 WARNING boot: postgres not ready yet, retrying: connection refused"),
    "a program before its broker": (
        2.5, 10, "2024-03-05 10:00:00.228  WARN 1 --- [main] o.apache.kafka.clients.NetworkClient     : Connection to node -1 "
        "(kafka/172.18.0.3:9092) could not be established. Node may not be available."),
}


@pytest.mark.parametrize("name", FIRST)
def test_who_is_up_before_what_it_needs_is_waited_for(name: str) -> None:
    step, times, line = FIRST[name]
    well = "2024-03-05 10:00:00,123 INFO boot: answered"
    story = _story(*((n * step, line) for n in range(times)), *((26 + n, well) for n in range(60)))
    assert told([(0, story)], until=150) == []


def test_who_waits_for_a_database_at_its_start_waits_for_45_seconds() -> None:
    waits = "2024-03-05 10:00:00,123 WARNING boot: postgres not ready yet, retrying: connection refused"
    story = _story(*((n, waits) for n in range(120)))
    assert told([(0, story)], until=44) == []
    assert [each.split()[0] for each in told([(0, story)], until=60)] == ["database_failure"]
    known = _story(*((n, "2024-03-05 10:00:00,123 INFO boot: answered") for n in range(90)),
                   *((90 + n, waits) for n in range(20)))
    assert [each.split()[0] for each in told([(0, known)], until=100)] == ["database_failure"]


def test_many_who_fail_to_sign_in_are_told_though_each_has_another_name() -> None:
    story = _story(*((n / 4, f"2024-03-05 10:00:00,123 WARNING auth: login failed for user{n}: invalid password")
                     for n in range(240)))
    assert [each.split()[0] for each in told([(0, story)], until=60)] == ["auth_failures"]


def test_a_worker_that_is_killed_for_its_time_out_is_one_worker() -> None:
    one = ((0, "[2024-03-05 10:00:00 +0000] [7] [CRITICAL] WORKER TIMEOUT (pid:4711)"),
           (1, "[2024-03-05 10:00:01 +0000] [7] [ERROR] Worker (pid:4711) was sent SIGKILL! Perhaps out of memory?"))
    assert told([(0, _story(*one))], until=60) == []


def test_a_certificate_that_cannot_be_renewed_is_told_the_next_time() -> None:
    fails = ("2024-03-05 10:00:00,123:ERROR:certbot._internal.renewal:Failed to renew certificate shop.example "
             "with error: Some challenges have failed.")
    half_a_day = 43_200
    assert told([(0, _story((0, fails)))], until=60) == []
    found = told([(0, _story((0, fails), (half_a_day, fails)))], until=half_a_day + 60)
    assert [each.split()[0] for each in found] == ["certificate_expired"]
