"""Lines in what dockerd sends of a container's output, with timestamps. Pure. From containers.

Without a terminal each write comes in a frame that names its stream; with one the bytes come bare. dockerd
cuts a line at 16 KiB and puts its time before each part, so parts are joined and inner times removed. A
place is the time of the last part that was read and how many parts of that very time there were.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import NamedTuple

from .tail import LINE_BYTES

PART_BYTES = 16 * 1024
HEADER_BYTES = 8
STAMP_BYTES = 48  # the longest time that is looked for
_STREAMS = {0: "stdout", 1: "stdout", 2: "stderr"}
_SECONDS = 1_000_000_000


class Place(NamedTuple):
    """After `n` parts of the time `at` (ns since the epoch)."""

    at: int
    n: int


class Line(NamedTuple):
    """A whole line."""

    stream: str
    at: int  # ns, of its beginning
    text: bytes
    size: int
    before: Place
    place: Place  # after it


class Half:
    """A line of one stream that is being received, and the place of that stream."""

    def __init__(self, place: Place | None) -> None:
        self.resume = place  # what is not after it was read before
        self._seen = 0  # parts of exactly its time that came
        self.place = place or Place(0, 0)
        self.done = self.place  # after the last whole line
        self.text, self.size, self.at = b"", 0, 0

    def old(self, at: int) -> bool:
        """Return whether a part of this time was read before."""
        if self.resume is None:
            return False
        if at == self.resume.at:
            self._seen += 1
        if at < self.resume.at or (at == self.resume.at and self._seen <= self.resume.n):
            return True
        self.resume = None
        return False

    def add(self, at: int, part: bytes) -> None:
        """Take a part of the line."""
        self.at = self.at if self.size else at
        self.text += part[: LINE_BYTES - len(self.text)]
        self.size += len(part)
        self.place = Place(at, self.place.n + 1) if at == self.place.at else Place(at, 1)

    def line(self, stream: str) -> Line:
        """Return the line, which is whole."""
        before = self.done if self.done.at == self.at else Place(self.at, 0)
        line = Line(stream, self.at, self.text, self.size, before, self.place)
        self.text, self.size, self.done = b"", 0, self.place
        return line


class Output:
    """Takes the bytes of one connection, gives lines. `places` says what was read before."""

    def __init__(self, places: dict[str, Place], *, terminal: bool) -> None:
        self._halves = {name: Half(places.get(name)) for name in ("stdout", "stderr")}
        self._terminal = terminal
        self._data = b""
        self._lost = 0  # of a line at a terminal, what was not kept
        self._head: tuple[str, int] | None = None  # the stream of the frame within, and what is to come
        self._frame = b""
        self._frame_size = 0

    def feed(self, data: bytes) -> Iterator[Line]:
        """Take bytes; yield the lines that they finish."""
        return self._bare(data) if self._terminal else self._framed(data)

    def _framed(self, data: bytes) -> Iterator[Line]:
        data, offset = self._data + data, 0
        self._data = b""
        while offset < len(data):
            if self._head is None:
                header = data[offset : offset + HEADER_BYTES]
                if len(header) < HEADER_BYTES:
                    self._data = header
                    return
                self._head = _STREAMS.get(header[0], "stderr"), int.from_bytes(header[4:], "big")
                self._frame, self._frame_size = b"", self._head[1]
                offset += HEADER_BYTES
            name, left = self._head
            part = data[offset : offset + left]
            offset, left = offset + len(part), left - len(part)
            self._frame += part[: LINE_BYTES + STAMP_BYTES - len(self._frame)]
            self._head = name, left
            if left:
                return
            self._head = None
            if not self._frame_size:
                continue
            # The end of a long frame is not kept, but it ends with a line feed all the same or is a part.
            ended = part.endswith(b"\n")
            yield from self._part(name, self._frame, ended)

    def _part(self, name: str, raw: bytes, ended: bool) -> Iterator[Line]:
        half = self._halves[name]
        at, text = stamped(raw)
        at = half.place.at if at is None else at
        if half.old(at):
            return
        cut = self._frame_size - len(raw)
        half.add(at, text.rstrip(b"\r\n") if ended else text)
        half.size += cut
        if ended:
            yield half.line(name)

    def _bare(self, data: bytes) -> Iterator[Line]:
        *lines, rest = (self._data + data).split(b"\n")
        for line in lines:
            yield from self._bare_line(line)
            self._lost = 0
        kept = rest[: LINE_BYTES + STAMP_BYTES * (LINE_BYTES // PART_BYTES + 1)]
        self._data, self._lost = kept, self._lost + len(rest) - len(kept)

    def _bare_line(self, raw: bytes) -> Iterator[Line]:
        half = self._halves["stdout"]
        at, text = stamped(raw)
        at = half.place.at if at is None else at
        stamp = raw[: len(raw) - len(text)]
        parts = []
        while len(text) > PART_BYTES and stamp and text.startswith(stamp, PART_BYTES):
            parts.append(text[:PART_BYTES])
            text = text[PART_BYTES + len(stamp) :]
        parts.append(text.rstrip(b"\r"))
        # Of a line that was not kept whole, the rest is counted: every part but the last is full.
        whole = len(raw) + self._lost - 1  # a carriage return is its last byte
        missing = -(-whole // (PART_BYTES + len(stamp))) - len(parts) if self._lost else 0
        fresh = [part for part in (*parts, *[b""] * missing) if not half.old(at)]
        for part in fresh:
            half.add(at, part)
        if fresh:
            half.size += self._lost - max(0, missing) * len(stamp)
            yield half.line("stdout")

    def rest(self) -> Iterator[Line]:
        """Yield what has no end, of a container that will write no more."""
        if self._data and self._terminal:
            yield from self._bare_line(self._data)
            self._data = b""
        for name, half in self._halves.items():
            if half.size:
                yield half.line(name)


_cached: tuple[bytes, int] = (b"", 0)


def stamped(raw: bytes) -> tuple[int | None, bytes]:
    """Split a part into its time in ns (None if it has none) and its text."""
    global _cached
    stamp, space, _ = raw[:STAMP_BYTES].partition(b" ")
    if not space or len(stamp) < 20:
        return None, raw
    whole, _, fraction = stamp[19:].rstrip(b"Z").partition(b".")
    if whole or not stamp.endswith(b"Z") or (fraction and not fraction.isdigit()):
        return None, raw
    seconds = stamp[:19]
    if _cached[0] != seconds:
        try:
            moment = datetime.fromisoformat(seconds.decode("ascii")).replace(tzinfo=UTC)
        except ValueError:
            return None, raw
        _cached = seconds, int(moment.timestamp())
    return _cached[1] * _SECONDS + int(fraction[:9].ljust(9, b"0") or 0), raw[len(stamp) + 1 :]
