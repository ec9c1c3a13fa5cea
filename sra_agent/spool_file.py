"""The file under the spool: made, locked, checked and, when damaged, moved aside. From app; to spool.

SQLite guards its pages' structure, not their content, so every row that matters carries a CRC.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
import zlib
from pathlib import Path

from sra_sdk.errors import BadInput, SraError, Unavailable

from .crash import crashpoint

NAME = "spool.db"
KEEP_DAMAGED = 2
#: Left free on the disk, or a third of a small one: what waits can only be sealed and forgotten with room.
RESERVE = 8 * 1024 * 1024
SCHEMA = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL, crc INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE chunks (
  id INTEGER PRIMARY KEY, logs INTEGER NOT NULL, points INTEGER NOT NULL, alone INTEGER NOT NULL,
  log_bytes BLOB NOT NULL, point_bytes BLOB NOT NULL, ends BLOB NOT NULL, crc INTEGER NOT NULL, once INTEGER);
CREATE TABLE seals (
  sequence INTEGER PRIMARY KEY, first INTEGER NOT NULL, last INTEGER NOT NULL,
  head BLOB NOT NULL, tail BLOB NOT NULL, digest TEXT NOT NULL);
CREATE TABLE positions (source TEXT PRIMARY KEY, position BLOB NOT NULL, crc INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE stored_ends (
  source TEXT PRIMARY KEY, position BLOB NOT NULL, crc INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE quarantine (id INTEGER PRIMARY KEY, at REAL NOT NULL, reason TEXT NOT NULL, item BLOB NOT NULL);
PRAGMA user_version = 2;
"""
#: Of the chunks of version 1 it is not known how many items no source can give again.
FROM_1 = "ALTER TABLE chunks ADD COLUMN once INTEGER; PRAGMA user_version = 2;"
_DAMAGE = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_HELD = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_NO_ROOM = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY}


class SpoolLost(SraError):
    """The spool's file is damaged; it is moved aside and the positions are asked of the server."""

    code = "spool_lost"


class SpoolOld(SpoolLost):
    """The spool came back from a copy; what it holds was most likely stored."""

    code = "spool_old"


class NoRoom(Unavailable):
    """The spool, or the disk under it, takes nothing more at present."""

    code = "spool_disk"


def crc(*parts: bytes) -> int:
    """Return the CRC over the parts, which is kept beside them."""
    value = 0
    for part in parts:
        value = zlib.crc32(part, zlib.crc32(len(part).to_bytes(8, "big"), value))
    return value


def translated(error: sqlite3.Error) -> SraError:
    """Return what the error of SQLite means for the spool."""
    code = getattr(error, "sqlite_errorcode", None)
    if isinstance(code, int) and (code & 0xFF) in _NO_ROOM:
        return NoRoom(
            f"the spool cannot be written: {error}",
            hint="Make room on the disk of the state directory; nothing is lost meanwhile.",
        )
    if isinstance(code, int) and (code & 0xFF) in _HELD:
        return NoRoom(
            f"the spool is held by another program: {error}",
            hint="End what reads or copies spool.db in the state directory; nothing is lost meanwhile.",
        )
    if isinstance(code, int) and (code & 0xFF) not in _DAMAGE:
        return Unavailable(f"the spool answered: {error}")
    return SpoolLost(f"the spool is damaged: {error}")


class Lock:
    """One agent for one state directory."""

    def __init__(self, folder: Path) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._fd = os.open(folder / "agent.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            crashpoint("spool.lock")
        except OSError as error:
            raise BadInput(
                f"state_dir {folder} cannot be used: {error.strerror}",
                code="state_dir",
                hint="Give a directory that this user may write, with --state-dir.",
            ) from error
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._fd)
            raise BadInput(
                f"state_dir {folder} is in use by another agent",
                code="state_dir",
                hint="Stop the other agent, or give this one its own --state-dir.",
            ) from error

    def release(self) -> None:
        """Let another agent have the directory."""
        os.close(self._fd)


def open_file(path: Path) -> sqlite3.Connection:
    """Return the open spool file, made if it is absent; raise SpoolLost if it is damaged."""
    try:
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=10)
    except sqlite3.Error as error:
        raise translated(error) from error
    try:
        _prepare(connection)
    except sqlite3.Error as error:
        connection.close()
        raise translated(error) from error
    except SpoolLost:
        connection.close()
        raise
    return connection


def _prepare(connection: sqlite3.Connection) -> None:
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version == 0:
        # A chunk is some hundred kilobytes: large pages take a third off the CPU that it costs.
        connection.execute("PRAGMA page_size = 16384")
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA journal_size_limit = 8388608")
    connection.execute("PRAGMA cache_size = -2048")
    connection.execute("PRAGMA wal_autocheckpoint = 500")
    # Otherwise forgetting a batch would write it once more, as zeros; a full disk has no room for that.
    connection.execute("PRAGMA secure_delete = FAST")
    if version == 0:
        if connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            raise SpoolLost("the spool has tables but no version")
        crashpoint("spool.make")
        connection.executescript(f"BEGIN IMMEDIATE;{SCHEMA}COMMIT;")
        crashpoint("spool.made")
    elif version not in (1, 2):
        raise SpoolLost(f"the spool has the unknown version {version}")
    found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if found != "ok":
        raise SpoolLost(f"the spool is damaged: {found}")
    for name, value, kept in connection.execute("SELECT name, value, crc FROM meta"):
        if crc(str(name).encode(), str(value).encode()) != kept:
            raise SpoolLost(f"the spool's {name} is damaged")
    for source, position, kept in connection.execute("SELECT source, position, crc FROM positions"):
        if crc(str(source).encode(), bytes(position)) != kept:
            raise SpoolLost(f"the spool's position of {source} is damaged")
    if version == 1:
        connection.executescript(f"BEGIN IMMEDIATE;{FROM_1}COMMIT;")


def set_aside(path: Path, now: int) -> None:
    """Move a damaged spool out of the way, for whoever wants to look at it; keep only the latest few."""
    for suffix in ("", "-wal", "-shm"):
        part = path.with_name(path.name + suffix)
        if part.exists():
            crashpoint("spool.aside")
            part.rename(path.with_name(f"{path.name}.damaged-{now}{suffix}"))
            crashpoint("spool.aside.moved")
    marks = sorted(
        {p.name.split(".damaged-")[1].split("-")[0] for p in path.parent.glob(f"{path.name}.damaged-*")}
    )
    for mark in marks[:-KEEP_DAMAGED]:
        for old in path.parent.glob(f"{path.name}.damaged-{mark}*"):
            crashpoint("spool.forget")
            old.unlink()
            crashpoint("spool.forgotten")
