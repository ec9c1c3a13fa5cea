"""When a silence holds, by whose clock, and of what it is."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from sra_server.domain.silence import Part, Silence, Window, cover, fits, holding
from tests.unit.server.making import NOW

HOUR = 3600 * 1_000_000


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1_000_000


def silence(**given: object) -> Silence:
    return Silence(
        **{
            "id": "sil_1",
            "service": "",
            "host": "",
            "cls": "",
            "why": "moving",
            "created_by": "ann",
            "created_at": NOW,
            "starts_at": NOW,
            "ends_at": NOW + HOUR,
            **given,
        }
    )  # type: ignore[arg-type]


def test_it_holds_from_its_start_up_to_its_end() -> None:
    held = [silence().until(moment) for moment in (NOW - 1, NOW, NOW + HOUR - 1, NOW + HOUR)]
    assert held == [None, NOW + HOUR, NOW + HOUR, None]


def test_a_weekly_window_by_the_clock_of_its_zone() -> None:
    window = Window(every="sun", minute=120, seconds=3600, timezone="Europe/Berlin")
    # Sunday 2026-11-22 02:00 in Berlin is 01:00 UTC
    held = [
        window.until(at(text))
        for text in (
            "2026-11-22 00:59:59",
            "2026-11-22 01:00:00",
            "2026-11-22 01:59:59",
            "2026-11-22 02:00:00",
            "2026-11-23 01:30:00",
        )
    ]
    end = at("2026-11-22 02:00:00")
    assert held == [None, end, end, None, None]


@pytest.mark.parametrize(
    ("moment", "end"),
    [
        # the clock goes from 02:00 to 03:00 on 2026-03-29: 02:30 does not exist, the window begins at 03:30
        ("2026-03-29 01:29:59", None),
        ("2026-03-29 01:30:00", "2026-03-29 02:30:00"),
        # and from 03:00 back to 02:00 on 2026-10-25: the first 02:30 counts, once
        ("2026-10-25 00:30:00", "2026-10-25 01:30:00"),
        ("2026-10-25 01:30:00", None),
    ],
)
def test_a_window_when_the_clocks_change_is_as_long_as_ever_and_comes_once(
    moment: str, end: str | None
) -> None:
    window = Window(every="day", minute=150, seconds=3600, timezone="Europe/Berlin")
    assert window.until(at(moment)) == (at(end) if end else None)


def test_a_window_over_midnight_and_over_days() -> None:
    night = Window(every="sat", minute=23 * 60, seconds=2 * 3600, timezone="UTC")
    assert night.until(at("2026-11-22 00:30:00")) == at("2026-11-22 01:00:00")
    long = Window(every="mon", minute=0, seconds=6 * 86_400, timezone="UTC")
    assert long.until(at("2026-11-28 12:00:00")) == at("2026-11-29 00:00:00")


def test_a_silence_with_a_window_ends_with_the_window_or_itself() -> None:
    window = Window(every="day", minute=0, seconds=86_400, timezone="UTC")
    forever = silence(ends_at=None, window=window)
    assert forever.until(NOW) == (NOW // (24 * HOUR) + 1) * 24 * HOUR
    assert replace(forever, ends_at=NOW + 5).until(NOW) == NOW + 5


@pytest.mark.parametrize(
    ("given", "matches"),
    [
        ({"service": "checkout"}, True),
        ({"service": "cart"}, False),
        ({"host": "web-1"}, True),
        ({"host": "web-2"}, False),
        ({"cls": "database_failure"}, True),
        ({"cls": "disk_full"}, False),
        ({"service": "checkout", "host": "web-1", "cls": "database_failure"}, True),
        ({"service": "checkout", "host": "web-2"}, False),
    ],
)
def test_it_is_about_what_fits_in_all_that_is_named(given: dict, matches: bool) -> None:
    part = Part(service="checkout", host="web-1", cls="database_failure")
    assert silence(**given).matches(part) is matches


def test_a_host_is_matched_only_with_a_host() -> None:
    assert not silence(host="web-1").matches(Part(service="checkout", host="", cls="disk_full"))


def test_the_one_that_holds_the_longest_covers() -> None:
    short, long = silence(ends_at=NOW + 5), silence(id="sil_2", ends_at=NOW + 9)
    part = Part(service="checkout", host="web-1", cls="disk_full")
    found = cover(holding([short, long], NOW), part)
    assert found is not None and (found.silence, found.until) == (long, NOW + 9)
    assert holding([short, long], NOW + 9) == ()


@pytest.mark.parametrize(("named", "given", "fit"), [
    ("web-1", "web-1", True), ("web-1", "web-10", False), ("web-*", "web-10", True), ("web-*", "db-1", False),
    ("*-db", "shop-db", True), ("*-db", "shop-db-2", False), ("a*b*c", "a-b-b-c", True),
    ("a*b*c", "acb", False),
    ("ab*ba", "aba", False),  # no letter counts twice
    ("*", "", True), ("web-[0-9]", "web-1", False), ("web-.", "web-1", False), ("Web-*", "web-1", False),
])
def test_a_star_stands_for_any_letters_and_nothing_else_does(named: str, given: str, fit: bool) -> None:
    assert fits(named, given) is fit
