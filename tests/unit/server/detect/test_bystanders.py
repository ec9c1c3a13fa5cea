# ruff: noqa: E501 - lines of logs are as long as they are
"""Who checks, builds, tests or lets people type has the failures of others in his log; his own trouble is told."""
from __future__ import annotations

from pathlib import Path

import pytest

from sra_cli.analyze import analyze_files

from .test_single import Lines, _each, _told

RESOLVER = ('time="2024-03-05T10:00:00.123456789Z" level=error msg="[resolver] failed to query external DNS server" client-addr="udp:172.18.0.3:4{n}" '
            'dns-server="udp:10.0.0.2:53" error="read udp 172.18.0.3:4{n}->10.0.0.2:53: i/o timeout" question=";registry.example. IN A"')
LOOKUP = ("2024-03-05 10:00:00,123 ERROR shop: POST http://pay:8080/charge failed: dial tcp: lookup pay on 127.0.0.11:53: read udp "
          "127.0.0.1:4000->127.0.0.11:53: i/o timeout")
NAGIOS = "[1709632800] "
REFUSED = "connect to address 10.0.0.7 and port 80: Connection refused"
BLOCK = "index [logs] blocked by: [TOO_MANY_REQUESTS/12/disk usage exceeded flood-stage watermark, index has read-only-allow-delete block];"
GC = "[2024-03-05T10:00:00.123+0000][{n}.1s][info][gc] GC({n}) "
POSTFIX = "Mar  5 10:00:00 mx-1 postfix/smtp[812]: 4FA7B{n}: "
LISTED = ("to=<a@d{0}.example>, relay=mx.d{0}.example[192.0.2.9]:25, dsn=5.7.1, status=bounced (host mx.d{0}.example[192.0.2.9] said: 550 5.7.1 "
          "Service unavailable, Client host [198.51.100.7] blocked using zen.spamhaus.org (in reply to RCPT TO command))")
ASTERISK = "[Mar  5 10:00:00] NOTICE[1234]: "
PEER = ASTERISK + "chan_sip.c:30116 sip_poke_noanswer: Peer '{}' is now UNREACHABLE!  Last qualify: 12"
REGISTER = ASTERISK + "chan_sip.c:15904 sip_reg_timeout:    -- Registration for '49301@sip.provider.example' timed out, trying again (Attempt #{n})"
GUESSED = ASTERISK + "chan_sip.c:28468 handle_request_register: Registration from '\"100\" <sip:100@198.51.100.7>' failed for '203.0.113.7:5060' - Wrong password"
CELL = 'Traceback (most recent call last):\n  File "/tmp/ipykernel_812/12.py", line 1, in <module>\n    x = [0] * 10**12\nMemoryError'
OWN = 'Traceback (most recent call last):\n  File "/srv/hub/run.py", line 1, in <module>\n    x = [0] * 10**12\nMemoryError'
SPAWN = ("[E 2024-03-05 10:00:00.123 JupyterHub user:884] Unhandled error starting user{n}'s server: timed out")
TRIED = "2024-03-05 10:00:00,123 ERROR indexer: HTTP 429: too many requests"

