"""Where messages end in a stream of syslog over TCP (RFC 6587). Pure. From syslog.

A message that begins with its length and a space is counted; any other ends with a line feed. Both may
come over one connection, and every part may arrive byte by byte.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

FRAME_BYTES = 64 * 1024
_COUNT = re.compile(rb"([1-9][0-9]{0,8}) ")
_MAYBE_COUNT = re.compile(rb"[1-9][0-9]{0,8}\Z")


class Frames:
    """Takes bytes, gives messages, each with its true size; of a long one only the beginning is kept."""

    def __init__(self, most: int = FRAME_BYTES) -> None:
        self._most = most
        self._data = b""  # not yet part of a message, and never much
        self._kept = b""  # the beginning of the message that is being received
        self._size = 0  # how much of it came
        self._left: int | None = None  # how much of a counted message is still to come
        self._within = False

    def feed(self, data: bytes) -> Iterator[tuple[bytes, int]]:
        """Take bytes; yield the messages that they finish."""
        self._data += data
        while self._data:
            if not self._within:
                count = _COUNT.match(self._data)
                if count is None and _MAYBE_COUNT.match(self._data):
                    return
                self._within, self._left = True, int(count[1]) if count else None
                self._data = self._data[count.end() :] if count else self._data
            if self._left is None:
                part, end, self._data = self._data.partition(b"\n")
                self._keep(part)
                if not end:
                    return
            else:
                part, self._data = self._data[: self._left], self._data[self._left :]
                self._keep(part)
                self._left -= len(part)
                if self._left:
                    return
            yield self._done()

    def _keep(self, part: bytes) -> None:
        self._kept += part[: self._most - len(self._kept)]
        self._size += len(part)

    def _done(self) -> tuple[bytes, int]:
        done = self._kept, self._size
        self._kept, self._size, self._left, self._within = b"", 0, None, False
        return done

    def rest(self) -> tuple[bytes, int] | None:
        """Return the message whose end never came."""
        self._keep(self._data)
        self._data = b""
        return self._done() if self._size else None
