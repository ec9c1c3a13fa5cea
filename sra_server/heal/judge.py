"""Did it help? The verdict on a repair, from what the host checked and the server saw. From resolve; pure.

Recovered needs positive evidence (decision 9): a check that failed before and passes, a main process
that stays, detection that has read everything up to the end and saw no more trouble, and a sign of
life, for silence alone may be blindness. Everything else has a name.
"""
from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from sra_sdk.models import Verdict

from ..domain.record import SECOND

#: How long to wait for a sign of life, and for detection to catch up, before calling it inconclusive.
PATIENCE = 60 * SECOND
#: Trouble that was on its way when the act was done is not held against it.
SETTLE = 10 * SECOND


class Why(StrEnum):
    """The named reasons of a verdict."""

    RECOVERED = "recovered"
    OUTCOME_UNKNOWN = "outcome_unknown"
    CHECK_BROKE = "check_broke"
    NEW_TROUBLE = "new_trouble"
    STEP_FAILED = "step_failed"
    CHECK_STILL_FAILS = "check_still_fails"
    UNSTABLE = "unstable"
    PROCESS_UNKNOWN = "process_unknown"
    SIGNAL_CONTINUES = "signal_continues"
    NO_CHECK = "no_check"
    NOT_CAUGHT_UP = "not_caught_up"
    NO_LIFE = "no_life"


TEXTS: dict[Why, str] = {
    Why.RECOVERED: "the check failed before and passes now, detection is quiet and the service shows life",
    Why.OUTCOME_UNKNOWN: "the host cannot say whether it ran",
    Why.CHECK_BROKE: "a check that passed before fails now",
    Why.NEW_TROUBLE: "a new trouble of the service began after the act",
    Why.STEP_FAILED: "a step failed",
    Why.CHECK_STILL_FAILS: "the check still fails",
    Why.UNSTABLE: "the main process changed again during the verification",
    Why.PROCESS_UNKNOWN: "nothing tells whether the main process stayed; give the policy's rule a pidfile",
    Why.SIGNAL_CONTINUES: "the trouble is still being seen after the act",
    Why.NO_CHECK: "no check was recorded failing before the act, so passing proves nothing",
    Why.NOT_CAUGHT_UP: "detection has not yet read everything up to the end of the act",
    Why.NO_LIFE: "it is quiet, but nothing was heard of the service or its host since the act",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known of an act that ended. Times are the server's."""

    status: str
    acted_at: int
    finished_at: int
    now: int
    checks_recovered: bool | None
    unchanged: bool | None
    check_broke: bool = False
    new_trouble_at: int | None = None
    last_signal_at: int | None = None
    caught_up: bool = True
    life_at: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """The verdict, None while it must wait, and why."""

    verdict: Verdict | None
    why: Why

    @property
    def text(self) -> str:
        """Return the reason for people."""
        return TEXTS[self.why]


def judge(facts: Facts) -> Judgement:
    """Return the verdict; the first rule that fits decides."""
    settled = facts.acted_at + min(SETTLE, max(0, facts.finished_at - facts.acted_at) // 2)
    waiting = facts.now < facts.finished_at + PATIENCE
    if facts.status == "unknown":
        return Judgement(verdict="inconclusive", why=Why.OUTCOME_UNKNOWN)
    if facts.check_broke:
        return Judgement(verdict="worse", why=Why.CHECK_BROKE)
    if facts.new_trouble_at is not None and facts.new_trouble_at > settled:
        return Judgement(verdict="worse", why=Why.NEW_TROUBLE)
    if facts.status == "failed" and facts.checks_recovered is not False:
        return Judgement(verdict="ineffective", why=Why.STEP_FAILED)
    if facts.checks_recovered is False:
        return Judgement(verdict="ineffective", why=Why.CHECK_STILL_FAILS)
    if facts.unchanged is False:
        return Judgement(verdict="inconclusive", why=Why.UNSTABLE)
    if facts.last_signal_at is not None and facts.last_signal_at > settled:
        return Judgement(verdict="ineffective", why=Why.SIGNAL_CONTINUES)
    if facts.checks_recovered is None:
        return Judgement(verdict="inconclusive", why=Why.NO_CHECK)
    if facts.unchanged is None:
        return Judgement(verdict="inconclusive", why=Why.PROCESS_UNKNOWN)
    if not facts.caught_up:
        return Judgement(verdict=None if waiting else "inconclusive", why=Why.NOT_CAUGHT_UP)
    if facts.life_at is None:
        return Judgement(verdict=None if waiting else "inconclusive", why=Why.NO_LIFE)
    return Judgement(verdict="recovered", why=Why.RECOVERED)
