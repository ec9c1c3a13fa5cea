"""Logs of software that really failed: right class, evidence from the file, and a quiet normal part."""
from __future__ import annotations

import json
from pathlib import Path

import pytest

from sra_cli.analyze import analyze_files

DATA = Path(__file__).resolve().parents[3] / "data" / "failures"
INDEX = json.loads((DATA / "index.json").read_text())
FIRST_SEVEN = {"database_failure", "memory_exhaustion", "cpu_overload", "disk_full", "external_api_down",
               "auth_failures", "service_crash"}


@pytest.fixture
def copy(tmp_path: Path, name: str) -> Path:
    """The log under a name that tells nothing."""
    path = tmp_path / "service.log"
    path.write_bytes((DATA / f"{name}.log").read_bytes())
    return path


@pytest.mark.parametrize("name", sorted(INDEX))
def test_names_the_class_and_shows_lines_of_the_file(name: str, copy: Path) -> None:
    report = analyze_files([str(copy)])
    assert [each.incident.cls for each in report.incidents] == [INDEX[name]["class"]]
    found = report.incidents[0].as_json()
    content = copy.read_text(errors="replace")
    physical = content.split("\n")
    assert found["evidence"]
    for each in found["evidence"]:
        assert each["text"] in content
        assert each["text"].split("\n")[0] in physical[each["line"] - 1]
    assert found["evidence"][-1]["line"] > INDEX[name]["normal_lines"]
    assert 0 < found["confidence"] < 1
    assert found["root_cause"]


@pytest.mark.parametrize("name", sorted(INDEX))
def test_is_quiet_about_the_normal_part(name: str, copy: Path) -> None:
    lines = copy.read_bytes().split(b"\n")[:INDEX[name]["normal_lines"]]
    copy.write_bytes(b"\n".join(lines) + b"\n")
    report = analyze_files([str(copy)])
    assert report.records > 10
    assert [each.incident.title for each in report.incidents] == []


def test_every_first_class_is_recorded() -> None:
    assert {each["class"] for each in INDEX.values()} >= FIRST_SEVEN
    assert {path.stem for path in DATA.glob("*.log")} == set(INDEX)
