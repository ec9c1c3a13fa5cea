"""The journal as a scripted journalctl prints it: every form of a field, ends, and places to go on from."""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sra_agent.backoff import Backoff
from sra_agent.sources import Position, journald
from sra_agent.sources.journal_entry import Entry, after, cursor_of, entry_of
from sra_agent.sources.journald import Journald, Split
from sra_agent.sources.ledger import Ledger
from sra_agent.sources.tail import LINE_BYTES

AT = 1_794_996_000_000_000


def cursor(n: int, series: str = "s1") -> str:
    return f"s={series};i={n:x};b=b1;m={n:x};t={AT + n:x};x=1"


def line(n: int, message: Any = "text", *, unit: str = "shop.service", pid: int = 7, **more: Any) -> bytes:
    fields = {
        "__CURSOR": cursor(n),
        "__REALTIME_TIMESTAMP": str(AT + n),
        "MESSAGE": message,
        "_SYSTEMD_UNIT": unit,
        "_PID": str(pid),
        **more,
    }
    return json.dumps(fields).encode()


def entry(*args: Any, **more: Any) -> Entry:
    found = entry_of(line(*args, **more))
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ("plain", "plain"),
        ([104, 105, 255, 0, 33], "hi\ufffd\ufffd!"),
        (None, ""),
        (["one", "two"], "one\ntwo"),
        ([[104, 105], "two"], "hi\ntwo"),
        ("ends\n", "ends"),
        ([], ""),
    ],
)
def test_every_form_of_a_message(message: Any, text: str) -> None:
    assert entry(1, message).text == text


def test_a_long_message_is_cut_and_its_size_told() -> None:
    found = entry(1, "x" * (LINE_BYTES + 5))
    assert (len(found.text), found.size) == (LINE_BYTES, LINE_BYTES + 5)


@pytest.mark.parametrize(
    ("fields", "service"),
    [
        ({}, "shop"),
        ({"unit": "getty@tty1.service"}, "getty@tty1"),
        ({"unit": "session-3.scope", "SYSLOG_IDENTIFIER": "sudo"}, "sudo"),
        ({"unit": "user@1000.service", "SYSLOG_IDENTIFIER": "gnome"}, "gnome"),
        ({"unit": "init.scope", "pid": 1, "UNIT": "db.service"}, "db"),
        ({"unit": "init.scope", "pid": 1, "UNIT": "mnt-archive.mount"}, "mnt-archive"),
        ({"unit": "", "_TRANSPORT": "kernel", "SYSLOG_IDENTIFIER": "kernel"}, "kernel"),
        ({"unit": "", "_COMM": "python3"}, "python3"),
        ({"unit": "docker.service", "CONTAINER_NAME": "web-1"}, "web-1"),
        ({"unit": ""}, "journal"),
    ],
)
def test_the_service(fields: dict[str, Any], service: str) -> None:
    assert entry(1, **fields).service == service


def test_levels() -> None:
    levels = [entry(1, PRIORITY=str(n)).known.level for n in range(8)]
    assert levels == ["critical"] * 3 + ["error", "warning", "info", "info", "debug"]
    assert entry(1, PRIORITY="9").known.level is None and entry(1).known.at == AT + 1


def test_what_a_service_prints_has_no_level_of_its_own() -> None:
    assert entry(1, PRIORITY="6", _TRANSPORT="stdout").known.level is None
    assert entry(1, PRIORITY="3", _TRANSPORT="stdout").known.level == "error", "sd-daemon's prefix <3>"
    assert entry(1, PRIORITY="6", _TRANSPORT="syslog").known.level == "info"


@pytest.mark.parametrize("text", [b"", b"-- No entries --", b"{}", b"[1]", b'{"__CURSOR":"c"}', b"\xff"])
def test_what_is_no_entry(text: bytes) -> None:
    assert entry_of(text) is None


def test_cursors_are_compared_within_their_series_and_by_time_otherwise() -> None:
    assert after(cursor(2), cursor(1)) and not after(cursor(1), cursor(1)) and not after(cursor(1), cursor(2))
    assert after(cursor(2, "other"), cursor(1)) and not after(cursor(1, "other"), cursor(9))
    assert cursor_of("nonsense") is None


def test_lines_are_split_wherever_they_are_cut_and_long_ones_bounded() -> None:
    data = b"one\n" + b"x" * 50 + b"\n\ntwo\n"
    for step in (1, 3, 7, 100):
        split = Split(10)
        came = [each for n in range(0, len(data), step) for each in split.feed(data[n : n + step])]
        assert came == [(b"one", 3), (b"x" * 10, 50), (b"", 0), (b"two", 3)]


def test_the_ledger_holds_the_oldest_unfinished_and_knows_who_is_ahead() -> None:
    ledger: Ledger[str, int] = Ledger(-1)
    for n, stream in enumerate("abab"):
        assert ledger.add(stream, n * 10) == n
    ledger.passed("b", 4)
    assert (ledger.place, ledger.ahead()) == (-1, {"b": 30})
    ledger.passed("a", 1)
    assert (ledger.place, ledger.ahead()) == (10, {"b": 30})
    ledger.passed("a", 3)
    assert (ledger.place, ledger.ahead()) == (30, {}) and not ledger._places


SCRIPT = """
import sys, time, pathlib
folder = pathlib.Path(sys.argv[1])
with (folder / "argv").open("a") as file:
    file.write(repr(sys.argv[2:]) + chr(10))
after = [a.partition("=")[2] for a in sys.argv if a.startswith("--after-cursor=")]
if after and (folder / "refuse").exists():
    sys.exit("Failed to seek to cursor: Invalid argument")
lines = (folder / "journal").read_bytes().splitlines()
found = [n for n, line in enumerate(lines) if after and after[0].encode() in line]
limit = int((folder / "limit").read_text()) if (folder / "limit").exists() else 10**9
for line in lines[found[0] + 1 if found else 0 :][:limit]:
    sys.stdout.buffer.write(line + b"\\n")
sys.stdout.buffer.flush()
time.sleep(60 if limit == 10**9 else 0)
"""


