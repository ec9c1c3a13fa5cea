"""What several say in the same words is one trouble, what looks alike is not: pairs, through the fold."""
from __future__ import annotations

from dataclasses import replace

import pytest

from sra_server.domain.record import Record

from .test_vicinity import Part, _bursts, lines, memory, processor, together, usual
from .world import World, at, batch

STAMP = "2026-11-25 06:34:00.123 UTC [77] shop@shop "
AT = 'connection failed: connection to server at "127.0.0.1", port 15432 failed: '
FAILS = "psycopg.OperationalError: " + AT
HBA = 'FATAL:  no pg_hba.conf entry for host "172.18.0.1", user "shop", database "shop", no encryption'
PASSWORD = 'FATAL:  password authentication failed for user "shop"'
PAGE = "invalid page in block 17 of relation base/16384/16385"
LOCK = "canceling statement due to lock timeout"
FULL_UP = "FATAL:  sorry, too many clients already"
RECOVERY = "FATAL:  the database system is in recovery mode"
LACKS = 'relation "orders" does not exist'
PG_KILLED = "server process (PID 55) was terminated by signal 9: Killed"
NO_MAPPED = FAILS + "Connection refused"
NO_MARIADB = ("pymysql.err.OperationalError: (2003, \"Can't connect to MySQL server on '127.0.0.1:13306' "
              "([Errno 111] Connection refused)\")")
PAGES = "InnoDB: Database page corruption on disk or a failed file read of page [page id: space=3, page=17]"
NO_REDIS = "redis.exceptions.ConnectionError: Error 111 connecting to 127.0.0.1:16379. Connection refused."
PANIC = "panic: runtime error: index out of range"
ISSUER = "JsonWebTokenError: jwt issuer invalid. expected: https://auth.shop.example/realms/main"
OTHER_ISSUER = ISSUER.replace("auth.shop", "login.partner")
NO_KEY = 'jwt.exceptions.PyJWKClientError: Unable to find a signing key that matches: "kid-2026-03"'
UNKNOWN_KEY = 'token refused: invalid token, kid "kid-2026-03" is unknown'
AUDIENCE = 'InvalidAudienceError: invalid token: audience "shop-api" expected'
OTHER_AUDIENCE = AUDIENCE.replace("shop-api", "stock-feed")
SIGNED = "JsonWebTokenError: invalid signature (RS256)"
KEY = "KeyError: 'sku'"
DENIED = "PermissionError: [Errno 13] Permission denied: '/srv/uploads/a.png'"
SLOW = "order 17 failed: no answer of the worker, timed out after 30 s"
NO_MEMORY = "report failed: cannot fork a worker, not enough memory"
FAILED = '10.1.1.1 - - [25/Nov/2026:06:34:00 +0000] "POST /order HTTP/1.1" 500 157 "-" "app/3.2"'
GATEWAY = FAILED.replace(" 500 ", " 504 ")
LOGINS = "Failed password for deploy from 203.0.113.9 port 51234 ssh2"

