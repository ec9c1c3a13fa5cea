"""A pattern, and what a text must contain before it is worth a search. From signature; to signature.

`re` goes through a text letter by letter and tries every alternative; `in` is many times as fast. So from
the pattern is read what its matches cannot do without, and how long they can be: a text without any of it
has no match, and of a long text only what lies around it is searched. Whatever is not understood here is
searched as it is.
"""
from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

#: Up to so many letters more than the longest match a text is searched as a whole.
_SPARE = 200
#: So many further words are asked for before a search, each of at most so many.
_ALSO, _WIDE = 2, 8
_COUNTED = re.compile(r"\{(?=[\d,])(\d*)(,?)(\d*)\}")
_CONTROL = {"n": "\n", "t": "\t", "r": "\r", "f": "\f", "v": "\v", "a": "\a"}


class Pattern:
    """A pattern that is searched in texts.

    `needs`: one of these stands in every match; empty if none is known. `also`: the same, further ones, of
    each of which one must stand there too. `suffices`: those of `needs` that are a match by themselves.
    `reach`: how many letters a match and what it looks at behind it have at most;
    None if there is no bound. `most`: of a longer text only so many letters are searched, those around the
    first that a match needs; None if it may take what it takes.
    """

    __slots__ = ("also", "most", "needs", "reach", "regex", "suffices", "text")

    def __init__(self, text: str, most: int | None = None) -> None:
        self.text, self.regex, self.most = text, re.compile(text), most
        self.needs: tuple[str, ...] = ()
        self.also: tuple[tuple[str, ...], ...] = ()
        self.suffices: frozenset[str] = frozenset()
        self.reach: int | None = None
        try:
            whole = _Reader(text).alternatives()
        except _Unknown:
            return
        clauses = [_shortest(each) for each in whole.clauses]
        self.needs = clauses[0] if clauses else ()
        self.also = tuple(each for each in clauses[1:] if _tells(each, self.needs))[:_ALSO]
        self.suffices, self.reach = whole.suffices, whole.reach

    def stands_in(self, text: str) -> bool:
        """Say whether there is a match."""
        for need in self.needs:
            if need in text:
                return need in self.suffices or self.find(text) >= 0
        return not self.needs and self.find(text) >= 0

    def find(self, text: str) -> int:
        """Return where the first match begins, or -1."""
        needs, reach = self.needs, self.reach
        at = _first(text, needs) if needs else 0
        if at < 0:
            return -1
        for clause in self.also:
            for each in clause:
                if each in text:
                    break
            else:
                return -1
        begin, end = 0, len(text)
        if reach is not None and needs:
            begin = max(0, at - reach)
            if end - begin > 3 * reach + _SPARE:
                end = max(map(text.rfind, needs)) + 2 * reach + 2
        if self.most is not None and end - begin > self.most:
            begin = max(begin, at - self.most // 2)
            end = begin + self.most
        # for \b and the like `re` looks before the beginning of the part as well, but not behind its end
        found = self.regex.search(text, begin, end)
        return -1 if found is None else found.start()


def _shortest(clause: frozenset[str]) -> tuple[str, ...]:
    """Return the words of a clause without those in which another stands."""
    ordered = sorted(clause, key=lambda each: (len(each), each))
    return tuple(each for n, each in enumerate(ordered) if not any(other in each for other in ordered[:n]))


def _tells(clause: tuple[str, ...], needs: tuple[str, ...]) -> bool:
    """Say whether it is worth to ask for a clause as well where one of the needs stands."""
    return (len(clause) <= _WIDE and min(map(len, clause)) > 1
            and not all(any(each in need for each in clause) for need in needs))


def _first(text: str, words: tuple[str, ...]) -> int:
    """Return where the first of some words begins, or -1."""
    if len(words) == 1:
        return text.find(words[0])
    return min((at for at in map(text.find, words) if at >= 0), default=-1)


class _Unknown(Exception):
    """The pattern has something in it that is not read here."""


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of a pattern: see Pattern; and the one letter that it may be.

    `clauses`: of each of them one stands in every match; the one that tells most comes first.
    """

    clauses: tuple[frozenset[str], ...] = ()
    suffices: frozenset[str] = frozenset()
    reach: int | None = 0
    letter: str = ""


class _Reader:
    """Reads a pattern once, from left to right."""

    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0

    def alternatives(self, *, inner: bool = False) -> _Part:
        """Read to the end, or in a group to its closing bracket."""
        parts = [self._sequence()]
        while self._take("|"):
            parts.append(self._sequence())
        closed = self._take(")") if inner else self.at == len(self.text)
        if not closed:
            raise _Unknown
        reaches = [part.reach for part in parts]
        return _Part(
            # a match is of one of the parts, and so has one of each place in their rows
            clauses=_ordered(frozenset[str]().union(*row)
                             for row in zip(*(each.clauses for each in parts), strict=False)),
            suffices=frozenset[str]().union(*(each.suffices for each in parts)),
            reach=None if None in reaches else max(each for each in reaches if each is not None))

    def _sequence(self) -> _Part:
        run, reach = "", _Length(0)
        clauses: list[frozenset[str]] = []
        parts: list[_Part] = []
        while self.at < len(self.text) and self.text[self.at] not in "|)":
            part = self._item()
            least, most = self._repeated()
            reach.add(part.reach, most)
            if part.letter and least == most == 1:
                run += part.letter
            elif part.reach != 0:
                clauses += [frozenset({run}), *(part.clauses if least else ())]
                run = ""
            parts.append(part if least == most == 1 else _Part())
        if parts and all(part.letter for part in parts):
            suffices = frozenset({run})
        else:
            suffices = parts[0].suffices if len(parts) == 1 else frozenset()
        return _Part(_ordered([*clauses, frozenset({run})]), suffices, reach.total)

    def _item(self) -> _Part:
        letter = self.text[self.at]
        self.at += 1
        if letter == "(":
            return self._group()
        if letter == "[":
            return self._class()
        if letter == "\\":
            return self._escape()
        if letter in "*+?":
            raise _Unknown
        if letter in "^$":
            return _Part()
        return _Part(reach=1) if letter == "." else _Part(reach=1, letter=letter)

    def _group(self) -> _Part:
        if not self._take("?"):
            return self.alternatives(inner=True)
        if self._take(":"):
            return self.alternatives(inner=True)
        if self._take("=") or self._take("!"):
            return _Part(reach=self.alternatives(inner=True).reach)
        if self._take("<=") or self._take("<!"):
            self.alternatives(inner=True)
            return _Part()
        raise _Unknown

    def _class(self) -> _Part:
        self._take("^")
        self._take("]")
        while not self._take("]"):
            self.at += 2 if self.text[self.at:self.at + 1] == "\\" else 1
            if self.at >= len(self.text):
                raise _Unknown
        return _Part(reach=1)

    def _escape(self) -> _Part:
        letter = self.text[self.at]
        self.at += 1
        if letter in "bBAZ":
            return _Part()
        if letter in "dDsSwW":
            return _Part(reach=1)
        if letter in _CONTROL:
            return _Part(reach=1, letter=_CONTROL[letter])
        if letter.isalnum():
            raise _Unknown
        return _Part(reach=1, letter=letter)

    def _repeated(self) -> tuple[int, int | None]:
        """Return how often the item before stands there at least and at most."""
        counted = _COUNTED.match(self.text, self.at)
        if counted is not None:
            self.at = counted.end()
            low, comma, high = counted.groups()
            times = int(low or 0), (int(high) if high else None) if comma else int(low)
        elif self._take("?"):
            times = 0, 1
        elif self._take("*"):
            times = 0, None
        elif self._take("+"):
            times = 1, None
        else:
            return 1, 1
        self._take("?")
        if self.text[self.at:self.at + 1] in ("+", "*"):
            raise _Unknown
        return times

    def _take(self, what: str) -> bool:
        if self.text.startswith(what, self.at):
            self.at += len(what)
            return True
        return False


class _Length:
    """A sum of lengths, of which any may be without bound."""

    def __init__(self, total: int | None) -> None:
        self.total = total

    def add(self, length: int | None, times: int | None) -> None:
        """Add a length so many times."""
        if length == 0 or self.total is None:
            return
        self.total = None if length is None or times is None else self.total + length * times


def _ordered(clauses: Iterable[frozenset[str]]) -> tuple[frozenset[str], ...]:
    """Return clauses without those that ask for nothing, the one that tells most first."""
    return tuple(sorted((each for each in clauses if all(each)), key=_worth, reverse=True))


def _worth(needs: frozenset[str]) -> tuple[int, int, int]:
    """Say how much a text is told apart by these: none of them is short, and they are few."""
    least = min(map(len, needs), default=0)
    return (min(least, 3), -len(needs), least)
