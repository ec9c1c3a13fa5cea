"""How good the baseline is as an alarm on 58 series of the Numenta Anomaly Benchmark (goals J1 and J2).

    python bench/detection/nab.py [--json] [--halves 10] [--check]

The very scorer that the server runs (sra_server/detect/unusual.py) goes over each file point by point and
sees nothing ahead: neither a file's range nor its length. One build, one threshold for all. Printed beside
it, from the same run: two plain peers, a clock that rings without looking (what the scoring rule gives for
nothing), and the results published with the data. The data and its scorer lie in $SRA_BENCH_DATA or
../shared/data (nab/, nab_score.py); where they are absent this says so and ends well.
`--check` ends with 1 where a goal is missed.
"""
from __future__ import annotations

import argparse
import importlib.util
import json
import os
import random
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

from gate import Goal, check

from sra_server.detect.baseline import STRANGE
from sra_server.detect.unusual import Unusual

ROOT = Path(__file__).resolve().parent.parent.parent
PROFILES = {"standard": "standard", "low_fp": "reward_low_FP_rate", "low_fn": "reward_low_FN_rate"}
GOALS = (Goal(name="standard", least=62), Goal(name="low_fp", least=52), Goal(name="split_half", least=55))
FAMILIES = ("realAWSCloudwatch", "realKnownCause")
PUBLISHED = ("ARTime", "numenta", "CAD OSE", "contextOSE", "knncad", "relativeEntropy", "random")
Series = list[tuple[int, float]]
Scores = dict[str, list[float]]


def ours(series: Series) -> Iterator[float]:
    """Yield the scores of the product; what was told already scores nothing."""
    past = Unusual()
    for at, value in series:
        score = past.score(at, value)
        yield score if past.is_news(score) else 0.0


def ewma(series: Series) -> Iterator[float]:
    """Yield a plain peer: distance from a running mean in running deviations, without any rest."""
    mean, spread = series[0][1], 0.0
    for n, (_, value) in enumerate(series, 1):
        off = abs(value - mean)
        yield off / spread if spread else 0.0
        step = max(1 / n, 0.01)
        mean, spread = mean + (value - mean) * step, spread + (off - spread) * step


def rested(series: Series) -> Iterator[float]:
    """Yield the same peer, resting as ours does."""
    told, since = 0.0, 0
    for n, score in enumerate(ewma(series)):
        if score > told or n - since >= 100:
            told, since = score, n
            yield score
        else:
            yield 0.0


def clock(series: Series) -> Iterator[float]:
    """Yield a bell that rings every 500 points and looks at nothing."""
    yield from (float(n % 500 == 0) for n in range(len(series)))


def data() -> tuple[Path, Path] | None:
    """Return the folder of the series and the scorer's file, or None."""
    for place in (os.environ.get("SRA_BENCH_DATA"), ROOT.parent / "shared" / "data"):
        if place and (Path(place) / "nab" / "labels").is_dir() and (Path(place) / "nab_score.py").is_file():
            return Path(place) / "nab", Path(place) / "nab_score.py"
    return None


def main() -> int:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__.split("\n\n", 1)[0])
    options.add_argument("--json", action="store_true")
    options.add_argument("--halves", type=int, default=10, help="random halves beside the even and odd files")
    options.add_argument("--check", action="store_true", help="exit with 1 where a goal is missed")
    given = options.parse_args()
    found = data()
    if found is None:
        print("bench/detection/nab: no data; set SRA_BENCH_DATA to a folder that holds nab/ and nab_score.py")
        return 0
    if importlib.util.find_spec("numpy") is None:
        print("bench/detection/nab: not judged: numpy is missing, which the scorer needs; pip install numpy",
              file=sys.stderr)
        return 1
    folder, scorer = found
    spec = importlib.util.spec_from_file_location("nab_score", scorer)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    corpus = module.Corpus(str(folder))
    series = {name: [(int(at.replace(tzinfo=UTC).timestamp() * 1_000_000), float(value))
                     for at, value in zip(times, values, strict=True)]
              for name, (times, values, _) in corpus.files.items()}
    rows = [_measured(corpus, name, detector, series, given.halves if detector is ours else 0)
            for name, detector in (("sra", ours), ("ewma z", ewma), ("ewma z, rested", rested),
                                   ("a clock", clock))]
    published = _published(folder)
    limit = _bare(series)
    if given.json:
        print(json.dumps({"python": sys.version.split()[0], "detectors": rows, "published": published,
                          "bare_loop_points_per_cpu_second": limit}))
    else:
        _print(rows, published, limit)
    return check("nab", GOALS, rows[0]) if given.check else 0


