"""A unit that really failed, in a really booted systemd: planned, restarted and verified by the executor.

systemd runs in a container of systemd-nspawn; the executor runs inside as a unit of its own, and is
spoken to from here over its socket in a shared folder.
"""

from __future__ import annotations

import contextlib
import subprocess
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.executor_host import ROOT, Attached, Host, eventually
from tests.ports import free_port
from tests.services import needs, rootfs

pytestmark = [needs("systemd-nspawn"), pytest.mark.xdist_group("nspawn")]

SHOP = """\
import http.server, os, sys

class Shop(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/die":
            os.abort()
        self.send_response(200)
        self.end_headers()

http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Shop).serve_forever()
"""
UNITS = {
    "shop.service": "[Service]\nExecStart=/usr/bin/python3 /host/shop.py {port}\n",
    "looping.service": "[Service]\nExecStart=/bin/sleep 0.2\nRestart=always\nRestartSec=200ms\n"
    "[Unit]\nStartLimitIntervalSec=0\n",
    "locked.service": "[Unit]\nRefuseManualStart=yes\n[Service]\nExecStart=/bin/sleep 1000\n",
    "sra-executor.service": "[Service]\nEnvironment=PYTHONPATH=/srv/sra/sdk:/srv/sra\n"
    "ExecStart=/usr/bin/python3 -m sra_agent.executor --socket /host/executor.sock "
    "--policy /host/policy.toml --state-dir /host/state\n"
    "[Install]\nWantedBy=multi-user.target\n",
}
POLICY = """\
mode = "live"
[limits]
cooldown = "0s"
per_hour = 100
[verify]
window = "1s"
settle = "5s"
[[allow]]
action = "restart_service"
service = "shop"
platform = "systemd"
unit = "shop.service"
check = {{ http = "http://127.0.0.1:{port}/health" }}
[[allow]]
action = "restart_service"
service = "looping"
platform = "systemd"
unit = "looping.service"
[[allow]]
action = "restart_service"
service = "locked"
platform = "systemd"
unit = "locked.service"
[[allow]]
action = "restart_service"
service = "absent"
platform = "systemd"
unit = "absent.service"
"""


@pytest.fixture(scope="module")
def machine() -> Iterator[Host]:
    """A booted container; its folder /host is ours."""
    with tempfile.TemporaryDirectory(prefix="sra-nspawn-") as name:
        folder = Path(name)
        host = Host(folder, free_port())
        units = folder / "units"
        wants = units / "multi-user.target.wants"
        wants.mkdir(parents=True)
        for unit, text in UNITS.items():
            (units / unit).write_text(text.format(port=host.port))
        for unit in ("sra-executor.service", "shop.service"):
            (wants / unit).symlink_to(f"../{unit}")
        (folder / "shop.py").write_text(SHOP)
        host.policy.write_text(POLICY.format(port=host.port))
        host.policy.chmod(0o600)
        with open(folder / "console", "wb") as console:
            process = subprocess.Popen(
                [
                    "systemd-nspawn",
                    "--quiet",
                    "--directory",
                    rootfs(),
                    "--volatile=overlay",
                    "--register=no",
                    "--keep-unit",
                    f"--machine=sra-{host.port}",
                    "--console=pipe",
                    f"--bind={folder}:/host",
                    f"--bind={units}:/run/systemd/system.control",
                    f"--bind-ro={ROOT}:/srv/sra",
                    "--boot",
                    "systemd.firstboot=no",
                ],
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=console,
            )
        try:
            assert eventually((folder / "executor.sock").exists, 60), (folder / "console").read_text()[-3000:]
            yield host
        finally:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(10)


@pytest.fixture
def executor(machine: Host) -> Iterator[Attached]:
    attached = Attached(machine.folder / "executor.sock")
    yield attached
    attached.end()


def answers(port: int, path: str = "/health") -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            return answer.status == 200
    except (urllib.error.URLError, OSError):
        return False


def test_a_crashed_unit_is_restarted_and_that_is_verified(machine: Host, executor: Attached):
    assert eventually(lambda: answers(machine.port), 20)
    with contextlib.suppress(OSError):
        answers(machine.port, "/die")
    task = machine.task(service="shop", remedy_id="shop-1")
    assert eventually(lambda: "failed" in executor.ask("plan", task=task)["ok"]["estimates"]["state"], 20)
    plan = executor.ask("plan", task=task)["ok"]
    assert plan["steps"] == [
        {
            "text": "restart the unit shop.service",
            "timeout_s": 60.0,
            "argv": ["/usr/bin/systemctl", "--no-ask-password", "restart", "--", "shop.service"],
        }
    ]
    assert plan["estimates"]["last_result"] in ("core-dump", "signal")
    assert not answers(machine.port)
    machine.approve(executor, service="shop", remedy_id="shop-1")
    body = executor.event("outcome")["body"]
    assert (body["status"], body["checks_recovered"], body["unchanged"]) == ("succeeded", True, True), body
    assert [row["before"] for row in body["checks"]] == [False, False]
    assert answers(machine.port)


def test_a_running_unit_becomes_a_new_process(machine: Host, executor: Attached):
    assert eventually(lambda: answers(machine.port), 20)
    before = executor.ask("plan", task=machine.task(service="shop", remedy_id="shop-2"))["ok"]["estimates"]
    machine.approve(executor, service="shop", remedy_id="shop-2")
    body = executor.event("outcome")["body"]
    assert (body["status"], body["checks_recovered"]) == ("succeeded", None), body
    after = executor.ask("plan", task=machine.task(service="shop", remedy_id="shop-3"))["ok"]["estimates"]
    assert before["main_pid"] != after["main_pid"] > 0 and before["dependents"] == []


def test_a_unit_that_crashes_in_a_loop_has_not_recovered(machine: Host, executor: Attached):
    machine.approve(executor, service="looping", remedy_id="looping-1")
    body = executor.event("outcome")["body"]
    assert body["status"] == "failed" and body["why"] in ("check_fails", "process_changed"), body
    assert body["checks_recovered"] is False


@pytest.mark.parametrize(
    ("service", "reason"), [("absent", "not-found"), ("locked", "refuses to be started")]
)
def test_units_that_cannot_be_restarted_are_refused(
    machine: Host, executor: Attached, service: str, reason: str
):
    error = executor.ask("plan", task=machine.task(service=service))["error"]
    assert error["code"] == "precondition_failed" and reason in error["message"]
