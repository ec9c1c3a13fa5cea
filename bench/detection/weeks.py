"""Are the weeks that a busy host lives through quiet, and is trouble in them told? Simulated, no files.

    python bench/detection/weeks.py [--days N] [--seeds N] [--verbose] [--check]

Three hosts (a shop, a database, a machine that builds) live for days with nightly imports, deployments,
backups, newsletters and builds. Whatever is told is counted as false. Then failures of 12 kinds are put
into these days, each into one of its own that goes on from a state of the quiet days, and it is counted
which are told, and after how long. `everyday.py` is the life, the fold is the server's.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from everyday import BEGIN, DAY, HOUR, STEP, Act, Host, build, data, observe, web
from gate import Goal, check

from sra_server.domain.incident import ACTIVE, Incident
from sra_server.domain.record import SECOND
from sra_server.pipeline import Settings, State, fold

#: A failure that is told later than this was not told.
LATE = 45 * 60
GOALS = (Goal(name="false by host in 3 days", most=2.0), Goal(name="false by host and day, later", most=0.3),
         Goal(name="recall", least=0.95))


@dataclass(slots=True)
class Life:
    """A fold over steps: its state, the incidents, and when each was opened, in seconds."""

    hosts: tuple[Host, ...]
    seed: int = 0
    measured: bool = True
    state: State = field(default_factory=State.empty)
    incidents: dict[str, Incident] = field(default_factory=dict)
    opened: list[tuple[float, Incident]] = field(default_factory=list)
    step: int = 0

    def until(self, second: float) -> Life:
        """Live on until then."""
        rules = Settings()
        while self.step * STEP < second:
            given = observe(self.hosts, self.step, self.seed, measured=self.measured)
            now = given.received_at
            known = tuple(each for each in self.incidents.values() if each.status in ACTIVE or (
                now - (each.resolved_at or 0) <= rules.reopen))
            self.state, changes = fold(self.state, given, known, (), now, rules,
                                       lambda: f"i{self.step}-{len(self.opened)}")
            for change in changes:
                self.incidents[change.incident.id] = change.incident
                if change.kind in ("opened", "reopened"):
                    self.opened.append(((now - BEGIN) / SECOND, change.incident))
            self.step += 1
        return self

    def apart(self, act: Act, host: int) -> Life:
        """Return a life that goes on from here by itself, with one more act at a host."""
        hosts = tuple(each.failing(act) if n == host else each for n, each in enumerate(self.hosts))
        return Life(hosts=hosts, seed=self.seed, measured=self.measured, state=self.state,
                    incidents=dict(self.incidents), step=self.step)


def failures(begin: float, hosts: tuple[Host, ...]) -> Iterator[tuple[int, Act]]:
    """Yield the 12 kinds of failures, each with the number of its host; all begin then."""
    shop, auth, mail, _ = (each.name for each in hosts[0].services)
    base, worker = (each.name for each in hosts[1].services)
    runner = hosts[2].services[0].name
    yield 0, Act(name="half of the requests fail", service=shop, share=0.5, begin=begin, seconds=LATE)
    yield 0, Act(name="a fifth of the requests fails", service=shop, share=0.2, begin=begin, seconds=LATE)
    yield 0, Act(name="nothing but errors", service=auth, share=1.0, begin=begin, seconds=LATE)
    yield 0, Act(name="errors creep up", service=shop, share=0.5, grows=1500, begin=begin, seconds=LATE)
    yield 0, Act(name="the site is down", service=shop, gone=True, down=True, begin=begin, seconds=LATE)
    yield 0, Act(name="answers take eight times as long", latency=8, begin=begin, seconds=LATE)
    yield 0, Act(name="mail fails", service=mail, share=0.9, errors=20, text="relay access lost",
                 begin=begin, seconds=LATE)
    yield 1, Act(name="memory is used up", memory=60, grows=300, begin=begin, seconds=LATE)
    yield 1, Act(name="the database refuses", service=worker, share=0.8, errors=30,
                 text="connection to the database refused", begin=begin, seconds=LATE)
    yield 1, Act(name="queries fail", service=base, share=0.6, errors=20, text="relation orders is gone",
                 begin=begin, seconds=LATE)
    yield 1, Act(name="overload", cpu=100, load=5, latency=5, begin=begin, seconds=LATE)
    yield 2, Act(name="builds fail by the dozen", service=runner, errors=60, text="no such registry",
                 begin=begin, seconds=LATE)


@dataclass(slots=True)
class Found:
    """What came of a bench: false incidents by day and title, and each failure with its delay or None."""

    days: int = 0
    hosts: int = 0
    false: list[tuple[float, str]] = field(default_factory=list)
    told: list[tuple[str, float, float | None]] = field(default_factory=list)

    def by_host(self, since: float, until: float) -> float:
        """Return the false incidents of a host between two days."""
        return sum(since <= second / DAY < until for second, _ in self.false) / max(1, self.hosts)

    def totals(self) -> dict[str, float]:
        """Return the figures that the goals are about."""
        delays = [delay for _, _, delay in self.told]
        return {"false by host in 3 days": self.by_host(0, 3),
                "false by host and day, later": self.by_host(3, self.days) / max(1, self.days - 3),
                "recall": sum(each is not None for each in delays) / max(1, len(delays))}


def lived(seed: int, days: int, found: Found, *, tries: int, measured: bool = True) -> None:
    """Let three hosts live, and put failures into days of their own at random times."""
    hosts = web(seed, days), data(seed, days), build(seed, days)
    life, chance = Life(hosts=hosts, seed=seed, measured=measured), random.Random(f"failures {seed}")
    times = sorted(chance.uniform(2 * HOUR, days * DAY - HOUR) for _ in range(12 * tries))
    for number, begin in enumerate(times):
        life.until(begin)
        host, act = list(failures(begin, hosts))[number * 5 % 12]
        name = act.service or hosts[host].name
        other = life.apart(act, host).until(begin + LATE)
        delays = [second - begin for second, each in other.opened
                  if name in (each.service, each.host, *each.services) or hosts[host].name == each.host]
        running = [each for each in life.incidents.values()
                   if each.status in ACTIVE and name in each.services]
        found.told.append((act.name, begin, min(delays, default=0.0 if running else None)))
    life.until(days * DAY)
    found.days, found.hosts = days, found.hosts + len(hosts)
    found.false += [(second, f"{each.severity}: {each.title}") for second, each in life.opened]


def main() -> int:
    """Print what was told for nothing, and which failures were told; return the exit code."""
    given = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    given.add_argument("--days", type=int, default=12)
    given.add_argument("--seeds", type=int, default=2)
    given.add_argument("--tries", type=int, default=2, help="failures of each kind and seed")
    given.add_argument("--logs", action="store_true", help="no metrics")
    given.add_argument("--verbose", action="store_true")
    given.add_argument("--check", action="store_true")
    args = given.parse_args()
    found = Found()
    for seed in range(args.seeds):
        lived(seed, args.days, found, tries=args.tries, measured=not args.logs)
    if args.verbose:
        for second, title in sorted(found.false):
            print(f"day {second / DAY:5.2f}  {title}")
        for name, begin, delay in sorted(found.told):
            print(f"{name:36} day {begin / DAY:5.2f}  {'not told' if delay is None else f'{delay:.0f} s'}")
    delays = [delay for _, _, delay in found.told if delay is not None]
    print(f"{found.hosts} hosts, {args.days} days: {len(found.false)} incidents for nothing; of "
          f"{len(found.told)} failures {len(delays)} told, half of them within "
          f"{statistics.median(delays or [0]):.0f} s")
    totals = found.totals()
    for name, value in totals.items():
        print(f"{name}: {value:.2f}")
    return check("weeks", GOALS, totals) if args.check else 0


if __name__ == "__main__":
    sys.exit(main())
