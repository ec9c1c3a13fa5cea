"""How much of each fault is run here, and the figures that it gave. To every test of this folder; to report.

quick: a newcomer's `make test`. short: where nothing may be skipped (`SRA_REQUIRE=all`), `make faults-short`.
long: `make faults`.
"""
from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TypeVar

import pytest

Value = TypeVar("Value")

FORM = os.environ.get("SRA_FAULTS") or ("short" if os.environ.get("SRA_REQUIRE") == "all" else "quick")
#: For how long the long form kills at random; what it has done by then stands in the report.
SECONDS = float(os.environ.get("SRA_FAULTS_SECONDS", "300"))
#: How much of the long form's other sizes is run, from 0 to 1.
SHARE = float(os.environ.get("SRA_FAULTS_SHARE", "1"))

#: For tests that a newcomer's run can do without.
not_quick = pytest.mark.skipif(FORM == "quick", reason="takes long: SRA_REQUIRE=all make test; make faults")


def by_form(quick: Value, short: Value, long: Value, *, whole: bool = False) -> Value:
    """Return the size for this form; the long one as SRA_FAULTS_SHARE says, unless it counts only whole."""
    shared = long if whole else type(long)(short + (long - short) * SHARE)
    return {"quick": quick, "short": short, "long": shared}[FORM]


def figure(row: str, asked: str, measured: str) -> None:
    """Keep a figure for the report; a test calls it before it judges, so that a failure shows too."""
    where = os.environ.get("SRA_FAULTS_FIGURES")
    if where:
        with Path(where).open("a", encoding="utf-8") as file:
            file.write(json.dumps({"row": row, "asked": asked, "measured": measured}) + "\n")
