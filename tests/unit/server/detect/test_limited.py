# ruff: noqa: E501 - lines of logs are as long as they are
"""One public client that a limit refuses is what the limit is for; many, a proxy or a backend that is gone are told."""
from __future__ import annotations

import pytest

from .everyday import told
from .test_everyday import _story
from .test_single import Lines, _each

LIMITING = ('2024/03/05 10:00:00 [error] 7#7: *{n} limiting requests, excess: 20.747 by zone "login", client: 45.9.1.{m}, server: shop, '
            'request: "POST /login HTTP/1.1", host: "shop.example.com"')
ANSWERED = '45.9.1.{m} - - [05/Mar/2024:10:00:00 +0000] "POST /login HTTP/1.1" {status} 197 "-" "curl/8.5.0"'
SERVED = '198.51.100.{n} - - [05/Mar/2024:10:00:00 +0000] "GET / HTTP/1.1" 200 197 "-" "curl/8.5.0"'
APP = "2024-03-05 10:00:00,123 WARNING api: rate limit exceeded for client {}: 429 Too Many Requests"


def _of(*groups: Lines) -> Lines:
    return sorted(line for group in groups for line in group)


def _told(lines: Lines, *, within: int = 600) -> list[str]:
    return told([(0, _story(*((700 + second, line) for second, line in lines)))], until=700 + within + 1)


def _nginx(status: int, *, many: bool = False) -> Lines:
    who = "{n}" if many else "2"
    return _of(_each(SERVED, 700, 1, -600), _each(LIMITING.replace("{m}", who), 60, 1),
               _each(ANSWERED.replace("{m}", who).replace("{status}", str(status)), 60, 1, 0.1))


QUIET = {
    "nginx with 503": _nginx(503),
    "nginx with 429": _nginx(429),
    "a program": _of(_each("2024-03-05 10:00:00,123 INFO api: GET /x 200", 700, 1, -600), _each(APP.format("45.9.1.2"), 120, 0.5)),
}
TOLD = {
    "a backend that is gone for others": (_of(_nginx(503), _each(ANSWERED.replace("{m}", "1{n}").replace("{status}", "502"), 60, 0.5)), 40),
    "very many who are limited by a program": (_each(APP.format("45.9.1.{n}"), 120, 0.25), 15),
    "a proxy inside": (_each(APP.format("10.0.0.7"), 120, 0.25), 15),
    "who is limited by somebody else": (_each(
        "2024-03-05 10:00:00,123 ERROR api: POST https://llm.example/v1 failed: 429 Too Many Requests from 45.9.1.2", 120, 0.25), 15),
}


@pytest.mark.parametrize("name", QUIET)
def test_one_client_that_is_limited_is_quiet(name: str) -> None:
    assert _told(QUIET[name]) == []


@pytest.mark.parametrize("name", TOLD)
def test_many_and_a_backend_that_is_gone_are_told(name: str) -> None:
    lines, within = TOLD[name]
    assert _told(lines, within=within) != []
