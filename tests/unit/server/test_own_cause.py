"""Own cause: what says itself what brought it about is no part of another trouble that is merely near it."""
from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from sra_server.detect import with_catalogue
from sra_server.detect.catalogue import load_with

from .world import World, batch, point, probe, record

FULL = "write failed: No space left on device"
PANIC = ("panic: runtime error: invalid memory address or nil pointer dereference\n"
         "[signal SIGSEGV: segmentation violation]\n\ngoroutine 1 [running]:\n"
         "main.total(0x0)\n\t/src/cart.go:88")
BUG = "TypeError: Cannot read properties of undefined (reading 'price') at cart.js:88"
NO_DATABASE = ('psycopg.OperationalError: connection to server at "10.0.0.5", port 5432 failed: '
               "Connection refused")
KILLED = "Out of memory: Killed process 4242 (imp) total-vm:8123456kB, anon-rss:2097152kB"
EXPIRED = "certificate verify failed: certificate has expired"
REFUSED = ('connect() failed (111: Connection refused) while connecting to upstream, client: 10.0.1.4, '
           'server: shop, request: "GET / HTTP/1.1", upstream: "http://127.0.0.1:8081/", host: "shop"')
LATE = REFUSED.replace("connect() failed (111: Connection refused)",
                       "upstream timed out (110: Connection timed out)")
NO_SLOTS = "FATAL:  sorry, too many clients already"


def live(world: World, first: int, until: int, *services: str, host: str = "web-1") -> None:
    """Each service writes one line of information each second."""
    for second in range(first, until):
        world.fold(batch(second, *(record("request ok", second, service=each, host=host, level=20)
                                   for each in services)))


def fires(world: World, text: str, first: int, until: int, *, service: str, host: str = "web-1",
          well: bool = False, level: int = 40, times: int = 1) -> None:
    """A service writes an error each second, and what goes well beside it."""
    for second in range(first, until):
        fine = [record("request ok", second, service=service, host=host, level=20)] if well else []
        said = (record(text, second, service=service, host=host, level=level, number=n) for n in range(times))
        world.fold(batch(second, *fine, *said))


def kinds(world: World) -> list[tuple[str, tuple[str, ...]]]:
    return sorted((each.cls, each.services) for each in world.incidents.values())


def told(world: World) -> list[str]:
    """What people are told of: what opens, and what is found worse."""
    return [each.reason for each in world.changes if each.kind in ("opened", "reopened") or each.worse]


@pytest.mark.parametrize("said", [BUG, "order could not be priced"])
@pytest.mark.parametrize(("first", "until"), [(NO_DATABASE, 140), (FULL, 121)])
def test_a_bad_deploy_after_a_minute_that_was_well_is_another_incident(
        first: str, until: int, said: str) -> None:
    world = World()
    live(world, 0, 120, "web")
    fires(world, first, 120, until, service="web", well=True)
    live(world, until, until + 60, "web")
    fires(world, said, until + 60, until + 110, service="web", times=3)
    assert next(iter(world.incidents.values())).status == "open"
    assert [each.cls for each in world.incidents.values()][1:] == ["error_burst"]


def test_a_bad_deploy_while_the_database_is_away_is_another_incident() -> None:
    world = World()
    live(world, 0, 120, "web")
    for second in range(120, 330):
        bugs = [record(BUG, second, service="web", number=n) for n in range(5)] if second >= 260 else []
        world.fold(batch(second, record(NO_DATABASE, second, service="web"), *bugs))
    assert sorted(each.cls for each in world.incidents.values()) == ["database_failure", "error_burst"]


def test_who_trips_over_what_the_database_did_not_give_suffers_from_it() -> None:
    """Everyday: a handle that is None, seconds after the connection was lost."""
    world = World()
    live(world, 0, 120, "web")
    for second in range(120, 200):
        bugs = [record(BUG, second, service="web")] if second >= 125 else []
        world.fold(batch(second, record(NO_DATABASE, second, service="web"), *bugs))
    assert world.only().cls == "database_failure"


def test_what_a_service_says_of_itself_is_why_its_check_fails_however_late_it_says_it() -> None:
    """Everyday: a program that is started again and again for a setting that is not there."""
    world = World()
    for second in range(-600, 0, 10):
        world.fold(batch(second, points=[probe(1, second, "api")], alive=["api"]))
    for second in range(0, 120, 5):
        said = [record("KeyError: 'DATABASE_URL'", second, service="api", number=n) for n in range(3)]
        world.fold(batch(second, *(said if second >= 40 else []), points=[probe(0, second, "api")]))
    assert world.only().cls == "service_crash"


