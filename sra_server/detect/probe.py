"""Probe: a health check that fails twice in a row fires, three passes clear it. From points; to correlate.

Who answers with an error is not down: he has errors.
One that comes and goes may never fail twice in a row: four failures among the latest ten checks fire, too,
and then it takes ten passes in a row. How long a check takes is held against its own past by threshold.
"""
from __future__ import annotations

from typing import Any

from ..domain.evidence import Evidence, of_point
from ..domain.place import of_target
from ..domain.record import Batch, Point
from ..domain.signal import Signal
from .memory import Memory

FAILURES = 2
PASSES = 3
LATEST, FLAPS = 10, 4
#: With these a proxy answers for somebody who is down.
_PASSED_ON = (502, 503, 504)


class Probe:
    """Memory: fingerprint → [failures, passes in a row, firing, time and id of the first,
    latest, need, status].

    `latest` has a bit for each check, 1 where it failed; `need` is how many passes clear it; `status` is
    what the latest check was answered with in HTTP, 0 where nobody answered or that is not known.
    """

    name = "probe"
    always = False

    def detect(self, memory: Memory, batch: Batch) -> list[Signal]:
        """Return the state of each health check that fails, and of each that came back.

        What began and ended within one batch is told as both: it was so, though it came late.
        """
        found: dict[str, Signal] = {}
        over: dict[str, Signal] = {}
        for point in batch.points:
            if point.name not in ("probe.up", "probe.status"):
                continue
            tags = dict(point.tags)
            key = f"probe|{tags.get('probe', '')}|{point.service}|{point.host}"
            # what an older release stored has no latest checks, or no status
            kept: list[Any] = list(memory.get(key) or (0, 0, False, 0, ""))
            kept += (0, PASSES, 0)[len(kept) - 5:]
            fails, passes, firing, since, first, latest, need, status = kept
            if point.name == "probe.status":
                memory.put(key, [fails, passes, firing, since, first, latest, need, int(point.value)])
                continue
            latest = (latest << 1 | (point.value < 1)) & ((1 << LATEST) - 1)
            flaps = latest.bit_count() >= FLAPS
            if point.value >= 1:
                fails, passes, status = 0, min(passes + 1, LATEST), 0
                if firing and passes >= need:
                    firing, need, latest = False, PASSES, 0
                    over[key] = _cleared(key, point)
            else:
                if not fails and not firing:
                    since, first = point.at, point.id
                fails, passes = fails + 1, 0
                if firing or fails >= FAILURES or flaps:
                    need = LATEST if flaps and not firing and fails < FAILURES else need
                    firing = True
                    over.pop(key, None)
                    target = tags.get("target", "")
                    found[key] = _firing(key, point, target, fails, since, first, status, found.get(key))
            memory.put(key, [fails, passes, firing, since, first, latest, need, status])
        return [*found.values(), *over.values()]


def _cleared(key: str, point: Point) -> Signal:
    return Signal(detector="probe", fingerprint=key, cls="service_crash", severity="critical",
                  title="its health check passes", at=point.at, last_at=point.at, state="cleared",
                  service=point.service, host=point.host)


def _firing(key: str, point: Point, target: str, fails: int, since: int, first: str,
            status: int, before: Signal | None) -> Signal:
    place = of_target(target) if target else ""
    name = point.service or "the service"
    at_place = f" at {target}" if target else ""
    begin = Evidence(id=first, kind="points", at=since, text=f"the health check of {name}{at_place} failed",
                     service=point.service, host=point.host, source=point.name)
    now = of_point(point, f"the health check of {name}{at_place} failed, {fails} times in a row")
    cls, title, cause = "service_crash", "its health check fails", "it is down or hangs"
    if status >= 400 and status not in _PASSED_ON:
        cls, title = "error_burst", "its health check is answered with an error"
        cause = f"it runs, but answers its health check with status {status}"
    return Signal(detector="probe", fingerprint=key, cls=cls, severity="critical", title=title,
                  at=since, last_at=point.at, service=point.service, host=point.host,
                  count=before.count + 1 if before else fails if fails == FAILURES else 1,
                  cause=cause, subject=place, unanswered=True, remedies=("restart_service",),
                  evidence=(begin, now) if point.id != first else (begin,))
