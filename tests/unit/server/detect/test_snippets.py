"""Short logs as many programs write them, by file name `<class>.<software>.log`; `none` must stay quiet."""
from __future__ import annotations

from pathlib import Path

import pytest

from sra_cli.analyze import analyze_files

SNIPPETS = sorted((Path(__file__).resolve().parents[3] / "data" / "snippets").glob("*.log"))


@pytest.mark.parametrize("path", SNIPPETS, ids=lambda each: each.stem)
def test_the_class_is_told_from_the_text_alone(path: Path, tmp_path: Path) -> None:
    copy = tmp_path / "x.log"
    copy.write_bytes(path.read_bytes())
    expected = [] if path.name.startswith("none.") else [path.name.partition(".")[0]]
    assert [each.incident.cls for each in analyze_files([str(copy)]).incidents] == expected
