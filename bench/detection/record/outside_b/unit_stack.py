"""A host with units: a booted Debian with cron, sshd, sudo, logrotate, timers, nginx, Redis and three small services. Its journal is the log."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

from common import HOME, LOG, World, get

FILES = {"system.journal": ""}
ROOTFS = "/var/cache/tickets-rootfs"
FIELDS = "MESSAGE,PRIORITY,UNIT,SYSLOG_IDENTIFIER,CONTAINER_NAME,_SYSTEMD_UNIT,_COMM,_PID,_TRANSPORT"
PROBES = ({"name": "intake", "service": "intake", "http": "http://127.0.0.1:8400/health"},
          {"name": "nginx", "service": "nginx", "http": "http://127.0.0.1:80/"},
          {"name": "redis", "service": "redis-server", "tcp": "127.0.0.1:6379"})
UNITS = {
    "intake.service": """[Unit]
Description=Intake of documents
StartLimitIntervalSec=60
StartLimitBurst=5
[Service]
Type=notify
NotifyAccess=all
WatchdogSec=6
EnvironmentFile=/srv/tickets/unit/intake.env
ExecStart=/usr/bin/python3 -u /srv/tickets/app/units/intake.py
Restart=on-failure
RestartSec=2
""",
    "archive.service": """[Unit]
Description=Archive of documents
RequiresMountsFor=/mnt/archive
StartLimitIntervalSec=0
[Service]
ExecStart=/usr/bin/python3 -u /srv/tickets/app/units/archive.py
Restart=always
RestartSec=3
TasksMax=30
""",
    "mnt-archive.mount": """[Unit]
Description=Disk of the archive
[Mount]
What=/srv/tickets/volume
Where=/mnt/archive
Type=none
Options=bind
""",
    "thumbs.service": """[Unit]
Description=Thumbnails
StartLimitIntervalSec=0
[Service]
ExecStart=/usr/bin/python3 -u /srv/tickets/app/units/thumbs.py
EnvironmentFile=-/srv/tickets/unit/thumbs.env
MemoryMax=90M
Restart=on-failure
RestartSec=4
LimitNOFILE=64
""",
    "export.service": """[Unit]
Description=Export of invoices
[Service]
Type=oneshot
ExecStart=/usr/bin/python3 -u /srv/tickets/app/units/export.py
""",
    "export.timer": "[Timer]\nOnActiveSec=5\nOnUnitActiveSec=25\nOnUnitInactiveSec=25\nAccuracySec=1\n[Install]\nWantedBy=timers.target\n",
    "rotate.service": """[Unit]
Description=Rotation of logs
[Service]
Type=oneshot
ExecStart=/usr/sbin/logrotate --force --state /run/rotate.state /etc/logrotate-office.conf
""",
    "rotate.timer": "[Timer]\nOnActiveSec=12\nOnUnitActiveSec=35\nOnUnitInactiveSec=35\nAccuracySec=1\n",
}


class Machine:
    """The booted host. `do` runs a command inside."""

    def __init__(self, w: World) -> None:
        self.leader = 0
        control, folder = HOME / "control", HOME / "unit"
        control.mkdir()
        folder.mkdir()
        (folder / "intake.env").write_text("INTAKE_PORT=8400\n")
        for name, text in UNITS.items():
            (control / name).write_text(text)
        (HOME / "volume").mkdir()
        self.process = subprocess.Popen(
            ["systemd-nspawn", "--quiet", "--directory", ROOTFS, "--volatile=overlay", "--register=no", "--keep-unit",
             f"--machine={w.name.replace('_', '-')}", f"--hostname={w.host}", "--console=pipe", f"--bind={HOME}:/srv/tickets",
             f"--bind={control}:/run/systemd/system.control", "--boot", "systemd.firstboot=no"],
            stdin=subprocess.DEVNULL, stdout=open(HOME / "console", "wb"), stderr=subprocess.STDOUT)
        for _ in range(900):
            if self._booted():
                return
            time.sleep(0.1)
        raise SystemExit((HOME / "console").read_text())

    def _booted(self) -> bool:
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        if not children:
            return False
        self.leader = int(children[0])
        state = self.do("systemctl", "is-system-running")
        return "running" in state or "degraded" in state

    def do(self, *command: str, seconds: float = 60) -> str:
        try:
            done = subprocess.run(["nsenter", "--target", str(self.leader), "--mount", "--uts", "--ipc", "--pid", "--", *command],
                                  capture_output=True, text=True, timeout=seconds, check=False)
        except subprocess.TimeoutExpired:
            return ""
        return done.stdout + done.stderr

    def sh(self, text: str, seconds: float = 60) -> str:
        return self.do("/bin/sh", "-c", text, seconds=seconds)

    def keep(self) -> None:
        (LOG / "system.journal").write_text(self.do(
            "journalctl", "--all", "--quiet", "--no-pager", "--output=json", f"--output-fields={FIELDS}"))


SETUP = """
mkdir -p /var/lib/people; for who in anna bert deploy; do useradd -m -d /var/lib/people/$who -s /bin/bash $who; done
echo anna:Summer-and-rain | chpasswd; echo bert:Autumn-leaves | chpasswd; echo deploy:Winter-storm | chpasswd
usermod -aG sudo anna
sed -i 's/^#*PasswordAuthentication.*/PasswordAuthentication yes/; s/^#*MaxAuthTries.*/MaxAuthTries 4/' /etc/ssh/sshd_config
mkdir -p /var/log/office /run/sshd; printf '/var/log/office/*.log {\\n  rotate 3\\n  missingok\\n  copytruncate\\n}\\n' > /etc/logrotate-office.conf
echo begin > /var/log/office/a.log
printf '*/1 * * * * root test -d /srv/tickets && echo counted 12 files\\n*/1 * * * * deploy /bin/true\\n' > /etc/cron.d/office
ssh-keygen -A >/dev/null
systemctl restart cron ssh nginx redis-server
systemctl start intake archive thumbs export.timer rotate.timer
"""


def start(w: World) -> Machine:
    m = Machine(w)
    print(m.sh(SETUP, seconds=90), flush=True)
    w.sleep(4)
    print(m.sh("systemctl --failed --no-legend; systemctl is-active intake archive thumbs cron ssh nginx redis-server mnt-archive.mount"), flush=True)
    w.ready()
    w.measure(10, PROBES)
    w.every(1.1, lambda n: get(f"127.0.0.1:8400/documents/{n}"))
    w.every(3.1, lambda n: get("127.0.0.1:80/"), first=0.6)
    w.every(25, lambda n: login("deploy", "Winter-storm"), first=6)
    w.every(40, lambda n: m.sh("echo Summer-and-rain | su anna -c 'sudo -S -k -p \"\" systemctl status cron >/dev/null'"), first=14)
    return m


def login(who: str, word: str) -> None:
    subprocess.run(["sshpass", "-p", word, "ssh", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "ConnectTimeout=4",
                    "-o", "PreferredAuthentications=password", "-o", "PubkeyAuthentication=no", "-o", "LogLevel=ERROR", "-o", "NumberOfPasswordPrompts=1",
                    f"{who}@127.0.0.1", "true"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=20, check=False)
