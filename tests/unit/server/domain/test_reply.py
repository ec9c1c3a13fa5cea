"""A failing health check against what its service says: through the fold."""
from __future__ import annotations

import pytest

from ..test_vicinity import lines
from ..world import World, batch, point, probe, record

AT = "127.0.0.1 - - [29/Nov/2026:16:38:16 +0000] "
TARGET = "http://127.0.0.1:8081/health"


def ill(text: str, *, times: int = 40, service: str = "inventory", until: int = 70) -> World:
    """Return the world after a check failed while a service, mostly its own, wrote a text again and again."""
    world = World()
    for second in range(-600, 0, 10):
        world.fold(batch(second, points=[probe(1, second)], alive=["inventory", "nginx"] * 3))
    for second in range(0, until, 5):
        told = [record(text, second + n / 10, service=service, number=second * 10 + n)
                for n in range(max(1, times // 14))]
        world.fold(batch(second + 1, *told, points=[probe(0, second)]))
    return world


@pytest.mark.parametrize("text", [
    "PHP Fatal error:  Uncaught Error: Call to a member function name() on null in /srv/wiki/index.php:11",
    "Exception in ASGI application\nTraceback (most recent call last):\nKeyError: 'price'",
    "Exception on /order [POST]\nTraceback (most recent call last):\nKeyError: 'price'",
    "Internal Server Error: /order\nTraceback (most recent call last):\nKeyError: 'price'",
    "Servlet.service() for servlet [dispatcherServlet] in context with path [] threw exception\n"
    "java.lang.NullPointerException: null",
    "http: panic serving 10.0.0.9:52000: assignment to entry in nil map",
    "TypeError: Cannot read properties of undefined (reading 'id')\n"
    "    at Layer.handle [as handle_request] (/srv/shop/node_modules/express/lib/router/layer.js:95:5)",
    "java.lang.StackOverflowError\n\tat shop.Tree.walk(Tree.java:7)",
])
def test_who_goes_on_writing_that_requests_fail_has_errors_and_is_not_down(text: str) -> None:
    found = ill(text).only()
    assert (found.cls, found.service) == ("error_burst", "inventory")


@pytest.mark.parametrize("text", [
    "ModuleNotFoundError: No module named 'stock'",
    "panic: runtime error: index out of range [3] with length 3",
    "KeyError: 'DATABASE_URL'",
    "TypeError: Cannot read properties of undefined (reading 'url')",
])
def test_who_only_writes_why_he_ends_is_down(text: str) -> None:
    assert {each.cls for each in ill(text).incidents.values()} == {"service_crash"}


def test_who_wrote_of_a_request_before_he_fell_silent_is_down() -> None:
    world = ill("Exception on /order [POST]\nKeyError: 'price'", until=20)
    for second in range(20, 200, 5):
        world.fold(batch(second, points=[probe(0, second)]))
    assert world.only().cls == "service_crash"


def test_who_is_refused_by_his_store_says_why_his_check_fails() -> None:
    text = ("Exception during pool initialization.\norg.postgresql.util.PSQLException: FATAL: password "
            'authentication failed for user "office"')
    assert ill(text).only().cls == "auth_failures"


def test_whose_visitors_guess_passwords_does_not() -> None:
    found = ill("Failed password for root from 203.0.113.9 port 51234 ssh2").incidents.values()
    assert {each.cls for each in found if each.service == "inventory"} >= {"service_crash"}


@pytest.mark.parametrize(("line", "cls"), [
    (AT + '"GET /health HTTP/1.1" 500 5 "-" "sra-agent"', "error_burst"),
    (AT + '"GET /health HTTP/1.1" 502 5 "-" "sra-agent"', "service_crash"),
    (AT + '"GET /other HTTP/1.1" 500 5 "-" "sra-agent"', "service_crash"),
    (AT + '"GET /health HTTP/1.1" 500 5 "-" "Firefox"', "service_crash"),
])
def test_the_check_in_its_proxys_log_tells_whether_it_was_answered(line: str, cls: str) -> None:
    found = ill(line, service="nginx").incidents.values()
    assert cls in {each.cls for each in found if each.service == "inventory"}


@pytest.mark.parametrize(("status", "cls"), [
    (500, "error_burst"), (404, "error_burst"), (502, "service_crash"), (503, "service_crash"),
    (0, "service_crash")])
def test_the_status_of_a_check_tells_errors_from_a_service_that_is_down(status: int, cls: str) -> None:
    world = World()
    for second in range(0, 30, 5):
        told = point("probe.status", status, second, service="inventory", probe="inventory-http",
                     target=TARGET)
        world.fold(batch(second + 1, points=[told, probe(0, second)]))
    assert world.only().cls == cls


def test_a_status_of_before_is_not_kept() -> None:
    world = World()
    told = point("probe.status", 500, 0, service="inventory", probe="inventory-http", target=TARGET)
    world.fold(batch(1, points=[told, probe(0, 0)]))
    world.fold(batch(6, points=[probe(1, 5)]))
    for second in range(10, 30, 5):
        world.fold(batch(second + 1, points=[probe(0, second)]))
    assert world.only().cls == "service_crash"


def test_a_thread_that_cannot_be_started_is_no_service_that_does_not_start() -> None:
    world = World()
    text = 'Failed to start the native thread for java.lang.Thread "mailer"'
    world.fold(batch(7, *lines(0, (text, "shop", 9))))
    assert "service_crash" not in {each.cls for each in world.incidents.values()}
