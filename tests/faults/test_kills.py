"""kill -9 of both programs at random moments while lines are written: nothing lost, nothing twice.

Most kills wait until the program is at work in its new life, and strike at a random moment after; the others
strike while it still loads. Each is counted by what the program had really done when it died.
"""
from __future__ import annotations

import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.cluster import cluster
from tests.services import needs

from . import balance
from .extent import FORM, SECONDS, by_form, figure
from .numbered import Writer
from .producers import together
from .site import KEY, Process, Site, site

#: Of the long form's kills and time, how much is for each database.
PARTS = {"sqlite": 0.6, "postgresql": 0.4}
KILLS = {"sqlite": by_form(4, 10, 300, whole=True), "postgresql": by_form(0, 4, 200, whole=True)}
LINES = {"sqlite": by_form(20_000, 40_000, 600_000, whole=True),
         "postgresql": by_form(0, 10_000, 400_000, whole=True)}
#: How long these lines take to be written; they go on for as long as the kills do.
WRITING = by_form(6.0, 10.0, SECONDS, whole=True)
#: The goal is 5 s. It is judged in the long form, which runs alone; beside other tests it says little of SRA.
RESUME = by_form(30.0, 30.0, 5.0, whole=True)
#: Of three kills two wait for a program at work; half of all must have found one.
FOUND = 0.5


@dataclass
class Life:
    """One program between its start and its death: what it had done before, so that what it does shows."""

    here: Site
    process: Process
    began: float = 0.0
    before: int = 0
    #: Seconds from its start to its work, and before which kill; an agent reads once a server answers it.
    times: list[tuple[float, int]] = field(default_factory=list)

    def done(self) -> int:
        """Return how much it has done ever: lines that the agent keeps, lines that the server stores."""
        if self.process is self.here.server:
            return self.here.database.stored()
        own = balance.of_spool(self.here.state)
        return own.written if own is not None else 0

    def works(self) -> bool:
        """Return whether it has done anything since its start."""
        return self.done() > self.before and (self.process is self.here.agent or self.here.answers())

    def start(self) -> None:
        """Begin a new life."""
        self.before, self.began = self.done(), time.monotonic()
        if self.process is self.here.server:
            self.here.start_server(wait=False)
        else:
            self.here.start_agent()

    def wait(self, number: int, since: float = 0.0) -> None:
        """Wait until it works, and keep how long that took from its start or, if that is later, `since`."""
        known = self.works()
        self.here.wait_for(self.works, 30, f"the {self.process.name} to work, kill {number}")
        if not known:
            self.times.append((time.monotonic() - max(self.began, since), number))


@contextmanager
def written_to(here: Site, lines: int, seconds: float) -> Iterator[list[Writer]]:
    """Let an application write two files until the block ends, and these lines at least."""
    writers = [Writer(here.logs / f"{name}.log", 10 * lines, a_second=lines / 2 / seconds)
               for name in ("app", "web")]
    for writer in writers:
        writer.start()
    try:
        yield writers
        here.wait_for(lambda: all(one.written >= lines // 2 for one in writers), seconds + 60, "the lines")
    finally:
        here.written.update({one.file: one.stop() for one in writers})


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=needs("postgresql"))])
def database(request: pytest.FixtureRequest) -> Iterator[tuple[str, str]]:
    """Give the name of the database and its URL, "" for SQLite in the data folder."""
    if not KILLS[request.param]:
        pytest.skip("takes long: SRA_REQUIRE=all make test; make faults")
    if request.param == "sqlite":
        yield "sqlite", ""
        return
    with cluster("autovacuum=off", "shared_buffers=32MB") as url:
        yield "postgresql", f"{url.replace('postgresql', 'postgresql+asyncpg', 1)}/postgres"


@pytest.mark.timeout(SECONDS * 2 + 240)
def test_both_are_killed_at_random_moments(tmp_path: Path, database: tuple[str, str]):
    name, url = database
    chance, wanted = random.Random(by_form(3, 3, 7, whole=True)), KILLS[name]
    part = by_form(1.0, 1.0 if name == "sqlite" else 0.4, PARTS[name], whole=True)
    struck = {"agent": 0, "server": 0}
    at_work = balances = 0
    with site(tmp_path, database_url=url) as here:
        server, agent = Life(here, here.server), Life(here, here.agent)
        here.start_server()
        here.database.watch_groups()
        agent.start()
        with written_to(here, LINES[name], WRITING * part), together(here.port, KEY) as produced:
            here.wait_for(lambda: agent.works() and server.works(), 30, "the first lines")
            began = time.monotonic()
            for number in range(wanted):
                life = agent if chance.random() < 0.6 else server
                if number % 3:
                    life.wait(number, server.began)
                    ahead = began + number / wanted * WRITING * part - time.monotonic()
                    time.sleep(chance.random() * min(max(0.25, 2 * ahead), 2.0))
                else:
                    time.sleep(chance.random() ** 2 * by_form(1.0, 1.0, 0.4, whole=True))
                at_work += life.works()
                assert life.process.died() is None, here.errors()
                life.process.kill()
                struck[life.process.name] += 1
                if life is agent:
                    balances += balance.checked(here.state, here.database)
                life.start()
            took = time.monotonic() - began
            server.wait(wanted)
            agent.wait(wanted, server.began)
        here.written.update(produced)
        verdict = here.settled(by_form(60, 90, 240))
        owed = sum(n for file, n in here.written.items() if file not in produced)
        here.wait_for(lambda: (own := balance.of_spool(here.state)) is not None and own.stored == owed, 30,
                      f"the agent to count {owed} as stored; {balance.of_spool(here.state)}")
        balances += balance.checked(here.state, here.database)
        end, groups = balance.of_spool(here.state), here.database.groups()
    times = sorted(agent.times + server.times)
    kills = sum(struck.values())
    figure(f"kill -9 at random moments ({FORM}, {name})",
           f"0 lost, 0 duplicated, resume <= {RESUME:.0f} s; written = stored + dropped + spooled",
           f"{verdict}; {kills} of {wanted} kills in {took:.0f} s, {struck['agent']} of the agent and "
           f"{struck['server']} of the server, {at_work} of them at work; resume median "
           f"{times[len(times) // 2][0]:.1f} s, longest {times[-1][0]:.1f} s of {len(times)} timed; "
           f"{balances} balances held; {sum(n > 1 for n in groups):,} of {len(groups):,} transactions "
           f"of several batches, up to {max(groups)}")
    assert verdict.clean, verdict
    assert kills == wanted
    assert at_work >= wanted * FOUND
    assert end is not None and (end.written, end.stored, end.dropped, end.spooled) == (owed, owed, 0, 0), end
    assert balances > struck["agent"] / 2
    assert max(groups) > 1, "no two batches ever shared a transaction"
    assert times[-1][0] <= RESUME, times[-20:]
