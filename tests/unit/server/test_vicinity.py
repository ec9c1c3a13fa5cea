"""Which troubles of one host at one time are one incident, and which are two: pairs, through the fold."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from sra_server.correlate import vicinity
from sra_server.domain.known import Known
from sra_server.domain.record import SECOND, Point, Record
from sra_server.domain.signal import Signal

from .world import World, at, batch, point, probe, record

#: (text, service, how often) and the same for a metric; each within LASTS: what a restart brings is shorter.
Told = tuple[str, str, int]
Part = Sequence[Told] | Sequence[Point]

FULL = "could not extend file: No space left on device"
FULL_BACKUP = "tar: /data/backup/full.tar: Cannot write: No space left on device"
FULL_TMP = "write /tmp/upload-12: no space left on device"
PANIC = "panic: runtime error: index out of range"
FULL_PANIC = "panic: write /var/lib/api/1: no space left on device"
DIED = "api.service: Main process exited, code=killed, status=9/KILL"
GIVES_UP = "FATAL: uncaught exception, the process exits: panic: runtime error: nil map"
OOM = "Out of memory: Killed process 4711 (java) total-vm:8123456kB, anon-rss:7123456kB"
HEAP = "java.lang.OutOfMemoryError: Java heap space"
LINK = "eth0: NIC Link is Down"
NO_DNS = "getaddrinfo failed: Temporary failure in name resolution"
NO_ROUTE = "OSError: [Errno 113] No route to host: '10.9.0.5'"
UPSTREAM = "upstream timed out (110: Connection timed out) while reading response header from upstream"
UPSTREAM_HERE = ('connect() failed (111: Connection refused) while connecting to upstream, client: 10.1.1.1, '
                 'upstream: "http://127.0.0.1:8000/cart"')
UPSTREAM_THERE = UPSTREAM_HERE.replace("127.0.0.1", "10.4.0.9")
UPSTREAM_ASKED = UPSTREAM_HERE + ', referrer: "https://www.brand.example/cart"'
PAYMENTS = ("HTTPSConnectionPool(host='api.payments.example', port=443): Max retries exceeded (Caused by "
            "NewConnectionError: Connection refused)")
MAILS = PAYMENTS.replace("api.payments.example", "smtp.mails.example")
PHP = UPSTREAM_HERE.replace("http://127.0.0.1:8000/cart", "fastcgi://127.0.0.1:9000")
FRONT = '10.1.1.1 - - [25/Nov/2026:06:34:00 +0000] "POST /order HTTP/1.1" 502 157 "-" "app/3.2"'
FRONT_ASKED = FRONT.replace('"-"', '"https://www.brand.example/cart"')
NO_POSTGRES = ('psycopg.OperationalError: connection to server at "127.0.0.1", port 5432 failed: '
               'Connection refused')
FAR_POSTGRES = NO_POSTGRES.replace("127.0.0.1", "10.8.0.4")
NO_REDIS = "redis.exceptions.ConnectionError: Error 111 connecting to localhost:6379. Connection refused."
POOL = "HikariPool-1 - Connection is not available, request timed out after 30000ms. (PSQLException)"
PG_DOWN = "the database system is shutting down abnormally: server process was terminated by signal 9: Killed"
PG_KILLED = "server process (PID 55) was terminated by signal 9: Killed"
DEADLOCK = "ERROR: deadlock detected"
DEADLOCKED = "psycopg.errors.DeadlockDetected: deadlock detected"
CERT = "certificate verify failed: certificate has expired"
LOGINS = "Failed password for deploy from 203.0.113.9 port 51234 ssh2"
IMAP = "imap-login: Disconnected: Connection closed (auth failed, 1 attempts): user=<ann>, rip=198.51.100.7"
UNIT = "shop-worker.service: Main process exited, code=exited, status=1/FAILURE"
UNIT_TWO = "mail-export.service: Main process exited, code=exited, status=1/FAILURE"
BUG = "ValueError: could not convert string to float: 'abc'"
LOST = "Lost the connection to the cache: connection closed"


LASTS = 9


def lines(second: float, *told: Told) -> list[Record]:
    return [record(text, second + n * LASTS / max(1, times - 1), service=service, number=n)
            for text, service, times in told for n in range(times)]


def disk(value: float, mount: str) -> list[Point]:
    return [point("system.disk_percent", value, second, mount=mount) for second in range(0, 40, 10)]


def processor() -> list[Point]:
    # of a host that is busy from its first minute this is told after five
    return [point("system.cpu_percent", 99.5, second) for second in range(0, 340, 10)]


def memory() -> list[Point]:
    return [point("system.memory_percent", 98.0, second) for second in range(0, 70, 10)]


def queue(service: str) -> list[Point]:
    return [point("queue_depth", 10.0 if second < 600 else 90_000.0, second, service=service, queue="mail")
            for second in range(0, 960, 10)]


def failing(service: str, target: str) -> list[Point]:
    return [probe(0, second, service, target) for second in (0, 5)]


def usual() -> World:
    """A world in which the services are known to live without errors."""
    world = World()
    for second in range(-900, 0, 60):
        world.fold(batch(second, alive=["api", "edge", "mailer", "nginx", "shop"]))
    return world


def together(first: Part, second: Part, world: World, gap: float = 4) -> World:
    """Return the world after two troubles; the second begins `gap` seconds after the first was seen."""
    start = 0.0
    for number, part in enumerate((first, second)):
        points = [_later(each, start) for each in part if isinstance(each, Point)]
        told = [each for each in part if not isinstance(each, Point)]
        if points:
            for moment in sorted({each.at for each in points}):
                now = [each for each in points if each.at == moment]
                world.fold(batch((moment - _ZERO) / 1e6, points=now))
            ends = (points[-1].at - _ZERO) / 1e6
        else:
            world.fold(batch(start + LASTS + 0.5, *lines(start, *told)))
            ends = start + LASTS * any(times > 1 for _, _, times in told)
        if not number:
            assert len(world.incidents) == 1, f"the first trouble is not seen: {part!r:.200}"
            start = ends + gap
    return world


_ZERO = batch(0).received_at


def _later(each: Point, seconds: float) -> Point:
    return replace(each, at=each.at + int(seconds * 1e6), id=f"{each.id}+{seconds}")


RELATED: dict[str, tuple[Part, Part]] = {
    "a container is missed at its address and checked at its host's port": (
        [(UPSTREAM_THERE, "edge", 9)], failing("shop", "http://127.0.0.1:8000/health")),
    # what the host is short of
    "a full disk and a database": ([(FULL, "backup", 1)], [(PG_KILLED, "postgresql", 1)]),
    "a full root and a crash": (disk(99.5, "/"), [(DIED, "api", 1)]),
    "a full root and a crash for it": (disk(99.5, "/"), [(FULL_PANIC, "api", 1)]),
    "a full /var and errors": (disk(99.5, "/var"), [(BUG, "api", 60)]),
    "a full disk of data and who writes there": (disk(99.5, "/data"), [(FULL_BACKUP, "backup", 1)]),
    "a full disk of data and a store": (disk(99.5, "/data"), [(PG_KILLED, "postgresql", 1)]),
    "two who find the disk full": ([(FULL, "mysql", 1)], [(FULL_TMP, "uploads", 1)]),
    "no memory and a crash": (memory(), [(DIED, "api", 1)]),
    "the kernel kills and a crash": ([(OOM, "kernel", 1)], [(DIED, "api", 1)]),
    "the kernel kills and a failing check": ([(OOM, "kernel", 1)], failing("api", "http://127.0.0.1:8000/")),
    "a busy processor and an upstream": (processor(), [(UPSTREAM, "nginx", 3)]),
    "the link is down and an upstream": ([(LINK, "kernel", 2)], [(UPSTREAM_THERE, "nginx", 3)]),
    "the link is down and a database": ([(LINK, "kernel", 2)], [(FAR_POSTGRES, "shop", 3)]),
    "two that resolve no names": ([(NO_DNS, "shop", 3)], [(NO_DNS, "mailer", 3)]),
    # who passes on what others answer
    "a crash and the front's upstream": ([(PANIC, "shop", 1)], [(UPSTREAM, "nginx", 3)]),
    "a crash and an upstream at this host": ([(PANIC, "shop", 1)], [(UPSTREAM_HERE, "nginx", 3)]),
    "an upstream at this host and its own": ([(PAYMENTS, "shop", 3)], [(UPSTREAM_HERE, "web", 3)]),
    "a crash and failed requests": ([(PANIC, "shop", 1)], [(FRONT, "edge", 60)]),
    "requests that came from elsewhere": ([(PANIC, "shop", 1)], [(FRONT_ASKED, "edge", 60)]),
    "an upstream that is asked for from elsewhere": ([(PANIC, "shop", 1)], [(UPSTREAM_ASKED, "nginx", 3)]),
    "a PHP that died and its front": ([(PANIC, "php-fpm", 1)], [(PHP, "nginx", 3)]),
    "a front before its crash is told": ([(FRONT, "nginx", 60)], [(PANIC, "shop", 1)]),
    # stores and their clients
    "a database that died and its client": ([(PG_KILLED, "postgresql", 1)], [(NO_POSTGRES, "shop", 3)]),
    "a client and its database": ([(NO_POSTGRES, "shop", 3)], [(PG_KILLED, "postgresql", 1)]),
    "a client whose errors name no place": ([(PG_KILLED, "postgresql", 1)], [(POOL, "billing", 3)]),
    "a store of another name": ([(PANIC, "orders-db", 1)], [(NO_POSTGRES, "shop", 3)]),
    "a store at another address of the host": ([(PG_KILLED, "postgres", 1)], [(FAR_POSTGRES, "shop", 3)]),
    "two clients of an unnamed database": ([(POOL, "billing", 3)], [(POOL, "shop", 3)]),
    "a deadlock on both sides": ([(DEADLOCK, "postgresql", 2)], [(DEADLOCKED, "shop", 2)]),
    "a cache and errors of connections": ([(PANIC, "redis", 1)], [(LOST, "shop", 60)]),
    # who is missed, and nothing else is said
    "a crash and somebody who misses one": ([(PANIC, "inventory", 1)], [(UPSTREAM, "checkout", 3)]),
    "who misses one and a crash": ([(UPSTREAM, "checkout", 3)], [(PANIC, "inventory", 1)]),
}

UNRELATED: dict[str, tuple[Part, Part]] = {
    "a port that the health check does not ask": (
        [(UPSTREAM_THERE, "edge", 9)], failing("shop", "http://127.0.0.1:8001/health")),
    "a full root and a mistake in the code": (disk(99.5, "/"), [(PANIC, "api", 1)]),
    "no memory and a mistake in the code": (memory(), [(PANIC, "api", 1)]),
    "the kernel kills and a mistake in the code": ([(OOM, "kernel", 1)], [(PANIC, "api", 1)]),
    "a disk of data and another's errors": (disk(99.5, "/data"), [(BUG, "api", 60)]),
    "a disk of data and another's crash": (disk(99.5, "/data"), [(PANIC, "api", 1)]),
    "a backup without room and errors": ([(FULL_BACKUP, "backup", 1)], [(BUG, "api", 60)]),
    "a backup without room and a crash": ([(FULL_BACKUP, "backup", 1)], [(PANIC, "api", 1)]),
    "a backup without room and an upstream": ([(FULL_BACKUP, "backup", 1)], [(UPSTREAM, "nginx", 3)]),
    "a heap of one and another's crash": ([(HEAP, "search", 1)], [(PANIC, "api", 1)]),
    "a heap of one and another's errors": ([(HEAP, "search", 1)], [(BUG, "api", 60)]),
    "two heaps": ([(HEAP, "search", 1)], [(HEAP, "billing", 1)]),
    "two crashes": ([(PANIC, "api", 1)], [(GIVES_UP, "mailer", 1)]),
    "two units that fail": ([(UNIT, "shop-worker", 1)], [(UNIT_TWO, "mail-export", 1)]),
    "a store and another's crash": ([(PG_KILLED, "postgresql", 1)], [(PANIC, "api", 1)]),
    "a job and an upstream": ([(PANIC, "cron", 1)], [(UPSTREAM, "nginx", 3)]),
    "a job and an upstream at this host": ([(PANIC, "cron", 1)], [(UPSTREAM_HERE, "nginx", 3)]),
    "a crash and an upstream elsewhere": ([(PANIC, "api", 1)], [(UPSTREAM_THERE, "nginx", 3)]),
    "a crash and a far service": ([(PANIC, "api", 1)], [(PAYMENTS, "checkout", 3)]),
    "two far services": ([(PAYMENTS, "checkout", 3)], [(MAILS, "mailer", 3)]),
    "two upstreams of whom nothing is said": ([(UPSTREAM, "checkout", 3)], [(UPSTREAM, "mailer", 3)]),
    "a crash and errors": ([(PANIC, "api", 1)], [(BUG, "mailer", 60)]),
    "a store and errors of another kind": ([(PG_KILLED, "postgresql", 1)], [(BUG, "mailer", 60)]),
    "a crash and a database": ([(PANIC, "api", 1)], [(NO_POSTGRES, "shop", 3)]),
    "a cache and another database": ([(PANIC, "redis", 1)], [(NO_POSTGRES, "shop", 3)]),
    "a database and another cache": ([(PG_KILLED, "postgresql", 1)], [(NO_REDIS, "shop", 3)]),
    "a certificate and a database": ([(CERT, "mailer", 3)], [(POOL, "shop", 3)]),
    "a certificate and an upstream": ([(CERT, "mailer", 3)], [(UPSTREAM, "checkout", 3)]),
    "two certificates": ([(CERT, "mailer", 3)], [(CERT, "billing", 3)]),
    "guessed passwords and errors": ([(LOGINS, "sshd", 9)], [(BUG, "api", 60)]),
    "guessed passwords and an upstream": ([(LOGINS, "sshd", 9)], [(UPSTREAM, "nginx", 3)]),
    "guessed passwords of two services": ([(LOGINS, "sshd", 9)], [(IMAP, "dovecot", 9)]),
    "a route of one and another's crash": ([(NO_ROUTE, "rates", 3)], [(PANIC, "api", 1)]),
    "a crash and a queue": ([(PANIC, "api", 1)], queue("mailer")),
    "checks of two far services": (failing("api", "http://10.1.0.1/"), failing("shop", "http://10.1.0.2/")),
    "a crash and a far service's check": ([(UPSTREAM, "api", 3)], failing("shop", "http://10.1.0.2/")),
    "two errors": ([(BUG, "api", 60)], [(LOST, "mailer", 60)]),
}


@pytest.mark.parametrize("name", RELATED)
def test_what_may_come_from_the_other_is_one_incident_and_says_why(name: str) -> None:
    world = together(*RELATED[name], usual() if _bursts(RELATED[name]) else World())
    world.only()
    assert any("same host web-1, " in each.reason for each in world.changes), world.changes[-1].reason


@pytest.mark.parametrize("name", UNRELATED)
def test_what_happens_beside_it_on_the_same_host_stays_apart(name: str) -> None:
    world = together(*UNRELATED[name], usual() if _bursts(UNRELATED[name]) else World())
    assert len(world.incidents) == 2, [each.reason for each in world.changes]


def _bursts(pair: tuple[Part, Part]) -> bool:
    return any(part[0][2] >= 15 for part in pair if not isinstance(part[0], Point))


def beside(text: str, second: float, *, service: str, host: str = "web-1", times: int = 3) -> list[Record]:
    return [record(text, second + n * LASTS / max(1, times - 1), service=service, host=host, number=n)
            for n in range(times)]


@pytest.mark.parametrize(("first", "second"), [
    ((NO_POSTGRES, "shop"), (NO_POSTGRES, "billing")), ((PG_KILLED, "postgresql"), (NO_POSTGRES, "shop")),
    ((FULL, "mysql"), (FULL_TMP, "uploads")), ((OOM, "kernel"), (DIED, "api")),
    ((PANIC, "shop"), (UPSTREAM_HERE, "nginx"))])
def test_at_two_hosts_the_same_is_two_incidents(first: tuple[str, str], second: tuple[str, str]) -> None:
    for hosts, incidents in ((("web-1", "web-1"), 1), (("web-1", "web-2"), 2)):
        world = World()
        for moment, (text, service), host in zip((0, 4), (first, second), hosts, strict=True):
            world.fold(batch(moment, *beside(text, moment, service=service, host=host)))
        assert len(world.incidents) == incidents


def test_disks_of_the_same_name_at_two_hosts_are_two_incidents() -> None:
    world = World()
    for second in range(0, 90, 10):
        world.fold(batch(second, points=[point("system.disk_percent", 97.0, second, host=host, mount="/")
                                         for host in ("web-1", "web-2")]))
    assert {each.hosts for each in world.incidents.values()} == {("web-1",), ("web-2",)}


def test_a_far_place_that_two_hosts_name_is_one_incident() -> None:
    world = World()
    world.fold(batch(0, *beside(FAR_POSTGRES, 0, service="shop")))
    world.fold(batch(4, *beside(FAR_POSTGRES, 4, service="billing", host="web-2")))
    assert "both name 10.8.0.4:5432" in world.changes[-1].reason
    world.only()


def test_a_far_place_that_is_missed_is_one_incident_however_late_another_names_it() -> None:
    world = World()
    for second in range(0, 1300, 100):  # the last sign is often older than what is still called recent
        world.fold(batch(second, *beside(FAR_POSTGRES, second, service="shop"),
                         record("request ok", second, service="billing", host="web-2", level=20)))
    world.fold(batch(1290 + 900, *beside(FAR_POSTGRES, 1290 + 900, service="billing", host="web-2")))
    assert set(world.only().services) == {"shop", "billing"}


def test_of_a_full_incident_it_is_still_known_which_places_it_is_about() -> None:
    far = "10.8.0.4", "10.8.0.9"
    world = World()
    for n in range(60):  # more signs than a case keeps, and the last ones name another place as well
        text = FAR_POSTGRES.replace(*far) if n > 50 else FAR_POSTGRES
        world.fold(batch(0 if n < 52 else 5, *beside(text, 0, service="shop" if n == 51 else f"s{n}",
                                                     host="web-1" if n == 51 else f"n{n}")))
    for second, place in ((200, far[0]), (210, far[1])):
        world.fold(batch(second, *beside(FAR_POSTGRES.replace(far[0], place), second,
                                         service=f"late{second}", host=f"late-{second}")))
    assert world.state.cases[world.only().id].beyond


def test_two_incidents_become_one_once_both_name_one_far_place() -> None:
    world = World()
    world.fold(batch(0, *beside(FAR_POSTGRES, 0, service="shop")))
    world.fold(batch(90, *beside(NO_POSTGRES, 90, service="billing", host="web-2")))
    assert len(world.incidents) == 2
    world.fold(batch(130, *beside(FAR_POSTGRES, 130, service="billing", host="web-2")))
    first, second = world.incidents.values()
    assert (first.status, second.status) == ("open", "resolved")
    assert second.resolution == "part of incident i1: both name 10.8.0.4:5432"


@pytest.mark.parametrize(("second", "others", "incidents"), [
    (4, (), 1), (90, (), 2), (4, ("orders-db",), 2), (4, ("redis",), 1)])
def test_the_only_store_of_its_kind_that_broke_is_what_is_missed_elsewhere_in_the_same_minute(
        second: int, others: tuple[str, ...], incidents: int) -> None:
    world = World()
    world.fold(batch(-60, alive=["shop", "postgresql", *others]))
    world.fold(batch(0, *beside(PG_KILLED, 0, service="postgresql", host="db-1")))
    world.fold(batch(second, *beside(FAR_POSTGRES, second, service="shop")))
    assert len(world.incidents) == incidents
    assert world.incidents["i1"].service == "postgresql"


def test_what_goes_on_for_long_takes_in_no_new_trouble_of_another_service() -> None:
    world = World()
    for second in range(0, 400, 20):
        world.fold(batch(second, *beside(PANIC, second, service="inventory", times=1)))
    world.fold(batch(400, *beside(UPSTREAM, 400, service="checkout")))
    assert len(world.incidents) == 2


def test_what_the_host_is_short_of_takes_in_who_suffers_however_long_it_lasts() -> None:
    world = World()
    for second in range(0, 600, 10):
        world.fold(batch(second, points=[point("system.memory_percent", 98.0, second)]))
    world.fold(batch(600, *beside(DIED, 600, service="api", times=1)))
    assert world.only().cls == "memory_exhaustion"


def test_what_is_evidence_alone_joins_no_two_troubles() -> None:
    """Memory that is merely unusual is beside the one crash, and the other crash is beside it."""
    world = World()
    for second in range(-7200, 0, 10):
        world.fold(batch(second, points=[point("system.memory_percent", 30.0 + second % 3, second)]))
    world.fold(batch(0, *beside(DIED, 0, service="api", times=1)))
    for second in range(1, 10):
        world.fold(batch(second, points=[point("system.memory_percent", 80.0, second)]))
    supported = {each.detector for each in world.state.cases[world.only().id].signals if not each.opens}
    assert supported == {"baseline"}
    world.fold(batch(10, *beside(GIVES_UP, 10, service="mailer", times=1)))
    assert len(world.incidents) == 2


def test_what_is_evidence_alone_is_beside_nobody() -> None:
    short = Signal(detector="threshold", fingerprint="m", cls="memory_exhaustion", severity="high", title="t",
                   at=at(0), last_at=at(0), host="web-1")
    crash = Signal(detector="signature", fingerprint="c", cls="service_crash", severity="high", title="t",
                   at=at(3), last_at=at(3), service="api", host="web-1")
    assert vicinity.beside((short,), crash, Known()) == (3 * SECOND, short)
    assert vicinity.beside((replace(short, opens=False),), crash, Known()) is None


DATA_FULL = ("Disk is full writing '/srv/data/bin.000001' (Errcode: 28 \"No space left on device\")."
             " Waiting for someone to free space...")
LOCK_WAIT = ("SQLSTATE[HY000]: General error: 1205 Lock wait timeout exceeded; try restarting transaction"
             " in /srv/www/index.php:19")


@pytest.mark.parametrize(("store", "incidents"), [("mariadb", 1), ("backup", 2)])
def test_who_waits_a_minute_for_the_locks_of_a_store_without_room_has_its_trouble(
        store: str, incidents: int) -> None:
    world = World()
    world.fold(batch(1, *lines(0, (DATA_FULL, store, 1))))
    for second in range(52, 60, 2):
        world.fold(batch(second, *lines(second - 1, (LOCK_WAIT, "apache2", 1))))
    assert len(world.incidents) == incidents
