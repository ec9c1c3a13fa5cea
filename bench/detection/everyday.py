"""Everyday: what goes on at a busy host in some weeks, and the failures put into them. To weeks.

A plan is a list of acts: a nightly job, a deployment, a newsletter, a machine that builds, or a failure.
What is observed in a step is what its services usually do at that hour, plus what its acts add to it. All
of it follows from the seed.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from sra_server.domain.record import MINUTE, SECOND, Batch, Count, Point, Record

#: A Monday, 00:00 UTC.
BEGIN = 1_700_438_400 * SECOND
STEP, HOUR, DAY = 30, 3600, 86_400
#: So many texts of a step's errors are written out, the others are counted.
_TEXTS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """What goes on for some `seconds` from second `begin` on; of a service, and of its host.

    `share` of what the service usually writes fails; `errors` a minute come beside, and `lines` that are
    none. What it fails with grows to its full height within `grows` seconds. `gone`: it writes nothing.
    """

    name: str
    begin: float
    seconds: float
    service: str = ""
    share: float = 0.0
    errors: float = 0.0
    lines: float = 0.0
    grows: float = 0.0
    text: str = "request failed"
    cpu: float = 0.0
    iowait: float = 0.0
    memory: float = 0.0
    load: float = 0.0
    latency: float = 1.0
    gone: bool = False
    down: bool = False

    def height(self, second: float) -> float:
        """Return how much of it there is, 0 to 1."""
        if not self.begin <= second < self.begin + self.seconds:
            return 0.0
        return min(1.0, (second - self.begin) / self.grows) if self.grows else 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """How many lines it writes a minute by day and by night, how many of a thousand are errors."""

    name: str
    day: float
    night: float
    errors: float = 1.0

    def rate(self, second: float) -> float:
        """Return the lines a minute at a time of the day; it is busiest at two in the afternoon."""
        wave = (1 - math.cos(2 * math.pi * (second / DAY - 2 / 24))) / 2
        weekend = 0.6 if second // DAY % 7 >= 5 else 1.0
        return self.night + (self.day * weekend - self.night) * wave


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """A host with its services and what goes on there; `asked`: it has health checks and a latency."""

    name: str
    services: tuple[Service, ...]
    acts: tuple[Act, ...]
    asked: bool = True

    def failing(self, act: Act) -> Host:
        """Return the host with one more act."""
        return replace(self, acts=(*self.acts, act))


def nightly(name: str, days: int, hour: float, chance: random.Random, *, jitter: float = 10,
            each: int = 1, first: int = 0, minutes: tuple[float, float] = (10, 20),
            **what: float | str) -> Iterator[Act]:
    """Yield an act at about the same time of each day, some minutes earlier or later."""
    for day in range(first, days, each):
        begin = day * DAY + hour * HOUR + chance.uniform(-jitter, jitter) * 60
        yield Act(name=name, begin=max(0.0, begin), seconds=60 * chance.uniform(*minutes),
                  **what)  # type: ignore[arg-type]


def web(seed: int, days: int) -> Host:
    """Return a shop: deployments, logins in the morning, an import at night, a newsletter."""
    chance = random.Random(f"web {seed}")
    name = f"web-{seed}"
    shop, auth, mail, imports = (f"{each}-{seed}" for each in ("shop", "auth", "mailer", "import"))
    acts = [
        *nightly("import", days, 2.2, chance, minutes=(15, 25), service=imports, lines=400, errors=42,
                 cpu=40, text="row 17 of file rejected: price is missing"),
        *nightly("logins", days, 8.5, chance, minutes=(40, 60), service=auth, lines=250, errors=28,
                 text="login of a user refused: token expired"),
        *nightly("newsletter", days, 10, chance, minutes=(20, 35), each=7, first=1, service=mail, lines=300,
                 errors=45, text="delivery deferred, will be tried again: mailbox busy"),
        *nightly("digest", days, 17, chance, minutes=(8, 15), service=mail, lines=150, errors=25,
                 text="delivery deferred, will be tried again: greylisted"),
        *nightly("logrotate", days, 0.2, chance, minutes=(1, 3), cpu=60, iowait=30),
    ]
    for day in range(days):
        if day % 7 < 5:
            for _ in range(chance.choice((0, 1, 1, 2))):
                begin = day * DAY + chance.uniform(9, 18) * HOUR
                acts.append(Act(name="deploy", begin=begin, seconds=chance.uniform(10, 60), service=shop,
                                share=chance.uniform(0.05, 0.6), cpu=50, text="upstream is being replaced"))
        acts += [Act(name="retries", begin=day * DAY + chance.uniform(0, 24) * HOUR, seconds=30, service=shop,
                     errors=chance.uniform(10, 50), text="attempt 1 of 3 failed: timeout") for _ in range(3)]
    services = (Service(name=shop, day=600, night=60, errors=4),
                Service(name=auth, day=200, night=10, errors=3),
                Service(name=mail, day=30, night=10, errors=10), Service(name=imports, day=0, night=0))
    return Host(name=name, services=services, acts=tuple(acts))


def data(seed: int, days: int) -> Host:
    """Return a database and its worker: backups, reports, a vacuum on Sundays."""
    chance = random.Random(f"data {seed}")
    name, base, worker = f"data-{seed}", f"base-{seed}", f"worker-{seed}"
    acts = [
        *nightly("backup", days, 3, chance, minutes=(25, 45), iowait=60, cpu=25, load=3, latency=1.5),
        *nightly("report", days, 5, chance, minutes=(4, 12), cpu=85, load=2, memory=25),
        *nightly("vacuum", days, 4.2, chance, each=7, first=6, minutes=(60, 100), cpu=80, iowait=40, load=3),
        *nightly("dunning", days, 6, chance, minutes=(10, 15), service=worker, errors=30, lines=100,
                 text="card was declined"),
    ]
    for day in range(days):
        acts += [Act(name="retries", begin=day * DAY + chance.uniform(0, 24) * HOUR, seconds=60,
                     service=worker, errors=chance.uniform(5, 30), text="lock not granted, tried again")
                 for _ in range(4)]
    services = (Service(name=base, day=60, night=20, errors=15),
                Service(name=worker, day=80, night=60, errors=20))
    return Host(name=name, services=services, acts=tuple(acts))


def build(seed: int, days: int) -> Host:
    """Return a machine that builds and tests whenever somebody pushes."""
    chance = random.Random(f"build {seed}")
    name, runner = f"build-{seed}", f"runner-{seed}"
    acts = [*nightly("nightly", days, 1, chance, minutes=(30, 50), cpu=90, load=2, memory=20)]
    for day in range(days):
        for _ in range(chance.randint(5, 10) if day % 7 < 5 else chance.randint(0, 2)):
            begin = day * DAY + chance.uniform(8, 19) * HOUR
            acts.append(Act(name="build", begin=begin, seconds=60 * chance.uniform(2, 12), cpu=90, load=1.5,
                            memory=15, latency=1.5, service=runner, lines=200,
                            errors=chance.choice((0, 0, 2, 12)),
                            text="test of the basket failed"))
    services = (Service(name=runner, day=20, night=5, errors=5),)
    return Host(name=name, services=services, acts=tuple(acts), asked=False)


def poisson(chance: random.Random, mean: float) -> int:
    """Return a random count."""
    if mean > 30:
        return max(0, round(chance.gauss(mean, math.sqrt(mean))))
    n, left, least = 0, chance.random(), math.exp(-mean)
    while left > least:
        n, left = n + 1, left * chance.random()
    return n


def observe(hosts: Iterable[Host], step: int, seed: int = 0, *, measured: bool = True) -> Batch:
    """Return the batch of one step of all hosts."""
    chance, second = random.Random(f"{seed} {step}"), step * STEP
    at = BEGIN + second * SECOND
    counts: list[Count] = []
    records: list[Record] = []
    points: list[Point] = []
    for host in hosts:
        acts = [each for each in host.acts if each.height(second)]
        for service in host.services:
            own = [each for each in acts if each.service == service.name]
            good, bad = written(service, own, second, chance)
            minute = at - at % MINUTE
            counts += [Count(minute, service.name, host.name, level, n)
                       for level, n in ((20, good), (40, bad)) if n]
            said = [each.text for each in own if each.share or each.errors] or ["an answer was late"]
            records += [Record(id=f"{service.name}-{step}-{n}", at=at + n, level=40, service=service.name,
                               host=host.name, message=said[n % len(said)]) for n in range(min(bad, _TEXTS))]
        if measured:
            points += measures(host, acts, at, second, chance)
    return Batch(account_id="", head=step + 1, received_at=at + STEP * SECOND, listening=BEGIN,
                 records=tuple(records), points=tuple(points), counts=tuple(counts))


def written(service: Service, acts: Iterable[Act], second: float, chance: random.Random) -> tuple[int, int]:
    """Return the good and the bad records of one step."""
    usual, bad, good = service.rate(second), 0.0, 0.0
    share = service.errors / 1000 * chance.expovariate(1)
    for act in acts:
        height = act.height(second)
        share = max(share, act.share * height)
        bad, good = bad + act.errors * height, good + act.lines * height
        usual = 0.0 if act.gone else usual
    bad, good = bad + usual * share, good + usual * (1 - min(1.0, share))
    return poisson(chance, good * STEP / 60), poisson(chance, bad * STEP / 60)


def measures(host: Host, acts: list[Act], at: int, second: float, chance: random.Random) -> list[Point]:
    """Return what the agent of a host measures."""
    def total(name: str) -> float:
        return float(sum(getattr(each, name) * each.height(second) for each in acts))

    def near(value: float, spread: float, most: float = 100.0) -> float:
        return min(most, max(0.0, chance.gauss(value, spread)))

    main = host.services[0]
    busy = main.rate(second) / max(1.0, main.day)
    latency = 80.0
    for act in acts:
        latency *= 1 + (act.latency - 1) * act.height(second)
    down = any(act.down and act.height(second) == 1 for act in acts)
    names = {
        "system.cpu_percent": (near(15 + 35 * busy + total("cpu"), 4), ""),
        "system.iowait_percent": (near(2 + total("iowait"), 2), ""),
        "system.load1_per_core": (near(0.2 + 0.4 * busy + total("load") + total("cpu") / 100, 0.1), ""),
        "system.memory_percent": (near(55 + 5 * busy + total("memory"), 1, 99), ""),
        "system.disk_percent": (61.0, ""),
    }
    if host.asked:
        names["latency_ms"] = near(latency + 40 * busy, 5, math.inf), main.name
        names["probe.up"] = 0.0 if down else 1.0, main.name
    tags = (("probe", "http"), ("target", f"http://{host.name}/health"))
    return [Point(id=f"{name}-{host.name}-{at}", at=at, name=name, value=value, service=service,
                  host=host.name, tags=tags if name == "probe.up" else ())
            for name, (value, service) in names.items()]
