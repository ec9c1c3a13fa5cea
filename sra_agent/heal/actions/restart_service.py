"""Restart one service. From plan; to the rule's platform. There is nothing to undo: it has no inverse."""

from __future__ import annotations

from ..platforms import Seen, platform
from ..policy import Rule
from ..run import Step

#: shown with every plan, so that nobody looks for an undo later
NOTE = "a restart cannot be undone"


def steps(rule: Rule, seen: Seen) -> tuple[Step, ...]:
    """Return the exact steps on the rule's platform."""
    return platform(rule.platform).restart(rule, seen)
