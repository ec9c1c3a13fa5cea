"""The words in which the host answers, durable before they are said. From conduct and recover; to serve."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .clock import rfc3339
from .run import Ran, Step
from .shop import Shop
from .task import Denied, Task

#: says a stage of an act to whoever listens: kind, body
Tell = Callable[[str, dict[str, Any]], None]


def told(steps: tuple[Step, ...], ran: list[Ran]) -> list[dict[str, Any]]:
    """Return what was run and how it ended, as it goes into an outcome."""
    return [
        {
            "text": step.text,
            "argv": list(step.argv),
            "exit_code": one.exit_code,
            "seconds": one.seconds,
            "output": one.output,
            "timed_out": one.timed_out,
        }
        for step, one in zip(steps, ran, strict=False)
    ]


def outcome(
    shop: Shop,
    status: str,
    reason: str,
    steps: list[dict[str, Any]] | None = None,
    checks: list[dict[str, Any]] | None = None,
    *,
    recovered: bool | None = None,
    unchanged: bool | None = None,
    why: str | None = None,
) -> dict[str, Any]:
    """Return the body of the answer `outcome`."""
    return {
        "status": status,
        "reason": reason,
        "why": why or status,
        "steps": steps or [],
        "checks": checks or [],
        "checks_recovered": recovered,
        "unchanged": unchanged,
        "finished_at": rfc3339(shop.clock.wall()),
    }


def finish(
    shop: Shop, act: int, remedy_id: str, answer: dict[str, Any], tell: Tell, *, began: bool = True
) -> None:
    """Make an outcome durable, then say it."""
    shop.journal.finish(
        act, kind="outcome", status=answer["status"], body=answer, now=shop.clock.now(), began=began
    )
    shop.record("outcome", remedy=remedy_id, status=answer["status"], reason=answer["reason"])
    tell("outcome", answer)


def refuse(shop: Shop, act: int, task: Task, denied: Denied, tell: Tell) -> None:
    shop.journal.finish(
        act, kind="refused", status="refused", body=denied.body(), now=shop.clock.now(), began=False
    )
    shop.record("refused", remedy=task.remedy_id, action=task.action, service=task.service, code=denied.code)
    tell("refused", denied.body())
