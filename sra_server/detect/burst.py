"""Burst: far more errors in a minute than this service is used to. From counts; to correlate.

Counts cover every record, so a burst is seen whatever the texts say; only what is a client's doing (`client`)
is taken off. How many errors are many grows with what a service writes in all; what it is used to and since
when a burst lasts is in `track`. When one has become habit, its signal is cleared.
"""
from __future__ import annotations

from collections import Counter
from itertools import islice
from typing import Any

from ..domain.evidence import Evidence, of_record
from ..domain.record import MINUTE, SECOND, Batch, Record
from ..domain.signal import Signal
from .client import address, asked_wrong
from .counting import rate
from .creep import Creep
from .limited import of_one
from .memory import Memory
from .outage import Outage, followed
from .patience import spoken
from .sudden import Sudden, again, gone_on
from .track import FLOOR, MOSTLY, USED, Heard, Track, count, judge, present, together
from .twice import twice

#: From this share on a burst may be grave.
_GRAVE = 0.05
_ERROR = 40
#: Of so many errors of a service the texts are read in one batch, evenly chosen; the others are like them.
_READ = 200


class Burst:
    """Memory: service|host-if-no-service → Track as a list; limited|service → see limited."""

    name = "burst"
    always = False

    def detect(self, memory: Memory, batch: Batch) -> list[Signal]:
        """Return a signal for each service whose running minute is a burst."""
        heard = _by_service(memory, batch)
        before: dict[str, Track | None] = {}
        tracks: dict[str, Track] = {}
        bursting: dict[str, Track] = {}
        habits: dict[str, Track] = {}
        for key, minutes in heard.items():
            stored = memory.get(key)
            track = before[key] = _restored(stored) if stored else None
            track = track or Track(first=min(minutes), minute=min(minutes))
            latest = max(minutes)
            for minute in sorted(minutes):
                # one batch may hold hours that were well: each minute counts from when it was over
                over = batch.received_at if minute == latest else minute + MINUTE
                lasting = track = _followed(track, minute, minutes[minute], over, batch.received_at)
                track = judge(count(track, minute, minutes[minute]), now=batch.received_at)
                track = spoken(track, now=batch.received_at)
                if minutes[minute].n and track.told:
                    bursting[key] = track
                if lasting.spoken and track.used >= USED and not track.since:
                    bursting.pop(key, None)
                    habits[key] = lasting
            tracks[key] = track
        for key, track in together(tracks, now=batch.received_at).items():
            tracks[key] = track
            if track.told and any(each.n for each in heard[key].values()):
                bursting[key] = track
        for key, track in tracks.items():
            if track != before[key]:
                memory.put(key, _stored(track))
        errors = _errors(batch) if bursting else {}
        return [*(_signal(key, track, batch, errors.get(key, []), _brought(before[key], track, heard[key]))
                  for key, track in bursting.items()),
                *(_cleared(key, track, batch) for key, track in habits.items() if key not in bursting)]


def _stored(value: Any) -> Any:
    """Return a track as JSON has it."""
    return [_stored(each) for each in value] if isinstance(value, list | tuple) else value


def _restored(stored: list[Any]) -> Track:
    """Return a track as it was stored; an older one knows less, and told all its bursts."""
    track = Track(*stored)
    old = track.since and not track.begun
    return track._replace(outage=Outage(*track.outage), creep=Creep(*track.creep),
                          sudden=Sudden(*track.sudden),
                          spoken=1 if old else track.spoken)


def _followed(track: Track, minute: int, heard: Heard, over: int, now: int) -> Track:
    """Return the track with its runs after one minute of a batch; `over`: when that had been received."""
    current = present(minute, now)
    before = track.outage.last
    if not current and (minute + MINUTE < before or heard.n >= heard.all * MOSTLY):
        return track  # an old file tells what was usual, and of no trouble of now
    over = min(now, max(over, before))
    track = track._replace(outage=followed(track.outage, heard.n, heard.all, now=over))
    return track._replace(sudden=_went_on(track, heard, over)) if current else track


def _went_on(track: Track, heard: Heard, now: int) -> Sudden:
    """Return the run of errors after a minute of the service; errors without a text are of now."""
    n = heard.n - heard.again
    seconds = sorted(heard.seconds) if n else []
    if n and not seconds:
        seconds = [now - now % SECOND]
    return gone_on(track.sudden, n, heard.all, seconds, track.ordinary, now=now)


def _by_service(memory: Memory, batch: Batch) -> dict[str, dict[int, Heard]]:
    """Return what was heard by service and minute, without the errors that are a client's doing."""
    found: dict[str, dict[int, list[int]]] = {}
    for minute, service, host, level, n in batch.counts:
        heard = found.setdefault(service or f"@{host}", {}).setdefault(minute, [0, 0])
        heard[1] += n
        if level >= _ERROR:
            heard[0] += n
    errors: dict[tuple[str, int], list[Record]] = {}
    limited: frozenset[str] = frozenset()
    for service, records in _errors(batch).items():
        limited |= of_one(memory, service, records)
        for record in records:
            errors.setdefault((service, record.at - record.at % MINUTE), []).append(record)
    return {key: {minute: _heard(n, every, errors.get((key, minute), []), limited) for minute, (n, every) in
                  minutes.items()} for key, minutes in found.items()}


