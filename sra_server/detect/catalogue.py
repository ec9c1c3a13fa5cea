"""The catalogue of signatures, and one prefilter over all of it. From signatures.toml; to signatures.

The prefilter is one pattern, a trie of all literal fragments: a text that contains none of them costs
one scan, however many signatures there are, and a text that contains some is held against those only
which ask for one of them.
"""
from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from sra_sdk.errors import BadInput
from sra_sdk.lines.level import NUMBER

from ..domain.remedy import ACTIONS
from ..domain.signal import CLASSES, SEVERITY_ORDER, Severity

CATALOGUE = Path(__file__).with_name("signatures.toml")
#: So much of a text is searched.
_SEARCHED = 20_000
_FIELDS = frozenset({"name", "class", "severity", "software", "any", "match", "exclude", "means", "title",
                     "remedies", "count", "window", "level", "target", "settle", "low_below", "about"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """What a text must look like, and what it means; fires at `count` matches within `window` seconds."""

    name: str
    cls: str
    severity: Severity
    title: str
    means: str
    software: tuple[str, ...]
    any: tuple[str, ...]
    about: tuple[str, ...]
    match: re.Pattern[str] | None
    exclude: re.Pattern[str] | None
    remedies: tuple[str, ...]
    count: int
    window: int
    level: int
    target: bool
    settle: int
    low_below: int

    def fits(self, low: str) -> bool:
        """Say whether a text, in lower case, is what this signature describes."""
        if not any(map(low.__contains__, self.any)):
            return False
        if self.about and not any(map(low.__contains__, self.about)):
            return False
        if self.match is not None and not self.match.search(low):
            return False
        return self.exclude is None or not self.exclude.search(low)


class Catalogue:
    """Signatures in order of trust: the first that fits a text names it."""

    def __init__(self, signatures: tuple[Signature, ...]) -> None:
        self.signatures = signatures
        self.by_name = {each.name: each for each in signatures}
        words = _shortest(fragment for each in signatures for fragment in each.any)
        self._filter = re.compile(_trie(words))
        self._index = {word: tuple(number for number, each in enumerate(signatures)
                                   if any(word in fragment for fragment in each.any)) for word in words}

    def find(self, text: str, level: int) -> Signature | None:
        """Return the signature of a text, or None; `level` is the record's number."""
        low = text[:_SEARCHED].lower()
        search = self._filter.search
        found = search(low)
        if found is None:
            return None
        possible: set[int] = set()
        while found is not None:
            possible.update(self._index[found.group()])
            # no word is part of another, so one begins at each place, and they may overlap
            found = search(low, found.start() + 1)
        for number in sorted(possible):
            each = self.signatures[number]
            if level >= each.level and each.fits(low):
                return each
        return None


def load(path: Path = CATALOGUE) -> Catalogue:
    """Read a catalogue; raise BadInput that names the signature and the field that cannot be used."""
    stored = tomllib.loads(path.read_text(encoding="utf-8"))
    return Catalogue(tuple(_signature(entry) for entry in stored.get("signature", [])))


def _signature(entry: dict[str, Any]) -> Signature:
    name = str(entry.get("name", "without a name"))

    def need(condition: bool, what: str) -> None:
        if not condition:
            raise BadInput(f"signature {name}: {what}")

    unknown = set(entry) - _FIELDS
    need(not unknown, f"unknown field {', '.join(sorted(unknown))}; known are {', '.join(sorted(_FIELDS))}")
    need(entry.get("class") in CLASSES, f"class {entry.get('class')!r} is none of {', '.join(CLASSES)}")
    need(entry.get("severity") in SEVERITY_ORDER, f"severity must be one of {', '.join(SEVERITY_ORDER)}")
    fragments = tuple(entry.get("any", ()))
    need(bool(fragments) and all(len(each) >= 3 and each == each.lower() for each in fragments),
         "any must list at least one fragment of three or more characters in lower case")
    need(bool(entry.get("means")) and bool(entry.get("title")), "means and title must say what it is")
    wrong = set(entry.get("remedies", ())) - set(ACTIONS)
    need(not wrong, f"remedies names {', '.join(sorted(wrong))}; the catalogue has {', '.join(ACTIONS)}")
    need(entry.get("level", "warning") in NUMBER, f"level must be one of {', '.join(NUMBER)}")
    try:
        match = re.compile(entry["match"]) if "match" in entry else None
        harmless = "|".join(f"(?:{each})" for each in entry.get("exclude", ()))
        exclude = re.compile(harmless) if harmless else None
    except re.error as problem:
        raise BadInput(f"signature {name}: match or exclude is no pattern: {problem}") from problem
    return Signature(
        name=name, cls=entry["class"], severity=cast(Severity, entry["severity"]), title=entry["title"],
        means=entry["means"], software=tuple(entry.get("software", ())), any=_shortest(fragments),
        about=tuple(entry.get("about", ())), match=match, exclude=exclude,
        remedies=tuple(entry.get("remedies", ())), count=int(entry.get("count", 1)),
        window=int(entry.get("window", 60)), level=NUMBER[entry.get("level", "warning")],
        target=bool(entry.get("target", False)), settle=int(entry.get("settle", 0)),
        low_below=int(entry.get("low_below", 0)))


def _shortest(words: Iterable[str]) -> tuple[str, ...]:
    """Return the words without those that contain another one."""
    needed: list[str] = []
    for word in sorted(set(words), key=lambda each: (len(each), each)):
        if not any(shorter in word for shorter in needed):
            needed.append(word)
    return tuple(needed)


def _trie(words: Iterable[str]) -> str:
    """Return one pattern that finds any of the words; common beginnings are shared."""
    root: dict[str, Any] = {}
    for word in words:
        node = root
        for letter in word:
            node = node.setdefault(letter, {})
        node[""] = {}

    def pattern(node: dict[str, Any]) -> str:
        if "" in node:
            return ""
        parts = [re.escape(letter) + pattern(below) for letter, below in sorted(node.items())]
        return parts[0] if len(parts) == 1 else f"(?:{'|'.join(parts)})"

    return pattern(root) if root else r"(?!)"
