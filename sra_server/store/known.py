"""API keys as they were a moment ago, so that a flood of requests does not ask for its key each time.

From api.identity; `forget` makes a revocation count at once in this process, and another process's within
KEPT_SECONDS. Only keys that exist are remembered, so guesses cannot fill it.
"""
from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable

from .keys import Key

KEPT_SECONDS = 1.0
_KEYS = 10_000


class KnownKeys:
    """A bounded memory of keys by their id."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._keys: OrderedDict[str, tuple[float, Key]] = OrderedDict()

    def get(self, key_id: str) -> Key | None:
        """Return the key as it was at most KEPT_SECONDS ago."""
        found = self._keys.get(key_id)
        if found is None or self._clock() - found[0] > KEPT_SECONDS:
            return None
        return found[1]

    def put(self, key: Key) -> None:
        """Remember a key as it is now."""
        self._keys[key.id] = (self._clock(), key)
        self._keys.move_to_end(key.id)
        if len(self._keys) > _KEYS:
            self._keys.popitem(last=False)

    def forget(self, key_id: str) -> None:
        """A key was changed: ask for it anew."""
        self._keys.pop(key_id, None)
