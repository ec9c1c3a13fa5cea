"""Read a recorded case: case.toml, logs as an agent would tail them, points. From the corpus; to replay.

Lines become records by the agent's own code, in the time that they carry; a line without a time happened
when the line before it did. Nothing is left out but what lies before `ready_at`, while programs started.
"""

from __future__ import annotations

import gzip
import json
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from arrivals import Arrivals
from arrivals import load as arrivals

from sra_agent.records import Records
from sra_agent.sources import Known, Origin
from sra_agent.sources.journal_entry import Entry, entry_of
from sra_sdk.lines.level import NUMBER
from sra_sdk.lines.multiline import Joiner
from sra_sdk.lines.outline import UNKNOWN
from sra_sdk.lines.parse import LineReader
from sra_server.domain.record import Point, Record

HERE = Path(__file__).resolve().parent
#: Who says no more for so many µs has finished his event: HOLD_SECONDS of the agent.
HOLD = 500_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What was broken, what must be reported of it, and where the recording lies."""

    name: str
    folder: Path
    host: str
    kind: str
    cls: str = ""
    also: tuple[str, ...] = ()
    culprit: tuple[str, ...] = ()
    effects: tuple[str, ...] = ()
    silent: bool = False
    ready_at: int = 0
    broken_at: int = 0
    decisive_at: int = 0
    sources: tuple[tuple[str, str], ...] = ()
    story: str = ""


def load(folder: Path) -> Case:
    """Read case.toml."""
    given = tomllib.loads((folder / "case.toml").read_text())
    return Case(
        name=given["name"],
        folder=folder,
        host=given["host"],
        kind=given["kind"],
        cls=given.get("class", ""),
        also=tuple(given.get("also", ())),
        culprit=tuple(given.get("culprit", ())),
        effects=tuple(given.get("effects", ())),
        silent=given.get("silent", False),
        ready_at=given.get("ready_at", 0),
        broken_at=given.get("broken_at", 0),
        decisive_at=given.get("decisive", {}).get("at", 0),
        story=given.get("story", ""),
        sources=tuple((each["file"], each["service"]) for each in given.get("source", ())),
    )


def cases(which: str) -> tuple[list[Case], list[Case]]:
    """Return the normal hours and the failures of a set, by name."""
    found = [load(path.parent) for path in sorted((HERE / which).glob("*/case.toml"))]
    return [each for each in found if each.kind == "normal"], [
        each for each in found if each.kind != "normal"
    ]


def records(case: Case, only: frozenset[str] | None = None) -> list[Record]:
    """Return the records of some files of a case (all when `only` is None), in order of time."""
    made = [
        each for file, service in case.sources if only is None or file in only
        for each in _told(case, file, service)
    ]
    return sorted(made, key=lambda each: each.at)


@cache
def _told(case: Case, file: str, service: str) -> tuple[Record, ...]:
    """Return the records of one file; a normal hour's are wanted once for each case."""
    return tuple(each for each in _file(case, file, service) if each.at >= case.ready_at)


def points(case: Case, services: frozenset[str] | None = None) -> list[Point]:
    """Return the points of the host and of some services (all when None), in order of time."""
    path = case.folder / "points.jsonl.gz"
    if not path.exists():
        return []
    found = []
    for number, line in enumerate(gzip.decompress(path.read_bytes()).decode().splitlines(), 1):
        one = json.loads(line)
        service = one.get("s", "")
        if one["t"] >= case.ready_at and (services is None or not service or service in services):
            tags = tuple(sorted(one.get("g", {}).items()))
            found.append(
                Point(
                    id=f"{case.name}/points:{number}",
                    at=one["t"],
                    name=one["n"],
                    value=one["v"],
                    service=service,
                    host=case.host,
                    tags=tags,
                )
            )
    return found


def _file(case: Case, file: str, service: str) -> Iterator[Record]:
    clock = [case.ready_at]
    maker = Records(case.host, lambda: clock[0])
    name = file.removesuffix(".gz")
    base = name.split(".log")[0].partition(".")[0]
    events = _journal if name.endswith(".journal") else _lines
    text = gzip.decompress((case.folder / file).read_bytes())
    grown = arrivals(case.folder).get(name, Arrivals([]))
    reader = LineReader(now=lambda: max(case.broken_at, case.ready_at) + 12 * 3600 * 1_000_000)
    for one in events(text):
        # what has no time of its own happened when it came
        clock[0] = max(clock[0], grown.at(one.end, one.text))
        origin = Origin(source=name, service=service or one.unit or None, guess=service or one.unit or base)
        for made in maker.make([(one.text, UNKNOWN)], reader, origin, known=one.known):
            at = _micros(made["timestamp"])
            clock[0] = max(clock[0], at)
            yield Record(
                id=f"{case.name}/{name}:{one.line}",
                at=at,
                level=NUMBER[made["level"]],
                message=made["message"],
                service=made["service"],
                host=case.host,
                source=name,
                line=one.line,
                metadata=made.get("metadata", {}),
            )


class _Event(NamedTuple):
    """One event of a file: its first line, its text, and how many bytes the file had at its end."""

    line: int
    text: str
    end: int
    known: Known | None = None
    unit: str = ""


def _lines(text: bytes) -> Iterator[_Event]:
    joiner, number, end = Joiner(), 1, 0
    raw = text.split(b"\n")
    sizes = [len(each) + 1 for each in raw]
    for line in raw:
        for event, lines in joiner.feed(line.decode("utf-8", "replace")):
            end += sum(sizes[number - 1 : number - 1 + lines])
            yield _Event(number, event, min(end, len(text)))
            number += lines
    for event, lines in joiner.flush():
        end += sum(sizes[number - 1 : number - 1 + lines])
        yield _Event(number, event, min(end, len(text)))
        number += lines


def _journal(text: bytes) -> Iterator[_Event]:
    """Yield the events of a journal. Each stream's lines are joined, as the agent does that follows it."""
    held: dict[str, _Held] = {}
    for number, line in enumerate(text.splitlines(), 1):
        entry = entry_of(line)
        if entry is None:
            continue
        for stream in [key for key, each in held.items() if entry.at - each.fed > HOLD]:
            yield from held.pop(stream).flush()
        if entry.stream in held:
            yield from held[entry.stream].feed(entry, number)
        else:
            held[entry.stream] = _Held(entry, number)
    for each in held.values():
        yield from each.flush()


class _Held:
    """The event of one stream of a journal that is not finished: its first entry and the lines so far."""

    def __init__(self, entry: Entry, number: int) -> None:
        self._joiner, self._first, self._number, self.fed = Joiner(), entry, number, entry.at
        self._joiner.feed(entry.text)

    def feed(self, entry: Entry, number: int) -> Iterator[_Event]:
        done = self._made(self._joiner.feed(entry.text))
        self.fed = entry.at
        if done:
            self._first, self._number = entry, number
        yield from done

    def flush(self) -> Iterator[_Event]:
        yield from self._made(self._joiner.flush())

    def _made(self, done: list[tuple[str, int]]) -> list[_Event]:
        first = self._first
        return [_Event(self._number, text, 0, first.known, first.service) for text, _ in done]


def _micros(stamp: Any) -> int:
    moment = datetime.fromisoformat(str(stamp).replace("Z", "+00:00"))
    return int(moment.timestamp()) * 1_000_000 + moment.microsecond
