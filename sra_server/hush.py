"""Hush: which changes nobody is told of, and what is told when a silence ends. From rounds; pure.

An incident's row says that it is silenced, by what and until when; so what is owed at the end of the
silence survives every restart. Whether a silence holds is judged at the receipt time of the change.
It is held back only while every sign in it that is not over is covered: what merely happens beside a
silenced trouble, on the same host at the same time, is told. Where a part was silenced while another was
told, the case says which; when that part's silence is over and the part is not, people are told once more.
"""
from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from .correlate.settle import held
from .domain.case import Case
from .domain.effect import brings
from .domain.incident import ACTIVE, Change, Incident
from .domain.known import Known
from .domain.names import names
from .domain.record import SECOND
from .domain.signal import LEVELS, Signal
from .domain.silence import Hold, Part, Silence, cover, holding

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: What came so shortly before the end of a silence still comes.
_NEAR = 30 * SECOND
#: A note names at most so many parts of each kind.
_MOST_NAMED = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What is judged by: the silences, what the fold knows of each incident, and how long quiet lasts."""

    silences: tuple[Silence, ...]
    cases: Mapping[str, Case] = field(default_factory=dict)
    known: Known = field(default_factory=Known)
    quiet: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """The incident with its mark; `partly` and `silenced` as in a change."""

    incident: Incident
    partly: str = ""
    silenced: frozenset[str] = frozenset()


def hushed(changes: Iterable[Change], present: Mapping[str, Incident], scene: Scene, at: int) -> list[Change]:
    """Return the changes with their incidents marked, and a change for each silence that began or ended.

    `present` are the incidents as they were before the changes. One that is over keeps its mark: of its
    end nobody is told either.
    """
    found: list[Change] = []
    now = dict(present)
    holds: dict[int, tuple[Hold, ...]] = {}
    for change in changes:
        before = now.get(change.incident.id)
        seen = judged(change.incident, scene, _holds(holds, scene, change.at), change.at)
        told = seen.partly and change.kind in ("opened", "reopened")
        found.append(replace(change, incident=seen.incident, partly=seen.partly, silenced=seen.silenced,
                             reason=f"{change.reason}; {seen.partly}" if told else change.reason))
        found += _turned(before, seen, change, scene)
        now[seen.incident.id] = seen.incident
    changed = {change.incident.id for change in found}
    for incident in present.values():
        if incident.id not in changed:
            seen = judged(incident, scene, _holds(holds, scene, at), at)
            if seen.incident != incident:
                found += _turned(incident, seen, None, scene, at)
    latest = {change.incident.id: change.incident for change in found}
    unsilenced = {change.incident.id for change in found if change.kind == "unsilenced"}
    for incident in {**present, **latest}.values():
        if incident.id not in unsilenced:
            found += _part_over(incident, scene, _holds(holds, scene, at), at)
    return found


def remembered(cases: Mapping[str, Case], present: Iterable[Incident], scene: Scene, at: int,
               told: frozenset[str] = frozenset()) -> Mapping[str, Case]:
    """Return the cases with what is silenced now in those incidents of which people are or were told.

    `told`: the incidents that were silenced wholly, and whose end people were told of in this step.
    """
    holds = holding(scene.silences, at)
    if not holds and not any(case.hushed for case in cases.values()):
        return cases
    found = dict(cases)
    for incident in present:
        case = cases.get(incident.id)
        if case is None or (not holds and not case.hushed):
            continue
        hushed: dict[str, tuple[int, str]] = {}
        if incident.status in ACTIVE and not (incident.silenced_by is not None and never_told(incident)):
            over = {sign.fingerprint for sign, _ in _over(incident, case, scene, holds, at)}
            for sign in _signs(incident, case, scene, at):
                hold = cover(holds, _part(incident, sign, case.signals, scene.known, holds))
                was = case.hushed.get(sign.fingerprint)
                if hold is not None:
                    hushed[sign.fingerprint] = (at, hold.silence.id)
                elif was is not None and sign.fingerprint not in over and incident.id not in told:
                    hushed[sign.fingerprint] = (was[0], was[1])
        if hushed != case.hushed:
            found[incident.id] = replace(case, hushed=hushed)
    return found


def _over(incident: Incident, case: Case, scene: Scene, holds: tuple[Hold, ...],
          at: int) -> Iterator[tuple[Signal, Silence]]:
    """Yield the signs whose silence is over while they are not: a level still holds, or a text came again."""
    if not case.hushed or incident.status not in ACTIVE or incident.silenced_by is not None:
        return
    known = {each.id: each for each in scene.silences}
    for sign in _signs(incident, case, scene, at):
        seen, by = case.hushed.get(sign.fingerprint, (0, ""))
        silence = known.get(by)
        if silence is None or silence.until(at) is not None:
            continue
        goes_on = case.fired.get(sign.fingerprint, 0) > seen or (
            sign.detector in LEVELS and sign.fingerprint not in case.cleared)
        if goes_on and cover(holds, _part(incident, sign, case.signals, scene.known, holds)) is None:
            yield sign, silence


def _part_over(incident: Incident, scene: Scene, holds: tuple[Hold, ...], at: int) -> list[Change]:
    """Return the change that tells of a part whose silence is over, though the part is not."""
    case = scene.cases.get(incident.id)
    over = list(_over(incident, case, scene, holds, at)) if case else []
    if not over:
        return []
    back = {sign.service for sign, _ in over}
    seen = judged(incident, scene, holds, at)
    parts = dict.fromkeys(f"{_named(sign)} ({sign.title})" for sign, _ in over)
    whys = dict.fromkeys(silence.why for _, silence in over)
    reason = f"the silence of {_listed(list(parts))} is over ({_listed(list(whys))}), and the trouble is not"
    # it was told of before; and of the other parts nobody is asked again what would help
    others = frozenset({*incident.services, incident.service} - back)
    return [Change(kind="unsilenced", incident=replace(incident, silenced_at=None), at=at, partly=seen.partly,
                   silenced=others, reason="; ".join(each for each in (reason, seen.partly) if each))]


def _named(sign: Signal) -> str:
    return str(Part(service=sign.service, host=sign.host, cls=sign.cls))


def _holds(known: dict[int, tuple[Hold, ...]], scene: Scene, at: int) -> tuple[Hold, ...]:
    if at not in known:
        known[at] = holding(scene.silences, at)
    return known[at]


def judged(incident: Incident, scene: Scene, holds: tuple[Hold, ...], at: int) -> Judged:
    """Return the incident with the silence that ends first of those that hold for its parts now, or none."""
    if incident.status not in ACTIVE:
        return Judged(incident=incident)
    parts = [(part, cover(holds, part)) for part in _parts(incident, scene, holds, at)] if holds else []
    covered = [(part, hold) for part, hold in parts if hold is not None]
    first = min((hold for _, hold in covered), key=lambda hold: (hold.until, hold.silence.id), default=None)
    if first is None or len(covered) < len(parts):
        loud = [part for part, hold in parts if hold is None]
        free = incident if incident.silenced_by is None else replace(
            incident, silenced_by=None, silenced_until=None, silenced_why=None)
        if first is None:
            return Judged(incident=free)
        quiet = [part for part, _ in covered]
        return Judged(incident=free, partly=_partly(loud, quiet, first), silenced=frozenset(
            {part.service for part in quiet} - {part.service for part in loud}))
    began = incident.silenced_at if incident.silenced_by is not None else at
    return Judged(incident=replace(
        incident, silenced_by=first.silence.id, silenced_until=first.until, silenced_why=first.silence.why,
        silenced_at=began))


def _parts(incident: Incident, scene: Scene, holds: tuple[Hold, ...], at: int) -> Iterator[Part]:
    """Yield what must be covered: each sign that is not over, and whose those may be that nobody kept."""
    case = scene.cases.get(incident.id)
    kept = {each.fingerprint: each for each in case.signals} if case else {}
    for signal in _signs(incident, case, scene, at) if case else ():
        yield _part(incident, signal, case.signals if case else (), scene.known, holds)
    if not any(each in kept for each in incident.firing) or any(each not in kept for each in incident.firing):
        host = incident.hosts[0] if len(incident.hosts) == 1 else ""
        yield Part(service=incident.service, host=incident.host or host, cls=incident.cls,
                   title=incident.title)
        for service in incident.services:
            if service != incident.service and all(each.service != service for each in kept.values()):
                yield Part(service=service, host=host, cls="")


def _signs(incident: Incident, case: Case, scene: Scene, at: int) -> list[Signal]:
    """Return the signs that are not over; of a trouble that is about to be over all count."""
    kept = {each.fingerprint: each for each in case.signals}
    firing = [kept[each] for each in incident.firing if each in kept]
    return [each for each in firing if _lasts(case, each.fingerprint, scene.quiet, at)] or firing


def _lasts(case: Case, fingerprint: str, quiet: int, at: int) -> bool:
    """Say whether a sign is not over; one that comes and goes lasts through its pauses."""
    cleared = case.cleared.get(fingerprint)
    return cleared is None or at - cleared < held(case, quiet)


def _part(incident: Incident, signal: Signal, signals: tuple[Signal, ...], known: Known,
          holds: tuple[Hold, ...]) -> Part:
    """Return the part that a sign is: its own, or the incident's cause where it is but an effect of that."""
    own = Part(service=signal.service, host=signal.host, cls=signal.cls, title=signal.title)
    same = signal.service == incident.service
    cause = replace(own, service=incident.service, cls=incident.cls,
                    host=own.host if same else incident.host or own.host)
    if cover(holds, own) == cover(holds, cause):
        return own  # whichever it is; who names whom is long to find out
    if same:
        return cause if brings(incident.cls, signal.cls) else own
    # only what its own errors say: who depends on a silenced service may be ill by itself
    said = names(signal, signals, replace(known, depends_on={}))
    return cause if incident.service in said else own


