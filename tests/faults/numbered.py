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

import asyncpg

#: What a PostgreSQL says that is away or not made yet.
TROUBLES = (asyncpg.PostgresError, asyncpg.InterfaceError)
_LINE = re.compile(r"file=(\S+) seq=(\d+) crc=([0-9a-f]{8})( poison)?")
_SELECT = "SELECT message FROM records WHERE message LIKE 'file=%'"


def line(file: str, seq: int, *, poison: bool = False) -> str:
    """Return one numbered line, without its end."""
    words = f"file={file} seq={seq}"
    return f"{words} crc={zlib.crc32(words.encode()):08x}" + (" poison" if poison else "")


def parse(message: str) -> tuple[str, int] | None:
    """Return the file and number of a line; None if it is not whole."""
    found = _LINE.fullmatch(message)
    if found is None or int(found[3], 16) != zlib.crc32(f"file={found[1]} seq={found[2]}".encode()):
        return None
    return found[1], int(found[2])


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
        found = parse(message)
        if found is None:
            corrupt += 1
            continue
        file, seq = found
        if seq >= written.get(file, 0):
            strange += 1
            continue
        duplicated += seen[file][seq]
        seen[file][seq] = 1
    lost = [(file, seq) for file, flags in seen.items() if 0 in flags
            for seq, flag in enumerate(flags) if not flag]
    return Verdict(written=sum(written.values()), lost=tuple(lost), duplicated=duplicated, corrupt=corrupt,
                   strange=strange)


#: SQLite does not tell which rows were committed together; a group touches its producers before its rows.
_WATCH = """CREATE TABLE IF NOT EXISTS group_steps (id INTEGER PRIMARY KEY, batch INTEGER NOT NULL);
    CREATE TRIGGER IF NOT EXISTS group_known AFTER UPDATE OF updated_at ON producers
      BEGIN INSERT INTO group_steps (batch) VALUES (0); END;
    CREATE TRIGGER IF NOT EXISTS group_made AFTER INSERT ON producers
      BEGIN INSERT INTO group_steps (batch) VALUES (0); END;
    CREATE TRIGGER IF NOT EXISTS group_row AFTER INSERT ON batches
      BEGIN INSERT INTO group_steps (batch) VALUES (1); END;"""
_STEPS = "SELECT batch FROM group_steps ORDER BY id"
_GROUPS = "SELECT count(*) FROM batches WHERE producer IS NOT NULL GROUP BY CAST(xmin AS text)"


class Database:
    """The server's database, read from outside: a file of SQLite, or the address of a PostgreSQL."""

    def __init__(self, where: Path | str) -> None:
        self._where = where
        self._remote: Remote | None = Remote(where) if isinstance(where, str) else None

    def column(self, query: str) -> list[str | int]:
        """Return the first column of a query."""
        if self._remote is not None:
            return self._remote.column(query)
        with closing(sqlite3.connect(f"file:{self._where}?mode=ro", uri=True, timeout=10)) as conn:
            return [row[0] for row in conn.execute(query)]

    def change(self, statement: str) -> None:
        """Change something past the server."""
        if self._remote is not None:
            self._remote.column(statement)
            return
        with closing(sqlite3.connect(self._where, timeout=10)) as conn:
            conn.execute(statement)
            conn.commit()

    def watch_groups(self) -> None:
        """Have SQLite note from now on which batches share a transaction; PostgreSQL tells it anyway."""
        if self._remote is None:
            with closing(sqlite3.connect(self._where, timeout=10)) as conn:
                conn.executescript(_WATCH)

    def groups(self) -> list[int]:
        """Return how many batches each transaction stored that stored any."""
        if self._remote is not None:
            return [int(n) for n in self.column(_GROUPS)]
        runs = "".join(str(step) for step in self.column(_STEPS)).split("0")
        return [len(run) for run in runs if run]

    def close(self) -> None:
        """Close what is kept open."""
        if self._remote is not None:
            self._remote.close()

    def stored(self) -> int:
        """Return how many records were ever stored; cheap, and all tests store numbered lines alone."""
        try:
            return int(self.column("SELECT coalesce(sum(records), 0) FROM heads")[0])
        except (sqlite3.OperationalError, OSError, *TROUBLES):
            return 0

    def verdict(self, written: dict[str, int]) -> Verdict:
        """Hold what is stored against what was written."""
        return judge(written, self.numbered())

    def numbered(self) -> list[str]:
        """Return every numbered line that is stored, whole or not."""
        return [str(message) for message in self.column(_SELECT)]


class Remote:
    """A connection to PostgreSQL that is kept, for a new one costs more than most questions."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._loop = asyncio.new_event_loop()
        self._conn: asyncpg.Connection | None = None

    def column(self, query: str) -> list[str | int]:
        """Return the first column of a query; a connection that died is made anew once."""
        kept = self._conn is not None
        try:
            return self._loop.run_until_complete(self._column(query))
        except (OSError, *TROUBLES):
            self.drop()
            if not kept:
                raise
            return self._loop.run_until_complete(self._column(query))

    async def _column(self, query: str) -> list[str | int]:
        if self._conn is None:
            self._conn = await asyncpg.connect(self._address, timeout=10)
        return [row[0] for row in await self._conn.fetch(query, timeout=60)]

    def drop(self) -> None:
        """Forget the connection."""
        if self._conn is not None:
            self._conn.terminate()
            self._loop.run_until_complete(asyncio.sleep(0))  # the socket is closed in the next turn
            self._conn = None

    def close(self) -> None:
        """End it."""
        self.drop()
        self._loop.close()


class Writer(threading.Thread):
    """Writes numbered lines to one file at a pace, as an application would, until `total` or `stop`."""

    def __init__(self, path: Path, total: int, *, a_second: float, group: int = 100) -> None:
        super().__init__(daemon=True)
        self._path, self._total, self._pace, self._group = path, total, a_second, group
        self._stop_asked = threading.Event()
        self.written = 0
        self.file = path.stem

    def run(self) -> None:
        began, name = time.monotonic(), self.file
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
