"""From a task to its answer: plan it, or carry it out. From serve; through decide, journal, run and verify.

The order in `_act` is the safety of the whole product: intent on disk, kill switch, act, how it
ended on disk, look, judge, outcome on disk. Whoever changes it changes what a crash can do.
"""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import Any

from sra_agent.crash import crashpoint

from .answer import Tell, finish, outcome, refuse, told
from .decide import Allowed, decide, obstacles, permitted
from .plan import LIFETIME, Plan, body, changed, make_plan
from .policy_file import Loaded, stopped
from .run import Ran, Step
from .shop import Shop
from .task import Denied, Task
from .verify import Glance, comparison, glance, judge, watch


async def plan(shop: Shop, task: Task) -> dict[str, Any]:
    """Return the plan of a task as it goes over the wire; raise OutOfPolicy with the reason of a refusal."""
    loaded = shop.load()
    verdict: Allowed | Denied | Plan = permitted(loaded.policy, loaded.problem, task.action, task.service)
    if isinstance(verdict, Allowed):
        verdict = await make_plan(
            loaded.policy, verdict.rule, task, runner=shop.runner, host=shop.host, boot_id=shop.clock.boot_id
        )
    if isinstance(verdict, Denied):
        shop.record(
            "refused", remedy=task.remedy_id, action=task.action, service=task.service, code=verdict.code
        )
        raise verdict.error()
    now = shop.circumstances(busy=shop.running)
    answer = body(verdict, loaded.policy, task, obstacles(loaded.policy, verdict.rule, now), shop.clock)
    shop.journal.keep_plan(
        task, verdict.digest, shop.clock.boot_id, shop.clock.now(), LIFETIME, verdict.binding
    )
    shop.record(
        "planned", remedy=task.remedy_id, action=task.action, service=task.service, digest=verdict.digest
    )
    return answer


async def execute(shop: Shop, act: int, task: Task, tell: Tell, *, busy: str | None) -> None:
    """Carry out an accepted task. Ends with exactly one durable answer, `refused` or `outcome`."""
    crashpoint("executor.accepted")
    loaded = shop.load()
    live = loaded.policy.mode == "live" and task.dry_run is False
    try:
        verdict = await _approved(shop, task, loaded, live=live, busy=busy)
        if isinstance(verdict, Denied):
            refuse(shop, act, task, verdict, tell)
        elif not live:
            await _simulate(shop, act, task, verdict, loaded, tell)
        else:
            await _act(shop, act, task, verdict, loaded, tell)
    except Exception as problem:  # noqa: BLE001  no act may be left without an answer
        # what cannot be written down is not begun; what was begun is told as not known
        phase = next((one.phase for one in shop.journal.open_acts() if one.act == act), "done")
        if phase == "accepted":
            refuse(
                shop,
                act,
                task,
                Denied(
                    code="host_error",
                    reason=f"the executor met an error; nothing was run: {problem}",
                    hint="look at the executor's log and at the disk of its state directory",
                ),
                tell,
            )
        elif phase != "done":
            finish(
                shop,
                act,
                task.remedy_id,
                outcome(shop, "unknown", f"the executor met an error: {problem}"),
                tell,
            )


async def _approved(shop: Shop, task: Task, loaded: Loaded, *, live: bool, busy: str | None) -> Plan | Denied:
    """Judge again, plan again, and compare with what was approved."""
    if live:
        verdict = decide(
            loaded.policy, loaded.problem, task.action, task.service, shop.circumstances(busy=busy)
        )
    else:
        verdict = permitted(loaded.policy, loaded.problem, task.action, task.service)
    if isinstance(verdict, Denied):
        return verdict
    kept = shop.journal.plan(task.remedy_id, task.digest or "")
    if kept is None:
        return Denied(
            code="plan_unknown",
            reason="this host has made no plan of that digest for this remedy",
            hint="ask for a plan and approve that",
        )
    if kept.used:
        return Denied(
            code="plan_used",
            reason="this remedy was carried out before; an approval is used once",
            hint="propose it anew",
        )
    if kept.boot_id != shop.clock.boot_id or shop.clock.now() >= kept.expires:
        return Denied(
            code="plan_expired",
            reason=f"the plan is older than {LIFETIME / 60:g} minutes or than this boot",
            hint="ask for a plan and approve that",
        )
    made = await make_plan(
        loaded.policy, verdict.rule, task, runner=shop.runner, host=shop.host, boot_id=shop.clock.boot_id
    )
    if isinstance(made, Plan) and made.digest != task.digest:
        return Denied(
            code="plan_changed",
            reason="what would run is no longer what was approved; changed: "
            + ", ".join(changed(kept.binding, made.binding)),
            hint="ask for a plan and approve that",
        )
    return made