def _partly(loud: list[Part], covered: list[Part], first: Hold) -> str:
    """Return in words which part is silenced and which is not."""
    open_ = {str(part): f"{part} ({part.title})" if part.title else str(part) for part in reversed(loud)}
    quiet = dict.fromkeys(map(str, covered))
    return (f"not silenced: {_listed(list(reversed(open_.values())))}; silenced until {_date(first.until)}: "
            f"{_listed(list(quiet))} ({first.silence.why})")


def _listed(words: list[str]) -> str:
    more = f" and {len(words) - _MOST_NAMED} more" if len(words) > _MOST_NAMED else ""
    return ", ".join(words[:_MOST_NAMED]) + more


def _date(at: int) -> str:
    return (_EPOCH + timedelta(microseconds=at)).strftime("%Y-%m-%d %H:%M:%S UTC")


def never_told(incident: Incident) -> bool:
    """Say whether the silence that ended had held since the incident was opened."""
    return incident.silenced_at is not None and incident.silenced_at <= incident.created_at


def _owed(incident: Incident, scene: Scene, at: int) -> bool:
    """Say whether people must be told when a silence ends: of what goes on, and what they never heard of."""
    case = scene.cases.get(incident.id)
    if case is None or never_told(incident):
        return True
    began = incident.silenced_at or 0
    return any(sign.at >= began or at - case.fired.get(sign.fingerprint, 0) <= _NEAR
               or (sign.detector in LEVELS and sign.fingerprint not in case.cleared)
               for sign in _signs(incident, case, scene, at))


