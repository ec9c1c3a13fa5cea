"""One open file, read line by line from a byte position. From files; to files.

A file is known by device, inode, the generation of the inode where the file system tells it, and two hashes
of its content: of its first bytes and of the bytes just before the position. So an inode that was used again,
a file that was truncated and has grown past the position, and a file with the same header are all told apart.
"""

from __future__ import annotations

import hashlib
import os
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from . import Position
from .inode import generation

LINE_BYTES = 256 * 1024
READ_BYTES = LINE_BYTES + 64 * 1024
READ_LINES = 2_000
HEAD_BYTES = 1024
TAIL_BYTES = 64
PLACES = 16
REFILL_BYTES = 64 * 1024  # beyond it a file of constant size is one that is written in place
LAST_BYTES = 64 * 1024 * 1024


def digest(data: bytes) -> str:
    """Return a short hash of some bytes."""
    return hashlib.blake2b(data, digest_size=8).hexdigest()


@dataclass(slots=True)
class Lines:
    """Whole lines, without their ends; `sizes` holds the true size of those that were cut."""

    raw: list[bytes]
    end: int
    cut: dict[int, int]

    def text(self) -> list[str]:
        """Return the lines as text; what is not UTF-8 shows as U+FFFD."""
        joined = b"\n".join(self.raw)
        if b"\0" in joined:
            joined = joined.replace(b"\0", b"\xef\xbf\xbd")
        return joined.decode("utf-8", "replace").split("\n") if self.raw else []

    def marks(self, n: int) -> list[int]:
        """Return the places before each of the last n lines."""
        marks, place = [], self.end
        for number in range(len(self.raw) - 1, max(len(self.raw) - n, 0) - 1, -1):
            place -= self.cut.get(number, len(self.raw[number])) + 1
            marks.append(place)
        return marks[::-1]


