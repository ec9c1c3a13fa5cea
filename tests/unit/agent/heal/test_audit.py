"""The audit log: any edit, deletion or move of a line is found."""

from __future__ import annotations

from pathlib import Path

import pytest

from sra_agent.heal.audit import Audit, verify


@pytest.fixture
def log(tmp_path: Path) -> Path:
    audit = Audit(str(tmp_path / "audit.jsonl"))
    for number in range(5):
        audit.append("2026-11-23T00:00:00Z", "outcome", status="failed", number=number)
    return tmp_path / "audit.jsonl"


def head(log: Path) -> str:
    return Audit(str(log)).head


def test_a_whole_log_verifies_and_goes_on(log: Path):
    assert verify(str(log), head(log)) == []
    Audit(str(log)).append("2026-11-23T00:00:01Z", "planned")
    assert verify(str(log)) == [] and len(log.read_text().splitlines()) == 6


def test_every_changed_byte_is_found(log: Path):
    whole = log.read_bytes()
    for at in range(0, len(whole), 7):
        if whole[at : at + 1] == b"\n":
            continue
        log.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        assert verify(str(log)), f"byte {at}"


@pytest.mark.parametrize("order", [[1, 2, 3, 4], [0, 1, 3, 4], [0, 2, 1, 3, 4], [0, 0, 1, 2, 3, 4]])
def test_missing_moved_and_doubled_lines_are_found(log: Path, order: list[int]):
    lines = log.read_text().splitlines(keepends=True)
    log.write_text("".join(lines[number] for number in order))
    assert verify(str(log))


def test_a_cut_end_is_found_by_the_head(log: Path):
    last = head(log)
    log.write_text("".join(log.read_text().splitlines(keepends=True)[:-1]))
    assert verify(str(log)) == []
    assert "the end is missing" in verify(str(log), last)[0]


def test_a_torn_line_of_a_crash_is_cut(log: Path):
    with log.open("a") as file:
        file.write('{"number":6,"at":"2026')
    Audit(str(log)).append("2026-11-23T00:00:01Z", "planned")
    assert verify(str(log)) == []


def test_the_chain_goes_on_across_a_rotation(tmp_path: Path):
    audit = Audit(str(tmp_path / "audit.jsonl"), rotate_bytes=1000)
    for number in range(20):
        audit.append("2026-11-23T00:00:00Z", "outcome", number=number)
    assert (tmp_path / "audit.jsonl.1").exists() and verify(str(tmp_path / "audit.jsonl"), audit.head) == []
