"""Sets of letters, as parts of a pattern match them. From the tree of a pattern; to effort.

A set is a number of bits: one for each letter of ASCII, one for each kind of all others (letters, digits,
space, the rest), one for the end of the match. So it may be larger than the truth, never smaller.
"""
from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from typing import Any

Item = tuple[Any, Any]

_OTHER = 0b1111 << 128
EVERY, END = (1 << 132) - 1, 1 << 132
ANYTHING = EVERY | END
_LETTERS = {**{chr(n): 1 << n for n in range(128)},
            "\N{CYRILLIC SMALL LETTER A}": 1 << 128, "\N{ARABIC-INDIC DIGIT ONE}": 1 << 129,
            "\N{NO-BREAK SPACE}": 1 << 130, "\N{EM DASH}": 1 << 131}
#: Letters that stand for others of their kind, beyond ASCII, where case does not matter: K and the Kelvin.
_TWINS = frozenset("iksIKS")
_CATEGORIES = {"CATEGORY_DIGIT": r"\d", "CATEGORY_NOT_DIGIT": r"\D", "CATEGORY_SPACE": r"\s",
               "CATEGORY_NOT_SPACE": r"\S", "CATEGORY_WORD": r"\w", "CATEGORY_NOT_WORD": r"\W"}


class Letters:
    """What the single letters of a pattern match, as its flags say."""

    def __init__(self, flags: int) -> None:
        self._any_case, self._newlines = bool(flags & re.IGNORECASE), bool(flags & re.DOTALL)
        self._ascii = bool(flags & re.ASCII)

    def of(self, item: Item) -> int | None:
        """Return what a part matches that is always one letter; None for any other."""
        kind, given = str(item[0]), item[1]
        if kind == "LITERAL":
            return self._one(given)
        if kind == "NOT_LITERAL":
            return EVERY & ~(self._one(given) & ~_OTHER)
        if kind == "ANY":
            return EVERY if self._newlines else EVERY & ~(1 << 10)
        return self._class(given) if kind == "IN" else None

    def _one(self, number: int) -> int:
        if number > 127:
            return _OTHER
        if not self._any_case:
            return 1 << number
        letter = chr(number)
        both = 1 << ord(letter.lower()) | 1 << ord(letter.upper())
        return both | _OTHER if letter in _TWINS else both

    def _class(self, members: Iterable[Item]) -> int:
        found, whole, negated = 0, 0, False
        for what, given in members:
            kind = str(what)
            if kind == "NEGATE":
                negated = True
            elif kind == "LITERAL":
                found |= self._one(given)
            elif kind == "RANGE":
                found |= union(self._one(n) for n in range(given[0], min(given[1], 128) + 1))
                found |= _OTHER if given[1] > 127 else 0
            else:
                whole |= _category(str(given))
        if self._ascii:
            # what belongs to a kind beyond ASCII does not count for it, and for its opposite it does
            found, whole = found | _OTHER, whole & ~_OTHER
        # of all others some remain, unless a whole kind of them is named
        return EVERY & ~(found & ~_OTHER | whole) if negated else found | whole


@cache
def _category(name: str) -> int:
    like = re.compile(_CATEGORIES[name])
    return union(bit for letter, bit in _LETTERS.items() if like.match(letter))


def bits(sets: Iterable[int]) -> list[int]:
    """Return the bits that stand in any of some sets, each by itself."""
    both = union(sets)
    return [1 << n for n in range(END.bit_length()) if both >> n & 1]


def union(sets: Iterable[int]) -> int:
    """Return the set of whatever is in one of some sets."""
    found = 0
    for each in sets:
        found |= each
    return found
