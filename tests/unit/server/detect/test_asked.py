# ruff: noqa: E501 - lines of logs are as long as they are
"""The name servers of one domain that fail are its owner's trouble; a forwarder that is gone is told within 10 s."""
from __future__ import annotations

import pytest

from .test_single import Lines, _each, _told

BIND = "Mar  5 10:00:00 ns-1 named[801]: "
REFUSED = f"{BIND}connection refused resolving '{{}}/A/IN': {{}}#53"
UNBOUND = "Mar  5 10:00:00 ns-1 unbound[801]: [801:0] error: SERVFAIL <{}. A IN>: all servers for this domain failed, at zone {}"


def _of(*groups: Lines) -> Lines:
    return sorted(line for group in groups for line in group)


QUIET = {
    "one domain": _each(REFUSED.format("x.example", "198.51.100.8"), 60, 5),
    "hosts of one domain": _each(REFUSED.format("h{n}.x.example", "198.51.100.8"), 60, 2),
    "two domains, each at its own server": _of(_each(REFUSED.format("x.example", "198.51.100.8"), 40, 3),
                                               _each(REFUSED.format("y.example", "198.51.100.9"), 40, 3, 1)),
    "one domain of Unbound": _each(UNBOUND.format("www.x.example", "x.example."), 60, 5),
}
TOLD = {
    "a forwarder that is gone": _each(REFUSED.format("www.shop{n}.example", "198.51.100.8"), 40, 1),
    "a forwarder inside": _each(REFUSED.format("shop.internal", "10.0.0.3"), 40, 1),
    "the forwarder of Unbound": _each(UNBOUND.format("www.x.example", "."), 40, 1),
    "all domains of Unbound": _each(UNBOUND.format("www.shop{n}.example", "shop{n}.example."), 40, 1),
}


@pytest.mark.parametrize("name", QUIET)
def test_servers_of_one_domain_that_fail_are_quiet(name: str) -> None:
    assert _told(QUIET[name]) == []


@pytest.mark.parametrize("name", TOLD)
def test_a_forwarder_that_is_gone_is_told(name: str) -> None:
    assert [each.split()[0] for each in _told(TOLD[name], within=10)] == ["network_failure"]
