"""The quick redaction of the server gives what the full one gives, for every kind of secret."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sra_sdk.lines.redact import redact as redact_fully
from sra_server.api import clean
from tests.unit.sdk.lines import test_redact as samples

WORDS = (
    "GET /a 200",
    "in 15 ms",
    "order 4711",
    "password=hunter2",
    "token: abcdef12345",
    "4111 1111 1111 1111",
    "378282246310005",
    "Authorization: Bearer abc.def-12345",
    "https://u:p4ss@h/x",
    "key=9a8b7c6d5e",
    "AKIA",
    "sra_",
    "1234567890123",
    "ya29.",
    "sq0",
    "_v1_",
    "ATATT3",
    "user@host",
    "eyJ",
    "ghp_",
    "Set-Cookie: a=b12345",
)


def secrets() -> list[str]:
    """Return every text of the redaction's own samples."""
    found: list[str] = []

    def walk(value: object) -> None:
        if isinstance(value, str):
            found.append(value)
        elif isinstance(value, dict):
            walk(list(value.items()))
        elif isinstance(value, list | tuple | set | frozenset):
            for inner in value:
                walk(inner)

    for name, value in vars(samples).items():
        if name.isupper():
            walk(value)
    return found


def test_the_samples_are_there() -> None:
    assert sum(redact_fully(text) != text for text in secrets()) >= 30


@pytest.mark.parametrize("around", ["{}", "before {} after", '{{"a": "{}"}}'])
def test_every_kind_of_secret_is_found_as_before(around: str) -> None:
    for text in secrets():
        for _ in range(2):  # the second time its shape may be known
            assert clean.redact(around.format(text)) == redact_fully(around.format(text))


@given(
    st.lists(
        st.one_of(st.sampled_from(WORDS), st.text(max_size=12), st.from_regex(r"[0-9 -]{1,20}")), max_size=6
    )
)
def test_any_mixture_comes_out_the_same(parts: list[str]) -> None:
    text = " ".join(parts)
    try:
        text.encode()
    except UnicodeEncodeError:
        return
    assert clean.redact(text) == redact_fully(text)


def test_a_known_shape_does_not_hide_a_card_or_grow_without_bound() -> None:
    assert clean.redact("paid 12 by 7") == "paid 12 by 7"
    assert "4111111111111111" not in clean.redact("paid 4111111111111111 by 7")
    for n in range(clean._SHAPES + 10):
        clean.redact("x" * (n % 400) + chr(97 + n % 26) + chr(97 + n // 26 % 26) + chr(97 + n // 676 % 26))
    assert len(clean._clean) <= clean._SHAPES


@given(st.lists(st.lists(st.sampled_from(WORDS), max_size=4).map(" ".join), max_size=6))
def test_many_at_once_come_out_as_each_alone(texts: list[str]) -> None:
    for _ in range(2):  # the second time their shapes may be known
        assert clean.redact_all(texts) == [redact_fully(text) for text in texts]


def test_a_known_shape_hides_no_card_among_many_texts() -> None:
    shapes = ["paid 12 by 7", "paid 1 2 3 4 by 7", "paid 1-2-3-4 by 7", "done"]
    assert clean.redact_all(shapes) == shapes
    for number in ("4111111111111111", "4111 1111 1111 1111", "4111-1111-1111-1111", "378282246310005"):
        found = clean.redact_all(["done", f"paid {number} by 7"])
        assert found == ["done", "paid [redacted:card] by 7"]


def test_nul_in_one_of_many_is_told() -> None:
    assert clean.redact_all(["a", "b\0c"]) is None
