"""No pattern of a user's signature can hold the server up, and none that people write is refused."""
from __future__ import annotations

import itertools
import re
import time
from pathlib import Path

import pytest

from sra_sdk.errors import BadInput
from sra_server.detect.catalogue import load, load_with, read_file
from sra_server.detect.effort import affordable, steps
from sra_server.detect.pattern import Pattern
from sra_server.detect.signature import SEARCHED

#: What takes forever: by the second time that the same letters can be shared out anew.
HOSTILE = [
    "(a+)+$", "(a|a)+$", "(a|aa)+$", "(.*a){20}x", r"(\w+\s*)+:", "(x+x+)+y", "(a*)*b", r"([a-z]+)*\d",
    "^(([a-z])+.)+[a-z]([a-z])+$", r"(?:\d+,?)+;", '(?:[^"]*,*)*"x', "(.+)+x", "(?:a?){30}a{30}$",
    r"(\s*\w*\s*)*=", "(?:a{1,20}){1,20}b", "(?:(?:a|b)+c?)+d", "(.*)(.*)(.*)(.*)(.*)x", ".*.*.*.*=",
    "(?=(a+)+$)b?a", r"(\d+)\1+x", "(?:fo|fo+)+x", "([^,]*,?)+z", "(?s:.|\n)+(?:a|a)*x", "(?:a+?)+?$",
    r"(?:\S+ ?)+!", "(?:[ab]x?|[bc])+d", "(?i:(?:k|\u212a)+)+x", r"(?a:(?:\W1?|é)+)x", r"^(\w+\.?)+@",
]
#: What takes long in a long text only, as each place is tried with each other; a part of that is searched.
SLOW = [
    r"\w+ failed", "failed .* because .* port", "a.*b.*c", r"\s+$", r"(?:\w+, )*\w+ failed",
    r"(\w+)=(\w+) \2",
    '"[^"]*" not found', r"(?:\w+\s+)+jam", r"(?:[a-z0-9_]+\.)+exception: .*", "(?i)(k|K)+x",
    r"job (\d+) .*exit (?!0)\d+", "paper.*(?:jam|stuck|empty)$", r"(?:at \S+\n)+", r"(?:x|\w)*!",
    r"\[\w+\] (?:warn|error) .*timeout", "a.{0,80}b.{0,80}c", r"error: .{0,80}refused.{0,80}port \d+",
]
#: What costs no more than the letters of the text.
LIGHT = [
    "disk full", r"(?:\d{1,3}\.){3}\d{1,3}", r"retrying in \d+ ?m?s", r"^\S+ \S+ \S+ error",
    r"press \d+(?:\.\d+)? jammed", "roll [0-9]+: (?:jammed|torn)", "colou?r", "(?:red|green|blue) lamp",
    r"\bcode=(?!0\b)\d+", r"temperature \d{3,}", r"(?<!no )fault", "e-?stop", "drawer \\d+ (?:open|stuck)$",
    "jam{2,}ed", "(?P<what>feed|press) stopped", r"\[roll \d+\]", "paper feed .{0,40}(?:stopped|jammed)",
    "é plein", "(?>press|feeder) jammed", "ink: [a-z]++ empty", "a{3}b?c", "[^\\d\\s]-fault",
    "(press)? ?jammed",
]
#: Words of which texts are made that send a search back as often as can be.
WORDS = ["a", "ab", "a ", "x", "1", "k", "fo", "\n", ",", " ", "a.", "1,", '"', "-", "é", "a,", "k\u212a",
         "failed because ", "w=w ", "at a\n", "error: refused port", "[a] warn ", "a, ", "\n~", "job 1 exit "]


def _longest(pattern: Pattern) -> float:
    """Return how long the worst search of all takes, of what the pattern may search."""
    pattern.needs = ()
    length = min(SEARCHED, pattern.most or SEARCHED)
    longest = 0.0
    for word, end in itertools.product(WORDS, ("", "\n~")):
        began = time.process_time()
        pattern.find((word * SEARCHED)[:length - len(end)] + end)
        longest = max(longest, time.process_time() - began)
    return longest


@pytest.mark.parametrize("text", HOSTILE)
def test_what_would_take_forever_is_refused(text: str) -> None:
    assert affordable(text, SEARCHED) < 100


@pytest.mark.parametrize("text", SLOW)
def test_what_would_take_long_in_a_long_text_is_searched_in_a_part_of_it(text: str) -> None:
    most = affordable(text, SEARCHED)
    assert 100 <= most < SEARCHED
    assert _longest(Pattern(text, most)) < 1


@pytest.mark.parametrize("text", LIGHT)
def test_what_costs_its_letters_is_searched_everywhere(text: str) -> None:
    assert affordable(text, SEARCHED) == SEARCHED
    assert _longest(Pattern(text)) < 1


