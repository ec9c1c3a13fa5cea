"""Following real files: every line once, whatever happens to the file."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from sra_agent.sources.files import PARTIAL_SECONDS
from sra_agent.sources.names import bases, rotated_from, service_of
from sra_agent.sources.tail import LINE_BYTES

from .follower import Follower, append, numbered, text


@pytest.fixture
def follow(tmp_path: Path) -> Iterator[Follower]:
    follower = Follower(str(tmp_path / "app.log"))
    yield follower
    if follower.files is not None:
        follower.files.close()


def test_lines_are_read_once_also_over_a_restart(follow: Follower, tmp_path: Path) -> None:
    path = tmp_path / "app.log"
    append(path, text(numbered(0, 1000)))
    assert follow.sweep() == numbered(0, 1000)
    assert follow.sweep() == []
    append(path, text(numbered(1000, 1010)))
    follow.restart()
    assert follow.sweep() == numbered(1000, 1010)


def test_an_old_file_is_read_from_its_end_and_a_new_one_from_its_beginning(tmp_path: Path) -> None:
    append(tmp_path / "old.log", "a\nb\nhalf")
    follower = Follower(str(tmp_path / "*.log"), from_start=False)
    assert follower.sweep() == []
    append(tmp_path / "old.log", " whole\n")
    append(tmp_path / "new.log", "c\n")
    assert sorted(follower.sweep()) == ["c", "half whole"]
    follower.restart()
    append(tmp_path / "newer.log", "d\n")
    assert follower.sweep() == ["d"]
    assert follower.files is not None
    follower.files.close()


def test_what_is_written_between_first_start_and_first_line_survives_a_crash(tmp_path: Path) -> None:
    append(tmp_path / "app.log", "old\n")
    follower = Follower(str(tmp_path / "app.log"), from_start=False)
    follower.restart()
    append(tmp_path / "app.log", "new\n")
    follower.restart()
    assert follower.sweep() == ["new"]
    assert follower.files is not None
    follower.files.close()


def test_a_partial_line_waits_for_its_end(follow: Follower, tmp_path: Path) -> None:
    path = tmp_path / "app.log"
    append(path, "one\ntw")
    assert follow.sweep() == ["one"]
    assert follow.sweep(seconds=3600) == []
    follow.restart()
    append(path, "o\n")
    assert follow.sweep() == ["two"]


def test_rename_and_create_many_times_at_speed(follow: Follower, tmp_path: Path) -> None:
    path = tmp_path / "app.log"
    done = threading.Event()

    def write() -> None:
        for rotation in range(40):
            with path.open("a") as file:
                for n in range(rotation * 500, rotation * 500 + 500):
                    file.write(f"line {n}\n")
            for old in range(60, 0, -1):
                if (tmp_path / f"app.log.{old}").exists():
                    os.replace(tmp_path / f"app.log.{old}", tmp_path / f"app.log.{old + 1}")
            os.replace(path, tmp_path / "app.log.1")
        done.set()

    writer = threading.Thread(target=write)
    follow.sweep()
    writer.start()
    while not done.is_set():
        follow.sweep(seconds=0.3)
    writer.join()
    # The last file came and went between two looks and nothing took its path: the next search finds it.
    follow.files.look_for_new()
    follow.sweep()
    assert sorted(follow.lines, key=lambda line: int(line.split()[1])) == numbered(0, 20_000)


def test_several_rotations_between_two_looks(follow: Follower, tmp_path: Path) -> None:
    path = tmp_path / "app.log"
    append(path, "zero\n")
    follow.sweep()
    append(path, "one\n")
    os.rename(path, tmp_path / "app.log.1")
    append(path, "two\n")
    os.rename(tmp_path / "app.log.1", tmp_path / "app.log.2")
    os.rename(path, tmp_path / "app.log.1")
    append(path, "three\n")
    assert follow.sweep() == ["one", "two", "three"]


def test_rotations_while_stopped(follow: Follower, tmp_path: Path) -> None:
    path = tmp_path / "app.log"
    append(tmp_path / "app.log.1", "long ago\n")
    os.utime(tmp_path / "app.log.1", (1, 1))
    append(path, "zero\n")
    follow.sweep()
    append(path, "one\n")
    os.rename(tmp_path / "app.log.1", tmp_path / "app.log.3")
    os.rename(path, tmp_path / "app.log.2")
    append(tmp_path / "app.log.1", "two\n")
    append(path, "three\n")
    follow.restart()
    assert follow.sweep() == ["one", "two", "three"]
    append(tmp_path / "app.log.2", "late\n")
    follow.restart()
    assert follow.sweep() == ["late"]


def test_a_writer_that_keeps_the_renamed_file_open(follow: Follower, tmp_path: Path) -> None:
    path = tmp_path / "app.log"
    with path.open("a", buffering=1) as old:
        old.write("one\n")
        assert follow.sweep() == ["one"]
        os.rename(path, tmp_path / "app.log.1")
        append(path, "new file\n")
        assert follow.sweep() == ["new file"]
        old.write("still the old one\n")
        assert follow.sweep() == ["still the old one"]


def test_a_rotated_name_that_the_pattern_matches_is_not_read_again(tmp_path: Path) -> None:
    follower = Follower(str(tmp_path / "app*"))
    append(tmp_path / "app.log", "one\n")
    assert follower.sweep() == ["one"]
    os.rename(tmp_path / "app.log", tmp_path / "app-20260102.log")
    append(tmp_path / "app.log", "two\n")
    assert follower.sweep() == ["two"]
    follower.restart()
    assert follower.sweep() == []
    for name in ("app.log.2.gz", "app.log.3.xz"):
        append(tmp_path / name, b"\x1f\x8b\n\n")
    assert follower.sweep() == []
    os.rename(tmp_path / "app.log", tmp_path / "app-20260103.log")
    follower.restart()
    assert follower.sweep() == []
    assert follower.sweep(seconds=4000) == []  # the renamed ones are let go of by now
    assert follower.sweep(seconds=10) == []
    follower.restart()
    assert follower.sweep() == []
    assert follower.files is not None
    follower.files.close()


def test_copytruncate_at_speed_loses_nothing_that_was_read_before(follow: Follower, tmp_path: Path) -> None:
    path = tmp_path / "app.log"
    expected = []
    for rotation in range(50):
        lines = numbered(rotation * 10, rotation * 10 + 10)
        append(path, text(lines))
        expected += lines
        follow.sweep(seconds=0.3)
        (tmp_path / "app.log.1").write_bytes(path.read_bytes())
        os.truncate(path, 0)
        if rotation % 2:
            follow.sweep(seconds=0.3)
    assert follow.lines == expected


@pytest.mark.parametrize("stopped", [False, True])
def test_truncated_and_grown_past_the_position(follow: Follower, tmp_path: Path, stopped: bool) -> None:
    path = tmp_path / "app.log"
    append(path, text(numbered(0, 100)))
    follow.sweep()
    os.truncate(path, 0)
    append(path, text(numbered(1000, 1500)))
    if stopped:
        follow.restart()
    assert follow.sweep() == numbered(1000, 1500)


def test_zeros_that_a_truncation_leaves_are_skipped(follow: Follower, tmp_path: Path) -> None:
    path = tmp_path / "app.log"
    with path.open("wb") as file:  # without O_APPEND: it goes on at its old offset
        file.write(text(numbered(0, 10)).encode())
        file.flush()
        follow.sweep()
        os.truncate(path, 0)
        file.write(b"after\n")
        file.flush()
        assert follow.sweep() == ["after"]


def test_a_deleted_file_is_read_to_its_end(follow: Follower, tmp_path: Path) -> None:
    path = tmp_path / "app.log"
    with path.open("a", buffering=1) as file:
        file.write("one\n")
        follow.sweep()
        file.write("two\nlast words")
        file.flush()
        path.unlink()
        assert follow.sweep() == ["two"]
        assert follow.sweep(seconds=PARTIAL_SECONDS) == ["last words"]
    descriptors = len(os.listdir("/proc/self/fd"))
    follow.sweep()
    assert len(os.listdir("/proc/self/fd")) == descriptors - 1
    append(path, "new\n")
    assert follow.sweep() == ["new"]


@pytest.mark.parametrize("stopped", [False, True])
def test_a_file_with_the_same_header_borrows_no_position(
    follow: Follower, tmp_path: Path, stopped: bool
) -> None:
    path, header = tmp_path / "app.log", "#" * 4096 + "\n"
    append(path, header + "one\n")
    follow.sweep()
    path.unlink()
    append(path, header + "two\n" + text(numbered(0, 5)))  # ext4 gives the same inode again
    if stopped:
        follow.restart()
    assert follow.sweep()[1:] == ["two", *numbered(0, 5)]


def test_inodes_that_are_used_again(follow: Follower, tmp_path: Path) -> None:
    path = tmp_path / "app.log"
    for n in range(200):
        append(path, f"line {n} {'x' * (n % 7)}\n")
        assert len(follow.sweep(seconds=12 if n % 3 == 0 else 0.3)) == 1
        path.unlink()
        if n % 3:
            follow.sweep(seconds=12)
        if n % 5 == 0:
            follow.restart()
    assert [int(line.split()[1]) for line in follow.lines] == list(range(200))


def test_a_long_line_is_cut_and_its_size_told(follow: Follower, tmp_path: Path) -> None:
    path = tmp_path / "app.log"
    append(path, b"before\n" + b"y" * 300 * 1024 + b"\nbetween\n" + b"z" * 3_000_000)
    assert [len(line) for line in follow.sweep()] == [6, LINE_BYTES, 7]
    append(path, b"\nafter\n")
    assert [len(line) for line in follow.sweep()] == [LINE_BYTES, 5]
    assert follow.cut == [300 * 1024, 3_000_000]
    append(path, b"w" * 700_000)
    assert follow.sweep() == []
    follow.restart()
    append(path, b"w\nend\n")
    assert [len(line) for line in follow.sweep()] == [LINE_BYTES, 3]
    assert follow.cut[-1] == 700_001


def test_binary_lines_become_text(follow: Follower, tmp_path: Path) -> None:
    append(tmp_path / "app.log", b"a\x00b\n\xff\xfe\xc3\n\r\n" + bytes(range(11, 256)) + b"\n\x00\x00x\n")
    lines = follow.sweep()
    assert len(lines) == 5 and lines[0] == "a\ufffdb" and lines[1] == "\ufffd" * 3
    assert not any("\x00" in line for line in lines)
    "".join(lines).encode("utf-8")


def test_what_cannot_be_watched_is_said(tmp_path: Path) -> None:
    (tmp_path / "dir.log").mkdir()
    os.mkfifo(tmp_path / "pipe.log")
    follower = Follower(
        str(tmp_path / "none.log"),
        str(tmp_path / "dir.log"),
        str(tmp_path / "pipe.log"),
        str(tmp_path / "*.none"),
    )
    follower.sweep()
    assert follower.files is not None
    problems = follower.files.problems()
    assert len(problems) == 4 and any("none.log: No such file" in p for p in problems)
    assert follower.files.watches() == []
    append(tmp_path / "none.log", "now\n")
    assert follower.sweep() == ["now"]
    assert len(follower.files.problems()) == 3
    follower.files.close()


@pytest.mark.parametrize(
    ("path", "service"),
    [
        ("/var/log/nginx/access.log", "nginx"),
        ("/var/log/checkout.log", "checkout"),
        ("/var/log/syslog", "syslog"),
        ("/srv/shop/error.log", "shop"),
        ("/var/log/access.log", "access"),
        ("/var/log/shop-error.log", "shop"),
        ("/var/log/app-20260102.log", "app"),
        ("/var/log/pg/postgresql-15-main.log", "postgresql-15-main"),
    ],
)
def test_the_name_tells_the_service(path: str, service: str) -> None:
    assert service_of(path) == service


@pytest.mark.parametrize(
    ("name", "is_rotated"),
    [
        ("app.log.1", True),
        ("app.log-20260102", True),
        ("app-20260102.log", True),
        ("app.log.old", True),
        ("app.log.2026-01-02T03:04", True),
        ("app.log.1.gz", False),
        ("app-errors.log", False),
        ("app.log", False),
        ("app.log.bak", False),
        ("apple.log", False),
    ],
)
def test_rotated_names(name: str, is_rotated: bool) -> None:
    assert rotated_from("app.log", name) is is_rotated


def test_bases_of_a_rotated_name() -> None:
    assert bases("app.log.1") == ["app.log"]
    assert bases("app-20260102.log") == ["app.log"]
    assert set(bases("app.log-20260102.3")) == {"app.log", "app.log.3", "app.log-20260102"}
    assert bases("app.log") == bases("app-errors.log") == []