class Tail:
    """A held descriptor and how far it was read. Before `mark` all is spooled; `offset` is ahead of it."""

    sealed = False  # nobody can write to it any more

    def __init__(self, fd: int, path: str, offset: int = 0) -> None:
        self.fd, self.path = fd, path
        found = os.fstat(fd)
        self.device, self.inode, self.mtime = found.st_dev, found.st_ino, found.st_mtime_ns
        self.generation = generation(fd)
        self.linked = True  # has a name in some directory
        self.rotated = False  # another file, or none, has taken its path
        self.changed_at = 0.0  # when it last changed, by the clock of files
        self.truncations = 0
        self.former: Position = {}  # where it stood before it was last truncated
        self._places: deque[tuple[int, bytes]] = deque(maxlen=PLACES)  # at the latest looks, as `_before` was
        self._more = False  # the last read was full
        self._seen = (-1, 0)  # size and time of change at the last look
        self._doubt = 0  # the time of a change that left the size as it was
        self._start(offset)

    def _pread(self, n: int, place: int) -> bytes:
        return os.pread(self.fd, n, place)

    def _size(self) -> int:
        return os.fstat(self.fd).st_size

    def _start(self, offset: int) -> None:
        self.offset = self.mark = offset
        self._head = self._pread(min(HEAD_BYTES, offset), 0)
        self._before = self._pread(min(TAIL_BYTES, offset), max(0, offset - TAIL_BYTES))
        self._long: tuple[bytes, int] | None = (
            None  # the kept beginning of a long line, how far it was scanned
        )

    def skip_to(self, offset: int) -> None:
        """Begin at another place than the first byte."""
        self._start(offset)

    def unfinished(self) -> bool:
        """Return whether a last line without its end waits."""
        return self._seen[0] > self.offset

    def _move(self, place: int) -> None:
        self.offset = place
        if len(self._head) < HEAD_BYTES:
            self._head = self._pread(min(HEAD_BYTES, place), 0)
        self._before = self._pread(min(TAIL_BYTES, place), max(0, place - TAIL_BYTES))

    def _start_over(self) -> None:
        size, mtime = self._seen
        self.former = {
            **self._position(self.offset),
            "size": max(size, self.offset),
            "mtime": mtime,
            "start": self._head,
            "places": [*self._places],
        }
        self._places.clear()
        self.truncations += 1
        self._start(0)
        self._more = True

    @property
    def identity(self) -> tuple[int, int]:
        """Return device and inode."""
        return self.device, self.inode

    def position(self) -> Position:
        """Return what finds this place again after a restart."""
        truncated = {"truncated": 1} if self.truncations else {}
        return {**self._position(self.mark), "size": max(self._seen[0], self.mark), **truncated}

    def _position(self, place: int) -> Position:
        head = self._head[:place]
        # What was read counts, not what is there now: the file may have been truncated since.
        tail = (
            self._before
            if place == self.offset
            else self._pread(min(TAIL_BYTES, place), max(0, place - TAIL_BYTES))
        )
        return {
            "device": self.device,
            "inode": self.inode,
            **({} if self.generation is None else {"generation": self.generation}),
            "offset": place,
            "mtime": self.mtime,
            "fingerprint": {
                "head": digest(head),
                "head_bytes": len(head),
                "tail": digest(tail),
                "tail_bytes": len(tail),
            },
        }

    def grown(self, now: float) -> bool:
        """Return whether there may be something new to read; a file that was truncated starts over."""
        found = os.fstat(self.fd)
        self.linked, self.mtime = found.st_nlink > 0, found.st_mtime_ns
        if (found.st_size, found.st_mtime_ns) == self._seen:
            if self._doubt == found.st_mtime_ns:
                self._doubt = 0
                self._start_over()
            return self.behind()
        self._doubt = 0
        # It may have been truncated before anything was read.
        unread = self.offset == self._seen[0] == 0 and (self.truncations > 0 or not found.st_size)
        if unread or found.st_size < self._reached() or not self._continues(found.st_size):
            self._start_over()
        elif found.st_size == self.offset == self._seen[0] <= REFILL_BYTES:
            # Refilled with the very same bytes? A write changes the time before the size, so look twice.
            # `touch` leaves the size too, but sets both times to the same moment.
            self._doubt = found.st_mtime_ns if found.st_atime_ns != found.st_mtime_ns else 0
        elif self.offset:
            self._places.append((self.offset, self._before))
        self._seen, self.changed_at = (found.st_size, found.st_mtime_ns), now
        return found.st_size > self.offset

    def _continues(self, size: int) -> bool:
        """Return whether the first bytes, and those before our place, are still the ones that were read.

        Those before it are compared with every read too; here only when none is due.
        """
        if self._pread(len(self._head), 0) != self._head:
            return False
        known = len(self._before)
        return size > self.offset or self._pread(known, self.offset - known) == self._before

    def behind(self) -> bool:
        """Return whether the last look saw whole lines, or more of a long one, that were not read.

        Or whether there was no look yet.
        """
        return self._seen[0] < 0 or (self._more and self._seen[0] > self._reached())

    def _reached(self) -> int:
        return self._long[1] if self._long else self.offset

    def read(self) -> Lines | None:
        """Return the next whole lines, about READ_BYTES of them; None when there are none yet."""
        if self._long is not None:
            return self._read_long(*self._long)
        known = len(self._before)
        data = self._pread(known + READ_BYTES, self.offset - known)
        if known and not data.startswith(self._before):
            self._start_over()  # truncated, and grown past our place since the last look
            return None
        self._more = len(data) >= known + READ_BYTES
        if data[known : known + 1] == b"\0":
            return self._skip_hole(data, known)
        end = data.rfind(b"\n", known)
        if end < 0:
            if len(data) - known > LINE_BYTES:
                self._long = data[known : known + LINE_BYTES], self.offset + len(data) - known
                return self._read_long(*self._long)
            return None
        raw = data[known:end].split(b"\n", READ_LINES)
        if len(raw) > READ_LINES:
            end -= len(raw.pop()) + 1
            self._more = True
        self.offset += end + 1 - known
        if len(self._head) < HEAD_BYTES:
            self._head = self._pread(min(HEAD_BYTES, self.offset), 0)
        self._before = data[max(0, end + 1 - TAIL_BYTES) : end + 1]
        cut = {}
        if end - known > LINE_BYTES and max(map(len, raw)) > LINE_BYTES:
            cut = {n: len(line) for n, line in enumerate(raw) if len(line) > LINE_BYTES}
            raw = [line[:LINE_BYTES] for line in raw]
        return Lines(raw, self.offset, cut)

    def _skip_hole(self, data: bytes, known: int) -> Lines:
        """Pass over the zeros that a writer without O_APPEND leaves after a truncation."""
        text = data[known:].lstrip(b"\0")
        self._more = True
        self._move(self.offset + len(data) - known - len(text))
        return Lines([], self.offset, {})

    def _read_long(self, kept: bytes, place: int) -> Lines | None:
        """Scan for the end of a line of which no more than its beginning is kept."""
        data = self._pread(READ_BYTES, place)
        found = data.find(b"\n")
        self._more = bool(data)
        if found < 0:
            self._long = kept, place + len(data)
            return None
        size = place + found - self.offset
        self._long = None
        self._move(place + found + 1)
        return Lines([kept], self.offset, {0: size})

    def rest(self) -> Lines | None:
        """Return the last line of a file that nobody will continue, although it has no end."""
        size = self._size() - self.offset
        if size <= 0:
            return None
        data = self._pread(min(size, LINE_BYTES), self.offset).rstrip(b"\0")
        self._long = None
        self._move(self.offset + size)
        return Lines([data], self.offset, {0: size} if size > LINE_BYTES else {}) if data else None

    def failed(self) -> None:
        """Wait for the next change, as it cannot be read now."""
        self._more, self._seen = False, (max(self._seen[0], 0), 0)

    def still(self) -> bool:
        """Return whether the file has the size that was seen at the last look."""
        return self._size() == self._seen[0]

    def copied_in(self, fd: int) -> bool:
        """Return whether another file holds what was read here, or is on its way to: a copy being made."""
        size = os.fstat(fd).st_size
        if self.offset:
            former = {**self._position(self.offset), "start": self._head, "places": self._places}
            if same_content(fd, former) if size >= self.offset else copied_short(fd, former):
                return True
        elif not self.truncations or not size:
            return False  # nothing of it was read, so nothing can be read twice
        # Or what is here by now, if it was truncated since: that is still to be read here.
        known = min(TAIL_BYTES, size)
        return os.pread(fd, HEAD_BYTES, 0) == self._pread(min(HEAD_BYTES, size), 0) and os.pread(
            fd, known, size - known
        ) == self._pread(known, size - known)

    def unkept(self) -> int:
        """Return how many lines are lost with the descriptor: a deleted file can never be had again."""
        if os.fstat(self.fd).st_nlink:
            return 0
        lines, place, last = 0, self.mark, b"\n"
        while (data := self._pread(READ_BYTES, place)) and place - self.mark < LAST_BYTES:
            lines, place, last = lines + data.count(b"\n"), place + len(data), data[-1:]
        return lines + (last != b"\n")

    def close(self) -> None:
        """Let go of the descriptor."""
        os.close(self.fd)


