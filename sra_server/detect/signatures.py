"""Signatures: texts that mean a known trouble, WARNING and above only. From batches; to correlate.

One signal per signature, service and host in a batch. Where one line proves nothing (a failed login)
the signature asks for several within its window of event time; the earlier ones are remembered. What
only follows from an earlier line (a worker that was too slow is killed) is counted with that line.

What matches and is not enough yet opens nothing; it is given out as evidence, for what is open already.
"""
from __future__ import annotations

import re
from operator import attrgetter
from typing import Any, NamedTuple

from sra_sdk.lines.quoted import bare, login

from ..domain.evidence import Evidence
from ..domain.place import without_own_port
from ..domain.record import SECOND, Batch, Record
from ..domain.signal import SEVERITY_ORDER, Severity, Signal
from .account import name_of, of_robots, tried
from .asked import of_one_domain
from .beside import text_of
from .catalogue import Catalogue, load
from .fallback import instead
from .lasting import Waiting, overdue, wait
from .limited import alone
from .member import one_of
from .memory import Memory
from .objects import ill, object_of
from .partners import far, first_place, passing
from .run import Run, followed
from .scatter import Match
from .signature import STOPPED, Signature
from .start import comes_up
from .traffic import hear, heard
from .tries import without_last
from .twice import twice
from .units import concerns, of_unit
from .usual import Rule, judge

_AT = attrgetter("at")
_EVIDENCE = 5
_TEXT = 2000
#: Of so many matches of one batch is asked which place they name.
_ASKED = 8
#: So many signs of one batch that are not enough yet are given out as evidence.
_WEIGHED = 12
#: So long after a text others may follow from it: a worker is given half a minute to end.
_FOLLOWS = 60 * SECOND
#: How a warning begins that speaks of a trouble which there is not.
_NOT_REAL = re.compile(r"(?:[\w.\[\]-]{1,60}: )?(?:deprecat|simulat|dry[ -]run\b"
                       r"|expected (?:failure|error)\b)", re.I)

#: How pytest begins what it shows of a failure.
_SHOWN = re.compile(r"E {3,}\S")

#: Where somebody who signs in comes from.
_SOURCE = re.compile(r"(?:\bfrom |\brhost=|\brip=|\bclient[: ]+\"?|unknown\[|\bfailed for [^\[\n]{0,80}\[)"
                     r"(\d{1,3}(?:\.\d{1,3}){3})", re.I)


class _Wrote(NamedTuple):
    """What one service on one host wrote in a batch: each id's place in it, and (event time, place, id)."""

    order: dict[str, int]
    moments: list[tuple[int, int, str]]


class Signatures:
    """Memory: fingerprint → [times of the latest matches, their evidence, firing, last process, their Run,

    how many are of the latest occasion].

    And followed|service|host → [the latest signature that others follow from, its event time];
    heard|service|host → its traffic; habit|fingerprint → what is usual of it; unit|host|name → see units;
    watched → since when anything is heard; clients|… and limited|… → see limited; account|… → see account;
    objects|… → see objects; lasting → see lasting; partners|…, mostly|… → see partners;
    members|… → see member; fallback|… → see fallback; asked|… → see asked.
    """

    name = "signature"
    always = True

    def __init__(self, catalogue: Catalogue | None = None) -> None:
        self.catalogue = catalogue or load()

    def detect(self, memory: Memory, batch: Batch) -> list[Signal]:
        """Return a signal for each fingerprint that has enough matches by now, and for each orderly stop."""
        brought = hear(memory, batch)
        found: dict[str, tuple[Signature, list[Record]]] = {}
        stops: dict[tuple[str, str], Signal] = {}
        lone: dict[str, bool] = {}
        for record in batch.records:
            signature = self.meaning(record)
            if concerns(record, signature):
                signature = of_unit(memory, record, signature, self.catalogue.by_name)
            if signature is not None:
                signature = self._cause(memory, signature, record)
            if signature is not None and signature.cls == STOPPED:
                stops[record.service, record.host] = _stopped(signature, record)
            elif signature is not None and not (
                    alone(memory, signature, record) or passing(memory, signature, record)
                    or instead(memory, signature, record) or of_one_domain(memory, record)):
                one = one_of(memory, signature, record)
                if one is not False:
                    key = f"signature|{signature.name}|{record.service}|{record.host}"
                    found.setdefault(key, (signature, []))[1].append(record)
                    lone[key] = lone.get(key, True) and bool(one)
        # parted once: in a storm of many services each would look through the records of all
        written = _by_writer(batch) if any(each.habit for each, _ in found.values()) else {}
        told, room = list(stops.values()), _WEIGHED
        for key, (signature, records) in found.items():
            signal = _judge(memory, key, signature, records, brought, written, evidence=room > 0,
                            lone=lone[key])
            if signal is not None:
                room -= not signal.opens
                told.append(signal)
        for key, late in overdue(memory, batch.records, self.catalogue.by_name).items():
            told += _late(memory, key, self.catalogue.by_name[late[0].fingerprint.split("|")[1]], late)
        return told

    def _cause(self, memory: Memory, signature: Signature, record: Record) -> Signature:
        """Return the signature of an earlier text from which this one only follows, or its own."""
        key = f"followed|{record.service}|{record.host}"
        stored = memory.get(key)
        if stored is not None:
            name, at = stored
            earlier = self.catalogue.by_name.get(name)
            if earlier is not None and 0 <= record.at - at <= _FOLLOWS and _follows(earlier, record):
                return earlier
        if signature.followed_by is not None:
            memory.put(key, [signature.name, record.at])
        return signature

    def meaning(self, record: Record) -> Signature | None:
        """Return the signature of a record's own words, or None."""
        if record.level < 30:
            return None
        text = text_of(record)
        signature = self.catalogue.find(text, record.level)
        # nearly every text means nothing, so only a find is held against what the record repeats
        return None if signature is None else self._again(signature, record, text)

    def _again(self, signature: Signature, record: Record, text: str) -> Signature | None:
        """Return what the record's own words mean; of a login only its beginning is its own."""
        if _SHOWN.match(text) is not None:
            return None
        begins = login(record.message)
        if begins:
            known = signature.cls == "auth_failures"
            return signature if known else self.catalogue.find(begins, record.level)
        said = _said(record, text)
        return signature if said == text else self.catalogue.find(said, record.level)


