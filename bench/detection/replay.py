"""Fold recorded records and points second by second, as a server would have received them. To score.

The fold is `sra_server.pipeline.fold`, the one of the server and of `sra analyze`. A batch holds what
happened within one second and is received at its end; while a case is open, a second without content is
a tick of time, as the worker makes it.
"""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace

from sra_server.domain.incident import ACTIVE, Incident
from sra_server.domain.record import MINUTE, SECOND, Batch, Count, Point, Record
from sra_server.pipeline import Settings, State, fold


@dataclass(slots=True, kw_only=True)
class Trouble:
    """One incident: as it was opened, as it stands, and when each change to it was written."""

    opened: Incident
    latest: Incident
    changed_at: list[int] = field(default_factory=list)
    cause: str = ""


@dataclass(slots=True, kw_only=True)
class Run:
    """A fold that can be continued: the normal hour is folded once for all cases with the same programs."""

    state: State = field(default_factory=State.empty)
    troubles: dict[str, Trouble] = field(default_factory=dict)
    end: int = 0
    head: int = 0

    def copy(self) -> Run:
        """Return a run that goes on apart."""
        return Run(
            state=self.state,
            end=self.end,
            head=self.head,
            troubles={
                key: replace(each, changed_at=list(each.changed_at)) for key, each in self.troubles.items()
            },
        )

    def take(
        self, records: list[Record], points: list[Point], until: int, settings: Settings | None = None
    ) -> None:
        """Fold what happened up to a moment."""
        rules = settings or Settings()
        loud: dict[int, list[Record]] = defaultdict(list)
        counts: dict[int, Counter[tuple[int, str, str, int]]] = defaultdict(Counter)
        measured: dict[int, list[Point]] = defaultdict(list)
        for record in records:
            second = record.at // SECOND
            counts[second][record.at - record.at % MINUTE, record.service, record.host, record.level] += 1
            if record.level >= 30:
                loud[second].append(record)
        for point in points:
            measured[point.at // SECOND].append(point)
        busy = sorted({*counts, *measured})
        first = busy[0] if busy else until // SECOND
        wanted = set(busy)
        for second in range(first, until // SECOND + 1):
            if second in wanted or self._recent(second * SECOND, rules):
                self._second(
                    second,
                    loud.get(second, []),
                    counts.get(second, Counter()),
                    measured.get(second, []),
                    rules,
                )
        self.end = until

    def _second(
        self,
        second: int,
        records: list[Record],
        counts: Counter[tuple[int, str, str, int]],
        points: list[Point],
        rules: Settings,
    ) -> None:
        self.head += 1
        now = (second + 1) * SECOND
        batch = Batch(
            account_id="",
            head=self.head,
            received_at=now,
            records=tuple(records),
            points=tuple(points),
            counts=tuple(
                Count(minute=minute, service=service, host=host, level=level, n=n)
                for (minute, service, host, level), n in counts.items()
            ),
        )
        numbers = itertools.count(len(self.troubles) + 1)
        self.state, changes = fold(
            self.state, batch, self._recent(now, rules), (), now, rules, lambda: f"incident-{next(numbers)}"
        )
        for change in changes:
            found = self.troubles.get(change.incident.id)
            if found is None:
                found = self.troubles[change.incident.id] = Trouble(
                    opened=change.incident, latest=change.incident
                )
            found.latest = change.incident
            if change.kind != "resolved":
                found.changed_at.append(now)
            if change.analysis is not None:
                found.cause = change.analysis.root_cause

    def _recent(self, now: int, rules: Settings) -> tuple[Incident, ...]:
        return tuple(
            each.latest
            for each in self.troubles.values()
            if each.latest.status in ACTIVE or now - (each.latest.resolved_at or 0) <= rules.reopen
        )
