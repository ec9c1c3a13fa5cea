"""Which plans were asked for lately, lest a quick agent poll in circles. One a server; from agent."""
from __future__ import annotations

from collections import OrderedDict

#: A plan that was asked for is not asked for again within this.
AGAIN = 10.0
_REMEMBERED = 10_000


class Asked:
    """Tokens and when they were given out; losing one only means asking twice."""

    def __init__(self) -> None:
        self._at: OrderedDict[str, float] = OrderedDict()

    def may(self, token: str, now: float) -> bool:
        """Say whether the plan is to be asked for at this monotonic time, and remember it."""
        at = self._at.get(token)
        if at is not None and now - at < AGAIN:
            return False
        self._at[token] = now
        self._at.move_to_end(token)
        while len(self._at) > _REMEMBERED:
            self._at.popitem(last=False)
        return True

    def forget(self, token: str) -> None:
        """Have the plan asked for again, because who was asked is no more."""
        self._at.pop(token, None)