def _by_writer(batch: Batch) -> dict[tuple[str, str], _Wrote]:
    found: dict[tuple[str, str], list[Record]] = {}
    for record in batch.records:
        found.setdefault((record.service, record.host), []).append(record)
    return {whose: _Wrote({each.id: nth for nth, each in enumerate(records)},
                          sorted((each.at, nth, each.id) for nth, each in enumerate(records)))
            for whose, records in found.items()}


def _said(record: Record, text: str) -> str:
    """Return what the record says itself: no warning and no request is judged by what it repeats."""
    if "client" in record.metadata and "status" in record.metadata:
        return bare(text)
    if record.level >= 40:
        return text
    if _NOT_REAL.match(text) is not None:
        return ""
    first, mark, rest = text.partition("\n")
    return bare(first, errors=True) + mark + rest


def _judge(memory: Memory, key: str, signature: Signature, records: list[Record],
           brought: dict[tuple[str, str], dict[int, int]],
           written: dict[tuple[str, str], _Wrote], *, evidence: bool, lone: bool) -> Signal | None:
    """Count the matches within the window and say whether they are enough; else they may be `evidence`.

    `lone`: they are of one node of a cluster, which goes on without it.
    """
    before = memory.get(key)
    times, kept, firing, process, *since = before or ([], [], False, "")
    # an earlier release stored no number, and one before that no Run
    run = Run(*since[:2]) if since or not kept else Run(min(map(_time, kept)))
    alike = since[2] if len(since) > 2 else 0
    window, count = signature.window * SECOND, signature.count
    remembered = max(count, signature.low_below)
    if len(records) > 1:
        records.sort(key=_AT)
    times, shown, crowd = list(times), list(kept), False
    fresh: list[Record] = []
    for record in records:
        if times and abs(record.at - times[-1]) > window:
            times, shown, firing, process, run, alike = [], [], False, "", Run(), 0
        begun, run = run.begun, followed(run, times[-1] if times else None, record.at)
        if run.begun > begun:
            shown = [each for each in shown if _time(each) >= run.begun]
        pid = str(record.metadata.get("pid", "")) if signature.settle else ""
        if not (pid and pid == process and record.at - times[-1] <= signature.settle * SECOND):
            same = signature.apart and times and abs(record.at - times[-1]) < signature.apart * SECOND
            # what only follows from a match is no other one
            if not (times and _follows(signature, record)):
                alike = alike + 1 if same else 1
                times += [] if same else [record.at]
            fresh.append(record)
        process = pid
        crowd = crowd or 0 < signature.many <= alike
        firing = firing or crowd or (len(times) >= count and times[-1] - times[-count] <= window)
        shown.append(record)
        if len(shown) > _EVIDENCE:
            # the first lines tell how it began, the last that it goes on
            del shown[_EVIDENCE - 2]
    del times[:-remembered]
    stored = [each if isinstance(each, list) else _pack(each) for each in shown]
    memory.put(key, [times, stored, firing, process, *run, alike])
    severity: Severity = signature.severity if crowd or len(times) >= signature.low_below else "low"
    if lone:
        severity = min(severity, "medium", key=lambda each: SEVERITY_ORDER[each])
    names, need = signature.names, float(count)
    matches: list[Match] = []
    if signature.habit or names:
        order, moments = written.get((records[0].service, records[0].host), _Wrote({}, []))
        matches = [_match(signature, each, order.get(each.id, 0)) for each in fresh]
    if signature.habit:
        whose = records[0].service, records[0].host
        known = heard(memory, *whose, brought.get(whose, {}), records[0].at)
        matched = {each.id for each in records}
        beside = [(at, nth) for at, nth, name in moments if name not in matched]
        verdict = judge(memory, key, Rule(signature.count, signature.window), matches, known, beside=beside,
                        enough=firing, earlier=before and before[0], fired=bool(before and before[2]))
        firing = verdict.firing
        need = verdict.need
        if verdict.weak or not verdict.large:
            severity = min(severity, "medium", key=lambda each: SEVERITY_ORDER[each])
        if not firing and signature.cls == "auth_failures" and tried(memory, key, fresh):
            firing, severity = True, "medium"
        evidence = evidence and not verdict.everyday
    objects = ill(memory, key, signature, matches, need) if names else ()
    wait(memory, key, signature, matches, dict(objects) if firing else ())
    if firing and signature.unanswered and comes_up(memory, records):
        firing = False
    if not firing and (not evidence or signature.cls == "auth_failures"):
        return None  # that somebody mistypes his password is evidence of nothing, either
    pieces = tuple(map(_unpack, stored))
    return Signal(
        detector="signature", fingerprint=key, cls=signature.cls, opens=firing,
        severity=severity if firing else "low",
        title=signature.title, at=min(map(_AT, pieces)), last_at=records[-1].at,
        service=records[0].service, host=records[0].host, count=len(records) - twice(records),
        cause=signature.means,
        subject=_subject(records) if signature.target else "",
        remedies=signature.remedies if firing else (), evidence=pieces, unanswered=signature.unanswered,
        taught=signature.own, objects=objects if firing else ())


