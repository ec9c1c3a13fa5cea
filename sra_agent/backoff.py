"""How long to wait before trying again. Pure but for the die. From ship and relay; to their loops."""

from __future__ import annotations

import random
from collections.abc import Callable

FIRST, LONGEST = 0.5, 30.0
#: Seconds between two looks for one that is not there: for the first tries, as most are back soon, and later.
SOON, ABSENT, TRIES = 1.0, 3.0, 10


class Backoff:
    """Doubles with each failure, with jitter so that many agents do not come back at once."""

    def __init__(
        self, *, first: float = FIRST, longest: float = LONGEST, die: Callable[[], float] = random.random
    ) -> None:
        self._first, self._longest, self._die = first, longest, die
        self._failures = 0

    def failed(self, asked: float | None = None) -> float:
        """Return the seconds to wait; never less than what the other side asked for."""
        return max(self._wait(self._longest), asked or 0.0)

    def absent(self) -> float:
        """Return the seconds to wait for one that does not answer at all: an attempt costs it nothing."""
        return self._wait(min(self._longest, SOON if self._failures < TRIES else ABSENT))

    def _wait(self, longest: float) -> float:
        self._failures = min(self._failures + 1, 30)
        return min(longest, self._first * 2.0 ** (self._failures - 1)) * (0.5 + 0.5 * self._die())

    def succeeded(self) -> None:
        """Begin anew."""
        self._failures = 0
