"""Run the fault tests in their long form and write docs/faults.md from the figures. By `make faults`."""
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
    """Run, write, and return what pytest returned."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="sra-faults-") as folder:
        figures = Path(folder) / "figures"
        figures.touch()
        argv = [sys.executable, "-m", "pytest", "tests/faults", "-p", "no:xdist", "-rs", *sys.argv[1:]]
        done = subprocess.run(
            argv, cwd=ROOT,
            env={**os.environ, "SRA_FAULTS": "long", "SRA_FAULTS_FIGURES": str(figures)}, check=False)
        rows = [json.loads(text) for text in figures.read_text(encoding="utf-8").splitlines()]
    minutes = (time.monotonic() - began) / 60
    verdict = "all passed" if done.returncode == 0 else "**some failed**: a row below misses its goal"
    text = HEAD + (
        f"Run of {time.strftime('%Y-%m-%d', time.gmtime())} on {os.cpu_count()} cores, Linux "
        f"{platform.release().split('-')[0]}, Python {platform.python_version()}; {minutes:.0f} minutes; "
        f"random kills for {SECONDS:.0f} s, the other sizes at {SHARE:.0%} of the long form; {verdict}.\n\n"
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
