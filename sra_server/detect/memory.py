"""Memory: what one detector remembers between batches, bounded and as JSON. From and to pipeline's State.

Entries are kept in the order of their last use; beyond `limit` the least recently used goes, and is
counted. A fork shares the entries until its first write, so that a fold never changes the state that
it was given.
"""
from __future__ import annotations

from typing import Any


class Memory:
    """A bounded map from a key to a JSON value. Values are never changed in place, only put anew."""

    __slots__ = ("_entries", "_own", "evicted", "limit")

    def __init__(self, limit: int = 4096, *, entries: dict[str, Any] | None = None, evicted: int = 0) -> None:
        self.limit = limit
        self.evicted = evicted
        self._entries: dict[str, Any] = {} if entries is None else entries
        self._own = True

    def fork(self) -> Memory:
        """Return a memory that starts equal and is written apart."""
        twin = Memory(self.limit, entries=self._entries, evicted=self.evicted)
        twin._own = False
        self._own = False
        return twin

    def get(self, key: str) -> Any:
        """Return the value, or None."""
        return self._entries.get(key)

    def put(self, key: str, value: Any) -> None:
        """Set a value and make it the most recent; the least recent goes when there are too many."""
        if not self._own:
            self._entries = dict(self._entries)
            self._own = True
        self._entries.pop(key, None)
        self._entries[key] = value
        if len(self._entries) > self.limit:
            del self._entries[next(iter(self._entries))]
            self.evicted += 1

    def drop(self, key: str) -> None:
        """Forget a key."""
        if key in self._entries:
            if not self._own:
                self._entries = dict(self._entries)
                self._own = True
            del self._entries[key]

    def halve(self) -> None:
        """Forget the less recent half."""
        for key in list(self._entries)[:(len(self._entries) + 1) // 2]:
            self.drop(key)
            self.evicted += 1

    def items(self) -> list[tuple[str, Any]]:
        """Return all entries, the least recently used first."""
        return list(self._entries.items())

    def __len__(self) -> int:
        return len(self._entries)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Memory) and self.to_json() == other.to_json()

    __hash__ = None  # type: ignore[assignment]

    def to_json(self) -> list[Any]:
        """Return [evicted, [[key, value], …]]; the order is part of the memory."""
        return [self.evicted, [[key, value] for key, value in self._entries.items()]]

    @classmethod
    def from_json(cls, stored: list[Any], limit: int = 4096) -> Memory:
        """Read what to_json gave."""
        evicted, pairs = stored
        return cls(limit, entries={key: value for key, value in pairs}, evicted=evicted)
