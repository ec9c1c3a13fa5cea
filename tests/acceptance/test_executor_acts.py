"""The executor as a real process: what it does, what it refuses, and with which code."""

from __future__ import annotations

import os
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sra_agent.heal.audit import verify
from sra_sdk.models import Announcement, OutcomeOut, PlanOut
from tests.acceptance.executor_host import ENVIRONMENT, Attached, Host, eventually
from tests.ports import free_port


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    made = Host(tmp_path, free_port())
    made.restarts_by(made.serves())
    made.write_policy()
    yield made
    made.close()


def test_a_dead_service_is_restarted_and_that_is_verified(host: Host):
    executor = host.start()
    plan = PlanOut.model_validate(executor.ask("plan", task=host.task())["ok"])
    assert plan.mode == "live" and plan.steps[0].argv == [str(host.script)] and host.runs == 0
    task = host.approve(executor)
    assert executor.event("started")["token"] == task["token"]
    executor.event("verifying")
    outcome = executor.event("outcome")
    body = outcome["body"]
    OutcomeOut.model_validate(
        {key: body[key] for key in ("status", "reason", "steps", "checks", "finished_at")}
    )
    assert (body["status"], body["checks_recovered"], body["unchanged"]) == ("succeeded", True, True)
    assert body["steps"][0]["exit_code"] == 0 and host.runs == 1
    assert [(row["before"], row["after"]) for row in body["checks"]] == [(False, [True] * 3)] * 2
    # a repeated task starts nothing; its answer is told again, and waits until acknowledged
    assert executor.ask("execute", task=task)["ok"] == {"accepted": True, "repeated": True}
    assert executor.event("outcome")["body"] == body and host.runs == 1
    assert [one["body"] for one in executor.ask("pending")["ok"]["answers"]] == [body]
    assert executor.ask("ack", task_id=task["id"], kind="outcome")["ok"] == {"acknowledged": 1}
    assert executor.ask("pending")["ok"]["answers"] == []
    # the approval is used up, whatever token comes with it
    executor.ask("execute", task=host.task(kind="execute", digest=plan.digest))
    assert executor.event("refused", "outcome")["body"]["code"] == "plan_used" and host.runs == 1
    head = executor.ask("inventory")["ok"]["audit_head"]
    assert executor.end() == 0
    assert verify(str(host.state / "audit.jsonl"), head) == []


@pytest.mark.parametrize(("script", "why"), [("exit 3", "step_failed"), ("true", "check_fails")])
def test_what_did_not_help_is_no_success(host: Host, script: str, why: str):
    host.restarts_by(script)
    executor = host.start()
    host.approve(executor)
    body = executor.event("outcome")["body"]
    assert (body["status"], body["why"], body["checks_recovered"]) == ("failed", why, False), body
    assert host.runs == 1


def test_a_service_that_dies_again_within_the_window_has_not_recovered(host: Host):
    host.restarts_by(f"{host.serves()}; (sleep 1.5; kill -9 $(cat {host.pidfile})) >/dev/null 2>&1 &")
    host.write_policy(limits='[verify]\nwindow = "3s"\n')
    executor = host.start()
    host.approve(executor)
    body = executor.event("outcome")["body"]
    assert (body["status"], body["checks_recovered"]) == ("failed", False), body
    assert body["checks"][0]["after"][0] is True and body["checks"][0]["after"][-1] is False


def test_a_restart_that_changes_no_process_is_said(host: Host):
    subprocess.run([host.script], check=True, timeout=20)
    assert eventually(lambda: _answers(host.port))
    host.restarts_by("true")
    executor = host.start()
    host.approve(executor)
    assert executor.event("outcome")["body"]["status"] == "no_change"


def test_a_program_that_anybody_may_write_is_not_run(host: Host):
    host.script.chmod(0o777)
    error = host.start().ask("plan", task=host.task())["error"]
    assert error["code"] == "precondition_failed" and "changed by others" in error["message"], error
    assert host.runs == 0


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.parametrize(
    ("mode", "dry_run"), [("dry-run", False), ("live", True), ("live", None), ("live", "false")]
)
def test_live_needs_both_words(host: Host, mode: str, dry_run: object):
    host.write_policy(mode=mode)
    executor = host.start()
    host.approve(executor, dry_run=dry_run)
    body = executor.event("outcome")["body"]
    assert body["status"] == "simulated" and body["steps"][0]["argv"] == [str(host.script)] and host.runs == 0


