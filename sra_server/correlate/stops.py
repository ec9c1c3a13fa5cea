"""Stops: who was stopped in an orderly way, and which troubles wait for its return. From correlate; pure.

Most stops are half of a restart. Until it is over, that somebody cannot be reached is no trouble yet: such a
signal opens nothing while the stop is fresh, or while what was stopped is heard of again. Of the signal only
its fingerprint is kept, for its detector remembers: what is still broken after the grace is seen again, with
all its evidence. If the service is back, that evidence is done with. A crash says no goodbye, and one that
follows a stop ends the grace.
"""
from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, NamedTuple, Protocol

from ..domain.evidence import Evidence
from ..domain.known import Known
from ..domain.names import names
from ..domain.record import MINUTE, SECOND, Batch
from ..domain.signal import Signal
from ..domain.software import may_listen, starts_slowly

#: Who is stopped is silent for no longer than this while it starts: a message broker takes ten seconds.
GRACE = 10 * SECOND
#: What runs in a machine of its own (the JVM, Erlang) writes nothing for longer, before its first line.
SLOW_GRACE = 20 * SECOND
#: And no restart excuses anything for longer, ...
LONGEST = 30 * SECOND
#: ... but that of a unit which has said something since it was stopped: a program of Java says that it starts
#: and then nothing until it is up.
STARTS = 45 * SECOND
#: Clocks and clients are about so exact: the first error may be stamped before the stop that it follows.
_SKEW = 2 * SECOND
#: An incident that begins within this time after a stop says so, unless the service is heard of again.
_TOLD = 120 * SECOND
#: So many stops are remembered; beyond, the oldest has no grace any more.
STANDING = 128
#: A sign of life within this time after a stop may be its last words.
_DYING = 3 * SECOND
#: Who is heard of later than this is not blamed for not being back.
_LAST_WORDS = SECOND
#: So many signals may wait for one return and have their evidence forgotten at it.
_WAITING = 32
#: They count the errors of a whole minute, and among them those of the restart.
_BY_MINUTE = frozenset({"burst", "novelty"})


class Stops(Protocol):
    """What of the state's Memory is needed: service|host → a _Stop as a list."""

    def get(self, key: str) -> Any: ...
    def put(self, key: str, value: Any) -> None: ...
    def drop(self, key: str) -> None: ...
    def items(self) -> list[tuple[str, Any]]: ...


class _Stop(NamedTuple):
    """When it was told (event time, then receipt), last heard of (receipt), the record, who waits.

    And whether it showed life since.
    """

    at: int
    noted: int
    heard: int
    record: list[Any]
    waiting: list[str]
    back: bool = False


def note(stops: Stops, stopped: Signal, now: int) -> None:
    """Remember a stop."""
    one = stopped.evidence[0]
    told = [one.id, one.text[:200], one.source, one.line]
    stops.put(_key(stopped.service, stopped.host), list(_Stop(stopped.at, now, now, told, [])))


def hear(stops: Stops, batch: Batch, now: int) -> tuple[str, ...]:
    """Note who of the stopped shows life; return the signals whose evidence is done with, for it is back.

    A stop of which nothing more can be said is forgotten.
    """
    standing = _standing(stops)
    if not standing:
        return ()
    speak = {_key(count.service, count.host) for count in batch.counts}
    answer = {point.service for point in batch.points if point.name == "probe.up" and point.value >= 1}
    done: list[str] = []
    for key, each in standing:
        if now - each.noted > LONGEST + _TOLD:
            stops.drop(key)
            continue
        answers = key.partition("|")[0] in answer
        if answers or key in speak:
            back = answers or now - each.noted > _DYING
            done += each.waiting if back else ()
            lives = each.back or answers or now - each.noted > _LAST_WORDS
            stops.put(key, list(each._replace(heard=now, waiting=[] if back else each.waiting, back=lives)))
    return tuple(done)


def crashed(stops: Stops, firing: Iterable[Signal]) -> None:
    """End the grace of those that are worse than stopped."""
    for signal in firing:
        if signal.opens and not signal.unanswered:
            stops.drop(_key(signal.service, signal.host))


def waits(stops: Stops | None, signal: Signal, known: Known, now: int) -> bool:
    """Say whether a signal may be no more than a restart of somebody who was stopped; note that it waits."""
    if stops is None or not signal.unanswered:
        return False
    for key, each in _standing(stops):
        if _excused(signal, each, _grace(key), now) and _concerns(key, signal, known):
            if signal.opens and signal.fingerprint not in each.waiting and len(each.waiting) < _WAITING:
                stops.put(key, list(each._replace(waiting=[*each.waiting, signal.fingerprint])))
            return True
    return False


def blamed(stops: Stops | None, signal: Signal, known: Known, now: int) -> tuple[Signal, str]:
    """Return a trouble with the stop in its evidence for whose end it waited in vain, and that in words."""
    stop = _before(stops, signal, known, now) if stops is not None and signal.unanswered else None
    if stop is None:
        return signal, ""
    return (replace(signal, evidence=(stop, *signal.evidence)),
            f"{stop.service or 'a service'} was stopped and is not back")


def _before(stops: Stops, signal: Signal, known: Known, now: int) -> Evidence | None:
    for key, each in reversed(_standing(stops)):
        near = each.at - _SKEW <= signal.last_at <= each.at + _TOLD
        if near and not each.back and now - each.heard > _grace(key) and _concerns(key, signal, known) \
                and _may_be(key, signal):
            service, _, host = key.partition("|")
            record, text, source, line = each.record
            return Evidence(id=record, kind="record", at=each.at, text=text, service=service, host=host,
                            source=source, line=line)
    return None


def _may_be(key: str, signal: Signal) -> bool:
    """Say whether what a signal misses may be what was stopped: nobody looks for MySQL at Redis's place."""
    port = signal.subject.rpartition(":")[2]
    return not port.isdigit() or may_listen(key.partition("|")[0], port) is not False


def _standing(stops: Stops) -> list[tuple[str, _Stop]]:
    return [(key, _Stop(*stored)) for key, stored in stops.items()]


def _grace(key: str) -> int:
    return SLOW_GRACE if starts_slowly(key.partition("|")[0]) else GRACE


def _excused(signal: Signal, stop: _Stop, grace: int, now: int) -> bool:
    # by the times of the events: what comes late, all at once, is judged as if it had come in time
    begun = signal.last_at - signal.last_at % MINUTE if signal.detector in _BY_MINUTE else signal.last_at
    starts = stop.record[1].startswith("Stopping ") and stop.heard - stop.noted > _DYING
    if signal.last_at < stop.at - _SKEW or begun > stop.at + (STARTS if starts else LONGEST):
        return False
    return starts or signal.last_at <= stop.at + grace or now - stop.heard <= grace


def _concerns(key: str, signal: Signal, known: Known) -> bool:
    """Say whether a signal is about what was stopped, or at least about nobody else, on the same host."""
    service, _, host = key.partition("|")
    if service and signal.service == service and (signal.host == host or signal.detector == "probe"):
        return True
    named = names(signal, (signal,), known)
    if service and (service in named or service in known.needs(signal.service)):
        return True
    return not named and signal.host == host and signal.detector != "probe"


def _key(service: str, host: str) -> str:
    return f"{service}|{host}"
