"""Disks that are full, read-only or answer EIO, under the agent's spool and under the server's database."""
from __future__ import annotations

import errno
import hashlib
import shutil
import struct
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cluster import cluster
from tests.services import needs, postgresql_bin

from .extent import by_form, figure, not_quick
from .site import Site, site
from .test_power_cut import numbered_batch

MEGABYTE = 1024 * 1024
TROUBLES = ("read-only", "EIO", "EIO of every 3rd sync")


@contextmanager
def small_disk(at: Path, size: int) -> Iterator[Path]:
    """Mount a disk of so many bytes."""
    at.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "none", at], check=True)
    try:
        yield at
    finally:
        subprocess.run(["umount", "-l", at], check=True)


def fill(disk: Path, leave: int = 0) -> Path:
    """Fill the disk with a file, but for some bytes."""
    ballast = disk / "ballast"
    free = shutil.disk_usage(disk).free - leave
    with ballast.open("wb") as file:
        while free > 0:
            try:
                free -= file.write(bytes(min(free, 65536)))
                file.flush()
            except OSError:
                break
    return ballast


class BadDisk:
    """Makes the writes or the syncs of a program fail, as long as it is said to."""

    def __init__(self, folder: Path, trouble: str) -> None:
        number = errno.EROFS if trouble == "read-only" else errno.EIO
        self._numbers = (0, number) if "sync" in trouble else (number, 0)
        self._file = folder / "fail"
        self._say(0, 0)

    def _say(self, writes: int, syncs: int) -> None:
        with self._file.open("r+b" if self._file.exists() else "wb") as file:
            file.write(struct.pack("qq", writes, syncs))

    def begin(self) -> None:
        """Let it fail."""
        self._say(*self._numbers)

    def end(self) -> None:
        """Let it be well."""
        self._say(0, 0)

    def environment(self, shim: Path, root: Path) -> dict[str, str]:
        """Return what a program must be started with."""
        return {"LD_PRELOAD": str(shim), "SRA_SHIM_FAIL": str(self._file), "SRA_SHIM_ROOT": str(root)}


def renamed(batch: tuple[bytes, dict[str, str]]) -> tuple[bytes, dict[str, str]]:
    """Return a batch whose lines are not of the file that the agent follows."""
    body = batch[0].replace(b"file=app", b"file=db0")
    return body, {**batch[1], "X-SRA-Digest": hashlib.sha256(body).hexdigest()}


@not_quick
@needs("root")
@pytest.mark.timeout(120)
def test_the_disk_of_the_spool_is_full(tmp_path: Path):
    """The agent stops reading and holds its place; it goes on by itself, and every line comes once."""
    with small_disk(tmp_path / "disk", 16 * MEGABYTE) as disk, \
            site(tmp_path, state=tmp_path / "disk" / "state") as here:
        here.start_server()
        here.write(2000)
        here.start_agent()
        here.wait_for(here.all_stored, 30, "the first lines")
        ballast = fill(disk)
        here.server.kill()
        here.write(1000)
        time.sleep(by_form(0.5, 1.5, 5.0))
        ballast.unlink()  # now the spool itself may fill the disk, for it may take 256 MiB
        here.write(100_000)
        time.sleep(by_form(3.0, 4.0, 6.0))
        free = shutil.disk_usage(disk).free
        ballast = fill(disk)
        alive = here.agent.died() is None
        here.start_server()
        time.sleep(by_form(0.5, 1.5, 5.0))
        ballast.unlink()
        took = here.wait_for(here.all_stored, 60, f"all of {here.written}")
        verdict = here.settled()
        figure("spool's disk full (tmpfs)",
               "stops reading, holds the offset, tailer alive; 0 lost, 0 duplicated",
               f"{verdict}; the agent lived on: {alive}; all stored {took:.1f} s after there was room; "
               f"it had left {free / MEGABYTE:.1f} MiB of 16 free")
        assert alive and here.agent.died() is None, here.errors()
        assert verdict.clean, verdict


@not_quick
@pytest.mark.timeout(120)
def test_the_spool_is_capped(tmp_path: Path):
    """A spool at its cap holds the place in the file; nothing is dropped."""
    with site(tmp_path, agent_settings="spool_bytes = 1048576\n") as here:
        here.start_server()
        here.write(100)
        here.start_agent()
        here.wait_for(here.all_stored, 30, "the first lines")
        here.server.kill()
        lines = by_form(20_000, 40_000, 200_000)
        here.write(lines)
        time.sleep(1.5)
        size = sum(path.stat().st_size for path in here.state.glob("spool.db*"))
        here.start_server()
        verdict = here.settled()
    figure("spool at its cap of 1 MiB, server away", "0 lost, 0 duplicated; bounded on disk",
           f"{verdict}; the spool's files took {size / MEGABYTE:.1f} MiB")
    assert verdict.clean and size < 12 * MEGABYTE


@needs("root")
@pytest.mark.timeout(120)
def test_the_disk_of_the_database_is_full(tmp_path: Path):
    with small_disk(tmp_path / "disk", 24 * MEGABYTE) as disk, \
            site(tmp_path, data=tmp_path / "disk" / "data") as here:
        full_and_well_again(here, disk, "SQLite on tmpfs")


