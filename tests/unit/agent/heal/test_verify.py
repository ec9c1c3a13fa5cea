"""The judgement: success needs evidence, and every other outcome has its named reason."""

from __future__ import annotations

import pytest

from sra_agent.heal.checks import Reading
from sra_agent.heal.policy import Verification
from sra_agent.heal.run import Ran
from sra_agent.heal.verify import Glance, Why, comparison, judge, watch

OK = Ran(exit_code=0, seconds=0.1, output="")


def look(*passed: bool, pid: int | None = 1) -> Glance:
    readings = tuple(Reading(text=f"check {n}", passed=one, detail="") for n, one in enumerate(passed))
    return Glance(readings=readings, identity=None if pid is None else {"main_pid": pid})


ILL, WELL = look(False), look(True, pid=2)
CASES = {
    "recovered": ([OK], ILL, [WELL] * 3, "succeeded", Why.VERIFIED, True, True),
    "was well before": ([OK], look(True), [WELL] * 3, "succeeded", Why.VERIFIED, None, True),
    "no identity known": (
        [OK],
        look(False, pid=None),
        [look(True, pid=None)] * 3,
        "succeeded",
        Why.VERIFIED,
        True,
        None,
    ),
    "still ill": ([OK], ILL, [look(False, pid=2)], "failed", Why.CHECK_FAILS, False, None),
    "one of two ill": (
        [OK],
        look(False, False),
        [look(True, False, pid=2)],
        "failed",
        Why.CHECK_FAILS,
        False,
        None,
    ),
    "ill again": ([OK], ILL, [WELL, WELL, look(False, pid=2)], "failed", Why.CHECK_FAILS, False, True),
    "restarted again": (
        [OK],
        ILL,
        [WELL, WELL, look(True, pid=3)],
        "failed",
        Why.PROCESS_CHANGED,
        False,
        False,
    ),
    "same process": ([OK], look(True), [look(True)], "no_change", Why.SAME_PROCESS, None, None),
    "same and ill before": ([OK], ILL, [look(True)], "no_change", Why.SAME_PROCESS, False, None),
    "seen only twice": ([OK], ILL, [WELL] * 2, "failed", Why.CHECK_FAILS, False, True),
    "never seen": ([OK], ILL, [], "failed", Why.CHECK_FAILS, False, None),
    "step failed": (
        [Ran(exit_code=3, seconds=1, output="")],
        ILL,
        [ILL],
        "failed",
        Why.STEP_FAILED,
        False,
        None,
    ),
    "step failed, yet well": (
        [Ran(exit_code=3, seconds=1, output="")],
        ILL,
        [WELL] * 3,
        "failed",
        Why.STEP_FAILED,
        False,
        True,
    ),
    "killed": (
        [Ran(exit_code=None, seconds=1, output="", timed_out=True)],
        ILL,
        [],
        "failed",
        Why.STEP_TIMED_OUT,
        False,
        None,
    ),
    "nothing to look at": ([OK], look(pid=None), [], "unknown", Why.NOT_VERIFIED, None, None),
}


@pytest.mark.parametrize("name", CASES)
def test_judgement(name: str):
    steps, before, passes, status, why, recovered, unchanged = CASES[name]
    judged = judge(steps, before, passes)
    assert (judged.status, judged.why) == (status, why)
    assert (judged.checks_recovered, judged.unchanged) == (recovered, unchanged)
    assert judged.reason.startswith(why.value)


class Time:
    """A clock that sleeping moves; looks come from a list."""

    def __init__(self, looks: list[Glance]) -> None:
        self.at, self.looks, self.when = 0.0, looks, []

    def now(self) -> float:
        return self.at

    async def sleep(self, seconds: float) -> None:
        self.at += seconds

    async def look(self) -> Glance:
        self.when.append(self.at)
        return self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]


async def test_three_looks_over_the_window():
    time = Time([look(False, pid=2), WELL])
    passes = await watch(Verification(window=30, settle=10), ILL, time.look, now=time.now, sleep=time.sleep)
    assert passes == (WELL,) * 3
    assert time.when[-1] - time.when[1] == 30
    assert max(later - sooner for sooner, later in zip(time.when[1:], time.when[2:], strict=False)) <= 1


async def test_a_death_between_two_looks_is_seen():
    """Up for a second, down for a second: three looks alone would miss it."""
    time = Time([WELL, WELL, WELL, look(False, pid=2), WELL])
    passes = await watch(Verification(window=30, settle=10), ILL, time.look, now=time.now, sleep=time.sleep)
    assert [one.well for one in passes] == [True, False]
    assert judge((), ILL, passes).status == "failed"


async def test_another_process_between_two_looks_is_seen():
    time = Time([WELL, WELL, look(True, pid=9), WELL])
    passes = await watch(Verification(window=30, settle=10), ILL, time.look, now=time.now, sleep=time.sleep)
    assert judge((), ILL, passes).why is Why.PROCESS_CHANGED


async def test_it_waits_for_a_new_process():
    """The old process answering once more is no repair."""
    time = Time([look(True), look(True), WELL])
    passes = await watch(
        Verification(window=2, settle=10), look(True), time.look, now=time.now, sleep=time.sleep
    )
    assert passes == (WELL,) * 3


async def test_it_gives_up_after_settling():
    time = Time([ILL])
    passes = await watch(Verification(window=30, settle=10), ILL, time.look, now=time.now, sleep=time.sleep)
    assert passes == (ILL,) and 10 <= time.at < 12


def test_the_comparison_names_before_and_after():
    (row,) = comparison(ILL, [WELL, WELL, look(False, pid=2)])
    assert row["before"] is False and row["after"] == [True, True, False] and row["passed"] is False
