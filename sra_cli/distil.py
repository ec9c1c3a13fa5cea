"""Distil: what the fold needs of log files, in the order of time. From logfiles; to analyze.

The text of warnings and above, counts of everything else: a file becomes slices, each a stretch of time
short enough for the fold, and the slices of several files are merged by time, so that what one service
did can be held against what another said.
"""
from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from sra_sdk.lines.infer import level_of
from sra_sdk.lines.level import NUMBER
from sra_sdk.lines.multiline import Joiner
from sra_sdk.lines.parse import LineReader
from sra_server.domain.record import MINUTE, SECOND, Record

from .logfiles import Source, lines, skip_before

#: A slice with something loud in it covers at most so much time, a quiet one a minute.
_LOUD_SPAN = 10 * SECOND
_QUIET_SPAN = MINUTE
_EVENTS = 2000
#: So many files are open at the same time.
_TOGETHER = 100
#: Formats whose message is unpacked from the line; evidence must be found in the file as it stands.
_UNPACKED = frozenset({"json", "docker", "logfmt", "cri"})

Counts = dict[tuple[int, str, str, int], int]


@dataclass(slots=True)
class Slice:
    """A stretch of one file's time: its loud records, and counts of all by minute, service, host, level."""

    start: int
    end: int
    records: list[Record] = field(default_factory=list)
    counts: Counts = field(default_factory=dict)
    events: int = 0


@dataclass(slots=True)
class Tally:
    """What was read, over all files."""

    records: int = 0
    unparsed: int = 0


def merged(sources: Iterable[Source], tally: Tally, *, now: int, service: str | None, since: int | None,
           on_bytes: Callable[[int], None] | None) -> Iterator[Slice]:
    """Yield the slices of all sources in the order of their beginning; of very many, group by group."""
    ordered = sorted(sources, key=lambda each: each.modified)
    for begin in range(0, len(ordered), _TOGETHER):
        streams = [_slices(source, tally, now=now, service=service, since=since, on_bytes=on_bytes)
                   for source in ordered[begin:begin + _TOGETHER]]
        yield from streams[0] if len(streams) == 1 else heapq.merge(*streams, key=lambda each: each.start)


def _slices(source: Source, tally: Tally, *, now: int, service: str | None, since: int | None,
            on_bytes: Callable[[int], None] | None) -> Iterator[Slice]:
    """Read one file into slices. Lines without a time happen when the line before them did."""
    reader = LineReader(now=lambda: now)
    if since is not None:
        skip_before(source, lambda text: reader.read(text).at, since)
    named = service or ""
    fallback = service or source.service
    last = clock = 0
    current: Slice | None = None
    read, infer, numbers = reader.read, level_of, NUMBER
    number, lengths = source.first_line, source.cut
    # times of a file whose first lines have none: it was written by then
    unknown = source.modified or now
    for text, count in _events(source, on_bytes):
        line, number = number, number + count
        parsed = read(text)
        at, own, named_service, host, message, metadata, form = parsed
        tally.records += 1
        if form == "plain":
            tally.unparsed += 1
        if at is None:
            at = last or unknown
        else:
            last = at
        if since is not None and at < since:
            continue
        level = numbers[infer(message, own, form, metadata)]
        if at > clock:
            clock = at
        loud = level >= 30
        if current is None or current.events >= _EVENTS or (
                clock - current.start > (_LOUD_SPAN if current.records else _QUIET_SPAN)) or (
                loud and not current.records and clock - current.start > _LOUD_SPAN):
            if current is not None:
                yield current
            current = Slice(clock, clock)
        current.end = clock
        current.events += 1
        who = named or named_service or fallback
        host = host or ""
        key = (at - at % MINUTE, who, host, level)
        counts = current.counts
        counts[key] = counts.get(key, 0) + 1
        if loud:
            if form in _UNPACKED and message not in text:
                message = text
            if lengths:
                was = max(lengths.pop(n, 0) for n in range(line, line + count))
                if was:
                    metadata = {**metadata, "cut_from_bytes": was}
            current.records.append(Record(
                id=f"{source.name}:{line}", at=at, level=level, message=message, service=who, host=host,
                source=source.name, line=line, metadata=metadata))
    if current is not None:
        yield current


def _events(source: Source, on_bytes: Callable[[int], None] | None) -> Iterator[tuple[str, int]]:
    """Return each event with the number of its lines."""
    joiner = Joiner()
    together = itertools.chain.from_iterable(map(joiner.groups, lines(source, on_bytes)))
    events = (zip(texts, itertools.repeat(count)) for texts, _, count in together)
    return itertools.chain(itertools.chain.from_iterable(events), _last(joiner))


def _last(joiner: Joiner) -> Iterator[tuple[str, int]]:
    """Yield what is held when all lines were read."""
    yield from joiner.flush()
