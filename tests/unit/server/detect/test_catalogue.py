"""What real software says of its troubles, class by class, and what it says while all is well."""
from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sra_sdk.errors import BadInput
from sra_server.detect.catalogue import load

REAL = load()

_MESSAGES = Path(__file__).resolve().parents[3] / "data" / "messages"


def _lines(name: str) -> list[str]:
    text = (_MESSAGES / name).read_text(encoding="utf-8")
    return [line.replace("\\n", "\n").replace("\\t", "\t") for line in text.splitlines() if line[:1] != "#"]


TROUBLE = [tuple(line.split(": ", 1)) for line in _lines("trouble.txt")]
HARMLESS = _lines("harmless.txt")


@pytest.mark.parametrize(("cls", "text"), TROUBLE, ids=lambda each: each[:40])
def test_names_the_class_of_what_software_says(cls: str, text: str) -> None:
    found = REAL.find(text, 40)
    assert found is not None, "not recognised at all"
    assert found.cls == cls, f"taken for {found.name}"


@pytest.mark.parametrize("text", HARMLESS, ids=lambda each: each[:40])
def test_takes_no_notice_of_harmless_noise(text: str) -> None:
    found = REAL.find(text, 40)
    assert found is None or found.count > 1, f"one such line would be {found.name}"


_PIECES = sorted({each for signature in REAL.signatures for each in signature.any})


@settings(max_examples=200, deadline=None)
@given(st.lists(st.one_of(st.sampled_from(_PIECES), st.text(alphabet="abc erus:", max_size=5)), max_size=6),
       st.integers(0, 3))
def test_the_prefilter_finds_what_asking_each_signature_finds(pieces: list[str], overlap: int) -> None:
    text = ""
    for piece in pieces:
        text = text[:len(text) - overlap] + piece
    asked = next((each for each in REAL.signatures if each.fits(text)), None)
    assert REAL.find(text, 50) is asked


def test_every_fragment_passes_the_prefilter() -> None:
    for each in REAL.signatures:
        for fragment in each.any:
            assert REAL._filter.search(f"xx {fragment} yy"), fragment


def test_covers_every_class_that_texts_can_show() -> None:
    assert {each.cls for each in REAL.signatures} == {
        "database_failure", "memory_exhaustion", "cpu_overload", "disk_full", "external_api_down",
        "auth_failures", "service_crash", "certificate_expired", "network_failure", "queue_backlog",
        "rate_limited", "deadlock"}


@pytest.mark.parametrize(("line", "told"), [
    ('class = "disk_ful"', "disk_ful"),
    ('severity = "urgent"', "severity"),
    ('any = ["No Space"]', "lower case"),
    ('match = "("', "no pattern"),
    ('remedies = ["reboot"]', "reboot"),
    ('colour = "red"', "colour"),
])
def test_a_wrong_entry_is_refused_with_its_name(tmp_path: Path, line: str, told: str) -> None:
    good = {"name": '"mine"', "class": '"disk_full"', "severity": '"high"', "any": '["no space"]',
            "means": '"m"', "title": '"t"'}
    key, _, value = line.partition(" = ")
    good[key] = value
    path = tmp_path / "s.toml"
    path.write_text("[[signature]]\n" + "\n".join(f"{key} = {value}" for key, value in good.items()))
    with pytest.raises(BadInput, match="mine") as caught:
        load(path)
    assert told in caught.value.message
