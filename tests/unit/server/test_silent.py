"""Who is named where the one that is gone writes nothing: by who stopped writing, through the fold."""
from __future__ import annotations

import pytest

from sra_server.correlate.rhythm import Rhythm
from sra_server.domain.record import SECOND

from .test_vicinity import FRONT, NO_DNS, NO_POSTGRES, PAYMENTS, UPSTREAM_HERE
from .world import START, World, batch, record

UNREACHED = "psycopg.OperationalError: connection timeout expired"
FULL_CACHE = "redis.exceptions.ResponseError: OOM command not allowed when used memory > 'maxmemory'"
MASTER_LOST = "Error condition on socket for SYNC: Connection refused with the master"
NO_PROXY = ("HTTPConnectionPool(host='127.0.0.69', port=3128): Max retries exceeded with url: "
            "http://rates.partner.example/22 (ProxyError: NewConnectionError: Connection refused)")
BROKEN = 300


def lived(*steady: str, seldom: tuple[str, ...] = ()) -> World:
    """Return a world in which some services wrote all the time, some once, and nginx as well."""
    world = World()
    world.fold(batch(0, alive=[*steady, *seldom, "nginx"]))
    for second in range(1, BROKEN):
        world.fold(batch(second, alive=[*steady, "nginx"]))
    return world


def broken(world: World, text: str, *, alive: tuple[str, ...] = (), caller: str = "nginx", seconds: int = 25,
           also: tuple[tuple[str, str], ...] = ()) -> World:
    """Fold seconds in which a caller fails each time, and nginx and some services go on."""
    for second in range(BROKEN, BROKEN + seconds):
        told = [record(text, second, service=caller), *(
            record(said, second, service=who, level=30) for who, said in also)]
        world.fold(batch(second + 0.5, *told, alive=["nginx", *alive, *(who for who, _ in also)]))
    return world


def test_who_stopped_writing_when_the_errors_began_is_named_and_it_is_said_why() -> None:
    world = broken(lived("basket", "search"), UPSTREAM_HERE, alive=("search",))
    found = world.only()
    assert (found.service, found.cls, found.host) == ("basket", "service_crash", "web-1")
    said = [each.reason for each in world.changes if "has written nothing since" in each.reason]
    assert said and "basket has written nothing since" in said[0] and "nginx" in said[0]
    assert len(said) == 1


def test_its_silence_is_evidence_that_is_kept_when_it_is_back() -> None:
    world = broken(lived("basket", "search"), UPSTREAM_HERE, alive=("search",))
    world = broken(world, UPSTREAM_HERE, alive=("search", "basket"), seconds=3)
    assert world.only().service == "basket"
    assert any(each.detector == "silence" for change in world.changes for each in change.signals)


@pytest.mark.parametrize(("steady", "alive", "text"), [
    (("search",), ("search",), UPSTREAM_HERE),                     # all go on
    (("basket", "search"), (), UPSTREAM_HERE),                     # two may be meant
    (("basket", "search"), ("search",), PAYMENTS),                 # somebody far is called
])
def test_nobody_is_named_where_nobody_or_more_than_one_is_silent_or_who_is_far_is_missed(
        steady: tuple[str, ...], alive: tuple[str, ...], text: str) -> None:
    found = broken(lived(*steady), text, alive=alive).only()
    assert (found.service, found.cls) == ("nginx", "external_api_down")


def test_who_writes_seldom_or_fell_silent_long_before_is_not_missed() -> None:
    world = lived("search", seldom=("nightly",))
    assert broken(world, UPSTREAM_HERE, alive=("search",)).only().service == "nginx"
    world = lived("basket", "search")
    for second in range(BROKEN - 60, BROKEN):
        world.fold(batch(second + 60, alive=["search", "nginx"]))
    for second in range(BROKEN + 60, BROKEN + 85):
        world.fold(batch(second + 0.5, record(UPSTREAM_HERE, second, service="nginx"), alive=["search"]))
    assert world.only().service == "nginx"


def test_a_front_that_is_gone_explains_that_those_behind_it_have_nothing_to_do() -> None:
    found = broken(lived("haproxy", "api-one", "api-two"), FRONT, caller="varnish").only()
    assert found.service == "haproxy"


def test_a_frozen_service_explains_the_silence_of_its_store() -> None:
    assert broken(lived("basket", "redis"), UPSTREAM_HERE).only().service == "basket"


def test_the_first_of_several_of_one_kind_that_fell_silent_together_stands_for_all() -> None:
    found = broken(lived("basket-1", "basket-2", "search"), UPSTREAM_HERE, alive=("search",)).only()
    assert (found.service, found.cls) == ("basket-1", "service_crash")


