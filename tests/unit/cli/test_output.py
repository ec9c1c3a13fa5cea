"""What people see: no text of a log can drive the terminal, times are read and shown as meant."""
from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from sra_cli import output
from sra_sdk.errors import BadInput

NOW = datetime(2026, 1, 2, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(("given", "shown"), [
    ("plain text, äöü, 日本", "plain text, äöü, 日本"),
    ("\x1b[2J\x1b]0;owned\x07", "\\x1b[2J\\x1b]0;owned\\x07"),
    ("c1 \x9b31m", "c1 \\x9b31m"),
    ("bidi \u202etxt.exe", "bidi \\u202etxt.exe"),
    ("a\tb", "a    b"),
    ("a\r\nb\nc", "a ⏎ b ⏎ c"),
    ("over\rwrite", "over\\rwrite"),
    ("back\x08space", "back\\x08space"),
    ("lone \udc80", "lone \\udc80"),
    ("nul\x00", "nul\\x00"),
])
def test_control_characters_become_visible(given: str, shown: str) -> None:
    assert output.plain(given) == shown
    assert output.plain(given).isprintable()


def test_line_ends_stay_where_they_are_asked_for() -> None:
    assert output.plain("a\nb\x1b", lines=True) == "a\nb\\x1b"


@pytest.mark.parametrize(("text", "meant"), [
    ("90s", NOW - timedelta(seconds=90)), ("15m", NOW - timedelta(minutes=15)),
    ("2h", NOW - timedelta(hours=2)), ("3d", NOW - timedelta(days=3)), ("1w", NOW - timedelta(weeks=1)),
    ("2026-01-31T12:00:00Z", datetime(2026, 1, 31, 12, tzinfo=UTC)),
    ("2026-01-31T12:00:00+02:00", datetime(2026, 1, 31, 10, tzinfo=UTC)),
    ("2026-01-31", datetime(2026, 1, 31).astimezone().astimezone(UTC)),
])
def test_times_are_read_as_people_write_them(text: str, meant: datetime) -> None:
    assert output.moment(text, "since", NOW) == meant


@pytest.mark.parametrize("text", ["", "yesterday", "5x", "h", "-5m", "999999999999d", "9999999-01-01"])
def test_what_is_no_time_names_the_option(text: str) -> None:
    with pytest.raises(BadInput, match="since") as caught:
        output.moment(text, "since", NOW)
    assert caught.value.hint


@pytest.mark.parametrize(("seconds", "words"), [
    (0, "just now"), (59, "59s ago"), (89, "89s ago"), (90, "1m ago"), (3599, "59m ago"), (7200, "2h ago"),
    (200000, "2d ago")])
def test_ages_are_short(seconds: int, words: str) -> None:
    assert output.age(NOW - timedelta(seconds=seconds), NOW) == words


def test_a_table_is_whole_and_uncoloured_when_nobody_looks(capsys: pytest.CaptureFixture[str]) -> None:
    output.table(("ID", "SEVERITY", "TITLE"), [("1", "critical", "x" * 300), ("22", "low", "a\x1b[0mb")],
                 empty="none")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "ID  SEVERITY  TITLE"
    assert lines[1] == "1   critical  " + "x" * 300
    assert lines[2] == "22  low       a\\x1b[0mb"


def test_an_empty_table_is_a_notice_and_not_data(capsys: pytest.CaptureFixture[str]) -> None:
    output.table(("ID",), [], empty="no incidents")
    assert capsys.readouterr() == ("", "no incidents\n")


def test_json_is_data_even_with_hostile_text(capsys: pytest.CaptureFixture[str]) -> None:
    output.emit({"text": "\x1b]0;x\x07\u202e"})
    out = capsys.readouterr().out
    assert "\x1b" not in out and json.loads(out) == {"text": "\x1b]0;x\x07\u202e"}
