"""kill -9 of both programs at random moments while lines are written: nothing lost, nothing twice."""
from __future__ import annotations

import random
import time
from pathlib import Path

import pytest

from .extent import FORM, SECONDS, by_form, figure
from .numbered import Writer
from .site import Site, site

KILLS = by_form(4, 10, 500, whole=True)
LINES = by_form(20_000, 40_000, 1_000_000, whole=True)
#: How long the lines take to be written; in the long form the kills go on for as long.
WRITING = by_form(6.0, 10.0, SECONDS, whole=True)
#: The goal is 5 s. It is judged in the long form, which runs alone; beside other tests it says little of SRA.
RESUME = by_form(30.0, 30.0, 5.0, whole=True)


def resumed(here: Site, began: float, what: str) -> float:
    """Return how long it takes from `began`, when the program was started, until more is stored than now."""
    before = here.database.stored()
    here.wait_for(lambda: here.database.stored() > before or here.all_stored(), 30, f"{what} to go on")
    return time.monotonic() - began


@pytest.mark.timeout(SECONDS * 2 + 240)
def test_both_are_killed_at_random_moments(tmp_path: Path):
    chance, times, kills = random.Random(by_form(3, 3, 7, whole=True)), [], 0
    with site(tmp_path) as here:
        here.written = {name: LINES // 2 for name in ("app", "web")}  # by the time that it is judged
        here.start_server()
        here.start_agent()
        writers = [Writer(here.logs / f"{name}.log", LINES // 2, a_second=LINES / 2 / WRITING)
                   for name in ("app", "web")]
        for writer in writers:
            writer.start()
        here.wait_for(lambda: here.database.stored() > 0, 30, "the first lines")
        began, end = time.monotonic(), time.monotonic() + WRITING - 1.5
        while kills < KILLS and time.monotonic() < end:
            # Most moments come soon after a start, when there is much to do; some after a quiet while.
            time.sleep(chance.random() ** 2 * by_form(1.0, 1.0, 0.4, whole=True))
            kills += 1
            killed_agent = chance.random() < 0.6
            (here.agent if killed_agent else here.server).kill()
            again = time.monotonic()
            if killed_agent:
                here.start_agent()
            else:
                here.start_server(wait=kills % 5 == 0)
            if kills % by_form(2, 4, 10, whole=True) == 0:
                times.append(resumed(here, again, f"kill {kills}"))
        took = time.monotonic() - began
        if here.server.died() is not None:
            here.start_server()
        for writer in writers:
            writer.join()
        verdict = here.settled(by_form(60, 90, 240))
    times.sort()
    median = times[len(times) // 2]
    figure(f"kill -9 at random moments ({FORM})",
           f"0 lost, 0 duplicated, resume <= {RESUME:.0f} s of the start",
           f"{verdict}; {kills} of {KILLS} kills in {took:.0f} s; resume median {median:.1f} s, "
           f"longest {times[-1]:.1f} s of {len(times)} that were timed")
    assert verdict.clean, verdict
    assert kills >= by_form(2, 6, 100, whole=True)
    assert times[-1] <= RESUME, times
