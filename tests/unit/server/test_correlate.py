"""Which signals are one trouble, what is its cause, and what proves its end."""
from __future__ import annotations

from dataclasses import replace

import pytest

from sra_server.correlate import Rules, compatible, correlate
from sra_server.domain.case import EXPLAINS, Known, lead
from sra_server.domain.incident import Incident
from sra_server.domain.record import MINUTE, SECOND
from sra_server.domain.signal import CLASSES, Signal

from .world import START, World, at, batch, point, probe, record

RULES = Rules(quiet=120 * SECOND, reopen=600 * SECOND)
FULL = "could not extend file: No space left on device"
NO_DATABASE = 'psycopg.OperationalError: connection to server at "10.0.0.5", port 5432 failed: refused'


def test_a_full_disk_under_a_database_is_the_cause_of_what_its_clients_say() -> None:
    world = World()
    world.fold(batch(0, *(record(NO_DATABASE, 0, number=n) for n in range(4))))
    world.fold(batch(5, record(FULL, 5, service="postgresql")))
    incident = world.only()
    assert incident.cls == "disk_full"
    assert incident.service == "postgresql"


def test_a_failing_probe_of_the_database_that_clients_miss_is_a_database_failure() -> None:
    world = World()
    target = "tcp://10.0.0.5:5432"
    world.fold(batch(0, points=[probe(1, 0, "orders-db", target)]))
    world.fold(batch(10, *(record(NO_DATABASE, 9, number=n) for n in range(3)),
                     points=[probe(0, 5, "orders-db", target), probe(0, 10, "orders-db", target)]))
    incident = world.only()
    assert (incident.cls, incident.service) == ("database_failure", "orders-db")


def test_a_declared_dependency_joins_two_services() -> None:
    settings = replace(World().settings, depends_on={"checkout": ("inventory",)})
    world = World(settings)
    world.fold(batch(0, record("panic: runtime error: nil", 0, service="inventory", host="b")))
    world.fold(batch(60, *(record("upstream timed out", 60, service="checkout", host="a", number=n)
                           for n in range(3))))
    assert world.only().service == "inventory"
    assert "point to inventory" in world.changes[-1].reason


def test_troubles_of_different_hosts_and_services_stay_apart() -> None:
    world = World()
    world.fold(batch(0, record(FULL, 0, service="a", host="h1"), record(FULL, 0, service="b", host="h2")))
    assert len(world.incidents) == 2


def test_same_host_close_in_time_joins_only_what_can_be_one_trouble() -> None:
    world = World()
    world.fold(batch(0, record(FULL, 0, service="db")))
    world.fold(batch(4, record("panic: runtime error: nil", 4, service="api")))
    assert world.only().cls == "disk_full"
    assert "same host web-1, 4 s apart" in world.changes[-1].reason
    world.fold(batch(6, *(record("Failed password for root", 6, service="sshd", number=n) for n in range(9))))
    assert sorted(each.cls for each in world.incidents.values()) == ["auth_failures", "disk_full"]


def test_same_host_long_after_is_another_trouble() -> None:
    world = World()
    world.fold(batch(0, record(FULL, 0, service="db")))
    world.fold(batch(45, record("panic: runtime error: nil", 45, service="api")))
    assert len(world.incidents) == 2


def test_what_goes_on_is_not_told_each_time() -> None:
    world = World()
    for second in range(90):
        world.fold(batch(second, record(FULL, second)))
    assert 3 <= len(world.changes) <= 4
    assert world.state.cases[world.only().id].count == 90


def test_a_closed_incident_is_left_alone_and_a_firing_check_opens_anew() -> None:
    world = World()
    world.fold(batch(0, points=[probe(0, 0), probe(0, 5)]))
    first = world.only()
    world.incidents[first.id] = first.move("closed", at(6))
    world.fold(batch(10, points=[probe(0, 10)]))
    assert len(world.incidents) == 2


def test_a_threshold_does_not_clear_by_silence() -> None:
    world = World()
    for second in range(0, 100, 10):
        world.fold(batch(second, points=[point("system.disk_percent", 97.0, second, mount="/data")]))
    assert world.only().cls == "disk_full"
    for second in range(100, 2000, 60):
        world.fold(batch(second, alive=["shop"]))
    assert world.only().status == "open"
    for second in range(2000, 2100, 10):
        world.fold(batch(second, points=[point("system.disk_percent", 50.0, second, mount="/data")]))
    assert world.only().status == "resolved"


def test_password_guessing_ends_when_the_host_lives_without_it() -> None:
    world = World()
    world.fold(batch(0, *(record("Failed password for root", n, service="sshd", number=n) for n in range(6))))
    for second in range(10, 300, 10):
        world.fold(batch(second, alive=["cron"]))
    assert world.only().status == "resolved"


def test_an_incident_whose_case_was_lost_goes_on() -> None:
    world = World()
    world.fold(batch(0, record(FULL, 0)))
    lost = replace(world.state, cases={})
    world.state = lost
    changes = world.fold(batch(40, record(FULL, 40)))
    assert [each.kind for each in changes] == ["attached"]
    assert world.only().signals == 2


def test_the_input_is_never_changed() -> None:
    world = World(through_json=False)
    world.fold(batch(0, record(FULL, 0)))
    cases = dict(world.state.cases)
    incidents: tuple[Incident, ...] = (world.only(),)
    correlate([], cases, incidents, {"service|shop": at(500)}, at(500), RULES, lambda: "x")
    assert cases == dict(world.state.cases)
    assert incidents[0].status == "open"


def test_compatible_is_symmetric_and_every_class_is_ranked() -> None:
    assert set(EXPLAINS) == set(CLASSES)
    for one in CLASSES:
        for other in CLASSES:
            assert compatible(one, other) == compatible(other, one)
    assert not compatible("auth_failures", "disk_full")


def _signal(cls: str, service: str, *, detector: str = "signature", moment: int = START) -> Signal:
    return Signal(detector=detector, fingerprint=f"{detector}|{cls}|{service}", cls=cls, severity="high",
                  title="t", at=moment, last_at=moment, service=service)


@pytest.mark.parametrize("order", [0, 1])
def test_the_end_of_a_chain_is_the_cause_not_a_link(order: int) -> None:
    known = Known(depends_on={"web": ("shop",), "shop": ("inventory",)})
    chain = (_signal("external_api_down", "web"), _signal("external_api_down", "shop"),
             _signal("service_crash", "inventory", detector="probe", moment=START + MINUTE))
    found = lead(chain if order else tuple(reversed(chain)), known)
    assert found.service == "inventory"
    assert found.cls == "service_crash"


def test_two_that_blame_each_other_still_have_a_lead() -> None:
    known = Known(depends_on={"a": ("b",), "b": ("a",)})
    both = (_signal("external_api_down", "a"), _signal("external_api_down", "b"))
    assert lead(both, known).service in ("a", "b")
