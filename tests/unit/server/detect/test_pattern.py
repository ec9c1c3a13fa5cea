"""A pattern finds what `re` finds, in short texts and long ones, whatever it is made of."""
from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sra_server.detect.catalogue import load
from sra_server.detect.effort import steps
from sra_server.detect.pattern import Pattern
from sra_server.detect.signature import HARMLESS, Signature

REAL = load()
PATTERNS = [each for one in REAL.signatures
            for each in (*(way.pattern for way in one.alternatives), one.match, one.exclude)
            if each is not None]


def _whole(example: str) -> str:
    return example.replace("\\n", "\n").replace("\\t", "\t")


_LINES = [_whole(line) for one in REAL.signatures for line in (*one.examples, *one.counterexamples)]
_PIECES = sorted({way.fragment for one in REAL.signatures for way in one.alternatives}
                 | {need for each in PATTERNS for need in each.needs})
_TRACE = "".join(f"\n\tat com.example.orders.Basket.price(Basket.java:{n})" for n in range(480, 510))
TEXTS = st.lists(
    st.one_of(st.sampled_from(_LINES), st.sampled_from(_PIECES), st.just(_TRACE),
              st.text(alphabet="abc er:_-\n1=\"'", max_size=6)),
    max_size=7).flatmap(
        lambda parts: st.sampled_from(["", " ", "\n", ": ", " 12 "]).map(lambda mark: mark.join(parts)))


def _begins(found: re.Match[str] | None) -> int:
    return -1 if found is None else found.start()


@settings(max_examples=30, deadline=None)
@given(TEXTS)
def test_every_pattern_of_the_catalogue_finds_what_re_finds(text: str) -> None:
    low = text.lower()
    for each in PATTERNS:
        found = _begins(each.regex.search(low))
        assert (each.find(low), each.stands_in(low)) == (found, found >= 0), each.text


def _fits(signature: Signature, low: str) -> bool:
    """Say what a signature means, without any short cut."""
    for way in signature.alternatives:
        at = way.find(low)
        if at >= 0 and way.pattern is not None:
            at = _begins(way.pattern.regex.search(low))
        if at < 0:
            continue
        near = low[max(0, at - signature.within):at + signature.within] if signature.within else low
        if signature.about is not None and not signature.about.searched(near):
            continue
        if (signature.match is None or signature.match.regex.search(low)) and (
                signature.exclude is None or not signature.exclude.regex.search(low)):
            return True
    return False


@settings(max_examples=30, deadline=None)
@given(TEXTS)
def test_the_catalogue_finds_what_asking_each_signature_at_length_finds(text: str) -> None:
    fitting = [each for each in REAL.signatures if _fits(each, text.lower())]
    assert list(REAL.all(text, 50)) == fitting
    first = fitting[0] if fitting and fitting[0].cls != HARMLESS else None
    assert REAL.find(text, 50) is first


_TIMES = ("?", "*", "+", "{2}", "{0,3}", "{1,}", "{,2}", "*?", "{0}", "{1,3}?")
#: Patterns made of every kind of part that is read, and of some that are not.
_PARTS = st.recursive(
    st.sampled_from(["a", "b", "ab", "abc", r"\b", "^", "$", r"\Z", r"\A", ".", r"\w", r"\d", r"\.", "[ab]",
                     "[^a]", r"[\]b]", "[]a]", r"\n", "(?=b)", "(?!a)", "(?<=a)", "(?<!b)", r"\x61",
                     "(?P<n>a)", "{a"]),
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=4).map("".join),
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: f"(?:{'|'.join(parts)})"),
        st.lists(inner, min_size=2, max_size=3).map("|".join),
        st.tuples(inner, st.sampled_from(_TIMES)).map(lambda pair: f"(?:{pair[0]}){pair[1]}")),
    max_leaves=8)


_DEAR = 1e6


@settings(max_examples=300, deadline=None)
@given(_PARTS, st.text(alphabet="abc. \n]{", max_size=12), st.integers(0, 400), st.integers(0, 400))
def test_any_pattern_finds_what_re_finds(text: str, said: str, before: int, after: int) -> None:
    try:
        plain = re.compile(text)
    except re.error:
        return
    if steps(text, before + len(said) + after) > _DEAR:
        # nested repeats take for ever in a long text, in `re` as well
        before, after = before % 5, after % 5
        if steps(text, before + len(said) + after) > _DEAR:
            return
    for filling in ("-", "a", "\n"):
        long = filling * before + said + filling * after
        found = _begins(plain.search(long))
        assert (Pattern(text).find(long), Pattern(text).stands_in(long)) == (found, found >= 0)


@pytest.mark.parametrize(("text", "needs", "reach"), [
    ("disk full", {"disk full"}, 9),
    (r"(?:status|code)\D{0,12}\b503\b", {"503"}, 21),
    ("sigterm|sigkill!?", {"sigterm", "sigkill"}, 8),
    (r"retrying in \d+ ?m?s", {"retrying in "}, None),
    (r"(?:not |no )(?=reply)\w", {"not ", "no "}, 10),
    ("colou?r", {"colo"}, 6),
    (r"\w+", set(), None),
    (r"(?i)disk", set(), None),
    (r"(a)\1", set(), None),
    ("read|reader", {"read"}, 6),
])
def test_reads_from_a_pattern_what_its_matches_need(text: str, needs: set[str], reach: int | None) -> None:
    found = Pattern(text)
    assert (set(found.needs), found.reach) == (needs, reach)


@pytest.mark.parametrize(("text", "suffices"), [
    ("(?:no space)|(?:disk (?:is )?full)|quota", {"no space", "quota"}), ("a(?:b)", set()), ("ab?", set()),
    (r"\bab", set()), ("(?:ab){2}", set()), ("(?!ab)", set()),
])
def test_reads_from_a_pattern_what_is_a_match_by_itself(text: str, suffices: set[str]) -> None:
    assert Pattern(text).suffices == suffices


@pytest.mark.parametrize(("text", "also"), [
    ("certificate (?:for|of) .{1,120} expires? in", [{" expire"}, {" in"}]),
    (r"\braid\b.{0,40}\b(?:degraded|failed)\b", [{"degraded", "failed"}]),
    ("queue .{1,80} is full|disk .{0,20}at limit", [{"queue ", "disk "}]),
    ("raid.{0,40}failed|raid array gone", []), ("(?:degraded )?raid.{0,9}", []), ("raid.{0,9}[ab]?c", []),
    ("raid.{0,9}(?!failed)", []),
])
def test_reads_from_a_pattern_what_its_matches_need_beside(text: str, also: list[set[str]]) -> None:
    assert [set(each) for each in Pattern(text).also] == also


def test_what_a_match_needs_beside_is_asked_before_the_search() -> None:
    within = Pattern(r"raid(?:\w| ){0,4000}failed")
    within.regex = re.compile("raid")  # who asks it is told yes
    assert not within.stands_in("raid is well")


def test_every_pattern_of_the_catalogue_needs_something() -> None:
    assert [each.text for each in PATTERNS if not each.needs] == []