def matches(read: Callable[[int, int], bytes], position: Position) -> bool:
    """Return whether a content still begins and continues, up to the position, as it did."""
    offset, print_ = position["offset"], position["fingerprint"]
    head = read(print_["head_bytes"], 0)
    if digest(head) != print_["head"]:
        return False
    return bool(digest(read(print_["tail_bytes"], offset - print_["tail_bytes"])) == print_["tail"])


def same_content(fd: int, position: Position) -> bool:
    """Return whether the file has the content that was read up to the position."""
    return os.fstat(fd).st_size >= position["offset"] and matches(
        lambda n, place: os.pread(fd, n, place), position
    )


def copied_short(fd: int, former: Position) -> bool:
    """Return whether the file is a copy that ends before the position; what came later was read in time."""
    size, start = os.fstat(fd).st_size, former.get("start", b"")
    if min(size, len(start)) < TAIL_BYTES or os.pread(fd, len(start), 0) != start[:size]:
        return False
    places = [(place, before) for place, before in former["places"] if place <= size]
    place, before = places[-1] if places else (0, b"")
    return bool(os.pread(fd, len(before), place - len(before)) == before)


def same_file(fd: int, position: Position) -> bool:
    """Return whether the file is the one of the position, with what was read of it."""
    known, now = position.get("generation"), generation(fd)
    return (known is None or now is None or known == now) and same_content(fd, position)


def line_start(fd: int) -> int:
    """Return the place after the last whole line."""
    size = os.fstat(fd).st_size
    place = max(0, size - LINE_BYTES)
    found = os.pread(fd, size - place, place).rfind(b"\n")
    return place + found + 1 if found >= 0 else (0 if place == 0 else size)
