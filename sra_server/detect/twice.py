"""Twice: failures that a web server writes to its error log and its access log. From burst, signatures.

Of a request that its upstream failed there is one line in each; both are read, and it is one failure. Where
only one of the logs is read, or a place is left out of one of them, nothing is counted less.
"""
from __future__ import annotations

from collections.abc import Iterable

from ..domain.record import Record


def twice(records: Iterable[Record]) -> int:
    """Return how many of the records of one service say again what others of them say."""
    failed = answered = 0
    for each in records:
        given = each.metadata
        if "client" not in given:
            continue
        if "status" in given:
            answered += str(given["status"]).startswith("5")
        elif "upstream" in given or str(given.get("module", "")).startswith("proxy"):
            failed += 1
    return min(failed, answered)