def test_nobody_takes_a_proxy_for_his_database() -> None:
    world = broken(lived("haproxy", "search"), UNREACHED, caller="orders", alive=("search",))
    assert world.only().service == "orders"


def test_names_that_are_not_resolved_lead_to_the_resolver_of_the_host_unless_it_is_well() -> None:
    world = lived("hr", seldom=("named",))
    found = broken(world, NO_DNS, caller="portal").only()
    assert (found.service, found.cls) == ("named", "network_failure")
    world = broken(lived("named", "hr"), NO_DNS, caller="portal", alive=("named",))
    assert world.only().service == "portal"


def test_of_a_primary_and_its_replica_the_one_that_is_not_heard_is_named() -> None:
    world = lived(seldom=("postgresql", "postgresql-replica"))
    assert broken(world, UNREACHED, caller="orders", alive=("postgresql",)).only().service \
        == "postgresql-replica"
    world = lived(seldom=("postgresql", "postgresql-replica"))
    assert broken(world, UNREACHED, caller="orders").only().service == "orders"


def test_what_a_store_answers_comes_from_the_one_that_is_written_to() -> None:
    world = lived(seldom=("redis", "redis-replica"))
    found = broken(world, FULL_CACHE, caller="basket", alive=("redis", "redis-replica")).only()
    assert (found.service, found.cls) == ("redis", "memory_exhaustion")


def test_a_replica_that_has_lost_its_primary_names_it() -> None:
    world = lived(seldom=("redis", "redis-replica"))
    also = (("redis-replica", MASTER_LOST),)
    assert broken(world, "redis failed: Error 111 connecting to cache1.lan:6379. Connection refused.",
                  caller="basket", also=also).only().service == "redis"


@pytest.mark.parametrize(("text", "caller", "service"), [
    (NO_PROXY, "feeds", "squid"), (NO_POSTGRES.replace("5432", "6432"), "orders", "pgbouncer"),
    ("dial tcp 127.0.0.82:2379: connect: connection refused", "flags", "etcd")])
def test_a_port_leads_to_the_service_of_its_kind(text: str, caller: str, service: str) -> None:
    world = lived(seldom=("squid", "pgbouncer", "etcd", "postgresql"))
    found = broken(world, text, caller=caller).only()
    assert found.service == service
    assert found.cls in ("service_crash", "database_failure")


def test_silence_is_measured_by_its_own_rhythm() -> None:
    slow = Rhythm(heard=START, since=START - 600 * SECOND, gap=15 * SECOND, pause=20 * SECOND)
    assert not slow.silent(START + 60 * SECOND)
    assert slow.silent(START + 76 * SECOND)
    assert not slow._replace(pause=200 * SECOND).silent(START + 200 * SECOND)
    assert not slow._replace(since=START - 60 * SECOND).silent(START + 600 * SECOND)


@pytest.mark.parametrize("access_first", [True, False])
def test_the_place_is_that_of_the_error_whichever_line_comes_first(access_first: bool) -> None:
    world = World()
    for second in range(10):
        told = [record(FRONT, second, service="nginx", client="10.1.1.1", status=502),
                record(UPSTREAM_HERE, second, service="nginx")]
        world.fold(batch(second + 0.5, *(told if access_first else told[::-1])))
    shown = [each.subject for change in world.changes for each in change.signals]
    assert shown and shown[-1] == "127.0.0.1:8000"


def test_what_was_over_does_not_explain_a_trouble_that_is_opened_again() -> None:
    world = broken(lived(seldom=("etcd",)), "dial tcp 127.0.0.82:2379: connect: connection refused",
                   caller="flags", seconds=10)
    assert world.only().service == "etcd"
    for second in range(BROKEN + 10, BROKEN + 200, 5):
        world.fold(batch(second, alive=["flags", "etcd", "nginx"]))
    assert world.only().status == "resolved"
    for second in range(BROKEN + 200, BROKEN + 210):
        world.fold(batch(second + 0.5, record(
            "dial tcp 127.0.0.83:8000: connect: connection refused", second, service="flags"),
            alive=["etcd", "nginx"]))
    assert (world.only().status, world.only().service) == ("open", "flags")


def test_a_store_calls_nobody_so_who_has_lost_it_is_not_what_it_misses() -> None:
    ended = "FATAL:  terminating connection due to administrator command"
    world = broken(lived("weigh", "search"), ended, caller="postgresql", alive=("search",))
    assert all(each.service != "weigh" for each in world.incidents.values())