def _late(memory: Memory, key: str, signature: Signature, late: list[Waiting]) -> list[Signal]:
    """Return the signal of what was not enough, or is said no more, and is not over after all."""
    known = memory.get(key)
    if known is None:
        return []
    times, kept, _, *rest = known
    memory.put(key, [times, kept, True, *rest])
    pieces = tuple(map(_unpack, kept))
    return [Signal(
        detector="signature", fingerprint=key, cls=signature.cls, severity=signature.severity,
        title=signature.title, at=min(map(_AT, pieces)), last_at=max(each.last for each in late),
        count=sum(not each.told for each in late),
        service=pieces[-1].service, host=pieces[-1].host, cause=signature.means,
        subject=late[0].name if signature.target else "", remedies=signature.remedies, evidence=pieces,
        unanswered=signature.unanswered, taught=signature.own,
        objects=tuple((each.name, each.since) for each in late))]


def _follows(signature: Signature, record: Record) -> bool:
    return (signature.followed_by is not None
            and signature.followed_by.stands_in(record.message[:_TEXT].lower()))


def _subject(records: list[Record]) -> str:
    """Return the place that has failed, of the first records: an access line beside the error names none."""
    told = [each for each in records[:_ASKED]
            if not ("client" in each.metadata and "status" in each.metadata)]
    return next((places[0] for each in (told or records[:1]) if (places := _places(text_of(each)))), "")


def _places(text: str) -> tuple[str, ...]:
    """Return the first place that a text says has failed, or none."""
    place = first_place(text[:_TEXT])
    return (place,) if place else ()


def _match(signature: Signature, record: Record, nth: int) -> Match:
    text = text_of(record)
    low = text[:_TEXT].lower()
    # what an access line names is who called, and where from
    told = signature.target and not ("client" in record.metadata and "status" in record.metadata)
    places = _places(text) if told else ()
    robot = False
    if signature.object is not None:
        places = (object_of(signature.object, low),)
    if signature.cls == "auth_failures":
        # robots try at every address, each once or twice; who guesses tries again and again
        source = _SOURCE.search(text, 0, _TEXT)
        # people mistype as well, each a few times: where no source is told, whose password it was is one
        places = (source.group(1) if source is not None else name_of(low),)
        robot = source is not None and of_robots(low, source.group(1))
    brief = signature.brief is not None and signature.brief.stands_in(low)
    place = places[0] if places else ""
    whose = without_own_port(place)
    return Match(record.at, whose, brief=brief, nth=nth, port=place if brief and whose != place else "",
                 weak=signature.weak is not None and signature.weak.stands_in(without_last(low)), robot=robot,
                 far=signature.target and far(place))


def _stopped(signature: Signature, record: Record) -> Signal:
    key = f"signature|{signature.name}|{record.service}|{record.host}"
    return Signal(detector="signature", fingerprint=key, cls=STOPPED, severity="low",
                  title=signature.means, at=record.at, last_at=record.at, state="stopped",
                  service=record.service, host=record.host, evidence=(_unpack(_pack(record)),))


def _time(kept: list[Any] | Record) -> int:
    return int(kept[1]) if isinstance(kept, list) else kept.at


def _pack(record: Record) -> list[Any]:
    return [record.id, record.at, _cut(text_of(record)), record.service, record.host, record.source,
            record.line]


def _cut(text: str) -> str:
    """Return what fits of a text: of a long stack the ends tell where it began and what was the matter."""
    return text if len(text) <= _TEXT else f"{text[:_TEXT // 2]}\n[...]\n{text[8 - _TEXT // 2:]}"


def _unpack(stored: list[Any]) -> Evidence:
    key, at, text, service, host, source, line = stored
    return Evidence(id=key, kind="record", at=at, text=text, service=service, host=host, source=source,
                    line=line)
