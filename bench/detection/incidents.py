"""Are recorded failures of real software found, named rightly, and is a normal hour quiet? (goals J3, J4)

    python bench/detection/incidents.py [--set SET] [--only NAME,...] [--json|--verbose] [--check]

Each case is the normal hour of its programs followed by its failure, folded second by second. All normal
hours are folded together as well: every incident there is a false one. `--check` ends with 1 where a goal is
missed. See README.md beside this file.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from gate import Goal, check
from recordings import Case, cases, points, records
from replay import Run, Trouble
from score import SECOND, Verdict, judge, totals

from sra_server.domain.record import Point, Record

#: Between the end of the normal hour and the beginning of a failure's recording.
GAP = 5 * SECOND
#: What a change to detection must not fall below.
GOALS = (
    Goal(name="recall", least=0.95),
    Goal(name="class_right", least=0.95),
    Goal(name="false_in_normal_hour", most=0),
    Goal(name="false_in_cases", most=0),
    Goal(name="late", most=0),
    Goal(name="seconds_p95", most=10),
)


class Normal:
    """The normal hours, folded once for each choice of programs. The failure follows in their time.

    Hours of the same programs follow each other, those of different programs lie beside each other.
    `spare` hours serve programs that the others do not have.
    """

    def __init__(self, hours: Sequence[Case], spare: Sequence[Case] = ()) -> None:
        self.hours, self.spare = hours, spare
        self._runs: dict[tuple[frozenset[str], frozenset[str]], Run] = {}
        self._told: dict[str, dict[str, list[Record]]] = {}
        self._measured: dict[str, list[Point]] = {}
        lanes: dict[frozenset[str], int] = {}
        for hour in (*hours, *spare):
            lane = frozenset(file for file, _ in hour.sources)
            told = {file: records(hour, frozenset({file})) for file in sorted(lane)}
            measured = points(hour)
            begin = lanes.get(lane, hours[0].ready_at if hours else hour.ready_at)
            shift = (begin - hour.ready_at) // SECOND * SECOND
            self._told[hour.name] = {
                file: [later(each, shift) for each in lines] for file, lines in told.items()
            }
            self._measured[hour.name] = [later_point(each, shift) for each in measured]
            lanes[lane] = GAP + max(
                _end(lines, self._measured[hour.name]) for lines in self._told[hour.name].values()
            )

    def together(self) -> Run:
        """Return the fold over all normal hours as one account's one hour."""
        return self._run(self.hours, None, None)

    def before(self, case: Case) -> Run:
        """Return the fold over the normal hours of the programs of a case, to be continued."""
        files = frozenset(file for file, _ in case.sources)
        services = frozenset(each.service for each in points(case) if each.service)
        key = files, services
        if key not in self._runs:
            hours = _of(self.hours, case, files) or _of(self.spare, case, files)
            self._runs[key] = self._run(hours, files, services)
        return self._runs[key].copy()

    def _run(
        self, hours: Sequence[Case], files: frozenset[str] | None, services: frozenset[str] | None
    ) -> Run:
        told = [
            each
            for hour in hours
            for file, lines in self._told[hour.name].items()
            if files is None or file in files
            for each in lines
        ]
        measured = [
            each
            for hour in hours
            for each in self._measured[hour.name]
            if services is None or not each.service or each.service in services
        ]
        told.sort(key=lambda each: each.at)
        measured.sort(key=lambda each: each.at)
        run = Run()
        run.take(told, measured, _end(told, measured))
        return run


def later(record: Record, shift: int) -> Record:
    """Return a record as if it had been written later."""
    return Record(
        id=record.id,
        at=record.at + shift,
        level=record.level,
        message=record.message,
        service=record.service,
        host=record.host,
        source=record.source,
        line=record.line,
        metadata=record.metadata,
    )


def later_point(point: Point, shift: int) -> Point:
    """Return a point as if it had been measured later."""
    return Point(
        id=point.id,
        at=point.at + shift,
        name=point.name,
        value=point.value,
        service=point.service,
        host=point.host,
        tags=point.tags,
    )


