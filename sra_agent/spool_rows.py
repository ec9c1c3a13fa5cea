"""The statements on the spool's rows, each inside the transaction of its caller. From spool; to its file."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple

import orjson

from .crash import crashpoint
from .encode import encoded, items_of
from .spool_file import SpoolLost, crc, translated

BATCH_ITEMS = 2_000
BATCH_BYTES = 1024 * 1024
QUARANTINED = 100
#: Room between the ids of chunks, for the halves of a chunk that the server rejected.
STRIDE = 1 << 20
ROW_BYTES = 64
#: How much is given back to the disk at once, and in how many parts; the rest another time.
SHRINK_PAGES, SHRINK_PARTS = 256, 128
_SIZE = f"length(log_bytes) + length(point_bytes) + length(ends) + {ROW_BYTES}"
_ONCE = "coalesce(once, points)"


class Chunk(NamedTuple):
    """What one append kept: items as JSON without brackets, and the positions behind them."""

    logs: int
    points: int
    log_bytes: bytes
    point_bytes: bytes
    ends: bytes
    alone: bool = False  # to be sealed by itself, because a batch with it was rejected
    once: int = 0  # items that no source can give again

    def size(self) -> int:
        """Return what it counts against the cap."""
        return len(self.log_bytes) + len(self.point_bytes) + len(self.ends) + ROW_BYTES


class Sealed(NamedTuple):
    """One batch as it is sent, however often."""

    producer: str
    sequence: int
    digest: str
    body: bytes
    items: int
    first: int
    last: int


class Span(NamedTuple):
    """The chunks of one batch."""

    first: int
    last: int
    ends: dict[str, Any]


@contextmanager
def writing(connection: sqlite3.Connection) -> Iterator[None]:
    """Hold one transaction; nothing of it remains when it fails."""
    try:
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
    except sqlite3.Error as error:
        raise translated(error) from error


@contextmanager
def reading() -> Iterator[None]:
    """Translate the errors of reading; a value that is not what was written is damage, too."""
    try:
        yield
    except sqlite3.Error as error:
        raise translated(error) from error
    except (ValueError, TypeError) as error:
        raise SpoolLost(f"a row of the spool is damaged: {error}") from error


class Totals(NamedTuple):
    """What the chunks come to."""

    chunks: int
    bytes: int
    items: int
    last_id: int
    once: int


def totals(connection: sqlite3.Connection) -> Totals:
    """Return what the chunks come to."""
    return Totals(
        *connection.execute(
            f"SELECT count(*), coalesce(sum({_SIZE}), 0), coalesce(sum(logs + points), 0), "  # noqa: S608
            f"coalesce(max(id), 0), coalesce(sum({_ONCE}), 0) FROM chunks"
        ).fetchone()
    )


def insert(connection: sqlite3.Connection, id_: int, chunk: Chunk) -> None:
    """Keep a chunk."""
    connection.execute(
        "INSERT INTO chunks VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            id_,
            chunk.logs,
            chunk.points,
            chunk.alone,
            chunk.log_bytes,
            chunk.point_bytes,
            chunk.ends,
            crc(b"%d %d" % (chunk.logs, chunk.points), chunk.log_bytes, chunk.point_bytes, chunk.ends),
            chunk.once,
        ),
    )


def remove(connection: sqlite3.Connection, first: int, last: int, sequence: int) -> tuple[int, int]:
    """Forget the chunks of a seal and the seal; return their bytes, and their items that came once."""
    freed, once = connection.execute(
        f"SELECT sum({_SIZE}), sum({_ONCE}) FROM chunks WHERE id BETWEEN ? AND ?",  # noqa: S608
        (first, last),
    ).fetchone()
    connection.execute("DELETE FROM chunks WHERE id BETWEEN ? AND ?", (first, last))
    connection.execute("DELETE FROM seals WHERE sequence = ?", (sequence,))
    return int(freed or 0), int(once or 0)


class Halved(NamedTuple):
    """What became of a rejected batch."""

    last: int  # the highest id that was given
    bytes: int  # how many there are more
    items: int  # how many were set apart
    once: int  # of them, those that came once
    changes: dict[str, int]  # of counters


def halve(connection: sqlite3.Connection, sealed: Sealed, reason: str, *, at: float) -> Halved:
    """Put the halves of a batch in its place, or set its single item apart; its number is free again."""
    told = orjson.loads(sealed.body)
    halves, single = items_of(told)
    changes = {f"unsent:{name}": int(n) for name, n in told["dropped"].items()}
    if single is not None:
        changes["dropped:rejected"] = 1
        changes["unsent:rejected"] = changes.get("unsent:rejected", 0) + 1
        quarantine(connection, at, reason, single)
    ends = orjson.dumps(told["ends"]) if told["ends"] and sealed.items else b""
    less, once = remove(connection, sealed.first, sealed.last, sealed.sequence)
    middle = (sealed.first + after(connection, sealed.last)) // 2
    for id_, (logs, points), end in zip((sealed.first, middle), halves, (b"", ends), strict=True):
        if logs or points or end:
            n, m = len(logs), len(points)
            mine = min(once, n + m)  # which of them it is shows when one is left
            chunk = Chunk(n, m, encoded(logs), encoded(points), end, bool(n or m), mine)
            insert(connection, id_, chunk)
            less, once = less - chunk.size(), once - mine
    add(connection, changes)
    put(connection, "sequence", str(sealed.sequence - 1))
    return Halved(middle, -less, int(single is not None), once, changes)


def after(connection: sqlite3.Connection, id_: int) -> int:
    """Return the id of the next chunk, or the id that it would have."""
    found = connection.execute("SELECT min(id) FROM chunks WHERE id > ?", (id_,)).fetchone()[0]
    return int(found) if found is not None else id_ + STRIDE


def span(connection: sqlite3.Connection) -> Span | None:
    """Return the oldest chunks that fit in one batch."""
    first = last = -1
    items = size = 0
    ends: dict[str, Any] = {}
    rows = connection.execute(f"SELECT id, logs + points, {_SIZE}, alone, ends FROM chunks ORDER BY id")  # noqa: S608
    for id_, n, length, alone, chunk_ends in rows:
        if first >= 0 and (alone or items + n > BATCH_ITEMS or size + length > BATCH_BYTES):
            break
        first, last = (id_ if first < 0 else first), id_
        items, size = items + n, size + length
        ends.update(orjson.loads(chunk_ends) if chunk_ends else {})
        if alone:
            break
    rows.close()
    return Span(first, last, ends) if first >= 0 else None


def body(
    connection: sqlite3.Connection, first: int, last: int, head: bytes, tail: bytes
) -> tuple[bytes, int]:
    """Return the bytes of a batch, the same each time, and how many items it holds."""
    logs, points, items = [], [], 0
    for n, m, log_bytes, point_bytes, ends, kept in connection.execute(
        "SELECT logs, points, log_bytes, point_bytes, ends, crc FROM chunks "
        "WHERE id BETWEEN ? AND ? ORDER BY id",
        (first, last),
    ):
        if crc(b"%d %d" % (n, m), log_bytes, point_bytes, ends) != kept:
            raise SpoolLost("a chunk of the spool is damaged")
        logs += [log_bytes] if n else []
        points += [point_bytes] if m else []
        items += n + m
    return b"".join(
        (head, b',"logs":[', b",".join(logs), b'],"metrics":[', b",".join(points), b"],", tail)
    ), items


def store_ends(connection: sqlite3.Connection, sequence: int) -> None:
    """Keep the positions of a batch as those up to which the server has stored."""
    row = connection.execute("SELECT tail FROM seals WHERE sequence = ?", (sequence,)).fetchone()
    if row is not None:
        place(connection, orjson.loads(b"{" + row[0])["ends"], table="stored_ends")


def place(
    connection: sqlite3.Connection, ends: Mapping[str, Mapping[str, Any]], *, table: str = "positions",
    stored: Mapping[str, Mapping[str, Any]] | None = None,
) -> None:
    """Keep the positions of sources; with what the server has `stored`, these and no others."""
    if stored is not None:
        connection.execute("DELETE FROM positions")
        place(connection, stored, table="stored_ends")
    pairs = [(source, orjson.dumps(position)) for source, position in ends.items()]
    connection.executemany(
        f"INSERT OR REPLACE INTO {table} VALUES (?, ?, ?)",  # noqa: S608
        [(source, data, crc(source.encode(), data)) for source, data in pairs],
    )


def sealed_drops(connection: sqlite3.Connection) -> dict[str, int]:
    """Return the drops that the batch in flight tells of."""
    row = connection.execute("SELECT tail FROM seals").fetchone()
    with suppress(ValueError, TypeError, KeyError):  # damage is found when the batch is sent
        return dict(orjson.loads(b"{" + row[0])["dropped"]) if row is not None else {}
    return {}


def quarantine(connection: sqlite3.Connection, at: float, reason: str, item: bytes) -> None:
    """Set an item apart; only the latest are kept."""
    connection.execute("INSERT INTO quarantine (at, reason, item) VALUES (?, ?, ?)", (at, reason[:500], item))
    connection.execute(
        "DELETE FROM quarantine WHERE id <= (SELECT max(id) FROM quarantine) - ?", (QUARANTINED,)
    )


def unused(connection: sqlite3.Connection) -> int:
    """Return the bytes of the file that hold nothing."""
    pages = connection.execute("PRAGMA freelist_count").fetchone()[0]
    return int(pages) * int(connection.execute("PRAGMA page_size").fetchone()[0])


def shrink(connection: sqlite3.Connection, least: int) -> None:
    """Give unused room back to the disk if it is more than `least`; in parts, so that the log stays short."""
    if unused(connection) <= least:
        return
    for _ in range(SHRINK_PARTS):
        # `execute` would free a single page, as it makes a single step.
        connection.executescript(f"PRAGMA incremental_vacuum({SHRINK_PAGES})")
        if not unused(connection):
            break
    crashpoint("spool.given_back")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def put(connection: sqlite3.Connection, name: str, value: str) -> None:
    """Keep one fact about the spool itself."""
    connection.execute(
        "INSERT OR REPLACE INTO meta VALUES (?, ?, ?)", (name, value, crc(name.encode(), value.encode()))
    )


def add(connection: sqlite3.Connection, changes: Mapping[str, int]) -> None:
    """Add to counters."""
    connection.executemany(
        "INSERT INTO counters VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = value + excluded.value",
        list(changes.items()),
    )