@not_quick
@needs("root", "postgresql")
@pytest.mark.timeout(180)
def test_the_disk_of_postgresql_is_full(tmp_path: Path):
    """Of its tables: without a place for its log, PostgreSQL itself ends, and is started again by others."""
    programs = postgresql_bin()
    assert programs is not None
    with tempfile.TemporaryDirectory(prefix="sra-disk-") as folder:
        Path(folder).chmod(0o755)  # outside tmp_path, which user postgres may not enter
        with small_disk(Path(folder) / "disk", 160 * MEGABYTE) as disk:
            (disk / "data").mkdir()
            with cluster("shared_buffers=32MB", data=disk / "data") as server:
                subprocess.run([programs / "createdb", "--maintenance-db", f"{server}/postgres", "sra"],
                               check=True)
                with site(tmp_path, database_url=f"{server}/sra".replace("://", "+asyncpg://")) as here:
                    full_and_well_again(here, disk, "PostgreSQL on tmpfs")


def post_meanwhile(here: Site, seconds: float) -> tuple[int, set[int]]:
    """Send batch after batch for so long; return the number of the next, and each status answered."""
    number, said = 1, set()
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        body, seal = renamed(numbered_batch(number))
        said.add(status := here.post("/ingest/batch", body, seal))
        number += status == 200
        time.sleep(0.05)
    return number, said


def full_and_well_again(here: Site, disk: Path, name: str) -> None:
    """503 with Retry-After while it lasts, nothing acknowledged is lost, and it recovers by itself."""
    here.start_server()
    here.write(3000)
    here.start_agent()
    here.wait_for(here.all_stored, 30, "the first lines")
    ballast = fill(disk, leave=32768)
    here.write(20_000)
    number, said = post_meanwhile(here, by_form(2.0, 4.0, 10.0))
    acknowledged = number - 1
    waited = here.database.stored() < 23_000
    ballast.unlink()
    total = 23_000 + acknowledged * 100
    took = here.wait_for(lambda: here.database.stored() >= total, 60, f"{total} lines")
    alive = here.server.died() is None
    time.sleep(0.3)
    messages = here.database.column("SELECT message FROM records WHERE message LIKE 'file=app%'")
    others = here.database.column("SELECT message FROM records WHERE message LIKE 'file=db0%'")
    figure(f"database's disk full ({name})",
           "503 + Retry-After; 0 acknowledged lost; recovers <= 10 s unaided",
           f"answers {sorted(said)}, {here.no_retry_after} of 503 without Retry-After; "
           f"{len(set(messages)):,} of 23,000 lines of the agent stored once, all back "
           f"{took:.1f} s after there was room")
    assert 503 in said and said <= {200, 503} and not here.no_retry_after, (said, here.no_retry_after)
    assert len(others) == len(set(others)) and len(others) >= acknowledged * 100
    assert alive and waited and len(messages) == len(set(messages)) == 23_000 and took <= 10.0


@needs("gcc")
@pytest.mark.timeout(120)
@pytest.mark.parametrize("trouble", by_form(TROUBLES[2:], TROUBLES, TROUBLES, whole=True))
def test_a_bad_disk_under_the_spool(tmp_path: Path, shim: Path, trouble: str):
    """From the first write on and again later; the agent lives on, holds its place and goes on by itself."""
    bad = BadDisk(tmp_path, trouble)
    with site(tmp_path) as here:
        here.start_server()
        here.write(1000)
        bad.begin()
        here.start_agent(**bad.environment(shim, here.state))
        time.sleep(2.0)
        bad.end()
        here.wait_for(here.all_stored, 30, "the first lines")
        bad.begin()
        for _ in range(10):
            here.write(300)
            time.sleep(by_form(0.1, 0.3, 1.0))
        alive = here.agent.died() is None
        bad.end()
        took = here.wait_for(here.all_stored, 60, f"all lines; {here.database.stored()} are stored")
        verdict = here.settled()
    figure(f"spool's disk: {trouble}", "stops reading, holds the offset, tailer alive; 0 lost, 0 duplicated",
           f"{verdict}; the agent lived on: {alive}; all stored {took:.1f} s after the disk was well")
    assert alive and verdict.clean, (verdict, here.errors())


@needs("gcc")
@pytest.mark.timeout(120)
@pytest.mark.parametrize("trouble", by_form(TROUBLES[1:2], TROUBLES, TROUBLES, whole=True))
def test_a_bad_disk_under_the_database(tmp_path: Path, shim: Path, trouble: str):
    """503 while it lasts, nothing acknowledged is lost, and the server recovers by itself."""
    bad = BadDisk(tmp_path, trouble)
    with site(tmp_path) as here:
        here.start_server(**bad.environment(shim, here.data))
        here.write(3000)
        here.start_agent()
        here.wait_for(here.all_stored, 30, "the first lines")
        bad.begin()
        here.write(5000)
        number, said = post_meanwhile(here, by_form(2.0, 4.0, 10.0))
        bad.end()
        acknowledged = (number - 1) * 100
        took = here.wait_for(lambda: here.database.stored() >= 8000 + acknowledged, 60, "all lines")
        alive = here.server.died() is None
        time.sleep(0.3)
        messages = here.database.column("SELECT message FROM records WHERE message LIKE 'file=app%'")
        others = here.database.column("SELECT message FROM records WHERE message LIKE 'file=db0%'")
    figure(f"database's disk: {trouble} (SQLite)",
           "503 + Retry-After; 0 acknowledged lost; recovers <= 10 s unaided",
           f"answers {sorted(said)}, {here.no_retry_after} of 503 without Retry-After; "
           f"{len(set(messages)):,} of 8,000 lines of the agent stored once, all "
           f"{took:.1f} s after the disk was well")
    assert 503 in said and said <= {200, 503} and not here.no_retry_after, (said, here.no_retry_after)
    assert len(others) == len(set(others)) and len(others) >= (number - 1) * 100
    assert alive and len(messages) == len(set(messages)) == 8000 and took <= 10.0
