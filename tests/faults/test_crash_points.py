"""kill -9 at every named place of the agent: nothing lost, nothing twice, going on within 5 s.

The places are those of struck.py. After each death the balance of the spool is held against the server.
"""
from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from sra_agent.quarantine import Quarantine
from tests.services import needs

from . import balance, struck
from .extent import by_form, figure, not_quick
from .proxy import PASS, Proxy, body_of, problem
from .site import Site, site
from .test_disks import fill, small_disk

LINES = 600
#: The goal is 5 s. It is judged in the long form, which runs alone; beside other tests it says little of SRA.
RESUME = by_form(30.0, 30.0, 5.0, whole=True)


def some(places: struck.Places) -> list[str]:
    """Return all places of a table, or for a newcomer's run every third."""
    return struck.each(places)[::by_form(3, 1, 1, whole=True)]


def half(places: struck.Places) -> list[str]:
    """Return all places of a table in the long form, else every second."""
    return struck.each(places)[::by_form(2, 2, 1, whole=True)]


def dies(here: Site, point: str, seconds: float = 15) -> None:
    """Wait until the agent has died at the point."""
    here.wait_for(lambda: here.agent.died() is not None, seconds, f"the agent to pass {point}")
    assert here.agent.died() == -9, here.errors()


def die_at(here: Site, point: str, *, prepare: Callable[[], None] = lambda: None,
           whole: bool = True) -> float:
    """Let the agent die at the point, start it again, and return how long until all is stored."""
    prepare()
    here.write(LINES)
    here.start_agent(crash_at=point)
    dies(here, point)
    balance.checked(here.state, here.database, whole=whole)
    here.start_agent()
    seconds = here.wait_for(here.all_stored, 30, f"{point}: the lines; {here.database.stored()} are stored")
    balanced(here, whole=whole)
    here.agent.kill()
    balance.checked(here.state, here.database, whole=whole)
    return seconds


def balanced(here: Site, *, whole: bool) -> None:
    """Wait until the agent has counted what the server has stored, and hold its balance."""
    here.wait_for(lambda: (own := balance.of_spool(here.state)) is not None and own.spooled == 0
                  and (not whole or own.stored == here.written["app"]), 10,
                  f"the agent to count what is stored; {balance.of_spool(here.state)}")
    assert balance.checked(here.state, here.database, whole=whole)


def judged(here: Site, row: str, n: int, times: list[float]) -> None:
    verdict = here.settled()
    figure(row, f"0 lost, 0 duplicated, resume <= {RESUME:.0f} s; written = stored + dropped + spooled",
           f"{verdict}; {n} places, resume median {sorted(times)[len(times) // 2]:.1f} s, longest "
           f"{max(times):.1f} s; the balance held after each")
    assert verdict.clean, verdict
    assert max(times) <= RESUME, times


@pytest.mark.timeout(180)
def test_the_agent_is_killed_at_every_place(tmp_path: Path):
    def lose_everything() -> None:
        for path in (*here.state.glob("spool.db*"), *here.state.glob("ballast")):
            path.unlink()

    def damage() -> None:
        for old in (1, 2):  # with this one they are too many
            (here.state / f"spool.db.damaged-{old}").touch()
            (here.state / f"spool.db.damaged-{old}-wal").touch()
        path = here.state / "spool.db"
        path.write_bytes(b"\x5a" * path.stat().st_size)
        path.with_name("spool.db-wal").write_bytes(b"\x5a" * 4096)

    with site(tmp_path) as here:
        here.start_server()
        times = [die_at(here, point) for point in some(struck.AGENT)]
        times += [die_at(here, point, prepare=lose_everything, whole=False)
                  for point in some(struck.AGENT_NEW)]
        times += [die_at(here, point, prepare=damage, whole=False) for point in half(struck.AGENT_DAMAGED)]
        judged(here, "kill -9 at each place of the agent", len(times), times)


