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
carries (file, seq, crc); *lost*, *duplicated* and *corrupt* are read from the database. Tests that judge no
time run beside the others, at the lowest priority. The short form of the same tests runs in continuous
integration.

"""


#: Tests of the long form in which no time is judged: they run beside the others, at the lowest priority.
PATIENT = ("test_claims.py", "test_damage.py", "test_files.py", "test_heads.py", "test_power_cut.py",
           "test_rotation.py")


def run(folder: Path, *, short: bool, more: list[str]) -> tuple[int, list[dict[str, str]]]:
    """Run the tests; return the worst of what pytest returned, and the figures."""
    if short:  # it mostly waits, for processes and time-outs
        runs = [["-n", "4", "--dist", "loadgroup", "tests/faults"]]
    else:
        patient = [f"tests/faults/{name}" for name in PATIENT]
        alone = ["-p", "no:xdist", "-p", "no:cacheprovider"]
        runs = [[*alone, "tests/faults", *(f"--ignore={name}" for name in patient)], [*alone, *patient]]
    begun, files = [], [folder / f"figures-{number}" for number in range(len(runs))]
    for number, (argv, figures) in enumerate(zip(runs, files, strict=True)):
        figures.touch()
        begun.append(subprocess.Popen(
            [*(("nice", "-n", "19") if number else ()), sys.executable, "-m", "pytest", "-rs", *argv, *more],
            cwd=ROOT, env={**os.environ, "SRA_FAULTS": "short" if short else "long",
                           "SRA_FAULTS_FIGURES": str(figures)}))
    worst = max(process.wait() for process in begun)
    return worst, [json.loads(text) for file in files for text in file.read_text("utf-8").splitlines()]


def main() -> int:
    """Run, write or with `--short` print, and return what pytest returned."""
    short, more = "--short" in sys.argv, [word for word in sys.argv[1:] if word != "--short"]
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="sra-faults-") as folder:
        worst, rows = run(Path(folder), short=short, more=more)
    seconds = time.monotonic() - began
    if short:
        for row in rows:
            print(f"{row['row']}: {row['measured']} (asked: {row['asked']})")
        print(f"{len(rows)} rows in {seconds:.0f} s")
        return worst
    verdict = "all passed" if worst == 0 else "**some failed**: a row below misses its goal"
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
    return worst


def cell(text: str) -> str:
    """Return text that does not end its cell."""
    return text.replace("|", "\\|").replace("\n", " ")


if __name__ == "__main__":
    sys.exit(main())
