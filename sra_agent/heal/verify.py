"""Did it help? Look before, look three times after, then judge. From conduct and recover.

`judge` is pure and gives its reason by name; success needs positive evidence.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from .checks import Reading, read_check
from .platforms import platform
from .policy import Rule, Verification
from .run import Ran, Runner

#: Longest pause between two looks while a service is watched.
LOOK_SECONDS = 1.0


class Why(Enum):
    """Why an outcome is what it is."""

    VERIFIED = "every check passed three times over the window"
    STEP_FAILED = "the step did not end with 0"
    STEP_TIMED_OUT = "the step was killed at its time limit"
    SAME_PROCESS = "the service is still the same process as before"
    CHECK_FAILS = "a check does not pass after the act"
    PROCESS_CHANGED = "the service ended or was restarted again while it was watched"
    NOT_VERIFIED = "the step ended with 0, but nothing can tell whether it helped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Glance:
    """One look at a service: its checks and which process it is."""

    readings: tuple[Reading, ...]
    identity: dict[str, Any] | None = None

    @property
    def well(self) -> bool:
        """Return whether all checks passed."""
        return all(reading.passed for reading in self.readings)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """The outcome. `checks_recovered` is None when no check was failing before, or none exists."""

    status: str
    why: Why
    reason: str
    checks_recovered: bool | None
    unchanged: bool | None


async def glance(rule: Rule, runner: Runner) -> Glance:
    """Look once."""
    seen = await platform(rule.platform).look(rule, runner)
    readings = []
    if seen.alive is not None:
        state = str(seen.estimates.get("state") or "no answer")
        readings.append(Reading(text=seen.alive_text, passed=seen.alive, detail=state))
    if rule.check is not None:
        readings.append(await read_check(rule.check, runner))
    return Glance(readings=tuple(readings), identity=seen.identity)


async def watch(
    verification: Verification,
    before: Glance,
    look: Callable[[], Awaitable[Glance]],
    *,
    now: Callable[[], float],
    sleep: Callable[[float], Awaitable[None]],
) -> tuple[Glance, ...]:
    """Wait at most `settle` for the service to be up and new, then look on over the whole window.

    Looks are a second apart at most, so that a service which dies and comes back in between is seen to.
    The first, the middle and the last are returned; the first and the one that ended the watch when
    that was not well or another process; a single one when it never came up.
    """
    deadline = now() + verification.settle
    pause = min(1.0, max(0.1, verification.settle / 20))
    while True:
        first = await look()
        new = first.identity is None or first.identity != before.identity
        if first.well and new:
            break
        if now() >= deadline:
            return (first,)
        await sleep(pause)
    looks = [first]
    between = 2 * math.ceil(max(2.0, verification.window / LOOK_SECONDS) / 2)
    for _ in range(between):
        await sleep(verification.window / between)
        looks.append(await look())
        if not looks[-1].well or looks[-1].identity != first.identity:
            return (first, looks[-1])
    return (first, looks[between // 2], looks[-1])


def judge(steps: Sequence[Ran], before: Glance, passes: Sequence[Glance]) -> Judgement:
    """Judge what was recorded before, the steps, and the looks after."""
    failing = {reading.text for reading in before.readings if not reading.passed}
    unchanged = _unchanged(passes)
    last = steps[-1] if steps else None
    if last is not None and not last.ok:
        why = Why.STEP_TIMED_OUT if last.timed_out else Why.STEP_FAILED
        detail = "" if last.timed_out else f" (exit code {last.exit_code})"
        return _judged("failed", why, detail, False if failing else None, unchanged)
    if not before.readings and not any(glance.readings for glance in passes):
        return _judged("unknown", Why.NOT_VERIFIED, "", None, unchanged)
    ill = [reading for glance in passes for reading in glance.readings if not reading.passed]
    if ill:
        return _judged("failed", Why.CHECK_FAILS, f": {ill[-1].text}: {ill[-1].detail}", False, unchanged)
    if passes and before.identity is not None and passes[0].identity == before.identity:
        return _judged("no_change", Why.SAME_PROCESS, "", False if failing else None, unchanged)
    if unchanged is False:
        return _judged("failed", Why.PROCESS_CHANGED, "", False, unchanged)
    if len(passes) < 3:
        return _judged("failed", Why.CHECK_FAILS, ": it was not seen three times", False, unchanged)
    return _judged("succeeded", Why.VERIFIED, "", True if failing else None, unchanged)


def _judged(status: str, why: Why, detail: str, recovered: bool | None, unchanged: bool | None) -> Judgement:
    return Judgement(
        status=status, why=why, reason=why.value + detail, checks_recovered=recovered, unchanged=unchanged
    )


def _unchanged(passes: Sequence[Glance]) -> bool | None:
    identities = [glance.identity for glance in passes]
    if len(identities) < 2 or None in identities:
        return None
    return all(identity == identities[0] for identity in identities)


def comparison(before: Glance, passes: Sequence[Glance]) -> list[dict[str, Any]]:
    """Return the checks, each before and after, as they go into an outcome."""
    rows = []
    for number, reading in enumerate(before.readings):
        after = [glance.readings[number] for glance in passes if number < len(glance.readings)]
        rows.append(
            {
                "text": reading.text,
                "before": reading.passed,
                "after": [one.passed for one in after],
                "passed": bool(after) and all(one.passed for one in after),
                "detail": f"{reading.detail} -> {after[-1].detail}" if after else reading.detail,
            }
        )
    return rows
