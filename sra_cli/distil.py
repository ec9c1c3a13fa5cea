"""Distil: what the fold needs of log files, in the order of time. From logfiles; to analyze.

The text of warnings and above, counts of everything else: a file becomes slices, each a stretch of time
short enough for the fold, and the slices of several files are merged by time, so that what one service
did can be held against what another said.
"""
from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from sra_agent.sources.names import service_of
from sra_sdk.lines.infer import level_of
from sra_sdk.lines.level import NUMBER
from sra_sdk.lines.multiline import Joiner
from sra_sdk.lines.parse import LineReader, Parsed
from sra_sdk.lines.parsed import by_logger
from sra_server.domain.record import MINUTE, SECOND, Record

from .documents import opened
from .logfiles import Source, lines, skip_before

#: A slice covers at most so much time: one with something loud in it, a quiet one, and any while it matters
#: what came first.
_LOUD_SPAN = 10 * SECOND
_QUIET_SPAN = MINUTE
_FINE_SPAN = SECOND
_EVENTS = 2000
#: So many of the first lines of a file are asked which host wrote them, and when.
_ASKED = 100
#: Lines without times are read as if one were written each second, or more where a later time says so: how
#: long something lasts matters. So many of them wait for a later time.
_PACE = SECOND
_WAIT = 2000
#: So many files are open at the same time.
_TOGETHER = 100
#: Formats whose message is unpacked from the line.
_UNPACKED = frozenset({"json", "docker", "logfmt", "cri"})

#: So much of a line is kept to be shown as it stands in the file.
_SHOWN = 4000

Counts = dict[tuple[int, str, str, int], int]


@dataclass(slots=True)
class Slice:
    """A stretch of one file's time: its loud records, and counts of all by minute, service, host, level.

    `written`: of a record whose message does not stand in the file as it is, the line, by the record's id.
    """

    start: int
    end: int
    records: list[Record] = field(default_factory=list)
    written: dict[str, str] = field(default_factory=dict)
    counts: Counts = field(default_factory=dict)
    events: int = 0


@dataclass(slots=True)
class Tally:
    """What was read, over all files; `fine` is for the reader: it matters when who shows life.

    `untimed`: files of which no line says when it was written.
    """

    records: int = 0
    unparsed: int = 0
    untimed: list[str] = field(default_factory=list)
    fine: bool = False


def merged(sources: Iterable[Source], tally: Tally, *, now: int, service: str | None, since: int | None,
           on_bytes: Callable[[int], None] | None) -> Iterator[Slice]:
    """Yield the slices of all sources in the order of their end; of very many, group by group."""
    ordered = sorted(sources, key=lambda each: each.modified)
    for begin in range(0, len(ordered), _TOGETHER):
        begun = [_begun(source, LineReader(now=lambda: now), since, on_bytes)
                 for source in ordered[begin:begin + _TOGETHER]]
        # to an agent all files are of its host; here that is the one host that some of them name
        hosts = frozenset[str]().union(*(each.hosts for each in begun))
        host = min(hosts) if len(hosts) == 1 else ""
        streams = [_slices(each, tally, now=now, service=service, since=since, host=host,
                           loud_span=_FINE_SPAN if len(begun) > 1 else _LOUD_SPAN) for each in begun]
        yield from streams[0] if len(streams) == 1 else _together(streams)


def _together(streams: list[Iterator[Slice]]) -> Iterator[Slice]:
    """Yield slices by their end, those that end within a second as one: so an agent would have sent them.

    No stream is read on before the loud lines that it gave last were judged: they may ask for finer slices.
    """
    heads: list[Slice | None] = [next(stream, None) for stream in streams]
    while any(heads):
        until = min(head.end for head in heads if head is not None) + _FINE_SPAN
        due: list[Slice] = []
        drawn: list[int] = []
        for number, head in enumerate(heads):
            while head is not None and head.end <= until:
                due.append(head)
                if head.records:
                    drawn.append(number)
                    break
                head = heads[number] = next(streams[number], None)
        yield due[0] if len(due) == 1 else _joined(due)
        for number in drawn:
            heads[number] = next(streams[number], None)


def _joined(slices: list[Slice]) -> Slice:
    one = Slice(min(each.start for each in slices), max(each.end for each in slices))
    for each in slices:
        one.records += each.records
        one.written.update(each.written)
        one.events += each.events
        for key, n in each.counts.items():
            one.counts[key] = one.counts.get(key, 0) + n
    one.records.sort(key=lambda record: record.at)
    return one


class _Begun(NamedTuple):
    """A file, its lines, the hosts that the first of them name, and the first time; 0 if none has a time."""

    source: Source
    lines: Iterator[list[str]]
    hosts: frozenset[str]
    first: int
    length: float  # of a line, in characters, about


