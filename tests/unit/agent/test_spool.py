"""The spool: durable, bounded, exactly counted, and never in need of a person."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from sra_agent.quarantine import Quarantine
from sra_agent.spool import Spool
from sra_agent.spool_file import Lock, SpoolLost
from sra_sdk.errors import BadInput

ROOT = Path(__file__).resolve().parents[3]


def record(n: int, **more: Any) -> dict[str, Any]:
    return {"message": f"line {n}", "level": "info", **more}


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    made = Spool.open(tmp_path, host="web-1", cap=1_000_000)
    yield made
    made.close()


def balanced(spool: Spool) -> bool:
    said = spool.counters()
    return bool(said["written"] == said["stored"] + sum(said["dropped"].values()) + said["spooled"])


def test_items_and_positions_go_through_in_order(spool: Spool) -> None:
    assert spool.append([record(1)], [{"name": "m", "value": 1.0}], {"a.log": {"offset": 7}})
    assert spool.append([record(2)], [], {"a.log": {"offset": 14}, "b.log": {"offset": 1}})
    sealed = spool.batch()
    assert sealed is not None and sealed.sequence == 1 and sealed.items == 3
    body = json.loads(sealed.body)
    assert [log["message"] for log in body["logs"]] == ["line 1", "line 2"]
    assert body["host"] == "web-1" and body["metrics"] == [{"name": "m", "value": 1.0}]
    assert body["ends"] == {"a.log": {"offset": 14}, "b.log": {"offset": 1}}
    assert sealed.digest == sha256(sealed.body).hexdigest()
    spool.acknowledge(sealed)
    assert spool.batch() is None and balanced(spool)
    assert spool.positions() == body["ends"]


def test_every_commit_of_the_spool_is_on_disk_before_it_returns(spool: Spool) -> None:
    assert spool._connection.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL


def test_a_sealed_batch_stays_the_same_whatever_comes_after(tmp_path: Path) -> None:
    spool = Spool.open(tmp_path, host="web-1", cap=1_000_000)
    spool.append([record(1)], [], {})
    first = spool.batch()
    spool.append([record(2)], [], {})
    assert spool.batch() == first
    spool.close()
    spool = Spool.open(tmp_path, host="another name", cap=1_000_000)
    assert spool.batch() == first
    assert first is not None
    spool.acknowledge(first)
    second = spool.batch()
    assert second is not None and second.sequence == 2 and second.producer == first.producer
    assert json.loads(second.body)["host"] == "another name"
    spool.close()


def test_batches_are_bounded(spool: Spool) -> None:
    for n in range(5):
        spool.append([record(n * 900 + i) for i in range(900)], [], {})
    sizes = []
    while (sealed := spool.batch()) is not None:
        sizes.append(sealed.items)
        spool.acknowledge(sealed)
    assert sum(sizes) == 4500 and max(sizes) <= 2000 and balanced(spool)


def test_a_full_spool_takes_nothing_and_loses_nothing(spool: Spool) -> None:
    kept = 0
    while spool.append([record(kept, metadata={"x": "y" * 10_000})], [], {"f": {"offset": kept}}):
        kept += 1
    assert 90 < kept < 100 and spool.trouble == "the spool is full"
    assert spool.positions()["f"]["offset"] == kept - 1
    spool.drop("spool_full", 3)
    assert spool.counters()["dropped"] == {"spool_full": 3} and balanced(spool)
    sealed = spool.batch()
    assert sealed is not None
    assert json.loads(sealed.body)["dropped"] == {"spool_full": 3}
    spool.acknowledge(sealed)
    assert spool.append([record(kept)], [], {"f": {"offset": kept}}) and spool.trouble is None
    again = spool.batch()
    assert again is not None and json.loads(again.body)["dropped"] == {} and balanced(spool)


def test_what_was_counted_as_lost_survives_a_kill_while_a_batch_is_in_flight(
    spool: Spool, tmp_path: Path
) -> None:
    """With a batch in flight nothing is sealed, so nothing else would write the counts."""
    spool.append([record(0)], [], {"f": {"offset": 1}})
    assert spool.batch() is not None
    spool.drop("syslog_udp_full", 1234)
    spool.keep_counts()
    killed = tmp_path / "killed"
    killed.mkdir()
    for file in tmp_path.glob("spool.db*"):
        shutil.copy(file, killed)
    again = Spool.open(killed, host="web-1", cap=1_000_000)
    assert again.counters()["dropped"] == {"syslog_udp_full": 1234} and balanced(again)
    again.close()


def test_a_bad_item_is_found_by_halving_and_set_apart(spool: Spool, tmp_path: Path) -> None:
    bad = {3, 700, 1234}
    for start in (0, 500, 1000, 1500):
        spool.append([record(n) for n in range(start, start + 500)], [], {"f": {"offset": start + 500}})
    stored, ends, requests, dropped = [], [], 0, 0
    while (sealed := spool.batch()) is not None:
        requests += 1
        body = json.loads(sealed.body)
        numbers = [int(log["message"].split()[1]) for log in body["logs"]]
        assert balanced(spool)
        if bad & set(numbers):
            spool.reject(sealed, "422 bad_input")
            continue
        spool.acknowledge(sealed)
        stored += numbers
        dropped += sum(body["dropped"].values())
        ends += [end["offset"] for end in body["ends"].values()]
    assert stored == [n for n in range(2000) if n not in bad]
    assert ends == sorted(ends) and ends[-1] == 2000
    assert spool.counters()["dropped"] == {"rejected": 3} and dropped == 3 and balanced(spool)
    assert [kept.item["message"] for kept in Quarantine(tmp_path).items()] == [
        "line 3",
        "line 700",
        "line 1234",
    ]
    assert requests < 120


def test_a_server_that_rejects_everything_does_not_block(spool: Spool, tmp_path: Path) -> None:
    spool.append([record(n) for n in range(300)], [], {"f": {"offset": 300}})
    while (sealed := spool.batch()) is not None:
        spool.reject(sealed, "400")
    assert spool.counters()["dropped"] == {"rejected": 300} and balanced(spool)
    assert len(Quarantine(tmp_path).items()) == 100 and spool.bytes == 0


def test_a_new_producer_sends_the_same_again(spool: Spool) -> None:
    spool.append([record(1)], [], {})
    first = spool.batch()
    spool.renew()
    second = spool.batch()
    assert first is not None and second is not None
    assert second.producer != first.producer and second.sequence == 1 and second.body == first.body


def test_what_json_cannot_carry_is_mended(spool: Spool) -> None:
    odd = {"big": 2**70, "half": "\ud800", "deep": {"list": [float("nan"), {1: None}]}}
    assert spool.append([record(1, metadata=odd)], [], {})
    sealed = spool.batch()
    assert sealed is not None
    metadata = json.loads(sealed.body)["logs"][0]["metadata"]
    assert (
        metadata["big"] == str(2**70)
        and metadata["half"] == "?"
        and metadata["deep"]["list"][1] == {"1": None}
    )


def test_one_agent_for_one_directory(tmp_path: Path) -> None:
    lock = Lock(tmp_path)
    with pytest.raises(BadInput, match="another agent"):
        Lock(tmp_path)
    lock.release()
    Lock(tmp_path).release()


def damage_everywhere(path: Path) -> Iterator[bytes]:
    whole = path.read_bytes()
    yield b"\0" * len(whole)
    yield whole[: len(whole) // 2]
    yield b"nonsense" * 100
    for place in range(0, len(whole), len(whole) // 40):
        yield whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :]


def test_a_damaged_file_never_needs_a_person(tmp_path: Path) -> None:
    spool = Spool.open(tmp_path, host="h", cap=1_000_000)
    producer = spool.fact("producer")
    for n in range(20):
        spool.append([record(n * 20 + i) for i in range(20)], [], {"f": {"offset": n}})
    expected = [f"line {n}" for n in range(400)]
    spool.close()
    path = tmp_path / "spool.db"
    lost = 0
    for n, broken in enumerate(list(damage_everywhere(path))):
        for old in tmp_path.glob("spool.db*"):
            old.unlink()
        path.write_bytes(broken)
        spool = Spool.open(tmp_path, host="h", cap=1_000_000, now=lambda n=n: 1000.0 + n)
        for _ in range(3):
            try:
                sealed = spool.batch()
                # Either the damage hit nothing that matters, or it is noticed; never are other bytes sent.
                if sealed is not None:
                    assert [log["message"] for log in json.loads(sealed.body)["logs"]] == expected
                break
            except SpoolLost:
                spool.close()
                seen = SpoolLost("seen at work")
                spool = Spool.open(
                    tmp_path, host="h", cap=1_000_000, damaged=seen, now=lambda n=n: 5000.0 + n
                )
        if spool.counters()["spools_lost"]:
            lost += 1
            assert spool.fact("producer") != producer and spool.fact("ends_known") is None
            assert list(tmp_path.glob("spool.db.damaged-*"))
        assert spool.append([record(1)], [], {})
        spool.close()
    assert lost >= 5


def test_damaged_spools_do_not_fill_the_disk(tmp_path: Path) -> None:
    for n in range(5):
        (tmp_path / "spool.db").write_bytes(b"x" * 5000)
        Spool.open(tmp_path, host="h", cap=1_000_000, now=lambda n=n: 1000.0 + n).close()
    assert len({path.name.split("-")[1] for path in tmp_path.glob("spool.db.damaged-*")}) == 2


def test_a_disk_without_room_is_waited_for(tmp_path: Path, spool: Spool) -> None:
    connection: sqlite3.Connection = spool._connection
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count = {pages + 2}")
    assert not spool.append([record(1, metadata={"x": "y" * 100_000})], [], {"f": {"offset": 1}})
    assert spool.trouble is not None and "full" in spool.trouble
    assert spool.positions() == {} and spool.counters()["written"] == 0
    connection.execute("PRAGMA max_page_count = 100000")
    assert spool.append([record(1)], [], {"f": {"offset": 1}}) and spool.trouble is None


WRITER = """
import sys, pathlib
from sra_agent.spool import Spool
spool = Spool.open(pathlib.Path(sys.argv[1]), host="h", cap=1 << 30)
n = spool.positions().get("f", {"offset": 0})["offset"]
print("ready", flush=True)
while True:
    lines = [{"message": f"line {i}", "level": "info"} for i in range(n, n + 7)]
    spool.append(lines, [], {"f": {"offset": n + 7}})
    n += 7
    if n % 5 == 0 and (sealed := spool.batch()) is not None:
        with open(sys.argv[2], "ab", buffering=0) as stored:
            stored.write(f"{sealed.producer} {sealed.sequence} {sealed.digest} {sealed.items}\\n".encode())
        spool.acknowledge(sealed)
