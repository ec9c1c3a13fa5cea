"""Real logrotate, by `create` and by `copytruncate`, also compressing; and inodes that ext4 gives out again.

The rows of the delivery table that concern what becomes of a file; each test names its pass figure.
"""

from __future__ import annotations

import gzip
import random
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from sra_agent.sources.files import Files
from tests.services import needs

from .extent import by_form, figure
from .numbered import line, parse
from .site import Site, site

ROTATIONS = by_form(4, 6, 60)
PACKINGS = by_form(2, 2, 20)
CYCLES = by_form(50, 100, 1_000)
BESIDE = 0.1  # seconds for which a writer goes on in the file that was rotated away

MODES = {"create": "create", "copy": "copytruncate",
         "pack": "create\n compress", "copypack": "copytruncate\n compress"}


class Appender(threading.Thread):
    """Writes numbered lines to a file, now and then to the next file of its name."""

    def __init__(self, path: Path, *, a_second: int) -> None:
        super().__init__(daemon=True)
        self._path, self._pace = path, a_second
        self._lock = threading.Lock()
        self._file = path.open("ab", buffering=0)
        self._ending = threading.Event()
        self.written = 0

    def run(self) -> None:
        while not self._ending.wait(10 / self._pace):
            self.write(10)

    def write(self, n: int) -> None:
        """Append so many lines, by one call of the kernel."""
        with self._lock:
            more = range(self.written, self.written + n)
            self._file.write("".join(line(self._path.stem, seq) + "\n" for seq in more).encode())
            self.written = more.stop

    def reopen(self) -> None:
        """Go on in the file that has the name now."""
        with self._lock:
            self._file.close()
            self._file = self._path.open("ab", buffering=0)

    def end(self) -> None:
        """Write no more by itself."""
        self._ending.set()
        self.join()

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()


class Rotation:
    """A logrotate with one configuration for each file; the rotated names match the agent's pattern too."""

    def __init__(self, folder: Path, logs: Path) -> None:
        self._folder, self._logs = folder, logs
        folder.mkdir(mode=0o700)
        for name, how in MODES.items():
            said = f"su root root\n rotate 1000\n extension .log\n nodateext\n {how}"
            (folder / name).write_text(f"{logs}/{name}.log {{\n {said}\n}}\n")

    def rotate(self, name: str) -> None:
        """Rotate one file now."""
        subprocess.run(["logrotate", "-f", "-s", self._folder / "state", self._folder / name],
                       check=True, capture_output=True, timeout=60)

    def kept(self) -> tuple[dict[str, set[int]], int]:
        """Return the lines that are in the files by now, and how many torn ones there are."""
        kept: dict[str, set[int]] = {name: set() for name in MODES}
        torn = 0
        for path in self._logs.iterdir():
            data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
            for text in data.decode().splitlines():
                found = parse(text)
                if found is None:
                    torn += 1
                else:
                    kept[found[0]].add(found[1])
        return kept, torn


def rotate_beside(here: Site, rotation: Rotation, writers: dict[str, Appender], dice: random.Random) -> None:
    """Rotate while lines are written, the agent stopped for some of the time."""
    for _ in range(ROTATIONS):
        paused = dice.random() < 0.5
        if paused:
            here.agent.signal(signal.SIGSTOP)
        time.sleep(dice.uniform(0.0, 0.3))
        for name in ("create", "copy"):
            rotation.rotate(name)
        time.sleep(BESIDE)
        writers["create"].reopen()
        if paused:
            here.agent.signal(signal.SIGCONT)


def pack_beside(here: Site, rotation: Rotation, writers: dict[str, Appender]) -> None:
    """Rotate and compress at once, the writer going on in a file that has no name any more."""
    for _ in range(PACKINGS):
        for name in ("pack", "copypack"):
            present = writers[name].written
            here.wait_for(lambda name=name, present=present: bool(here.database.column(
                f"SELECT 1 FROM records WHERE message LIKE 'file={name} seq={present} %'")), 30,
                f"line {present} of {name}")
            rotation.rotate(name)
        time.sleep(BESIDE)
        writers["pack"].reopen()


def rotate_while_stopped(here: Site, rotation: Rotation, writers: dict[str, Appender]) -> None:
    """The agent is stopped; every file is written to, rotated, refilled past its place and rotated again."""
    assert here.agent.stop() == 0, here.errors()
    for lines in (500, 3_000, 1_000):
        for name, writer in writers.items():
            writer.write(lines)
            if lines != 1_000:
                rotation.rotate(name)
                writer.reopen()
    here.start_agent()