def _begun(source: Source, reader: LineReader, since: int | None,
           on_bytes: Callable[[int], None] | None) -> _Begun:
    if since is not None:
        skip_before(source, lambda text: reader.read(text).at, since)
    read = lines(source, on_bytes)
    first, read, document = opened(read, source.size)
    if document:
        source.name = f"{source.name}, event"  # its number, not that of a line, stands behind
    asked = [reader.read(text) for text in first[:_ASKED]]
    return _Begun(source, itertools.chain([first], read), frozenset(each.host for each in asked if each.host),
                  next((each.at for each in asked if each.at is not None), 0),
                  sum(map(len, first)) / len(first) + 1 if first else 1)


def _slices(begun: _Begun, tally: Tally, *, now: int, service: str | None, since: int | None, host: str,
            loud_span: int) -> Iterator[Slice]:
    """Read one file into slices."""
    source, reader, only = begun.source, LineReader(now=lambda: now), host
    named = service or ""
    fallback = service or (service_of(source.path) if source.path != "-" else "")
    clock = 0
    current: Slice | None = None
    infer, numbers, lengths = level_of, NUMBER, source.cut
    timed = False
    for at, text, line, count, parsed in _stamped(begun, reader, now):
        _, own, named_service, named_host, message, metadata, form = parsed
        tally.records += 1
        timed = timed or parsed.at is not None
        if form == "plain":
            tally.unparsed += 1
        if since is not None and at < since:
            continue
        level = numbers[infer(message, own, form, metadata)]
        if at > clock:
            clock = at
        loud = level >= 30
        if current is None or current.events >= _EVENTS or (
                clock - current.start > (_FINE_SPAN if tally.fine else loud_span if current.records else
                                         _QUIET_SPAN)) or (
                loud and not current.records and clock - current.start > loud_span):
            if current is not None:
                yield current
            current = Slice(clock, clock)
        current.end = clock
        current.events += 1
        who = named or named_service or fallback or by_logger(parsed) or ""
        host = named_host or only
        key = (at - at % MINUTE, who, host, level)
        counts = current.counts
        counts[key] = counts.get(key, 0) + 1
        if loud:
            name = f"{source.name}:{line}"
            if form in _UNPACKED and message not in text:
                current.written[name] = text[:_SHOWN]
            if lengths:
                was = max(lengths.pop(n, 0) for n in range(line, line + count))
                if was:
                    metadata = {**metadata, "cut_from_bytes": was}
            current.records.append(Record(
                id=name, at=at, level=level, message=message, service=who, host=host,
                source=source.name, line=line, metadata=metadata))
    if current is not None and not timed:
        tally.untimed.append(source.name)
    if current is not None:
        yield current


def _stamped(begun: _Begun, reader: LineReader,
             now: int) -> Iterator[tuple[int, str, int, int, Parsed]]:
    """Yield each event of a file with its time, its line and how many lines it is.

    Events without a time are spread between those before and after them, and at the end up to when the file
    was written. Those before the first time happen then.
    """
    source, read, number, last = begun.source, reader.read, begun.source.first_line, begun.first
    written = source.modified or now
    paced = written - int(source.size / begun.length) * _PACE
    held: list[tuple[str, int, int, Parsed]] = []
    for text, count in _events(begun.lines):
        parsed = read(text)
        at = parsed.at
        if at is None:
            held.append((text, number, count, parsed))
            if len(held) >= _WAIT:
                yield from _spread(held, last or paced, last or paced + _WAIT * _PACE)
                paced += _WAIT * _PACE
                held = []
        else:
            if held:
                yield from _spread(held, last or at, at)
                held = []
            last = at
            yield at, text, number, count, parsed
        number += count
    yield from _spread(held, last or paced, written)


def _spread(held: list[tuple[str, int, int, Parsed]], begin: int,
            end: int) -> Iterator[tuple[int, str, int, int, Parsed]]:
    step = min(_PACE, max(0, end - begin) // (len(held) + 1))
    for nth, (text, line, count, parsed) in enumerate(held, 1):
        yield begin + nth * step, text, line, count, parsed


def _events(read: Iterator[list[str]]) -> Iterator[tuple[str, int]]:
    """Return each event with the number of its lines."""
    joiner = Joiner()
    together = itertools.chain.from_iterable(map(joiner.groups, read))
    events = (zip(texts, itertools.repeat(count)) for texts, _, count in together)
    return itertools.chain(itertools.chain.from_iterable(events), _last(joiner))


def _last(joiner: Joiner) -> Iterator[tuple[str, int]]:
    """Yield what is held when all lines were read."""
    yield from joiner.flush()
