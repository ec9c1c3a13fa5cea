"""Rhythm: how often each service of a host is heard of, and who has fallen silent. From pipeline; to silent.

All levels count, for a service that is well writes information. Silent is who was heard several times a
minute for minutes and now is not, for longer than five of its usual gaps and than any pause of late. By the
receipt of batches: who sends seldom has long gaps for all of its services.
"""
from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple, Protocol

from ..domain.record import MINUTE, SECOND, Batch

#: So many services of hosts are remembered; beyond, who was not heard of for longest is forgotten.
HEARD = 4096
#: Regular is who was heard so often for so long.
_OFTEN, _WATCHED = 20 * SECOND, 3 * MINUTE
#: Silent is who is not heard for so long, for so many usual gaps, and for so many of its latest long pauses.
_SILENT, _GAPS, _PAUSES = 5 * SECOND, 5, 1.5
#: A gap counts for a tenth; a long pause counts half after ten minutes.
_PART, _HALF = 0.1, 10 * MINUTE
_WARNING = 30


class Rhythms(Protocol):
    """What of the state's Memory is needed: service|host → a Rhythm as a list."""

    def get(self, key: str) -> Any: ...
    def put(self, key: str, value: Any) -> None: ...
    def items(self) -> list[tuple[str, Any]]: ...


class Rhythm(NamedTuple):
    """Of one service on one host: last heard, first heard, last warning or error (receipt times).

    And its usual gap and its longest pause, which fades; both in microseconds; last heard as well.
    """

    heard: int
    since: int
    warned: int = 0
    gap: float = 0.0
    pause: float = 0.0
    well: int = 0

    @property
    def limit(self) -> int:
        """Return after how long without a word it is silent."""
        return max(_SILENT, int(_GAPS * self.gap), int(_PAUSES * self.pause))

    @property
    def regular(self) -> bool:
        """Say whether it is heard so often that its silence tells something."""
        return self.heard - self.since >= _WATCHED and 0 < self.gap <= _OFTEN

    def silent(self, now: int) -> bool:
        """Say whether it has fallen silent."""
        return self.regular and now - self.heard >= self.limit


def hear(rhythms: Rhythms, batch: Batch, now: int) -> None:
    """Note who is heard of in a batch received at `now`."""
    warned: dict[str, bool] = {}
    well: set[str] = set()
    for count in batch.counts:
        if count.service and count.n:
            key = f"{count.service}|{count.host}"
            warned[key] = warned.get(key, False) or count.level >= _WARNING
            if count.level < _WARNING:
                well.add(key)
    for key, warns in warned.items():
        stored = rhythms.get(key)
        one = Rhythm(*stored) if stored else Rhythm(heard=now, since=now)
        step = max(0, now - one.heard)
        if step:
            gap = one.gap + (step - one.gap) * (_PART if one.gap else 1.0)
            one = one._replace(heard=now, gap=gap, pause=max(step, one.pause * 0.5 ** (step / _HALF)))
        one = one._replace(warned=now) if warns else one
        rhythms.put(key, list(one._replace(well=now) if key in well else one))


def well_at(rhythms: Rhythms | None, service: str, hosts: Iterable[str]) -> int:
    """Return when a service was last heard of without a complaint on some hosts (receipt time), or 0."""
    if rhythms is None or not service:
        return 0
    found = (rhythms.get(f"{service}|{host}") for host in hosts)
    return max((Rhythm(*each).well for each in found if each), default=0)


def by_host(rhythms: Rhythms) -> dict[str, dict[str, Rhythm]]:
    """Return who was heard of on each host, by service."""
    found: dict[str, dict[str, Rhythm]] = {}
    for key, stored in rhythms.items():
        service, _, host = key.rpartition("|")
        found.setdefault(host, {})[service] = Rhythm(*stored)
    return found


def homes(rhythms: Rhythms) -> dict[str, frozenset[str]]:
    """Return on which hosts each service was heard."""
    found: dict[str, set[str]] = {}
    for key, _ in rhythms.items():
        service, _, host = key.rpartition("|")
        if host:
            found.setdefault(service, set()).add(host)
    return {service: frozenset(hosts) for service, hosts in found.items()}
