"""Case: what the fold knows of one incident beyond its row. From and to correlate; to analyse."""
from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from .evidence import Evidence
from .signal import Signal

SIGNALS = 32
#: The detector of a sign that somebody is silent who is missed.
SILENCE = "silence"
#: And no more than so many that are evidence alone.
SUPPORTING = 6
_EVIDENCE = 5
#: Of the places that signals named for which there was no room, so many are remembered.
_BEYOND = 32
#: Of so many objects of its signs it is known that they are ill; of a trouble that is wider people know.
OBJECTS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """The signals of one incident, one for each fingerprint, and when each last fired (receipt time).

    `told_at`: when the last change was written; `more`: signals beyond SIGNALS, counted and not kept, and
    `beyond` the places that they name; `returns`: how often it came back, last at `returned`, after `pause`
    at the longest; `hushed`: which signs a silence covers while others are told, until when that was seen
    (receipt time) and which silence. `worse_at`: when people were last told that it is worse; `swept`: the
    fingerprints of what came in with a storm, which explain nothing; `heard`: the classes under which people
    were told of it; `objects`: of what each sign complains, as far as people know; of none, if they are not
    told of it yet.
    """

    signals: tuple[Signal, ...]
    fired: Mapping[str, int]
    cleared: Mapping[str, int]
    last_at: int
    told_at: int
    count: int
    reopened: int = 0
    more: int = 0
    returns: int = 0
    returned: int = 0
    pause: int = 0
    hushed: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    beyond: tuple[str, ...] = ()
    worse_at: int = 0
    swept: tuple[str, ...] = ()
    heard: tuple[str, ...] = ()
    objects: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @property
    def telling(self) -> tuple[Signal, ...]:
        """Return the signals by which others may belong to it; mere evidence leads nobody here."""
        return tuple(each for each in self.signals if each.opens or each.detector == SILENCE)

    def add(self, signal: Signal, at: int) -> Case:
        """Return the case with a firing signal in it."""
        fingerprint = signal.fingerprint
        rest = [each for each in self.signals if each.fingerprint != fingerprint]
        before = None if len(rest) == len(self.signals) else next(
            each for each in self.signals if each.fingerprint == fingerprint)
        if before is None and len(rest) >= SIGNALS and (spare := _spare(rest)) is not None:
            rest.remove(spare)
        if before is None and len(rest) >= SIGNALS:
            return replace(self, more=self.more + 1, last_at=at, count=self.count + signal.count,
                           beyond=_places(self.beyond, signal.subject))
        kept = (*rest, signal if before is None else merged(before, signal))
        told = self if fingerprint in self.objects else self.naming(
            fingerprint, (name for name, _ in signal.objects))
        fired = {**self.fired, fingerprint: at}
        cleared = {key: when for key, when in self.cleared.items() if key != fingerprint}
        ordered = tuple(sorted(kept, key=lambda each: (each.at, each.fingerprint)))
        return replace(told, signals=ordered, fired=fired, cleared=cleared, last_at=at,
                       count=self.count + signal.count)

    @property
    def named(self) -> int:
        """Return of how many objects it is known that they are ill."""
        return len({name for names in self.objects.values() for name in names})

    def naming(self, fingerprint: str, names: Iterable[str]) -> Case:
        """Return the case with more objects of a sign, as far as there is room."""
        known = self.objects.get(fingerprint, ())
        fresh = [each for each in dict.fromkeys(names) if each not in known][:max(0, OBJECTS - self.named)]
        return replace(self, objects={**self.objects, fingerprint: (*known, *fresh)}) if fresh else self

    def back(self, at: int) -> Case:
        """Return the case of a trouble that was over, wholly or in part, and is there again."""
        return replace(self, returns=self.returns + 1, returned=at, pause=max(self.pause, at - self.last_at))

    def with_all_of(self, other: Case) -> Case:
        """Return the case with everything in it that another holds."""
        kept = {each.fingerprint: each for each in (*other.signals, *self.signals)}
        ordered = sorted(kept.values(), key=lambda each: (each.at, each.fingerprint))
        while len(ordered) > SIGNALS and (spare := _spare(ordered)) is not None:
            ordered.remove(spare)
        fired = {**other.fired, **self.fired}
        cleared = {**other.cleared, **self.cleared}
        return replace(
            self, signals=tuple(ordered[:SIGNALS]), fired=fired, cleared=cleared,
            last_at=max(self.last_at, other.last_at), count=self.count + other.count,
            more=self.more + other.more + len(ordered[SIGNALS:]), reopened=max(self.reopened, other.reopened),
            returns=max(self.returns, other.returns), pause=max(self.pause, other.pause),
            returned=max(self.returned, other.returned),
            hushed={**other.hushed, **self.hushed}, heard=_places(self.heard, *other.heard),
            objects={**other.objects, **self.objects},
            beyond=_places(self.beyond, *other.beyond, *(each.subject for each in ordered[SIGNALS:])))

    def support(self, signal: Signal) -> Case:
        """Return the case with evidence in it that says nothing of whether the trouble lasts."""
        known = any(each.fingerprint == signal.fingerprint for each in self.signals)
        many = sum(not each.opens and each.detector != SILENCE for each in self.signals) >= SUPPORTING
        if known or (many and signal.detector != SILENCE) or not self.signals or len(self.signals) >= SIGNALS:
            return self
        ordered = tuple(sorted((*self.signals, signal), key=lambda each: (each.at, each.fingerprint)))
        return replace(self, signals=ordered)

    def clear(self, fingerprint: str, at: int) -> Case:
        """Return the case with one fingerprint positively over."""
        return replace(self, cleared={**self.cleared, fingerprint: at})


def _spare(signals: Sequence[Signal]) -> Signal | None:
    """Return the latest of what is evidence alone: it makes room for what is told."""
    return next((each for each in reversed(signals) if not each.opens and each.detector != SILENCE), None)


def _places(before: tuple[str, ...], *more: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*before, *filter(None, more))))[:_BEYOND]


def merged(before: Signal, now: Signal) -> Signal:
    """Return a sign that came again, with all that it was before."""
    evidence: dict[str, Evidence] = {each.id: each for each in (*before.evidence, *now.evidence)}
    ordered = sorted(evidence.values(), key=lambda each: (each.at, each.id))
    if len(ordered) > _EVIDENCE:
        ordered = [*ordered[:_EVIDENCE - 2], *ordered[-2:]]
    return replace(now, at=min(before.at, now.at), last_at=max(before.last_at, now.last_at),
                   count=before.count + now.count, subject=before.subject or now.subject,
                   evidence=tuple(ordered))
