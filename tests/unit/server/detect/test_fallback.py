"""What is done instead of what failed is no trouble; where it is done always, it is told within 10 s."""
from __future__ import annotations

import pytest

from .test_single import _each, _told

APP = "2024-03-05 10:00:00,123 WARNING api: "
FALLS = (
    "redis timeout after 50ms, reading from database",
    "redis: connection refused, falling back to database",
    "could not connect to redis at cache:6379: connection refused; using cached value of 10:00",
    "Error: Redis connection to cache:6379 failed - connect ETIMEDOUT - serving stale data",
)
NO_HELP = (
    "redis timeout after 50ms, reading from database failed",
    "could not connect to database: connection refused, no fallback",
    "psycopg2.OperationalError: could not connect to server: Connection refused",
)


@pytest.mark.parametrize("text", FALLS)
def test_a_fallback_that_is_used_now_and_then_is_quiet(text: str) -> None:
    assert _told(_each(APP + text, 20, 30)) == []


@pytest.mark.parametrize("text", FALLS)
def test_a_fallback_that_is_used_all_the_time_is_told(text: str) -> None:
    assert [each.split()[0] for each in _told(_each(APP + text, 60, 0.5), within=10)] == ["database_failure"]


@pytest.mark.parametrize("text", NO_HELP)
def test_without_a_fallback_it_is_told_as_ever(text: str) -> None:
    assert [each.split()[0] for each in _told(_each(APP + text, 10, 2), within=10)] == ["database_failure"]
