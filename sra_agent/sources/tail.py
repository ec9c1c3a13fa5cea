"""One open file, read line by line from a byte position. From files; to files.

A file is known by device, inode and two hashes of its content: of its first bytes and of the bytes just
before the position. So an inode that was used again, a file that was truncated and has grown past the
position, and a file with the same header are all told apart.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass

from . import Position

LINE_BYTES = 256 * 1024
READ_BYTES = LINE_BYTES + 64 * 1024
READ_LINES = 2_000
HEAD_BYTES = 1024
TAIL_BYTES = 64


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

    def __init__(self, fd: int, path: str, offset: int = 0) -> None:
        self.fd, self.path = fd, path
        found = os.fstat(fd)
        self.device, self.inode, self.mtime = found.st_dev, found.st_ino, found.st_mtime_ns
        self.linked = True  # has a name in some directory
        self.rotated = False  # another file, or none, has taken its path
        self.changed_at = 0.0  # when it last changed, by the clock of files
        self.truncations = 0
        self._more = False  # the last read was full
        self._seen = (-1, 0)  # size and time of change at the last look
        self._start(offset)

    def _start(self, offset: int) -> None:
        self.offset = self.mark = offset
        self._head = os.pread(self.fd, min(HEAD_BYTES, offset), 0)
        self._before = os.pread(self.fd, min(TAIL_BYTES, offset), max(0, offset - TAIL_BYTES))
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
            self._head = os.pread(self.fd, min(HEAD_BYTES, place), 0)
        self._before = os.pread(self.fd, min(TAIL_BYTES, place), max(0, place - TAIL_BYTES))

    def _start_over(self) -> None:
        self.truncations += 1
        self._start(0)

    @property
    def identity(self) -> tuple[int, int]:
        """Return device and inode."""
        return self.device, self.inode

    def position(self) -> Position:
        """Return what finds this place again after a restart."""
        head = self._head[: self.mark]
        tail = os.pread(self.fd, min(TAIL_BYTES, self.mark), max(0, self.mark - TAIL_BYTES))
        return {
            "device": self.device,
            "inode": self.inode,
            "offset": self.mark,
            "mtime": self.mtime,
            "fingerprint": {
                "head": digest(head),
                "head_bytes": len(head),
                "tail": digest(tail),
                "tail_bytes": len(tail),
            },
        }

    def grown(self, now: float) -> bool:
        """Return whether there may be something new to read; a file that shrank starts over."""
        found = os.fstat(self.fd)
        self.linked, self.mtime = found.st_nlink > 0, found.st_mtime_ns
        if (found.st_size, found.st_mtime_ns) == self._seen:
            return self.behind()
        if found.st_size < self._reached() or (found.st_size == self.offset and not self._continues()):
            self._start_over()
        self._seen, self.changed_at = (found.st_size, found.st_mtime_ns), now
        return found.st_size > self.offset

    def _continues(self) -> bool:
        """Return whether the bytes before our place are still those that were read."""
        known = len(self._before)
        return os.pread(self.fd, known, self.offset - known) == self._before

    def behind(self) -> bool:
        """Return whether the last look saw whole lines, or more of a long one, that were not read."""
        return self._more and self._seen[0] > self._reached()

    def _reached(self) -> int:
        return self._long[1] if self._long else self.offset

    def read(self) -> Lines | None:
        """Return the next whole lines, about READ_BYTES of them; None when there are none yet."""
        if self._long is not None:
            return self._read_long(*self._long)
        known = len(self._before)
        data = os.pread(self.fd, known + READ_BYTES, self.offset - known)
        if known and not data.startswith(self._before):
            self._start_over()  # truncated, and grown past our place since the last look
            data, known = os.pread(self.fd, READ_BYTES, 0), 0
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
            self._head = os.pread(self.fd, min(HEAD_BYTES, self.offset), 0)
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
        data = os.pread(self.fd, READ_BYTES, place)
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
        size = os.fstat(self.fd).st_size - self.offset
        if size <= 0:
            return None
        data = os.pread(self.fd, min(size, LINE_BYTES), self.offset).rstrip(b"\0")
        self._long = None
        self._move(self.offset + size)
        return Lines([data], self.offset, {0: size} if size > LINE_BYTES else {}) if data else None

    def close(self) -> None:
        """Let go of the descriptor."""
        os.close(self.fd)


def matches(fd: int, position: Position) -> bool:
    """Return whether the file still begins and continues, up to the position, as it did."""
    offset, print_ = position["offset"], position["fingerprint"]
    if os.fstat(fd).st_size < offset:
        return False
    head = os.pread(fd, print_["head_bytes"], 0)
    tail = os.pread(fd, print_["tail_bytes"], offset - print_["tail_bytes"])
    return bool(digest(head) == print_["head"] and digest(tail) == print_["tail"])


def line_start(fd: int) -> int:
    """Return the place after the last whole line."""
    size = os.fstat(fd).st_size
    place = max(0, size - LINE_BYTES)
    found = os.pread(fd, size - place, place).rfind(b"\n")
    return place + found + 1 if found >= 0 else (0 if place == 0 else size)
