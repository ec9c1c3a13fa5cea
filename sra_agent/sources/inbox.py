"""A bounded handover from a source's own thread to the thread that reads. From journald, containers, syslog.

What is handed over is not yet kept anywhere: a source that can be asked again counts nothing lost when
it ends, and one that cannot counts what is left here.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from typing import Generic, TypeVar

CAP_BYTES = 2 * 1024 * 1024
TAKE = 2_000

Item = TypeVar("Item")


class Inbox(Generic[Item]):
    """Items with their sizes, first in, first out."""

    def __init__(self, cap: int = CAP_BYTES) -> None:
        self._cap, self._bytes = cap, 0
        self._items: deque[tuple[Item, int]] = deque()
        self._changed = threading.Condition()
        self.wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)  # readable while there is an item

    def __len__(self) -> int:
        """Return how many items wait."""
        return len(self._items)

    def room(self, share: float = 1.0) -> bool:
        """Return whether another item would be within the bound, or within a share of it."""
        return self._bytes < self._cap * share

    def put(self, item: Item, size: int) -> None:
        """Add an item; the caller has asked for room, so that the bound is passed by one item at most."""
        with self._changed:
            self._items.append((item, size + 200))
            self._bytes += size + 200
            if len(self._items) == 1:
                os.eventfd_write(self.wake, 1)

    def wait_for_room(self, seconds: float) -> bool:
        """Wait until there is room, for so long at most."""
        with self._changed:
            return self._changed.wait_for(self.room, seconds)

    def take(self, most: int = TAKE) -> list[Item]:
        """Return the oldest items."""
        with self._changed:
            taken = [self._items.popleft() for _ in range(min(most, len(self._items)))]
            self._bytes -= sum(size for _, size in taken)
            if taken and not self._items:
                os.eventfd_read(self.wake)
            self._changed.notify_all()
        return [item for item, _ in taken]

    def close(self) -> None:
        """Let go of the descriptor; its thread must have ended."""
        os.close(self.wake)
