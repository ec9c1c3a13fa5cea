"""Effect: what a class of trouble brings about. From relation, vicinity and hush."""
from __future__ import annotations

#: What a class brings about; two classes may be one trouble only if one brings about the other.
_BRINGS: dict[str, frozenset[str]] = {
    # a store that waits for room keeps its locks
    "disk_full": frozenset({"database_failure", "service_crash", "external_api_down", "queue_backlog",
                            "error_burst", "deadlock"}),
    "memory_exhaustion": frozenset({"service_crash", "database_failure", "external_api_down", "cpu_overload",
                                    "queue_backlog", "error_burst"}),
    "certificate_expired": frozenset({"external_api_down", "network_failure", "database_failure",
                                      "error_burst"}),
    "network_failure": frozenset({"external_api_down", "database_failure", "service_crash", "queue_backlog",
                                  "error_burst"}),
    "database_failure": frozenset({"external_api_down", "service_crash", "cpu_overload", "queue_backlog",
                                   "error_burst"}),
    # who waits for himself hangs, and his callers wait for him
    "deadlock": frozenset({"database_failure", "service_crash", "external_api_down", "cpu_overload",
                           "queue_backlog", "error_burst"}),
    "service_crash": frozenset({"external_api_down", "database_failure", "network_failure", "cpu_overload",
                                "queue_backlog", "error_burst"}),
    "cpu_overload": frozenset({"external_api_down", "service_crash", "database_failure", "queue_backlog",
                               "error_burst"}),
    "queue_backlog": frozenset({"cpu_overload", "error_burst"}),
    "rate_limited": frozenset({"external_api_down", "error_burst"}),
    "external_api_down": frozenset({"cpu_overload", "service_crash", "queue_backlog", "error_burst"}),
    "auth_failures": frozenset({"error_burst"}),
    "error_burst": frozenset(),
}


def brings(cause: str, effect: str) -> bool:
    """Say whether a class brings about another, or is the same."""
    return cause == effect or effect in _BRINGS.get(cause, ())


def compatible(one: str, other: str) -> bool:
    """Say whether two classes may be signs of one trouble."""
    return brings(one, other) or brings(other, one)
