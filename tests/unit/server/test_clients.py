"""What clients do wakes nobody, and what is broken for them does: both sides, through the whole fold."""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from sra_sdk.lines.infer import level_of
from sra_sdk.lines.level import NUMBER
from sra_sdk.lines.parse import LineReader
from sra_server.domain.record import Record

from .world import World, at, batch, record

QUIET = 20
HERE = "2023/11/14 22:13:20 [error] 12#12: *3 "


def line(text: str, seconds: float, number: int, service: str = "nginx") -> Record:
    """Return the record of a line as the agent would read it, at another time."""
    read = LineReader(now=lambda: at(0)).read(text)
    level = NUMBER[level_of(read.message, read.level, read.format, read.metadata)]
    return replace(record(read.message, seconds, number=number, service=service, level=level),
                   metadata=dict(read.metadata))


def lived(text: Callable[[int], str], errors: int, served: int, *, minutes: int = 15,
          service: str = "nginx") -> World:
    """A service that is well for a while, and then has so many such errors a minute among what it serves."""
    world = World()
    for minute in range(QUIET + minutes):
        for part in range(6):
            second = minute * 60 + part * 10
            n = errors // 6 if minute >= QUIET else 0
            numbers = range(minute * errors + part * n, minute * errors + part * n + n)
            world.fold(batch(second, *(line(text(number), second, number, service) for number in numbers),
                             alive=[service] * max(1, served // 6)))
    return world


def scanned(n: int) -> str:
    return (f'{HERE}open() "/var/www/wp-{n}.php" failed (2: No such file or directory), client: 203.0.113.9, '
            f'server: shop, request: "GET /wp-{n}.php HTTP/1.1", host: "shop.example"')


def unlinked(n: int) -> str:
    return (f'{HERE}open() "/var/www/app.js" failed (2: No such file or directory), '
            f'client: 203.0.113.{n % 200}, server: shop, request: "GET /app.js HTTP/1.1", '
            'host: "shop.example", referrer: "https://shop.example/cart"')


def failed(client: str) -> str:
    return f'{client} - - [14/Nov/2023:22:13:20 +0000] "POST /search HTTP/1.1" 500 12'


def asked(n: int) -> str:
    return f"2023-11-14 22:13:20,000 ERROR shop: GET /old-{n}.php 404"


def browsed(n: int) -> str:
    return (f"2023-11-14 22:13:20,000 ERROR shop: TypeError: Cannot read properties of null (reading '{n}') "
            "at https://shop.example/static/app.js:1:2345")


@pytest.mark.parametrize(("text", "errors", "served"), [
    (scanned, 60, 0), (scanned, 600, 120), (asked, 60, 120), (browsed, 30, 120),
    (lambda n: failed("203.0.113.9"), 18, 240), (lambda n: failed("203.0.113.9"), 60, 240),
    (lambda n: failed(f"203.0.113.{n % 200}"), 18, 3000),
])
def test_what_clients_bring_about_wakes_nobody(text: Callable[[int], str], errors: int, served: int) -> None:
    assert lived(text, errors, served).incidents == {}


@pytest.mark.parametrize(("text", "errors", "served"), [
    (unlinked, 60, 120), (lambda n: failed("203.0.113.9"), 60, 0),
    (lambda n: f"2023-11-14 22:13:20,000 ERROR shop: GET /stock/{n} from inventory failed: 404", 30, 240),
])
def test_what_is_broken_for_them_is_told_within_a_minute(text: Callable[[int], str], errors: int,
                                                         served: int) -> None:
    world = lived(text, errors, served)
    assert world.only().cls == "error_burst"
    assert world.only().created_at <= at(QUIET * 60 + 60)


@pytest.mark.parametrize("text", [
    lambda n: failed(f"203.0.113.{n % 200}"), lambda n: failed("10.0.0.7"),
    lambda n: f"2023-11-14 22:13:20,000 ERROR shop: POST /order-{n} 500",
])
def test_what_fails_for_few_of_them_is_told_within_two_minutes(text: Callable[[int], str]) -> None:
    world = lived(text, 18, 240)
    assert world.only().cls == "error_burst"
    assert world.only().created_at <= at(QUIET * 60 + 120)


def test_a_scanner_does_not_hide_what_is_broken_beside_it() -> None:
    world = lived(lambda n: scanned(n) if n % 2 else failed(f"203.0.113.{n % 200}"), 120, 240)
    shown = [each.text for change in world.changes for signal in change.signals for each in signal.evidence]
    assert world.only().created_at <= at(QUIET * 60 + 60)
    assert not any("wp-" in each for each in shown), "nor is it shown as evidence"


def test_a_service_that_is_broken_from_its_first_minute_is_one_incident_of_medium_severity() -> None:
    world = World()
    for second in range(0, 15 * 60, 10):
        errors = (record(f"cannot open the store {i}", second, number=i) for i in range(200))
        world.fold(batch(second, *errors, alive=["shop"] * 10))
    assert (world.only().severity, world.only().status) == ("medium", "open")
    assert at(180) <= world.only().created_at <= at(240)
    assert "since it is watched" in world.only().title
    assert world.only().root_cause == ("Unknown: shop on web-1 does hardly anything but fail, since "
                                       "2023-11-14 22:14:00 UTC, and nothing seen so far says why.")
    for second in range(15 * 60, 20 * 60, 10):
        world.fold(batch(second, alive=["shop"] * 10))
    assert world.only().status == "resolved"
    assert world.changes[-1].reason.startswith("quiet for 120 s")


def newcomers(errors: int, count: int, minutes: int, *, well: int = 0) -> World:
    """An account with an old service, to which so many new ones come that fail so often a minute."""
    world = World()
    for second in range(0, 10 * 60, 30):
        world.fold(batch(second, alive=["old"]))
    for second in range(600, 600 + minutes * 60, 10):
        failures = (record("no key for the registry", second, number=1000 * each + n, service=f"new-{each}")
                    for each in range(count) for n in range(errors // 6))
        world.fold(batch(second, *failures, alive=[f"new-{each}" for each in range(count)] * (well // 6)))
    return world


def test_many_new_services_that_fail_together_are_one_incident() -> None:
    world = newcomers(30, 30, 8)
    assert world.only().cls == "error_burst"
    assert at(600 + 180) <= world.only().created_at <= at(600 + 240)


@pytest.mark.parametrize("quiet", [
    {"errors": 30, "count": 30, "minutes": 2}, {"errors": 30, "count": 5, "minutes": 8},
    {"errors": 12, "count": 30, "minutes": 8}, {"errors": 30, "count": 30, "minutes": 8, "well": 60}])
def test_new_services_that_start_badly_or_are_chatty_are_none(quiet: dict[str, int]) -> None:
    assert newcomers(**quiet).incidents == {}


def test_what_becomes_habit_is_not_called_quiet() -> None:
    world = World(through_json=False)
    for minute in range(60 + 260):
        errors = 100 if minute >= 60 else 0
        world.fold(batch(minute * 60, *(record("no price", minute * 60, number=i) for i in range(errors)),
                         alive=["shop"]))
        if minute == 240:
            assert world.only().status == "open", "three hours of it are still the same trouble"
    assert world.only().status == "resolved"
    assert world.changes[-1].reason == ("its errors go on; they have lasted so long that they count as usual "
                                        "for shop")