async def _simulate(shop: Shop, act: int, task: Task, made: Plan, loaded: Loaded, tell: Tell) -> None:
    before = await glance(made.rule, shop.runner)
    why = (
        "the server's dry-run switch is on"
        if loaded.policy.mode == "live"
        else "this host's policy is dry-run"
    )
    against = next(obstacles(loaded.policy, made.rule, shop.circumstances(busy=None)), None)
    reason = f"nothing was run: {why}" + (
        f"; a real run would be refused now: {against.reason}" if against else ""
    )
    steps = [
        {
            "text": f"would {step.text}",
            "argv": list(step.argv),
            "exit_code": None,
            "seconds": 0.0,
            "output": "",
        }
        for step in made.steps
    ]
    finish(
        shop,
        act,
        task.remedy_id,
        outcome(shop, "simulated", reason, steps, comparison(before, ())),
        tell,
        began=False,
    )


async def _act(shop: Shop, act: int, task: Task, made: Plan, loaded: Loaded, tell: Tell) -> None:
    before = await glance(made.rule, shop.runner)
    detail = {
        "rule": asdict(made.rule),
        "verify": asdict(loaded.policy.verify),
        "before": asdict(before),
        "steps_planned": [asdict(step) for step in made.steps],
        "digest": made.digest,
    }
    shop.journal.intend(act, task, target=made.rule.key, now=shop.clock.now(), detail=detail)
    shop.record(
        "intent",
        remedy=task.remedy_id,
        digest=made.digest,
        service=task.service,
        argv=[list(step.argv) for step in made.steps],
    )
    crashpoint("executor.intent")
    if stopped(shop.policy_path):
        refuse(
            shop,
            act,
            task,
            Denied(
                code="stopped",
                reason="the kill switch was set before the act began; nothing was run",
                hint="remove the file STOP",
            ),
            tell,
        )
        return
    tell("started", {"argv": [list(step.argv) for step in made.steps]})
    ran = await _run(shop, act, made.steps)
    steps = told(made.steps, ran)
    shop.journal.acted(act, steps)
    crashpoint("executor.acted")
    passes: tuple[Glance, ...] = ()
    if ran[-1].ok and before.readings:
        tell("verifying", {"window_s": loaded.policy.verify.window})
        passes = await watch(
            loaded.policy.verify,
            before,
            lambda: glance(made.rule, shop.runner),
            now=shop.clock.now,
            sleep=asyncio.sleep,
        )
    elif not ran[-1].ok:
        passes = (await glance(made.rule, shop.runner),)
    judged = judge(ran, before, passes)
    crashpoint("executor.verified")
    finish(
        shop,
        act,
        task.remedy_id,
        outcome(
            shop,
            judged.status,
            judged.reason,
            steps,
            comparison(before, passes),
            recovered=judged.checks_recovered,
            unchanged=judged.unchanged,
            why=judged.why.name.lower(),
        ),
        tell,
    )


async def _run(shop: Shop, act: int, steps: tuple[Step, ...]) -> list[Ran]:
    """Run the steps in order, up to the first that does not end well."""

    def started(pid: int, began: int) -> None:
        shop.journal.spawned(act, pid, began)
        crashpoint("executor.spawned")

    ran: list[Ran] = []
    for step in steps:
        ran.append(await shop.runner.run(step.argv, step.timeout, started=started))
        if not ran[-1].ok:
            break
    return ran
