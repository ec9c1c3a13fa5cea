"""The five levels, and the names under which the world knows them.

From parse and from the wire models; to every record.
"""
from __future__ import annotations

DEBUG, INFO, WARNING, ERROR, CRITICAL = "debug", "info", "warning", "error", "critical"

#: Order and stored number of each level (those of Python's logging).
NUMBER: dict[str, int] = {DEBUG: 10, INFO: 20, WARNING: 30, ERROR: 40, CRITICAL: 50}
NAME: dict[int, str] = {number: name for name, number in NUMBER.items()}

#: Every accepted name, lower case, and the level that it means.
LEVELS: dict[str, str] = {
    **{name: DEBUG for name in ("debug", "trace", "verbose", "fine", "finer", "finest", "dbg", "d")},
    **{name: INFO for name in ("info", "information", "informational", "notice", "log", "config", "statement",
                               "hint", "detail", "inf", "i")},
    **{name: WARNING for name in ("warning", "warn", "wrn", "w")},
    **{name: ERROR for name in ("error", "err", "severe", "failure", "e")},
    **{name: CRITICAL for name in ("critical", "crit", "fatal", "panic", "alert", "emerg", "emergency", "f",
                                   "ftl", "dpanic")},
}
