"""Tries: is the try of which a text speaks the last one? From sudden and signatures; pure.

Who says "attempt 1 of 3" tries again, and often succeeds; who says it of the third has given up.
"""
from __future__ import annotations

import re

_LAST = re.compile(r"\b(?:attempt|retry|try) ?#?(\d{1,3}) ?(?:/|of) ?\1\b"
                   r"|\bg(?:iv(?:es|ing|en)|ave) up\b[^\n]{0,80}?\b(?:attempt|retry|try) ?#?\d{1,3}\b")


def without_last(low: str) -> str:
    """Return a text in lower case without what it says of its last try."""
    if "try" in low or "attempt" in low:
        return _LAST.sub(" ", low)
    return low
