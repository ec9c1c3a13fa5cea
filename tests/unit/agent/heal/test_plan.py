"""The plan: same state, same digest; whatever a server asks, only the policy's own argv."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sra_agent.heal.clock import Clock
from sra_agent.heal.decide import Allowed, permitted
from sra_agent.heal.plan import Plan, bind, body, changed, make_plan
from sra_agent.heal.platforms import Seen, platform
from sra_agent.heal.policy import Check, Policy, Rule, digest
from sra_agent.heal.run import Runner
from sra_agent.heal.task import Denied, Task, read_task
from sra_sdk.errors import BadInput
from sra_sdk.models import PlanOut

RULE = Rule(
    action="restart_service",
    service="web",
    platform="command",
    argv=("/bin/true", "a b"),
    check=Check(kind="tcp", host="127.0.0.1", port=1),
)
POLICY = Policy(mode="live", rules=(RULE,))
TASK = Task(id="t", token="k", remedy_id="r", account_id="a", action="restart_service", service="web")


async def plan(tmp_path: Path, policy: Policy = POLICY, task: Task = TASK, boot_id: str = "b") -> Plan:
    made = await make_plan(
        policy, policy.rules[0], task, runner=Runner(str(tmp_path)), host="h", boot_id=boot_id
    )
    assert isinstance(made, Plan)
    return made


async def test_the_same_state_gives_the_same_digest(tmp_path: Path):
    first, second = (
        await plan(tmp_path),
        await plan(tmp_path, task=replace(TASK, id="t2", token="k2", remedy_id="r2")),
    )
    assert first.digest == second.digest and len(first.digest) == 64


@pytest.mark.parametrize("key", ["account", "boot_id", "steps", "check", "verify", "policy"])
async def test_whatever_is_bound_changes_the_digest(tmp_path: Path, key: str):
    before = await plan(tmp_path)
    others = {
        "account": plan(tmp_path, task=replace(TASK, account_id="b")),
        "boot_id": plan(tmp_path, boot_id="c"),
        "steps": plan(tmp_path, policy=replace(POLICY, rules=(replace(RULE, argv=("/bin/true", "a", "b")),))),
        "check": plan(tmp_path, policy=replace(POLICY, rules=(replace(RULE, check=None),))),
        "verify": plan(tmp_path, policy=replace(POLICY, verify=replace(POLICY.verify, window=1.0))),
        "policy": plan(tmp_path, policy=replace(POLICY, mode="dry-run")),
    }
    after = await others.pop(key)
    for other in others.values():
        other.close()
    assert before.digest != after.digest and key in changed(before.binding, after.binding)


async def test_a_changed_program_is_another_plan(tmp_path: Path):
    program = tmp_path / "restart"
    program.write_text("#!/bin/sh\ntrue\n")
    program.chmod(0o755)
    policy = replace(POLICY, rules=(replace(RULE, argv=(str(program),)),))
    before = await plan(tmp_path, policy)
    program.write_text("#!/bin/sh\nfalse\n")
    assert changed(before.binding, (await plan(tmp_path, policy)).binding) == ["resolved"]


def test_estimates_are_not_bound():
    seen = Seen(facts={"program": "/bin/true"}, estimates={"main_pid": 1})
    one = bind(POLICY, RULE, TASK, seen, (), host="h", boot_id="b")
    assert digest(one) == digest(
        bind(
            POLICY,
            RULE,
            TASK,
            replace(seen, estimates={"main_pid": 2}, identity={"p": 2}, alive=True),
            (),
            host="h",
            boot_id="b",
        )
    )


async def test_a_missing_program_is_refused(tmp_path: Path):
    rule = replace(RULE, argv=("/nowhere/restart",))
    made = await make_plan(POLICY, rule, TASK, runner=Runner(str(tmp_path)), host="h", boot_id="b")
    assert (
        isinstance(made, Denied) and made.code == "precondition_failed" and "/nowhere/restart" in made.reason
    )


async def test_the_body_is_what_the_wire_takes(tmp_path: Path):
    task = replace(TASK, parameters=("argv", "unit"))
    sent = body(
        await plan(tmp_path),
        POLICY,
        task,
        [Denied(code="cooldown", reason="too soon", hint="wait")],
        Clock("b"),
    )
    read = PlanOut.model_validate(sent)
    assert read.mode == "live" and read.steps[0].argv == ["/bin/true", "a b"]
    assert (read.expires_at - read.planned_at).total_seconds() == 600
    assert any("too soon (wait)" in warning for warning in read.warnings)
    assert any("parameters are not used" in warning for warning in read.warnings)
    assert read.checks == ["127.0.0.1:1 accepts a connection"]


NAMES = [
    "web; reboot",
    "$(reboot)",
    "`id`",
    "web\nreboot",
    "-x",
    "--help",
    "../web",
    "web.service/../y",
    "wéb",
    "WEB",
    "web ",
    "\x00",
    "web\u202e",
    "*",
    "/bin/true",
    "",
]


@settings(max_examples=400, deadline=None)
@given(
    service=st.sampled_from(NAMES) | st.text(max_size=250),
    action=st.sampled_from(["restart_service", "clear_disk", "restart_service; id", "exec"])
    | st.text(max_size=70),
    parameters=st.dictionaries(
        st.sampled_from(["argv", "unit", "container", "command"]) | st.text(max_size=9),
        st.text(max_size=9) | st.lists(st.text(max_size=9), max_size=2),
        max_size=3,
    ),
    extra=st.dictionaries(st.text(max_size=9), st.text(max_size=9), max_size=2),
)
def test_no_task_makes_another_argv_than_the_policys(
    service: str, action: str, parameters: dict, extra: dict
):
    units = Policy(
        mode="live",
        rules=(
            replace(RULE, service="cmd"),
            Rule(action="restart_service", service="web", platform="systemd", unit="w.service"),
            Rule(action="restart_service", service="box", platform="docker", container="box"),
        ),
    )
    sent = {
        **extra,
        "id": "t",
        "token": "k",
        "remedy_id": "r",
        "account_id": "a",
        "action": action,
        "service": service,
        "parameters": parameters,
        "dry_run": False,
    }
    try:
        task = read_task(sent)
    except BadInput as problem:
        assert problem.code == "bad_request"
        return
    verdict = permitted(units, None, task.action, task.service)
    if isinstance(verdict, Allowed):
        assert (action, service) == ("restart_service", verdict.rule.service)
        seen = Seen(facts={"unit": "w.service", "container_id": "c" * 64, "program": "/bin/true"})
        (step,) = platform(verdict.rule.platform).restart(verdict.rule, seen)
        expected = {"cmd": ("/bin/true", "a b"), "web": ("--", "w.service"), "box": ("restart", "c" * 64)}[
            service
        ]
        assert step.argv[-2:] == expected
    else:
        assert verdict.code in ("out_of_policy", "unknown_action", "no_target", "unsupported")


@pytest.mark.parametrize("value", [None, [], "x", {}, {"id": 1}, {"id": "t" * 65}])
def test_a_task_that_is_none_is_refused(value: object):
    with pytest.raises(BadInput, match="task"):
        read_task(value)


@pytest.mark.parametrize("given", [True, None, 0, "false", "no"])
def test_anything_but_a_plain_false_stays_a_simulation(given: object):
    sent = {"id": "t", "token": "k", "remedy_id": "r", "account_id": "a", "action": "x", "service": "y"}
    assert read_task({**sent, "dry_run": given}).dry_run is True
    assert read_task(sent).dry_run is True
    assert read_task({**sent, "dry_run": False}).dry_run is False
