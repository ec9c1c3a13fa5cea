"""The quick way from a line to a record makes the record of the long way, whatever stands in the line."""

from __future__ import annotations

import gzip
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sra_agent import pack
from sra_agent.intake import Intake
from sra_agent.records import Record, Records
from sra_agent.sources import Origin
from sra_agent.sources.files import Files
from sra_agent.spool import Spool
from sra_sdk.lines.multiline import Joiner
from sra_sdk.lines.outline import UNKNOWN, Outlines
from sra_sdk.lines.parse import LineReader
from tests.unit.sdk.lines.samples import SAMPLES
from tests.unit.sdk.lines.test_outline import LINES

NOW = 1_795_000_000_000_000
ORIGIN = Origin(source="/var/log/app.log", service=None, guess="app")
LOGHUB = Path(os.environ.get("SRA_BENCH_DATA", "/nonexistent")) / "loghub"


def long_way(lines: list[str]) -> list[Record]:
    """Each line for itself, and each searched for everything."""
    records, reader, joiner = Records("web-1", lambda: NOW), LineReader(now=lambda: NOW), Joiner()
    events = [text for line in lines for text, _ in joiner.feed(line)] + [text for text, _ in joiner.flush()]
    return [made for text in events for made in records.make([(text, UNKNOWN)], reader, ORIGIN)]


def quick_way(lines: list[str]) -> list[Record]:
    """The lines together, as they come from a file."""
    records, reader, joiner = Records("web-1", lambda: NOW), LineReader(now=lambda: NOW), Joiner()
    doubts, cards = Outlines().doubts(lines)
    made: list[Record] = []
    for texts, number in joiner.feed_all(lines):
        known = doubts[number : number + len(texts)] if number >= 0 else [UNKNOWN] * len(texts)
        made += records.make(zip(texts, known, strict=True), reader, ORIGIN, cards=cards or number < 0)
    for text, _ in joiner.flush():
        made += records.make([(text, UNKNOWN)], reader, ORIGIN)
    return made


@given(st.lists(LINES, max_size=12))
def test_both_ways_make_the_same_records(lines: list[str]) -> None:
    assert quick_way(lines) == long_way(lines)


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.format)
def test_both_ways_read_every_format(sample: object) -> None:
    line = sample.line  # type: ignore[attr-defined]
    lines = [line, line + " token=abc123def456ghi", line + " 4111111111111111", line]
    assert quick_way(lines) == long_way(lines)


def test_a_file_becomes_the_records_of_the_long_way(tmp_path: Path) -> None:
    lines = [sample.line for sample in SAMPLES if "\n" not in sample.line] * 30
    (tmp_path / "app.log").write_text("".join(line + "\n" for line in lines))
    spool = Spool.open(tmp_path, host="web-1", cap=1 << 30)
    files = Files((str(tmp_path / "app.log"),), {}, from_start=True)
    intake = Intake(files, spool, host="web-1", now=lambda: NOW)
    intake.round()
    expected = [record["message"] for record in long_way(lines)]
    counted = spool.counters()["written"]
    files.close()
    spool.close()
    assert len(expected) - 1 <= counted <= len(expected)  # the last is held


@given(st.integers(315_532_800_000_000, 7_258_031_999_999_999))
def test_instants(at: int) -> None:
    records = Records("h", lambda: NOW)
    assert records.instant(at) == datetime.fromtimestamp(at / 1e6, UTC).isoformat()
    assert records.instant(at // 1000 * 1000) == datetime.fromtimestamp(at // 1000 / 1e3, UTC).isoformat()


@given(st.binary(max_size=3000))
def test_what_is_packed_is_gzip(body: bytes) -> None:
    assert gzip.decompress(pack.packed(body)) == body


def test_without_isa_l_zlib_packs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pack, "_isal", None)
    assert gzip.decompress(pack.packed(b"a" * 5000)) == b"a" * 5000


def test_public_logs_where_they_are_at_hand() -> None:
    for path in sorted(LOGHUB.glob("*/*_2k.log")):
        lines = path.read_text("utf-8", "replace").splitlines()
        assert quick_way(lines) == long_way(lines)
