"""Burst: far more errors in a minute than this service is used to. From counts; to correlate.

Counts cover every record, so a burst is seen whatever the texts say. A new service is learned quietly
for its first minutes; while a burst lasts its minutes are not learned, unless it lasts so long that it
must be called normal.
"""
from __future__ import annotations

from typing import NamedTuple

from ..domain.evidence import Evidence, of_record
from ..domain.record import MINUTE, Batch
from ..domain.signal import Signal
from .counting import rate, tail
from .memory import Memory

#: Fewer errors in a minute than one in four seconds wake nobody, however unusual.
FLOOR = 15
UNLIKELY = 1e-6
QUIET_MINUTES = 3
#: A minute weighs half after about two hours.
_FADE = 0.995
_NORMAL_AFTER = 30
_ERROR = 40


class _Track(NamedTuple):
    """One service: the running minute and its errors, the faded sums, and since when a burst lasts."""

    first: int
    minute: int
    n: int = 0
    minutes: float = 0.0
    total: float = 0.0
    squares: float = 0.0
    since: int = 0
    calm: int = 0


class Burst:
    """Memory: service|host-if-no-service → _Track as a list."""

    name = "burst"
    always = False

    def detect(self, memory: Memory, batch: Batch) -> list[Signal]:
        """Return a signal for each service whose running minute is a burst."""
        found: list[Signal] = []
        for key, minutes in _by_service(batch).items():
            stored = memory.get(key)
            earliest = min(minutes)
            track = before = _Track(*stored) if stored else _Track(first=earliest, minute=earliest)
            bursting = 0
            for minute in sorted(minutes):
                if minutes[minute] == 0 and minute <= track.minute:
                    continue
                track = _count(track, minute, minutes[minute])
                track = _judge(track)
                if minutes[minute] and track.since and track.n >= _holds(track):
                    bursting = track.n
            if track != before or not stored:
                memory.put(key, list(track))
            if bursting:
                found.append(_signal(key, track, bursting, batch))
        return found


def _by_service(batch: Batch) -> dict[str, dict[int, int]]:
    """Return errors by service and minute; a minute in which it only lived counts zero."""
    found: dict[str, dict[int, int]] = {}
    for count in batch.counts:
        minutes = found.setdefault(count.service or f"@{count.host}", {})
        minutes[count.minute] = minutes.get(count.minute, 0) + (count.n if count.level >= _ERROR else 0)
    return found


def _count(track: _Track, minute: int, n: int) -> _Track:
    """Add errors of a minute; a later minute closes the running one, what comes too late is not of now."""
    if minute <= track.minute:
        return track._replace(n=track.n + n) if minute >= track.minute - MINUTE else track
    gap = min(600, (minute - track.minute) // MINUTE)
    lasting = track.since and (track.minute - track.since) // MINUTE < _NORMAL_AFTER
    # the running minute, then the empty ones up to the new one
    if not lasting:
        track = track._replace(minutes=track.minutes * _FADE + 1, total=track.total * _FADE + track.n,
                               squares=track.squares * _FADE + track.n * track.n)
    if gap > 1:
        fade = _FADE ** (gap - 1)
        track = track._replace(minutes=track.minutes * fade + (1 - fade) / (1 - _FADE),
                               total=track.total * fade, squares=track.squares * fade)
    over = track.since and (gap > 2 or (track.n < _holds(track) and track.calm >= 1))
    calm = track.calm + 1 if track.since and track.n < _holds(track) else 0
    return track._replace(minute=minute, n=n, since=0 if over else track.since, calm=0 if over else calm)


def _judge(track: _Track) -> _Track:
    if track.since:
        return track._replace(calm=0) if track.n >= _holds(track) else track
    learned = (track.minute - track.first) // MINUTE >= QUIET_MINUTES
    if learned and track.n >= FLOOR and tail(track.n, track.total, track.squares, track.minutes) < UNLIKELY:
        return track._replace(since=track.minute)
    return track


def _holds(track: _Track) -> float:
    """Return how many errors a minute must have for a burst to go on: less than it took to begin."""
    return max(FLOOR / 2, 2 * rate(track.total, track.minutes))


def _signal(key: str, track: _Track, n: int, batch: Batch) -> Signal:
    service, host = ("", key[1:]) if key.startswith("@") else (key, "")
    name = service or host or "the source"
    usual = rate(track.total, track.minutes)
    errors = [each for each in batch.records if each.level >= _ERROR and each.service == service
              and (service or each.host == host)]
    hosts = {each.host for each in errors}
    host = host or (hosts.pop() if len(hosts) == 1 else "")
    last = max((each.at for each in errors), default=track.minute)
    event = Evidence(id=f"burst|{key}|{track.minute}|{n}", kind="event", at=track.minute, source="counts",
                     text=f"{name} wrote {n} errors in one minute; usual are {usual:.1f}",
                     service=service, host=host)
    shown = [*errors[:2], *errors[-1:]] if len(errors) > 2 else errors
    return Signal(
        detector="burst", fingerprint=f"burst|{key}", cls="error_burst",
        severity="high" if n >= 10 * FLOOR and n >= 10 * usual else "medium",
        title=f"{n} errors in one minute", at=min((each.at for each in shown), default=track.minute),
        last_at=max(last, track.minute), service=service, host=host, count=n,
        cause="it writes far more errors than it is used to", unanswered=True,
        remedies=("restart_service", "rollback_deployment"),
        evidence=(event, *(of_record(each) for each in shown)))
