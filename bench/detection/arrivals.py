"""When lines came that carry no time of their own, as a tailing agent sees it. To recordings and keep.

The recorder notes the sizes of the log files as they grow. Where it did not, a stamp that the parser may not
know (MariaDB pads the hour with a blank) is read here.
"""
from __future__ import annotations

import bisect
import gzip
import json
import re
from datetime import UTC, datetime
from pathlib import Path

_STAMP = re.compile(r"(\d{4})-(\d\d)-(\d\d)[ T]{1,2}(\d{1,2}):(\d\d):(\d\d)")
NAME = "arrivals.json.gz"


class Arrivals:
    """The growth of one file: pairs of time (µs) and size."""

    def __init__(self, grown: list[tuple[int, int]]) -> None:
        self._times = [at for at, _ in grown]
        self._sizes = [size for _, size in grown]

    def at(self, end: int, line: str) -> int:
        """Return when the file had grown to `end` bytes; by the line's stamp if that was not noted, or 0."""
        if not end:
            return 0
        place = bisect.bisect_left(self._sizes, end)
        if place < len(self._times):
            return self._times[place]
        found = _STAMP.match(line)
        if found is None:
            return 0
        return round(datetime(*map(int, found.groups()), tzinfo=UTC).timestamp()) * 1_000_000


def load(folder: Path) -> dict[str, Arrivals]:
    """Return the growth of the files of a recording."""
    path = folder / NAME
    if not path.exists():
        return {}
    stored = json.loads(gzip.decompress(path.read_bytes()))
    return {name: Arrivals([(stored["from"] + ms * 1000, size) for ms, size in grown])
            for name, grown in stored["files"].items()}


def save(folder: Path, begin: int, files: dict[str, list[tuple[int, int]]]) -> None:
    """Store the growth of files, times as milliseconds from `begin`."""
    packed = {name: [((at - begin) // 1000, size) for at, size in grown] for name, grown in files.items()}
    text = json.dumps({"from": begin, "files": packed}, separators=(",", ":")).encode()
    (folder / NAME).write_bytes(gzip.compress(text, 9, mtime=0))