def _turned(before: Incident | None, seen: Judged, change: Change | None, scene: Scene,
            at: int = 0) -> list[Change]:
    """Return the change that tells of a silence that began or ended with this step."""
    at = change.at if change else at
    after = seen.incident
    was = before.silenced_by if before is not None and before.status in ACTIVE else None
    if after.status not in ACTIVE or (was is None) == (after.silenced_by is None):
        # it goes on; that it now ends at another time is written with it
        moved = change is None and before != after
        return [Change(kind="attached", incident=after, reason="", at=at)] if moved else []
    if after.silenced_by is not None:
        return [Change(kind="silenced", incident=after, at=at,
                       reason=f"silenced until {_date(after.silenced_until or 0)}: {after.silenced_why}")]
    why = before.silenced_why if before else ""
    still = any(each.id == was and each.until(at) is not None for each in scene.silences)
    if not still and not _owed(after, scene, at):
        return [Change(kind="attached", incident=after, at=at,
                       reason=f"the silence is over ({why}); it is told again once there are more signs")]
    ended = f"the silence is over ({why}), and the trouble is not"
    if still:
        ended = "" if seen.partly else f"what is silenced ({why}) is not what this is about"
    return [Change(kind="unsilenced", incident=after, at=at, partly=seen.partly, silenced=seen.silenced,
                   reason="; ".join(each for each in (ended, seen.partly) if each))]
