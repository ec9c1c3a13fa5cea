"""Compute what exactly would run: this is the dry-run, and what people approve. From serve and conduct.

The digest covers the binding and nothing else: the same state of policy and host gives the same
digest, whatever time it is and whatever the estimates say.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from .actions import STEPS
from .actions.restart_service import NOTE
from .clock import Clock, rfc3339
from .platforms import Seen, platform
from .policy import Policy, Rule, digest
from .run import Runner, Step
from .task import Denied, Task

#: How long a plan may be approved and executed.
LIFETIME = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What would run, and the state that it was computed from."""

    rule: Rule
    seen: Seen
    steps: tuple[Step, ...]
    binding: dict[str, Any]

    @property
    def digest(self) -> str:
        """Return what an approval names."""
        return digest(self.binding)

    @property
    def checks(self) -> list[str]:
        """Return in words what will be looked at before and after."""
        words = [self.seen.alive_text] if self.seen.alive is not None else []
        return words + ([self.rule.check.text] if self.rule.check else [])


async def make_plan(
    policy: Policy, rule: Rule, task: Task, *, runner: Runner, host: str, boot_id: str
) -> Plan | Denied:
    """Look at the target and bind steps to it; Denied when a precondition does not hold."""
    seen = await platform(rule.platform).look(rule, runner)
    for predicate in seen.preconditions:
        if not predicate.holds:
            return Denied(
                code="precondition_failed",
                reason=predicate.otherwise or f"not so: {predicate.text}",
                hint=f"look at {rule.target} on the host",
            )
    steps = STEPS[rule.action](rule, seen)
    return Plan(
        rule=rule,
        seen=seen,
        steps=steps,
        binding=bind(policy, rule, task, seen, steps, host=host, boot_id=boot_id),
    )


def bind(
    policy: Policy, rule: Rule, task: Task, seen: Seen, steps: Iterable[Step], *, host: str, boot_id: str
) -> dict[str, Any]:
    """Return all that an approval covers. Pure."""
    return {
        "account": task.account_id,
        "host": host,
        "boot_id": boot_id,
        "action": rule.action,
        "service": rule.service,
        "platform": rule.platform,
        "target": rule.target,
        "resolved": dict(seen.facts),
        "steps": [{"argv": list(step.argv), "timeout_s": step.timeout} for step in steps],
        "check": asdict(rule.check) if rule.check else None,
        "verify": asdict(policy.verify),
        "policy": policy.hash,
        "preconditions": [predicate.text for predicate in seen.preconditions],
    }


def changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Name the parts of two bindings that differ. Pure."""
    return sorted(key for key in {*before, *after} if before.get(key) != after.get(key))


def body(plan: Plan, policy: Policy, task: Task, obstacles: Iterable[Denied], clock: Clock) -> dict[str, Any]:
    """Return the plan as it goes over the wire (PlanOut)."""
    wall = clock.wall()
    warnings = [NOTE, *plan.seen.warnings]
    warnings += [
        f"not now: {obstacle.reason}" + (f" ({obstacle.hint})" if obstacle.hint else "")
        for obstacle in obstacles
    ]
    if not plan.checks:
        warnings.append("the policy names no check: the outcome could not be verified and would be unknown")
    if task.parameters:
        warnings.append("parameters are not used by this action: " + ", ".join(map(ascii, task.parameters)))
    return {
        "digest": plan.digest,
        "mode": policy.mode,
        "platform": plan.rule.platform,
        "target": plan.rule.target,
        "steps": [
            {"text": step.text, "argv": list(step.argv), "timeout_s": step.timeout} for step in plan.steps
        ],
        "checks": plan.checks,
        "estimates": plan.seen.estimates,
        "binding": plan.binding,
        "warnings": warnings,
        "planned_at": rfc3339(wall),
        "expires_at": rfc3339(wall + LIFETIME),
    }