OFFLINE = "<30>Mar  5 10:00:00 web-1 sssd_be[513]: Backend is offline"
TRUNK = "[Mar  5 10:00:00] NOTICE[1234]: chan_sip.c:30116 sip_poke_noanswer: Peer 'trunk1' is now {}  (12ms / 2000ms)"
QUIET: dict[str, Lines] = {
    "SSSD that starts before the network": [(0, OFFLINE), (20, OFFLINE.replace("offline", "online"))],
    "a trunk whose provider restarts": [(0, TRUNK.format("UNREACHABLE!")), (30, TRUNK.format("Reachable."))],
    "questions that were lost now and then": sorted([*_each(RESOLVER, 3, 5), *_each(RESOLVER, 3, 5, 400), *_each(RESOLVER, 4, 5, 800)]),
    "a soft state": _each(f"{NAGIOS}SERVICE ALERT: web{{n}};HTTP;CRITICAL;SOFT;1;{REFUSED}", 20, 30),
    "a host that is softly down": _each(f"{NAGIOS}HOST ALERT: web{{n}};DOWN;SOFT;1;CRITICAL - Host Unreachable", 20, 30),
    "a state that is told anew": _each(f"{NAGIOS}CURRENT SERVICE STATE: web{{n}};HTTP;CRITICAL;HARD;3;{REFUSED}", 40, 0.01),
    "who was told": _each(f"{NAGIOS}SERVICE NOTIFICATION: ann;web1;HTTP;CRITICAL;by-mail;{REFUSED}", 20, 30),
    "a page that is not there": _each(f"{NAGIOS}SERVICE ALERT: web1;HTTP;WARNING;HARD;3;HTTP WARNING: HTTP/1.1 404 Not Found", 3, 300),
    "a cell": _each(CELL, 4, 60),
    "one person's server": _each(SPAWN.replace("{n}", "7"), 3, 60),
    "collections that help": _each(f"{GC}Pause Full (System.gc()) 1023M->128M(1024M) 123.123ms", 20, 5),
    "collections of the young": _each(f"{GC}Pause Young (Normal) (G1 Evacuation Pause) 1020M->1010M(1024M) 12.1ms", 60, 3),
    "one recipient's own list": _each(POSTFIX + LISTED.format(1), 2, 300),
    "robots that we refuse": _each("Mar  5 10:00:00 mx-1 postfix/smtpd[812]: NOQUEUE: reject: RCPT from unknown[203.0.113.{n}]: 554 5.7.1 Service unavailable; "
                                   "Client host [203.0.113.{n}] blocked using zen.spamhaus.org; from=<x@y.example> to=<a@ours.example> proto=ESMTP helo=<z>", 60, 5),
    "a phone": _each(PEER.format("1004"), 1, 1),
    "a registration that was lost": _each(REGISTER, 1, 1),
    "SSSD that is back": [(0, "Mar  5 10:00:00 web-1 sssd_be[513]: Backend is online")],
}
TOLD: dict[str, tuple[Lines, str]] = {
    "a resolver that is dead": (_each(RESOLVER, 200, 2), "network_failure high"),
    "programs that find no names": (_each(LOOKUP, 60, 2), "network_failure high"),
    "a hard state": ([(0, f"{NAGIOS}SERVICE ALERT: web1;HTTP;CRITICAL;HARD;3;{REFUSED}"),
                      (1, f"{NAGIOS}SERVICE NOTIFICATION: ann;web1;HTTP;CRITICAL;by-mail;{REFUSED}")], "external_api_down high"),
    "a host that is down": ([(0, f"{NAGIOS}HOST ALERT: web1;DOWN;HARD;5;CRITICAL - Host Unreachable"),
                             (1, f"{NAGIOS}HOST NOTIFICATION: ann;web1;DOWN;by-mail;CRITICAL - Host Unreachable")], "external_api_down high"),
    "in syslog": ([(0, "Mar  5 10:00:00 mon-1 nagios: SERVICE ALERT: db1;Disk /;CRITICAL;HARD;3;DISK CRITICAL - free space: / 120 MB")], "disk_full high"),
    "a certificate that was checked": ([(0, f"{NAGIOS}SERVICE ALERT: web1;SSL cert;CRITICAL;HARD;3;expired")], "certificate_expired high"),
    "a program of its own": (_each(OWN, 2, 60), "memory_exhaustion critical"),
    "the servers of many": (_each(SPAWN, 6, 20), "service_crash high"),
    "the hub's proxy": (_each("[C 2024-03-05 10:00:00.123 JupyterHub app:3245] Failed to start proxy", 2, 10), "service_crash critical"),
    "an index that is closed for want of room": (
        _each(f"2024-03-05 10:00:00,123 WARNING indexer: TransportError(429, 'cluster_block_exception', '{BLOCK}')", 30, 1), "disk_full high"),
    "the same from Logstash": (
        _each('[2024-03-05T10:00:00,123][WARN ][logstash.outputs.elasticsearch][main] retrying failed action with response code: 429 '
              f'({{"type"=>"cluster_block_exception", "reason"=>"{BLOCK}"}})', 30, 1), "disk_full high"),
    "a limit of requests": (_each(TRIED, 60, 1), "rate_limited medium"),
    "collections in vain": (_each(f"{GC}Pause Full (Ergonomics) 1023M->1022M(1024M) 2345.123ms", 20, 3), "memory_exhaustion high"),
    "mail that nobody takes": (_each(POSTFIX + LISTED.format("{n}"), 30, 10), "error_burst high"),
    "a line out": (_each(PEER.format("trunk1"), 1, 1), "external_api_down medium"),
    "many phones": (_each(PEER.format("10{n}"), 12, 2), "network_failure high"),
    "a provider that does not answer": (_each(REGISTER, 12, 20), "external_api_down high"),
    "who guesses at the exchange": (_each(GUESSED, 90, 1), "auth_failures high"),
    "SSSD without its directory": ([(0, OFFLINE)], "external_api_down medium"),
    ".NET, kept as information": ([(0, "<30>Mar  5 10:00:00 web-1 shop[812]: Unhandled exception. System.InvalidOperationException: no such thing")],
                                  "service_crash critical"),
}


