"""A booted systemd in a container of its own, inside a world; its journal is the log. From the scenarios; to world."""

from __future__ import annotations

import subprocess
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from world import HOME, LOG

if TYPE_CHECKING:
    from world import World

ROOTFS = "/var/cache/sra-ci/rootfs"
FIELDS = "MESSAGE,PRIORITY,UNIT,SYSLOG_IDENTIFIER,CONTAINER_NAME,_SYSTEMD_UNIT,_COMM,_PID,_TRANSPORT"
UNITS = {
    "shop-worker.service": """[Unit]
Description=Worker of the shop
StartLimitIntervalSec=60
StartLimitBurst=5
[Service]
ExecStart=/usr/bin/python3 -u /srv/shop/app/worker.py
EnvironmentFile=-/srv/shop/unit/worker.env
Restart=on-failure
RestartSec=1
""",
    "shop-api.service": """[Unit]
Description=API of the shop
StartLimitIntervalSec=120
StartLimitBurst=5
[Service]
ExecStartPre=/usr/bin/python3 /srv/shop/app/check_config.py /srv/shop/unit/api.json
ExecStart=/usr/bin/python3 -u /srv/shop/app/api.py /srv/shop/unit/api.json
ExecReload=/bin/sh -c 'kill -HUP ${MAINPID}'
Restart=on-failure
RestartSec=2
""",
    "shop-index.service": """[Unit]
Description=Index of the shop
StartLimitIntervalSec=0
[Service]
ExecStart=/srv/shop/app/crunch
EnvironmentFile=-/srv/shop/unit/index.env
MemoryMax=60M
Restart=on-failure
RestartSec=3
""",
    "shop-report.service": """[Unit]
Description=Hourly report of the shop
[Service]
Type=oneshot
ExecStart=/bin/sh -c 'echo "report written, 12 pages"; echo "<4>page 7 has no figures, left empty"'
""",
    "shop-report.timer": "[Timer]\nOnBootSec=20\nOnUnitActiveSec=90\nAccuracySec=1\n[Install]\nWantedBy=timers.target\n",
    "shop-backup.service": """[Unit]
Description=Backup of the shop
[Service]
Type=oneshot
ExecStart=/bin/sh -c 'echo "backup of 3 tables begins"; sleep 2; echo "backup done, 0 errors"'
""",
    "shop-backup.timer": "[Timer]\nOnBootSec=45\nOnUnitActiveSec=300\nAccuracySec=1\n[Install]\nWantedBy=timers.target\n",
}


class Machine:
    """The container. `units` adds to or replaces the usual ones."""

    def __init__(self, world: World, units: dict[str, str] | None = None) -> None:
        self.world = world
        self.leader = 0
        folder = HOME / "unit"
        control = HOME / "control"
        for each in (folder, control):
            each.mkdir()
        (folder / "api.json").write_text('{"port": 8090, "currency": "EUR"}\n')
        for name, text in {**UNITS, **(units or {})}.items():
            (control / name).write_text(text)
        subprocess.run(["gcc", "-O0", "-o", str(HOME / "app/crunch"), str(HOME / "app/crunch.c")], check=True)
        self.process = subprocess.Popen(
            [
                "systemd-nspawn",
                "--quiet",
                "--directory",
                ROOTFS,
                "--volatile=overlay",
                "--register=no",
                "--keep-unit",
                f"--machine=corpus-{world.name.replace('_', '-')}",
                f"--hostname={world.host}",
                "--console=pipe",
                f"--bind={HOME}:/srv/shop",
                f"--bind={control}:/run/systemd/system.control",
                "--boot",
                "systemd.firstboot=no",
            ],
            stdin=subprocess.DEVNULL,
            stdout=open(HOME / "console", "wb"),
            stderr=subprocess.STDOUT,
        )
        for _ in range(600):
            if self._booted():
                break
            time.sleep(0.1)
        else:
            raise SystemExit((HOME / "console").read_text())

    def _booted(self) -> bool:
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        if not children:
            return False
        self.leader = int(children[0])
        state = self.do("systemctl", "is-system-running")
        return "running" in state or "degraded" in state

    def do(self, *command: str) -> str:
        """Run a command inside; return what it says."""
        try:
            done = subprocess.run(
                [
                    "nsenter",
                    "--target",
                    str(self.leader),
                    "--mount",
                    "--uts",
                    "--ipc",
                    "--pid",
                    "--",
                    *command,
                ],
                capture_output=True,
                text=True,
                timeout=60,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return ""
        return done.stdout + done.stderr

    def start(self, *units: str) -> None:
        for each in units:
            self.do("systemctl", "start", each)

    def keep(self, name: str = "system.journal") -> None:
        """Write the journal as the agent reads it."""
        text = self.do(
            "journalctl", "--all", "--quiet", "--no-pager", "--output=json", f"--output-fields={FIELDS}"
        )
        (LOG / name).write_text(text)

    def close(self) -> None:
        self.process.terminate()


def restarted(machine: Machine, unit: str) -> threading.Thread:
    thread = threading.Thread(target=machine.do, args=("systemctl", "restart", unit))
    thread.start()
    return thread