"""


@pytest.mark.parametrize(
    "point",
    [
        "",
        "spool.append.commit:40",
        "spool.appended:40",
        "spool.seal.commit:5",
        "spool.acknowledge:5",
        "spool.acknowledge.commit:5",
    ],
)
def test_kill_nine_at_any_time(tmp_path: Path, point: str) -> None:
    stored = tmp_path / "stored"
    for _ in range(4):
        process = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path), str(stored)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            env={**os.environ, "SRA_CRASH_AT": point},
        )
        assert process.stdout is not None and process.stdout.readline() == b"ready\n"
        if point:
            assert process.wait(20) == -signal.SIGKILL
        else:
            time.sleep(0.15)
            process.kill()
            process.wait()
        process.stdout.close()
    spool = Spool.open(tmp_path, host="h", cap=1 << 30)
    assert spool.counters()["spools_lost"] == 0 and balanced(spool)
    # By number and digest a server knows a batch again; what it stored, and what is left, is everything once.
    seals = {line.rsplit(" ", 1)[0]: int(line.rsplit(" ", 1)[1]) for line in stored.read_text().splitlines()}
    assert len({seal.rsplit(" ", 1)[0] for seal in seals}) == len(seals), "a number was used for two batches"
    count = sum(seals.values())
    while (sealed := spool.batch()) is not None:
        key = f"{sealed.producer} {sealed.sequence} {sealed.digest}"
        if key not in seals:
            numbers = [int(log["message"].split()[1]) for log in json.loads(sealed.body)["logs"]]
            assert numbers == list(range(count, count + len(numbers)))
            count += len(numbers)
        spool.acknowledge(sealed)
    assert count == spool.positions()["f"]["offset"] > 0
    spool.close()


def test_a_spool_that_is_empty_again_gives_its_room_back(tmp_path: Path) -> None:
    spool = Spool.open(tmp_path, host="h", cap=1 << 30)
    for n in range(100):
        spool.append([record(n, metadata={"x": "y" * 1_000_000})], [], {})
    before = (tmp_path / "spool.db").stat().st_size
    while (sealed := spool.batch()) is not None:
        spool.acknowledge(sealed)
    assert before > 90_000_000 and (tmp_path / "spool.db").stat().st_size < 1_000_000
    assert (tmp_path / "spool.db-wal").stat().st_size == 0
    assert spool.append([record(1)], [], {}) and balanced(spool)
    spool.close()


def test_a_spool_that_another_program_holds_keeps_nothing_and_says_so(tmp_path: Path) -> None:
    spool = Spool.open(tmp_path, host="web-1", cap=1_000_000)
    with closing(sqlite3.connect(tmp_path / "spool.db", isolation_level=None)) as other:
        spool._connection.execute("PRAGMA busy_timeout = 50")
        other.execute("BEGIN IMMEDIATE")
        assert not spool.append([{"message": "a"}], [], {})
        assert "held by another program" in str(spool.trouble)
        other.execute("ROLLBACK")
        assert spool.append([{"message": "a"}], [], {}) and spool.trouble is None
    spool.close()