def _of(hours: Sequence[Case], case: Case, files: frozenset[str]) -> list[Case]:
    return [hour for hour in hours if hour.host == case.host and files & {file for file, _ in hour.sources}]


def _end(told: Sequence[Record], measured: Sequence[Point]) -> int:
    """Return the last moment of some records and points, each in order of time."""
    return max((each.at for each in (*told[-1:], *measured[-1:])), default=0)


def replayed(case: Case, normal: Normal) -> tuple[Verdict, Run]:
    """Return how a case was reported after its normal hour."""
    run = normal.before(case)
    told, measured = records(case), points(case)
    began = run.end
    # by whole seconds, so that stamps without a fraction keep none
    shift = (run.end + GAP - case.ready_at) // SECOND * SECOND if run.end else 0
    told = [later(each, shift) for each in told]
    measured = [later_point(each, shift) for each in measured]
    run.take(told, measured, _end(told, measured) + SECOND)
    return judge(
        case, list(run.troubles.values()), began, case.broken_at + shift, case.decisive_at + shift
    ), run


def main() -> int:
    """Replay, judge and print."""
    options = argparse.ArgumentParser(description=__doc__.split("\n\n", 1)[0])
    options.add_argument("--set", default="corpus",
                         choices=("corpus", "held_out", "outside", "fresh", "blind", "plain"))
    options.add_argument("--json", action="store_true")
    options.add_argument("--only", default="", help="names of cases, with commas between")
    options.add_argument("--verbose", action="store_true", help="the causes, and what was reported beside")
    options.add_argument("--check", action="store_true", help="exit with 1 where a goal is missed")
    given = options.parse_args()
    hours, failures = cases(given.set)
    # programs of which the held-out set has no normal hour follow that of the corpus
    spare = cases("corpus")[0] if given.set != "corpus" else []
    wanted = set(filter(None, given.only.split(",")))
    failures = [each for each in failures if not wanted or each.name in wanted]
    normal = Normal(hours, spare)
    quiet: list[Trouble] = [] if wanted else list(normal.together().troubles.values())
    verdicts = [replayed(each, normal)[0] for each in failures]
    found = totals(verdicts, quiet)
    if given.json:
        print(
            json.dumps(
                {
                    "set": given.set,
                    "totals": found,
                    "cases": [each.as_json() for each in verdicts],
                    "normal_hour": [_line(each) for each in quiet],
                },
                indent=1,
            )
        )
    else:
        _print(given.set, verdicts, quiet, found, verbose=given.verbose)
    return check("incidents", GOALS, found) if given.check else 0


def _print(
    which: str, verdicts: list[Verdict], quiet: list[Trouble], found: dict[str, object], *, verbose: bool
) -> None:
    print(f"{'case':30} {'wanted':20} {'reported':20} {'at':14} found class first three seconds false extra")
    for each in verdicts:
        marks = [
            "yes" if mark else "NO"
            for mark in (each.found, each.class_right, each.culprit_first, each.culprit_in_three)
        ]
        seconds = "-" if each.seconds is None else f"{each.seconds:.1f}"
        shown = " ".join(f"{mark:5}" for mark in marks)
        print(
            f"{each.name:30} {each.wanted:20} {each.reported or '-':20} {each.service or '-':14} {shown} "
            f"{seconds:>7} {len(each.false):5} {len(each.extra):5}"
        )
        if verbose:
            print(f"    {each.cause or 'no cause'}")
            for mark, more in (("false", each.false), ("extra", each.extra)):
                for one in more:
                    print(f"    {mark}: {one}")
    for each in quiet:
        print(f"false in the normal hour: {_line(each)}")
    print(f"\n{which}:")
    for name, value in found.items():
        print(f"  {name:22} {value}")


def _line(trouble: Trouble) -> str:
    one = trouble.latest
    where = one.service or one.host or "-"
    return f"{one.cls} {where} {one.title} ({one.signals} records or points): {trouble.cause}"


if __name__ == "__main__":
    sys.exit(main())
