"""The decision: rules, kill switch, limits; pure, so each case is a row."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sra_agent.heal.decide import Allowed, Circumstances, Past, decide, obstacles, permitted
from sra_agent.heal.policy import Limits, Policy, Rule
from sra_agent.heal.task import Denied

RULE = Rule(action="restart_service", service="web", platform="systemd", unit="web.service")
OTHER = Rule(action="restart_service", service="db", platform="systemd", unit="db.service")
POLICY = Policy(mode="live", rules=(RULE, OTHER, Rule(action="clear_disk", service="web", platform="")))
NOW = Circumstances(boot_id="b", now=10_000.0)


def past(age: float, status: str | None = "succeeded", rule: Rule = RULE, boot: str = "b") -> Past:
    return Past(target=rule.key, boot_id=boot, started=NOW.now - age, ended=NOW.now - age + 1, status=status)


def code(
    *acts: Past,
    policy: Policy = POLICY,
    action: str = "restart_service",
    service: str = "web",
    problem: str | None = None,
    **now: object,
) -> str:
    verdict = decide(policy, problem, action, service, replace(NOW, acts=acts, **now))  # type: ignore[arg-type]
    return verdict.code if isinstance(verdict, Denied) else "allowed"


def test_rules():
    assert code() == "allowed"
    assert code(service="shop") == "out_of_policy"
    assert code(service="WEB") == "out_of_policy"
    assert code(service="web.service") == "out_of_policy"
    assert code(action="reboot") == "unknown_action"
    assert code(action="scale_replicas") == "no_target"
    assert code(action="clear_disk") == "unsupported"
    assert code(problem="policy_owner: not yours") == "policy_owner"
    assert code(policy=Policy()) == "out_of_policy"


def test_what_is_said_for_actions_without_target():
    verdict = permitted(POLICY, None, "scale_replicas", "web")
    assert (
        isinstance(verdict, Denied)
        and verdict.reason == "no target for scale_replicas is configured on this host"
    )
    verdict = permitted(POLICY, None, "clear_disk", "web")
    assert isinstance(verdict, Denied) and "unsupported in this version" in verdict.reason


def test_kill_switch_and_one_at_a_time():
    assert code(stopped=True) == "stopped"
    assert code(running="restart_service on db") == "busy"


@pytest.mark.parametrize(
    ("acts", "expected"),
    [
        ([past(599)], "cooldown"),
        ([past(601)], "allowed"),
        ([past(5, rule=OTHER)], "allowed"),
        ([past(5, status=None)], "cooldown"),
        ([past(700, "failed")], "allowed"),
        ([past(1400, "failed"), past(700, "unknown")], "circuit_open"),
        ([past(1400, "failed"), past(1000, "succeeded"), past(700, "failed")], "allowed"),
        ([past(1400, "failed"), past(1000, "no_change"), past(700, "failed")], "circuit_open"),
        ([past(9000, "failed"), past(3700, "failed")], "allowed"),
        ([past(1400, "failed", OTHER), past(700, "failed", OTHER)], "allowed"),
        ([past(700 + n * 100, rule=OTHER) for n in range(6)], "hourly_limit"),
        ([past(700 + n * 100, rule=OTHER) for n in range(5)] + [past(3601)], "allowed"),
    ],
)
def test_limits(acts: list[Past], expected: str):
    assert code(*acts) == expected


def test_an_earlier_boot_counts_as_long_as_this_one_is_young():
    """The clock began anew: what is known is only that it was before this boot."""
    young = Circumstances(boot_id="b", now=60.0, acts=(Past(target=RULE.key, boot_id="a", started=99_999.0),))
    assert isinstance(decide(POLICY, None, "restart_service", "web", young), Denied)
    assert isinstance(decide(POLICY, None, "restart_service", "web", replace(young, now=601.0)), Allowed)


def test_limits_are_the_policys():
    acts = (past(5, "failed"), past(3, "failed"))
    assert code(*acts, policy=replace(POLICY, limits=Limits(cooldown=0, per_hour=9, failures=3))) == "allowed"
    assert code(policy=replace(POLICY, limits=Limits(per_hour=0))) == "hourly_limit"


def test_all_obstacles_are_named_with_a_way_out():
    acts = (past(5, "failed"), past(3, "failed"))
    found = list(obstacles(POLICY, RULE, replace(NOW, acts=acts, stopped=True, running="x")))
    assert [denied.code for denied in found] == ["stopped", "busy", "circuit_open", "cooldown"]
    assert all(denied.hint for denied in found)
