"""A little world for the tests of detection: batches by the second, and the fold over them."""
from __future__ import annotations

import itertools
import zlib
from collections.abc import Iterable

from sra_server.domain.analysis import Offer
from sra_server.domain.incident import ACTIVE, Change, Incident
from sra_server.domain.record import MINUTE, SECOND, Batch, Count, Point, Record
from sra_server.pipeline import Settings, State, fold

#: An arbitrary full minute.
START = 1_700_000_040 * SECOND


def at(seconds: float) -> int:
    return START + int(seconds * SECOND)


def record(text: str, seconds: float, *, service: str = "shop", host: str = "web-1", level: int = 40,
           number: int | None = None, **metadata: object) -> Record:
    which = number if number is not None else zlib.crc32(text.encode())
    return Record(id=f"r-{service}-{seconds}-{which}", at=at(seconds), level=level, message=text,
                  service=service, host=host, metadata=dict(metadata))


def point(name: str, value: float, seconds: float, *, service: str = "", host: str = "web-1",
          **tags: str) -> Point:
    return Point(id=f"p-{name}-{service}-{seconds}", at=at(seconds), name=name, value=value,
                 service=service, host=host, tags=tuple(sorted(tags.items())))


def probe(value: float, seconds: float, service: str = "inventory",
          target: str = "http://127.0.0.1:8081/health") -> Point:
    return point("probe.up", value, seconds, service=service, probe=f"{service}-http", target=target)


def counted(records: Iterable[Record]) -> tuple[Count, ...]:
    found: dict[tuple[int, str, str, int], int] = {}
    for each in records:
        key = (each.at - each.at % MINUTE, each.service, each.host, each.level)
        found[key] = found.get(key, 0) + 1
    return tuple(Count(minute=minute, service=service, host=host, level=level, n=n)
                 for (minute, service, host, level), n in found.items())


def batch(seconds: float, *records: Record, points: Iterable[Point] = (), alive: Iterable[str] = ()) -> Batch:
    """Return a batch; `alive` are services that wrote one line of information."""
    quiet = [Record(id="x", at=at(seconds), level=20, message="", service=service, host="web-1")
             for service in alive]
    return Batch(account_id="a", head=int(seconds * 10) + 1, received_at=at(seconds),
                 records=tuple(each for each in records if each.level >= 30), points=tuple(points),
                 counts=counted([*records, *quiet]))


class World:
    """Folds batches as the worker does; after each, the state goes through JSON."""

    def __init__(self, settings: Settings | None = None, offers: tuple[Offer, ...] = (), *,
                 through_json: bool = True) -> None:
        self.settings, self.offers, self.through_json = settings or Settings(), offers, through_json
        self.state = State.empty()
        self.incidents: dict[str, Incident] = {}
        self.changes: list[Change] = []
        self._ids = itertools.count(1)

    def fold(self, given: Batch) -> tuple[Change, ...]:
        after = given.received_at - self.settings.reopen
        # as the store gives them
        latest_first = sorted(self.incidents.values(), key=lambda each: -each.created_at)
        active = tuple(each for each in latest_first if each.status in ACTIVE or (
            each.status == "resolved" and (each.resolved_at or 0) >= after))
        self.state, changes = fold(self.state, given, active, self.offers, given.received_at, self.settings,
                                   lambda: f"i{next(self._ids)}")
        if self.through_json:
            self.state = State.from_json(self.state.to_json())
        for change in changes:
            self.incidents[change.incident.id] = change.incident
        self.changes += changes
        return changes

    def only(self) -> Incident:
        assert len(self.incidents) == 1, [each.title for each in self.incidents.values()]
        return next(iter(self.incidents.values()))
