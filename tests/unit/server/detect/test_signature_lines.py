"""Whole lines of many programs, read and rated as they arrive: what each means, and which mean nothing."""
from __future__ import annotations

from pathlib import Path

import pytest

from sra_cli.analyze import analyze_files
from sra_server.detect.catalogue import load
from sra_server.detect.trial import tried

_MESSAGES = Path(__file__).resolve().parents[3] / "data" / "messages"


def _table(name: str, columns: int) -> list[list[str]]:
    text = (_MESSAGES / name).read_text(encoding="utf-8")
    return [line.replace("\\n", "\n").split("\t", columns - 1)
            for line in text.splitlines() if line[:1] != "#"]


TROUBLE, CALM = _table("lines_trouble.txt", 3), _table("lines_calm.txt", 2)


@pytest.mark.parametrize(("cls", "software", "line"), TROUBLE, ids=lambda each: each[:60])
def test_a_line_of_trouble_is_rated_and_classed(cls: str, software: str, line: str) -> None:
    means = [each.meaning.cls for each in tried(load(), line.split("\n")) if each.meaning is not None]
    assert means[:1] == [cls], software


@pytest.mark.parametrize(("software", "line"), CALM, ids=lambda each: each[:60])
def test_one_line_of_everyday_life_wakes_nobody(tmp_path: Path, software: str, line: str) -> None:
    log = tmp_path / "x.log"
    log.write_text(line + "\n")
    loud = [each.incident for each in analyze_files([str(log)]).incidents if each.incident.severity != "low"]
    assert loud == [], software
