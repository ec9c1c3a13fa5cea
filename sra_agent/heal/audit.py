"""Every decision and act in a chain of lines: each carries the hash of the one before. From conduct.

`verify` finds any line that was edited, removed or moved; with the head that the journal keeps,
also a cut end. The file is rotated once; the chain goes on across both.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any

from .policy import digest

START = "0" * 64
_ROTATE_BYTES = 16 * 1024 * 1024


class Audit:
    """Appends to the log, durably."""

    def __init__(self, path: str, rotate_bytes: int = _ROTATE_BYTES) -> None:
        self.path = path
        self._rotate_bytes = rotate_bytes
        _cut_torn_end(path)
        self.head, self.number = _end(path) or _end(path + ".1") or (START, 0)

    def append(self, at: str, what: str, **facts: Any) -> str:
        """Write one line and return its hash."""
        entry = {"number": self.number + 1, "at": at, "what": what, "facts": facts, "before": self.head}
        entry["hash"] = digest(entry)
        if os.path.exists(self.path) and os.path.getsize(self.path) > self._rotate_bytes:
            os.replace(self.path, self.path + ".1")
        descriptor = os.open(
            self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600
        )
        try:
            os.write(descriptor, json.dumps(entry, separators=(",", ":")).encode() + b"\n")
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        self.number += 1
        self.head = str(entry["hash"])
        return self.head


def verify(path: str, head: str | None = None) -> list[str]:
    """Return what is wrong with a log, in words; nothing when the chain holds and reaches `head`."""
    problems: list[str] = []
    before: str | None = None if os.path.exists(path + ".1") else START
    number = 0
    seen: set[str] = {START}
    for where, line in _lines(path):
        try:
            entry = json.loads(line)
            claimed = entry.pop("hash")
            right = digest(entry) == claimed
        except (ValueError, KeyError, TypeError, AttributeError):
            return [*problems, f"{where}: is not an entry of the log"]
        if not right:
            problems.append(f"{where}: was changed")
        if before is not None and (
            entry.get("before") != before or (number and entry.get("number") != number + 1)
        ):
            problems.append(f"{where}: does not follow the line before it")
        before, number = claimed, entry.get("number", 0)
        seen.add(claimed)
    if head is not None and head not in seen:
        problems.append(f"{path}: the end is missing; the last entry that the journal knows of is not there")
    return problems


def _lines(path: str) -> Iterator[tuple[str, str]]:
    for name in (path + ".1", path):
        if os.path.exists(name):
            with open(name, encoding="utf-8", errors="replace") as file:
                for number, line in enumerate(file, 1):
                    yield f"{name}:{number}", line


def _end(path: str) -> tuple[str, int] | None:
    """Return hash and number of the last line."""
    try:
        with open(path, "rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - 256 * 1024))
            lines = file.read().splitlines()
        entry = json.loads(lines[-1])
        return str(entry["hash"]), int(entry["number"])
    except (OSError, ValueError, KeyError, IndexError, TypeError):
        return None


def _cut_torn_end(path: str) -> None:
    """Remove a last line that a crash left without its end: its append never returned."""
    try:
        with open(path, "rb+") as file:
            size = file.seek(0, os.SEEK_END)
            start = max(0, size - 256 * 1024)
            file.seek(start)
            tail = file.read()
            if tail and not tail.endswith(b"\n"):
                file.truncate(start + tail.rfind(b"\n") + 1)
    except FileNotFoundError:
        return