@pytest.mark.parametrize(("text", "letters", "most"), [
    ("disk full", 1000, 20_000), (r"\w+,", 1000, 1_100_000), (r"\w+,\w+,", 1000, 2_300_000),
])
def test_parts_that_the_next_letter_ends_do_not_multiply(text: str, letters: int, most: float) -> None:
    assert steps(text, letters) <= most


def test_branches_and_repetitions_of_different_letters_do_not_multiply_either() -> None:
    assert steps("(?:ab|cd?)+!", 1000) < 1e9 < steps("(?:ab|[a-c]d?)+!", 1000) == 1e30
    assert steps(r"[a-z]+\d*\b!", 500) * 20 < steps(r"[a-z]+\w*\b!", 500)


def test_deep_and_long_patterns_are_weighed_soon() -> None:
    began = time.process_time()
    affordable("(?:" * 20 + "a" + ")+" * 20, SEARCHED)
    affordable("(?:a|" * 20 + "b" + ")*" * 20, SEARCHED)
    affordable("paper jam in the press " * 200, SEARCHED)
    assert time.process_time() - began < 4


def _patterns() -> list[Pattern]:
    return [each for one in load().signatures
            for each in (*(way.pattern for way in one.alternatives), one.match, one.exclude, one.followed_by,
                         one.object, one.ends)
            if each is not None]


def test_nothing_in_the_catalogue_can_take_forever() -> None:
    """The bound may be far above the truth: what takes long is tried below. What doubles is always found."""
    assert [each.text for each in _patterns() if affordable(each.text, SEARCHED) < 40] == []


def test_no_line_can_hold_the_catalogue_up() -> None:
    slow = {}
    for pattern in _patterns():
        words = set(re.findall(r"(?<!\\)[a-z0-9/:\[-]{2,}", pattern.text)) | {"a", "1"}
        for word, need in itertools.product(sorted(words), pattern.needs[:4]):
            began = time.process_time()
            pattern.find((word * SEARCHED)[:SEARCHED - 60] + f" {need}")
            if time.process_time() - began > 0.5:
                slow[pattern.text] = word
    assert slow == {}


ENTRY = """
[[signature]]
name = "{name}"
class = "service_crash"
severity = "high"
title = "the press is jammed"
means = "the printing press stands still"
any = ["press jammed"]
{more}
examples = ["2024-03-05 10:00:00,123 ERROR press jammed"]
"""


@pytest.mark.parametrize("field", ["match = '{}'", "exclude = ['fine', '{}']", "followed_by = ['{}']",
                                   "patterns = [['press', '{}']]"])
def test_a_file_with_one_is_refused_by_name_and_the_others_are_read(tmp_path: Path, field: str) -> None:
    (tmp_path / "a.toml").write_text(ENTRY.format(name="slow", more=field.format("(a+)+$")))
    (tmp_path / "b.toml").write_text(ENTRY.format(name="fine", more=""))
    with pytest.raises(BadInput) as caught:
        read_file(tmp_path / "a.toml", own=True)
    assert caught.value.message == (f"{tmp_path}/a.toml: signature slow: {field.split(' ')[0]} could search "
                                    "one line for minutes: '(a+)+$'")
    assert ".{0,80} for .*" in (caught.value.hint or "")
    loaded = load_with(tmp_path)
    assert [Path(each).name for each in loaded.files] == ["b.toml"]
    assert len(loaded.problems) == 1 and "a.toml: signature slow" in loaded.problems[0]


@pytest.mark.parametrize("text", ["(" * 3000 + ")" * 3000, "a{99999999999}"], ids=["deep", "often"])
def test_what_the_compiler_of_patterns_gives_up_on_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.toml").write_text(ENTRY.format(name="slow", more=f"match = '{text}'"))
    assert "match is no pattern" in load_with(tmp_path).problems[0]


def test_tables_without_end_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text("signature = " + "[" * 5000)
    assert "is not valid TOML" in load_with(tmp_path).problems[0]


def test_of_a_long_line_the_part_around_what_a_match_needs_is_searched(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(
        ENTRY.format(name="slow", more="patterns = [['torn', 'roll .* torn .* jam']]"))
    [own] = [each for each in load_with(tmp_path).catalogue.signatures if each.name == "slow"]
    pattern = own.alternatives[-1].pattern
    assert pattern is not None and pattern.most is not None
    for filling in ("-" * 9000, "a " * 4500):
        assert own.fits(f"{filling}the roll 7 is torn and will jam{filling}")
    assert not own.fits(f"the roll {'-' * 9000}is torn and will jam")
    began = time.process_time()
    assert not own.fits("roll  torn " * 1800)
    assert time.process_time() - began < 1
