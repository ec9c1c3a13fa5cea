# ruff: noqa: E501 - lines of logs are as long as they are
"""Who leaves, and a server that is slow for a moment, wake nobody; an upstream that hangs up and a server that stays slow are told."""
from __future__ import annotations

import pytest

from .test_single import _each, _told

ABORTED = ('{"level":40,"time":1796032808000,"pid":18,"hostname":"web-1","msg":"request aborted","err":{"type":"Error","message":"aborted",'
           '"code":"ECONNRESET"}}')
UPSTREAM = ('{"level":50,"time":1796032808000,"pid":18,"hostname":"web-1","msg":"POST http://pay:8080/charge failed","err":{"type":"Error",'
            '"message":"read ECONNRESET","code":"ECONNRESET"}}')
SLOW = "[10:00:30] [Server thread/WARN]: Can't keep up! Is the server overloaded? Running 2632ms or 51 ticks behind"

QUIET = {
    "requests that were given up": _each(ABORTED, 60, 10),
    "a server that is slow once": _each(SLOW, 1, 1),
    "a server that is slow now and then": _each(SLOW, 10, 60),
}
TOLD = {
    "an upstream that hangs up": (_each(UPSTREAM, 40, 0.5), 10, "external_api_down"),
    "a server that stays slow": (_each(SLOW, 8, 15), 35, "cpu_overload medium"),
    "workers that are all busy": (_each("2024-03-05 10:00:00,123 ERROR shop: the server is overloaded, request refused", 20, 1), 10, "cpu_overload high"),
}


@pytest.mark.parametrize("name", QUIET)
def test_a_moment_is_quiet(name: str) -> None:
    assert _told(QUIET[name]) == []


@pytest.mark.parametrize("name", TOLD)
def test_what_goes_on_is_told(name: str) -> None:
    lines, within, opened = TOLD[name]
    found = _told(lines, within=within)
    assert len(found) == 1 and found[0].startswith(opened)
