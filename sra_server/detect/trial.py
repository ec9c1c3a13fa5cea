"""Try signatures on lines as they would arrive. From `sra server signatures` and the tests; to people.

A line is read, rated and judged exactly as the agent and the server do it, so a trial tells what would
happen: a signature that never sees its line, for the line has no level or another one comes first, fails.
"""
from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sra_sdk.lines.infer import level_of
from sra_sdk.lines.level import NUMBER
from sra_sdk.lines.multiline import Joiner
from sra_sdk.lines.parse import LineReader

from ..domain.record import Record
from .catalogue import Catalogue
from .signature import HARMLESS, Signature
from .signatures import Signatures, text_of

#: 2024-03-05 12:00 UTC: the year of lines that name none.
_NOW = 1_709_640_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A record, what it means, and every signature that fits its text, whichever comes first."""

    record: Record
    meaning: Signature | None
    fits: tuple[Signature, ...]


def arrived(lines: Iterable[str], *, source: str = "trial") -> Iterator[Record]:
    """Yield the records of some lines, all levels, with the numbers of the lines where they begin."""
    joiner, reader = Joiner(), LineReader(now=lambda: _NOW)
    number = 1
    events = (event for line in lines for event in joiner.feed(line))
    for text, count in (*events, *joiner.flush()):
        read = reader.read(text)
        level = NUMBER[level_of(read.message, read.level, read.format, read.metadata)]
        yield Record(id=f"{source}:{number}", at=read.at or _NOW, level=level, message=read.message,
                     service=read.service or "", host=read.host or "", source=source, line=number,
                     metadata=read.metadata)
        number += count


def tried(catalogue: Catalogue, lines: Iterable[str], *, source: str = "trial") -> Iterator[Found]:
    """Yield what each record of some lines means to a catalogue."""
    detector = Signatures(catalogue)
    for record in arrived(lines, source=source):
        yield Found(record=record, meaning=detector.meaning(record),
                    fits=catalogue.all(text_of(record), record.level) if record.level >= 30 else ())


def faults(catalogue: Catalogue, signature: Signature) -> Iterator[str]:
    """Yield what is wrong with a signature's examples, judged by the whole catalogue."""
    if not signature.examples:
        yield f"signature {signature.name}: examples is empty; give one line that must be found"
    for example in signature.examples:
        found = list(tried(catalogue, _lines(example)))
        if any(_means(each, signature) for each in found):
            continue
        loud = [each for each in found if each.record.level >= 30]
        if not loud:
            why = "its level is below warning, and such lines are not read"
        else:
            others = ", ".join(dict.fromkeys(one.name for each in loud for one in each.fits))
            why = f"what fits it is {others}" if others else "nothing fits it"
        yield f"signature {signature.name}: the example is not found as {signature.cls}: {why}: {example}"
    for example in signature.counterexamples:
        if any(each.meaning is not None and each.meaning.cls == signature.cls
               for each in tried(catalogue, _lines(example))):
            yield f"signature {signature.name}: the counterexample is found as {signature.cls}: {example}"


def _means(found: Found, signature: Signature) -> bool:
    if signature.cls == HARMLESS:
        return found.meaning is None and signature in found.fits
    return found.meaning is not None and found.meaning.cls == signature.cls and signature in found.fits


def _lines(example: str) -> list[str]:
    r"""Return the lines of an example, in which \n and \t may be written out."""
    return example.replace("\\n", "\n").replace("\\t", "\t").split("\n")
