"""May this be done, here and now? Pure. From policy and journal; to plan and conduct."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from .policy import ACTIONS, SUPPORTED, Policy, Rule
from .task import Denied

_BAD = ("failed", "unknown")


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """An act that was begun on this host, with the clock of the boot in which it was."""

    target: str
    boot_id: str
    started: float
    ended: float | None = None
    status: str | None = None

    def age(self, boot_id: str, now: float) -> float:
        """Return the seconds since it began; of an earlier boot at least the time since this boot."""
        return max(0.0, now - self.started) if self.boot_id == boot_id else now

    def quiet(self, boot_id: str, now: float) -> float:
        """Return the seconds since it ended."""
        ended = self.started if self.ended is None else self.ended
        return max(0.0, now - ended) if self.boot_id == boot_id else now


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What the decision depends on beside the policy. `acts` oldest first; `now` in seconds since boot."""

    boot_id: str
    now: float
    acts: tuple[Past, ...] = ()
    running: str | None = None
    stopped: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowed:
    """The rule under which it may be done."""

    rule: Rule


def permitted(policy: Policy, problem: str | None, action: str, service: str) -> Allowed | Denied:
    """Judge by the rules alone: is this action on exactly this service allowed at all?"""
    if action not in ACTIONS:
        return Denied(
            code="unknown_action",
            reason=f"{action[:64]!a} is no action of this host's catalogue",
            hint="use one of " + ", ".join(ACTIONS),
        )
    if problem is not None:
        code, _, reason = problem.partition(": ")
        return Denied(code=code, reason=reason, hint="see `sra agent policy check` on this host")
    named = [rule for rule in policy.rules if rule.action == action]
    if action not in SUPPORTED:
        if named:
            return Denied(
                code="unsupported",
                reason=f"{action} is unsupported in this version",
                hint="its tables in the policy allow nothing yet",
            )
        return Denied(
            code="no_target",
            reason=f"no target for {action} is configured on this host",
            hint="this version can do " + ", ".join(sorted(SUPPORTED)),
        )
    rule = policy.rule(action, service)
    if rule is None:
        return Denied(
            code="out_of_policy",
            reason=f"this host's policy does not allow {action} on {service!a}",
            hint="its owner may add an [[allow]] table to the policy file on the host",
        )
    return Allowed(rule=rule)


def decide(
    policy: Policy, problem: str | None, action: str, service: str, now: Circumstances
) -> Allowed | Denied:
    """Judge by rules, kill switch and limits; the first obstacle is the answer."""
    verdict = permitted(policy, problem, action, service)
    if isinstance(verdict, Denied):
        return verdict
    return next(obstacles(policy, verdict.rule, now), verdict)


def obstacles(policy: Policy, rule: Rule, now: Circumstances) -> Iterator[Denied]:
    """Yield everything that forbids the act just now, the gravest first."""
    if now.stopped:
        yield Denied(
            code="stopped",
            reason="the kill switch is on: a file STOP lies beside the policy",
            hint="remove the file on the host when acting is wanted again",
        )
    if now.running is not None:
        yield Denied(
            code="busy",
            reason=f"this host is busy with {now.running}; it does one action at a time",
            hint="ask again when that is done",
        )
    here = [act for act in now.acts if act.target == rule.key]
    yield from _circuit(policy, rule, here, now)
    yield from _cooldown(policy, rule, here, now)
    ages = sorted((act.age(now.boot_id, now.now) for act in now.acts), reverse=True)
    recent = [age for age in ages if age < 3600.0]
    if len(recent) >= policy.limits.per_hour:
        # room is made when enough of the oldest have left the hour
        left = 3600.0 - recent[len(recent) - policy.limits.per_hour] if policy.limits.per_hour else 3600.0
        yield Denied(
            code="hourly_limit",
            reason=f"{len(recent)} actions within the hour; the policy allows {policy.limits.per_hour}",
            hint=f"ask again in {_span(left)}",
        )


def _circuit(policy: Policy, rule: Rule, here: Iterable[Past], now: Circumstances) -> Iterator[Denied]:
    failures, last = 0, None
    for act in here:
        if act.status in _BAD:
            failures, last = failures + 1, act
        elif act.status == "succeeded":
            failures, last = 0, None
    if last is None or failures < policy.limits.failures:
        return
    left = policy.limits.circuit - last.quiet(now.boot_id, now.now)
    if left > 0:
        yield Denied(
            code="circuit_open",
            reason=f"the last {failures} repairs of {rule.target} did not succeed",
            hint=f"look at it by hand; the circuit closes in {_span(left)}",
        )


def _cooldown(policy: Policy, rule: Rule, here: Iterable[Past], now: Circumstances) -> Iterator[Denied]:
    ages = [act.age(now.boot_id, now.now) for act in here]
    left = policy.limits.cooldown - min(ages, default=policy.limits.cooldown)
    if left > 0:
        yield Denied(
            code="cooldown",
            reason=f"{rule.target} was acted upon {_span(min(ages))} ago; the policy "
            f"asks for {_span(policy.limits.cooldown)} between two actions",
            hint=f"ask again in {_span(left)}",
        )


def _span(seconds: float) -> str:
    whole = int(seconds + 0.999)
    if whole < 120:
        return f"{whole} s"
    return f"{(whole + 59) // 60} min"
