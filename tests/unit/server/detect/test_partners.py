# ruff: noqa: E501 - lines of logs are as long as they are
"""One of many partners who fails is no trouble of who calls them; the only partner's failure, or everybody's, is told within 10 s."""
from __future__ import annotations

import pytest

from sra_server.detect.partners import far

from .everyday import told
from .test_single import Lines, _each, _story, _told

HOOKS = "2024-03-05 10:00:00,123 WARNING hooks: delivery to https://hooks.customer{n}.example/in failed: "
WELL = _each("2024-03-05 10:00:00,123 INFO hooks: delivered", 600, 0.5, -60)
MONITOR = ("2024-03-05T10:00:00.123Z [MONITOR] {}: Monitor #{{n}} 'site{{n}}': Failing: certificate has expired | Interval: 60 seconds | Type: http "
           "| Down Count: 0 | Resend Interval: 0")
SHOP = "2024-03-05 10:00:00,123 ERROR shop: POST https://pay.example/charge failed: certificate verify failed: certificate has expired"
OTHERS = _each("2024-03-05 10:00:00,123 ERROR shop: POST https://{n}.example/send failed: Read timed out", 2, 30, -120)


def _of(*groups: Lines) -> Lines:
    return sorted(line for group in groups for line in group)


QUIET = {
    "hooks of customers": _of(WELL, _each(f"{HOOKS}certificate verify failed: certificate has expired", 12, 15)),
    "hooks of one customer among others": _of(WELL, _each(f"{HOOKS}Read timed out", 8, 9), _each(
        f"{HOOKS}certificate verify failed: certificate has expired".replace("{n}", "3"), 4, 30)),
    "one customer, once": _of(WELL, _each(f"{HOOKS}certificate verify failed: certificate has expired", 1, 1)),
    "customers who refuse": _of(WELL, _each(f"{HOOKS}401 Unauthorized", 60, 3)),
    "customers who refuse twice in a minute": _of(WELL, *(_each(f"{HOOKS}connect ECONNREFUSED 198.51.100.9:443", 7, 7, begin) for begin in (0, 50))),
    "a monitor of many": _each(MONITOR.format("WARN"), 8, 20),
}
TOLD = {
    "the only partner": (_each(SHOP, 3, 3), 10, "certificate_expired high"),
    "a partner while two others failed": (_of(OTHERS, _each(SHOP, 20, 2)), 10, "certificate_expired high"),
    "all of many": (_of(_each(f"{HOOKS}certificate verify failed: certificate has expired", 60, 0.2)), 10, "certificate_expired high"),
    "all refuse our key": (_of(_each(f"{HOOKS}401 Unauthorized", 60, 0.2)), 10, "auth_failures high"),
    "an upstream of ours": (_of(OTHERS, _each(SHOP.replace("pay.example", "pay.internal:8443"), 4, 3)), 10, "certificate_expired high"),
    "one who is down for the monitor": (_each(MONITOR.format("WARN").replace("{n}", "7"), 8, 60), 200, "certificate_expired high"),
}


@pytest.mark.parametrize("name", QUIET)
def test_one_of_many_partners_is_quiet(name: str) -> None:
    assert _told(QUIET[name]) == []


@pytest.mark.parametrize("name", TOLD)
def test_the_only_partner_or_all_of_them_are_told(name: str) -> None:
    lines, within, opened = TOLD[name]
    assert [each.split()[0] for each in _told(lines, within=within)] == [opened.split()[0]]
    assert opened in _told(lines)


def test_a_partner_whom_an_hourly_job_meets_again_is_noted() -> None:
    line = SHOP.replace("ERROR", "WARNING")
    assert told([(0, _story([(60, line)]))], until=200, every=15) == []
    assert told([(0, _story([(60, line), (3700, line)]))], until=2 * 3600, every=15) != []


@pytest.mark.parametrize(("place", "said"), [
    ("pay.example:443", True), ("203.0.113.7:443", True), ("pay:8080", False), ("pay.internal", False),
    ("10.0.0.7:443", False), ("localhost:8080", False), ("db.shop.svc", False), ("", False),
])
def test_who_is_in_the_world(place: str, said: bool) -> None:
    assert far(place) is said
