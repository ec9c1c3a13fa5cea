"""How much work a pattern can be, in the worst of texts. From the pattern of a user's signature; to pattern.

`re` goes back and tries the next way whenever one fails, so `(a+)+$` takes twice as long for each further
letter, and while it searches nothing else of the process runs. Here the ways are counted before anything is
searched: a bound of the steps that `re` takes for a text of so many letters, whatever they are. A part that
can be left in one way only, as the next letter tells (`\\w+,`), costs its letters; any other multiplies what
stands behind it. The bound is no measure: a pattern may be quicker than this says, never much slower.
"""
from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from re import _parser  # type: ignore[attr-defined]
from typing import Any, NamedTuple

from .letters import ANYTHING, END, EVERY, Item, Letters, bits, union

#: Steps that a search may take: some tenths of a second, in which the server does nothing else.
MOST = 20_000_000.0
#: A part in which `re` remembers where it was takes so many steps for one of a single letter.
_HEAVY = 10.0
_FOREVER = 1e30
#: So many letters of a word are looked at to say how close together it may stand.
_WORD = 16
#: What matches no letter itself but may fail.
_CHECKS = frozenset({"AT", "ASSERT", "ASSERT_NOT"})
_REPEATS = frozenset({"MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"})

_NOTHING: tuple[Item, ...] = ()


class _Cost(NamedTuple):
    """In how many ways a part can be left so that what follows may fit, and the steps of all its ways."""

    ways: float
    steps: float


def steps(pattern: str, letters: int) -> float:
    """Return how many steps a search takes at most in a text of so many letters."""
    return _steps(_parser.parse(pattern), letters)


def affordable(pattern: str, most: int) -> int:
    """Return in how long a text, up to `most` letters, the pattern can be searched for MOST steps."""
    tree = _parser.parse(pattern)
    if _steps(tree, most) <= MOST:
        return most
    low, high = 0, most
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _steps(tree, middle) <= MOST else (low, middle)
    return low


def _steps(tree: Any, letters: int) -> float:
    items = list(tree)
    reader = _Reader(letters, Letters(tree.state.flags | _flags(items)))
    cost = reader.sequence(tree, END).steps
    if items and str(items[0][0]) == "AT" and str(items[0][1]) in ("AT_BEGINNING", "AT_BEGINNING_STRING") \
            and not tree.state.flags & re.MULTILINE:
        return cost
    prefix, rest = reader.prefix(items)
    if any(not each & rest for each in prefix):
        # what begins behind the first beginning needs a letter over which that one cannot have run
        return letters * len(prefix) + 2 * cost
    return min(_FOREVER, letters / _period(prefix) * cost + letters)