class Rig:
    def __init__(self, folder: Path, position: Position | None = None, **more: Any) -> None:
        self.folder, self.dropped = folder, Counter[str]()
        (folder / "journalctl.py").write_text(SCRIPT)
        self.source = Journald(
            more.pop("units", ()),
            position,
            drop=lambda why, n: self.dropped.update({why: n}),
            program=(sys.executable, str(folder / "journalctl.py"), str(folder)),
            backoff=Backoff(first=0.02, longest=0.05),
            **{"from_start": True, **more},
        )
        self.lines: list[str] = []
        self.held: dict[Any, int] = {}  # of a stream, the first line that is not finished
        self.position = self.source.positions()["journald"]
        self.source.start()

    def until(self, holds: Callable[[], Any], *, held: frozenset[str] = frozenset()) -> None:
        end = time.monotonic() + 8
        while not holds():
            assert time.monotonic() < end, (self.lines, self.source.problems(), self.dropped)
            for piece in self.source.pieces():
                self.lines += piece.lines
                marks = piece.marks(len(piece.lines))
                first = [mark for mark, text in zip(marks, piece.lines, strict=True) if text in held]
                if first:
                    self.held.setdefault(piece.stream, first[0])
                _, place = self.source.passed(piece.stream, self.held.get(piece.stream, piece.end))
                self.position = place or self.position
            time.sleep(0.01)


def write(folder: Path, *lines: bytes) -> None:
    (folder / "journal").write_bytes(b"".join(line + b"\n" for line in lines))


TEN = [line(n, f"line {n}", unit=f"{'ab'[n % 2]}.service") for n in range(10)]
EXPECTED = [f"line {n}" for n in range(10)]


def test_journalctl_that_ends_is_started_again_from_where_it_was_read(tmp_path: Path) -> None:
    write(tmp_path, *TEN)
    (tmp_path / "limit").write_text("3")
    rig = Rig(tmp_path)
    rig.until(lambda: len(rig.lines) >= 10)
    rig.source.close()
    assert rig.lines == EXPECTED and not rig.dropped
    assert rig.position == {"kind": "journald", "cursor": cursor(9), "at": AT + 9}


def test_the_argv_is_fixed(tmp_path: Path) -> None:
    write(tmp_path, *TEN)
    rig = Rig(tmp_path, units=("a.service", "--x"), from_start=False, now=lambda: AT)
    rig.until(lambda: len(rig.lines) >= 9)
    rig.source.close()
    (argv,) = [eval(text) for text in (tmp_path / "argv").read_text().splitlines()]
    assert (
        "--output=json" in argv
        and "--all" in argv
        and argv[-3:]
        == [
            f"--since=@{AT // 1_000_000}",
            "--unit=a.service",
            "--unit=--x",
        ]
    )
    assert rig.lines == EXPECTED[1:]  # what was there before the first start is old


@pytest.mark.parametrize("held", range(10))
def test_a_stream_that_is_held_back_neither_loses_nor_repeats(tmp_path: Path, held: int) -> None:
    """From `line <held>` on, its unit's lines are unfinished at the kill; the other unit's are kept."""
    write(tmp_path, *TEN)
    rig = Rig(tmp_path)
    unfinished = frozenset(f"line {n}" for n in range(held, 10, 2))
    rig.until(lambda: len(rig.lines) == 10, held=unfinished)
    rig.source.close()
    again = Rig(tmp_path, json.loads(json.dumps(rig.position)))
    again.until(lambda: len(again.lines) >= len(unfinished))
    time.sleep(0.1)
    again.until(lambda: not again.source.behind())
    again.source.close()
    assert set(again.lines) == unfinished and len(again.lines) == len(unfinished)


@pytest.mark.parametrize("place", [cursor(4), "nonsense"])
def test_a_cursor_that_is_refused_goes_on_by_time(tmp_path: Path, place: str) -> None:
    write(tmp_path, *TEN)
    (tmp_path / "refuse").touch()
    rig = Rig(tmp_path, {"kind": "journald", "cursor": place, "at": AT + 4})
    rig.until(lambda: len(rig.lines) >= 5)
    rig.source.close()
    assert rig.lines == EXPECTED[5:]


def test_entries_that_were_vacuumed_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    write(tmp_path, *TEN[7:])
    rig = Rig(tmp_path, {"kind": "journald", "cursor": cursor(4), "at": AT + 4})
    rig.until(lambda: len(rig.lines) == 3)
    rig.source.close()
    assert rig.dropped == {"journald_vacuumed": 2}


def test_an_entry_that_is_too_long_is_counted_and_passed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journald, "Split", lambda: Split(2000))
    write(tmp_path, TEN[0], line(1, "x" * 5000), TEN[2])
    rig = Rig(tmp_path)
    rig.until(lambda: len(rig.lines) == 2)
    rig.source.close()
    assert rig.lines == ["line 0", "line 2"] and rig.dropped == {"journald_too_long": 1}


def test_without_journalctl_the_problem_is_said(tmp_path: Path) -> None:
    source = Journald((), None, drop=lambda why, n: None, program=(str(tmp_path / "none"),))
    source.start()
    end = time.monotonic() + 5
    while not source.problems() and time.monotonic() < end:
        time.sleep(0.01)
    assert "cannot be run" in source.problems()[0]
    source.close()