RELATED: dict[str, tuple[Part, Part]] = {
    # a store in a container, and who reaches it by the host's port
    "a damaged page": ([(STAMP + "ERROR:  " + PAGE, "postgresql", 3)],
                       [(f"order 17 failed at 127.0.0.1:15432: {PAGE} (XX001)", "shop", 3)]),
    "a rule of pg_hba": ([(STAMP + HBA, "postgresql", 6)], [(FAILS + HBA, "shop", 6)]),
    "a password": ([(STAMP + PASSWORD, "postgresql", 6)],
                   [(FAILS + PASSWORD, "shop", 6)]),
    "a lock": ([(STAMP + "ERROR:  " + LOCK, "postgresql", 3)],
               [(f"order 17 at 127.0.0.1:15432: {LOCK}", "api", 3)]),
    "no connection is left": ([(FULL_UP, "postgresql", 6)], [(FAILS + FULL_UP, "shop", 6)]),
    "a recovery": ([(RECOVERY, "postgresql", 12)], [(FAILS + RECOVERY, "shop", 12)]),
    "a table that is not there": ([(STAMP + "ERROR:  " + LACKS, "postgresql", 20)],
                                  [("psycopg.errors.UndefinedTable: " + LACKS, "shop", 20)]),
    "a database that was killed": ([(PG_KILLED, "postgresql", 1)], [(NO_MAPPED, "shop", 3)]),
    "a damaged MariaDB": ([(PAGES, "mariadb", 2)], [(NO_MARIADB, "crm", 3)]),
    "a cache at a port of its own": ([(PANIC, "redis", 1)], [(NO_REDIS, "shop", 3)]),
    # tokens
    "an issuer": ([(ISSUER, "gateway", 6)], [(ISSUER, "inventory", 6)]),
    "a key": ([(NO_KEY, "gateway", 6)], [(UNKNOWN_KEY, "inventory", 6)]),
    "an audience": ([(AUDIENCE, "gateway", 6)], [(AUDIENCE, "inventory", 6)]),
    # what a busy host does to its services
    "a busy processor and slowness": (processor(), [(SLOW, "api", 60)]),
    "a busy processor and failed requests": (processor(), [(GATEWAY, "edge", 60)]),
    "no memory and a fork": (memory(), [(NO_MEMORY, "api", 60)]),
    # a proxy passes on that the store refuses who is behind it
    "a login at the store and failed requests": ([(FAILS + PASSWORD, "shop", 6)],
                                                 [(FAILED, "nginx", 60)]),
}

UNRELATED: dict[str, tuple[Part, Part]] = {
    "another kind of store": ([(PANIC, "redis", 1)], [(NO_MAPPED, "shop", 3)]),
    "a database and another cache": ([(PG_KILLED, "postgresql", 1)], [(NO_REDIS, "shop", 3)]),
    "two issuers": ([(ISSUER, "gateway", 6)], [(OTHER_ISSUER, "inventory", 6)]),
    "two audiences": ([(AUDIENCE, "gateway", 6)], [(OTHER_AUDIENCE, "inventory", 6)]),
    "a way of signing": ([(SIGNED, "gateway", 6)], [(SIGNED, "inventory", 6)]),
    "a guess and a token": ([(LOGINS, "sshd", 9)], [(ISSUER, "gateway", 6)]),
    "a busy processor and a bug": (processor(), [(KEY, "api", 60)]),
    "a busy processor and a right": (processor(), [(DENIED, "api", 60)]),
    "no memory and a bug": (memory(), [(KEY, "api", 60)]),
    "no memory and a right": (memory(), [(DENIED, "api", 60)]),
    "a guess and failed requests": ([(LOGINS, "sshd", 9)], [(FAILED, "nginx", 60)]),
    "refused tokens and failed requests": ([(ISSUER, "inventory", 6)], [(FAILED, "nginx", 60)]),
}


def _both_ways(pairs: dict[str, tuple[Part, Part]]) -> list[tuple[Part, Part]]:
    return [each for one, other in pairs.values() for each in ((one, other), (other, one))]


@pytest.mark.parametrize("pair", _both_ways(RELATED))
def test_what_repeats_or_suffers_from_the_other_is_one_incident(pair: tuple[Part, Part]) -> None:
    together(*pair, usual() if any(map(_bursts, (pair, pair[::-1]))) else World()).only()


@pytest.mark.parametrize("pair", _both_ways(UNRELATED))
def test_what_only_looks_alike_stays_apart(pair: tuple[Part, Part]) -> None:
    world = together(*pair, usual() if any(map(_bursts, (pair, pair[::-1]))) else World())
    assert len(world.incidents) == 2, [each.reason for each in world.changes]


def test_it_is_said_which_words_both_say() -> None:
    world = together(*RELATED["a damaged page"], World())
    assert "postgresql and shop say the same: invalid page in block of" in world.changes[-1].reason


@pytest.mark.parametrize(("second", "host", "incidents"), [
    (4, "web-1", 1), (4, "web-2", 2), (90, "web-1", 2)])
