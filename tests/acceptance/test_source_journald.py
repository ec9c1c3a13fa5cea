"""The journal of a really booted systemd, told by an agent that runs there as a unit: every line once."""

from __future__ import annotations

import os
import signal
import subprocess
import sysconfig
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.executor_host import ROOT, eventually
from tests.services import needs, rootfs
from tests.unit.agent.recorder import KEY, Recorder

pytestmark = [needs("systemd-nspawn"), pytest.mark.xdist_group("nspawn")]

LINES = 8_000
WRITER = f"""\
import socket, struct, sys, time
journal = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
journal.connect("/run/systemd/journal/socket")
for n in range({LINES}):
    print(f"line seq={{n}}", flush=n % 20 == 19)
    if n % 40 == 39:
        time.sleep(0.02)
    if n % 1000 == 500:
        # not UTF-8, with a line feed and a zero: only the binary form carries it, and JSON as numbers
        text = b"binary \\xff\\xfe \\x00 " + str(n).encode() + b"\\nsecond"
        head = b"PRIORITY=3\\nSYSLOG_IDENTIFIER=native\\nMESSAGE\\n"
        journal.send(head + struct.pack("<Q", len(text)) + text + b"\\n")
sys.stdout.flush()
print("<3>the writer is done", flush=True)
time.sleep(600)
"""
KILL_JOURNALCTL = """\
import os, pathlib, signal
found = [p for p in pathlib.Path("/proc").glob("[0-9]*/comm") if p.read_text().strip() == "journalctl"]
for comm in found:
    os.kill(int(comm.parent.name), signal.SIGKILL)
print(len(found))
"""
UNITS = {
    "shop.service": "[Service]\nExecStart=/usr/bin/python3 /host/writer.py\nLogRateLimitIntervalSec=0\n",
    "sra-agent.service": "[Unit]\nStartLimitIntervalSec=0\n[Service]\n"
    f"Environment=PYTHONPATH=/srv/sra/sdk:/srv/sra:/srv/site SRA_API_KEY={KEY}\n"
    "ExecStart=/usr/bin/python3 -c 'from sra_agent.app import run; from sra_agent.config import AgentConfig; "
    'run(AgentConfig.load("/host/sra.toml"))\'\n'
    "Restart=always\nRestartSec=300ms\n",
}


