"""The verdict, as a table: one changed fact, one named reason."""
from __future__ import annotations

from dataclasses import replace

import pytest

from sra_server.domain.record import SECOND
from sra_server.heal.judge import PATIENCE, SETTLE, TEXTS, Facts, Why, judge
from tests.unit.server.making import NOW

END = NOW + 30 * SECOND
GOOD = Facts(status="succeeded", acted_at=NOW, finished_at=END, now=END + SECOND, checks_recovered=True,
             unchanged=True, last_signal_at=NOW - SECOND, life_at=NOW + 5 * SECOND)

TABLE = [
    ({}, "recovered", Why.RECOVERED),
    ({"unchanged": None}, "inconclusive", Why.PROCESS_UNKNOWN),
    ({"last_signal_at": None}, "recovered", Why.RECOVERED),
    ({"last_signal_at": NOW + SETTLE}, "recovered", Why.RECOVERED),
    ({"status": "no_change"}, "recovered", Why.RECOVERED),
    ({"status": "unknown"}, "inconclusive", Why.OUTCOME_UNKNOWN),
    ({"check_broke": True}, "worse", Why.CHECK_BROKE),
    ({"new_trouble_at": NOW + SETTLE + 1}, "worse", Why.NEW_TROUBLE),
    ({"new_trouble_at": NOW + 1}, "recovered", Why.RECOVERED),
    ({"status": "failed"}, "ineffective", Why.STEP_FAILED),
    ({"status": "failed", "checks_recovered": None}, "ineffective", Why.STEP_FAILED),
    ({"status": "failed", "checks_recovered": False}, "ineffective", Why.CHECK_STILL_FAILS),
    ({"checks_recovered": False}, "ineffective", Why.CHECK_STILL_FAILS),
    ({"unchanged": False}, "inconclusive", Why.UNSTABLE),
    ({"last_signal_at": NOW + SETTLE + 1}, "ineffective", Why.SIGNAL_CONTINUES),
    ({"checks_recovered": None}, "inconclusive", Why.NO_CHECK),
    ({"caught_up": False}, None, Why.NOT_CAUGHT_UP),
    ({"caught_up": False, "now": END + PATIENCE}, "inconclusive", Why.NOT_CAUGHT_UP),
    ({"life_at": None}, None, Why.NO_LIFE),
    ({"life_at": None, "now": END + PATIENCE}, "inconclusive", Why.NO_LIFE),
    # what is bad is said at once, though detection lags
    ({"caught_up": False, "life_at": None, "check_broke": True}, "worse", Why.CHECK_BROKE),
    # a short window settles in half its length
    (
        {"finished_at": NOW + 4 * SECOND, "last_signal_at": NOW + 3 * SECOND},
        "ineffective",
        Why.SIGNAL_CONTINUES,
    ),
    ({"finished_at": NOW + 4 * SECOND, "last_signal_at": NOW + 2 * SECOND}, "recovered", Why.RECOVERED),
]


@pytest.mark.parametrize(("changed", "verdict", "why"), TABLE)
def test_the_table(changed: dict, verdict: str | None, why: Why) -> None:
    found = judge(replace(GOOD, **changed))
    assert (found.verdict, found.why) == (verdict, why)


def test_every_reason_has_words_and_a_row() -> None:
    assert set(TEXTS) == set(Why) == {why for _, _, why in TABLE}
