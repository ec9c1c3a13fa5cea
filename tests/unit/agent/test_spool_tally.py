"""What a lost spool took with it that nobody can send again: counted by its reason, or said to be unknown."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from sra_agent.spool import Spool
from sra_agent.spool_file import SCHEMA, SpoolLost, SpoolOld

from .test_spool import balanced, record

POINT = {"name": "m", "value": 1.0}


def opened(folder: Path, **more: Any) -> Spool:
    return Spool.open(folder, host="web-1", cap=10_000_000, **more)


def filled(folder: Path) -> Spool:
    """Give a spool that holds 7 lines of syslog and 2 points, after 4 lines of syslog that were stored."""
    spool = opened(folder)
    spool.append([record(n) for n in range(4)], [], {}, once=4)
    sealed = spool.batch()
    assert sealed is not None
    spool.acknowledge(sealed)
    spool.append([record(n) for n in range(20)], [POINT, POINT], {"a.log": {"offset": 1}}, once=7)
    return spool


def ruined(path: Path) -> None:
    path.write_bytes(bytes(path.stat().st_size))


def test_what_a_damaged_spool_held_is_counted(tmp_path: Path) -> None:
    spool = filled(tmp_path)
    spool.drop("syslog_udp_full", 3)
    spool.close()
    ruined(tmp_path / "spool.db")
    spool = opened(tmp_path)
    said = spool.counters()
    assert said["dropped"] == {"spool_lost": 9, "syslog_udp_full": 3} and balanced(spool), said
    assert (said["spools_lost"], said["lost_unknown"]) == (1, 0)
    spool.append([record(1)], [], {})
    sealed = spool.batch()
    assert sealed is not None and json.loads(sealed.body)["dropped"] == said["dropped"]
    spool.close()
    spool = opened(tmp_path)
    assert spool.counters()["dropped"]["spool_lost"] == 9  # once, not again at each start
    spool.close()


def test_it_is_counted_after_a_kill_and_while_a_batch_is_in_flight(tmp_path: Path) -> None:
    spool = filled(tmp_path)
    spool.drop("syslog_udp_full", 3)
    assert spool.batch() is not None
    (tmp_path / "spool.db-wal").unlink()
    ruined(tmp_path / "spool.db")  # nobody has closed it
    again = opened(tmp_path)
    assert again.counters()["dropped"] == {"spool_lost": 9, "syslog_udp_full": 3} and balanced(again)
    again.close()


def test_damage_that_is_seen_at_work_takes_no_count_along(tmp_path: Path) -> None:
    spool = filled(tmp_path)
    spool.drop("syslog_udp_full", 3)
    spool.close()
    spool = opened(tmp_path, damaged=SpoolLost("a chunk of the spool is damaged"))
    assert spool.counters()["dropped"] == {"spool_lost": 9, "syslog_udp_full": 3} and balanced(spool)
    spool.close()


def test_commits_that_a_spool_has_forgotten_are_counted(tmp_path: Path) -> None:
    """Of a log that is cut, SQLite takes what is whole, and nothing seems to be wrong."""
    spool = opened(tmp_path)
    spool._connection.execute("PRAGMA wal_autocheckpoint = 0")
    spool.append([record(1)], [], {}, once=1)
    whole = (tmp_path / "spool.db-wal").read_bytes()
    spool.append([record(n) for n in range(20)], [], {}, once=6)
    files = {name: (tmp_path / name).read_bytes() for name in ("spool.db", "spool.tally")}
    spool.close()
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "spool.db-wal").write_bytes(whole)
    spool = opened(tmp_path)
    said = spool.counters()
    assert (said["spooled"], said["dropped"], said["spools_lost"]) == (1, {"spool_lost": 6}, 0)
    assert balanced(spool)
    spool.close()
    spool = opened(tmp_path)
    assert spool.counters()["dropped"] == {"spool_lost": 6}
    spool.close()


def test_what_was_stored_or_set_apart_is_not_lost_with_the_spool(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    spool.append([record(n) for n in range(4)], [], {}, once=2)
    for _ in range(3):  # by halves, to the first item
        sealed = spool.batch()
        assert sealed is not None
        spool.reject(sealed, "422")
    while (sealed := spool.batch()) is not None:
        spool.acknowledge(sealed)
    spool.close()
    ruined(tmp_path / "spool.db")
    spool = opened(tmp_path)
    assert "spool_lost" not in spool.counters()["dropped"]
    spool.close()


@pytest.mark.parametrize("why", ["no tally", "a damaged tally", "an old copy"])
def test_what_cannot_be_known_is_said_to_be_unknown(tmp_path: Path, why: str) -> None:
    filled(tmp_path).close()
    tally = tmp_path / "spool.tally"
    if why == "no tally":
        tally.unlink()
    elif why == "a damaged tally":
        tally.write_bytes(tally.read_bytes().replace(b":9", b":8"))
    spool = opened(tmp_path, damaged=(SpoolOld if why == "an old copy" else SpoolLost)("found"))
    said = spool.counters()
    assert (said["dropped"], said["spools_lost"], said["lost_unknown"]) == ({}, 1, 1)
    spool.close()


def test_a_first_spool_has_lost_nothing(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    said = spool.counters()
    assert (said["dropped"], said["spools_lost"], said["lost_unknown"]) == ({}, 0, 0)
    spool.close()


def test_a_new_producer_tells_the_drops_again(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    spool.append([record(1)], [], {})
    spool.drop("syslog_udp_full", 3)
    assert spool.batch() is not None
    spool.renew()
    sealed = spool.batch()
    assert sealed is not None and json.loads(sealed.body)["dropped"] == {"syslog_udp_full": 3}
    spool.close()


def test_a_spool_of_version_1_goes_on(tmp_path: Path) -> None:
    old = SCHEMA.replace(", once INTEGER", "").replace("user_version = 2", "user_version = 1")
    with sqlite3.connect(tmp_path / "spool.db") as connection:
        connection.executescript(old)
    connection.close()
    filled(tmp_path).close()
    spool = opened(tmp_path)
    assert spool.counters()["spooled"] == 22 and spool.counters()["spools_lost"] == 0
    spool.close()
