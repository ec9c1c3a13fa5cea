"""Absence: a host, or a service that speaks day and night, went silent. From points, counts; to correlate.

A pure function of what was heard and of the clock, so it is asked on ticks, too. A host is judged by its
measurements alone, for those come by the clock, while lines come with the work; it is silent after five
minutes or five times its rhythm. An agent that stops says so, and is not missed. A service is missed only if
it has never paused for more than two minutes in a whole day, and only where its host still speaks: a silent
host is one trouble, not one for each of its services. A nightly job, or a shop without customers at night,
is no such service.
"""
from __future__ import annotations

from typing import NamedTuple

from ..domain.evidence import Evidence
from ..domain.record import MINUTE, SECOND, Batch
from ..domain.signal import Signal
from .memory import Memory

#: The agent's last word when it is stopped, and its first.
AGENT = "agent.up"
SILENT = 5 * MINUTE
TIMES = 5
#: So many measurements make a rhythm.
LEARNED = 12
#: A service that is missed paused for no longer, over so long a time.
PAUSE = 2 * MINUTE
STEADY = 24 * 60 * MINUTE
SERVICE_SILENT = 10 * MINUTE
#: A host that was silent for so long is taken for gone; it is forgotten.
GONE = 7 * 24 * 60 * MINUTE
#: When there is no room for others, one whose silence was told so long ago is forgotten.
TOLD = 24 * 60 * MINUTE
LOOK = 5 * SECOND
#: Batches that come with no longer pauses show that all the while somebody took them in.
STEADILY = MINUTE
_RHYTHM = 0.1


class _Host(NamedTuple):
    """When its measurements came (receipt), when they were made and how often; said goodbye; silent since."""

    heard: int
    at: int
    n: int = 0
    gap: float = 0.0
    left: bool = False
    silent: int = 0

    @property
    def limit(self) -> int:
        return max(SILENT, int(TIMES * self.gap))


class _Service(NamedTuple):
    """First and last heard (receipt), its longest pause of late, where it spoke; silent since."""

    first: int
    heard: int
    pause: int
    host: str
    silent: int = 0


class _Steady(NamedTuple):
    """When it was last looked; since when, and until when, batches came without a long pause."""

    looked: int
    since: int
    until: int

    @classmethod
    def of(cls, stored: list[int] | None, now: int) -> _Steady:
        """Read what is remembered; older releases wrote the look alone."""
        return cls(*stored) if stored and len(stored) == 3 else cls(stored[0] if stored else 0, now, now)


class Absence:
    """Memory: host|… → _Host, service|… → _Service, as lists.

    And looked → [clock of the last look; since when, and until when, batches came without a long pause].
    """

    name = "absence"
    always = True

    def detect(self, memory: Memory, batch: Batch) -> list[Signal]:
        """Return who went silent and who came back; nothing goes silent while nobody listens."""
        found = _hear(memory, batch)
        now = batch.received_at
        looked, since, until = _Steady.of(memory.get("looked"), now)
        if now - until > STEADILY:
            since = now
        look = batch.listening and now - looked >= LOOK
        content = bool(batch.points or batch.counts)
        if look or content:
            memory.put("looked", [now if look else looked, since, max(now, until) if content else until])
        if look:
            # whichever worker it was, who took in the batches listened
            found += _missed(memory, now, min(batch.listening, since))
        return found


def due(memory: Memory) -> int | None:
    """Return when the next of those that still speak would have been silent for too long."""
    times = [host.heard + host.limit for key, host in _hosts(memory) if not (host.left or host.silent)]
    times += [service.heard + SERVICE_SILENT for key, service in _services(memory) if not service.silent
              and service.pause <= PAUSE and service.heard - service.first >= STEADY]
    return min(times, default=None)