class Machine:
    """A booted container that shares our network, so that the agent in it reaches the recorder."""

    def __init__(self, folder: Path, recorder: Recorder) -> None:
        self.folder, self.recorder = folder, recorder
        units = folder / "units"
        units.mkdir()
        for unit, text in UNITS.items():
            (units / unit).write_text(text)
        (folder / "writer.py").write_text(WRITER)
        (folder / "sra.toml").write_text(
            f'[agent]\nserver = "{recorder.url}"\nhost = "web-1"\nstate_dir = "/host/state"\n'
            'executor = "off"\nmetrics_seconds = 0\njournald = true\n'
        )
        with open(folder / "console", "wb") as console:
            self._process = subprocess.Popen(
                [
                    "systemd-nspawn",
                    "--quiet",
                    "--directory",
                    rootfs(),
                    "--volatile=overlay",
                    "--register=no",
                    "--keep-unit",
                    f"--machine=sra-journal-{os.getpid()}",
                    "--console=pipe",
                    f"--bind={folder}:/host",
                    f"--bind={units}:/run/systemd/system.control",
                    f"--bind-ro={ROOT}:/srv/sra",
                    f"--bind-ro={sysconfig.get_paths()['purelib']}:/srv/site",
                    "--boot",
                    "systemd.firstboot=no",
                ],
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=console,
            )
        self._leader = 0

    def booted(self) -> bool:
        """Return whether commands can be run inside, and systemd answers."""
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()
        if not children:
            return False
        self._leader = int(children[0])
        return "running" in self.do("systemctl", "is-system-running") or "degraded" in self.do(
            "systemctl", "is-system-running"
        )

    def do(self, *command: str) -> str:
        """Run a command inside; return what it says."""
        done = subprocess.run(
            [
                "nsenter",
                "--target",
                str(self._leader),
                "--mount",
                "--uts",
                "--ipc",
                "--net",
                "--pid",
                "--",
                *command,
            ],
            capture_output=True,
            text=True,
            timeout=30,
        )
        return done.stdout + done.stderr

    def kill(self, unit: str) -> None:
        """kill -9 the main process of a unit."""
        self.do("systemctl", "kill", "--kill-whom=main", f"--signal={signal.SIGKILL.value}", unit)

    def lines(self, service: str) -> Counter[str]:
        """Return what arrived of a service."""
        with self.recorder.lock:
            found = [one for one in self.recorder.records if one["service"] == service]
        return Counter(line for record in found for line in record["message"].split("\n"))

    def close(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(10)


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    with tempfile.TemporaryDirectory(prefix="sra-journal-") as name, Recorder() as recorder:
        made = Machine(Path(name), recorder)
        try:
            assert eventually(made.booted, 60), (Path(name) / "console").read_text()[-3000:]
            yield made
        finally:
            made.close()


@pytest.mark.timeout(180)
def test_every_line_of_a_unit_once_over_kills_of_agent_and_journalctl(machine: Machine) -> None:
    machine.do("systemctl", "start", "sra-agent.service")
    assert eventually(lambda: machine.recorder.hellos, 40), machine.do("systemctl", "status", "sra-agent")
    machine.do("systemctl", "start", "shop.service")
    assert eventually(lambda: machine.lines("shop").total() > 100, 20), machine.do("journalctl", "-n", "20")
    for _ in range(3):
        time.sleep(0.6)
        machine.kill("sra-agent.service")
        time.sleep(0.6)
        assert eventually(lambda: machine.do("/usr/bin/python3", "-c", KILL_JOURNALCTL).strip() == "1", 20)
    expected = Counter(f"line seq={n}" for n in range(LINES))
    assert eventually(lambda: machine.lines("shop").total() >= LINES, 60), machine.lines("shop").total()
    assert eventually(lambda: machine.lines("shop")["the writer is done"], 20)
    time.sleep(1.0)  # so that what comes twice can show
    came = +Counter({text: n for text, n in machine.lines("shop").items() if text.startswith("line seq=")})
    assert (came - expected, expected - came) == (Counter(), Counter())


def test_levels_units_and_binary_messages(machine: Machine) -> None:
    with machine.recorder.lock:
        records = [one for one in machine.recorder.records if "binary" in one["message"]]
        done = [one for one in machine.recorder.records if "writer is done" in one["message"]]
        started = [one for one in machine.recorder.records if "Started shop.service" in one["message"]]
    assert len(records) == LINES // 1000
    assert all(one["level"] == "error" and one["message"].endswith("\nsecond") for one in records)
    assert all("\x00" not in one["message"] for one in records)
    assert [one["level"] for one in done] == ["error"]
    assert done[0]["metadata"]["unit"] == "shop.service" and done[0]["source"] == "journald"
    assert {one["service"] for one in started} == {"shop"}  # said by pid 1, of the unit


@pytest.mark.timeout(120)
def test_a_vacuumed_cursor_goes_on_with_what_is_left(machine: Machine) -> None:
    assert eventually(lambda: machine.recorder.hellos, 40)
    machine.do("systemctl", "stop", "sra-agent.service")
    for n in range(3):
        machine.do("logger", "-t", "gone", f"gone {n}")
    machine.do("journalctl", "--rotate")
    machine.do("journalctl", "--vacuum-time=1us")
    machine.do("logger", "-t", "left", "left behind")
    before, hellos = machine.lines("shop"), len(machine.recorder.hellos)
    machine.do("systemctl", "start", "sra-agent.service")
    assert eventually(lambda: machine.lines("left")["left behind"] == 1, 40), machine.do(
        "journalctl", "-n", "20"
    )
    assert eventually(lambda: len(machine.recorder.hellos) > hellos, 20)
    time.sleep(1.0)
    assert machine.lines("left").total() == 1 and machine.lines("gone").total() == 0
    assert machine.lines("shop") == before  # nothing is told again
    assert machine.recorder.dropped["journald_vacuumed"] >= 3
