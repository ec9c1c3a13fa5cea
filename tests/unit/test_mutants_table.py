"""The table of mutants can be used as it stands: each guard stands once, each named test exists."""
from __future__ import annotations

import pytest

from tests.mutants import ROOT, Mutant, read_table


@pytest.mark.parametrize("mutant", read_table(), ids=lambda mutant: mutant.name)
def test_guard_and_test_exist(mutant: Mutant) -> None:
    assert (ROOT / mutant.file).read_text(encoding="utf-8").count(mutant.guard) == 1
    assert mutant.removed != mutant.guard
    file, _, function = mutant.test.partition("::")
    text = (ROOT / file).read_text(encoding="utf-8")
    assert f"def {function}(" in text if function else "def test_" in text
