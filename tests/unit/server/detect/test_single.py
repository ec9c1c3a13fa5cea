# ruff: noqa: E501 - lines of logs are as long as they are
"""A line that stands alone, or a few within a blink, wake nobody; the real trouble in the same words is told within 10 s."""
from __future__ import annotations

from dataclasses import replace

import pytest

from sra_server.detect.trial import arrived
from sra_server.domain.record import Record
from sra_server.domain.signal import LOUD

from .everyday import Story, told

#: Everybody is heard for so long, before and after.
AROUND = 1200
Lines = list[tuple[float, str]]


def _story(lines: Lines) -> Story:
    found: list[tuple[float, Record]] = []
    for nth, (second, line) in enumerate(lines):
        found += [(AROUND + second, replace(each, service=each.service or "shop", host=each.host or "web-1"))
                  for each in arrived(line.split("\n"), source=f"{nth}")]
    return Story("single", tuple(found))


def _told(lines: Lines, *, within: int = AROUND) -> list[str]:
    """Return class and severity of what is opened in the minutes around, or within some seconds."""
    found = told([(0, _story(lines))], until=AROUND + within + 1, every=15)
    return [" ".join(each.split()[:2]) for each in found]


def _each(line: str, times: int, step: float, begin: float = 0.0) -> Lines:
    return [(begin + n * step, line.replace("{n}", str(n))) for n in range(times)]


APP = "2024-03-05 10:00:00,123 ERROR shop: "
EXPIRED = f"{APP}[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: certificate has expired (_ssl.c:1006)"
OF_A_STRANGER = ("2024-03-05 10:00:00,123 WARNING shop: feeds.partner.example left out: [SSL: CERTIFICATE_VERIFY_FAILED] "
                 "certificate verify failed: certificate has expired (_ssl.c:1006)")
TOO_MANY = "2024-03-05 10:00:00.123 UTC [{n}] FATAL:  sorry, too many clients already"
NO_SLOT = f"{APP}psycopg2.OperationalError: FATAL:  sorry, too many clients already"
POOL = f"{APP}sqlalchemy.exc.TimeoutError: QueuePool limit of size 5 overflow 10 reached, connection timed out, timeout 30.00"
LATE = f"{APP}HTTPConnectionPool(host='pay', port=8080): Read timed out. (read timeout=5)"
LEAP = ("2024-03-05 10:00:00,123 WARN  com.zaxxer.hikari.pool.HikariPool - HikariPool-{n} - Thread starvation or clock leap "
        "detected (housekeeper delta=1m2s123ms).")
FAULT = "/srv/report.sh: line 7:  4711 Segmentation fault      (core dumped) ./report --nightly"
MARTIAN = "<4>Mar  5 10:00:00 web-1 kernel: [ 812.123456] IPv4: martian source 255.255.255.255 from 10.0.0.{n}, on dev eth0"
DOWN = "<4>Mar  5 10:00:00 web-1 kernel: [ 812.123456] e1000e 0000:00:1f.6 eth0: NIC Link is Down"
UNIT = "<29>Mar  5 10:00:00 web-1 systemd[1]: {}.service: Main process exited, code=exited, status=1/FAILURE"
RESULT = "<28>Mar  5 10:00:00 web-1 systemd[1]: {}.service: Failed with result 'exit-code'."
LEFT = f"{APP}Error on client socket: Error: read ECONNRESET"
RESET = f"{APP}POST http://pay:8080/charge failed: read ECONNRESET"
JOB = "2024-03-05T10:00:00.123Z pid=7 tid=abc class=ReportJob jid=b4a577 WARN: Net::ReadTimeout: Net::ReadTimeout with #<TCPSocket:(closed)>"


def _gone(unit: str) -> list[str]:
    return [UNIT.format(unit), RESULT.format(unit)]


#: What is quiet, and what is really broken and is told within 10 s, in the same words: the class and the severity.
PAIRS: dict[str, tuple[Lines, Lines, str]] = {
    "a certificate": (_each(OF_A_STRANGER, 3, 400), _each(EXPIRED, 9, 1), "certificate_expired high"),
    "the database's last connection": (
        [(0, TOO_MANY), (0.1, NO_SLOT)], _each(TOO_MANY, 4, 2.5), "database_failure critical"),
    "connections for a blink": (_each(TOO_MANY, 5, 0.3), _each(TOO_MANY, 15, 0.02), "database_failure critical"),
    "a pool": (_each(POOL, 5, 0.4), _each(POOL, 3, 4), "database_failure critical"),
    "calls that hang": (_each(LATE, 5, 0.4), _each(LATE, 9, 1), "external_api_down high"),
    "a job that is tried again": (_each(JOB, 1, 1), _each(JOB, 9, 1), "external_api_down high"),
    "clients that hang up": (_each(LEFT, 60, 1), _each(RESET, 10, 1), "external_api_down high"),
    "a clock that leaps": (_each(LEAP, 4, 0.1), _each(LEAP, 4, 3), "cpu_overload high"),
    "a command that faults": (_each(FAULT, 1, 1), _each(FAULT, 3, 4), "service_crash high"),
    "packets that cannot be": (_each(MARTIAN, 30, 2), _each(DOWN, 2, 5), "network_failure high"),
    "a command of one person": (
        [(60.0 * n, line) for n in range(3) for line in _gone(f"run-u81{n}")],
        [(4.0 * n, line) for n in range(2) for line in _gone("shop")], "service_crash critical"),
}


