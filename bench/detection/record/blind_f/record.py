"""Record cases of this set to ../../blind: `record.py NAME`, `--list`, or `--all [-j 3] [--only REGEX]`."""

from __future__ import annotations

import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
os.environ["CORPUS_SET"] = "../blind"
import common  # noqa: E402, F401 - the names of this set come first
from cases import CASES, record  # noqa: E402
from many import main  # noqa: E402

for _path in sorted(HERE.glob("*_breaks.py")):
    __import__(_path.stem)

if __name__ == "__main__":
    main(__doc__, Path(__file__).resolve(), HERE.parents[1] / "blind", CASES, record)
