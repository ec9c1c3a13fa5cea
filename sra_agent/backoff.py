"""How long to wait before trying again. Pure but for the die. From ship and relay; to their loops."""

from __future__ import annotations

import random
from collections.abc import Callable

FIRST, LONGEST = 0.5, 30.0


class Backoff:
    """Doubles with each failure, with jitter so that many agents do not come back at once."""

    def __init__(
        self, *, first: float = FIRST, longest: float = LONGEST, die: Callable[[], float] = random.random
    ) -> None:
        self._first, self._longest, self._die = first, longest, die
        self._failures = 0

    def failed(self, asked: float | None = None, *, at_most: float | None = None) -> float:
        """Return the seconds to wait; never less than what the other side asked for."""
        self._failures = min(self._failures + 1, 30)
        longest = min(self._longest, at_most or self._longest)
        wait = min(longest, self._first * 2.0 ** (self._failures - 1)) * (0.5 + 0.5 * self._die())
        return max(wait, asked or 0.0)

    def succeeded(self) -> None:
        """Begin anew."""
        self._failures = 0
