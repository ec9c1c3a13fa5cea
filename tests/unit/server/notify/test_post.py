"""What an answer to a POST means: arrived, later, never."""
from __future__ import annotations

from datetime import UTC, datetime

import pytest

from sra_server.notify.post import LONGEST_WAIT, client, meaning, post, retry_after
from sra_server.notify.send import ATTEMPTS, LONGEST_BACKOFF, backoff


def at_noon() -> datetime:
    return datetime(2027, 1, 15, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(("header", "seconds"), [
    (None, None), ("", None), ("3", 3.0), ("0.5", 0.5), ("-4", 0.0), ("soon", None), ("nan", None),
    ("999999", LONGEST_WAIT), ("inf", LONGEST_WAIT),
    ("Fri, 15 Jan 2027 12:00:30 GMT", 30.0), ("Fri, 15 Jan 2027 11:00:00 GMT", 0.0),
])
def test_retry_after(header: str | None, seconds: float | None) -> None:
    assert retry_after(header, at_noon) == seconds


@pytest.mark.parametrize(("status", "arrived", "again"), [
    (200, True, False), (204, True, False), (301, False, False), (400, False, False), (404, False, False),
    (408, False, True), (410, False, False), (429, False, True), (500, False, True), (503, False, True),
])
def test_meaning(status: int, arrived: bool, again: bool) -> None:
    found = meaning(status, {"retry-after": "7"}, "no_service")
    assert (found.arrived, found.again) == (arrived, again)
    assert found.after == (7.0 if again else None)
    assert arrived or "no_service" in found.error


def test_patience_doubles_up_to_its_bound_and_respects_what_is_asked() -> None:
    assert [backoff(n, None) for n in (1, 2, 3)] == [1.0, 2.0, 4.0]
    assert backoff(ATTEMPTS + 20, None) == LONGEST_BACKOFF
    assert backoff(1, 30.0) == 30.0
    assert backoff(3, 0.0) == 4.0


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/secret-path", "not a url", "http://", "ftp://x/secret-path"])
async def test_no_error_escapes_or_names_the_address(url: str) -> None:
    http = client()
    found = await post(http, url, {"a": 1})
    await http.aclose()
    assert not found.arrived
    assert found.error
    assert "secret-path" not in found.error
