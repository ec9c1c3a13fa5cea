"""READ FIRST. The whole judgement: what one committed batch changes. From worker and analyze; to the store.

    signals = detect(batch)                     what is wrong in it, each with its evidence
    changes = correlate(signals, incidents)     one incident for one trouble, each step with its reason
    changes = analyse(changes)                  why, with cited claims, and what would help

Pure: plain data in, plain data out, no clock, no store. What must be remembered from batch to batch is
the State, bounded and JSON, saved in the transaction that writes the changes. So a fold that dies and
is done again gives the same, and the server, `sra analyze`, benchmarks and tests all run this one.
"""
from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from .analyse import LOCAL
from .correlate import Rules, correlate
from .correlate.doubt import holds
from .correlate.early import offered, remember
from .correlate.rhythm import hear as hear_rhythms
from .correlate.rhythm import homes
from .correlate.stops import hear
from .detect import DETECTORS, TICKED, Detector
from .detect.memory import Memory
from .domain.analysis import Offer
from .domain.case import Case
from .domain.evidence import Evidence
from .domain.incident import Change, Incident
from .domain.known import Known
from .domain.lesson import Lesson
from .domain.listener import key
from .domain.place import of_target, seen_from
from .domain.record import MINUTE, SECOND, Batch
from .domain.signal import Signal
from .state import State

#: A batch received longer ago than this is a backlog: counts and levels no longer speak of now.
BACKLOG = 10 * MINUTE


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Microseconds of quiet before an incident is over, of reopening after it; dependencies; who detects.

    `lessons` are the account's, by fingerprint.
    """

    quiet: int = 120 * SECOND
    reopen: int = 600 * SECOND
    depends_on: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    detectors: tuple[Detector, ...] = DETECTORS
    lessons: Mapping[str, Lesson] = field(default_factory=dict)


def fold(state: State, batch: Batch, incidents: tuple[Incident, ...], offers: tuple[Offer, ...], now: int,
         settings: Settings, new_id: Callable[[], str]) -> tuple[State, tuple[Change, ...]]:
    """Return the state and the changes after one batch; a batch without content is a tick of time.

    `incidents` are the active ones and those resolved within `settings.reopen`. `now` tells only
    whether the batch is a backlog; every other judgement stands on the batch's receipt time.
    """
    clock = max(state.clock, batch.received_at)
    state = state.fork(clock)
    _learn(state, batch)
    signals = _detect(state, batch, settings.detectors, backlog=now - batch.received_at > BACKLOG)
    before = offered(state.early, signals, clock)
    remember(state.early, signals, clock)
    # what is evidence alone has nothing to join
    if not incidents and not any(each.opens for each in signals) and not holds(state.doubts):
        return replace(state, cases={}), ()
    known = known_of(state, settings)
    signals = [_placed(signal, known) for signal in (*before, *signals)]
    rules = Rules(quiet=settings.quiet, reopen=settings.reopen, known=known, lessons=settings.lessons,
                  doubts=state.doubts, stops=state.stops, rhythms=state.rhythms)
    cases, changes = correlate(signals, state.cases, incidents, _Life(state.life), clock, rules, new_id)
    return replace(state, cases=cases), tuple(_analyse(change, cases, offers, known) for change in changes)


class _Life(Mapping[str, int]):
    """The signs of life, of which a fold asks for a few; there may be thousands, so they are not copied."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    def __getitem__(self, key: str) -> int:
        found = self._memory.get(key)
        if found is None:
            raise KeyError(key)
        return int(found)

    def __iter__(self) -> Iterator[str]:
        return iter(self._memory)

    def __len__(self) -> int:
        return len(self._memory)


def known_of(state: State, settings: Settings) -> Known:
    """Return what the state and the settings know of the surroundings."""
    heard = frozenset(key[8:] for key in state.life if key.startswith("service|") and len(key) > 10)
    return Known(places=dict(state.places.items()), depends_on=settings.depends_on, services=heard,
                 listening=dict(state.listening.items()), homes=homes(state.rhythms))


def _detect(state: State, batch: Batch, detectors: tuple[Detector, ...], *, backlog: bool) -> list[Signal]:
    """Return what every detector says, each with its own memory."""
    found: list[Signal] = []
    content = bool(batch.records or batch.points or batch.counts)
    for detector in detectors:
        if (content or detector.name in TICKED) and (detector.always or not backlog):
            found += detector.detect(state.memory(detector.name), batch)
    return found


def _learn(state: State, batch: Batch) -> None:
    """Note who shows life, behind which place which service is probed, and who listens where."""
    clock = state.clock
    hear_rhythms(state.rhythms, batch, clock)
    for waited in hear(state.stops, batch, clock):
        state.memory("signature").drop(waited)
    # each name once, however many counts and points tell it
    services = dict.fromkeys(count.service for count in batch.counts)
    hosts = dict.fromkeys(count.host for count in batch.counts)
    for point in batch.points:
        hosts[point.host] = None
        if point.name == "host.listens":
            tags = dict(point.tags)
            state.listening.put(key(point.host, tags.get("place", "")), [
                tags.get("program", ""), tags.get("systemd", "")])
            continue
        if point.name != "probe.up":
            # that somebody asked is no life of who was asked
            if point.service and not point.name.startswith("probe."):
                services[point.service] = None
            continue
        if point.value >= 1:
            services[point.service] = None
        target = dict(point.tags).get("target")
        if target and point.service:
            place = seen_from(of_target(target), point.host)
            if state.places.get(place) != point.service:
                state.places.put(place, point.service)
    for service in services:
        state.life.put(f"service|{service}", clock)
    for host in hosts:
        state.life.put(f"host|{host}", clock)


def _placed(signal: Signal, known: Known) -> Signal:
    """Return the signal with the evidence of what stands at the place that its texts name, if known."""
    if not signal.subject or signal.detector == "probe":
        return signal
    service = known.at(signal.subject, signal.host)
    if not service or service == signal.service:
        return signal
    if not known.probed(signal.subject, signal.host):
        fact = Evidence(id=f"listens|{signal.subject}|{signal.host}|{service}", kind="event", at=signal.at,
                        text=f"{signal.subject}, as {signal.host or 'a client'} names it, is where {service} "
                        "listens", service=service, source="agent")
        return replace(signal, evidence=(*signal.evidence, fact))
    fact = Evidence(id=f"place|{signal.subject}|{service}", kind="event", at=signal.at, service=service,
                    text=f"{signal.subject} is where the health check of {service} looks", source="probe")
    return replace(signal, evidence=(*signal.evidence, fact))


def _analyse(change: Change, cases: Mapping[str, Case], offers: tuple[Offer, ...], known: Known) -> Change:
    """Return the change with a root cause, wherever something new was learned."""
    case = cases.get(change.incident.id)
    if change.kind == "resolved" or case is None or not case.signals:
        return change
    analysis = LOCAL.analyse(change.incident, case, offers, known)
    if (change.incident.root_cause, change.incident.confidence) == (analysis.root_cause, analysis.confidence):
        return change
    return replace(change, analysis=analysis, incident=replace(
        change.incident, root_cause=analysis.root_cause, confidence=analysis.confidence))


__all__ = ["BACKLOG", "Settings", "State", "fold", "known_of"]
