"""Run the fault tests and tell their figures. By `make faults` (docs/faults.md) and `make faults-short`."""
from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from .extent import SECONDS, SHARE
from .site import ROOT

HEAD = """# Faults

What was done to SRA on one machine, and what became of it. Written by `make faults` from the figures that
the tests in `tests/faults/` measured; each row is a test, and fails where its goal is missed. Every line
carries (file, seq, crc); *lost*, *duplicated* and *corrupt* are read from the database. The short form of the
same tests runs in continuous integration.

"""


def main() -> int:
    """Run, write or with `--short` print, and return what pytest returned."""
    short, more = "--short" in sys.argv, [word for word in sys.argv[1:] if word != "--short"]
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="sra-faults-") as folder:
        figures = Path(folder) / "figures"
        figures.touch()
        # the long form has the machine for itself; the short one mostly waits, for processes and time-outs
        how, form = (["-n", "4", "--dist", "loadgroup"], "short") if short else (["-p", "no:xdist"], "long")
        argv = [sys.executable, "-m", "pytest", "tests/faults", *how, "-rs", *more]
        done = subprocess.run(
            argv, cwd=ROOT, env={**os.environ, "SRA_FAULTS": form, "SRA_FAULTS_FIGURES": str(figures)},
            check=False)
        rows = [json.loads(text) for text in figures.read_text(encoding="utf-8").splitlines()]
    seconds = time.monotonic() - began
    if short:
        for row in rows:
            print(f"{row['row']}: {row['measured']} (asked: {row['asked']})")
        print(f"{len(rows)} rows in {seconds:.0f} s")
        return done.returncode
    verdict = "all passed" if done.returncode == 0 else "**some failed**: a row below misses its goal"
    text = HEAD + (
        f"Run of {time.strftime('%Y-%m-%d', time.gmtime())} on {os.cpu_count()} cores, Linux "
        f"{platform.release().split('-')[0]}, Python {platform.python_version()}; "
        f"{seconds / 60:.0f} minutes; random kills for {SECONDS:.0f} s, "
        f"the other sizes at {SHARE:.0%} of the long form; {verdict}.\n\n"
        "| fault | asked | measured |\n|---|---|---|\n")
    for row in rows:
        text += f"| {cell(row['row'])} | {cell(row['asked'])} | {cell(row['measured'])} |\n"
    (ROOT / "docs" / "faults.md").write_text(text, encoding="utf-8")
    print(f"docs/faults.md: {len(rows)} rows")
    return done.returncode


def cell(text: str) -> str:
    """Return text that does not end its cell."""
    return text.replace("|", "\\|").replace("\n", " ")


if __name__ == "__main__":
    sys.exit(main())
