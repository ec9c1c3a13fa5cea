"""One signature: what a text must look like, and what it means. From an entry of a TOML file; to catalogue.

Texts are compared in lower case. A fragment is made of whole words: "oom" is neither in "room" nor in
"oomph". A pattern is tried only where its fragment stands.
"""
from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from sra_sdk.errors import BadInput
from sra_sdk.lines.level import NUMBER

from ..domain.remedy import ACTIONS
from ..domain.signal import CLASSES, SEVERITY_ORDER, Severity
from .client import hung_up
from .effort import affordable
from .pattern import Pattern

#: So much of a text is searched.
SEARCHED = 20_000
#: Who can search fewer letters than this with all the time there is will hardly find what it is for.
_LEAST = 100
_COSTLY = ("repeat nothing that repeats the same letters itself, as (a+)+ does, and bound what repeats: "
           ".{0,80} for .*")
#: The class of a text that sounds bad and means nothing; such an entry only hides it from the others.
HARMLESS = "harmless"
#: The class of a text that says that its service was asked to stop: no trouble, but it explains some.
STOPPED = "stopped"
#: Stands at the begin or end of an `about` for the rest of a word.
_REST = "*"
#: Each byte as words are made of them: letters in lower case, digits, whatever is not ASCII; else a space.
_WORDS = bytes(n if n > 127 else ord(chr(n).lower()) if chr(n).isalnum() else 32 for n in range(256))
_UPPER = re.compile(r"[A-Z]")
_ESCAPED = re.compile(r"\\.|\(\?P<\w+>")

#: Field → (type, what it must be, as errors and docs/signatures.md say it).
FIELDS: dict[str, tuple[type, str]] = {
    "name": (str, "a short name that no other signature has: letters, digits and _"),
    "class": (str, f"one of {', '.join(CLASSES)}; {HARMLESS}; {STOPPED}"),
    "severity": (str, f"one of {', '.join(SEVERITY_ORDER)}"),
    "title": (str, "what was seen, in a few words"),
    "means": (str, "what it means, in one sentence"),
    "software": (list, "whose texts these are, as a list of names"),
    "any": (list, "fragments in lower case, three or more characters, whole words; one suffices"),
    "patterns": (list, "pairs [fragment, pattern]: the pattern is tried where the fragment stands"),
    "about": (list, "fragments, whole words (with * parts of words), of which one must stand there as well"),
    "within": (int, "how many characters lie at most between a fragment and `about`; 0 is anywhere"),
    "match": (str, "a pattern that must be found as well"),
    "exclude": (list, "patterns of which none may be found"),
    "unanswered": (bool, "true if it says no more than that somebody does not answer, as in a restart"),
    "remedies": (list, f"actions that would help, of {', '.join(ACTIONS)}"),
    "count": (int, "so many matches are needed"),
    "window": (int, "within so many seconds"),
    "settle": (int, "matches of one process (pid) within so many seconds count once"),
    "apart": (int, "matches within so many seconds after one that counted are of the same occasion"),
    "many": (int, "so many matches of one occasion are enough"),
    "lasts": (int, "with `ends` and `object`: what has not ended after so many seconds is told"),
    "ends": (str, "with `lasts`: a pattern of the text that it is over, whose group is the object"),
    "clients": (bool, "true if one public client alone brings it about by what it asks: then it is not told"),
    "partners": (bool, "true if it is said of somebody who was called: one of many is not told"),
    "node": (bool, "true if it may name a node of a cluster: one alone is told after a minute"),
    "habit": (bool, "true if it happens now and then where all is well, and is judged by traffic and past"),
    "weak": (list, "with habit: patterns of texts that say it is tried again; ten weigh as one"),
    "brief": (list, "with habit: patterns of texts that a restart brings as well, for some seconds"),
    "low_below": (int, "with fewer matches than this the severity is low"),
    "level": (str, f"the least level that is looked at, of {', '.join(NUMBER)}"),
    "followed_by": (list, "patterns of texts that, soon after it, tell nothing new of the same service"),
    "target": (bool, "true if the text names what could not be reached"),
    "object": (str, "a pattern whose groups are what each text is about: a process, a disk"),
    "examples": (list, "lines, as they stand in a log, that must be found with this class"),
    "counterexamples": (list, "lines that resemble them and must not be found with this class"),
}


class Way:
    """One way to recognise a text: a fragment, and a pattern that must be found where it stands.

    `keys`: the words that it is made of, as `words` gives them of a text; `word`: it is one word and no more.
    """

    __slots__ = ("_ends", "_starts", "fragment", "keys", "pattern", "word")

    def __init__(self, fragment: str, pattern: Pattern | None = None) -> None:
        self.fragment, self.pattern = fragment, pattern
        self._starts, self._ends = _inside(fragment[0]), _inside(fragment[-1])
        self.keys = frozenset(words(fragment))
        self.word = self.keys == {fragment.encode()}

    def find(self, low: str) -> int:
        """Return where the fragment stands in a text in lower case, or -1."""
        fragment = self.fragment
        at = low.find(fragment)
        while at >= 0:
            end = at + len(fragment)
            if not (self._starts and at and _inside(low[at - 1])) and not (
                    self._ends and end < len(low) and _inside(low[end])):
                return at
            at = low.find(fragment, at + 1)
        return -1


