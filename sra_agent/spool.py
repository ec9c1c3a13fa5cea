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
from pathlib import Path
from typing import Any

import orjson

from . import quarantine, spool_tally
from . import spool_rows as rows
from .ballast import PAGE_BYTES, Ballast, draining
from .crash import crashpoint
from .encode import encoded
from .spool_file import NAME, NoRoom, SpoolLost, SpoolOld, open_file, set_aside, translated
from .spool_rows import Chunk, Sealed, reading, writing
from .spool_tally import Tally

log = logging.getLogger("sra.agent.spool")

Item = Mapping[str, Any]
Ends = Mapping[str, Mapping[str, Any]]


class Spool:
    """The queue. Its methods may be called from any thread."""

    def __init__(self, path: Path, *, host: str, cap: int, now: Callable[[], float] = time.time,
                 lost: bool = False) -> None:
        self._path, self._host, self._cap, self._now = path, host, cap, now
        self._tally = path.with_name(spool_tally.NAME)
        self._lock = threading.RLock()
        self._pending: Counter[str] = Counter()  # counted, and not yet on disk
        self.news = threading.Event()  # set when there may be something to send
        self.trouble: str | None = None  # why nothing can be kept at present
        self._refusals = 0
        self._connection = open_file(path)
        try:
            self._load(lost=lost)
            self.ballast = Ballast(path.parent)
            self.ballast.restore()
            self._connection.execute(f"PRAGMA wal_autocheckpoint = {self.ballast.log_pages}")
        except sqlite3.Error as error:
            self._connection.close()
            raise translated(error) from error

    @classmethod
    def open(
        cls, folder: Path, *, host: str, cap: int, damaged: SpoolLost | None = None,
        now: Callable[[], float] = time.time,
    ) -> Spool:
        """Open the spool of a state directory; a damaged one is moved aside, and what it held is counted."""
        path = folder / NAME
        try:
            if damaged is not None:
                raise damaged
            return cls(path, host=host, cap=cap, now=now)
        except NoRoom:
            if not Ballast(folder).release():
                raise
            return cls(path, host=host, cap=cap, now=now)
        except SpoolLost as error:
            log.warning("%s; it is moved aside and begun anew", error.message, extra={"action": "spool"})
            if isinstance(error, SpoolOld):
                (folder / spool_tally.NAME).unlink(missing_ok=True)
            set_aside(path, int(now() * 1000))
            return cls(path, host=host, cap=cap, now=now, lost=True)

    def _load(self, *, lost: bool) -> None:
        run, kept = self._connection.execute, spool_tally.read(self._tally)
        if not run("SELECT count(*) FROM meta").fetchone()[0]:
            with writing(self._connection):
                rows.add(self._connection, spool_tally.inherited(kept, lost=lost))
                rows.put(self._connection, "producer", secrets.token_hex(16))
                rows.put(self._connection, "sequence", "0")
                crashpoint("spool.born.commit")
            crashpoint("spool.born")
        self._counters: Counter[str] = Counter(dict(run("SELECT name, value FROM counters").fetchall()))
        chunks, self.bytes, self.spooled, self._last_id, self._once = rows.totals(self._connection)
        if chunks:
            self.news.set()
        self._told = Counter(rows.sealed_drops(self._connection))
        if forgotten := spool_tally.rolled_back(kept, self._counters["once"]):
            with writing(self._connection):
                rows.add(self._connection, forgotten)
            self._counters.update(forgotten)
        self._tell()

    def _tell(self) -> None:
        """Tell beside the spool what would be lost with it."""
        untold = self._told + Counter(spool_tally.untold(self._counters + self._pending))
        spool_tally.keep(self._tally, Tally(once=self._counters["once"], held=self._once, untold=untold))

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

    @draining
    def note_former(self) -> None:
        """Count once that there was a spool before this one, of which nothing is left here."""
        with self._lock:
            changes = spool_tally.inherited(None, lost=not self._counters["spools_lost"])
            with writing(self._connection):
                rows.add(self._connection, changes)
                crashpoint("spool.former.commit")
            self._counters.update(changes)

    # ── taking in ────────────────────────────────────────────────────────────────────────────

    def append(self, logs: Sequence[Item], points: Sequence[Item], ends: Ends, *, once: int = 0) -> bool:
        """Keep items and positions durably; False when there is no room, and then nothing is kept.

        So many of the logs came `once`: no source can give them again. No point can be measured again.
        """
        n, once = len(logs) + len(points), once + len(points)
        counts = {"written": n} | ({"once": once} if once else {})
        chunk = Chunk(len(logs), len(points), encoded(logs), encoded(points),
                      orjson.dumps(ends) if ends else b"", once=once)
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
                    rows.add(self._connection, counts)
                    crashpoint("spool.append.commit")
            except NoRoom as error:
                return self._refuse(error.message)
            self._last_id += rows.STRIDE
            self.bytes += chunk.size()
            self.spooled += n
            self._counters.update(counts)
            self.trouble = None
            if once:
                self._once += once
                self._tell()
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
            return rows.unused(self._connection)

    @draining
    def keep_positions(self, ends: Ends, *, stored: Ends | None = None) -> None:
        """Keep positions without telling the server; with what it has `stored`, these and no others."""
        with self._lock, writing(self._connection):
            rows.place(self._connection, ends, stored=stored)
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
            self._pending.update(spool_tally.dropped({reason: n}))

    def counters(self) -> dict[str, Any]:
        """Return what became of everything that was written."""
        with self._lock:
            return {
                **spool_tally.balance(self._counters + self._pending),
                "spooled": self.spooled, "spool_bytes": self.bytes, "no_room": self._refusals,
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
            return Sealed(self.fact("producer") or "", sequence, digest, body, items, first, last)

    def _seal(self) -> Sealed | None:
        for size in quarantine.put_back(
                self._connection, self._last_id, lambda size: self._fits(size) and self._room(size)):
            self._last_id += rows.STRIDE
            self.bytes += size
            self.spooled, self._once = self.spooled + 1, self._once + 1
            self._counters.update(quarantine.BACK)
        span = rows.span(self._connection)
        if span is None:
            self.news.clear()
            return None
        self.keep_counts()
        dropped = spool_tally.untold(self._counters)
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
        self._told = Counter(dropped)
        return Sealed(self.fact("producer") or "", sequence, digest, body, items, span.first, span.last)

    @draining
    def acknowledge(self, sealed: Sealed) -> None:
        """Forget a batch that the server has stored."""
        crashpoint("spool.acknowledge")
        with self._lock:
            with writing(self._connection):
                rows.store_ends(self._connection, sealed.sequence)
                freed, once = rows.remove(self._connection, sealed.first, sealed.last, sealed.sequence)
                rows.add(self._connection, {"stored": sealed.items})
                crashpoint("spool.acknowledge.commit")
            crashpoint("spool.acknowledged")
            self._forget(once)
            self.bytes -= freed
            self.spooled -= sealed.items
            self._counters["stored"] += sealed.items
            if self.spooled == 0:
                self._give_back(4096 * PAGE_BYTES if self.ballast.held else 0)

    def _forget(self, once: int) -> None:
        self._once -= once
        if once or self._told:
            self._told.clear()
            self._tell()

    @draining
    def reject(self, sealed: Sealed, reason: str) -> None:
        """Halve a batch that the server will never take, or set its single item apart and count it.

        Its number was not used up, so the next seal takes it again.
        """
        with self._lock:
            with writing(self._connection):
                halved = rows.halve(self._connection, sealed, reason, at=self._now())
                crashpoint("spool.reject.commit")
            crashpoint("spool.rejected")
            self._last_id = max(self._last_id, halved.last)
            self._counters.update(halved.changes)
            self.bytes += halved.bytes
            self.spooled -= halved.items
            self._forget(halved.once)

    @draining
    def renew(self) -> None:
        """Take a new producer id; what was in flight is sealed again under it, as its first."""
        with self._lock:
            again = {f"unsent:{reason}": n for reason, n in self._told.items()}
            with writing(self._connection):
                self._connection.execute("DELETE FROM seals")
                rows.put(self._connection, "producer", secrets.token_hex(16))
                rows.put(self._connection, "sequence", "0")
                rows.add(self._connection, again)
                crashpoint("spool.renew.commit")
            self._counters.update(again)
            self._told.clear()
        crashpoint("spool.renewed")

    def close(self) -> None:
        """Write the last counts and close the file."""
        with self._lock:
            try:
                with suppress(SpoolLost, NoRoom):  # closing must succeed; the next start finds the damage
                    self.keep_counts()
            finally:
                self._tell()
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
                self._tell()

    def _give_back(self, least: int) -> None:
        """Return unused room of the file to the disk; when that fails it is tried another time."""
        with suppress(NoRoom), reading():
            rows.shrink(self._connection, least)
