"""One position for a source whose lines belong to several streams. Pure. From journald; to its position.

Lines arrive in one order, but an event of several lines holds its stream back while others go on. So the
position is the last place before which everything is finished, and for each stream that is ahead of it
the place up to which that stream is finished.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable
from typing import Generic, TypeVar

Stream = TypeVar("Stream", bound=Hashable)
Place = TypeVar("Place")


class Ledger(Generic[Stream, Place]):
    """Numbers what arrives and knows what of it is finished. A mark is a number: all before it is done."""

    def __init__(self, place: Place | None) -> None:
        self.place = place  # everything up to here is finished
        self._next = 0
        self._low = 0  # the first number that is not finished
        self._places: dict[int, Place] = {}  # of the numbers from `_low` on
        self._open: dict[Stream, deque[int]] = {}  # of each stream, what is not finished
        self._done: dict[Stream, int] = {}  # of each stream that is ahead, the last number finished

    def add(self, stream: Stream, place: Place) -> int:
        """Note what arrived; return its number."""
        number, self._next = self._next, self._next + 1
        self._places[number] = place
        self._open.setdefault(stream, deque()).append(number)
        return number

    def passed(self, stream: Stream, mark: int) -> None:
        """Note that what has a smaller number in the stream is finished."""
        waiting = self._open.get(stream)
        while waiting and waiting[0] < mark:
            self._done[stream] = waiting.popleft()
        if waiting is not None and not waiting:
            del self._open[stream]
        low = min((numbers[0] for numbers in self._open.values()), default=self._next)
        for number in range(self._low, low):
            self.place = self._places.pop(number)
        self._low = low
        for done in [name for name, number in self._done.items() if number < low]:
            del self._done[done]

    def ahead(self) -> dict[Stream, Place]:
        """Return how far the streams are that have finished more than the place says."""
        return {stream: self._places[number] for stream, number in self._done.items()}