REFUSALS = {
    "a target that the policy does not allow": ({"service": "db"}, "out_of_policy"),
    "an option for a name": ({"service": "--help"}, "out_of_policy"),
    "a command for a name": ({"service": "web; reboot"}, "out_of_policy"),
    "a path for a name": ({"service": "../web"}, "out_of_policy"),
    "an unknown action": ({"action": "run_shell"}, "unknown_action"),
    "no target": ({"action": "scale_replicas"}, "no_target"),
    "an action of a later version": ({"action": "flush_cache"}, "unsupported"),
    "no service": ({"service": ""}, "bad_request"),
    "a number for a name": ({"service": 7}, "bad_request"),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_what_is_refused_and_its_code(host: Host, name: str):
    more, code = REFUSALS[name]
    host.write_policy(more='[[allow]]\naction = "flush_cache"\nservice = "web"\n')
    executor = host.start()
    error = executor.ask("plan", task=host.task(**more))["error"]
    assert error["code"] == code and error["message"]
    reply = executor.ask("execute", task=host.task(kind="execute", digest="0" * 64, **more))
    refused = reply.get("error") or executor.event("refused")["body"]
    assert refused["code"] == code and host.runs == 0


POLICY_PROBLEMS = {
    "writable by others": (lambda host: host.policy.chmod(0o666), "policy_writable_by_others"),
    "folder writable by others": (lambda host: host.folder.chmod(0o777), "policy_writable_by_others"),
    "a mistake": (lambda host: host.policy.write_text("mode = 3"), "policy_invalid"),
    "missing": (lambda host: host.policy.unlink(), "policy_missing"),
    "a link": (
        lambda host: (host.policy.rename(host.folder / "p"), host.policy.symlink_to(host.folder / "p")),
        "policy_symlink",
    ),
}


@pytest.mark.parametrize("name", POLICY_PROBLEMS)
def test_a_policy_not_to_be_believed_allows_nothing_from_then_on(host: Host, name: str):
    change, code = POLICY_PROBLEMS[name]
    executor = host.start()
    digest = executor.ask("plan", task=host.task())["ok"]["digest"]
    change(host)
    executor.ask("execute", task=host.task(kind="execute", digest=digest))
    refused = executor.event("refused")["body"]
    assert refused["code"] == code and refused["reason"] and refused["hint"] and host.runs == 0
    inventory = executor.ask("inventory")["ok"]
    assert inventory["policy_problem"].startswith(code) and inventory["inventory"] == []
    announced = {key: inventory[key] for key in ("policy_hash", "policy_problem", "inventory")}
    Announcement.model_validate({"host": "h", "agent_version": "1", "boot_id": "b", **announced})


CHANGES = {
    "policy": lambda host: host.write_policy(limits='[verify]\nwindow = "1s"\n'),
    "program": lambda host: host.restarts_by("true"),
    "check": lambda host: host.write_policy(check='{ tcp = "127.0.0.1:1" }'),
}


@pytest.mark.parametrize("name", CHANGES)
def test_what_changed_since_the_plan_is_refused(host: Host, name: str):
    executor = host.start()
    digest = executor.ask("plan", task=host.task())["ok"]["digest"]
    CHANGES[name](host)
    executor.ask("execute", task=host.task(kind="execute", digest=digest))
    refused = executor.event("refused")["body"]
    assert refused["code"] == "plan_changed" and host.runs == 0
    assert "changed: " in refused["reason"]


def test_only_plans_of_this_host_and_remedy_within_their_time(host: Host):
    executor = host.start()
    digest = executor.ask("plan", task=host.task())["ok"]["digest"]
    for more in ({"digest": "f" * 64}, {"digest": None}, {"digest": digest, "remedy_id": "another"}):
        executor.ask("execute", task=host.task(kind="execute", **more))
        assert executor.event("refused")["body"]["code"] == "plan_unknown"
    executor.end()
    database = sqlite3.connect(host.state / "journal.db")
    with database:
        database.execute("UPDATE plans SET expires = expires - 600")
    database.close()
    executor = host.start()
    executor.ask("execute", task=host.task(kind="execute", digest=digest))
    assert executor.event("refused")["body"]["code"] == "plan_expired" and host.runs == 0


def test_limits_survive_a_restart_of_the_executor(host: Host):
    host.write_policy(limits='[limits]\ncooldown = "10m"\n[verify]\nwindow = "200ms"\n')
    executor = host.start()
    host.approve(executor)
    assert executor.event("outcome")["body"]["status"] == "succeeded"
    executor.end()
    executor = host.start()
    plan = executor.ask("plan", task=host.task(remedy_id="r2"))["ok"]
    assert any("not now" in warning for warning in plan["warnings"])
    executor.ask("execute", task=host.task(kind="execute", digest=plan["digest"], remedy_id="r2"))
    assert executor.event("refused")["body"]["code"] == "cooldown" and host.runs == 1


def test_the_circuit_opens_after_two_failures(host: Host):
    host.restarts_by("exit 1")
    executor = host.start()
    for number in range(2):
        host.approve(executor, remedy_id=f"r{number}")
        assert executor.event("outcome")["body"]["status"] == "failed"
    host.approve(executor, remedy_id="r9")
    assert executor.event("refused")["body"]["code"] == "circuit_open" and host.runs == 2


def test_the_kill_switch(host: Host):
    executor = host.start()
    digest = executor.ask("plan", task=host.task())["ok"]["digest"]
    (host.folder / "STOP").touch()
    executor.ask("execute", task=host.task(kind="execute", digest=digest))
    assert executor.event("refused")["body"]["code"] == "stopped" and host.runs == 0
    (host.folder / "STOP").unlink()
    host.approve(executor)
    assert executor.event("outcome")["body"]["status"] == "succeeded" and host.runs == 1


def test_one_action_at_a_time(host: Host):
    host.restarts_by("sleep 1")
    executor = host.start()
    second = executor.ask("plan", task=host.task(remedy_id="r2"))["ok"]["digest"]
    host.approve(executor)
    executor.event("started")
    executor.ask("execute", task=host.task(kind="execute", digest=second, remedy_id="r2"))
    assert executor.event("refused")["body"]["code"] == "busy"
    executor.event("outcome")
    assert host.runs == 1


def test_an_act_is_never_abandoned_when_the_agent_is_gone(host: Host):
    host.restarts_by(f"sleep 1; {host.serves()}")
    executor = host.start()
    host.approve(executor)
    executor.event("started")
    executor.hang_up()
    assert executor.process.wait(30) == 0
    executor = host.start()
    (answer,) = executor.ask("pending")["ok"]["answers"]
    assert answer["body"]["status"] == "succeeded" and host.runs == 1


def test_bad_requests_get_an_answer_and_do_no_harm(host: Host):
    executor = host.start()
    for line in ("not json", "[]", '"x"', "{}", '{"op": "format"}', '{"op": "ack"}', "[" * 5000):
        executor.file.write(line + "\n")
        executor.file.flush()
        reply = executor._message()
        assert reply["error"]["code"] == "bad_request" and reply["error"]["message"], line
    assert executor.ask("ping")["ok"]["busy"] is None


def test_one_executor_a_state_directory(host: Host):
    executor = host.start()
    executor.ask("ping")
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "sra_agent.executor",
            "--socket",
            str(host.folder / "s"),
            "--policy",
            str(host.policy),
            "--state-dir",
            str(host.state),
            "--lock-wait",
            "0.1",
        ],
        capture_output=True,
        text=True,
        env=ENVIRONMENT,
        cwd="/",
        timeout=30,
    )
    assert done.returncode == 75 and "another executor" in done.stderr


