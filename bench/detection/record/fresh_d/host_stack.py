"""A depot's host: a booted Debian with units that depend on each other, a timer's backup, cron, sshd, su, sudo, nginx, Redis. Its journal is the log."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

from common import HOME, LOG, World, ask

FILES = {"system.journal": ""}
ROOTFS = "/var/cache/tickets-rootfs"
FIELDS = "MESSAGE,PRIORITY,UNIT,SYSLOG_IDENTIFIER,CONTAINER_NAME,_SYSTEMD_UNIT,_COMM,_PID,_TRANSPORT"
PROBES = ({"name": "gateway", "service": "gateway", "http": "http://127.0.0.1:80/health"},
          {"name": "ledger", "service": "ledger", "http": "http://127.0.0.1:8410/health"},
          {"name": "redis", "service": "redis-server", "tcp": "127.0.0.1:6379"})
KEY = HOME / "keys/deploy"
UNITS = {
    "ledger.service": """[Unit]
Description=Books of the depot
StartLimitIntervalSec=0
[Service]
Type=notify
NotifyAccess=all
TimeoutStartSec=9
WorkingDirectory=/srv/freight/books
EnvironmentFile=-/srv/freight/unit/ledger.env
ExecStart=/usr/bin/python3 -u /srv/freight/app/units/ledger.py
Restart=on-failure
RestartSec=3
""",
    "gateway.service": """[Unit]
Description=Gateway of the drivers
Requires=ledger.service
After=ledger.service
StartLimitIntervalSec=0
[Service]
EnvironmentFile=-/srv/freight/unit/gateway.env
ExecStart=/usr/bin/python3 -u /srv/freight/app/units/gateway.py
Restart=always
RestartSec=2
""",
    "courier.service": """[Unit]
Description=Letters of the depot
StartLimitIntervalSec=0
[Service]
EnvironmentFile=-/srv/freight/unit/courier.env
ExecStart=/usr/bin/perl /srv/freight/app/units/courier.pl
LimitAS=120M
Restart=on-failure
RestartSec=3
""",
    "gauge.service": """[Unit]
Description=Level of the tank
StartLimitIntervalSec=0
[Service]
EnvironmentFile=-/srv/freight/unit/gauge.env
ExecStart=/srv/freight/app/units/gauge
Restart=on-failure
RestartSec=2
""",
    "backup.service": """[Unit]
Description=Backup of the books
[Service]
Type=oneshot
ExecStart=/bin/tar --create --gzip --file /srv/freight/backup/books.tgz --directory /srv/freight books
ExecStartPost=/bin/echo backup of the books is complete
""",
    "backup.timer": "[Timer]\nOnActiveSec=4\nOnUnitActiveSec=22\nOnUnitInactiveSec=22\nAccuracySec=1\n",
}


class Machine:
    """The booted host. `sh` runs a command inside."""

    def __init__(self, w: World) -> None:
        self.leader = 0
        control = HOME / "control"
        for name in ("control", "unit", "books", "backup", "keys"):
            (HOME / name).mkdir()
        for name, text in UNITS.items():
            (control / name).write_text(text)
        w.disk(HOME / "spool", 12)
        subprocess.run(["gcc", "-O1", "-static", "-o", str(HOME / "app/units/gauge"), "gauge.c"], cwd=HOME / "app/units", check=True)
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "deploy", "-f", str(KEY)], check=True)
        # two containers in one cgroup would end each other's units
        groups = [Path("/sys/fs/cgroup", kind, f"corpus-{w.name}") for kind in ("systemd", "unified")]

        def join() -> None:
            for each in groups:
                (each / "cgroup.procs").write_text(str(os.getpid()))

        for each in groups:
            each.mkdir(exist_ok=True)
        self.process = subprocess.Popen(
            ["systemd-nspawn", "--quiet", "--directory", ROOTFS, "--volatile=overlay", "--register=no", "--keep-unit",
             f"--machine={w.name.replace('_', '-')}", f"--hostname={w.host}", "--console=pipe", f"--bind={HOME}:/srv/freight",
             f"--bind={HOME / 'spool'}:/mnt/spool", f"--bind={control}:/run/systemd/system.control", "--boot", "systemd.firstboot=no"],
            stdin=subprocess.DEVNULL, stdout=open(HOME / "console", "wb"), stderr=subprocess.STDOUT, preexec_fn=join)
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
for who in deploy mila jonas tess; do useradd -m -d /var/lib/staff/$who -s /bin/bash $who; done
mkdir -p /var/lib/staff; for who in deploy mila jonas tess; do mkdir -p /var/lib/staff/$who/.ssh; cp /srv/freight/keys/deploy.pub /var/lib/staff/$who/.ssh/authorized_keys;
chmod 700 /var/lib/staff/$who /var/lib/staff/$who/.ssh; chmod 600 /var/lib/staff/$who/.ssh/authorized_keys; chown -R $who:$who /var/lib/staff/$who; done
printf 'mila:Harbour-lights\\njonas:Crane-and-rope\\ntess:North-wind\\ndeploy:Anchor-chain\\n' | chpasswd
usermod -aG sudo mila
sed -i 's/^#*PasswordAuthentication.*/PasswordAuthentication yes/' /etc/ssh/sshd_config
printf 'server { listen 80 default_server; location / { proxy_pass http://127.0.0.1:8420; } }\\n' > /etc/nginx/sites-enabled/default
printf '*/1 * * * * root test -d /srv/freight && echo counted\\n*/1 * * * * deploy /usr/bin/find /srv/freight/books -name "*.tmp"\\n' > /etc/cron.d/depot
mkdir -p /run/sshd; ssh-keygen -A >/dev/null
systemctl restart cron ssh nginx redis-server
systemctl start ledger gateway courier gauge backup.timer
"""


def start(w: World) -> Machine:
    m = Machine(w)
    print(m.sh(SETUP, seconds=90), flush=True)
    w.sleep(4)
    print(m.sh("systemctl --failed --no-legend; systemctl is-active ledger gateway courier gauge cron ssh nginx redis-server"), flush=True)
    w.ready()
    w.measure(10, PROBES)
    w.every(1.2, lambda n: ask(f"127.0.0.1:80/trip/{n}"))
    w.every(15, lambda n: login("deploy"), first=6)
    w.every(33, lambda n: login("mila", "Harbour-lights"), first=11)
    w.every(38, lambda n: m.sh("echo Harbour-lights | su mila -c 'sudo -S -k -p \"\" systemctl status cron >/dev/null'"), first=14)
    w.every(45, lambda n: m.sh("echo North-wind | su jonas -c 'su tess -c true'"), first=21)
    return m


def login(who: str, word: str = "", source: str = "127.0.0.1") -> None:
    """Log in with the key, or with a password."""
    how = ["sshpass", "-p", word, "ssh", "-o", "PreferredAuthentications=password", "-o", "PubkeyAuthentication=no", "-o", "NumberOfPasswordPrompts=1"] if word else [
        "ssh", "-i", str(KEY), "-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes"]
    subprocess.run([*how, "-b", source, "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "ConnectTimeout=4",
                    "-o", "LogLevel=ERROR", f"{who}@127.0.0.1", "true"],
                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=20, check=False)
