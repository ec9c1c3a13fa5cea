"""Settle: the positive evidence that a trouble is over, and how long one that flaps is held. From correlate.

Over means: every sign was cleared, or all is quiet while the service shows life well after the last sign
(a start line right after a crash is not recovery). What only became habit is told as that. What came back is
believed later: each return doubles the wait, and one that comes and goes is held for half as long again as
its longest pause.
"""
from __future__ import annotations

from collections.abc import Mapping

from ..domain.case import Case
from ..domain.incident import Incident
from ..domain.record import MINUTE, SECOND
from ..domain.signal import LEVELS

#: A trouble that came back so often flaps, and its timeline says so.
FLAPS = 3
#: No return doubles the wait beyond eight times, and no pause holds a trouble longer than this.
_TIMES = 8
_LONGEST = 60 * MINUTE


def held(case: Case, wait: int) -> int:
    """Return how long a case must be over, where one that never came back waits `wait`."""
    if not case.returns:
        return wait
    times = min(_TIMES, 1 << min(case.returns, _TIMES))
    return max(wait * times, min(_LONGEST, case.pause * 3 // 2))


def flap_note(case: Case, quiet: int) -> str:
    """Return what the timeline says of a trouble that just came back; "" while that is nothing new."""
    if case.returns < FLAPS or case.returns % FLAPS or (case.returns // FLAPS).bit_count() != 1:
        return ""
    return (f"it flaps: it came back {case.returns} times; from now on it is over only after "
            f"{held(case, quiet) // SECOND} s without it")


def why_over(incident: Incident, case: Case, life: Mapping[str, int], now: int, quiet: int) -> str | None:
    """Return the positive evidence that a trouble is over, or None."""
    levels = {key for key in case.fired if key.partition("|")[0] in LEVELS}
    if any(key not in case.cleared for key in levels):
        return None
    event = max((when for key, when in case.fired.items() if key not in levels), default=0)
    passed = max((case.cleared[key] for key in levels if key.startswith("probe") or not event), default=0)
    if passed and event <= passed and not case.more:
        # a check that failed passes again: a quarter of the quiet is enough, none where it was the only sign
        wait = held(case, quiet // 4) if event or case.returns else 0
        over = now - passed >= wait
        return "what failed before passes again, and nothing else is reported" if over else None
    wait = held(case, quiet)
    if now - case.last_at < wait:
        return None
    # the cause must show life itself; who never reports is judged by those who suffered from it
    own = life.get(f"service|{incident.service}")
    # who was only named by others, and may write next to nothing, is judged by them as well
    spoke = not case.signals or any(each.service == incident.service for each in case.signals)
    seen = [own] if own is not None and spoke else [
        life.get(f"service|{each}", 0) for each in incident.services]
    if incident.cls == "auth_failures" or not incident.services:
        seen += [life.get(f"host|{each}", 0) for each in incident.hosts or ("",)]
    if max(seen, default=0) >= case.last_at + wait // 2:
        who = incident.service or incident.host or "the source"
        if any(key in case.cleared for key in case.fired if key not in levels):
            # a burst that is over because it became habit: to say that it is quiet would be no truth
            return f"its errors go on; they have lasted so long that they count as usual for {who}"
        return f"quiet for {wait // SECOND} s while {who} shows life"
    return None
