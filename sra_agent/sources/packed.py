"""The unread rest of a file that was compressed before it was read to its end. From the host; to follow.

Its content is unpacked as it is read, forwards, and no more than a window of it is held.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import zlib
from collections.abc import Callable, Iterator
from typing import BinaryIO

from . import Position
from .tail import HEAD_BYTES, Tail, matches

READABLE = (".gz", ".xz", ".bz2")
CHUNK_BYTES = 256 * 1024
BEHIND_BYTES = 1024 * 1024  # held of what was read already
LEVEL_BYTES = 128 * 1024 * 1024  # what unpacking may need; xz's own levels need 65 MiB at most
DEEPEST_BYTES = 1024**3  # passing over more than this would hold up everything else for too long
BROKEN = (OSError, EOFError, zlib.error, lzma.LZMAError, ValueError)


def chunks(file: BinaryIO, path: str) -> Iterator[bytes]:
    """Yield the content of a compressed file; its harm raises one of BROKEN."""
    if path.endswith(".gz"):
        with gzip.GzipFile(fileobj=file) as unpacked:
            while data := unpacked.read(CHUNK_BYTES):
                yield data
        return
    make: Callable[[], lzma.LZMADecompressor | bz2.BZ2Decompressor] = (
        bz2.BZ2Decompressor
        if path.endswith(".bz2")
        else lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=LEVEL_BYTES)
    )
    part, data = make(), file.read(CHUNK_BYTES)
    while data or not part.needs_input:
        yield part.decompress(data, CHUNK_BYTES)
        data = b""
        if part.eof:
            data = part.unused_data or file.read(CHUNK_BYTES)
            if data:
                part = make()  # several compressed files after each other are one
            else:
                return
        elif part.needs_input:
            data = file.read(CHUNK_BYTES)
    raise EOFError


class Unpacked:
    """The content by place, for one who reads forwards; a step far back unpacks it again."""

    def __init__(self, fd: int, path: str) -> None:
        self._fd, self._path = fd, path
        self._window, self._at = bytearray(), 0
        self._head = b""  # asked for again wherever the window is by now
        self.broken = False  # it ends sooner than it should
        self._rewind()

    def _rewind(self) -> None:
        self._file = os.fdopen(os.dup(self._fd), "rb")
        self._file.seek(0)
        self._chunks = chunks(self._file, self._path)
        self._window.clear()
        self._at, self._ended = 0, False

    def pread(self, n: int, place: int) -> bytes:
        """Return up to n bytes from a place; fewer only at the end."""
        if place + n <= len(self._head):
            return self._head[place : place + n]
        if place < self._at:
            self._file.close()
            self._rewind()
        while self.known < place + n and not self._ended:
            self._more()
            surplus = min(place - BEHIND_BYTES, self.known) - self._at
            if surplus > BEHIND_BYTES:
                del self._window[:surplus]
                self._at += surplus
        start = place - self._at
        return bytes(self._window[start : start + n])

    def _more(self) -> None:
        try:
            data = next(self._chunks, None)
        except BROKEN:
            data, self.broken = None, True
        self._ended = data is None
        self._window += data or b""
        if not self._at and len(self._head) < HEAD_BYTES:
            self._head = bytes(self._window[:HEAD_BYTES])

    @property
    def known(self) -> int:
        """Return how much is known to be there; at the end, all of it."""
        return self._at + len(self._window)

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()


class PackedTail(Tail):
    """A compressed file that is read like any other, to its end; nobody writes to it any more."""

    sealed = True

    def __init__(self, fd: int, path: str, unpacked: Unpacked, offset: int) -> None:
        self.unpacked = unpacked
        super().__init__(fd, path, offset)
        self.rotated = self._more = True

    def _pread(self, n: int, place: int) -> bytes:
        return self.unpacked.pread(n, place)

    def _size(self) -> int:
        return self.unpacked.known

    def _start_over(self) -> None:
        """Come to its end: it reads otherwise than before, so it is harmed."""
        self.unpacked.broken, self._more = True, False

    def grown(self, now: float) -> bool:
        """Return whether there is more of it."""
        return self._more

    def behind(self) -> bool:
        """Return whether there is more of it."""
        return self._more

    def position(self) -> Position:
        """Return what finds this place again after a restart."""
        return {**super().position(), "packed": True}

    def close(self) -> None:
        """Let go of the descriptor."""
        self.unpacked.close()
        super().close()


def reaches(path: str, offset: int) -> bool:
    """Return whether a compressed file of this name can be read from so far in."""
    return path.endswith(READABLE) and offset <= DEEPEST_BYTES


def open_packed(fd: int, path: str, position: Position | None) -> PackedTail | None:
    """Return the rest of a file from the position on; None if this is not it, or cannot be read so far."""
    offset = int(position["offset"]) if position is not None else 0
    if not reaches(path, offset):
        return None
    unpacked = Unpacked(fd, path)
    if position is not None and not matches(unpacked.pread, position):
        unpacked.close()
        return None
    return PackedTail(fd, path, unpacked, offset)
