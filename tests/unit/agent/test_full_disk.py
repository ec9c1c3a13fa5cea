"""A full disk under the state directory: reading waits, draining goes on, and people are told."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from sra_agent import Agent
from sra_agent.ballast import Ballast
from sra_agent.spool import Spool
from tests.services import needs

from .recorder import Recorder
from .test_app import balanced, config, until, write
from .tmpfs import tmpfs

pytestmark = needs("root")


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    with tmpfs(tmp_path / "state", 3) as folder:
        yield folder


def fill_up(path: Path) -> None:
    with suppress(OSError), path.open("wb", buffering=0) as file:
        while True:
            file.write(b"x" * 4096)


def free(folder: Path) -> int:
    disk = os.statvfs(folder)
    return disk.f_bavail * disk.f_frsize


def record(n: int) -> dict[str, str]:
    return {"message": f"line {n} " + "x" * 100, "level": "info"}


async def test_nothing_is_lost_and_the_spool_drains_unaided(small: Path, tmp_path: Path) -> None:
    with Recorder(fault=lambda method, path, n: None) as recorder:
        async with Agent(config(recorder, tmp_path)) as agent:
            await until(lambda: recorder.hellos)
            recorder.fault = lambda method, path, n: 503 if path == "/ingest/batch" else None
            expected = write(tmp_path, 0, 60_000)
            await until(lambda: any("full" in said for said in recorder.hellos[-1]["cannot_watch"]), 30)
            assert agent.counters()["spooled"] < 60_000 and agent.counters()["no_room"] > 0
            waiting = agent.counters()["spooled"]
            fill_up(small / "of-others")  # and then another program takes all that was left
            assert free(small) == 0
            recorder.fault = None
            await until(lambda: len(recorder.records) >= waiting, 10)
            (small / "of-others").unlink()
            await until(lambda: len(recorder.records) == 60_000, 40)
            await until(lambda: recorder.hellos[-1]["cannot_watch"] == [], 10)
            assert balanced(agent.counters()) and agent.counters()["dropped"] == {}
            assert (small / "ballast").stat().st_size == Ballast(small).size
        assert recorder.messages() == expected and recorder.gaps == 0


def test_a_batch_leaves_a_disk_that_is_full_to_the_last_byte(small: Path) -> None:
    spool = Spool.open(small, host="h", cap=1 << 30)
    kept = 0
    while spool.append([record(n) for n in range(kept, kept + 200)], [], {"f": {"offset": kept + 200}}):
        kept += 200
    assert free(small) >= spool.ballast.floor // 2 and "disk" in (spool.trouble or "")
    spool._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()  # gives the log's room back
    fill_up(small / "of-others")
    sent = 0
    while (sealed := spool.batch()) is not None:
        spool.acknowledge(sealed)
        sent += sealed.items
    assert sent == kept and not spool.ballast.held
    (small / "of-others").unlink()
    assert spool.append([record(1)], [], {"f": {"offset": 1}})
    assert spool.ballast.held and spool.trouble is None
    spool.close()


def test_a_spool_on_a_full_disk_is_opened(small: Path) -> None:
    spool = Spool.open(small, host="h", cap=1 << 30)
    assert spool.append([record(1)], [], {"f": {"offset": 1}})
    spool.close()
    fill_up(small / "of-others")
    spool = Spool.open(small, host="h", cap=1 << 30)
    sealed = spool.batch()
    assert sealed is not None
    spool.acknowledge(sealed)
    assert not spool.append([record(2)], [], {"f": {"offset": 2}})
    spool.close()


def test_a_spool_that_was_full_and_is_empty_takes_as_much_again(small: Path) -> None:
    spool = Spool.open(small, host="h", cap=1 << 30)
    taken = []
    for _ in range(4):
        kept = 0
        while spool.append([record(n) for n in range(200)], [], {"f": {"offset": kept}}):
            kept += 1
        taken.append(kept)
        while (sealed := spool.batch()) is not None:
            spool.acknowledge(sealed)
    assert min(taken) > taken[0] * 0.8 > 10
    spool.close()
