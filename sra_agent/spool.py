"""A bounded queue on disk for records, points and source positions. From sources and measure; to ship.

Items and the positions behind them are written in one transaction, so no crash separates them. What is
appended is a *chunk*; a *seal* names the chunks of one batch, its number and the SHA-256 of its bytes,
and is durable before the first send. The bytes of a sealed batch can always be made again from its
chunks, so nothing is written twice. At every moment: written = stored + dropped(reason) + spooled.
"""

from __future__ import annotations

import hashlib
import logging
import secrets
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from . import quarantine
from . import spool_rows as rows
from .ballast import PAGE_BYTES, Ballast, draining
from .crash import crashpoint
from .encode import encoded, items_of
from .spool_file import NAME, NoRoom, SpoolLost, open_file, set_aside, translated
from .spool_rows import Chunk, reading, writing

log = logging.getLogger("sra.agent.spool")

Item = Mapping[str, Any]
Ends = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """One batch as it is sent, however often."""

    producer: str
    sequence: int
    digest: str
    body: bytes
    items: int
    first: int
    last: int


class Spool:
    """The queue. Its methods may be called from any thread."""

    def __init__(self, path: Path, *, host: str, cap: int, now: Callable[[], float] = time.time) -> None:
        self._path, self._host, self._cap, self._now = path, host, cap, now
        self._lock = threading.RLock()
        self._pending: Counter[str] = Counter()  # counted, and not yet on disk
        self.news = threading.Event()  # set when there may be something to send
        self.trouble: str | None = None  # why nothing can be kept at present
        self._refusals = 0
        self._connection = open_file(path)
        try:
            self._load()
            self.ballast = Ballast(path.parent)
            self.ballast.restore()
            self._connection.execute(f"PRAGMA wal_autocheckpoint = {self.ballast.log_pages}")
        except sqlite3.Error as error:
            self._connection.close()
            raise translated(error) from error

    @classmethod
    def open(
        cls, folder: Path, *, host: str, cap: int, damaged: bool = False, now: Callable[[], float] = time.time
    ) -> Spool:
        """Open the spool of a state directory; a damaged one is moved aside and counted."""
        path = folder / NAME
        try:
            if damaged:
                raise SpoolLost("the spool was found damaged while it was used")
            return cls(path, host=host, cap=cap, now=now)
        except NoRoom:
            if not Ballast(folder).release():
                raise
            return cls(path, host=host, cap=cap, now=now)
        except SpoolLost as error:
            log.warning("%s; it is moved aside and begun anew", error.message, extra={"action": "spool"})
            set_aside(path, int(now() * 1000))
            spool = cls(path, host=host, cap=cap, now=now)
            spool.count("spools_lost", 1)
            return spool

    def _load(self) -> None:
        run = self._connection.execute
        if not run("SELECT count(*) FROM meta").fetchone()[0]:
            with writing(self._connection):
                rows.put(self._connection, "producer", secrets.token_hex(16))
                rows.put(self._connection, "sequence", "0")
                crashpoint("spool.born.commit")
            crashpoint("spool.born")
        self._counters: Counter[str] = Counter(dict(run("SELECT name, value FROM counters").fetchall()))
        chunks, self.bytes, self.spooled, self._last_id = rows.totals(self._connection)
        if chunks:
            self.news.set()

    def fact(self, name: str) -> str | None:
        """Return a fact that was kept with `keep_fact`."""
        with self._lock, reading():
            row = self._connection.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
        return str(row[0]) if row else None

    @draining
    def keep_fact(self, name: str, value: str) -> None:
        """Keep a fact about this spool, durably."""
        with self._lock, writing(self._connection):
            rows.put(self._connection, name, value)
            crashpoint("spool.fact.commit")

    # ── taking in ────────────────────────────────────────────────────────────────────────────

    def append(self, logs: Sequence[Item], points: Sequence[Item], ends: Ends) -> bool:
        """Keep items and positions durably; False when there is no room, and then nothing is kept."""
        n = len(logs) + len(points)
        chunk = Chunk(len(logs), len(points), encoded(logs), encoded(points),
                      orjson.dumps(ends) if ends else b"")
        with self._lock:
            # An empty spool takes a chunk of any size; one above the cap would wait for ever.
            if n and not self._fits(chunk.size()):
                return self._refuse("the spool is full")
            if not self._room(chunk.size()):
                return self._refuse("the disk of the state directory is nearly full")
            try:
                with writing(self._connection):
                    rows.insert(self._connection, self._last_id + rows.STRIDE, chunk)
                    rows.place(self._connection, ends)
                    rows.add(self._connection, {"written": n})
                    crashpoint("spool.append.commit")
            except NoRoom as error:
                return self._refuse(error.message)
            self._last_id += rows.STRIDE
            self.bytes += chunk.size()
            self.spooled += n
            self._counters["written"] += n
            self.trouble = None
        self.news.set()
        crashpoint("spool.appended")
        return True

    def _fits(self, size: int) -> bool:
        return not self.bytes or self.bytes + size <= self._cap

    def _refuse(self, why: str) -> bool:
        self.trouble = why
        self._refusals += 1
        return False

    def _room(self, size: int) -> bool:
        alone = not self.bytes
        if self.ballast.takes(size, unused=self._unused(), alone=alone):
            return True
        if not alone or not self._unused():
            return False
        self._give_back(0)
        return self.ballast.takes(size, unused=self._unused(), alone=True)

    def _unused(self) -> int:
        with reading():
            pages = self._connection.execute("PRAGMA freelist_count").fetchone()[0]
            return int(pages) * int(self._connection.execute("PRAGMA page_size").fetchone()[0])

    @draining
    def keep_positions(self, ends: Ends) -> None:
        """Keep positions without telling the server of them."""
        with self._lock, writing(self._connection):
            rows.place(self._connection, ends)
            crashpoint("spool.positions.commit")

    def positions(self) -> dict[str, dict[str, Any]]:
        """Return the position of every source up to which it was read."""
        return self._places("SELECT source, position FROM positions")

    def stored_ends(self) -> dict[str, dict[str, Any]]:
        """Return the position of every source up to which the server has said to have stored."""
        return self._places("SELECT source, position FROM stored_ends")

    def _places(self, select: str) -> dict[str, dict[str, Any]]:
        with self._lock, reading():
            return {source: orjson.loads(position) for source, position in self._connection.execute(select)}

    def drop(self, reason: str, n: int) -> None:
        """Count items that came and could not be kept."""
        with self._lock:
            self._pending.update({"written": n, f"dropped:{reason}": n, f"unsent:{reason}": n})

    def count(self, name: str, n: int) -> None:
        """Add to a counter that is not part of the balance."""
        with self._lock:
            self._pending[name] += n

    def counters(self) -> dict[str, Any]:
        """Return what became of everything that was written."""
        with self._lock:
            total = self._counters + self._pending
            dropped = {name[8:]: n for name, n in sorted(total.items()) if name.startswith("dropped:")}
            return {
                "written": total["written"], "stored": total["stored"], "dropped": dropped,
                "spooled": self.spooled, "spool_bytes": self.bytes,
                "spools_lost": total["spools_lost"], "no_room": self._refusals,
            }

    # ── handing out ──────────────────────────────────────────────────────────────────────────

    @draining
    def batch(self) -> Sealed | None:
        """Return the one batch in flight, sealed now if none is; None when nothing waits."""
        with self._lock:
            with reading():
                seal = self._connection.execute(
                    "SELECT sequence, first, last, head, tail, digest FROM seals"
                ).fetchone()
                if seal is None:
                    return self._seal()
                sequence, first, last, head, tail, digest = seal
                body, items = rows.body(self._connection, first, last, head, tail)
            if hashlib.sha256(body).hexdigest() != digest:
                raise SpoolLost(f"the sealed batch {sequence} is damaged")
            return self._sealed(sequence, first, last, digest, body, items)

    def _sealed(self, sequence: int, first: int, last: int, digest: str, body: bytes, items: int) -> Sealed:
        producer = self.fact("producer") or ""
        return Sealed(producer=producer, sequence=sequence, digest=digest, body=body, items=items,
                      first=first, last=last)

    def _seal(self) -> Sealed | None:
        for size in quarantine.put_back(
                self._connection, self._last_id, lambda size: self._fits(size) and self._room(size)):
            self._last_id += rows.STRIDE
            self.bytes += size
            self.spooled += 1
            self._counters.update(quarantine.BACK)
        span = rows.span(self._connection)
        if span is None:
            self.news.clear()
            return None
        self.keep_counts()
        dropped = {name[7:]: n for name, n in self._counters.items() if name.startswith("unsent:") and n > 0}
        head = orjson.dumps({"host": self._host})[:-1]
        tail = orjson.dumps({"ends": span.ends, "dropped": dropped})[1:]
        sequence = int(self.fact("sequence") or 0) + 1
        body, items = rows.body(self._connection, span.first, span.last, head, tail)
        digest = hashlib.sha256(body).hexdigest()
        sent = {f"unsent:{reason}": -n for reason, n in dropped.items()}
        with writing(self._connection):
            self._connection.execute("INSERT INTO seals VALUES (?, ?, ?, ?, ?, ?)",
                                     (sequence, span.first, span.last, head, tail, digest))
            rows.put(self._connection, "sequence", str(sequence))
            rows.add(self._connection, sent)
            crashpoint("spool.seal.commit")
        crashpoint("spool.sealed")
        self._counters.update(sent)
        return self._sealed(sequence, span.first, span.last, digest, body, items)

    @draining
    def acknowledge(self, sealed: Sealed) -> None:
        """Forget a batch that the server has stored."""
        crashpoint("spool.acknowledge")
        with self._lock:
            with writing(self._connection):
                rows.store_ends(self._connection, sealed.sequence)
                freed = rows.remove(self._connection, sealed.first, sealed.last, sealed.sequence)
                rows.add(self._connection, {"stored": sealed.items})
                crashpoint("spool.acknowledge.commit")
            crashpoint("spool.acknowledged")
            self.bytes -= freed
            self.spooled -= sealed.items
            self._counters["stored"] += sealed.items
            if self.spooled == 0:
                self._give_back(4096 * PAGE_BYTES if self.ballast.held else 0)

    @draining
    def reject(self, sealed: Sealed, reason: str) -> None:
        """Halve a batch that the server will never take, or set its single item apart and count it.

        Its number was not used up, so the next seal takes it again.
        """
        body = orjson.loads(sealed.body)
        halves, single = items_of(body)
        changes = {f"unsent:{name}": int(n) for name, n in body["dropped"].items()}
        if single is not None:
            changes["dropped:rejected"] = 1
            changes["unsent:rejected"] = changes.get("unsent:rejected", 0) + 1
        ends = orjson.dumps(body["ends"]) if body["ends"] and sealed.items else b""
        kept = 0
        with self._lock:
            with writing(self._connection):
                freed = rows.remove(self._connection, sealed.first, sealed.last, sealed.sequence)
                middle = (sealed.first + rows.after(self._connection, sealed.last)) // 2
                for id_, (logs, points), end in zip((sealed.first, middle), halves, (b"", ends), strict=True):
                    if logs or points or end:
                        chunk = Chunk(
                            len(logs), len(points), encoded(logs), encoded(points), end, bool(logs or points)
                        )
                        rows.insert(self._connection, id_, chunk)
                        kept += chunk.size()
                if single is not None:
                    rows.quarantine(self._connection, self._now(), reason, single)
                rows.add(self._connection, changes)
                rows.put(self._connection, "sequence", str(sealed.sequence - 1))
                crashpoint("spool.reject.commit")
            crashpoint("spool.rejected")
            self._last_id = max(self._last_id, middle)
            self._counters.update(changes)
            self.bytes += kept - freed
            self.spooled -= 1 if single is not None else 0

    @draining
    def renew(self) -> None:
        """Take a new producer id; what was in flight is sealed again under it, as its first."""
        with self._lock, writing(self._connection):
            self._connection.execute("DELETE FROM seals")
            rows.put(self._connection, "producer", secrets.token_hex(16))
            rows.put(self._connection, "sequence", "0")
            crashpoint("spool.renew.commit")
        crashpoint("spool.renewed")

    def close(self) -> None:
        """Write the last counts and close the file."""
        with self._lock:
            try:
                with suppress(SpoolLost, NoRoom):  # closing must succeed; the next start finds the damage
                    self.keep_counts()
            finally:
                self._connection.close()

    def keep_counts(self) -> None:
        """Put on the disk what was counted since, so that a kill does not take it."""
        with self._lock:
            if changes := dict(self._pending):
                with writing(self._connection):
                    rows.add(self._connection, changes)
                    crashpoint("spool.counts.commit")
                self._counters.update(changes)
                self._pending.clear()

    def _give_back(self, least: int) -> None:
        """Return unused room of the file to the disk; when that fails it is tried another time."""
        with suppress(NoRoom), reading():
            if self._unused() > least:
                self._connection.execute("PRAGMA incremental_vacuum").fetchall()
                crashpoint("spool.given_back")
                self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
