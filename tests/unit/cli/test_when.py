"""A time to come as people write it, and how long it is until then."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from sra_cli.silence import _holds, _when
from sra_cli.when import later, machine, stamp, until
from sra_sdk.errors import BadInput
from sra_sdk.models import SilenceOut

BERLIN = ZoneInfo("Europe/Berlin")
#: A Saturday, 14:30 in Berlin.
NOW = datetime(2026, 3, 28, 13, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("now", "2026-03-28T13:30"),
        ("in 2h", "2026-03-28T15:30"),
        ("15:00", "2026-03-28T14:00"),
        ("14:00", "2026-03-29T12:00"),
        ("2:00", "2026-03-29T01:00"),  # tonight's clocks go from 02:00 to 03:00: right after what is left out
        ("today 23:00", "2026-03-28T22:00"),
        ("Tomorrow 04:00", "2026-03-29T02:00"),
        ("sat 14:00", "2026-04-04T12:00"),
        ("saturday 15:00", "2026-03-28T14:00"),
        ("Mon, 01:00", "2026-03-29T23:00"),
        ("2026-12-01T02:00", "2026-12-01T01:00"),
        ("2026-12-01 02:00", "2026-12-01T01:00"),
        ("2026-12-01T02:00Z", "2026-12-01T02:00"),
        ("2026-12-01T02:00+05:00", "2026-11-30T21:00"),
    ],
)
def test_a_time_to_come_is_read_by_the_clock_of_its_zone(text: str, found: str) -> None:
    assert later(text, "from", NOW, BERLIN) == datetime.fromisoformat(found).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("at", "words"),
    [
        ("2026-03-28T13:30:01", "1m"),
        ("2026-03-28T14:15:00", "45m"),
        ("2026-03-28T16:29:59", "3h"),
        ("2026-03-28T16:50:00", "3h 20m"),
        ("2026-03-31T13:30:00", "3d"),
        ("2026-03-31T15:30:00", "3d 2h"),
    ],
)
def test_how_long_it_is_until_then(at: str, words: str) -> None:
    assert until(datetime.fromisoformat(at).replace(tzinfo=UTC), NOW) == words


def test_a_silence_to_come_says_when_it_starts_and_one_that_was_ended_before_does_not() -> None:
    at = {name: NOW.replace(hour=hour) for name, hour in (("starts_at", 15), ("ends_at", 17))}
    one = SilenceOut(id="sil_1", why="x", created_by="ann", created_at=NOW, service="shop", **at)
    assert _holds(one, NOW) == "starts in 2h"
    assert _when(one, NOW).startswith("from 2026-03-28 ") and ", until " in _when(one, NOW)
    assert _holds(one.model_copy(update={"ends_at": NOW}), NOW) == "-"
    holds = one.model_copy(update={"until": one.ends_at})
    assert _holds(holds, one.starts_at) == "now" and _when(holds, one.starts_at).startswith("until ")


def test_a_time_is_said_with_its_zone() -> None:
    assert stamp(NOW, BERLIN) == "2026-03-28 14:30:00 Europe/Berlin"
    assert stamp(NOW).rpartition(" ")[2] == NOW.astimezone().tzname()


def test_the_zone_of_a_machine_is_what_it_says_and_utc_where_it_says_nothing(tmp_path: Path) -> None:
    berlin, nameless = tmp_path / "zoneinfo" / "Europe" / "Berlin", tmp_path / "copied"
    berlin.parent.mkdir(parents=True)
    berlin.touch()
    nameless.touch()
    link = tmp_path / "localtime"
    link.symlink_to(berlin)
    assert machine({}, link) == "Europe/Berlin"
    assert machine({"TZ": ":Asia/Tokyo"}, link) == "Asia/Tokyo"
    assert machine({"TZ": ""}, link) == machine({}, tmp_path / "missing") == "UTC"
    for environ in ({}, {"TZ": "CET-1CEST,M3.5.0,M10.5.0/3"}):
        with pytest.raises(BadInput, match="no name by which the server"):
            machine(environ, nameless)


def test_what_begins_with_the_command_is_not_told_as_to_come() -> None:
    """The server sets the beginning by its own clock, and answers after the shell read its own."""
    def told(starts: int, holds: bool) -> str:
        return _when(SilenceOut.model_validate({
            "id": "sil_1", "why": "x", "created_by": "ann", "created_at": NOW,
            "starts_at": NOW + timedelta(seconds=starts), "ends_at": NOW + timedelta(hours=3),
            "until": NOW + timedelta(hours=3) if holds else None}), NOW, BERLIN)

    end = "until 2026-03-28 17:30:00 Europe/Berlin"
    assert told(2, True) == told(2, False) == told(-5, True) == told(300, True) == end
    assert told(3600, False) == f"from 2026-03-28 15:30:00 Europe/Berlin, {end}"
