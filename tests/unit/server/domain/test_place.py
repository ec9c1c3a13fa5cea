"""The places that real messages name."""
from __future__ import annotations

import pytest

from sra_server.domain.place import of_target, places_in


@pytest.mark.parametrize(("text", "first"), [
    ('connection to server at "10.0.0.5", port 5432 failed: Connection refused', "10.0.0.5:5432"),
    ('while connecting to upstream, client: 10.0.0.1, upstream: "http://127.0.0.1:8081/x"', "127.0.0.1:8081"),
    ("GET https://pay.example/charge failed", "pay.example:443"),
    ("HTTPConnectionPool(host='pay', port=8080): Max retries exceeded", "pay:8080"),
    ("connect ECONNREFUSED ::1:6379", ""),
    ("connect ECONNREFUSED localhost:6379", "127.0.0.1:6379"),
    ("dial tcp 10.0.0.5:5432: connect: connection refused", "10.0.0.5:5432"),
    ("getaddrinfo ENOTFOUND inventory", "inventory"),
    ("could not resolve host: inventory", "inventory"),
    ("Error 111 connecting to cache:6379. Connection refused.", "cache:6379"),
    ("postgresql://user:secret@db:5433/shop is down", "db:5433"),
    ("order 17 could not be stored at 10:22", ""),
    ("File app.py:20, in order", ""),
    ('"GET / HTTP/1.1" 502 157 "-" "Mozilla/5.0 (X11; Linux) Firefox/128.0"', ""),
    ("at node:events:524:28", ""),
    ("connection lost (Background on this error at: https://sqlalche.me/e/20/e3q8)", ""),
    ("see https://docs.example/errors: dial tcp 10.0.0.5:5432: connect: connection refused", "10.0.0.5:5432"),
    ('while connecting to upstream, client: 10.0.0.1:4000, server: shop.example:443, request: "GET /", '
     'host: "shop.example:8443"', ""),
    ('*9 connect() failed, client: ::1, server: , upstream: "http://10.0.0.5:8081/", host: "shop:8080"',
     "10.0.0.5:8081"),
    ("10.0.0.9:4000 [05/Mar/2024:10:00:00.123] fe be/s1 0/0/0/-1/3 502 217 - - SH-- 1/1/0/0/0 0/0", ""),
    ("[::1]:4000 [05/Mar/2024:10:00:00.123] fe be/s1 0/0/0/-1/3 502 217 - - SH-- 1/1/0/0/0 0/0", ""),
    ('[2024-03-05T10:00:00.123Z] "- - -" 0 UF,URX 0 0 2 - "-" "-" "-" "-" "10.0.1.5:5432"', "10.0.1.5:5432"),
    ('"downstream_remote_address":"10.0.0.9:4000","upstream_host":"10.0.1.5:5432"', "10.0.1.5:5432"),
    ('10.0.0.9 - - [05/Mar/2024:10:00:00] "GET / HTTP/1.1" 502 157 "http://shop.example:81/a" "curl/8"', ""),
    ("503 for GET /orders from 203.0.113.9:51234", ""), ("bad gateway, peer=10.0.0.9:51234", ""),
    ("remote_addr=203.0.113.9:4000 status=502 upstream=10.0.1.5:8080", "10.0.1.5:8080"),
    ("connection reset by peer 10.0.1.5:5432", "10.0.1.5:5432"),
    ("reply from 10.0.1.5:5432 timed out", "10.0.1.5:5432"),
    ("read tcp [::1]:43210->[::1]:6379: connection reset", "127.0.0.1:6379"),
    ("proxy listening on [::1]:8080: upstream 10.0.1.5:5432 is down", "10.0.1.5:5432"),
    ("redis client: 10.0.1.5:6379 refused", "10.0.1.5:6379"),
])
def test_finds_what_could_not_be_reached(text: str, first: str) -> None:
    assert next(iter(places_in(text)), "") == first


@pytest.mark.parametrize(("target", "place"), [
    ("http://127.0.0.1:8081/health", "127.0.0.1:8081"), ("tcp://localhost:5432", "127.0.0.1:5432"),
    ("LOCALHOST:8081", "127.0.0.1:8081"), ("https://shop.example/", "shop.example:443"), ("", ""),
])
def test_a_target_and_a_message_agree_on_the_form(target: str, place: str) -> None:
    assert of_target(target) == place


def test_a_secret_in_an_address_is_not_kept() -> None:
    assert all("secret" not in each for each in places_in("redis://:secret@cache:6379/0 refused"))
