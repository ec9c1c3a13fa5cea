"""Take out the colours that programs put into lines for a terminal. From parse and redact; to the formats.

Programs write them even where nobody looks, around levels first of all: a line whose level is hidden by
them would count as information, and a secret could hide behind them.
"""
from __future__ import annotations

import re

#: What begins each of them; no other text has it.
ESCAPE = "\x1b"
_SEQUENCE = re.compile(r"\x1b(?:\[[0-9;:?]{0,40}[A-Za-z]|[()][A-Z0-9]|\][^\x07\x1b\n]{0,200}(?:\x07|\x1b\\))")


def plain(text: str) -> str:
    """Return the text without colours and the other commands to a terminal."""
    return _SEQUENCE.sub("", text)
