"""The detection benchmark folds what lies in its folders: a planted failure is found, a calm log is not."""

from __future__ import annotations

import gzip
import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "bench" / "detection"))

from incidents import Normal, replayed
from recordings import Case, load, points, records

BEGIN = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
FULL = 'FATAL:  could not write to file "pg_wal/xlogtemp.77": No space left on device'


def micros(seconds: float) -> int:
    return round((BEGIN + timedelta(seconds=seconds)).timestamp() * 1_000_000)


def line(seconds: float, text: str) -> str:
    stamp = (BEGIN + timedelta(seconds=seconds)).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
    return f"{stamp} UTC [77] shop@shop {text}\n"


def case(
    folder: Path,
    name: str,
    texts: str,
    *,
    kind: str = "logs",
    down_from: float | None = None,
    seconds: int = 60,
) -> Case:
    """Write a recording as the recorder writes it, and read it."""
    where = folder / name
    where.mkdir()
    (where / "postgresql.log.gz").write_bytes(gzip.compress(texts.encode()))
    probe = {"n": "probe.up", "s": "postgresql", "g": {"probe": "pg", "target": "127.0.0.11:5432"}}
    measured = [
        {"t": micros(second), **probe, "v": float(down_from is None or second < down_from)}
        for second in range(0, seconds, 5)
    ]
    (where / "points.jsonl.gz").write_bytes(
        gzip.compress("".join(json.dumps(each) + "\n" for each in measured).encode())
    )
    (where / "case.toml").write_text(
        f'name = "{name}"\nkind = "{kind}"\nclass = "disk_full"\nculprit = ["postgresql"]\nhost = "shop-1"\n'
        f"ready_at = {micros(0)}\nbroken_at = {micros(30)}\n[decisive]\nat = {micros(31)}\n"
        '[[source]]\nfile = "postgresql.log.gz"\nservice = "postgresql"\n'
    )
    return load(where)


def calm(until: int) -> str:
    return "".join(
        line(second, "LOG:  checkpoint complete: wrote 3 buffers (0.1%)") for second in range(0, until, 3)
    )


def test_a_failure_after_a_calm_hour_is_found_in_the_hours_time(tmp_path: Path) -> None:
    hour = case(tmp_path, "normal", calm(600), kind="normal", seconds=600)
    bad = case(tmp_path, "full", calm(30) + line(31, FULL) + line(32, FULL))
    verdict, run = replayed(bad, Normal([hour]))
    assert verdict.found and verdict.class_right and verdict.culprit_first and not verdict.false
    assert verdict.seconds is not None and 0 <= verdict.seconds <= 2
    opened = next(iter(run.troubles.values())).opened
    assert opened.created_at > micros(600)


def test_a_calm_recording_is_a_missed_case(tmp_path: Path) -> None:
    verdict, run = replayed(case(tmp_path, "calm", calm(60)), Normal([]))
    assert not verdict.found and not run.troubles


def test_a_failing_probe_alone_is_found_from_the_points(tmp_path: Path) -> None:
    verdict, _ = replayed(case(tmp_path, "down", calm(30), down_from=31), Normal([]))
    assert verdict.found and not verdict.class_right and verdict.reported == "service_crash"


def test_a_failure_in_the_normal_hour_is_seen_there_and_called_false_in_the_case(tmp_path: Path) -> None:
    hour = case(tmp_path, "normal", calm(300) + line(301, FULL) + line(302, FULL), kind="normal", seconds=600)
    normal = Normal([hour])
    assert len(normal.together().troubles) == 1
    verdict, _ = replayed(case(tmp_path, "calm", calm(60)), normal)
    assert not verdict.found and not verdict.false, "the hour's own incidents are counted once, with the hour"
    early, _ = replayed(case(tmp_path, "early", line(10, FULL) + line(11, FULL) + calm(60)), Normal([]))
    assert early.false and not early.found


def test_lines_before_the_start_do_not_count_and_points_of_others_are_left_out(tmp_path: Path) -> None:
    one = case(tmp_path, "early", line(-5, FULL) + calm(60))
    assert all(each.at >= one.ready_at for each in records(one))
    assert len(points(one)) == 12
    assert points(one, frozenset({"redis"})) == []


def entry(seconds: float, text: str, pid: int) -> str:
    """Return a line of what journalctl prints of a unit's standard output."""
    stamp = micros(seconds)
    return json.dumps({
        "__CURSOR": f"s=a;i={stamp:x};t={stamp:x}", "__REALTIME_TIMESTAMP": str(stamp), "MESSAGE": text,
        "PRIORITY": "6", "_PID": str(pid), "_SYSTEMD_UNIT": f"unit{pid}.service", "_TRANSPORT": "stdout"})


def test_a_trace_that_a_journal_holds_line_by_line_is_one_record_as_the_agent_makes_it(
    tmp_path: Path,
) -> None:
    trace = ["ERROR gate cannot serve /trip", "Traceback (most recent call last):", '  File "g.py", line 2']
    told = [entry(1, text, 7) for text in trace]
    told.insert(2, entry(1, "tank at 44 percent", 8))  # another unit writes in between
    told += [entry(1, "KeyError: '93'", 7), entry(3, "trip 94 served", 7), entry(5, "  indented", 7)]
    where = tmp_path / "journal"
    where.mkdir()
    (where / "system.journal.gz").write_bytes(gzip.compress("\n".join(told).encode()))
    (where / "case.toml").write_text(
        'name = "journal"\nhost = "shop-1"\nkind = "logs"\nready_at = 0\n'
        '[[source]]\nfile = "system.journal.gz"\nservice = ""\n'
    )
    made = [(each.service, each.level, each.message.split("\n")[-1]) for each in records(load(where))]
    assert sorted(made) == [
        ("unit7", 20, "  indented"), ("unit7", 20, "trip 94 served"), ("unit7", 40, "KeyError: '93'"),
        ("unit8", 20, "tank at 44 percent"),
    ]