def _measured(corpus: Any, name: str, detector: Callable[[Series], Iterator[float]],
              series: dict[str, Series], halves: int) -> dict[str, Any]:
    began = time.process_time()
    scores = {file: list(detector(points)) for file, points in series.items()}
    took = time.process_time() - began
    whole = corpus.score(scores)
    threshold = whole["standard"][1]
    hit, windows, _, episodes, days = corpus.counts(scores, threshold)
    row: dict[str, Any] = {
        "detector": name, **{ours_: round(whole[theirs][0], 1) for ours_, theirs in PROFILES.items()},
        "split_half": round(_halved(corpus, scores, sorted(scores)), 1), "threshold": round(threshold, 2),
        "windows_hit": hit, "windows": windows, "false_episodes": episodes, "days": days,
        "points": sum(map(len, series.values())),
        "points_per_cpu_second": round(sum(map(len, series.values())) / took)}
    for family in FAMILIES:
        row[family] = round(_at(corpus, {file: each for file, each in scores.items()
                                         if file.startswith(family)}, threshold), 1)
    if halves:
        fixed = corpus.score(scores, STRANGE)
        row["fixed"] = {"threshold": STRANGE, **{ours_: round(fixed[theirs][0], 1)
                                                 for ours_, theirs in PROFILES.items()}}
        shuffled = []
        for seed in range(halves):
            files = sorted(scores)
            random.Random(seed).shuffle(files)
            shuffled.append(_halved(corpus, scores, [*files[::2], *files[1::2]], middle=len(files[::2])))
        row["split_half_random"] = [round(min(shuffled), 1), round(sum(shuffled) / halves, 1),
                                    round(max(shuffled), 1)]
    return row


def _halved(corpus: Any, scores: Scores, files: list[str], middle: int | None = None) -> float:
    """Return the standard score with each half judged by the threshold that is best for the other half."""
    halves = (files[:middle], files[middle:]) if middle else (files[::2], files[1::2])
    raw = windows = 0
    for half, other in (halves, halves[::-1]):
        threshold = corpus.score({file: scores[file] for file in other})["standard"][1]
        one, count = _raw(corpus, {file: scores[file] for file in half}, threshold)
        raw, windows = raw + one, windows + count
    return 100 * (raw + windows) / (2 * windows)


def _at(corpus: Any, scores: Scores, threshold: float) -> float:
    raw, windows = _raw(corpus, scores, threshold)
    return 100 * (raw + windows) / (2 * windows)


def _raw(corpus: Any, scores: Scores, threshold: float) -> tuple[float, int]:
    """Return the raw standard score at a threshold and the number of windows."""
    thresholds, totals, windows = corpus.sweep(scores, "standard")
    return float(totals[sum(1 for each in thresholds if each >= threshold) - 1]), windows


def _published(folder: Path) -> dict[str, dict[str, float]]:
    stored = json.loads((folder / "results" / "final_results.json").read_text())
    return {name: {ours_: round(stored[name][theirs], 1) for ours_, theirs in PROFILES.items()}
            for name in PUBLISHED if name in stored}


def _bare(series: dict[str, Series]) -> int:
    """Return how many points a second a loop takes that only updates one mean: the limit in this language."""
    began, n, mean = time.process_time(), 0, 0.0
    for points in series.values():
        for _, value in points:
            n += 1
            mean += (value - mean) / n
    return round(n / (time.process_time() - began))


def _print(rows: list[dict[str, Any]], published: dict[str, dict[str, float]], limit: int) -> None:
    print(f"{'detector':<18} {'standard':>8} {'low FP':>7} {'low FN':>7} {'split half':>10} {'AWS':>6} "
          f"{'known':>6} {'hit':>8} {'false':>6} {'points/CPU s':>13}")
    for row in rows:
        print(f"{row['detector']:<18} {row['standard']:>8} {row['low_fp']:>7} {row['low_fn']:>7} "
              f"{row['split_half']:>10} {row[FAMILIES[0]]:>6} {row[FAMILIES[1]]:>6} "
              f"{row['windows_hit']:>4}/{row['windows']} {row['false_episodes']:>6} "
              f"{row['points_per_cpu_second']:>13,}")
    for name, scores in published.items():
        print(f"{name + ' (published)':<26} {scores['standard']} / {scores['low_fp']} / {scores['low_fn']}")
    first = rows[0]
    fixed = first["fixed"]
    print(f"sra, with the threshold in the code ({fixed['threshold']}), set when these data had been seen: "
          f"{fixed['standard']} / {fixed['low_fp']} / {fixed['low_fn']}")
    if first["split_half_random"]:
        low, mean, high = first["split_half_random"]
        print(f"sra, random halves: {mean} on average, {low} to {high}; best threshold {first['threshold']}; "
              f"false alarms a day: {first['false_episodes'] / first['days']:.3f} per series")
    print(f"a bare loop over the same points: {limit:,} points per CPU second")


if __name__ == "__main__":
    sys.exit(main())
