"""kill -9 at every named place of both programs: nothing lost, nothing twice, going on within 5 s.

The places are read from the source, so one that no test here kills at fails.
"""
from __future__ import annotations

import ast
import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.acceptance import test_executor_crash

from .extent import by_form, figure, not_quick
from .proxy import PASS, Proxy, body_of, problem
from .site import ROOT, Site, site

LINES = 600
#: The goal is 5 s. It is judged in the long form, which runs alone; beside other tests it says little of SRA.
RESUME = by_form(30.0, 30.0, 5.0, whole=True)

#: What tells the two databases' commits apart in the names of their modules.
DRIVER = re.compile(r"_(postgresql|sqlite)(?=\.py$)")


def places(*parts: str) -> set[str]:
    """Return the names that the source gives to crashpoint(); each stands once.

    The commits of the two databases count as one module: a server runs one of them.
    """
    found: set[tuple[str, str]] = set()
    for part in parts:
        for path in sorted((ROOT / part).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "crashpoint":
                    assert isinstance(node.args[0], ast.Constant), f"{path}: the name must be a literal"
                    place = (str(node.args[0].value), path.name)
                    assert place not in found, f"{place} stands twice"
                    found.add(place)
    modules = {name: {DRIVER.sub("", file) for other, file in found if other == name} for name, _ in found}
    assert all(len(where) == 1 for where in modules.values()), modules
    return set(modules)


#: Places that a plain start with new lines passes, and at which passing the agent is killed.
AGENT = {
    "spool.append.commit": 1, "spool.appended": 1, "spool.positions.commit": 1, "spool.fact.commit": 1,
    "spool.seal.commit": 1, "spool.sealed": 1, "ship.send": 1, "ship.sent": 1, "ship.answered": 1,
    "spool.acknowledge": 1, "spool.acknowledge.commit": 1, "spool.acknowledged": 1,
}
AGENT_NEW = {"spool.make": 1, "spool.made": 1, "spool.born.commit": 1, "spool.born": 1}
AGENT_DAMAGED = {"spool.aside": 1}
AGENT_REFUSED = {"spool.reject.commit": 2, "spool.rejected": 2}
AGENT_RENEWED = {"spool.renew.commit": 1, "spool.renewed": 1}
SERVER = {
    "ingest.received": 2, "ingest.numbered": 2, "ingest.written": 2, "ingest.commit": 2,
    "ingest.committed": 2, "ingest.answer": 2, "worker.read": 2, "worker.begun": 2, "worker.applied": 2,
    "worker.told": 2, "worker.commit": 2, "worker.committed": 2,
}


def test_every_place_is_killed_at():
    agent = {*AGENT, *AGENT_NEW, *AGENT_DAMAGED, *AGENT_REFUSED, *AGENT_RENEWED}
    assert places("sra_agent") == agent | set(test_executor_crash.POINTS)
    assert places("sra_server") == set(SERVER)


def some(points: dict[str, int]) -> dict[str, int]:
    """Return all of them, or for a newcomer's run every third."""
    return dict(list(points.items())[::by_form(3, 1, 1, whole=True)])


def die_at(here: Site, point: str, *, prepare: Callable[[], None] = lambda: None) -> float:
    """Let the agent die at the point, start it again, and return how long until all is stored."""
    prepare()
    here.write(LINES)
    here.start_agent(crash_at=point)
    here.wait_for(lambda: here.agent.died() is not None, 15, f"the agent to pass {point}")
    assert here.agent.died() == -9, here.errors()
    here.start_agent()
    seconds = here.wait_for(here.all_stored, 30, f"{point}: the lines; {here.database.stored()} are stored")
    here.agent.kill()
    return seconds


def judged(here: Site, row: str, n: int, times: list[float]) -> None:
    verdict = here.settled()
    figure(row, f"0 lost, 0 duplicated, resume <= {RESUME:.0f} s", f"{verdict}; {n} places, resume "
           f"median {sorted(times)[len(times) // 2]:.1f} s, longest {max(times):.1f} s")
    assert verdict.clean, verdict
    assert max(times) <= RESUME, times


@pytest.mark.timeout(180)
def test_the_agent_is_killed_at_every_place(tmp_path: Path):
    def lose_everything() -> None:
        for path in here.state.glob("spool.db*"):
            path.unlink()

    def damage() -> None:
        for path in here.state.glob("spool.db"):
            path.write_bytes(b"\x5a" * path.stat().st_size)
            path.with_name("spool.db-wal").write_bytes(b"\x5a" * 4096)

    with site(tmp_path) as here:
        here.start_server()
        times = [die_at(here, f"{name}:{n}") for name, n in some(AGENT).items()]
        times += [die_at(here, f"{name}:{n}", prepare=lose_everything) for name, n in some(AGENT_NEW).items()]
        times += [die_at(here, f"{name}:{n}", prepare=damage) for name, n in AGENT_DAMAGED.items()]
        judged(here, "kill -9 at each place of the agent", len(times), times)


@not_quick
@pytest.mark.timeout(120)
def test_the_agent_is_killed_while_a_batch_is_refused_or_renumbered(tmp_path: Path):
    """A batch that the server will not take is halved, one whose number is used goes under a new producer."""
    def refuses(_n: int, request: bytes) -> str | bytes:
        return problem(422, "validation_failed") if b" poison" in body_of(request) else PASS

    with site(tmp_path) as here, Proxy(here.port) as proxy:
        here.point_agent_at(proxy.port)
        here.start_server()
        proxy.rule = refuses
        times, bad = [], set()
        for name, n in AGENT_REFUSED.items():
            first = here.written.get("app", 0)
            bad.add(first + 7)
            here.write(LINES, poison=frozenset(bad))
            here.start_agent(crash_at=f"{name}:{n}")
            here.wait_for(lambda: here.agent.died() is not None, 15, f"the agent to pass {name}")
            began = time.monotonic()
            here.start_agent()
            here.wait_for(lambda: here.database.stored() + len(bad) >= here.written["app"], 30, "the good")
            times.append(time.monotonic() - began)
            here.agent.stop()
        for name, n in AGENT_RENEWED.items():
            used: list[int] = []

            def once(number: int, _request: bytes, used: list[int] = used) -> str | bytes:
                used.append(number)
                return problem(409, "sequence_reused") if len(used) == 1 else PASS

            proxy.rule = once
            here.write(LINES)
            here.start_agent(crash_at=f"{name}:{n}")
            here.wait_for(lambda: here.agent.died() is not None, 15, f"the agent to pass {name}")
            began = time.monotonic()
            here.start_agent()
            here.wait_for(lambda: here.database.stored() + len(bad) >= here.written["app"], 30, "the lines")
            times.append(time.monotonic() - began)
            here.agent.stop()
        verdict = here.settled(dropped=len(bad))
        figure("kill -9 while a batch is refused or renumbered", "0 lost but the poison, 0 duplicated",
               f"{len(set(verdict.lost) - {('app', seq) for seq in bad})} lost, "
               f"{verdict.duplicated} duplicated of {verdict.written:,}; {len(bad)} poisoned set "
               f"apart; resume longest {max(times):.1f} s")
        assert {seq for _, seq in verdict.lost} == bad and verdict.duplicated == verdict.corrupt == 0, verdict
        assert max(times) <= RESUME, times


@pytest.mark.timeout(180)
def test_the_server_is_killed_at_every_place(tmp_path: Path):
    with site(tmp_path) as here:
        here.start_server()
        here.write(LINES)
        here.start_agent()
        here.wait_for(here.all_stored, 30, "the first lines")
        times = []
        for name, n in some(SERVER).items():
            before = here.database.stored()
            here.write(LINES)
            here.server.kill()
            here.start_server(crash_at=f"{name}:{n}", wait=False)
            times.append(here.wait_for(lambda: here.database.stored() > before, 30, f"{name}: going on"))  # noqa: B023
            end = time.monotonic() + 20
            while here.server.died() is None:
                assert time.monotonic() < end, f"the server never passed {name}; {here.errors()}"
                here.write(LINES)
                time.sleep(0.1)
            assert here.server.died() == -9, here.errors()
        here.start_server(wait=False)
        judged(here, "kill -9 at each place of the server", len(times), times)
