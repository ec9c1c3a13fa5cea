"""What clients write of a counterpart that is dead, hangs or fails, in their own words: told within 10 s, in one incident.

The texts were printed by the clients named, against a closed port, a listener that never answers, one that hangs up, and
a server that answers 500.
"""
# ruff: noqa: E501 - lines of logs are as long as they are
from __future__ import annotations

from dataclasses import replace

import pytest

from sra_server.detect.trial import arrived

from .everyday import Story, told

_AT = "2024-03-05 10:00:00,123 ERROR shop: order 7 failed"
API, STORE = "external_api_down", "database_failure"
SAID: dict[str, tuple[str, str]] = {
    "httpx, hangs": (API, f"{_AT}: timed out"),
    "urllib, hangs": (API, f'{_AT}\nTraceback (most recent call last):\n  File "/usr/lib/python3.11/socket.py", line 706, in readinto\n    return self._sock.recv_into(b)\nTimeoutError: timed out'),
    "aiohttp, hangs": (API, f'{_AT}\nTraceback (most recent call last):\n  File "/srv/venv/aiohttp/helpers.py", line 759, in __exit__\n    raise asyncio.TimeoutError from exc_val\nTimeoutError'),
    "aiohttp, 500": (API, f"{_AT}: 500, message='Internal Server Error', url='http://10.0.0.7:8100/x'"),
    "httpx, 500": (API, f"{_AT}: Server error '500 Internal Server Error' for url 'http://10.0.0.7:8100/x'\nFor more information check: https://developer.mozilla.org/en-US/docs/Web/HTTP/Status/500"),
    "requests, 500": (API, f"{_AT}: 500 Server Error: Internal Server Error for url: http://10.0.0.7:8100/x"),
    "psycopg, hangs": (API, f"{_AT}: connection timeout expired"),
    "asyncpg, hung up": (API, f"{_AT}: unexpected connection_lost() call"),
    "pg, hung up": (API, f"{_AT}: Connection terminated unexpectedly"),
    "pg-pool, hangs": (API, f"{_AT}: Connection terminated due to connection timeout"),
    "mysql2, hung up": (API, f"{_AT}: Connection lost: The server closed the connection."),
    "redis.asyncio, closed": (STORE, f"{_AT}: Error 111 connecting to 127.0.0.1:1. Connect call failed ('127.0.0.1', 1)."),
    "axios, 500": (API, '{"level":"error","time":"2024-03-05T10:00:00.123Z","service":"shop","err":{"type":"Object","message":"Request failed with status code 500","stack":"","code":"ERR_BAD_RESPONSE"},"msg":"partner fare failed"}'),
    "got, hangs": (API, f"{_AT}: Timeout awaiting 'request' for 2000ms"),
    "got, 500": (API, f"{_AT}: Response code 500 (Internal Server Error)"),
    "fetch, closed": (API, f"{_AT}: fetch failed"),
    "fetch, hangs": (API, f"{_AT}: The operation was aborted due to timeout"),
    "fetch, hangs, as the console shows it": (API, "DOMException [TimeoutError]: The operation was aborted due to timeout\n    at node:internal/deps/undici/undici:14976:13\n    at async charge (/srv/app/pay.js:6:26)"),
    "node-fetch, hangs": (API, f"{_AT}: network timeout at: http://10.0.0.7:8100/x"),
    "node-fetch, 500": (API, f"{_AT}: unexpected response Internal Server Error"),
    "superagent, hangs": (API, f"{_AT}: Timeout of 2000ms exceeded"),
    "request, hangs": (API, f"{_AT}: ESOCKETTIMEDOUT"),
    "needle, 500": (API, "Error: partner answered 500\n    at charge (/srv/app/pay.js:10:137)"),
    "curl, hung up": (API, "curl: (56) Recv failure: Connection reset by peer"),
    "ldap3, hangs": (API, "Traceback (most recent call last):\n  File \"/srv/app/portal.py\", line 7, in login\n    connection.bind()\nldap3.core.exceptions.LDAPSocketReceiveError: error receiving data: timed out"),
    "Caddy, upstream hangs": (API, '{"level":"error","ts":1709632800.5,"logger":"http.log.error.log0","msg":"net/http: timeout awaiting response headers","request":{"remote_ip":"10.0.0.9","proto":"HTTP/1.1","method":"GET","host":"shop","uri":"/items/7"},"duration":5.0,"status":504}'),
    "psql, closed": (STORE, 'psql: error: connection to server at "127.0.0.1", port 5432 failed: Connection refused\n\tIs the server running on that host and accepting TCP/IP connections?'),
}
CALM = {
    "one of forty calls": f"{_AT}: Timeout of 2000ms exceeded",
    "a partner fails once": f"{_AT}: Request failed with status code 500",
    "a broker is restarted": "2024-03-05 10:00:00,123 [WARNING] disconnected from broker: Unspecified error",
}


def _story(text: str, times: int, step: float, wanted: str = "shop") -> Story:
    read = [replace(each, service=each.service or wanted, host=each.host or "web-1") for each in arrived(text.split("\n"))]
    return Story("calls", tuple((90 + n * step, each) for n in range(times) for each in read))


@pytest.mark.parametrize("name", SAID)
def test_it_is_told_within_ten_seconds_and_once(name: str) -> None:
    wanted, text = SAID[name]
    assert [each.split()[0] for each in told([(0, _story(text, 10, 1))], until=102, every=5)] == [wanted]


@pytest.mark.parametrize("name", CALM)
def test_what_passes_at_once_is_not_told(name: str) -> None:
    assert told([(0, _story(CALM[name], 1, 1))], until=160, every=5) == []


def test_a_job_that_fails_each_time_is_told_at_the_third() -> None:
    line = "<78>Mar  5 10:00:00 web-1 CRON[812]: (CRON) error (grandchild #813 failed with exit status 1)"
    assert [each.split()[0] for each in told([(0, _story(line, 3, 60))], until=240)] == ["error_burst"]
    assert told([(0, _story(line, 2, 60))], until=240) == []


def test_workers_whose_jobs_fail_are_told_though_they_only_warn() -> None:
    line = "2024-03-05T10:00:00.123Z pid=54 tid=2jq WARN: NameError: undefined local variable or method `delay' for #<Welcome:0x00007fa639996fb0>"
    assert [each.split()[0] for each in told([(0, _story(line, 10, 2))], until=120, every=5)] == ["error_burst"]
    assert told([(0, _story(line, 4, 2))], until=160, every=5) == []
