"""Stories of everyday life, read as the agent reads lines. To test_everyday; the format is in README.md."""
from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from sra_server.detect.trial import arrived
from sra_server.domain.record import MINUTE, SECOND, Batch, Count, Record

from ...world import World, at, counted

HERE = Path(__file__).parent
_BEGINS = re.compile(r"\+(\d+)(?:\*(\d+)/([\d.]+))? ")


@dataclass(frozen=True, slots=True)
class Story:
    """What happens, and its records with the seconds since it began."""

    name: str
    records: tuple[tuple[float, Record], ...]


def stories() -> Iterator[Story]:
    """Yield all stories of this folder."""
    for path in sorted(HERE.glob("*.log")):
        for part in re.split(r"^## ", path.read_text("utf-8"), flags=re.M)[1:]:
            name, _, text = part.partition("\n")
            yield Story(f"{path.stem}: {name}", tuple(_records(name, text)))


def _records(name: str, text: str) -> Iterator[tuple[float, Record]]:
    second, program = 0.0, name.partition(":")[0]
    for line in text.splitlines():
        begins = _BEGINS.match(line)
        times, step = 1, 0.0
        if begins is not None:
            second, line = float(begins[1]), line[begins.end():]
            times, step = int(begins[2] or 1), float(begins[3] or 0)
        read = list(arrived(line.replace("\\n", "\n").replace("\\t", "\t").split("\n")))
        for n in range(times):
            for each in read:
                yield second + n * step, replace(each, service=each.service or program,
                                                 host=each.host or "web-1")


def told(told_at: Iterable[tuple[float, Story]], *, until: int, every: int = 0) -> list[str]:
    """Return what the fold opens for stories that begin at some seconds.

    With `every`, each program writes two lines of information a second beside, told each so many seconds.
    """
    seconds: dict[int, list[Record]] = defaultdict(list)
    writers: dict[tuple[str, str], None] = {}
    for begin, story in told_at:
        for n, (second, record) in enumerate(story.records):
            moment = begin + second
            seconds[int(moment)].append(replace(record, at=at(moment), id=f"{begin}-{n}-{second}"))
            writers[record.service, record.host] = None
    world, watched = World(through_json=False), 0
    for second in range(until):
        written = seconds.get(second, [])
        if written:
            watched = second + 5
        minute = at(second) - at(second) % MINUTE
        usual = [Count(minute=minute, service=service, host=host, level=20, n=2 * every)
                 for service, host in writers] if every and second % every == 0 else []
        if written or usual or second < watched:
            world.fold(Batch(account_id="a", head=second + 1, received_at=at(second) + SECOND,
                             records=tuple(each for each in written if each.level >= 30),
                             counts=(*counted(written), *usual)))
    return [f"{each.cls} {each.severity} {each.service}: {each.title}" for each in world.incidents.values()]
