"""Novelty: a kind of error that a service never wrote before, and now writes often. To correlate.

That a text is new proves nothing (measured precision 0.06), so a new template of errors is evidence for
an incident that is open anyway, and opens one only with a real rate: as many in a minute as a burst must
have, unlikely by the count test over all the minutes in which the service was watched without it, more than
one client's, where errors are a fifth of all that the service writes, and, below half of it, for more than
a moment. What is a client's doing is no error here. The
first minutes of a service are learned quietly, and so is a service that forgets templates for their number.
"""
from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import Any, NamedTuple

from ..domain.evidence import Evidence, of_record
from ..domain.record import MINUTE, Batch, Record
from ..domain.signal import Signal
from .client import address, asked_wrong, counted, others
from .counting import many, tail
from .memory import Memory
from .templates import TEMPLATES, Template, faded, mark, merged, place

#: Services remembered; a service is watched so many minutes before anything of it can be new.
SERVICES = 128
LEARN = 15
#: What is new stays so for as many minutes.
FRESH = 10
#: In one minute: worth telling beside an open incident; enough to open one.
TELL, FLOOR = 5, 30
UNLIKELY = 1e-6
#: Most of what is written is told at once; a fifth once it comes in a second minute; what is less is left to
#: burst, which knows whether it is a part of work that is not usually done.
_MOSTLY, _PART = 0.5, 0.2
#: New templates of one batch and service beyond so many are a storm of distinct texts, told by their count.
_NEW = 8
#: So many records of a service are looked at in one batch; a rate that opens shows among them.
_READ = 100
#: Before them no more are passed over for their clients' sake.
_SEEN = 400
_ERROR = 40


class _Service(NamedTuple):
    """Watched since, the minute in which templates were last forgotten, the templates (the latest last).

    Of the running `minute`: the records in all, those of the minute before, the errors by client and in all.
    """

    first: int
    forgot: int
    known: list[Any]
    minute: int = 0
    all: int = 0
    before: int = 0
    clients: Mapping[str, int] = {}
    errors: int = 0

    @property
    def failing(self) -> float:
        """Return what part of its records errors are."""
        return self.errors / max(self.all, self.before, 1)


class Novelty:
    """Memory: service (or @host) → _Service as a list."""

    name = "novelty"
    always = False

    def detect(self, memory: Memory, batch: Batch) -> list[Signal]:
        """Return a signal for each new template that comes often enough."""
        memory.limit = SERVICES
        by_service: dict[str, list[Record]] = {}
        for record in batch.records:
            if record.level >= _ERROR:
                by_service.setdefault(record.service or f"@{record.host}", []).append(record)
        written: dict[str, dict[int, list[int]]] = {}
        for count in batch.counts:
            minutes = written.setdefault(count.service or f"@{count.host}", {})
            some = minutes.setdefault(count.minute, [0, 0])
            some[0] += count.n
            if count.level >= _ERROR:
                some[1] += count.n
        found: list[Signal] = []
        # the minutes in which a service is well are what its errors are held against
        for key in dict.fromkeys((*written, *by_service)):
            records, minutes = _own(by_service.get(key, [])), written.get(key, {})
            stored = memory.get(key)
            begun = min(*minutes, *(each.at - each.at % MINUTE for each in records), 1 << 62)
            service = _Service(*stored) if stored else _Service(begun, 0, [])
            service = _written(service, minutes, records)
            lines: dict[str, list[Record]] = {}
            if records:
                service = service._replace(known=[Template(*each) for each in service.known])
                service, lines = _learn(service, records)
                service, told = _judge(key, service, lines)
                found += told
                service = service._replace(known=[list(each) for each in service.known])
            memory.put(key, list(service))
        return found


def _own(records: list[Record]) -> list[Record]:
    """Return the first records that are not a client's doing, as many as are looked at."""
    return list(islice((each for each in records[:_SEEN] if not asked_wrong(each)), _READ))