def _hear(memory: Memory, batch: Batch) -> list[Signal]:
    """Note who speaks, and return those who were silent until now."""
    now, found = batch.received_at, []
    measured: dict[str, int] = {}
    for point in batch.points:
        if point.host and point.name.startswith("system."):
            measured[point.host] = max(point.at, measured.get(point.host, 0))
    for name, at in measured.items():
        key = f"host|{name}"
        stored = memory.get(key)
        host = _Host(*stored) if stored else _Host(heard=now, at=at)
        if host.silent:
            found.append(_back(key, host=name, at=now))
        step = at - host.at
        if step > 0 and not (host.silent or host.left):
            # a pause that was a trouble is no rhythm
            gap = host.gap + (step - host.gap) * (_RHYTHM if host.n else 1)
            host = host._replace(gap=gap, n=min(host.n + 1, LEARNED))
        memory.put(key, list(_Host(max(now, host.heard), max(at, host.at), host.n, host.gap)))
    spoke = {count.service: count.host for count in batch.counts if count.service and count.n}
    spoke |= {point.service: point.host for point in batch.points
              if point.service and not point.name.startswith("probe.")}
    for name, where in spoke.items():
        key = f"service|{name}"
        stored = memory.get(key)
        service = _Service(*stored) if stored else _Service(first=now, heard=now, pause=0, host=where)
        if service.silent:
            found.append(_back(key, service=name, host=service.host, at=now))
        pause = max(now - service.heard, service.pause)
        if now - service.heard >= MINUTE // 2 or not stored or service.silent or where != service.host:
            if pause > PAUSE:
                # the day in which it must not pause begins anew
                service, pause = service._replace(first=now), 0
            memory.put(key, list(service._replace(heard=now, pause=pause, host=where, silent=0)))
    for point in batch.points:
        stored = memory.get(f"host|{point.host}") if point.name == AGENT else None
        if stored:
            memory.put(f"host|{point.host}", list(_Host(*stored)._replace(left=point.value < 1)))
    return found


def _missed(memory: Memory, now: int, listening: int) -> list[Signal]:
    found: list[Signal] = []
    quiet: set[str] = set()
    if len(memory) >= memory.limit:
        _make_room(memory, now)
    for key, host in _hosts(memory):
        since = max(host.heard, listening)
        if now - host.heard > GONE:
            memory.drop(key)
        elif host.left or host.silent or now - since > host.limit // TIMES:
            quiet.add(key[5:])
            if not (host.left or host.silent) and host.n >= LEARNED and now - since > host.limit:
                memory.put(key, list(host._replace(silent=now)))
                found.append(_silent_host(key, key[5:], host, now))
    for key, service in _services(memory):
        if now - service.heard > GONE:
            memory.drop(key)
        elif (not service.silent and service.host not in quiet and service.heard - service.first >= STEADY
              and now - max(service.heard, listening) > SERVICE_SILENT):
            memory.put(key, list(service._replace(silent=now)))
            found.append(_silent_service(key, key[8:], service, now))
    return found


def _make_room(memory: Memory, now: int) -> None:
    """Forget who said goodbye, and whose silence was told long ago; never who may yet fall silent."""
    for key, host in _hosts(memory):
        if host.left or (host.silent and now - host.silent > TOLD):
            memory.drop(key)
    for key, service in _services(memory):
        if service.silent and now - service.silent > TOLD:
            memory.drop(key)


def _hosts(memory: Memory) -> list[tuple[str, _Host]]:
    return [(key, _Host(*stored)) for key, stored in memory.items() if key.startswith("host|")]


def _services(memory: Memory) -> list[tuple[str, _Service]]:
    return [(key, _Service(*stored)) for key, stored in memory.items() if key.startswith("service|")]


def _silent_host(key: str, name: str, host: _Host, now: int) -> Signal:
    text = (f"{name} has sent no measurement for {(now - host.heard) // SECOND} s; "
            f"it used to send one every {max(1, round(host.gap / SECOND))} s")
    return Signal(
        detector="absence", fingerprint=f"absence|{key}", cls="service_crash", severity="high",
        title="the host went silent", at=host.heard, last_at=now, host=name,
        cause="it is down, cut off from the network, or its agent was killed",
        evidence=(Evidence(id=f"absence|{key}|{host.heard}", kind="event", at=host.heard, text=text,
                           host=name, source="absence"),))


def _silent_service(key: str, name: str, service: _Service, now: int) -> Signal:
    text = (f"{name} has said nothing for {(now - service.heard) // SECOND} s, while its host still speaks; "
            f"for a day it had not paused for more than {PAUSE // SECOND} s")
    return Signal(
        detector="absence", fingerprint=f"absence|{key}", cls="service_crash", severity="medium",
        title="the service went silent", at=service.heard, last_at=now, service=name, host=service.host,
        cause="it hangs, was stopped, or its output no longer arrives", remedies=("restart_service",),
        evidence=(Evidence(id=f"absence|{key}|{service.heard}", kind="event", at=service.heard, text=text,
                           service=name, host=service.host, source="absence"),))


def _back(key: str, *, at: int, host: str = "", service: str = "") -> Signal:
    return Signal(detector="absence", fingerprint=f"absence|{key}", cls="service_crash", severity="medium",
                  title="it speaks again", at=at, last_at=at, state="cleared", service=service, host=host)
