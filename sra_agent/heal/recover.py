"""What became of an act that a crash cut short. From executor, at its start; never runs anything again.

How far the journal got decides what may be said: only an act whose steps are known to have ended
may be called succeeded or failed; one that may or may not have begun is unknown, however well the
service looks now.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from typing import Any

from .answer import Tell, finish, outcome
from .checks import Reading
from .journal import Act
from .policy import Check, Rule, Verification
from .run import Ran, start_time
from .shop import Shop
from .verify import Glance, comparison, glance, judge, watch


async def recover(shop: Shop, act: Act, tell: Tell) -> None:
    """Close one open act honestly."""
    if act.phase == "accepted":
        body = {
            "code": "interrupted",
            "reason": "the executor was restarted before the act began; nothing was run",
            "hint": "propose it anew",
        }
        shop.journal.finish(
            act.act, kind="refused", status="refused", body=body, now=shop.clock.now(), began=False
        )
        shop.record(
            "refused", remedy=act.remedy_id, action=act.action, service=act.service, code="interrupted"
        )
        tell("refused", body)
        return
    rule = _rule(act.detail["rule"])
    before = _glance(act.detail["before"])
    if act.phase == "intent":
        await _orphan(act, shop.clock.boot_id, rule.timeout)
        now = await glance(rule, shop.runner)
        seen = "; its checks pass now" if now.readings and now.well else "; its checks do not pass now"
        answer = outcome(
            shop,
            "unknown",
            "the executor was interrupted while it acted: whether the step ran to its "
            "end is not known" + (seen if now.readings else ""),
            _planned(act),
            comparison(before, (now,)),
            why="interrupted",
        )
    else:
        answer = await _judged(shop, act, rule, before, tell)
    finish(shop, act.act, act.remedy_id, answer, tell)


async def _judged(shop: Shop, act: Act, rule: Rule, before: Glance, tell: Tell) -> dict[str, Any]:
    """Judge an act whose steps ended before the crash, by looking at the service now."""
    steps = act.detail["steps"]
    ran = [
        Ran(
            exit_code=one["exit_code"],
            seconds=one["seconds"],
            output=one["output"],
            timed_out=one.get("timed_out", False),
        )
        for one in steps
    ]
    passes: tuple[Glance, ...] = ()
    if ran[-1].ok and before.readings:
        verify = Verification(**act.detail["verify"])
        tell("verifying", {"window_s": verify.window})
        passes = await watch(
            verify, before, lambda: glance(rule, shop.runner), now=shop.clock.now, sleep=asyncio.sleep
        )
    judged = judge(ran, before, passes)
    return outcome(
        shop,
        judged.status,
        judged.reason + " (judged after a restart of the executor)",
        steps,
        comparison(before, passes),
        recovered=judged.checks_recovered,
        unchanged=judged.unchanged,
        why=judged.why.name.lower(),
    )


async def _orphan(act: Act, boot_id: str, timeout: float) -> None:
    """Wait for a step that outlived the executor, so that no second act runs beside it."""
    if not act.pid or not act.pid_began or act.boot_id != boot_id:
        return
    for _ in range(int(timeout / 0.25) + 1):
        if start_time(act.pid) != act.pid_began:
            return
        await asyncio.sleep(0.25)
    # same id and same start: it is our step, in its own session, past its time
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(act.pid, signal.SIGKILL)


def _planned(act: Act) -> list[dict[str, Any]]:
    return [
        {
            "text": step["text"],
            "argv": step["argv"],
            "exit_code": None,
            "seconds": 0.0,
            "output": "",
            "timed_out": False,
        }
        for step in act.detail["steps_planned"]
    ]


def _rule(value: dict[str, Any]) -> Rule:
    check = value["check"]
    return Rule(
        **{
            **value,
            "argv": tuple(value["argv"]),
            "check": Check(**{**check, "argv": tuple(check["argv"])}) if check else None,
        }
    )


def _glance(value: dict[str, Any]) -> Glance:
    return Glance(readings=tuple(Reading(**one) for one in value["readings"]), identity=value["identity"])
