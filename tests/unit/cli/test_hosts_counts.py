"""How `sra hosts show` puts what an agent counted."""
from __future__ import annotations

from sra_cli.hosts import counts


def test_the_balance_is_one_line_with_every_reason() -> None:
    assert counts({"written": 10, "stored": 6, "dropped": {"syslog_udp_full": 2, "rejected": 1}, "spooled": 1,
                   "batches": 4}) == [
        "10 written = 6 stored + 3 dropped (syslog_udp_full 2, rejected 1) + 1 spooled", "batches: 4"]


def test_what_an_older_or_stranger_agent_says_is_shown_as_it_is() -> None:
    assert counts({"lines": 3, "dropped": 5}) == ["lines: 3", "dropped: 5"]


def test_what_was_lost_in_an_unknown_number_is_not_told_as_nothing() -> None:
    said = {"written": 6, "stored": 6, "dropped": {}, "spooled": 0}
    assert counts({**said, "spools_lost": 1, "lost_unknown": 1}) == [
        "6 written = 6 stored + 0 dropped (spool_lost unknown) + 0 spooled", "spools_lost: 1"]
    assert counts({**said, "lost_unknown": 0}) == ["6 written = 6 stored + 0 dropped + 0 spooled"]