@needs("logrotate", "root")
@pytest.mark.timeout(600)
def test_logrotate_by_create_and_by_copytruncate(tmp_path: Path) -> None:
    """0 lost that logrotate itself did not lose between its copy and its truncation; 0 stored twice."""
    with site(tmp_path) as here:
        rotation = Rotation(tmp_path / "rotation", here.logs)
        writers = {name: Appender(here.logs / f"{name}.log", a_second=1_000) for name in MODES}
        here.start_server()
        here.start_agent()
        for writer in writers.values():
            writer.start()
        here.wait_for(lambda: here.database.stored() > 0, 30, "the first lines")
        rotate_beside(here, rotation, writers, random.Random(5))
        pack_beside(here, rotation, writers)
        for writer in writers.values():
            writer.end()
        time.sleep(0.5)
        rotate_while_stopped(here, rotation, writers)
        for writer in writers.values():
            writer.close()
        kept, torn = rotation.kept()
        wanted = {(name, seq) for name, seqs in kept.items() for seq in seqs}
        wanted |= {(name, seq) for name in ("create", "pack") for seq in range(writers[name].written)}
        stored = Counter[tuple[str, int] | None]()

        def all_there() -> bool:
            nonlocal stored
            stored = Counter(map(parse, here.database.numbered()))
            return not wanted - set(stored)

        with suppress(AssertionError):  # the figures say it
            here.wait_for(all_there, 30, "all lines")
        time.sleep(0.5)
        all_there()
    written = {(name, seq) for name, writer in writers.items() for seq in range(writer.written)}
    lost, twice = wanted - set(stored), sum(n - 1 for found, n in stored.items() if found)
    figure(f"logrotate: {2 * ROTATIONS + 2 * PACKINGS} times by create and copytruncate, also compressing, "
           "and 8 times while the agent was stopped",
           "0 lost outside copytruncate's own window; 0 duplicated",
           f"{len(lost)} lost, {twice} duplicated of {len(written):,}; "
           f"{len(written - set(stored))} lines gone in copytruncate's window")
    assert not lost, f"{len(lost)} lost: {Counter(name for name, _ in lost)}, {sorted(lost)[:5]}"
    doubled = [found for found, n in stored.items() if found and n > 1]
    assert not twice, f"{Counter(name for name, _ in doubled)}, {min(doubled)} to {max(doubled)}"
    assert stored[None] <= torn, "torn lines that are in no file"


@contextmanager
def ext4(folder: Path) -> Iterator[Path]:
    """Mount a small ext4, which gives the inode of a deleted file to the next one."""
    image, at = folder / "image", folder / "disk"
    image.write_bytes(bytes(16 * 1024 * 1024))
    at.mkdir()
    subprocess.run(["mkfs.ext4", "-q", image], check=True)
    subprocess.run(["mount", "-o", "loop", image, at], check=True)
    try:
        yield at
    finally:
        subprocess.run(["umount", "-l", at], check=True)


@needs("loop-disk")
@pytest.mark.timeout(600)
@pytest.mark.parametrize("stopped", [False, True])
@pytest.mark.parametrize("content", ["numbered", "the same lines"])
def test_an_inode_that_is_used_again(tmp_path: Path, stopped: bool, content: str) -> None:
    """0 skipped bytes, also where the next file begins and goes on as the last one did."""
    positions, known, came, again = {}, frozenset[str](), 0, 0
    written, inode = 0, 0
    with ext4(tmp_path) as disk:
        path = disk / "app.log"
        files: Files | None = None

        def read() -> None:
            nonlocal files, came
            if files is None:
                files = Files((str(path),), positions, from_start=True, known_patterns=known)
            files.look_for_new()
            files.look()
            while True:
                for piece in files.pieces():
                    came += sum(len(text) + 1 for text in piece.lines)
                    name, position = files.passed(piece.stream, piece.end)
                    if position is not None:
                        positions[name] = position
                if not files.behind():
                    return

        try:
            for n in range(CYCLES):
                number = n if content == "numbered" else 0
                made = f"line of cycle {number:9d}\n" * (20 + n % 5 + n // 50)
                path.write_text(made)
                written += len(made)
                again += path.stat().st_ino == inode
                inode = path.stat().st_ino
                read()
                if stopped and files is not None:
                    files.close()
                    files = None
                path.unlink()
                if not stopped:
                    read()  # lets go of it, so that its inode is free
        finally:
            if files is not None:
                files.close()
    figure(f"inode used again on ext4, {content}, {'agent stopped' if stopped else 'agent running'}",
           "0 skipped bytes", f"{CYCLES:,} cycles, {again:,} times the same inode; "
           f"{written - came} of {written:,} bytes skipped")
    assert again >= 0.9 * (CYCLES - 1), "ext4 gave other inodes, so this proves nothing"
    assert came == written
