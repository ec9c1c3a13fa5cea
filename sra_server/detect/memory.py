"""Memory: what one detector remembers between batches, bounded and as JSON. From and to pipeline's State.

Entries are kept in the order of their last use; beyond `limit` the least recently used goes, and is
counted. With `lasting` it goes only when it was not used for so long; until then what is new is refused,
and counted. Else more series than there is room for, by turns, would each be forgotten before their next
point, and none would be watched. A fork shares the entries until its first write, so that a fold never
changes the state that it was given.
"""
from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any

from ..domain.record import MINUTE

#: A refusal is counted for so long after it was last made, and no more of them than these.
_COUNTED, _MOST = 60, 16_384


class Memory:
    """A bounded map from a key to a JSON value. Values are never changed in place, only put anew.

    `clock` is when what is put now was received; each entry notes the minute of its last use.
    """

    __slots__ = ("_entries", "_own", "_refused", "clock", "evicted", "lasting", "limit")

    def __init__(self, limit: int = 4096, *, lasting: int = 0, clock: int = 0,
                 entries: dict[str, tuple[int, Any]] | None = None, evicted: int = 0) -> None:
        self.limit, self.lasting, self.clock = limit, lasting, clock
        self.evicted = evicted
        self._entries: dict[str, tuple[int, Any]] = {} if entries is None else entries
        self._own = True
        self._refused: dict[str, int] = {}

    def fork(self, clock: int | None = None) -> Memory:
        """Return a memory that starts equal and is written apart."""
        twin = Memory(self.limit, lasting=self.lasting, clock=self.clock if clock is None else clock,
                      entries=self._entries, evicted=self.evicted)
        twin._own = False
        self._own = False
        # one count for all: a fold that is done again refuses the same
        twin._refused = self._refused
        return twin

    def get(self, key: str) -> Any:
        """Return the value, or None."""
        found = self._entries.get(key)
        return None if found is None else found[1]

    def put(self, key: str, value: Any, most: int | None = None) -> None:
        """Set a value and make it the most recent; one that is new may be refused at `most` entries."""
        minute = self.clock // MINUTE
        full = key not in self._entries and len(self._entries) >= (self.limit if most is None else most)
        if full and self.lasting and self._entries:
            used, _ = next(iter(self._entries.values()))
            if (minute - used) * MINUTE < self.lasting:
                self.refuse(key)
                return
        self._write()
        self._entries.pop(key, None)
        self._entries[key] = (minute, value)
        if self._refused:
            self._refused.pop(key, None)
        if full:
            del self._entries[next(iter(self._entries))]
            self.evicted += 1

    def refuse(self, key: str) -> None:
        """Count a key for which there is no room."""
        if self._refused.pop(key, None) is not None or len(self._refused) < _MOST:
            self._refused[key] = self.clock // MINUTE

    def refused(self) -> int:
        """Return how many keys there was no room for within the last hour."""
        since = self.clock // MINUTE - _COUNTED
        while self._refused and next(iter(self._refused.values())) < since:
            del self._refused[next(iter(self._refused))]
        return len(self._refused)

    def drop(self, key: str) -> None:
        """Forget a key."""
        if key in self._entries:
            self._write()
            del self._entries[key]

    def halve(self) -> None:
        """Forget the less recent half."""
        for key in list(self._entries)[:(len(self._entries) + 1) // 2]:
            self.drop(key)
            self.evicted += 1

    def items(self) -> list[tuple[str, Any]]:
        """Return all entries, the least recently used first."""
        return [(key, value) for key, (_, value) in self._entries.items()]

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def _write(self) -> None:
        if not self._own:
            self._entries = dict(self._entries)
            self._own = True

    def __len__(self) -> int:
        return len(self._entries)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Memory) and self.to_json() == other.to_json()

    __hash__ = None  # type: ignore[assignment]

    def to_json(self) -> list[Any]:
        """Return [evicted, [[key, value], …]]; the order is part of the memory."""
        return [self.evicted, [[key, value] for key, (_, value) in self._entries.items()]]

    def used(self) -> list[list[int]]:
        """Return [[minute, entries], …]: when the entries were last used, in their order."""
        return [[minute, sum(1 for _ in same)]
                for minute, same in groupby(minute for minute, _ in self._entries.values())]

    @classmethod
    def from_json(cls, stored: list[Any], limit: int = 4096, *, lasting: int = 0, clock: int = 0,
                  used: list[list[int]] | None = None) -> Memory:
        """Read what to_json gave; without `used`, as older releases wrote it, all were used at `clock`."""
        evicted, pairs = stored
        minutes = [minute for minute, times in used or () for _ in range(times)]
        if len(minutes) != len(pairs):
            minutes = [clock // MINUTE] * len(pairs)
        return cls(limit, lasting=lasting, clock=clock, evicted=evicted, entries={
            key: (minute, value) for (key, value), minute in zip(pairs, minutes, strict=True)})
