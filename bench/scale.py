"""What 100, 10,000 and 1,000,000 hosts need, from unit costs that are measured here. For docs/scale.md.

    python bench/scale.py                 measure, then print the table (about a minute; needs PostgreSQL)
    python bench/scale.py --json          the same for programs
    python bench/scale.py --costs FILE    take the unit costs from an earlier --json (docs/scale-costs.json)
    python bench/scale.py --simulate      a day by the minute, with a storm and an outage of the database

Every assumption is an option; `--help` names them all.
"""
from __future__ import annotations

import argparse
import json
import math
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

HOSTS = (100, 10_000, 1_000_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Assumed:
    """What is not measured here."""

    records_per_second: float = 2.0  # of one host, over a day (about 50 MB a day)
    points_per_second: float = 2.0  # 20 measures each 10 s; a point is taken to cost as a record
    batches_per_second: float = 0.5  # of one host: an agent seals what it has, at most each second or two
    peak: float = 3.0  # the busiest quarter of an hour against the mean
    days: int = 14  # kept
    copies: int = 2  # of the database: the first and its standby
    used: float = 0.6  # of a core, a disk and a link at the peak; the rest is for spikes and repairs
    database_cores: int = 64  # the largest machine that one would run one PostgreSQL on
    database_disk_tb: float = 30.0
    wal_mb_per_second: float = 300.0  # what one machine writes, sends and replays
    core_month: float = 25.0  # USD, with its memory
    tb_month: float = 90.0  # USD, of fast disk
    spool_mb: float = 256.0  # of an agent, the default of spool_bytes
    bytes_on_the_way: float = 300.0  # of a record in an agent's spool


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """What so many hosts need."""

    hosts: int
    records_per_second: float  # at the peak, points too
    batches_per_second: float
    api_cores: float
    worker_cores: float
    database_cores: float
    api_servers: int
    workers: int
    wal_mb_per_second: float
    disk_tb: float
    polls_open: int
    connections: int
    database_nodes: int  # 1: one PostgreSQL; more: Citus workers
    usd_month: float
    usd_host_month: float


def cores(cost: dict[str, float], records: float, batches: float) -> float:
    """Return the CPU seconds that a second of this load takes."""
    return (cost["seconds_per_million_records"] * records
            + cost["seconds_per_million_batches"] * batches) / 1e6


def need(hosts: int, costs: dict[str, Any], given: Assumed) -> Need:
    """Multiply."""
    mean = hosts * (given.records_per_second + given.points_per_second)
    records, batches = mean * given.peak, hosts * given.batches_per_second * given.peak
    api, worker, database = (cores(costs[what], records, batches) for what in ("api", "worker", "database"))
    wal = (costs["wal"]["bytes_per_million_records"] * records
           + costs["wal"]["bytes_per_million_batches"] * batches) / 1e6 / 1e6
    disk = mean * 86_400 * given.days * costs["bytes_per_record"] / 1e12
    nodes = max(1, math.ceil(database / (given.database_cores * given.used)),
                math.ceil(disk / (given.database_disk_tb * given.used)),
                math.ceil(wal / (given.wal_mb_per_second * given.used)))
    servers, workers = max(2, math.ceil(api / given.used)), max(2, math.ceil(worker / given.used))
    bought = servers + workers + given.copies * max(2.0 * nodes, database / given.used)
    usd = bought * given.core_month + given.copies * disk / given.used * given.tb_month
    return Need(hosts=hosts, records_per_second=records, batches_per_second=batches, api_cores=api,
                worker_cores=worker, database_cores=database, api_servers=servers, workers=workers,
                wal_mb_per_second=wal, disk_tb=disk, polls_open=hosts, connections=(servers + workers) * 31,
                database_nodes=nodes, usd_month=usd, usd_host_month=usd / hosts)


def end_of_one(costs: dict[str, Any], given: Assumed) -> tuple[int, str]:
    """Return how many hosts one PostgreSQL bears, and what ends it."""
    one = need(1_000_000, costs, given)
    limits = {"its cores": one.database_cores / (given.database_cores * given.used),
              "its disk": one.disk_tb / (given.database_disk_tb * given.used),
              "its log (WAL)": one.wal_mb_per_second / (given.wal_mb_per_second * given.used)}
    what = max(limits, key=lambda name: limits[name])
    return int(1_000_000 / limits[what]), what


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """What a simulated day brought."""

    hosts: int
    sent: float
    stored: float
    most_waiting: float  # records in the agents' spools
    most_in_a_spool_mb: float
    drained_minutes: int  # after the outage
    longest_lag_seconds: float  # of detection, behind what is stored
    lost: float


def simulate(hosts: int, costs: dict[str, Any], given: Assumed, *, outage: int = 60, storm: float = 5.0,
             ) -> Day:
    """Go through a day by the minute: the sun's course, half an hour of storm, an hour without database."""
    sized = need(hosts, costs, given)
    api = sized.api_servers / (sized.api_cores / sized.records_per_second)  # records a second
    worker = sized.workers / (sized.worker_cores / sized.records_per_second)
    database = max(2.0 * sized.database_nodes, sized.database_cores / given.used) / (
        sized.database_cores / sized.records_per_second)
    mean = hosts * (given.records_per_second + given.points_per_second)
    room = hosts * given.spool_mb * 1e6 / given.bytes_on_the_way
    waiting = behind = sent = stored = lost = most = lag = 0.0
    drained, over = 0, False
    for minute in range(1440):
        load = mean * (1 + 0.5 * math.sin(2 * math.pi * (minute - 480) / 1440))
        load *= storm if 600 <= minute < 630 else 1.0
        sent += load * 60
        waiting += load * 60
        lost += max(0.0, waiting - room)  # files are left unread instead; only what cannot wait is lost
        waiting = min(waiting, room)
        down = 840 <= minute < 840 + outage
        done = 0.0 if down else min(waiting, min(api, database) * 60)
        waiting, stored, behind = waiting - done, stored + done, behind + done
        read = 0.0 if down else min(behind, worker * 60)
        behind -= read
        most, lag = max(most, waiting), max(lag, behind / worker)
        if minute >= 840 + outage and not over:
            drained, over = minute + 1 - 840 - outage, waiting < load * 60
    return Day(hosts=hosts, sent=sent, stored=stored, most_waiting=most,
               most_in_a_spool_mb=most * given.bytes_on_the_way / hosts / 1e6, drained_minutes=drained,
               longest_lag_seconds=lag, lost=lost)


def show(costs: dict[str, Any], needs: list[Need], given: Assumed) -> None:
    """Print for people."""
    for what in ("api", "worker", "database"):
        print(f"{what:9} {costs[what]['seconds_per_million_records']:8.1f} CPU s for 10^6 records and "
              f"{costs[what]['seconds_per_million_batches']:8.0f} for 10^6 batches")
    print(f"disk {costs['bytes_per_record']} bytes a record; api {costs['api_mb']} MB, "
          f"worker {costs['worker_mb']} MB; {costs['connections_of_two_servers']} connections "
          "of two servers\n")
    for field in fields(Need):
        row = "".join(f"{getattr(one, field.name):>16,.4g}" if isinstance(getattr(one, field.name), float)
                      else f"{getattr(one, field.name):>16,}" for one in needs)
        print(f"{field.name:20}{row}")
    hosts, what = end_of_one(costs, given)
    print(f"\none PostgreSQL of {given.database_cores} cores and {given.database_disk_tb:g} TB ends at about "
          f"{hosts:,} hosts: {what}")


def main() -> int:
    """Measure or read the unit costs, then say what follows."""
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--costs", type=Path, help="an earlier --json, or its part \"costs\"")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--simulate", action="store_true")
    for field in fields(Assumed):
        default: Any = field.default
        parser.add_argument(f"--{field.name.replace('_', '-')}", type=type(default), default=default,
                            dest=field.name, help=f"default {default}")
    asked = parser.parse_args()
    given = Assumed(**{field.name: getattr(asked, field.name) for field in fields(Assumed)})
    if asked.costs is not None:
        found = json.loads(asked.costs.read_text())
        costs = found.get("costs", found)
    else:
        from scale_costs import costs as measure
        costs = measure(asked.rounds)
    needs = [need(hosts, costs, given) for hosts in HOSTS]
    days = [simulate(hosts, costs, given) for hosts in HOSTS] if asked.simulate else []
    if asked.json:
        hosts, what = end_of_one(costs, given)
        print(json.dumps({"costs": costs, "assumed": asdict(given), "needs": [asdict(one) for one in needs],
                          "one_postgresql_ends_at_hosts": hosts, "because_of": what,
                          "days": [asdict(day) for day in days]}))
        return 0
    show(costs, needs, given)
    for day in days:
        waiting = abs(day.sent - day.stored)
        print(f"\na day of {day.hosts:,} hosts: {day.sent:,.0f} records, {waiting:,.0f} still waiting at its "
              f"end, {day.lost:,.0f} lost; at most {day.most_in_a_spool_mb:.1f} MB in a spool; drained "
              f"{day.drained_minutes} min after the outage; detection at most "
              f"{day.longest_lag_seconds:.0f} s behind")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
