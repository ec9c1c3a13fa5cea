"""Relation: one name on two hosts, and what happens later in a service whose trouble is still open."""
from __future__ import annotations

import pytest

from .world import World, batch, point, record

FULL = "write /srv/data/7: no space left on device"
PANIC = "panic: runtime error: index out of range [3] with length 3"
DIED = "zeta.service: Main process exited, code=killed, status=9/KILL"
EXPIRED = "tls: failed to verify certificate: x509: certificate has expired or is not yet valid"
GONE = "FATAL:  the database system is in recovery mode"
REFUSED = "dial tcp 127.0.0.1:6379: connect: connection refused"


def fires(world: World, text: str, first: float, *, times: int = 20, step: float = 1.0, service: str = "zeta",
          host: str = "web-1") -> None:
    for nth in range(times):
        world.fold(batch(first + nth * step, record(text, first + nth * step, service=service, host=host)))


def test_the_service_of_one_name_on_another_host_has_a_trouble_of_its_own_and_people_are_told() -> None:
    world = World()
    fires(world, FULL, 0)
    fires(world, DIED, 60, host="web-2")
    assert {(each.cls, each.hosts) for each in world.incidents.values()} == {
        ("disk_full", ("web-1",)), ("service_crash", ("web-2",))}


def test_one_program_that_fails_alike_on_two_hosts_at_once_has_one_trouble() -> None:
    world = World()
    world.fold(batch(0, record(FULL, 0, service="zeta", host="web-1")))
    world.fold(batch(3, record(FULL, 3, service="zeta", host="web-2")))
    assert world.only().hosts == ("web-1", "web-2")


@pytest.mark.parametrize(("quiet", "incidents"), [(75, 2), (20, 1)])
def test_what_cannot_come_of_an_earlier_trouble_is_another(quiet: int, incidents: int) -> None:
    world = World()
    fires(world, GONE, 0, service="api")
    fires(world, EXPIRED, 20 + quiet, service="api")
    assert len(world.incidents) == incidents


def test_a_further_kind_of_trouble_in_an_open_incident_is_told_once() -> None:
    world = World()
    fires(world, FULL, 0, times=80, step=10)
    assert not any(each.worse for each in world.changes)
    fires(world, DIED, 800, times=20)
    assert [sorted(each.worse) for each in world.changes if each.worse] == [
        ["signature|process_crash|zeta|web-1"]]
    assert world.only().cls == "disk_full"


def test_a_busy_processor_does_not_swallow_who_dies_of_something_else() -> None:
    world = World()
    for second in range(0, 600, 10):
        world.fold(batch(second, points=[point("system.cpu_percent", 99.0, second)]))
    opened = len(world.incidents)
    world.fold(batch(600, record(PANIC, 600, service="inventory")))
    assert opened == 1
    assert sorted(each.cls for each in world.incidents.values()) == ["cpu_overload", "service_crash"]


def test_who_names_a_service_means_the_one_on_his_own_host() -> None:
    """Redis runs on both hosts; the one on web-2 is stopped while a trouble of that on web-1 is open."""
    world = World()
    for second in range(0, 60, 5):
        world.fold(batch(second, *(record("ready to accept connections", second, service="redis", host=host,
                                          level=20) for host in ("web-1", "web-2"))))
    fires(world, "MISCONF Redis is configured to save RDB snapshots: No space left on device", 60,
          service="redis", host="web-1")
    first = world.only()
    fires(world, REFUSED, 90, service="basket", host="web-2")
    others = [each for each in world.incidents.values() if each.id != first.id]
    assert [each.hosts for each in others] == [("web-2",)]
    assert world.incidents[first.id].hosts == ("web-1",)