@pytest.mark.parametrize("name", QUIET)
def test_what_is_somebody_elses_is_quiet(name: str) -> None:
    assert [each for each in _told(QUIET[name]) if not each.endswith(" low")] == []


@pytest.mark.parametrize("name", TOLD)
def test_ones_own_trouble_is_told(name: str) -> None:
    lines, opened = TOLD[name]
    assert _told(lines) == [opened]


FAILED = ("E       requests.exceptions.ConnectionError: Max retries exceeded: [Errno 111] Connection refused\n"
          "------------------------------ Captured log call -------------------------------\n"
          "ERROR    shop.pay:pay.py:12 charge failed: [Errno 111] Connection refused\n")
JAVA = "2024-03-05 10:00:{:02}.123 ERROR 77 --- [main] shop.Pay : charge failed\njava.net.ConnectException: Connection refused\n\tat shop.Pay.charge(Pay.java:12)\n"
RUNS = {
    "pytest": ("=========================== test session starts ============================\n", FAILED, "================= 15 failed, 199 passed in 12.34s =================\n"),
    "go": ("=== RUN   TestCharge\n", "2024/03/05 10:00:{:02} charge failed: dial tcp 127.0.0.1:8080: connect: connection refused\n", "FAIL\tshop/pay\t0.512s\nFAIL\n"),
    "maven": ("[INFO]  T E S T S\n", JAVA, "[INFO] BUILD FAILURE\n"),
    "jest": ("> jest\n\nFAIL src/pay.test.js\n", "  console.error\n    charge failed: Error: connect ECONNREFUSED 127.0.0.1:8080\n", "Tests:       12 failed, 212 total\n"),
    "mocha": ("  0 passing (2s)\n  12 failing\n", "     Error: connect ECONNREFUSED 127.0.0.1:8080\n      at TCPConnectWrap.afterConnect\n\n", "\n"),
    "cargo": ("running 12 tests\n", "thread 'tests::charge{}' panicked at src/lib.rs:7:9:\nkind: ConnectionRefused, message: Connection refused\n\n", "test result: FAILED. 0 passed; 12 failed\n"),
    "phpunit": ("PHPUnit 10.5.1 by Sebastian Bergmann and contributors.\n", "PDOException: SQLSTATE[HY000] [2002] Connection refused\n\n", "Tests: 12, Assertions: 0, Errors: 12.\n"),
    "gitlab": ("Running with gitlab-runner 16.9.0 (abc)\n$ make check\n", "ERROR shop: charge failed: Connection refused\n", "ERROR: Job failed: exit code 1\n"),
    "github": ("2024-03-05T10:00:00.1234567Z Current runner version: '2.314.1'\n", "2024-03-05T10:00:{:02}.1234567Z java.net.ConnectException: Connection refused\n",
               "2024-03-05T10:01:00.1234567Z Cleaning up orphan processes\n"),
    "jenkins": ("Started by user ann\n[Pipeline] Start of Pipeline\n[Pipeline] sh\n", "ERROR shop: charge failed: Connection refused\n", "[Pipeline] End of Pipeline\nFinished: FAILURE\n"),
    "docker build": ("", "#12 {0}.123 E       requests.exceptions.ConnectionError: [Errno 111] Connection refused\n", ""),
}


