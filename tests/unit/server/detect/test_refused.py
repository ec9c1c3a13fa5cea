# ruff: noqa: E501 - lines of logs are as long as they are
"""An API refuses some of its callers all day, from its first hour on; where it refuses most, that is told."""
from __future__ import annotations

import pytest

from .everyday import told
from .test_single import Lines, _each, _story

API = "2024-03-05 10:00:00,123 {} api: "
WARNS, FAILS = API.format("WARNING"), API.format("ERROR")
LIMITED = f"{WARNS}rate limit exceeded for customer acme-{{n}}: 100 requests per minute, answered 429"
QUOTA = f"{WARNS}tenant acme is over its rate limit, 429 returned"
EXPIRED = f"{WARNS}rejected token of user{{n}}: jwt expired (TokenExpiredError), answered 401"
INVALID = f"{WARNS}request of 198.51.100.{{n}} refused: invalid token, 401"
OTHERS = f"{FAILS}GET https://rates.example/v1 failed: 429 Client Error: Too Many Requests"
WRONG_KEY = f"{WARNS}rejected token of user{{n}}: JsonWebTokenError: invalid signature"
#: The program writes two lines a second beside these. From its first minute, half an hour long.
QUIET: dict[str, Lines] = {
    "customers at their limit": _each(LIMITED, 180, 10),
    "one customer at its limit": _each(QUOTA, 120, 15),
    "tokens that have expired": _each(EXPIRED, 300, 6),
    "tokens of strangers": _each(INVALID, 80, 22),
}
#: From its first minute, or after half an hour.
TOLD: dict[str, tuple[Lines, int, str]] = {
    "most customers at their limit": (_each(LIMITED, 400, 0.1), 40, "rate_limited medium"),
    "a partner's limit": (_each(OTHERS, 60, 1), 20, "rate_limited medium"),
    "a partner's limit, seldom": (_each(OTHERS, 60, 5), 60, "rate_limited medium"),
    "a key that is not theirs": (_each(WRONG_KEY, 60, 0.5), 15, "auth_failures high"),
    "nobody renews tokens": (_each(EXPIRED, 300, 0.2), 30, "auth_failures medium"),
}


def _opened(lines: Lines, until: int, *, begin: int) -> list[str]:
    return [" ".join(each.split()[:2]) for each in told([(begin - 1200, _story(lines))], until=begin + until, every=15)]


@pytest.mark.parametrize("name", QUIET)
def test_who_is_refused_by_design_wakes_nobody(name: str) -> None:
    assert _opened(QUIET[name], 1800, begin=20) == []


@pytest.mark.parametrize("begin", [20, 1800])
@pytest.mark.parametrize("name", TOLD)
def test_where_most_is_refused_it_is_told(name: str, begin: int) -> None:
    lines, within, opened = TOLD[name]
    assert _opened(lines, within, begin=begin) == [opened]
