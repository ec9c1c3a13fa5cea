"""What a spool holds that nobody can send again, kept beside it for the day that it is lost. From spool.

The file is written in place after each commit and not synced: a kill leaves it as it was, and so does damage
to the spool. After a power cut it may be behind; then the spool itself is whole, and right.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from .crash import crashpoint
from .spool_file import crc

NAME = "spool.tally"
REASON = "spool_lost"
UNKNOWN = f"unknown:{REASON}"  # spools of which nobody knows what they held
_HEAD = 18  # CRC and length, in hexadecimal digits, each with a blank


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """Counts of items that no source can give again, and of drops that the server was not told of."""

    once: int  # ever taken in, by all spools of this directory
    held: int  # of them, those that wait
    untold: Mapping[str, int]  # by reason


def keep(path: Path, tally: Tally) -> None:
    """Write it down; when that fails, the last one stays."""
    data = orjson.dumps({"once": tally.once, "held": tally.held, "untold": tally.untold})
    with suppress(OSError):
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            crashpoint("tally.write")
            os.pwrite(fd, b"%08x %08x " % (crc(data), len(data)) + data, 0)
        finally:
            os.close(fd)
        crashpoint("tally.written")


def read(path: Path) -> Tally | None:
    """Return what was written; None if there is none that can be believed."""
    try:
        raw = path.read_bytes()
        data = raw[_HEAD : _HEAD + int(raw[9:17], 16)]
        if crc(data) != int(raw[:8], 16):
            return None
        said = orjson.loads(data)
        return Tally(once=said["once"], held=said["held"], untold=said["untold"])
    except (OSError, ValueError, KeyError):
        return None


def inherited(kept: Tally | None, *, lost: bool) -> dict[str, int]:
    """Return the counts with which a new spool begins, by what the one before it left."""
    if kept is None:
        return {"spools_lost": 1, UNKNOWN: 1} if lost else {}
    return {"spools_lost": 1, "once": kept.once, **dropped({**kept.untold, REASON: kept.held})}


def rolled_back(kept: Tally | None, once: int) -> dict[str, int]:
    """Return the counts of what a spool has forgotten that opens well without its last commits."""
    missing = min(kept.once - once, kept.held) if kept is not None else 0
    return {"once": missing, **dropped({REASON: missing})} if missing > 0 else {}


def dropped(reasons: Mapping[str, int]) -> dict[str, int]:
    """Return the counts of items that came and could not be kept."""
    changes = {"written": sum(reasons.values())}
    for reason, n in reasons.items():
        if n:
            changes |= {f"dropped:{reason}": n, f"unsent:{reason}": n}
    return changes


def untold(counters: Mapping[str, int]) -> dict[str, int]:
    """Return the drops that no batch has told of, by reason."""
    return {name[7:]: n for name, n in counters.items() if name.startswith("unsent:") and n > 0}


def balance(counters: Counter[str]) -> dict[str, Any]:
    """Return what is shown of the counters."""
    dropped = {name[8:]: n for name, n in sorted(counters.items()) if name.startswith("dropped:")}
    return {
        "written": counters["written"],
        "stored": counters["stored"],
        "dropped": dropped,
        "spools_lost": counters["spools_lost"],
        "lost_unknown": counters[UNKNOWN],
    }
