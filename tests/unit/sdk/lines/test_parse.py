"""Reading lines: each format exactly, whatever came before it, and never an exception."""
from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sra_sdk.lines.parse import LineReader, Parsed

from .samples import NOW, SAMPLES, Sample


def reader() -> LineReader:
    return LineReader(now=lambda: NOW, tz=UTC)


def at(text: str | None) -> int | None:
    if text is None:
        return None
    seconds, _, fraction = text.partition(".")
    whole = int(datetime.fromisoformat(seconds).replace(tzinfo=UTC).timestamp())
    return whole * 1_000_000 + int(fraction.ljust(6, "0") or 0)


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda s: s.line[:50])
def test_reads_exactly(sample: Sample) -> None:
    parsed = reader().read(sample.line)
    assert (parsed.format, parsed.at, parsed.level, parsed.message, parsed.service, parsed.host) == (
        sample.format, at(sample.at), sample.level, sample.message, sample.service, sample.host)
    assert {key: parsed.metadata.get(key) for key in sample.metadata} == sample.metadata


def test_the_lines_before_do_not_change_a_reading() -> None:
    alone = [reader().read(sample.line) for sample in SAMPLES]
    for before in SAMPLES:
        mixed = reader()
        for sample, expected in zip(SAMPLES, alone, strict=True):
            mixed.read(before.line)
            assert mixed.read(sample.line) == expected, f"after {before.line!r}"


@pytest.mark.parametrize("sample", [s for s in SAMPLES if s.line], ids=lambda s: s.line[:30])
def test_every_beginning_of_a_line_is_read(sample: Sample) -> None:
    lines = reader()
    for end in range(len(sample.line)):
        lines.read(sample.line[:end])
        lines.read(sample.line[end:])


def test_a_file_says_itself_which_fields_it_has() -> None:
    lines = reader()
    lines.read("#Fields: time date c-ip cs-method cs-uri sc-status s-reason")
    parsed = lines.read("10:00:00 2026-01-31 10.0.0.9 GET /a 503 AppOffline")
    assert (parsed.at, parsed.message, parsed.metadata["reason"]) == (
        at("2026-01-31T10:00:00"), '"GET /a" 503', "AppOffline")
    assert lines.read("2026-01-31 10:00:00 INFO here").level == "info", "another kind of line among them"


def test_defaults_serve_the_lines_that_name_none() -> None:
    lines = LineReader(service="shop", host="web-9", now=lambda: NOW, tz=UTC)
    parsed = lines.read("plain words")
    assert (parsed.service, parsed.host) == ("shop", "web-9")
    parsed = lines.read("Feb 14 15:16:01 combo sshd[1]: x")
    assert (parsed.service, parsed.host) == ("sshd", "combo")
    parsed = lines.read('{"msg":"x","logger":"app.db"}')
    assert parsed.service == "shop", "a logger is the service only where nothing better is known"
    assert lines.read("2026/01/31 10:00:00 [error] 1#1: x").service == "shop"


@pytest.mark.parametrize(("line", "now", "expected"), [
    ("Dec 31 23:59:59 h p: x", "2026-01-01T00:00:10", "2025-12-31T23:59:59"),
    ("Jan  1 00:00:01 h p: x", "2025-12-31T23:59:59", "2026-01-01T00:00:01"),
    ("Jan  3 00:00:01 h p: x", "2025-12-31T23:59:59", "2025-01-03T00:00:01"),
    ("Feb 29 10:00:00 h p: x", "2026-06-01T00:00:00", "2024-02-29T10:00:00"),
    ("Jun 31 10:00:00 h p: x", "2026-06-01T00:00:00", None),
])
def test_a_missing_year_is_the_one_nearest_before_now(line: str, now: str, expected: str | None) -> None:
    stand = at(now) or 0
    assert LineReader(now=lambda: stand, tz=UTC).read(line).at == at(expected)


def test_a_missing_zone_is_the_readers() -> None:
    east = LineReader(now=lambda: NOW, tz=timezone(timedelta(hours=2)))
    assert east.read("2026-01-31 10:00:00,123 - a - INFO - x").at == at("2026-01-31T08:00:00.123")
    assert east.read("Feb 14 15:16:01 h p: x").at == at("2026-02-14T13:16:01")
    assert east.read("2026-01-31T10:00:00Z x").at == at("2026-01-31T10:00:00")


def test_the_message_of_a_joined_event_keeps_its_lines() -> None:
    trace = "boom\nTraceback (most recent call last):\n  x\nValueError: y"
    assert reader().read(f"2026-01-31 10:00:00,123 - app - ERROR - {trace}").message == trace


@pytest.mark.parametrize("line", [
    '{"msg":"a\\u0000b\\ud800","service":"s\\u0000\\u0007","k\\u0000":["\\udfff"]}', "a\x00b", "\ud800",
    "\udcff x\x00",
    "Feb 14 15:16:01 ho\x00st pro\x00g[1]: m\x00"])