def test_a_state_directory_that_others_may_write_is_refused(host: Host):
    host.state.mkdir()
    host.state.chmod(0o777)
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "sra_agent.executor",
            "--socket",
            str(host.folder / "s"),
            "--state-dir",
            str(host.state),
        ],
        capture_output=True,
        text=True,
        env=ENVIRONMENT,
        cwd="/",
        timeout=30,
    )
    assert done.returncode == 2 and "chmod go-w" in done.stderr


def test_on_a_socket_it_serves_its_own_user_alone_and_stays_small(host: Host):
    path = host.folder / "executor.sock"
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "sra_agent.executor",
            "--socket",
            str(path),
            "--policy",
            str(host.policy),
            "--state-dir",
            str(host.state),
        ],
        env=ENVIRONMENT,
        cwd="/",
    )
    try:
        assert eventually(lambda: path.exists() and path.stat().st_mode & 0o777 == 0o600)
        first, second = Attached(path), Attached(path)
        assert first.ask("inventory")["ok"]["inventory"] == [
            {"service": "web", "action": "restart_service", "platform": "command", "mode": "live"}
        ]
        # an act is told to every listener
        host.approve(first)
        assert first.event("outcome")["body"] == second.event("outcome")["body"]
        first.end()
        second.end()
        if os.geteuid() == 0:
            assert _as_nobody(path) == "refused"
        status = Path(f"/proc/{process.pid}/status").read_text()
        assert int(status.split("VmRSS:")[1].split()[0]) <= 35 * 1024
    finally:
        process.terminate()
        assert process.wait(20) == 0
    assert not path.exists()


def _as_nobody(path: Path) -> str:
    """Connect as another user, with the way to the socket open."""
    for folder in (path.parent, *path.parent.parents[:2]):
        if folder.stat().st_uid == 0 and folder != Path("/tmp"):
            folder.chmod(folder.stat().st_mode | 0o055)
    path.chmod(0o666)
    code = (
        "import os, socket, sys\nos.setuid(65534)\ns = socket.socket(socket.AF_UNIX)\ns.settimeout(10)\n"
        'try:\n    s.connect(sys.argv[1])\n    s.sendall(b\'{"op":"ping"}\\n\')\n'
        "    print('served' if s.recv(100) else 'refused')\nexcept OSError:\n    print('refused')\n"
    )
    done = subprocess.run(
        ["/usr/bin/env", sys.executable, "-c", code, str(path)], capture_output=True, text=True, timeout=30
    )
    return done.stdout.strip() or done.stderr


def test_the_kill_switch_set_at_the_last_moment(host: Host):
    """Set after the decision, while the state before the act is looked at: still nothing runs."""
    setter = host.folder / "check"
    setter.write_text(f"#!/bin/sh\ntouch {host.folder}/STOP\nexit 1\n")
    setter.chmod(0o755)
    host.write_policy(check=f'{{ argv = ["{setter}"] }}')
    executor = host.start()
    host.approve(executor)
    assert executor.event("refused", "outcome")["body"]["code"] == "stopped" and host.runs == 0
