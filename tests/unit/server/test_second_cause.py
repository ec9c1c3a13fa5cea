"""A second cause: an incident of its own, or told once; and a host that is gone is always told."""
from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pytest

from sra_server.domain.case import SIGNALS

from .test_own_cause import EXPIRED, FULL, NO_DATABASE, PANIC
from .world import World, at, batch, point, record

NO_ROOM = "OSError: [Errno 28] No space left on device: '/var/lib/checkout/receipts/1.pdf'"
HEAP = "java.lang.OutOfMemoryError: Java heap space"
NO_NAME = "getaddrinfo failed: Temporary failure in name resolution"
CALLS = "requests.exceptions.ReadTimeout: HTTPConnectionPool(host='pay', port=80): Read timed out."
NO_REDIS = "redis.exceptions.ConnectionError: Error 111 connecting to redis:6379. Connection refused."
REDIS_DIED = "Redis 7.0 crashed by signal: 11"
NO_BROKER = "kafka.errors.NoBrokersAvailable: NoBrokersAvailable"
NO_TOPIC = "kafka.errors.KafkaTimeoutError: Topic orders not present in metadata after 60000 ms."
NO_POOL = "HikariPool-1 - Connection is not available, request timed out after 30000ms. (PSQLException)"

#: (text, service, first second, last second): it is written every other second.
Span = tuple[str, str, int, int]


def run(*spans: Span, until: int, world: World | None = None) -> World:
    world = world or World()
    services = sorted({span[1] for span in spans})
    for second in range(-60, until):
        fine = [record("request ok", second, service=each, level=20) for each in services]
        world.fold(batch(second, *fine, *(
            record(text, second, service=service) for text, service, first, last in spans
            if first <= second < last and second % 2 == 0)))
    return world


def classes(world: World) -> list[str]:
    return [each.cls for each in world.incidents.values()]


def news(world: World) -> list[str]:
    return [each.news for each in world.changes if each.news]


@pytest.mark.parametrize(("first", "second"), [
    (NO_DATABASE, EXPIRED), (NO_DATABASE, NO_ROOM), (NO_ROOM, EXPIRED), (EXPIRED, NO_ROOM)])
@pytest.mark.parametrize("ends", [60, 360])
def test_a_second_cause_at_a_service_whose_first_began_long_before_is_another_incident(
        first: str, second: str, ends: int) -> None:
    world = run((first, "checkout", 0, ends), (second, "checkout", 90, 120), until=130)
    opened = [each.incident.cls for each in world.changes if each.kind == "opened"]
    assert len(opened) == 2
    assert classes(world) == opened, "neither is called otherwise"


@pytest.mark.parametrize("late", [HEAP, NO_NAME])
def test_what_is_felt_before_it_is_told_explains_what_goes_on_and_people_are_told_so_once(late: str) -> None:
    world = run((CALLS, "checkout", 0, 260), (late, "checkout", 180, 260), until=270)
    world.only()
    assert len(news(world)) == 1
    assert "same service checkout" in news(world)[0]


def test_a_cause_that_is_found_within_seconds_joins_and_is_told_once_under_its_name() -> None:
    world = run((NO_DATABASE, "checkout", 0, 200), (EXPIRED, "checkout", 20, 200), until=200)
    assert world.only().cls == "certificate_expired"
    assert news(world) == ["it was told as database failure; what was found since explains more: "
                           "Certificate expired: checkout: a TLS certificate has expired"]
    told = next(each for each in world.changes if each.news)
    assert told.at - world.only().created_at <= 40_000_000


def test_who_was_called_by_two_names_within_seconds_is_told_of_once() -> None:
    """Everyday: callers say it first, then who is ill; nobody is told twice within half a minute."""
    world = run((NO_DATABASE, "checkout", 0, 20), (EXPIRED, "checkout", 6, 20), until=100)
    assert world.only().cls == "certificate_expired"
    assert news(world) == []


@pytest.mark.parametrize(("first", "who"), [(NO_REDIS, "cart"), (REDIS_DIED, "redis")])
@pytest.mark.parametrize("second", [NO_BROKER, NO_TOPIC])
@pytest.mark.parametrize("begins", [4, 40])
def test_one_store_that_is_down_explains_nobody_who_misses_a_store_of_another_kind(
        first: str, who: str, second: str, begins: int) -> None:
    world = run((first, who, 0, 100), (second, "orders", begins, 100), until=100)
    assert len(world.incidents) == 2, [each.reason for each in world.changes]
    assert not any("precedes" in each.reason for each in world.changes)


