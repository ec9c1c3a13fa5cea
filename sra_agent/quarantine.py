"""Items that the server rejected: listed, sent again, given up. From `sra agent quarantine`; to spool.

The spool's counts live in the running agent, so it alone puts an item back into the queue; others leave a
wish beside the items, which the agent fulfils within a second or when it next starts.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from sra_sdk.errors import BadInput

from . import spool_rows as rows
from .crash import crashpoint
from .spool_file import NAME, NoRoom, SpoolLost, translated
from .spool_rows import Chunk, reading, writing

_WISH = "resend:"
#: What an item that goes back changes; the server, if it was told already, is not told again of the same.
#: No source gives it again, whichever it came from.
BACK = {"dropped:rejected": -1, "unsent:rejected": -1, "once": 1}


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """One item that was set apart, why, and whether it is to be sent again."""

    id: int
    at: float
    reason: str
    item: dict[str, Any]
    resend: bool


@dataclass(frozen=True, slots=True)
class Quarantine:
    """The items set apart in a state directory, whether or not an agent runs there."""

    folder: Path

    def exists(self) -> bool:
        """Say whether an agent keeps its spool here."""
        return (self.folder / NAME).is_file()

    def items(self) -> list[Kept]:
        """Return all of them, the oldest first."""
        with self._open() as connection, reading():
            return [
                Kept(id=id_, at=at, reason=reason, item=orjson.loads(item), resend=bool(wish))
                for id_, at, reason, item, wish in connection.execute(
                    "SELECT id, at, reason, item, (SELECT 1 FROM meta WHERE name = ? || id) "
                    "FROM quarantine ORDER BY id",
                    (_WISH,),
                )
            ]

    def resend(self, ids: Sequence[int]) -> None:
        """Ask the agent to send these again."""
        with self._open() as connection, writing(connection):
            for id_ in ids:
                _check(connection, id_)
                rows.put(connection, f"{_WISH}{id_}", "1")

    def drop(self, ids: Sequence[int]) -> None:
        """Give these up for good; they stay counted as dropped."""
        with self._open() as connection, writing(connection):
            for id_ in ids:
                _check(connection, id_)
                forget(connection, id_)

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        path = self.folder / NAME
        try:
            empty = not path.stat().st_size  # a spool that was never made
            connection = sqlite3.connect(
                f"{path.absolute().as_uri()}?mode=rw", uri=True, isolation_level=None, timeout=10
            )
        except (OSError, sqlite3.Error):
            empty = True
        if empty:
            raise BadInput(
                f"no spool of an agent can be opened in {self.folder}",
                code="state_dir",
                hint="Name its directory with --state-dir or --config, and be the user who runs the agent.",
            ) from None
        try:
            yield connection
        except sqlite3.Error as error:
            raise translated(error) from error
        finally:
            connection.close()


def forget(connection: sqlite3.Connection, id_: int) -> None:
    """Take an item out of the quarantine, and the wish for it."""
    connection.execute("DELETE FROM quarantine WHERE id = ?", (id_,))
    connection.execute("DELETE FROM meta WHERE name = ?", (f"{_WISH}{id_}",))


def put_back(connection: sqlite3.Connection, last: int, fits: Callable[[int], bool]) -> list[int]:
    """Move the wished items behind the last chunk, each alone in one; return the bytes of each."""
    wishes = connection.execute("SELECT name FROM meta WHERE name GLOB ?", (f"{_WISH}*",)).fetchall()
    sizes: list[int] = []
    if not wishes:
        return sizes
    try:
        with writing(connection):
            for id_ in sorted(int(name[len(_WISH) :]) for (name,) in wishes):
                found = connection.execute("SELECT item FROM quarantine WHERE id = ?", (id_,)).fetchone()
                if found is not None:  # else it fell out of the quarantine, which keeps only the latest
                    chunk = _chunk(bytes(found[0]))
                    if not fits(sum(sizes) + chunk.size()):
                        break
                    rows.insert(connection, last + (len(sizes) + 1) * rows.STRIDE, chunk)
                    rows.add(connection, BACK)
                    sizes.append(chunk.size())
                forget(connection, id_)
            crashpoint("quarantine.back.commit")
    except NoRoom:
        return []
    crashpoint("quarantine.back")
    return sizes


def _chunk(item: bytes) -> Chunk:
    try:
        is_log = "message" in orjson.loads(item)
    except (ValueError, TypeError):
        raise SpoolLost("an item of the quarantine is damaged") from None
    return Chunk(int(is_log), int(not is_log), item if is_log else b"", b"" if is_log else item, b"", True, 1)


def _check(connection: sqlite3.Connection, id_: int) -> None:
    if connection.execute("SELECT 1 FROM quarantine WHERE id = ?", (id_,)).fetchone() is None:
        raise BadInput(
            f"the quarantine holds no item {id_}",
            code="unknown_item",
            hint="`sra agent quarantine list` lists them.",
        )