@not_quick
@needs("root")
@pytest.mark.timeout(120)
def test_the_agent_is_killed_while_it_makes_room_on_a_full_disk(tmp_path: Path):
    """Lines wait in the spool when the disk fills: the ballast is given up, or unused room given back."""
    with small_disk(tmp_path / "disk", 16 * 1024 * 1024) as disk, \
            site(tmp_path, state=disk / "state") as here:
        times = []
        for point in struck.each(struck.AGENT_FULL)[::by_form(3, 3, 1, whole=True)]:
            here.start_server()
            here.start_agent()
            here.write(LINES)
            here.wait_for(here.all_stored, 15, "the first lines")
            here.server.kill()
            here.write(LINES)
            here.wait_for(lambda: (own := balance.of_spool(here.state)) is not None
                          and own.written == here.written["app"], 15, "the lines to wait")
            here.agent.kill()
            room = point == "spool.given_back"
            with closing(sqlite3.connect(here.state / "spool.db")) as conn:
                conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # what the log has is room, too
            if room:
                (here.state / "ballast").unlink(missing_ok=True)
            filler = fill(disk, leave=1024 * 1024 if room else 0)
            here.start_server()
            here.start_agent(crash_at=point)
            dies(here, point)
            balance.checked(here.state, here.database)
            filler.unlink()
            began = time.monotonic()
            here.start_agent()
            here.wait_for(here.all_stored, 30, f"{point}: the lines")
            times.append(time.monotonic() - began)
            balanced(here, whole=True)
            here.agent.kill()
            here.server.kill()
        judged(here, "kill -9 of the agent on a full disk", len(times), times)


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
        for point in struck.each(struck.AGENT_REFUSED):
            first = here.written.get("app", 0)
            bad.add(first + 7)
            here.write(LINES, poison=frozenset(bad))
            here.start_agent(crash_at=point)
            dies(here, point)
            balance.checked(here.state, here.database)
            began = time.monotonic()
            here.start_agent()
            here.wait_for(lambda: here.database.stored() + len(bad) >= here.written["app"], 30, "the good")
            times.append(time.monotonic() - began)
            here.agent.stop()
        for point in struck.each(struck.AGENT_RENEWED):
            used: list[int] = []

            def once(number: int, _request: bytes, used: list[int] = used) -> str | bytes:
                used.append(number)
                return problem(409, "sequence_reused") if len(used) == 1 else PASS

            proxy.rule = once
            here.write(LINES)
            here.start_agent(crash_at=point)
            dies(here, point)
            balance.checked(here.state, here.database)
            began = time.monotonic()
            here.start_agent()
            here.wait_for(lambda: here.database.stored() + len(bad) >= here.written["app"], 30, "the lines")
            times.append(time.monotonic() - began)
            here.agent.stop()
        verdict, own = here.settled(dropped=len(bad)), balance.of_spool(here.state)
        balance.checked(here.state, here.database)
        figure("kill -9 while a batch is refused or renumbered", "0 lost but the poison, 0 duplicated",
               f"{len(set(verdict.lost) - {('app', seq) for seq in bad})} lost, "
               f"{verdict.duplicated} duplicated of {verdict.written:,}; {len(bad)} poisoned set "
               f"apart; {own}; resume longest {max(times):.1f} s")
        assert {seq for _, seq in verdict.lost} == bad and verdict.duplicated == verdict.corrupt == 0, verdict
        assert own is not None and (own.written, own.dropped) == (here.written["app"], len(bad)), own
        assert max(times) <= RESUME, times

        proxy.rule = lambda _n, _request: PASS
        apart = Quarantine(here.state)
        for point in struck.each(struck.AGENT_RESENT):
            left = len(apart.items()) - 1
            apart.resend([apart.items()[0].id])
            here.start_agent(crash_at=point)
            dies(here, point)
            balance.checked(here.state, here.database)
            here.start_agent()
            here.wait_for(lambda left=left: here.database.stored() + left >= here.written["app"], 30, "it")
            here.agent.stop()
        again, own = here.settled(), balance.of_spool(here.state)
        figure("kill -9 while what was set apart is sent again", "0 lost, 0 duplicated", f"{again}; {own}")
        assert again.clean, again
        assert own is not None and (own.written, own.dropped) == (here.written["app"], 0), own