def test_the_same_words_of_another_host_or_time_are_no_echo(second: int, host: str, incidents: int) -> None:
    world = World()
    store = lines(0, (STAMP + HBA, "postgresql", 6))
    client = lines(second, (FAILS + HBA, "shop", 6))
    world.fold(batch(6, *store))
    world.fold(batch(second + 6.5, *(_at_host(each, host) for each in client)))
    assert len(world.incidents) == incidents


def test_with_two_databases_of_a_kind_a_port_of_its_own_leads_to_none() -> None:
    for others, incidents in (((), 1), (("pg-users",), 2), (("postgres-exporter", "redis"), 1)):
        world = World()
        world.fold(batch(-60, alive=["shop", "postgresql", *others]))
        world.fold(batch(0, *lines(0, (PG_KILLED, "postgresql", 1))))
        world.fold(batch(10, *lines(4, (NO_MAPPED, "shop", 3))))
        assert len(world.incidents) == incidents, others


def _at_host(each: Record, host: str) -> Record:
    return replace(each, host=host)


LOST = "psycopg.OperationalError: server closed the connection unexpectedly"
GUESSED = 'login failed for user "ann": authentication failed, from 203.0.113.9'


@pytest.mark.parametrize("client_first", [True, False])
def test_a_client_that_loses_its_store_and_then_is_refused_by_it_has_one_trouble(client_first: bool) -> None:
    world = World()
    refused = [lines(4, (FAILS + PASSWORD, "shop", 6)), lines(4, (STAMP + PASSWORD, "postgresql", 6))]
    world.fold(batch(1, *lines(0, (LOST, "shop", 3))))
    for second, part in enumerate(refused if client_first else refused[::-1]):
        world.fold(batch(11 + second, *part))
    assert sum(each.status == "open" for each in world.incidents.values()) == 1


def test_who_guesses_at_a_service_that_misses_its_store_is_told_apart() -> None:
    world = World()
    world.fold(batch(7, *lines(0, (LOST, "shop", 3))))
    world.fold(batch(12, *lines(5, (GUESSED, "shop", 9))))
    assert [each.status for each in world.incidents.values()] == ["open", "open"]


LIMITED = "map 25 not fetched: partner answered 429 Too Many Requests"
LIMITED_TOO = "partner fare failed: Request failed with status code 429"
UNTRUSTED = 'Get "https://api.partner.example/v1/maps/25": x509: certificate signed by unknown authority'
UNTRUSTED_TOO = "partner fare failed: unable to verify the first certificate"
UPSTREAM_THERE = "GET http://mails.example/v1 failed: Connection timed out"
NOT_ALLOWED = "cannot take what is asked for: NOPERM this user has no permissions to run the 'rpop' command"
NOT_ALLOWED_TOO = "request failed: NOPERM this user has no permissions to run the 'evalsha' command"
IN_VAIN = "letter not written: timed out"
IN_VAIN_TOO = "TimeoutError: timed out"
UNTRUSTED_ELSEWHERE = 'Get "https://mails.example/v1": x509: certificate signed by unknown authority'


@pytest.mark.parametrize(("one", "other", "after", "incidents"), [
    (LIMITED, LIMITED_TOO, 1, 1), (LIMITED, LIMITED_TOO, 25, 2),
    (NOT_ALLOWED, NOT_ALLOWED_TOO, 1, 1), (NOT_ALLOWED, NOT_ALLOWED_TOO, 25, 2),
    (IN_VAIN, IN_VAIN_TOO, 1, 1), (IN_VAIN, IN_VAIN_TOO, 25, 2), (IN_VAIN, UPSTREAM_THERE, 1, 2),
    (UNTRUSTED, UNTRUSTED_TOO, 1, 1), (UNTRUSTED, UNTRUSTED_ELSEWHERE, 1, 2)])
def test_two_clients_who_are_refused_alike_at_once_have_one_trouble(
        one: str, other: str, after: int, incidents: int) -> None:
    world = World()
    told = sorted((*lines(0, (one, "maps", 9)), *lines(after, (other, "fares", 9))), key=lambda each: each.at)
    for second in range(1, 45):
        world.fold(batch(second, *(each for each in told if at(second - 1) <= each.at < at(second))))
    assert len(world.incidents) == incidents


