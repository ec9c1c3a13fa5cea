"""From raw lines to spooled records: joining, reading, redaction, and the place that is safe to keep."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sra_agent.intake import HOLD_SECONDS, Intake
from sra_agent.records import MESSAGE_BYTES
from sra_agent.sources.files import Files
from sra_agent.spool import Spool

NOW = 1_795_000_000_000_000


class Rig:
    def __init__(self, folder: Path, *patterns: str, cap: int = 100_000_000) -> None:
        self.folder, self.patterns, self.cap = folder, patterns or (str(folder / "shop.log"),), cap
        self.time = 0.0
        self.open()

    def open(self) -> None:
        self.spool = Spool.open(self.folder, host="web-1", cap=self.cap)
        self.files = Files(self.patterns, self.spool.positions(), from_start=True, clock=lambda: self.time)
        self.intake = Intake(self.files, self.spool, host="web-1", now=lambda: NOW, clock=lambda: self.time)

    def close(self) -> None:
        self.files.close()
        self.spool.close()

    def reopen(self) -> None:
        self.close()
        self.open()

    def round(self, seconds: float = 0.1) -> bool:
        self.time += seconds
        done = self.intake.round()
        while done and self.files.behind():
            done = self.intake.round()
        return done

    def records(self) -> list[dict[str, Any]]:
        found = []
        while (sealed := self.spool.batch()) is not None:
            found += json.loads(sealed.body)["logs"]
            self.spool.acknowledge(sealed)
        return found


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    made = Rig(tmp_path)
    yield made
    made.close()


def write(rig: Rig, text: str, name: str = "shop.log") -> None:
    with (rig.folder / name).open("a") as file:
        file.write(text)


TRACE = """2026-11-18 10:00:00,123 ERROR shop: order failed
Traceback (most recent call last):
  File "shop.py", line 3, in order
    pay()
ValueError: no money
"""


def test_a_record_says_what_the_line_says(rig: Rig) -> None:
    write(rig, "2026-11-18T10:00:00.5Z ERROR db down\n")
    rig.round()
    rig.round(HOLD_SECONDS)
    (record,) = rig.records()
    assert record["level"] == "error" and record["service"] == "shop"
    assert record["timestamp"].startswith("2026-11-18T10:00:00.5") and record["source"].endswith("shop.log")
    assert "host" not in record


def test_an_unfinished_event_is_not_passed(rig: Rig) -> None:
    write(rig, TRACE)
    rig.round()
    assert rig.records() == [] and rig.spool.positions()[str(rig.folder / "shop.log")]["offset"] == 0
    rig.reopen()  # as after a crash: the event is still whole
    rig.round()
    write(rig, "2026-11-18 10:00:01,000 INFO shop: next\n")
    rig.round()
    (record,) = rig.records()
    assert record["message"].endswith("ValueError: no money") and record["level"] == "error"
    rig.reopen()
    rig.round()
    rig.round(HOLD_SECONDS)
    assert [r["message"] for r in rig.records()] == ["next"] or rig.records() == []


def test_a_crash_at_any_round_neither_loses_nor_doubles(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    found: list[str] = []
    for n in range(60):
        write(rig, f"2026-11-18 10:00:00,123 WARNING shop: event {n}\n" + ("  more\n" * (n % 4)))
        rig.round(HOLD_SECONDS if n % 3 == 0 else 0.01)
        if n % 7 == 0:
            rig.reopen()
        found += [record["message"] for record in rig.records()]
    rig.round()
    rig.round(HOLD_SECONDS)
    found += [record["message"] for record in rig.records()]
    assert [message.split("\n")[0].rsplit(" ", 1)[1] for message in found] == [str(n) for n in range(60)]
    assert all(message.count("more") == n % 4 for n, message in enumerate(found))
    rig.close()


def test_secrets_do_not_reach_the_spool(rig: Rig) -> None:
    write(
        rig,
        '{"time":"2026-11-18T10:00:00Z","level":"error","msg":"login","password":"hunter2hunter2"}\n'
        "AKIAABCDEFGHIJKLMNOP used\n",
    )
    rig.round()
    rig.round(HOLD_SECONDS)
    rig.spool.close()
    assert not any(
        b"hunter2" in path.read_bytes() or b"AKIAABCDEFGHIJKLMNOP" in path.read_bytes()
        for path in rig.folder.glob("spool.db*")
    )
    rig.open()
    first, second = rig.records()
    assert (first["level"], first["message"]) == ("error", "login") and "used" in second["message"]


def test_a_pinned_service_wins(tmp_path: Path) -> None:
    rig = Rig(tmp_path, f"checkout={tmp_path / '*.log'}")
    write(rig, "Nov 18 10:00:00 db-1 postgres[1]: ready\n")
    rig.round()
    rig.round(HOLD_SECONDS)
    (record,) = rig.records()
    assert record["service"] == "checkout" and record["metadata"]["logged_host"] == "db-1"
    rig.close()


def test_a_long_line_tells_its_size(rig: Rig) -> None:
    write(rig, "short\n" + "é" * 150_000 + "\nafter\n")
    rig.round()
    rig.round(HOLD_SECONDS)
    short, long, after = rig.records()
    assert len(long["message"].encode()) <= MESSAGE_BYTES and long["metadata"]["cut_from_bytes"] == 300_000
    assert "cut_from_bytes" not in short.get("metadata", {}) and after["message"] == "after"


def test_binary_is_kept_as_text(rig: Rig) -> None:
    with (rig.folder / "shop.log").open("wb") as file:
        file.write(b'\xff\x00\xfe\x1b[31mred\n{"msg":"\\u0000 \\ud800"}\n\n\n')
    rig.round()
    rig.round(HOLD_SECONDS)
    records = rig.records()
    assert len(records) == 2
    assert not any("\x00" in record["message"] for record in records)
    json.dumps(records, ensure_ascii=False).encode()


def test_a_full_spool_holds_the_place(tmp_path: Path) -> None:
    rig = Rig(tmp_path, cap=200_000)
    lines = [f"2026-11-18 10:00:00,123 INFO shop: event {n} {'x' * 100}" for n in range(20_000)]
    write(rig, "\n".join(lines) + "\n")
    assert not rig.round()
    handled = rig.intake.lines
    for _ in range(5):
        assert not rig.round()
    assert rig.intake.lines == handled < 20_000  # nothing more is read, so memory stays as it is
    found = []
    for _ in range(200):
        found += [record["message"].split()[1] for record in rig.records()]
        if rig.round() and rig.round(HOLD_SECONDS) and len(found) == 20_000:
            break
    assert found == [str(n) for n in range(20_000)]
    said = rig.spool.counters()
    assert said["written"] == said["stored"] == 20_000 and said["dropped"] == {}
    rig.close()


def test_times_that_cannot_be_meant_are_the_time_of_reading(rig: Rig) -> None:
    write(rig, "9999-01-01T00:00:00Z ERROR far away\n1970-01-01T00:00:00Z ERROR long ago\nno time\n")
    rig.round()
    rig.round(HOLD_SECONDS)
    assert {record["timestamp"][:10] for record in rig.records()} == {"2026-11-18"}