class About:
    """Fragments of which one must stand in a text as well.

    `words`: those that are one whole word, as `words` gives them of a text, which are looked up and not
    searched; `others`: the rest without their stars, and what finds each as whole words.
    """

    __slots__ = ("_every", "others", "words")

    def __init__(self, fragments: Iterable[str]) -> None:
        every = tuple((each, *_whole(each)) for each in fragments)
        self._every = tuple((word, whole) for _, word, whole in every)
        self.words = frozenset(each.encode() for each, *_ in every if words(each) == [each.encode()])
        self.others = tuple((word, whole) for each, word, whole in every if each.encode() not in self.words)

    def stands_in(self, low: str, said: frozenset[bytes], *, part: bool = False) -> bool:
        """Say whether one does; `said`: the words of the text, of which `low` may be but a part."""
        there = not self.words.isdisjoint(said)
        if there and not part:
            return True
        # where a letter is not ASCII, `words` does not know every border of a word
        return self.searched(low) if there or not low.isascii() else _searched(self.others, low)

    def searched(self, low: str) -> bool:
        """Say the same of a text of which no words are known."""
        return _searched(self._every, low)


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """Fires at `count` matches within `window` seconds."""

    name: str
    cls: str
    severity: Severity
    title: str
    means: str
    software: tuple[str, ...]
    alternatives: tuple[Way, ...]
    about: About | None
    within: int
    match: Pattern | None
    exclude: Pattern | None
    remedies: tuple[str, ...]
    count: int
    window: int
    level: int
    target: bool
    object: Pattern | None
    unanswered: bool
    settle: int
    apart: int
    many: int
    lasts: int
    ends: Pattern | None
    clients: bool
    partners: bool
    node: bool
    low_below: int
    followed_by: Pattern | None
    habit: bool
    weak: Pattern | None
    brief: Pattern | None
    examples: tuple[str, ...]
    counterexamples: tuple[str, ...]
    origin: str
    own: bool = False

    @property
    def names(self) -> bool:
        """Say whether its texts name what they are about; who mistypes a password is no object."""
        return (self.target or self.object is not None) and self.cls != "auth_failures"

    def fits(self, low: str) -> bool:
        """Say whether a text, in lower case, is what this describes."""
        said = frozenset(words(low))
        return any(self.fits_by(way, low, said) for way in self.alternatives)

    def fits_by(self, way: Way, low: str, said: frozenset[bytes]) -> bool | None:
        """Say whether a text is what this describes, by one of its alternatives; None if it can be by none.

        `said`: the words of the text, or those of them that any alternative and any `about` is made of. What
        costs least is asked first: most texts that call up a signature are something else.
        """
        at = 0
        if way.word and not self.within:
            if not way.keys <= said:
                return False
        elif (at := way.find(low)) < 0:
            return False
        about = self.about
        if about is not None and not self.within and not about.stands_in(low, said):
            return None
        if self.match is not None and not self.match.stands_in(low):
            return None
        if way.pattern is not None and (at := way.pattern.find(low)) < 0:
            return False
        if about is not None and self.within:
            near = low[max(0, at - self.within):at + self.within]
            if not about.stands_in(near, said, part=True):
                return False
        if self.exclude is not None and self.exclude.stands_in(low):
            return None
        # who hangs up on us is nobody whom we asked
        return None if self.unanswered and hung_up(low) else True