def test_two_stores_of_different_kinds_are_two_troubles() -> None:
    broken = "[KafkaServer id=1] Fatal error during KafkaServer startup. Prepare to shutdown"
    world = run((REDIS_DIED, "redis", 0, 60), (broken, "kafka", 10, 60), until=70)
    assert len(world.incidents) == 2


def test_two_who_miss_databases_of_different_kinds_on_one_host_have_two_troubles() -> None:
    mysql = "pymysql.err.OperationalError: (2013, 'Lost connection to MySQL server during query')"
    world = run((NO_POOL, "billing", 0, 60), (mysql, "blog", 10, 60), until=70)
    assert len(world.incidents) == 2


def test_who_does_not_say_which_kind_of_store_he_misses_may_miss_the_same_as_who_says_so() -> None:
    here = ('psql: error: connection to server at "pgmain.harbor.lan" (127.0.1.11), port 5432 failed: '
            "No route to host")
    ruby = 'PG::ConnectionBad: connection to server at "127.0.1.11", port 5432 failed: No route to host'
    assert len(run((ruby, "berths", 0, 60), (here, "manifest", 6, 60), until=70).incidents) == 1


def test_a_server_that_is_no_store_is_still_of_the_kind_that_its_clients_speak_of() -> None:
    lost = "sso error: ticket not renewed: kinit: Cannot contact any KDC for realm 'GRID.EXAMPLE'"
    broken = "krb5kdc[221](Error): Cannot open DB2 database '/srv/krb/principal': No such file or directory"
    world = run((lost, "sso", 0, 40), (broken, "krb5kdc", 0, 40), until=50)
    assert [each.kind for each in world.changes].count("opened") == 1


def test_a_full_disk_of_the_host_explains_nothing_that_failed_minutes_before() -> None:
    world = World()
    for second in range(-60, 420, 2):
        full = [point("system.disk_percent", 99.6 if second >= 300 else 40.0, second, mount="/")]
        here = NO_DATABASE.replace("10.0.0.5", "127.0.0.1")
        fails = [record(here, second, service="shop")] if second >= 0 else []
        world.fold(batch(second, *fails, points=full if second % 10 == 0 else ()))
    assert classes(world) == ["database_failure", "disk_full"]


# ── a host that is gone ─────────────────────────────────────────────────────────────────────────
def gone(texts: Iterable[str], *, disk: float = 40.0, falls: int = 600, until: int = 1000,
         back: tuple[int, int] = (0, 0)) -> World:
    """web-1 is measured every ten seconds until it falls silent; another host goes on."""
    world = World()
    said = list(texts)
    for second in range(-300, until, 10):
        speaks = second < falls or back[0] <= second < back[1]
        lines = [record(text, second, service="cart", number=n) for n, text in enumerate(said)
                 if speaks and second >= 120 and second % 20 == 0]
        points = [point("system.disk_percent", disk if second >= 100 else 40.0, second, mount="/"),
                  point("system.cpu_percent", 5.0, second)] if speaks else []
        other = point("system.cpu_percent", 5.0, second, host="web-2")
        world.fold(replace(batch(second, *lines, points=[*points, other]), listening=at(-400)))
    return world


def silences(world: World) -> list[int]:
    """When people were told that the host is gone."""
    return [(each.at - at(0)) // 1_000_000 for each in world.changes
            if each.news.startswith("the host went silent") or (
                each.kind == "opened" and "the host went silent" in each.reason)]


@pytest.mark.parametrize(("texts", "disk"), [
    ((), 99.6), ((PANIC,), 99.6), ((PANIC,), 40.0), ((FULL,), 40.0),
    (("api.service: Main process exited, code=killed, status=9/KILL",), 99.6)])
def test_a_host_that_falls_silent_is_told_whatever_is_open_on_it(texts: tuple[str, ...], disk: float) -> None:
    assert silences(gone(texts, disk=disk)) == [900]


def test_a_host_that_falls_silent_a_second_time_is_told_again() -> None:
    assert silences(gone((), disk=99.6, until=2000, back=(1000, 1300))) == [900, 1600]


def test_a_host_that_falls_silent_is_told_though_its_incident_has_no_room() -> None:
    world = gone((), disk=99.6, falls=400, until=420)
    [one] = world.incidents
    case = world.state.cases[one]
    many = [replace(case.signals[0], fingerprint=f"threshold|{n}") for n in range(SIGNALS)]
    for each in many:
        case = case.add(each, case.last_at)
    world.state = replace(world.state, cases={one: case})
    for second in range(420, 800, 10):
        world.fold(replace(batch(second, points=[point("system.cpu_percent", 5.0, second, host="web-2")]),
                           listening=at(-400)))
    assert silences(world) == [700]
