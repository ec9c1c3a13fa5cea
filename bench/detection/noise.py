"""Is detection quiet where nothing is wrong, and right where something is? Public logs (goals J5, J6).

    python bench/detection/noise.py [--json] [--verbose] [--check]

Six sets of 2,000 lines, mostly everyday life: each incident counts as raw. ADJUDICATED.md, beside this file,
says which of them a person who read the lines calls real; what remains is false. An incident that it does not
name counts as false until somebody has read it. BGL carries the administrators' own tags: in windows of 20
lines, a window is an alarm if the signatures that need no more than its own lines fire there, and it is right
if at least one line is tagged. The signatures were written with the first half in view and the general
documentation of such machines; the second half is reported apart.

The data lies in $SRA_BENCH_DATA or ../shared/data; where it is absent this says so and ends well.
`--check` ends with 1 where a goal is missed.
"""
from __future__ import annotations

import argparse
import json
import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

from gate import Goal, check

from sra_cli.analyze import Trouble, analyze_files
from sra_server.detect.catalogue import load
from sra_server.detect.memory import Memory
from sra_server.detect.signatures import Signatures
from sra_server.detect.trial import arrived
from sra_server.domain.record import Batch

ROOT = Path(__file__).resolve().parent.parent.parent
SETS = ("Apache", "Zookeeper", "HDFS", "Linux", "Spark", "HPC")
WINDOW = 20
#: The worst of the sets, and of BGL's windows all.
GOALS = (Goal(name="sets", least=len(SETS)), Goal(name="raw", most=3), Goal(name="adjudicated", most=1),
         Goal(name="precision", least=0.95), Goal(name="recall", least=0.8))
_JUDGED = re.compile(r"^\| (\w+) \| (\w+) \| ([\w.@-]+) \| (real|false) \|", re.M)


@dataclass(frozen=True, slots=True, kw_only=True)
class Windows:
    """What came of some windows: right and false alarms, missed ones."""

    right: int
    false: int
    missed: int

    def precision(self) -> float:
        """Return the share of alarms that are right."""
        return self.right / (self.right + self.false) if self.right + self.false else 1.0

    def recall(self) -> float:
        """Return the share of tagged windows that were found."""
        return self.right / (self.right + self.missed) if self.right + self.missed else 1.0


def data() -> Path | None:
    """Return the folder of public logs, or None."""
    for place in (os.environ.get("SRA_BENCH_DATA"), ROOT.parent / "shared" / "data"):
        if place and (Path(place) / "loghub").is_dir():
            return Path(place) / "loghub"
    return None


def judged() -> dict[tuple[str, str, str], str]:
    """Return set, class and service → real or false, as a person judged."""
    text = Path(__file__).with_name("ADJUDICATED.md").read_text("utf-8")
    return {(log, cls, service): verdict for log, cls, service, verdict in _JUDGED.findall(text)}


def windows(lines: list[str]) -> Windows:
    """Judge each window of 20 lines by itself."""
    right = false = missed = 0
    for begin in range(0, len(lines), WINDOW):
        part = lines[begin:begin + WINDOW]
        tagged = any(not line.startswith("- ") for line in part)
        records = tuple(arrived(part))
        batch = Batch(account_id="", head=1, received_at=records[-1].at, records=records)
        found = Signatures(load()).detect(Memory(), batch)
        alarm = any(each.opens and each.state == "firing" for each in found)
        right, false, missed = right + (alarm and tagged), false + (alarm > tagged), missed + (tagged > alarm)
    return Windows(right=right, false=false, missed=missed)


def main() -> int:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__.split("\n\n", 1)[0])
    options.add_argument("--json", action="store_true")
    options.add_argument("--verbose", action="store_true", help="show each incident with its first lines")
    options.add_argument("--check", action="store_true", help="exit with 1 where a goal is missed")
    given = options.parse_args()
    logs = data()
    if logs is None:
        print("bench/detection/noise: no data; set SRA_BENCH_DATA to a folder with loghub/<name>/")
        return 0
    verdicts = judged()
    rows: list[dict[str, Any]] = []
    for name in SETS:
        path = logs / name / f"{name}_2k.log"
        if not path.exists():
            print(f"bench/detection/noise: {path} is missing")
            continue
        found = analyze_files([str(path)]).incidents
        named = [(each.incident.cls, each.incident.service or each.incident.host or "-") for each in found]
        rows.append({"log": name, "raw": len(found),
                     "adjudicated": sum(verdicts.get((name, *each)) != "real" for each in named),
                     "unread": sum((name, *each) not in verdicts for each in named),
                     "incidents": [f"{cls} {where}" for cls, where in named]})
        for each in found if given.verbose and not given.json else ():
            _show(name, each)
    tagged = (logs / "BGL" / "BGL_2k.log").read_text("utf-8", "replace").splitlines()
    half = len(tagged) // 2
    parts = {part: windows(lines) for part, lines in (
        ("first half", tagged[:half]), ("second half", tagged[half:]), ("all", tagged))}
    if given.json:
        goals = {goal.name: goal.most if goal.least is None else goal.least for goal in GOALS}
        print(json.dumps({"goals": goals, "noise": rows, "bgl_windows": {
            part: {"right": each.right, "false": each.false, "missed": each.missed,
                   "precision": round(each.precision(), 3), "recall": round(each.recall(), 3)}
            for part, each in parts.items()}}))
    else:
        _print(rows, parts)
    worst = {name: max((row[name] for row in rows), default=None) for name in ("raw", "adjudicated")}
    return check("noise", GOALS, {"sets": len(rows), **worst, "precision": parts["all"].precision(),
                                  "recall": parts["all"].recall()}) if given.check else 0


def _print(rows: list[dict[str, Any]], parts: dict[str, Windows]) -> None:
    print(f"{'log':10} {'raw':>4} {'adjudicated':>12}   incidents per 2,000 lines (goals: 3 and 1)")
    for row in rows:
        print(f"{row['log']:10} {row['raw']:>4} {row['adjudicated']:>12}   {', '.join(row['incidents'])}")
    print(f"\nBGL windows of {WINDOW} lines (goals: precision 0.95, recall 0.8)")
    for part, each in parts.items():
        print(f"{part:12} precision {each.precision():.3f}  recall {each.recall():.3f}   "
              f"right {each.right}, false {each.false}, missed {each.missed}")


def _show(name: str, trouble: Trouble) -> None:
    incident = trouble.incident
    where = incident.service or incident.host
    print(f"{name}: {incident.cls} {where}: {incident.title} ({incident.signals} signs)")
    for line in trouble.lines()[:4]:
        print(f"    {line.line}: {line.text[:160]}")


if __name__ == "__main__":
    sys.exit(main())