def test_what_no_database_stores_is_replaced(line: str) -> None:
    assert_storable(reader().read(line))


@pytest.mark.parametrize("line", [
    "[" * 100_000, '{"a":' * 50_000 + "1" + "}" * 50_000, '{"a":' + "9" * 5000 + "}",
    '{"ts":1e999,"msg":"x"}',
    '{"ts":NaN,"level":Infinity,"msg":"x"}', '{"time":"' + "9" * 100_000 + '"}', "=" * 100_000, "a=" * 50_000,
    'a="' + "\\" * 50_001, "<999>x", "<1>1 " + "[x " * 1000, "1700000000" * 1000,
    "2026-01-31T10:00:00" + "0" * 10_000,
    "9999-12-31 23:59:59 x", "10000-01-01 00:00:00 x", "0000-00-00 00:00:00 x", "2026-01-31 10:00:00+99:99 x",
    '10.0.0.1 - - [31/Foo/2026:10:00:00 +0000] "x" 200 1', "a " * 100_000,
    '1.1.1.1 - - [x] "' + '\\"' * 50_000,
    "2026-01-31 10:00:00 " + "[" * 10_000, "2026-01-31 10:00:00" + " " * 10_000, "ERROR " * 20_000])
def test_hostile_lines_are_read_in_no_time(line: str) -> None:
    import time

    started = time.process_time()
    assert_storable(reader().read(line))
    assert time.process_time() - started < 0.5


def assert_storable(parsed: Parsed) -> None:
    """Fail unless the server would take what was read."""
    told = json.dumps(parsed.metadata, allow_nan=False, ensure_ascii=False) + parsed.message + parsed.format
    for name in (parsed.service, parsed.host):
        if name is not None:
            assert 0 < len(name) <= 200
            assert not any(ord(c) < 32 or ord(c) == 127 for c in name)
            told += name
    assert "\x00" not in told
    assert "\\u0000" not in json.dumps(parsed.metadata)
    told.encode()
    assert len(parsed.message.encode()) <= 256 * 1024
    assert parsed.level in (None, "debug", "info", "warning", "error", "critical")
    assert parsed.at is None or 315_532_800_000_000 <= parsed.at <= 7_258_118_400_000_000


PIECES = st.sampled_from([piece for sample in SAMPLES for piece in sample.line.replace('"', ' " ').split(" ")]
                         + ["\x00", "\ud800", "\n", "[", "]", "<", "{", "}", ":", "=", "\\", "٣", "²"])


@settings(max_examples=400, deadline=None)
@given(st.one_of(st.text(), st.lists(PIECES, max_size=12).map(" ".join), st.lists(PIECES,
                                                                                  max_size=8).map("".join)))
def test_never_raises(text: str) -> None:
    assert_storable(SHARED.read(text))


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(
    st.sampled_from(["level", "time", "ts", "msg", "message", "service", "host", "t", "log", "stream",
                     "status", "path",
                     "PRIORITY", "levelno", "trace", "name", "x"]),
    st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
                 lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner,
                                                                             max_size=3),
                 max_leaves=6)))
def test_any_json_object_is_read(fields: dict[str, object]) -> None:
    assert_storable(SHARED.read(json.dumps(fields)))


SHARED = reader()


@pytest.mark.parametrize(("said", "service"), [
    ("checkout.service: Failed with result 'exit-code'.", "checkout"),
    ("worker@3.service: Main process exited, code=killed, status=9/KILL", "worker@3"),
    ("Failed to start checkout.service - The checkout.", "checkout"),
    ("Stopping checkout.service - The checkout...", "checkout"),
    ("Started checkout.service.", "checkout"),
    ("Started The checkout.", "systemd"),
    ("user@1000.service: Deactivated successfully.", "systemd"),
    ("data.mount: Mount process exited, code=exited, status=32/n/a", "systemd"),
    ("Reached target Multi-User System.", "systemd"),
    ("/etc/systemd/system/checkout.service:7: Unknown key name", "systemd"),
])
@pytest.mark.parametrize("form", [
    "Mar  5 10:00:00 web-1 systemd[1]: {}", "<28>2024-03-05T10:00:00.123456+00:00 web-1 systemd[1]: {}",
    "<28>1 2024-03-05T10:00:00.123456Z web-1 systemd 1 - - {}"])
def test_what_systemd_says_of_a_unit_is_of_that_unit(said: str, service: str, form: str) -> None:
    parsed = reader().read(form.format(said))
    assert (parsed.service, parsed.message) == (service, said)


def test_what_a_person_s_systemd_says_is_of_no_service_of_the_host() -> None:
    assert reader().read("Mar  5 10:00:00 h systemd[812]: shop.service: Deactivated.").service == "systemd"
