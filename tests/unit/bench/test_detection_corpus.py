"""The recordings are whole: enough cases, known classes, a decisive sign that is there, no foreign paths."""
from __future__ import annotations

import gzip
import re
import tomllib
from pathlib import Path

import pytest

from sra_server.domain.signal import CLASSES

HERE = Path(__file__).resolve().parents[3] / "bench" / "detection"
SETS = {"corpus": 40, "held_out": 20}
CASES = sorted(path.parent for name in SETS for path in (HERE / name).glob("*/case.toml"))
#: What would tell of the machine on which it was recorded.
FORBIDDEN = re.compile(b"|".join(map(re.escape, (str(HERE.parents[1]).encode(), b"/root/", b"/home/"))))


def told(folder: Path) -> dict:
    return tomllib.loads((folder / "case.toml").read_text())


@pytest.mark.parametrize(("name", "least"), SETS.items())
def test_each_set_has_enough_failures_and_a_normal_time(name: str, least: int) -> None:
    kinds = [told(folder)["kind"] for folder in CASES if folder.parent.name == name]
    assert sum(kind != "normal" for kind in kinds) >= least
    assert "normal" in kinds


def test_every_class_of_trouble_has_a_case() -> None:
    assert {told(folder).get("class", "error_burst") for folder in CASES} == set(CLASSES)


@pytest.mark.parametrize("folder", CASES, ids=lambda folder: f"{folder.parent.name}/{folder.name}")
def test_a_case_holds_what_it_says(folder: Path) -> None:
    case = told(folder)
    assert case["name"] == folder.name
    for source in case["source"]:
        text = gzip.decompress((folder / source["file"]).read_bytes())
        found = FORBIDDEN.search(text)
        assert found is None, f"{source['file']} holds {found and text[found.start() - 60:][:120]!r}"
    if case["kind"] == "normal":
        return
    assert {case["class"], *case["also"], *case["effects"]} <= set(CLASSES)
    assert not case["also"] or case["why_also"], "why another class is no error must be said"
    assert case["culprit"] and case["story"]
    sign = case["decisive"]
    assert case["ready_at"] < case["broken_at"] <= sign["at"]
    if "line" in sign:
        raw = gzip.decompress((folder / f"{sign['source']}.gz").read_bytes()).split(b"\n")[sign["line"] - 1]
        assert raw.decode("utf-8", "replace").startswith(sign["text"])


def test_all_of_it_is_small() -> None:
    assert sum(path.stat().st_size for name in SETS for path in (HERE / name).rglob("*")) < 15_000_000
