"""Who guards a shared address gives it up when what it is for dies: that death is the one trouble."""
from __future__ import annotations

from itertools import permutations

from sra_server.domain.record import Record

from .world import World, batch, record

FAULT = "(VI_1) Entering FAULT STATE"
DIED = "{}.service: Main process exited, code=exited, status=134/n/a"


def _died(service: str, second: float) -> Record:
    return record(DIED.format(service), second, service=service)


def test_a_proxy_that_dies_and_its_address_that_moves_are_one_trouble() -> None:
    for order in permutations((_died("haproxy", 0), record(FAULT, 2, service="Keepalived_vrrp"))):
        world = World()
        for second, each in enumerate(order):
            world.fold(batch(3 + second, each))
        only = world.only()
        assert (only.cls, only.service) == ("service_crash", "haproxy")


def test_an_address_that_moves_for_itself_is_a_trouble_of_its_own() -> None:
    for died, at in (("report", 2), ("haproxy", 120)):
        world = World()
        world.fold(batch(1, _died(died, 0)))
        world.fold(batch(at + 1, record(FAULT, at, service="Keepalived_vrrp")))
        assert {each.cls for each in world.incidents.values()} == {"service_crash", "network_failure"}