class _Reader:
    """Reads the parts of a pattern for texts of one length."""

    def __init__(self, letters: int, known: Letters) -> None:
        self.letters, self._letters = letters, known
        self._known: dict[tuple[int, int], _Cost] = {}

    def sequence(self, part: Sequence[Item], follow: int) -> _Cost:
        """Return the cost of a part's items, one after the other, before the letters that may follow."""
        key = id(part), follow  # of the pattern's tree, which lives on
        if key not in self._known:
            self._known[key] = self._in_order(list(part), follow)
        return self._known[key]

    def _in_order(self, items: list[Item], follow: int) -> _Cost:
        after = [follow]
        for item in reversed(items):
            after.append(self._before(item, after[-1]))
        after.reverse()
        ways, spent = 1.0, 1.0
        run: list[int] = []
        spread = 1.0  # how many of the ways end at places of their own
        repeated = 0  # the letters of a repetition just before
        for item, behind in zip(items, after[1:], strict=True):
            cost = self._item(item, behind)
            spent += ways * cost.steps
            letter = self._letters.of(item)
            if letter is None:
                again = self._repeated(item)
                if again and repeated and not again & repeated and item[1][0] == 0:
                    # the one before was left early, and this one is empty, or late
                    ways += ways / spread * cost.ways
                else:
                    ways *= cost.ways
                run, spread, repeated = [], cost.ways if again else 1.0, again
                continue
            # of all the places where a repetition may end, a word stands behind few
            before = _period(run)
            if len(run) < _WORD:
                run.append(letter)
            share = min(spread, _period(run) / before)
            ways, spread, repeated = ways / share, spread / share, 0
        if ways == 1 and not any(map(self._looks, items)):
            spent = min(spent, _size(items) * (self._span(items) + 1))
        return _Cost(min(ways, _FOREVER), min(spent, _FOREVER))

    def prefix(self, items: Sequence[Item]) -> tuple[list[int], int]:
        """Return the letters with which every match begins, and any letter that may come after those."""
        letters: list[int] = []
        rest = list(items)
        while rest:
            if str(rest[0][0]) == "SUBPATTERN" and not rest[0][1][1] and not rest[0][1][2]:
                rest[:1] = list(rest[0][1][3])
                continue
            letter = self._letters.of(rest[0])
            if letter is None and str(rest[0][0]) != "AT":
                break
            letters += [] if letter is None or len(letters) >= _WORD else [letter]
            del rest[0]
        return letters, self._all_letters(rest)

    def _item(self, item: Item, follow: int) -> _Cost:
        kind, given = str(item[0]), item[1]
        if kind in _REPEATS:
            cost = self._repeat(given, END if kind == "POSSESSIVE_REPEAT" else follow)
            return _Cost(1, cost.steps) if kind == "POSSESSIVE_REPEAT" else cost
        if kind == "BRANCH":
            return self._branches(given[1], follow)
        if kind == "SUBPATTERN":
            return self.sequence(given[3], follow)
        if kind in ("ASSERT", "ASSERT_NOT"):
            return _Cost(1, self.sequence(given[1], END).steps)
        if kind == "ATOMIC_GROUP":
            return _Cost(1, self.sequence(given, END).steps)
        if kind == "GROUPREF":
            return _Cost(1, self.letters)
        if kind == "GROUPREF_EXISTS":
            return self._branches([given[1], given[2] or _NOTHING], follow)
        return _Cost(1, 1)

    def _branches(self, branches: Sequence[Any], follow: int) -> _Cost:
        firsts, costs = [], []
        for each in branches:
            first, empty = self._first(each)
            firsts.append(first | follow if empty else first)
            costs.append(self.sequence(each, follow))
        # branches that begin with different letters do not stand for each other
        ways, spent = 1.0, 0.0
        for bit in bits(firsts):
            chosen = [cost for first, cost in zip(firsts, costs, strict=True) if first & bit]
            ways = max(ways, sum(each.ways for each in chosen))
            spent = max(spent, sum(each.steps for each in chosen))
        return _Cost(ways, spent + len(branches))

    def _repeat(self, given: tuple[Any, Any, Any], follow: int) -> _Cost:
        low, high, body = int(given[0]), int(given[1]), given[2]
        shortest = given[2].getwidth()[0]
        times = min(high, max(low, self.letters // max(1, shortest)))
        first, empty = self._first(body)
        if empty:
            first |= follow
        if times <= 1:
            once = self.sequence(body, follow)
            skipped = 1 if low == 0 and first & follow else 0
            return _Cost(once.ways + skipped, once.steps + 1)
        again = self.sequence(body, first)
        either = self.sequence(body, first | follow)
        last = self.sequence(body, follow)
        if again.ways > 1:
            return _Cost(*(2 * [_power(again.ways, times - 1) * max(again.steps, last.steps) * 2]))
        if either.ways > 1:
            ways = times * last.ways
        else:
            ways = 1 if low == times or not first & follow else times - low + 1
        single = len(body) == 1 and self._letters.of(body[0]) is not None
        spent = times * again.steps
        if not any(map(self._looks, body)):
            spent = min(spent, _size(body) * (min(self.letters, self._span(body) * times) + 1))
        return _Cost(ways, spent + ways if single else _HEAVY * (spent + ways))

    def _before(self, item: Item, follow: int) -> int:
        """Return the letters that may come before a part, and behind it those of `follow`."""
        if str(item[0]) in _CHECKS:
            # at the end of the match nothing is tried any more; but for a check, which may fail there
            return ANYTHING if follow & END else follow
        first, empty = self._first([item])
        return first | follow if empty else first

    def _first(self, items: Iterable[Item]) -> tuple[int, bool]:
        """Return the letters with which parts may begin, and whether they may be empty."""
        letters = 0
        for item in items:
            kind, given = str(item[0]), item[1]
            first: int
            empty = True
            if kind in _CHECKS:
                first = 0
            elif kind in _REPEATS:
                first, empty = self._first(given[2])
                empty = empty or given[0] == 0
            elif kind == "BRANCH":
                found = [self._first(each) for each in given[1]]
                first, empty = union(each for each, _ in found), any(each for _, each in found)
            elif kind in ("SUBPATTERN", "ATOMIC_GROUP"):
                first, empty = self._first(given[3] if kind == "SUBPATTERN" else given)
            else:
                known = self._letters.of(item)
                first, empty = (EVERY, True) if known is None else (known, False)
            letters |= first
            if not empty:
                return letters, False
        return letters, True

    def _all_letters(self, items: Iterable[Item]) -> int:
        """Return every letter that parts may match."""
        found = 0
        for item in items:
            inner = _inner(item)
            letter = self._letters.of(item)
            if letter is not None:
                found |= letter
            elif inner:
                found |= union(self._all_letters(each) for each in inner)
            elif str(item[0]) != "AT":
                return EVERY
        return found

    def _repeated(self, item: Item) -> int:
        """Return the letters of a part that repeats one, so each of its ways ends elsewhere; else 0."""
        if str(item[0]) not in _REPEATS or len(item[1][2]) != 1:
            return 0
        return self._letters.of(item[1][2][0]) or 0

    def _span(self, items: Iterable[Item]) -> float:
        """Return how many letters parts match at most."""
        return min(self.letters, sum(self._width(item) for item in items))

    def _width(self, item: Item) -> float:
        if self._letters.of(item) is not None:
            return 1
        if str(item[0]) in _CHECKS:
            return 0
        inner = _inner(item)
        if not inner:
            return self.letters
        widest = max(self._span(each) for each in inner)
        return min(self.letters, widest * int(item[1][1])) if str(item[0]) in _REPEATS else widest

    def _looks(self, item: Item) -> bool:
        """Say whether a part looks at letters without using them up, or compares many with earlier ones."""
        return str(item[0]) in ("ASSERT", "ASSERT_NOT", "GROUPREF", "GROUPREF_EXISTS") or any(
            self._looks(each) for inner in _inner(item) for each in inner)


def _inner(item: Item) -> list[list[Item]]:
    """Return the parts of which a part is made, one list for each that may stand there."""
    kind, given = str(item[0]), item[1]
    if kind in _REPEATS:
        return [list(given[2])]
    if kind == "BRANCH":
        return [list(each) for each in given[1]]
    if kind in ("ASSERT", "ASSERT_NOT"):
        return [list(given[1])]
    if kind == "GROUPREF_EXISTS":
        return [list(each) for each in given[1:] if each is not None]
    if kind == "SUBPATTERN":
        return [list(given[3])]
    return [list(given)] if kind == "ATOMIC_GROUP" else []


def _flags(items: Iterable[Item]) -> int:
    """Return the flags that hold for any part; where they do not hold they only make sets larger."""
    found = 0
    for item in items:
        found |= int(item[1][1]) if str(item[0]) == "SUBPATTERN" else 0
        for inner in _inner(item):
            found |= _flags(inner)
    return found


def _size(items: Iterable[Item]) -> int:
    return sum(1 + sum(map(_size, _inner(item))) for item in items)


def _period(word: Sequence[int]) -> int:
    """Return how far apart two places at least are where a word stands."""
    for apart in range(1, len(word)):
        if all(one & other for one, other in zip(word, word[apart:], strict=False)):
            return apart
    return max(1, len(word))


def _power(base: float, times: float) -> float:
    try:
        return float(min(base ** times, _FOREVER))
    except OverflowError:
        return _FOREVER