def test_what_goes_on_without_a_pause_is_one_incident_though_it_fails_in_other_ways_as_well() -> None:
    """Everyday: a service that lost its database writes more and more errors of other kinds."""
    world = World()
    live(world, 0, 120, "web")
    fires(world, NO_DATABASE, 120, 240, service="web", well=True)
    fires(world, "order could not be stored", 240, 330, service="web")
    assert len(world.incidents) == 1


@pytest.mark.parametrize(("text", "service"), [(FULL, "up"), (KILLED, "kernel")])
def test_a_program_that_fails_for_a_mistake_in_its_code_does_not_suffer_from_its_host(
        text: str, service: str) -> None:
    world = World()
    live(world, 0, 20, "up", "cart")
    fires(world, text, 20, 21, service=service)
    live(world, 21, 40, "cart", "up")
    fires(world, PANIC, 40, 41, service="cart", level=50)
    assert {each.service for each in world.incidents.values()} >= {"cart"}
    assert len(world.incidents) == 2


def test_a_disk_that_is_full_for_minutes_explains_no_nil_pointer() -> None:
    world = World()
    for second in range(0, 110, 10):
        world.fold(batch(second, record("ok", second, service="cart", level=20),
                         points=[point("system.disk_percent", 99.9, second, mount="/")]))
    fires(world, PANIC, 110, 111, service="cart", level=50)
    assert sorted(each.cls for each in world.incidents.values()) == ["disk_full", "service_crash"]


@pytest.mark.parametrize("text", [
    "panic: write /var/lib/cart/orders.db: no space left on device",
    "main process exited, code=killed, status=9/KILL"])
def test_who_says_that_he_has_no_room_or_was_killed_suffers_from_his_host(text: str) -> None:
    """Everyday: a full disk takes its services with it, and these say so, or die without a word."""
    world = World()
    live(world, 0, 20, "up", "cart")
    fires(world, FULL, 20, 21, service="up")
    fires(world, text, 25, 26, service="cart", level=50)
    assert len(world.incidents) == 1


def test_what_a_user_has_taught_as_a_trouble_is_one_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "press.toml").write_text(
        '[[signature]]\nname = "press_jammed"\nclass = "service_crash"\nseverity = "high"\n'
        'title = "the press is jammed"\nsoftware = ["Press"]\nmeans = "paper is in the rolls"\n'
        'any = ["press jammed"]\nexamples = ["roll 7: press jammed"]\n')
    world = taught(tmp_path)
    live(world, 0, 20, "up", "press")
    fires(world, FULL, 20, 21, service="up")
    live(world, 21, 40, "up")
    fires(world, "roll 7: press jammed", 40, 41, service="press")
    assert kinds(world) == [("disk_full", ("up",)), ("service_crash", ("press",))]


def taught(folder: Path) -> World:
    return World(replace(World().settings, detectors=with_catalogue(load_with(folder).catalogue)))


@pytest.mark.parametrize(("place", "incidents"), [("10.0.0.5", 2), ("127.0.0.1", 1)])
def test_a_full_disk_explains_who_is_refused_here_and_not_elsewhere(place: str, incidents: int) -> None:
    world = World()
    live(world, 0, 20, "up", "shop")
    fires(world, FULL, 20, 60, service="up")
    fires(world, NO_DATABASE.replace("10.0.0.5", place), 60, 90, service="shop")
    assert len(world.incidents) == incidents


@pytest.mark.parametrize(("text", "incidents"), [
    (REFUSED, 2), (LATE, 1), ("worker 2 (pid: 812) died, killed by signal 11", 2)])
def test_a_busy_processor_refuses_and_kills_nobody_but_makes_who_asks_wait(text: str, incidents: int) -> None:
    world = World()
    for second in range(0, 460, 10):
        asked = [record(text, second, service="nginx", number=n) for n in range(60)] if second >= 410 else []
        world.fold(batch(second, record("ok", second, service="shop", level=20), *asked,
                         points=[point("system.cpu_percent", 99.8, second)]))
    assert len(world.incidents) == incidents


