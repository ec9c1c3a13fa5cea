"""The catalogue of signatures, and one prefilter over all of it. From signatures/*.toml; to signatures.

The prefilter is a set: the words of a text are held against those of the fragments. So a text costs the
same however many signatures there are, and only those are tried whose words occur. Files are read in the
order of their names, so causes stand before consequences; a user's own files come before all of ours.
"""
from __future__ import annotations

import os
import stat
import tomllib
from collections import Counter
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from sra_sdk.errors import BadInput

from .signature import HARMLESS, SEARCHED, Signature, read, words

CATALOGUE = Path(__file__).with_name("signatures")
#: A file of signatures never needs more bytes than this.
_BYTES = 4 * 1024 * 1024
#: So many texts are remembered, up to so many letters each.
_REMEMBERED, _SHORT = 1024, 1000


#: An alternative of a signature that a word calls up: the numbers of both, and its other words.
_Hit = tuple[int, int, frozenset[bytes]]


class Catalogue:
    """Signatures in order of trust: the first that fits a text names it."""

    def __init__(self, signatures: tuple[Signature, ...]) -> None:
        self.signatures = signatures
        self.by_name = {each.name: each for each in signatures}
        popular = Counter(key for each in signatures for way in each.alternatives for key in way.keys)
        index: dict[bytes, list[_Hit]] = {}
        for number, each in enumerate(signatures):
            for which, way in enumerate(each.alternatives):
                # one word of a fragment suffices to notice it: the one that calls up the fewest others
                key = min(way.keys, key=lambda word: (popular[word] + 5 * (len(word) < 6), -len(word)))
                index.setdefault(key, []).append((number, which, way.keys - {key}))
        self.index = {key: tuple(found) for key, found in index.items()}
        self._calling = frozenset(index)
        self._known = frozenset(popular).union(*(each.about.words for each in signatures if each.about))
        #: What was found lately, of texts in which some fragment stands: most trouble says the same again.
        self._lately: dict[tuple[str, int], Signature | None] = {}

    def find(self, text: str, level: int) -> Signature | None:
        """Return the signature of a text, or None; `level` is the record's number."""
        key = (text, level) if len(text) <= _SHORT else None
        if key is not None and key in self._lately:
            return self._lately[key]
        said = self._known.intersection(words(text[:SEARCHED]))
        index = self.index
        hits = [hit for word in self._calling & said for hit in index[word] if hit[2] <= said]
        if not hits:
            return None
        found = self._fitting(text, level, hits, said)
        if key is not None:
            if len(self._lately) >= _REMEMBERED:
                self._lately.clear()
            self._lately[key] = found
        return found

    def _fitting(self, text: str, level: int, hits: list[_Hit], said: frozenset[bytes]) -> Signature | None:
        """Return the first of the signatures called up that fits, or None; by those alternatives only."""
        low = text[:SEARCHED].lower()
        hits.sort()  # no two are alike in both numbers, so their words are not compared
        out = -1
        for number, which, _ in hits:
            if number == out:
                continue
            each = self.signatures[number]
            fits = each.fits_by(each.alternatives[which], low, said) if level >= each.level else None
            if fits:
                return None if each.cls == HARMLESS else each
            if fits is None:
                out = number  # what it asks for whatever its alternatives say is not there
        return None

    def all(self, text: str, level: int) -> tuple[Signature, ...]:
        """Return every signature that fits, the winning one first."""
        low = text[:SEARCHED].lower()
        return tuple(each for each in self.signatures if level >= each.level and each.fits(low))


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A catalogue, and what could not be read of the user's part of it: one sentence for each file."""

    catalogue: Catalogue
    problems: tuple[str, ...] = ()
    files: tuple[str, ...] = ()


@cache
def load() -> Catalogue:
    """Return the catalogue that comes with SRA."""
    return Catalogue(tuple(each for path in sorted(CATALOGUE.glob("*.toml")) for each in read_file(path)))


@lru_cache(maxsize=8)
def load_with(folder: Path | None) -> Loaded:
    """Return the catalogue with a user's files before it; one that cannot be used is left out, and told.

    A folder is read once in a process: what changes in it counts from the next start.
    """
    own: list[Signature] = []
    problems: list[str] = []
    files: list[str] = []
    names: dict[str, str] = {}
    for path in _inside(folder, problems) if folder is not None else ():
        try:
            found = read_file(path, own=True)
            for each in found:
                if each.name in names:
                    raise BadInput(f"{path}: signature {each.name}: name is taken in {names[each.name]}")
        except BadInput as problem:
            # people without a seat on the server read this as well: its folders are none of their business
            told = problem.message.replace(f"{path}: ", f"{path.name}: ")
            problems.append(f"{told} ({problem.hint})" if problem.hint else told)
            continue
        names.update(dict.fromkeys((each.name for each in found), path.name))
        own += found
        files.append(str(path))
    # a user's signature takes the place of ours of the same name
    ours = (each for each in load().signatures if each.name not in names)
    return Loaded(catalogue=Catalogue((*own, *ours)) if own else load(), problems=tuple(problems),
                  files=tuple(files))


def _inside(folder: Path, problems: list[str]) -> list[Path]:
    """Return the files of signatures in a folder; add to the problems why there is none."""
    if not folder.is_dir():
        problems.append("signatures_dir names no folder")
        return []
    try:
        return sorted(path for path in folder.iterdir() if path.suffix == ".toml")
    except OSError as problem:
        problems.append(f"signatures_dir cannot be read: {problem.strerror}")
        return []


def _text(path: Path) -> str:
    """Return a file's text; only of a regular file, for to read a pipe or a device may never end."""
    if not stat.S_ISREG(path.stat().st_mode):
        raise BadInput(f"{path}: is no regular file")
    # should it have become a pipe by now, this does not wait for a writer
    with open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK)) as file:
        text = file.read(_BYTES + 1)
    if len(text) > _BYTES:
        raise BadInput(f"{path}: has more than {_BYTES >> 20} MiB")
    return text.decode("utf-8-sig").replace("\r\n", "\n")


def read_file(path: Path, *, own: bool = False) -> tuple[Signature, ...]:
    """Read one file; raise BadInput that names it, and in it the signature and the field."""
    try:
        stored: dict[str, Any] = tomllib.loads(_text(path))
    except (OSError, UnicodeDecodeError) as problem:
        raise BadInput(f"{path}: cannot be read: {problem}") from problem
    except (tomllib.TOMLDecodeError, RecursionError) as problem:
        raise BadInput(f"{path}: is not valid TOML: {problem}") from problem
    unknown = sorted(set(stored) - {"signature"})
    entries = stored.get("signature", [])
    if unknown or not isinstance(entries, list) or not all(isinstance(each, dict) for each in entries):
        raise BadInput(f"{path}: has {', '.join(unknown) or 'something else'} beside its signatures",
                       hint="a file holds tables that begin with [[signature]] and nothing else")
    found = tuple(read(entry, str(path), own=own) for entry in entries)
    names = [each.name for each in found]
    twice = sorted({each for each in names if names.count(each) > 1})
    if twice:
        raise BadInput(f"{path}: signature {twice[0]}: name is used twice")
    return found
