"""kill -9 of the executor before, during and after the act: never run twice, never a success unknown."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sra_agent.heal.audit import verify
from tests.acceptance.executor_host import Host, eventually
from tests.ports import free_port


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    made = Host(tmp_path, free_port())
    made.restarts_by(made.serves())
    made.write_policy()
    yield made
    made.close()


#: where it dies → how often the program ran by the end, what the next life says
POINTS = {
    "executor.accepted": (0, "refused", "interrupted"),
    "executor.intent": (0, "unknown", "interrupted"),
    "executor.spawned": (1, "unknown", "interrupted"),
    "executor.acted": (1, "succeeded", "verified"),
    "executor.verified": (1, "succeeded", "verified"),
}


@pytest.mark.parametrize("point", POINTS)
def test_killed_at_a_point(host: Host, point: str):
    runs, status, why = POINTS[point]
    executor = host.start(crash_at=point)
    task = host.approve(executor)
    assert executor.process.wait(30) == -9
    executor = host.start()
    found = (
        executor.event("outcome", "refused")
        if not (kept := executor.ask("pending")["ok"]["answers"])
        else kept[0]
    )
    assert (found["task_id"], found["token"]) == (task["id"], task["token"])
    body = found["body"]
    assert (body.get("status", "refused"), body.get("why", body.get("code"))) == (status, why), body
    assert host.runs == runs
    if status == "unknown":
        assert body["checks_recovered"] is None and body["steps"][0]["exit_code"] is None
    # the same task again, and the same approval under another token: nothing runs
    executor.ask("execute", task=task)
    executor.event("outcome", "refused")
    if runs or status == "unknown":
        executor.ask("execute", task=host.task(kind="execute", digest=task["digest"]))
        assert executor.event("refused")["body"]["code"] == "plan_used"
    assert host.runs == runs
    # a third life finds nothing open and still has the answer
    executor.kill()
    executor = host.start()
    assert found["body"] in [one["body"] for one in executor.ask("pending")["ok"]["answers"]]
    assert host.runs == runs
    executor.end()
    assert verify(str(host.state / "audit.jsonl")) == []


def test_killed_while_the_step_runs(host: Host):
    """The step outlives its executor; the next life waits for it and does not call it a success."""
    host.restarts_by(f"sleep 2; {host.serves()}")
    executor = host.start()
    host.approve(executor)
    executor.event("started")
    assert eventually(lambda: host.runs == 1)
    executor.kill()
    executor = host.start()
    assert executor.ask("ping")["ok"]["busy"]
    digest = executor.ask("plan", task=host.task(remedy_id="r2"))["ok"]["digest"]
    executor.ask("execute", task=host.task(kind="execute", digest=digest, remedy_id="r2"))
    assert executor.event("refused")["body"]["code"] == "busy"
    body = executor.event("outcome")["body"]
    assert body["status"] == "unknown" and "not known" in body["reason"] and host.runs == 1


def test_killed_during_verification_of_a_repair_that_did_not_help(host: Host):
    host.restarts_by("true")
    executor = host.start()
    host.approve(executor)
    executor.event("verifying")
    executor.kill()
    executor = host.start()
    kept = executor.ask("pending")["ok"]["answers"]
    body = (kept[0] if kept else executor.event("outcome"))["body"]
    assert (body["status"], body["checks_recovered"]) == ("failed", False) and host.runs == 1


def test_killed_at_random_moments(host: Host):
    """Whatever the moment: at most one run a task, and no success without a run that ended."""
    host.restarts_by(f"sleep 0.1; echo end >> {host.counter}")
    host.write_policy(
        limits='[limits]\ncooldown = "0s"\nper_hour = 1000\nfailures = 100\n[verify]\nwindow = "100ms"\n'
        'settle = "100ms"\n'
    )
    chance = random.Random(7)
    for number in range(6):
        before = host.runs
        executor = host.start()
        host.approve(executor, remedy_id=f"r{number}")
        time.sleep(chance.random() * 0.4)
        executor.kill()
        executor = host.start()
        assert eventually(lambda executor=executor: executor.ask("ping")["ok"]["busy"] is None, 20)
        answers = executor.ask("pending")["ok"]["answers"]
        assert len(answers) == 1 and host.runs - before <= 1
        body = answers[0]["body"]
        assert body.get("status", "refused") in ("failed", "unknown", "refused"), body
        if host.runs == before:
            assert body.get("status", "refused") in ("unknown", "refused")
        executor.ask("ack", task_id=answers[0]["task_id"], kind=answers[0]["kind"])
        executor.end()