def test_a_proxy_that_limits_its_visitors_is_no_client() -> None:
    limits = ('limiting requests, excess: 20.600 by zone "one", client: 10.0.0.1, server: shop, '
              'request: "GET / HTTP/1.1", host: "shop"')
    world = World()
    world.fold(batch(7, *lines(0, (limits, "nginx", 9)), *lines(0, (LIMITED, "maps", 9))))
    assert len(world.incidents) == 2


HTML = "the answer cannot be read: invalid character '<' looking for beginning of value"
GONE = "Get \"http://{}/v1\": dial tcp: connect: connection refused"


@pytest.mark.parametrize(("services", "texts", "after", "incidents"), [
    (("fares1", "fares2"), (HTML, HTML), 1, 1),
    (("fares-a", "fares-b"), (HTML, HTML), 1, 1),
    (("api-1", "api-2"), (GONE.format("rates.partner.example"), GONE.format("rates.partner.example")), 2, 1),
    (("api-1", "api-2"), (GONE.format("rates.partner.example"), GONE.format("mails.example")), 1, 2),
    (("fares1", "fares2"), (HTML, HTML), 25, 2),                  # not at the same moment
    (("fares1", "maps2"), (HTML, HTML), 1, 2)])                   # two programs
def test_instances_of_one_program_that_fail_alike_at_once_have_one_trouble(
        services: tuple[str, str], texts: tuple[str, str], after: int, incidents: int) -> None:
    told = sorted((*lines(0, (texts[0], services[0], 12)), *lines(after, (texts[1], services[1], 12))),
                  key=lambda each: each.at)
    world = World()
    for second in range(1, 45):
        world.fold(batch(second, *(each for each in told if at(second - 1) <= each.at < at(second))))
    assert len(world.incidents) == incidents


def test_two_disks_of_instances_stay_two_troubles() -> None:
    full = "write /data/a: no space left on device"
    told = [*lines(0, (full, "node-1", 3)),
            *(_at_host(each, "web-2") for each in lines(1, (full, "node-2", 3)))]
    world = World()
    world.fold(batch(9, *told))
    assert len(world.incidents) == 2


KILLED = "Memory cgroup out of memory: Killed process 45965 (ranker) total-vm:4812344kB, anon-rss:2091233kB"
BACK_OFF = "Back-off restarting failed container ranker in pod ranker-5d8f"


@pytest.mark.parametrize(("pod", "host", "after", "incidents"), [
    ("ranker-5d8f", "", 21, 1), ("ranker", "web-1", 21, 1), ("ranker-7c9d6b5f4-x2x9q", "", 21, 1),
    ("ranker-exporter-5d8f", "", 21, 2), ("quotes-5d8f", "", 21, 2), ("ranker-5d8f", "web-2", 21, 2),
    ("ranker-5d8f", "", 200, 2)])
def test_the_pod_whose_process_was_killed_has_one_trouble(
        pod: str, host: str, after: int, incidents: int) -> None:
    told = [*lines(0, (KILLED, "events", 1)),
            *(_at_host(each, host) for each in lines(after, (BACK_OFF, pod, 3)))]
    world = World()
    for second in range(1, after + 20):
        world.fold(batch(second, *(each for each in told if at(second - 1) <= each.at < at(second))))
    assert len(world.incidents) == incidents


LOAD = "'app1' cpu usage of 99.4% matches resource limit [cpu usage > 95.0%]"
WORKERS = "render took too long, all workers busy"


@pytest.mark.parametrize(("watcher", "incidents"), [("monit", 1), ("quotes", 2)])
def test_a_monitor_of_the_host_and_a_busy_service_tell_one_trouble(watcher: str, incidents: int) -> None:
    told = sorted((*lines(0, (LOAD, watcher, 3)), *lines(8, (WORKERS, "render", 9))),
                  key=lambda each: each.at)
    world = World()
    for second in range(1, 45):
        world.fold(batch(second, *(each for each in told if at(second - 1) <= each.at < at(second))))
    assert len(world.incidents) == incidents