@pytest.mark.parametrize("name", PAIRS)
def test_what_stands_alone_wakes_nobody(name: str) -> None:
    assert [each for each in _told(PAIRS[name][0]) if each.split()[1] in LOUD | {"medium"}] == []


@pytest.mark.parametrize("name", PAIRS)
def test_the_real_one_is_told_within_ten_seconds(name: str) -> None:
    _, lines, expected = PAIRS[name]
    assert _told(lines, within=10) == [expected]


def test_what_never_heals_is_noted_at_its_first_line() -> None:
    assert _told(_each(EXPIRED, 1, 1), within=10) == ["certificate_expired low"]
    assert _told(_each(FAULT, 1, 1), within=10) == ["service_crash low"]


SSH = "Mar  5 10:00:00 web-1 sshd[{}]: Failed password for {} from {} port 40022 ssh2"


def _tries(step: float, until: float, each: int, *names: str, source: str = "203.0.113.{}") -> Lines:
    """Ever other addresses try some times each, one after the other."""
    return [(n * step, SSH.format(700 + n, names[n % len(names)], source.format(n // each % 250)))
            for n in range(int(until / step))]


@pytest.mark.parametrize("each", [1, 2, 3, 5, 8])
def test_robots_that_come_by_are_no_attack(each: int) -> None:
    assert _told(_tries(5, AROUND, each, "root", "invalid user admin", "invalid user oracle")) == []


def test_five_robots_at_once_are_none_either() -> None:
    lines = [(n * 5.0, SSH.format(700 + n, "root" if n % 3 else "invalid user pi", f"203.0.113.{n % 5}"))
             for n in range(200)]
    assert _told(lines) == []


@pytest.mark.parametrize(("lines", "within", "severity"), [
    # one account of this host, from one address
    (_tries(2, 20, 99, "deploy"), 10, "high"),
    # whatever is tried, if it is much
    (_tries(0.5, 20, 99, "root", "invalid user admin"), 10, "high"),
    # from inside
    (_tries(2, 20, 99, "root", source="10.0.0.{}"), 10, "high"),
    # one robot that stays
    (_tries(5, 180, 99, "root", "invalid user admin"), 120, "medium"),
])
def test_who_really_guesses_is_told(lines: Lines, within: int, severity: str) -> None:
    assert _told(lines, within=within) == [f"auth_failures {severity}"]


REFUSED = f"{APP}psycopg.OperationalError: connection to server at \"10.0.0.5\", port 5432 failed: Connection refused"
UPSTREAM = ('2024/03/05 10:00:00 [error] 7#7: *{n} connect() failed (111: Connection refused) while connecting to upstream, client: '
            '192.0.2.{n}, server: shop, request: "GET / HTTP/1.1", upstream: "http://127.0.0.1:8081/", host: "shop"')


def test_who_is_stopped_on_purpose_for_eight_seconds_is_not_missed() -> None:
    stop = [(0.0, "Mar  5 10:00:00 web-1 systemd[1]: Stopping postgresql.service - PostgreSQL..."),
            (1.0, "Mar  5 10:00:01 web-1 systemd[1]: postgresql.service: Deactivated successfully."),
            (1.0, "Mar  5 10:00:01 web-1 systemd[1]: Stopped postgresql.service - PostgreSQL."),
            (8.0, "Mar  5 10:00:08 web-1 systemd[1]: Started postgresql.service - PostgreSQL.")]
    assert _told([*stop, *_each(REFUSED, 17, 0.4, 1)]) == []
    assert _told(_each(REFUSED, 30, 0.4, 1), within=10) == ["database_failure critical"]
    shop = [(second, line.replace("postgresql", "shop")) for second, line in stop]
    assert _told([*shop, *_each(UPSTREAM, 30, 0.25, 1)]) == []


def test_who_is_new_among_others_is_given_the_seconds_in_which_it_starts() -> None:
    well = _story([(10.0 * n - AROUND, "2024-03-05 10:00:00,123 INFO shop: GET / 200") for n in range(240)]).records

    def told_of(seconds: int, *, within: int, others: tuple[tuple[float, Record], ...] = well) -> list[str]:
        new = tuple((second, replace(each, service="rota")) for second, each in _story(_each(REFUSED, seconds, 1)).records)
        found = told([(0, Story("new", (*others, *new)))], until=AROUND + within + 1)
        return [" ".join(each.split()[:2]) for each in found]

    assert told_of(12, within=300) == []
    assert told_of(60, within=24) == ["database_failure critical"]
    # nobody is known longer: it may be an outage of long ago
    assert told_of(60, within=10, others=()) == ["database_failure critical"]
