"""`sra analyze` on files finds what the server finds in the same lines, shipped by an agent."""
from __future__ import annotations

import gzip
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from sra_agent.records import Records
from sra_agent.sources import Origin
from sra_agent.sources.names import service_of
from sra_cli.analyze import analyze_files
from sra_sdk.lines.level import NUMBER
from sra_sdk.lines.multiline import Joiner
from sra_sdk.lines.outline import UNKNOWN
from sra_sdk.lines.parse import LineReader
from sra_server.domain.record import SECOND, Record

BENCH = Path(__file__).resolve().parents[3] / "bench" / "detection"
sys.path.insert(0, str(BENCH))

from replay import Run  # noqa: E402 - it lies beside, not in a package

#: 2026-11-26: the year of lines that name none.
NOW = 1_795_651_200 * SECOND
HOST = "shop-1"
#: Recorded failures of several programs, restarts among them, and an hour in which nothing broke.
RECORDED = ("bad_reload", "port_in_use", "python_cgroup_oom", "node_unhandled", "mariadb_deadlocks",
            "mariadb_password", "upstream_refused", "redis_frozen", "postgres_killed", "normal_2")
#: In its files with times nothing is broken: one is an hour of that, the other died in a file without times.
CALM = {"normal_2", "node_unhandled"}
#: Class, service, and when it began.
Found = tuple[str, str, int]


def shipped(path: Path) -> Iterator[Record]:
    """Yield what an agent sends of a file: its host is that of all lines, its clock theirs."""
    clock = [NOW]
    maker, reader, joiner = Records(HOST, lambda: clock[0]), LineReader(now=lambda: NOW), Joiner()
    origin = Origin(source=str(path), service=None, guess=service_of(str(path)))
    events = [event for line in path.read_text("utf-8", "replace").split("\n") for event in joiner.feed(line)]
    number = 1
    for text, lines in (*events, *joiner.flush()):
        for made in maker.make([(text, UNKNOWN)], reader, origin):
            moment = datetime.fromisoformat(made["timestamp"].replace("Z", "+00:00"))
            clock[0] = int(moment.timestamp()) * SECOND + moment.microsecond
            yield Record(id=f"{path}:{number}", at=clock[0], level=NUMBER[made["level"]], host=HOST,
                         message=made["message"], service=made["service"], source=str(path), line=number,
                         metadata=made.get("metadata", {}))
        number += lines


def by_the_server(folder: Path) -> list[Found]:
    records = sorted((each for path in sorted(folder.iterdir()) for each in shipped(path)),
                     key=lambda each: each.at)
    run = Run()
    run.take(records, [], records[-1].at + SECOND)
    return sorted((each.latest.cls, each.latest.service, each.latest.started_at)
                  for each in run.troubles.values())


def by_analyze(folder: Path) -> list[Found]:
    return sorted((each.incident.cls, each.incident.service, each.incident.started_at)
                  for each in analyze_files([str(folder)], now=NOW).incidents)


@pytest.mark.parametrize("name", RECORDED)
def test_recorded_failures(name: str, tmp_path: Path) -> None:
    for packed in (BENCH / "corpus" / name).glob("*.log.gz"):
        (tmp_path / packed.name.removesuffix(".gz")).write_bytes(gzip.decompress(packed.read_bytes()))
    found = by_analyze(tmp_path)
    assert bool(found) == (name not in CALM)
    assert found == by_the_server(tmp_path)


def deploy(folder: Path, *, returns: bool) -> None:
    """Restart three services one after the other behind a proxy, whose lines name no host."""
    proxy, app = [], []
    for turn in range(3):
        for second in range(20):
            at = f"10:{turn:02d}:{second + 20}"
            gone = 3 < second < 9 or (second >= 9 and not returns and turn == 2)
            if second == 3:
                app.append(f"Nov 26 {at} {HOST} orders[{turn}]: Received SIGTERM, shutting down\n")
            elif not gone:
                app.append(f"Nov 26 {at} {HOST} orders[{turn}]: answered a request\n")
            if gone:
                proxy.append(f"2026/11/26 {at} [error] 7#7: *{second} connect() failed (111: Connection "
                             'refused) while connecting to upstream, client: 10.0.0.1, server: _, '
                             'request: "GET / HTTP/1.1", upstream: "http://127.0.0.1:8081/", host: "shop"\n')
    (folder / "syslog").write_text("".join(app))
    (folder / "nginx-error.log").write_text("".join(proxy))


@pytest.mark.parametrize("returns", [True, False])
def test_a_rolling_deploy_is_none_and_one_that_fails_is_one(returns: bool, tmp_path: Path) -> None:
    deploy(tmp_path, returns=returns)
    found = by_analyze(tmp_path)
    assert [each[0] for each in found] == ([] if returns else ["external_api_down"])
    assert found == by_the_server(tmp_path)
