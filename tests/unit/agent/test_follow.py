"""Files whose lines are easily lost: deleted, truncated, copied or compressed while somebody writes."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sra_agent.sources.files import DELETED, DELETED_SECONDS, WRITER_SECONDS
from sra_agent.sources.inode import has_writer
from tests.services import needs

from .follower import Follower, append, numbered, text

LONG = "a line that is long enough to fill a window of the content soon, number"


@pytest.fixture
def follow(tmp_path: Path) -> Iterator[Follower]:
    follower = Follower(str(tmp_path / "app.log"))
    yield follower
    follower.stop()


@pytest.fixture
def follow_all(tmp_path: Path) -> Iterator[Follower]:
    follower = Follower(str(tmp_path / "app.log*"))
    yield follower
    follower.stop()


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def many(start: int, end: int) -> list[str]:
    return [f"{LONG} {n}" for n in range(start, end)]


# ── deleted ──────────────────────────────────────────────────────────────────────────────────────


def test_a_deleted_file_is_followed_as_long_as_it_has_a_writer(follow: Follower, tmp_path: Path) -> None:
    path = tmp_path / "app.log"
    with path.open("a", buffering=1) as file:
        file.write("one\n")
        assert follow.sweep() == ["one"]
        path.unlink()
        append(path, "of the next file\n")
        assert follow.sweep() == ["of the next file"]
        for hour in range(30):
            assert follow.sweep(seconds=3600) == []
            file.write(f"hour {hour}\n")
            assert follow.sweep() == [f"hour {hour}"]
        held = descriptors()
        file.write("last words")
    assert follow.sweep() == ["last words"]
    assert descriptors() == held - 2  # the writer's, and ours at once
    assert not follow.dropped


def test_a_renamed_file_is_followed_as_long_as_it_has_a_writer(follow: Follower, tmp_path: Path) -> None:
    path = tmp_path / "app.log"
    with path.open("a", buffering=1) as file:
        file.write("one\n")
        follow.sweep()
        os.rename(path, tmp_path / "app.log.1")
        append(path, "of the next file\n")
        follow.sweep()
        follow.sweep(seconds=80_000)
        file.write("late\n")
        assert follow.sweep() == ["late"]
        held = descriptors()
    follow.sweep(seconds=4000)
    assert descriptors() == held - 2
    append(path, "more\n")
    assert follow.sweep() == ["more"]


def test_a_writer_that_is_silent_for_a_day_is_let_go_of_and_counted(follow: Follower, tmp_path: Path) -> None:
    path = tmp_path / "app.log"
    with path.open("a", buffering=1) as file:
        file.write("one\n")
        follow.sweep()
        path.unlink()
        follow.sweep()
        held = descriptors()
        follow.sweep(seconds=WRITER_SECONDS + 1)
        assert descriptors() == held - 1
    assert follow.dropped == {"deleted_file_let_go": 1}


def test_of_too_many_deleted_files_the_quietest_go_and_are_counted(follow: Follower, tmp_path: Path) -> None:
    path, writers = tmp_path / "app.log", []
    for n in range(DELETED + 5):
        writers.append(path.open("a", buffering=1))
        writers[-1].write(f"first {n}\n")
        follow.sweep()
        path.unlink()
    follow.sweep()
    follow.sweep()
    for writer in writers:
        writer.write("second\n")
        writer.close()
    assert follow.sweep().count("second") == DELETED
    assert follow.dropped == {"deleted_file_let_go": 5}
    follow.sweep()
    assert follow.files is not None and not follow.files.watches()


@needs("root")
def test_where_nobody_can_tell_a_deleted_file_is_held_for_a_while(follow: Follower, tmp_path: Path) -> None:
    path = tmp_path / "app.log"
    with path.open("a", buffering=1) as file, path.open() as reader:
        assert has_writer(reader.fileno()) is True
        file.write("one\n")
        follow.sweep()
        path.unlink()
        os.seteuid(65534)  # neither the owner of the file nor with CAP_LEASE
        try:
            assert has_writer(reader.fileno()) is None
            follow.sweep(seconds=DELETED_SECONDS - 10)
            file.write("two\n")
            assert follow.sweep() == ["two"]
            held = descriptors()
            follow.sweep(seconds=DELETED_SECONDS)
            assert descriptors() == held - 1
        finally:
            os.seteuid(0)


def test_what_a_stop_leaves_in_a_deleted_file_is_counted(follow: Follower, tmp_path: Path) -> None:
    path = tmp_path / "app.log"
    with path.open("a", buffering=1) as file:
        file.write("one\n")
        follow.sweep()
        path.unlink()
        follow.sweep()
        file.write("two\nthree\nhalf")
        follow.stop()
    assert follow.dropped == {"deleted_file_unread": 3, "deleted_file_let_go": 1}


# ── truncated ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("stopped", [False, True])
def test_refilled_past_the_position_with_the_same_lines_before_it(
    follow: Follower, tmp_path: Path, stopped: bool
) -> None:
    path = tmp_path / "app.log"
    append(path, "start 1\n" + "tick\n" * 100)
    assert len(follow.sweep()) == 101
    os.truncate(path, 0)
    append(path, "start 2\n" + "tick\n" * 150)
    if stopped:
        follow.restart()
    assert follow.sweep() == ["start 2"] + ["tick"] * 150


def test_refilled_with_the_very_same_bytes(follow: Follower, tmp_path: Path) -> None:
    path = tmp_path / "app.log"
    path.write_text("backup failed\n")
    assert follow.sweep() == ["backup failed"]
    os.utime(path, (1, 1))
    follow.sweep()
    for _ in range(3):
        path.write_text("backup failed\n")
        assert follow.sweep() + follow.sweep() == ["backup failed"]
        path.touch()
        assert follow.sweep() + follow.sweep() + follow.sweep() == []


def test_lines_that_a_truncation_took_are_counted(follow: Follower, tmp_path: Path) -> None:
    path = tmp_path / "app.log"
    append(path, "one\nseen and not yet wh")
    assert follow.sweep() == ["one"]
    path.write_text("new\n")
    assert follow.sweep() == ["new"]
    assert follow.dropped == {"file_truncated": 1}
    path.write_text("")
    append(path, "newer\n")
    follow.sweep()
    assert follow.dropped == {"file_truncated": 1}


# ── copied, then truncated ───────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("looks", range(128))
def test_copytruncate_stores_no_line_twice_and_none_not_at_all(
    follow_all: Follower, tmp_path: Path, looks: int
) -> None:
    """Whether or not there is a look, or a restart, between each step and the next."""
    path, copy, expected = tmp_path / "app.log", tmp_path / "app.log.1", list[str]()

    def step(n: int) -> None:
        if looks >> n & 1:
            follow_all.sweep()
        if looks & 33 == 33 and n in (1, 2, 3):
            follow_all.restart()

    for rotation in range(4):
        lines = numbered(100 * rotation, 100 * rotation + 100)
        append(path, text(lines))
        follow_all.sweep()
        lines += ["unread", "", f"of {rotation}"]
        append(path, text(lines[100:]))
        expected += lines
        if copy.exists():
            os.replace(copy, tmp_path / "app.log.2")
        copy.touch()
        step(0)
        data = path.read_bytes()
        append(copy, data[:500])
        step(1)
        append(copy, data[500:-2])
        step(2)
        append(copy, data[-2:])
        step(3)
        if looks & 64:
            append(path, f"beyond the copy, and read in time {rotation}\n")
            follow_all.sweep()
            expected += [f"beyond the copy, and read in time {rotation}"]
        os.truncate(path, 0)
        step(4)
        append(path, "after\n")
        expected += ["after"]
        step(5)
        follow_all.sweep()
        follow_all.sweep()
    assert sorted(follow_all.lines) == sorted(expected)
    assert not follow_all.dropped
    for _ in range(3):
        follow_all.restart()
        assert follow_all.sweep() == []


@pytest.mark.parametrize("stopped", [False, True])
@pytest.mark.parametrize("compressed", [False, True])
def test_the_rest_is_read_from_the_copy(
    follow: Follower, tmp_path: Path, stopped: bool, compressed: bool
) -> None:
    path, copy = tmp_path / "app.log", tmp_path / "app.log.1"
    append(path, text(many(0, 20_000)))
    follow.sweep()
    if stopped:
        follow.stop()
    append(path, text(many(20_000, 60_000)))
    shutil.copy(path, copy)
    if compressed:
        (tmp_path / "app.log.1.gz").write_bytes(gzip.compress(copy.read_bytes(), 1))
        copy.unlink()
    os.truncate(path, 0)
    append(path, "new\n")
    came = follow.sweep() + follow.sweep()
    assert [line for line in came if line != "new"] == many(20_000, 60_000) and came.count("new") == 1
    append(path, "newer\n")
    follow.restart()
    assert follow.sweep() == ["newer"] and not follow.dropped


def test_files_of_the_same_lines_that_are_renamed_are_no_copies(tmp_path: Path) -> None:
    follow = Follower(str(tmp_path / "app.log*"))
    path, written = tmp_path / "app.log", 0
    for n in range(1, 20):
        written += 100 + n % 3
        append(path, "tick\n" * (50 + n % 3))
        if n % 2:
            follow.sweep(seconds=0.3)
        os.rename(path, tmp_path / f"app.log.{n}")
        append(path, "tick\n" * 50)
        if n % 3:
            follow.sweep(seconds=0.3)
        os.rename(path, tmp_path / f"app.log.{n}-2")
    follow.sweep()
    follow.sweep()
    follow.stop()
    assert len(follow.lines) == written


def test_old_files_that_were_renamed_are_not_read_again_after_a_restart(tmp_path: Path) -> None:
    """They were there under a rotated name when they were seen first."""
    follow = Follower(str(tmp_path / "app.log*"))
    for n in range(4):
        append(tmp_path / ("app.log" + f".{n}" * (n > 0)), text(numbered(10 * n, 10 * n + 10)))
    assert len(follow.sweep()) == 40
    for stopped in (False, True):
        if stopped:
            follow.stop()
        for n in (5, 4, 3, 2, 1):
            if (tmp_path / f"app.log.{n}").exists():
                os.rename(tmp_path / f"app.log.{n}", tmp_path / f"app.log.{n + 1}")
        os.rename(tmp_path / "app.log", tmp_path / "app.log.1")
        append(tmp_path / "app.log", f"new {stopped}\n")
        assert follow.sweep() == [f"new {stopped}"]
        assert follow.sweep() == []
    follow.restart()
    assert follow.sweep() == []
    follow.stop()


def test_a_file_that_comes_and_goes_between_two_searches_is_not_read_again(tmp_path: Path) -> None:
    """Of very many renamed files the oldest is let go of before its new name was ever seen."""
    follow = Follower(str(tmp_path / "app.log*"))
    path = tmp_path / "app.log"
    path.touch()
    follow.sweep()
    for n in range(1, 40):
        append(path, f"line {n}\n")
        follow.sweep(seconds=0.01)
        os.rename(path, tmp_path / f"app.log.{n}")
        os.utime(tmp_path / f"app.log.{n}", (n, n))  # long before what is written now
    append(path, "line 40\n")
    follow.sweep()
    follow.sweep()
    assert sorted(follow.lines) == sorted(numbered(1, 41))
    follow.stop()


@pytest.mark.parametrize("order", [1, -1])
def test_copies_that_came_while_stopped_are_read_from_where_it_stood(tmp_path: Path, order: int) -> None:
    """Whichever path is restored first; the rotated names were followed before."""
    follow = Follower(str(tmp_path / "app.log*"))
    path, copy = tmp_path / "app.log", tmp_path / "app.log.1"
    append(copy, "an older one\n")
    append(tmp_path / "app.log.2", "an even older one\n")
    append(path, text(numbered(0, 100)))
    assert len(follow.sweep()) == 102
    follow.stop()
    for start in (100, 300):
        append(path, text(numbered(start, start + 200)))
        for n in (3, 2, 1):
            if (tmp_path / f"app.log.{n}").exists():
                os.rename(tmp_path / f"app.log.{n}", tmp_path / f"app.log.{n + 1}")
        shutil.copy(path, copy)
        os.truncate(path, 0)
    append(path, "new\n")
    follow.positions = dict(list(follow.positions.items())[::order])
    follow.restart()
    assert sorted(follow.sweep()) == sorted([*numbered(100, 500), "new"])
    follow.restart()
    assert follow.sweep() == [] and not follow.dropped
    follow.stop()


# ── compressed while the agent was stopped ───────────────────────────────────────────────────────


def test_rotated_and_compressed_while_stopped_with_nothing_in_place(follow: Follower, tmp_path: Path) -> None:
    """What was read last still has a name of its own; those after it are compressed, and none follows."""
    path = tmp_path / "app.log"
    append(path, text(many(0, 100)))
    follow.sweep()
    follow.stop()
    append(path, text(many(100, 200)))
    path.rename(tmp_path / "app.log.3")
    for number, start in ((2, 200), (1, 300)):
        packed = tmp_path / f"app.log.{number}.gz"
        packed.write_bytes(gzip.compress(text(many(start, start + 100)).encode()))
    follow.restart()
    follow.sweep()
    follow.sweep()
    append(path, text(many(400, 410)))
    follow.sweep()
    assert sorted(follow.lines, key=lambda line: int(line.split()[-1])) == many(0, 410)
    assert not follow.dropped
    follow.stop()


@pytest.mark.parametrize(
    ("end", "compress"),
    [(".gz", lambda data: gzip.compress(data, 1)), (".xz", lzma.compress), (".bz2", bz2.compress)],
)
def test_rotated_and_compressed_while_stopped(
    follow: Follower, tmp_path: Path, end: str, compress: Callable[[bytes], bytes]
) -> None:
    """The rest of the file is read, all of those that came meanwhile, and no line of an older one."""
    path = tmp_path / "app.log"
    older = tmp_path / f"app.log.5{end}"
    older.write_bytes(compress(text(many(0, 500)).encode()))
    os.utime(older, (1, 1))
    append(path, text(many(0, 30_000)))
    follow.sweep()
    append(path, text(many(30_000, 30_100)))
    assert len(follow.sweep()) == 100
    follow.stop()
    append(path, text(many(30_100, 60_000)))
    (tmp_path / f"app.log.3{end}").write_bytes(compress(path.read_bytes()))
    path.unlink()
    half = len(text(many(60_000, 75_000)))
    between = text(many(60_000, 90_000)).encode()
    # several compressed files after each other are one
    (tmp_path / f"app.log.2{end}").write_bytes(compress(between[:half]) + compress(between[half:]))
    append(tmp_path / "app.log.1", text(many(90_000, 90_010)))
    append(path, text(many(90_010, 90_020)))
    follow.restart()
    came: list[str] = []
    assert follow.files is not None
    for piece in follow.files.pieces():  # interrupted in the middle
        came += piece.lines
        name, position = follow.files.passed(piece.stream, piece.end)
        assert position is not None
        follow.positions[name] = position
    assert 0 < len(came) < 59_000
    held = follow.lines
    held += came
    follow.restart()
    follow.sweep()
    follow.sweep()
    assert sorted(held, key=lambda line: int(line.split()[-1])) == many(0, 90_020)
    assert not follow.dropped
    follow.restart()
    append(path, "new\n")
    assert follow.sweep() == ["new"]


def test_what_cannot_be_unpacked_is_counted(follow: Follower, tmp_path: Path) -> None:
    path = tmp_path / "app.log"
    append(path, text(many(0, 1000)))
    follow.sweep()
    follow.stop()
    append(path, text(many(1000, 2000)))
    os.rename(path, tmp_path / "app.log.1.zst")
    append(path, "new\n")
    follow.restart()
    assert follow.sweep() == ["new"]
    assert follow.dropped == {"file_gone_while_stopped": 1}


def test_a_harmed_packed_file_is_read_as_far_as_it_goes_and_counted(follow: Follower, tmp_path: Path) -> None:
    path = tmp_path / "app.log"
    append(path, text(many(0, 1000)))
    follow.sweep()
    follow.stop()
    append(path, text(many(1000, 50_000)))
    data = gzip.compress(path.read_bytes(), 1)
    (tmp_path / "app.log.1.gz").write_bytes(data[: len(data) // 2])
    path.unlink()
    append(path, "new\n")
    follow.restart()
    lines = follow.sweep()
    assert 10_000 < len(lines) < 40_000 and lines[0] == many(1000, 1001)[0]
    assert "new" in lines
    assert follow.dropped == {"packed_file_harmed": 1}


def test_a_file_that_is_gone_with_lines_that_were_seen_is_counted(follow: Follower, tmp_path: Path) -> None:
    path = tmp_path / "app.log"
    append(path, "one\nseen and not yet wh")
    follow.sweep()
    follow.stop()
    path.unlink()
    append(path, "x" * 100 + "\n")
    follow.restart()
    assert follow.sweep() == ["x" * 100]
    assert follow.dropped == {"file_gone_while_stopped": 1}