def _classes(tmp_path: Path, text: str) -> list[str]:
    log = tmp_path / "x.log"
    log.write_text(text)
    return [each.incident.cls for each in analyze_files([str(log)]).incidents]


@pytest.mark.parametrize("name", RUNS)
def test_what_is_tested_has_failed_for_who_tests_it(tmp_path: Path, name: str) -> None:
    begin, line, end = RUNS[name]
    assert _classes(tmp_path, begin + "".join(line.format(n) for n in range(30)) + end) == []


@pytest.mark.parametrize("name", [each for each in RUNS if each not in ("mocha", "docker build")])
def test_who_fails_after_a_run_is_told(tmp_path: Path, name: str) -> None:
    begin, line, end = RUNS[name]
    after = "".join(f"2024-03-05 10:0{2 + n // 60}:{n % 60:02},123 ERROR shop: POST http://pay:8080/charge failed: Connection refused\n" for n in range(90))
    assert _classes(tmp_path, begin + line.format(1) + end + after) == ["external_api_down"]


def test_who_fails_without_a_run_is_told(tmp_path: Path) -> None:
    assert _classes(tmp_path, "".join(JAVA.format(n) for n in range(60))) == ["external_api_down"]


def test_a_run_that_was_cut_off_ends_with_the_first_date_or_in_time(tmp_path: Path) -> None:
    after = "".join(f"2024-03-05 10:0{n // 60}:{n % 60:02},123 ERROR shop: POST http://pay:8080/charge failed: Connection refused\n" for n in range(90))
    assert _classes(tmp_path, "running 12 tests\n" + after) == ["external_api_down"]
    lines = "".join(f"2024-03-05 09:{n // 100:02}:{n // 2 % 50:02},123 INFO shop: order {n}\n" for n in range(5_100))
    assert _classes(tmp_path, "=== RUN   TestCharge\n" + lines + after) == ["external_api_down"]


def test_a_runners_host_without_room_is_told(tmp_path: Path) -> None:
    full = "".join(f"cc1plus: error: cannot write {n}: No space left on device\n" for n in range(9))
    assert _classes(tmp_path, f"Running with gitlab-runner 16.9.0 (abc)\n$ make\n{full}ERROR: Job failed: exit code 1\n") == ["disk_full"]


def test_the_level_of_dot_nets_console_holds_for_the_line_below(tmp_path: Path) -> None:
    head, text = "Mar  5 10:00:0{0} web1 shop[812]: crit: Microsoft.AspNetCore.Hosting.Diagnostics[6]\n", "Mar  5 10:00:0{0} web1 shop[812]:       Application startup exception\n"
    assert _classes(tmp_path, "".join((head + text).format(n) for n in (1, 6))) == ["service_crash"]
    calm = "Mar  5 10:00:0{0} web1 shop[812]: info: Shop.Help[6]\n"
    assert _classes(tmp_path, "".join((calm + text).format(n) for n in (1, 6))) == []