def test_one_program_on_two_hosts_has_one_trouble_only_if_it_fails_alike() -> None:
    world = World()
    for host in ("m1", "m2"):
        live(world, 0, 10, "orders", host=host)
    fires(world, NO_DATABASE, 10, 25, service="orders", host="m1")
    fires(world, PANIC, 41, 42, service="orders", host="m2", level=50)
    assert sorted((each.cls, each.hosts) for each in world.incidents.values()) == [
        ("database_failure", ("m1",)), ("service_crash", ("m2",))]


DECLARED = replace(World().settings, depends_on={"shop": ("postgresql", "redis")})


@pytest.mark.parametrize(("text", "cls"), [(PANIC, "service_crash"), (EXPIRED, "certificate_expired"),
                                           (FULL, "disk_full")])
def test_a_declared_dependency_explains_only_what_can_follow_from_it(text: str, cls: str) -> None:
    world = World(DECLARED)
    live(world, 0, 10, "postgresql", host="vm")
    live(world, 0, 10, "shop", host="h4")
    fires(world, NO_SLOTS, 10, 25, service="postgresql", host="vm")
    fires(world, text, 30, 34, service="shop", host="h4")
    assert sorted((each.cls, each.service, each.hosts) for each in world.incidents.values()) == sorted([
        ("database_failure", "postgresql", ("vm",)), (cls, "shop", ("h4",))])


def test_who_cannot_reach_what_he_depends_on_joins_it_on_whatever_host() -> None:
    world = World(DECLARED)
    live(world, 0, 10, "postgresql", host="vm")
    fires(world, NO_SLOTS, 10, 25, service="postgresql", host="vm")
    fires(world, "psycopg.OperationalError: connection failed: Connection refused", 30, 40,
          service="shop", host="h4")
    assert [(each.cls, each.service, each.host) for each in world.incidents.values()] == [
        ("database_failure", "postgresql", "vm")]


def storm(world: World) -> str:
    """Seven places are refused by their databases within seconds; return the title that people were told."""
    for nth in range(7):
        fires(world, NO_SLOTS, nth, nth + 1, service=f"app{nth}x", host=f"k{nth}", times=10)
    return next(each.incident.title for each in world.changes if each.kind == "opened")


def test_a_storm_keeps_its_title_and_what_carries_its_own_cause_elsewhere_stands_apart() -> None:
    world = World()
    title = storm(world)
    fires(world, EXPIRED, 10, 14, service="edge", host="z3")
    fires(world, PANIC, 14, 15, service="mailer", host="z4", level=50)
    assert [each.services for each in world.incidents.values()][-2:] == [("edge",), ("mailer",)]
    assert next(iter(world.incidents.values())).title == title


def test_what_joins_a_storm_alike_is_part_of_it_whatever_its_cause() -> None:
    """Everyday: a release that panics on all hosts is one trouble."""
    world = World()
    for nth in range(12):
        fires(world, PANIC, nth, nth + 1, service=f"job{nth}x", host=f"k{nth}", level=50)
    assert max(len(each.services) for each in world.incidents.values()) == 8


def test_an_effect_that_comes_back_for_another_reason_reopens_nothing() -> None:
    """The store's clients wrote many errors; after the repair the same service fails for its own code."""
    world = World()
    live(world, 0, 180, "web")
    fires(world, NO_DATABASE, 180, 260, service="web", times=3)
    live(world, 260, 430, "web")
    assert [each.status for each in world.incidents.values()] == ["resolved"]
    fires(world, BUG, 430, 500, service="web", times=3)
    assert len(world.incidents) == 2
    assert [each.status for each in world.incidents.values()] == ["resolved", "open"]


def test_what_becomes_far_worse_in_an_open_incident_is_told() -> None:
    """A few requests fail for a database; later the front fails all of them."""
    world = World()
    live(world, 0, 180, "nginx", "postgresql")
    for second in range(180, 400):
        slots = [record(NO_SLOTS, second, service="postgresql")] if second % 10 == 0 else []
        world.fold(batch(second, *slots, record("ok", second, service="nginx", level=20)))
    before = len(told(world))
    failed = '127.0.0.1 - - [30/Nov/2026:03:12:00 +0000] "GET / HTTP/1.1" 502 157 "-" "app/3.2"'
    for second in range(400, 470):
        world.fold(batch(second, *(record(failed, second, service="nginx", number=n) for n in range(20))))
    assert len(told(world)) > before