def _written(service: _Service, minutes: Mapping[int, list[int]], records: list[Record]) -> _Service:
    """Return the service with what it wrote counted, and with whose errors they are."""
    for minute in sorted(minutes):
        if minute > service.minute:
            last = service.all if minute == service.minute + MINUTE else 0
            service = service._replace(minute=minute, all=0, before=last, clients={}, errors=0)
        every, errors = minutes[minute]
        service = service._replace(all=service.all + every, errors=service.errors + errors)
    clients = service.clients
    for record in records:
        if record.metadata and record.at >= service.minute and (who := address(record)):
            clients = counted(clients, who)
    return service._replace(clients=clients)


def _learn(service: _Service, records: list[Record]) -> tuple[_Service, dict[str, list[Record]]]:
    """Return the service with these records counted, and the records of each template (at most three)."""
    known, forgot, fresh = list(service.known), service.forgot, 0
    places: dict[str, int | None] = {}
    lines: dict[int, list[Record]] = {}
    for record in records:
        minute = record.at - record.at % MINUTE
        shape = faded(record.message)
        if shape not in places:
            if len(places) >= 2 * TEMPLATES:
                forgot = minute
                continue
            places[shape] = place(known, shape)
            if places[shape] is None and fresh < _NEW:
                fresh += 1
                known.append(Template(shape, minute, minute, 0))
                places[shape] = len(known) - 1
        number = places[shape]
        if number is None:
            forgot = minute
            continue
        old = known[number]
        # what comes late is counted to the running minute
        n, told = (old.n + 1, old.told) if minute <= old.minute else (1, 0)
        known[number] = old._replace(text=merged(old, shape), minute=max(minute, old.minute), n=n, told=told)
        kept = lines.setdefault(number, [])
        if len(kept) < 3:
            kept.append(record)
    named = {known[number].text: kept for number, kept in lines.items()}
    known.sort(key=lambda each: each.minute)
    if len(known) > TEMPLATES:
        forgot = max(forgot, known[-1].minute)
        known = known[-TEMPLATES:]
    return service._replace(forgot=forgot, known=known), named


def _judge(key: str, service: _Service,
           lines: dict[str, list[Record]]) -> tuple[_Service, list[Signal]]:
    """Return the signals of templates that are new and frequent; what may pass by itself opens nothing.

    And the service, which remembers what was told.
    """
    found: list[Signal] = []
    known = list(service.known)
    for number, each in enumerate(service.known):
        records = lines.get(each.text)
        watched = (each.first - service.first) // MINUTE
        if records is None or each.n < TELL or watched < LEARN or each.minute - each.first > FRESH * MINUTE:
            continue
        if service.forgot and each.first - service.forgot <= 60 * MINUTE:
            # a service that writes ever other texts: what is new cannot be told from what was forgotten
            continue
        n, written = each.n, max(service.all, service.before)
        if n < written / 2:
            # others are served: what one client alone brought about is left out
            n = others(n, service.clients)
        share = service.failing
        lasts = share >= _MOSTLY or (share >= _PART and each.minute > each.first)
        opens = lasts and n >= many(FLOOR, written) and tail(n, 0.0, 0.0, float(watched)) < UNLIKELY
        found.append(_signal(key, each, records, opens=opens))
        known[number] = each._replace(mark=mark(each) if opens else each.mark, told=each.n)
    return service._replace(known=known), found


def _signal(key: str, template: Template, records: list[Record], *, opens: bool) -> Signal:
    service, host = ("", key[1:]) if key.startswith("@") else (key, "")
    hosts = {each.host for each in records}
    host = host or (hosts.pop() if len(hosts) == 1 else "")
    name = service or host or "the source"
    event = Evidence(id=f"novelty|{key}|{template.first}|{template.n}", kind="event", at=template.first,
                     text=f"{name} never wrote this before, and {template.n} times in one minute now",
                     service=service, host=host, source="templates")
    return Signal(
        detector="novelty", fingerprint=f"novelty|{key}|{mark(template)}", cls="error_burst",
        severity="medium", title=f"a new error, {template.n} times in one minute",
        at=min(each.at for each in records), last_at=max(each.at for each in records), service=service,
        host=host, count=max(1, template.n - template.told), opens=opens, unanswered=True,
        cause="it writes an error that it never wrote before",
        remedies=("rollback_deployment", "restart_service"),
        evidence=(event, *(of_record(each) for each in records)))
