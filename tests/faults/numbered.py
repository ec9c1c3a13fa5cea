"""Lines that carry (file, seq, crc), and the verdict on those that a database holds. To every test here.

A line that the database does not hold is lost, one that it holds twice is duplicated, and one whose crc
is not that of its words is corrupt.
"""
from __future__ import annotations

import asyncio
import re
import sqlite3
import threading
import time
import zlib
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

_LINE = re.compile(r"file=(\S+) seq=(\d+) crc=([0-9a-f]{8})( poison)?")
_SELECT = "SELECT message FROM records WHERE message LIKE 'file=%'"


def line(file: str, seq: int, *, poison: bool = False) -> str:
    """Return one numbered line, without its end."""
    words = f"file={file} seq={seq}"
    return f"{words} crc={zlib.crc32(words.encode()):08x}" + (" poison" if poison else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What became of the lines that were written."""

    written: int
    lost: tuple[tuple[str, int], ...]
    duplicated: int
    corrupt: int
    strange: int  # numbered lines that nobody wrote

    def __str__(self) -> str:
        bad = f"{len(self.lost)} lost, {self.duplicated} duplicated, {self.corrupt} corrupt"
        return f"{bad} of {self.written:,}"

    @property
    def clean(self) -> bool:
        """Return whether every line is there once and whole."""
        return not (self.lost or self.duplicated or self.corrupt or self.strange)


def judge(written: dict[str, int], messages: Iterable[str]) -> Verdict:
    """Hold what is stored against what was written: file → how many lines, numbered from 0."""
    seen: dict[str, bytearray] = {file: bytearray(n) for file, n in written.items()}
    duplicated = corrupt = strange = 0
    for message in messages:
        found = _LINE.fullmatch(message)
        if found is None or int(found[3], 16) != zlib.crc32(f"file={found[1]} seq={found[2]}".encode()):
            corrupt += 1
            continue
        file, seq = found[1], int(found[2])
        if seq >= written.get(file, 0):
            strange += 1
            continue
        duplicated += seen[file][seq]
        seen[file][seq] = 1
    lost = [(file, seq) for file, flags in seen.items() if 0 in flags
            for seq, flag in enumerate(flags) if not flag]
    return Verdict(written=sum(written.values()), lost=tuple(lost), duplicated=duplicated, corrupt=corrupt,
                   strange=strange)


class Database:
    """The server's database, read from outside: a file of SQLite, or the address of a PostgreSQL."""

    def __init__(self, where: Path | str) -> None:
        self._where = where

    def column(self, query: str) -> list[str | int]:
        """Return the first column of a query."""
        if isinstance(self._where, str):
            return asyncio.run(self._remote(self._where, query))
        with closing(sqlite3.connect(f"file:{self._where}?mode=ro", uri=True, timeout=10)) as conn:
            return [row[0] for row in conn.execute(query)]

    @staticmethod
    async def _remote(address: str, query: str) -> list[str | int]:
        import asyncpg
        conn = await asyncpg.connect(address)
        try:
            return [row[0] for row in await conn.fetch(query)]
        finally:
            await conn.close()

    def stored(self) -> int:
        """Return how many records were ever stored; cheap, and all tests store numbered lines alone."""
        try:
            return int(self.column("SELECT coalesce(sum(records), 0) FROM heads")[0])
        except (sqlite3.OperationalError, OSError):
            return 0

    def verdict(self, written: dict[str, int]) -> Verdict:
        """Hold what is stored against what was written."""
        return judge(written, (str(message) for message in self.column(_SELECT)))


class Writer(threading.Thread):
    """Writes numbered lines to one file at a pace, as an application would, until `total` or `stop`."""

    def __init__(self, path: Path, total: int, *, a_second: float, group: int = 100) -> None:
        super().__init__(daemon=True)
        self._path, self._total, self._pace, self._group = path, total, a_second, group
        self._stop_asked = threading.Event()
        self.written = 0

    def run(self) -> None:
        began, name = time.monotonic(), self._path.stem
        with self._path.open("a", encoding="utf-8") as file:
            while self.written < self._total and not self._stop_asked.is_set():
                more = range(self.written, min(self.written + self._group, self._total))
                file.write("".join(line(name, seq) + "\n" for seq in more))
                file.flush()
                self.written = more.stop
                self._stop_asked.wait(max(0.0, began + self.written / self._pace - time.monotonic()))

    def stop(self) -> int:
        """End, and return how many lines were written."""
        self._stop_asked.set()
        self.join()
        return self.written
