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
from .beside import text_of
from .catalogue import Catalogue
from .signature import HARMLESS, STOPPED, Signature
from .signatures import Signatures

#: 2024-03-05 12:00 UTC: the year of lines that name none.
_NOW = 1_709_640_000_000_000
#: A signature that fits what so many of ours are for says nothing. "error" fits 30 of 76; and
#: "connection refused", which says something, 6.
_MANY = 12
#: Of fewer records than this nobody can say that most of them fit.
_FEW = 20


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


def remarks(signature: Signature, ours: Iterable[Signature], found: Iterable[Found] = ()) -> Iterator[str]:
    """Yield what is allowed and may still not be meant: patterns that cost much, texts that fit too often.

    `ours`: signatures that mean something of their own. `found`: what some lines meant.
    """
    ways = [way.pattern for way in signature.alternatives]
    for pattern in (*ways, signature.match, signature.exclude, signature.followed_by):
        if pattern is not None and pattern.most is not None:
            yield (f"signature {signature.name}: of a longer line only {pattern.most} characters are "
                   f"searched, as the pattern could take long: {pattern.text}; bound what repeats: .{{0,80}} "
                   "for .*")
    taken = [each.name for each in ours if each.name != signature.name and each.cls != STOPPED
             and any(_fits(signature, example) for example in each.examples)]
    if len(taken) >= _MANY:
        yield (f"signature {signature.name} is very general: it fits what {len(taken)} of ours are for, and "
               f"comes before them: {', '.join(taken[:3])} and others")
    heard = [each for each in found if each.record.level >= signature.level]
    fitting = sum(signature in each.fits for each in heard)
    if len(heard) >= _FEW and fitting > len(heard) / 2:
        yield f"signature {signature.name} is very general: it fits {fitting} of {len(heard)} records"


def _fits(signature: Signature, example: str) -> bool:
    return any(record.level >= signature.level and signature.fits(text_of(record).lower())
               for record in arrived(_lines(example)))


def _means(found: Found, signature: Signature) -> bool:
    if signature.cls == HARMLESS:
        return found.meaning is None and signature in found.fits
    return found.meaning is not None and found.meaning.cls == signature.cls and signature in found.fits


def _lines(example: str) -> list[str]:
    r"""Return the lines of an example, in which \n and \t may be written out."""
    return example.replace("\\n", "\n").replace("\\t", "\t").split("\n")
