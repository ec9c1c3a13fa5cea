"""The balance written = stored + dropped + spooled, as the agent and the server show it. To the kills.

The spool is read from outside, most of all just after a kill: then it says what the next life will believe.
"""
from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from .numbered import Database
from .producers import MARK

_COUNTS = """SELECT
    coalesce((SELECT value FROM counters WHERE name = 'written'), 0),
    coalesce((SELECT value FROM counters WHERE name = 'stored'), 0),
    coalesce((SELECT sum(value) FROM counters WHERE name LIKE 'dropped:%'), 0),
    coalesce((SELECT sum(logs + points) FROM chunks), 0)"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """What became of everything that was written."""

    written: int
    stored: int
    dropped: int
    spooled: int

    @property
    def holds(self) -> bool:
        """Return whether nothing is missing and nothing is there twice."""
        return self.written == self.stored + self.dropped + self.spooled


def of_spool(state: Path) -> Balance | None:
    """Return what the spool says; None while there is none that can be read."""
    try:
        with closing(sqlite3.connect(f"file:{state / 'spool.db'}?mode=ro", uri=True, timeout=10)) as conn:
            written, stored, dropped, spooled = conn.execute(_COUNTS).fetchone()
    except sqlite3.DatabaseError:  # not made yet, or damaged
        return None
    return Balance(written=written, stored=stored, dropped=dropped, spooled=spooled)


def of_hosts(database: Database) -> list[Balance]:
    """Return what the server shows for each host whose agent has told of it."""
    found = [json.loads(str(text)) for text in database.column("SELECT counters FROM hosts")]
    return [Balance(written=one["written"], stored=one["stored"], dropped=sum(one["dropped"].values()),
                    spooled=one["spooled"]) for one in found if one]


def received(database: Database) -> int:
    """Return how many items of the agent the server has stored."""
    return int(database.column("SELECT coalesce(sum(records + points), 0) FROM batches "
                               f"WHERE producer NOT LIKE '{MARK}%'")[0])


def checked(state: Path, database: Database, *, whole: bool = True) -> int:
    """Hold the balance of a dead or idle agent against the server; return how many balances were read.

    What the agent counts as stored is stored, and what is stored beyond that still waits in the spool, for
    its answer did not come. `whole`: the spool was never lost, so it remembers everything.
    """
    own, looked = of_spool(state), 0
    if own is not None:
        there = received(database)
        assert own.holds, own
        assert own.stored <= there, (own, there)
        assert not whole or there <= own.stored + own.spooled, (own, there)
        looked += 1
    for shown in of_hosts(database):
        assert shown.holds, shown
        looked += 1
    return looked