def _heard(n: int, every: int, errors: list[Record], limited: frozenset[str]) -> Heard:
    """Return what was heard of a minute, less what was a client's doing, or written twice, by its errors."""
    if not errors:
        return Heard(n, every)
    step = -(-len(errors) // _READ)
    read = errors[::step]
    wrong = [each.id in limited or asked_wrong(each) for each in read]
    less = min(n, round((sum(wrong) + twice(read)) * len(errors) / len(read)))
    found = (address(each) for each, passed in zip(read, wrong, strict=True) if not passed and each.metadata)
    own = [each for each, passed in zip(read, wrong, strict=True) if not passed]
    tried = [again(each.message) for each in own]
    seconds = {each.at - each.at % SECOND for each, passed in zip(own, tried, strict=True) if not passed}
    return Heard(n - less, every - less, {who: step * times for who, times in Counter(found).items() if who},
                 min(n - less, sum(tried) * step), tuple(seconds))


def _brought(before: Track | None, track: Track, heard: dict[int, Heard]) -> int:
    """Return how many errors stand behind a signal that no signal before it has counted."""
    told = before is not None and before.told and before.minute == track.minute
    return max(1, sum(each.n for each in heard.values())) if told else track.own


def _errors(batch: Batch) -> dict[str, list[Record]]:
    """Return the errors of a batch by service; a storm has many services, so the batch is read once."""
    found: dict[str, list[Record]] = {}
    for record in batch.records:
        if record.level >= _ERROR:
            found.setdefault(record.service or f"@{record.host}", []).append(record)
    return found


def _signal(key: str, track: Track, batch: Batch, errors: list[Record], count: int) -> Signal:
    service, host, name = _place(key)
    n, usual = track.own, track.usual or rate(track.total, track.minutes)
    hosts = {each.host for each in errors}
    host = host or (hosts.pop() if len(hosts) == 1 else "")
    last = max((each.at for each in errors), default=track.minute)
    share = f", {_percent(track.share)} of what it writes" if track.share < 1 else ""
    text = f"{name} wrote {n} errors in one minute{share}; usual are {usual:.1f}" if not track.born else (
        f"{name} writes little but errors since it is watched, {n} in this minute; what is usual for it "
        "is not known")
    out, title = track.outage, f"{n} errors in one minute"
    if out.told and n < track.floor:
        minutes = max(1, round((batch.received_at - out.after) / MINUTE))
        title = "nearly all that it writes is errors"
        text = (f"{name} wrote {out.all} records in {minutes} min, {out.n} of them errors; usual are "
                f"{_percent(out.share)}")
    begun = track.first if track.born else track.minute
    event = Evidence(id=f"burst|{key}|{track.minute}|{n}", kind="event", at=begun, source="counts",
                     text=text, service=service, host=host)
    shown = _shown(errors)
    grave = not track.born and n >= 10 * FLOOR and n >= 10 * usual and track.share >= _GRAVE
    return Signal(
        detector="burst", fingerprint=f"burst|{key}", cls="error_burst",
        severity="high" if grave else "medium",
        title="mostly errors since it is watched" if track.born else title,
        at=begun if track.born else min((each.at for each in shown), default=track.minute),
        last_at=max(last, track.minute), service=service, host=host, count=count,
        cause="it does hardly anything but fail" if track.born
        else "it writes far more errors than it is used to",
        unanswered=not track.sudden.endures,
        remedies=("restart_service", "rollback_deployment"),
        evidence=(event, *(of_record(each) for each in shown)))


def _cleared(key: str, track: Track, batch: Batch) -> Signal:
    """Return that a burst is no burst any more, though its errors go on."""
    service, host, name = _place(key)
    return Signal(
        detector="burst", fingerprint=f"burst|{key}", cls="error_burst", severity="medium", state="cleared",
        title=f"{track.own} errors in one minute", at=track.minute, last_at=batch.received_at,
        service=service, host=host, count=track.own, cause=f"{name} is used to it by now")


def _place(key: str) -> tuple[str, str, str]:
    """Return service, host and the name to say of a key."""
    service, host = ("", key[1:]) if key.startswith("@") else (key, "")
    return service, host, service or host or "the source"


def _shown(errors: list[Record]) -> list[Record]:
    """Return the first two and the last, not those that are a client's doing while there are others."""
    first = list(islice((each for each in errors if not asked_wrong(each)), 2)) or errors[:2]
    last = next((each for each in reversed(errors) if not asked_wrong(each)), errors[-1]) if errors else None
    return first if last is None or last in first else [*first, last]


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %" if share >= 0.1 else f"{100 * share:.1g} %"
