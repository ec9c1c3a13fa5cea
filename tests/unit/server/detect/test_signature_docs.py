"""docs/signatures.md names every field of a signature, and its own example is right."""
from __future__ import annotations

import re
from pathlib import Path

from sra_server.detect.catalogue import Catalogue, load, read_file
from sra_server.detect.signature import FIELDS
from sra_server.detect.trial import faults

DOCS = (Path(__file__).resolve().parents[4] / "docs" / "signatures.md").read_text("utf-8")


def test_every_field_is_explained() -> None:
    rows = re.findall(r"^\| ((?:`\w+`(?:, )?)+) \|", DOCS, re.M)
    assert {name for row in rows for name in re.findall(r"`(\w+)`", row)} == set(FIELDS)


def test_the_example_of_the_documentation_works(tmp_path: Path) -> None:
    path = tmp_path / "press.toml"
    path.write_text(DOCS.split("```toml\n", 1)[1].split("```", 1)[0])
    [press] = read_file(path)
    assert list(faults(Catalogue((press, *load().signatures)), press)) == []
