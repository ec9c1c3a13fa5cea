"""How fast `sra analyze` reads log files on one core (goal P13), beside `wc -l` in the same run.

    python bench/analyze.py [--json] [--rounds 5] [--repeat 100]

Each public 2,000-line log is repeated; rounds are interleaved and the median counts. The data lies in
$SRA_BENCH_DATA or ../shared/data; where it is absent this says so and ends well.
"""
from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from sra_cli.analyze import analyze_files

ROOT = Path(__file__).resolve().parent.parent
GOAL = ("Zookeeper", "HDFS", "Spark", "HPC")
NOISE = ("Apache", "Linux", "BGL")


def data() -> Path | None:
    """Return the folder of public logs, or None."""
    for place in (os.environ.get("SRA_BENCH_DATA"), ROOT.parent / "shared" / "data"):
        if place and (Path(place) / "loghub").is_dir():
            return Path(place) / "loghub"
    return None


def main() -> int:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__.split("\n\n", 1)[0])
    options.add_argument("--json", action="store_true")
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--repeat", type=int, default=100)
    given = options.parse_args()
    logs = data()
    if logs is None:
        print("bench/analyze: no data; set SRA_BENCH_DATA to a folder that holds loghub/<name>/<name>_2k.log")
        return 0
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        files = {name: _repeated(logs / name / f"{name}_2k.log", Path(folder), given.repeat)
                 for name in (*GOAL, *NOISE) if (logs / name / f"{name}_2k.log").exists()}
        ours: dict[str, list[float]] = {name: [] for name in files}
        peer: dict[str, list[float]] = {name: [] for name in files}
        lines: dict[str, int] = {}
        for _ in range(given.rounds):
            for name, path in files.items():
                began = time.process_time()
                report = analyze_files([str(path)])
                ours[name].append(report.records / (time.process_time() - began))
                lines[name] = report.records
                began = time.perf_counter()
                subprocess.run(["wc", "-l", str(path)], check=True, stdout=subprocess.DEVNULL)
                peer[name].append(report.records / (time.perf_counter() - began))
        for name, path in files.items():
            once = analyze_files([str(logs / name / f"{name}_2k.log")])
            rows.append({"log": name, "lines": lines[name], "bytes": path.stat().st_size,
                         "lines_per_cpu_second": round(statistics.median(ours[name])),
                         "wc_lines_per_second": round(statistics.median(peer[name])),
                         "incidents_per_2000_lines": len(once.incidents)})
    if given.json:
        print(json.dumps({"rounds": given.rounds, "python": sys.version.split()[0], "logs": rows}))
        return 0
    print(f"{'log':<10} {'lines':>8} {'lines/CPU s':>12} {'wc -l':>12} {'incidents per 2,000 lines':>26}")
    for row in rows:
        print(f"{row['log']:<10} {row['lines']:>8,} {row['lines_per_cpu_second']:>12,} "
              f"{row['wc_lines_per_second']:>12,} {row['incidents_per_2000_lines']:>26}")
    return 0


def _repeated(source: Path, folder: Path, times: int) -> Path:
    path = folder / source.name
    text = source.read_bytes().rstrip(b"\n") + b"\n"
    with path.open("wb") as file:
        for _ in range(times):
            file.write(text)
    return path


if __name__ == "__main__":
    sys.exit(main())
