"""The quarantine: shown, sent again once, given up, with every count exact."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sra_agent.backoff import Backoff
from sra_agent.connection import Connection
from sra_agent.quarantine import Quarantine
from sra_agent.ship import Sender
from sra_agent.spool import Spool
from sra_sdk.errors import BadInput

from .recorder import KEY, Recorder


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    made = Spool.open(tmp_path, host="web-1", cap=100_000)
    yield made
    made.close()


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    with Recorder() as running:
        yield running


@pytest.fixture
def sender(spool: Spool, recorder: Recorder) -> Iterator[Sender]:
    connection = Connection(recorder.url, KEY, timeout=5)
    yield Sender(spool, connection, host="web-1", backoff=Backoff(longest=0.01))
    connection.close()


def poisoned(spool: Spool, sender: Sender, recorder: Recorder) -> None:
    """Send ten lines and a point, of which two lines and the point are refused."""
    recorder.poison = lambda item: item.get("message") in ("line 3", "line 7") or "value" in item
    spool.append(
        [{"message": f"line {n}", "level": "info"} for n in range(10)],
        [{"name": "cpu", "value": 1.0}],
        {"f": {"offset": 10}},
    )
    send(sender)
    assert len(recorder.records) == 8 and counts(spool) == (11, 8, {"rejected": 3}, 0)


def send(sender: Sender) -> None:
    while sender.step() is not None:
        pass


def counts(spool: Spool) -> tuple[int, int, dict[str, int], int]:
    said = spool.counters()
    assert said["written"] == said["stored"] + sum(said["dropped"].values()) + said["spooled"]
    return said["written"], said["stored"], said["dropped"], said["spooled"]


def test_items_sent_again_are_stored_once_and_counted_once(
    spool: Spool, sender: Sender, recorder: Recorder, tmp_path: Path
) -> None:
    poisoned(spool, sender, recorder)
    apart = Quarantine(tmp_path)
    found = apart.items()
    assert [kept.item.get("message") for kept in found] == ["line 3", "line 7", None]
    assert all(kept.reason.startswith("4") and kept.at > 0 and not kept.resend for kept in found)
    recorder.poison = lambda item: item.get("message") == "line 7"
    apart.resend([found[0].id, found[1].id])
    apart.resend([found[0].id])  # twice asked is asked once
    assert [kept.resend for kept in apart.items()] == [True, True, False]
    send(sender)
    assert recorder.messages().count("line 3") == 1 and len(recorder.records) == 9
    assert counts(spool) == (11, 9, {"rejected": 2}, 0)
    assert [kept.item.get("message") for kept in apart.items()] == [None, "line 7"]
    recorder.poison = None
    apart.resend([kept.id for kept in apart.items()])
    send(sender)
    assert sorted(recorder.messages()) == [f"line {n}" for n in range(10)]
    assert counts(spool) == (11, 11, {}, 0) and apart.items() == []
    assert spool.bytes == 0


def test_a_wish_waits_for_the_agent_to_start(
    spool: Spool, sender: Sender, recorder: Recorder, tmp_path: Path
) -> None:
    poisoned(spool, sender, recorder)
    spool.close()
    apart = Quarantine(tmp_path)
    apart.resend([apart.items()[0].id])
    again = Spool.open(tmp_path, host="web-1", cap=100_000)
    sealed = again.batch()
    assert sealed is not None and [log["message"] for log in json.loads(sealed.body)["logs"]] == ["line 3"]
    assert counts(again) == (11, 8, {"rejected": 2}, 1)
    again.close()
    once_more = Spool.open(tmp_path, host="web-1", cap=100_000)
    assert once_more.batch() == sealed and counts(once_more) == (11, 8, {"rejected": 2}, 1)
    once_more.close()


def test_what_is_given_up_stays_counted_as_dropped(
    spool: Spool, sender: Sender, recorder: Recorder, tmp_path: Path
) -> None:
    poisoned(spool, sender, recorder)
    apart = Quarantine(tmp_path)
    first = apart.items()[0].id
    apart.resend([first])
    apart.drop([first])
    recorder.poison = None
    send(sender)
    assert len(recorder.records) == 8 and counts(spool) == (11, 8, {"rejected": 3}, 0)
    assert first not in [kept.id for kept in apart.items()]


def test_a_full_spool_takes_nothing_back_before_it_has_room(
    spool: Spool, sender: Sender, recorder: Recorder, tmp_path: Path
) -> None:
    poisoned(spool, sender, recorder)
    apart = Quarantine(tmp_path)
    apart.resend([apart.items()[0].id])
    recorder.poison = None
    assert spool.append([{"message": "x" * 99_850, "level": "info"}], [], {})
    sealed = spool.batch()
    assert sealed is not None and sealed.items == 1 and apart.items()[0].resend
    send(sender)
    assert recorder.messages().count("line 3") == 1 and counts(spool) == (12, 10, {"rejected": 2}, 0)


@pytest.mark.parametrize("act", [Quarantine.resend, Quarantine.drop])
def test_an_unknown_item_changes_nothing(
    spool: Spool, sender: Sender, recorder: Recorder, tmp_path: Path, act: Any
) -> None:
    poisoned(spool, sender, recorder)
    apart = Quarantine(tmp_path)
    before = apart.items()
    with pytest.raises(BadInput, match="holds no item 99"):
        act(apart, [before[0].id, 99])
    assert apart.items() == before


def test_a_directory_without_a_spool_is_told_and_left_as_it_is(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no spool of an agent"):
        Quarantine(tmp_path).items()
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "spool.db").write_bytes(b"")
    with pytest.raises(BadInput, match="no spool of an agent"):
        Quarantine(tmp_path).items()


def test_a_damaged_file_is_told(tmp_path: Path) -> None:
    Spool.open(tmp_path, host="web-1", cap=100_000).close()
    (tmp_path / "spool.db").write_bytes(b"x" * 16384)
    with pytest.raises(Exception, match="damaged") as raised:
        Quarantine(tmp_path).items()
    assert not isinstance(raised.value, sqlite3.Error)