def read(entry: Mapping[str, Any], origin: str = "", *, own: bool = False) -> Signature:
    """Return the signature of an entry; raise BadInput that names it and the field that cannot be used.

    Of a user's `own` the patterns are held to what a search may cost; ours are by the tests.
    """
    name = entry.get("name")
    where = f"{origin}: " if origin else ""
    if not isinstance(name, str) or not re.fullmatch(r"\w{1,60}", name):
        raise BadInput(f"{where}a signature has no usable name: {name!r}",
                       hint=f"name must be {FIELDS['name'][1]}")

    def need(condition: object, field: str, what: str = "") -> None:
        if not condition:
            raise BadInput(f"{where}signature {name}: {field} {what or f'is {entry.get(field)!r}'}",
                           hint=f"{field} must be {FIELDS[field][1]}" if field in FIELDS else
                           f"known fields are {', '.join(FIELDS)}")

    for field, value in entry.items():
        need(field in FIELDS, field, "is no known field")
        need(type(value) is FIELDS[field][0], field)
    harmless = entry.get("class") in (HARMLESS, STOPPED)
    need(harmless or entry.get("class") in CLASSES, "class")
    need(entry.get("severity", "low" if harmless else None) in SEVERITY_ORDER, "severity")
    need(entry.get("means"), "means", "is missing")
    need(harmless or entry.get("title"), "title", "is missing")
    for field in ("software", "any", "about", "exclude", "remedies", "followed_by", "weak", "brief",
                  "examples", "counterexamples"):
        need(all(isinstance(each, str) and each for each in entry.get(field, ())), field)
    for field in ("any", "about"):
        for each in entry.get(field, ()):
            usable = bool(each.strip(_REST)) if field == "about" else _usable(each)
            need(each == each.lower() and usable, field, f"has {each!r}")
    pairs = entry.get("patterns", ())
    for pair in pairs:
        need(isinstance(pair, list) and len(pair) == 2 and all(isinstance(each, str) for each in pair)
             and _usable(pair[0]) and pair[0] == pair[0].lower(), "patterns", f"has {pair!r}")
    need(entry.get("any") or pairs, "any", "is missing, and so is patterns")
    for each in entry.get("remedies", ()):
        need(each in ACTIONS, "remedies", f"has {each!r}")
    need(entry.get("level", "warning") in NUMBER, "level")
    for field, least in (("count", 1), ("window", 1), ("settle", 0), ("apart", 0), ("many", 0),
                         ("lasts", 0), ("low_below", 0), ("within", 0)):
        need(least <= entry.get(field, least) <= 100_000, field)

    def pattern(text: str, field: str) -> Pattern:
        need(not _UPPER.search(_ESCAPED.sub("", text)), field,
             f"has capital letters, which no text in lower case contains: {text!r}")
        try:
            found = Pattern(text)
            most = affordable(text, SEARCHED) if own else SEARCHED
        except (re.error, OverflowError, RecursionError) as problem:
            raise BadInput(f"{where}signature {name}: {field} is no pattern: {problem}: {text!r}",
                           hint="patterns are those of Python's re") from problem
        if most < _LEAST:
            raise BadInput(f"{where}signature {name}: {field} could search one line for minutes: {text!r}",
                           hint=_COSTLY)
        return found if most == SEARCHED else Pattern(text, most)

    def patterns(field: str) -> Pattern | None:
        parts = [pattern(each, field) for each in entry.get(field, ())]
        most = min((each.most for each in parts if each.most is not None), default=None)
        return Pattern("|".join(f"(?:{each.text})" for each in parts), most) if parts else None

    fragments = dict.fromkeys(entry.get("any", ()))
    return Signature(
        name=name, cls=entry["class"], severity=cast(Severity, entry.get("severity", "low")),
        title=entry.get("title", ""), means=entry["means"], software=tuple(entry.get("software", ())),
        alternatives=(*(Way(each) for each in fragments),
                      *(Way(near, pattern(text, "patterns")) for near, text in pairs)),
        about=About(entry["about"]) if entry.get("about") else None, within=entry.get("within", 0),
        match=pattern(entry["match"], "match") if "match" in entry else None,
        exclude=patterns("exclude"), followed_by=patterns("followed_by"),
        habit=entry.get("habit", False), weak=patterns("weak"),
        brief=patterns("brief"),
        object=pattern(entry["object"], "object") if "object" in entry else None,
        remedies=tuple(entry.get("remedies", ())), count=entry.get("count", 1),
        window=entry.get("window", 60), level=NUMBER[entry.get("level", "warning")],
        target=entry.get("target", False), unanswered=entry.get("unanswered", False),
        lasts=entry.get("lasts", 0), ends=pattern(entry["ends"], "ends") if "ends" in entry else None,
        settle=entry.get("settle", 0), apart=entry.get("apart", 0), many=entry.get("many", 0),
        clients=entry.get("clients", False), partners=entry.get("partners", False),
        node=entry.get("node", False), low_below=entry.get("low_below", 0),
        examples=tuple(entry.get("examples", ())), counterexamples=tuple(entry.get("counterexamples", ())),
        origin=origin, own=own)


def _usable(fragment: str) -> bool:
    return len(fragment) >= 3 and bool(words(fragment))


def words(text: str) -> list[bytes]:
    """Return the words of a text, as bytes in lower case, which is what costs least."""
    return text.encode("utf-8", "replace").translate(_WORDS).split()


def _inside(letter: str) -> bool:
    """Say whether a letter belongs to a word."""
    return letter.isalnum() or letter > "\x7f"


def _searched(fragments: tuple[tuple[str, re.Pattern[str]], ...], low: str) -> bool:
    for word, whole in fragments:  # noqa: SIM110 - any() costs three times as much
        if word in low and whole.search(low):
            return True
    return False


def _whole(fragment: str) -> tuple[str, re.Pattern[str]]:
    """Return a fragment without its stars, and the pattern that finds it as whole words."""
    word = fragment.strip(_REST)
    begins = "" if fragment.startswith(_REST) or not word[0].isalnum() else r"(?<![^\W_])"
    ends = "" if fragment.endswith(_REST) or not word[-1].isalnum() else r"(?![^\W_])"
    return word, re.compile(f"{begins}{re.escape(word)}{ends}")
