"""A lecturers' host: a booted Debian with nginx, a Flask service on SQLite, a worker with a memory limit, timers, cron, sshd, sudo. Its journal is the log, and what the kernel says of it."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import time
from pathlib import Path

from common import HOME, LOG, RECORD, TOOLS, World, ask, certificate, quiet


def _depot() -> object:
    """Load the freight company's depot under a name of its own, for this module has its name."""
    spec = importlib.util.spec_from_file_location("depot_stack", RECORD / "fresh_d/host_stack.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


depot = _depot()
FILES = {"system.journal": "", "kern.log": "kernel"}
PROBES = ({"name": "nginx", "service": "nginx", "tcp": "127.0.0.1:80"},
          {"name": "notes", "service": "notes", "http": "http://127.0.0.1:8470/health"},
          {"name": "ssh", "service": "ssh", "tcp": "127.0.0.1:22"})
KEY = HOME / "keys/deploy"
UNITS = {
    "notes.service": """[Unit]
Description=Notes of the lecturers
StartLimitIntervalSec=90
StartLimitBurst=6
[Service]
User=deploy
EnvironmentFile=/srv/campus/unit/notes.env
ExecStart=/usr/bin/python3 -u /srv/campus/app/unit/notes.py
Restart=on-failure
RestartSec=2
TimeoutStopSec=5
""",
    "thumbs.service": """[Unit]
Description=Thumbnails of slides
StartLimitIntervalSec=0
[Service]
EnvironmentFile=-/srv/campus/unit/thumbs.env
ExecStart=/srv/campus/app/unit/thumbs
Restart=always
RestartSec=2
""",
    "dump.service": """[Unit]
Description=Backup of the notes
[Service]
Type=oneshot
User=deploy
ExecStart=/usr/bin/sqlite3 /mnt/data/notes.db ".timeout 3000" ".backup /mnt/dumps/notes.db"
ExecStart=/bin/sh -c 'echo "backup of $(stat -c %%s /mnt/dumps/notes.db) bytes is complete"'
""",
    "dump.timer": "[Timer]\nOnActiveSec=5\nOnUnitInactiveSec=20\nAccuracySec=1\n",
    "check.service": """[Unit]
Description=Check of the notes' address
[Service]
Type=oneshot
ExecStart=/usr/bin/curl -sS --max-time 5 -o /dev/null --cacert /srv/campus/tls/ca.pem --resolve notes.campus.example:443:127.0.0.1 https://notes.campus.example/health
""",
    "check.timer": "[Timer]\nOnActiveSec=8\nOnUnitInactiveSec=12\nAccuracySec=1\n",
}
SITE = """server { listen 80 default_server; listen 443 ssl; ssl_certificate /srv/campus/tls/notes.pem; ssl_certificate_key /srv/campus/tls/notes.key;
  location / { proxy_pass http://127.0.0.1:8470; proxy_read_timeout 6s; } }
"""
SETUP = """
systemctl stop rsyslog postfix postfix@- 2>/dev/null
mkdir -p /var/lib/staff
for who in deploy rosa emil; do useradd -m -d /var/lib/staff/$who -s /bin/bash $who; mkdir -p /var/lib/staff/$who/.ssh
cp /srv/campus/keys/deploy.pub /var/lib/staff/$who/.ssh/authorized_keys; chown -R $who:$who /var/lib/staff/$who; chmod 700 /var/lib/staff/$who/.ssh; done
printf 'rosa:Ink-and-paper\\nemil:Long-corridor\\ndeploy:Stone-stairs\\n' | chpasswd; usermod -aG sudo rosa
sed -i 's/^#*PasswordAuthentication.*/PasswordAuthentication yes/' /etc/ssh/sshd_config
chown deploy /mnt/data /mnt/dumps
cp /srv/campus/unit/site /etc/nginx/sites-enabled/default
echo 'error_log syslog:server=unix:/dev/log,nohostname warn;' > /etc/nginx/conf.d/log.conf
printf '*/1 * * * * deploy /srv/campus/app/unit/import.sh\\n' > /etc/cron.d/import
mkdir -p /run/sshd; ssh-keygen -A >/dev/null
echo '127.0.0.1 localhost node-3' > /etc/hosts
systemctl restart cron ssh nginx
systemctl start notes thumbs dump.timer check.timer
"""


class Machine(depot.Machine):
    """The booted host with these units."""

    def __init__(self, w: World) -> None:
        self.leader = 0
        for name in ("control", "unit", "keys"):
            (HOME / name).mkdir()
        for name, text in UNITS.items():
            (HOME / "control" / name).write_text(text)
        w.disk(HOME / "data", 10)
        w.disk(HOME / "dumps", 10)
        (HOME / "unit/notes.env").write_text("NOTES_FOLDER=/mnt/data\n")
        (HOME / "unit/import.conf").write_text("SOURCE=/srv/campus/unit/lectures.csv\n")
        (HOME / "unit/lectures.csv").write_text("lecture;1\nlecture;2\n")
        (HOME / "unit/site").write_text(SITE)
        certificate("notes", "notes.campus.example")
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "deploy", "-f", str(KEY)], check=True)
        kernel()
        groups = [Path("/sys/fs/cgroup", kind, f"corpus-{w.name}") for kind in ("systemd", "unified")]

        def join() -> None:
            for each in groups:
                (each / "cgroup.procs").write_text(str(os.getpid()))

        for each in groups:
            each.mkdir(exist_ok=True)
        self.process = subprocess.Popen(
            ["systemd-nspawn", "--quiet", "--directory", str(TOOLS / "rootfs"), "--volatile=overlay", "--register=no", "--keep-unit",
             f"--machine={w.name.replace('_', '-')}", f"--hostname={w.host}", "--console=pipe", f"--bind={HOME}:/srv/campus", f"--bind={HOME / 'data'}:/mnt/data",
             f"--bind={HOME / 'dumps'}:/mnt/dumps", f"--bind={HOME / 'control'}:/run/systemd/system.control", "--boot", "systemd.firstboot=no"],
            stdin=subprocess.DEVNULL, stdout=open(HOME / "console", "wb"), stderr=subprocess.STDOUT, preexec_fn=join)
        for _ in range(900):
            if self._booted():
                return
            time.sleep(0.1)
        raise SystemExit((HOME / "console").read_text())


def kernel() -> None:
    """Write what the kernel says of this host's worker and disk; of the machine's other programs nothing."""
    quiet("mknod", "/dev/kmsg", "c", "1", "11")
    found = subprocess.run(["findmnt", "-no", "SOURCE", str(HOME / "data")], capture_output=True, text=True, check=False).stdout.strip().removeprefix("/dev/")
    with (LOG / "kern.log").open("ab") as out:
        reader = subprocess.Popen(["dmesg", "--follow-new", "--time-format", "iso"], stdout=subprocess.PIPE)
        subprocess.Popen(["grep", "--line-buffered", "-E", rf"Killed process [0-9]+ \(thumbs\)|thumbs invoked oom|\b{found}\b"], stdin=reader.stdout, stdout=out)


def limit(w: World, program: str, megabytes: int) -> None:
    """Hold a program in a cgroup with less memory, which version 1 does not let a container's systemd do."""
    group = w.cgroups[2] / program
    group.mkdir(exist_ok=True)
    (group / "memory.limit_in_bytes").write_text(str(megabytes << 20))

    def move(_: int) -> None:
        for each in subprocess.run(["pgrep", "-x", program], capture_output=True, text=True, check=False).stdout.split():
            (group / "cgroup.procs").write_text(each)

    w.every(0.5, move)


def setting(name: str, text: str) -> None:
    with (HOME / f"unit/{name}.env").open("a") as out:
        out.write(text + "\n")


def login(who: str, word: str = "") -> None:
    """Log in with the key, or with a password."""
    usual = ["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR", "-o", "ConnectTimeout=5", f"{who}@127.0.0.1", "true"]
    how = (["sshpass", "-p", word, "ssh", "-o", "PubkeyAuthentication=no", "-o", "NumberOfPasswordPrompts=1"] if word
           else ["ssh", "-i", str(KEY), "-o", "PasswordAuthentication=no"])
    quiet(*how, *usual, timeout=20)


def start(w: World) -> Machine:
    m = Machine(w)
    print(m.sh(SETUP, seconds=90), flush=True)
    w.sleep(6)
    print(m.sh("systemctl --failed --no-legend; systemctl is-active notes thumbs cron ssh nginx; journalctl -n 5 --no-pager"), flush=True)
    w.ready()
    w.measure(10, PROBES)
    w.every(1.2, lambda n: ask(f"127.0.0.1:80/note/{n}"))
    w.every(3.1, lambda n: ask("127.0.0.1:80/note", body={"text": f"slide {n}"}), first=0.7)
    w.every(14, lambda n: login("deploy"), first=6)
    w.every(37, lambda n: login("rosa", "Ink-and-paper"), first=11)
    w.every(43, lambda n: m.sh("echo Ink-and-paper | su rosa -c 'sudo -S -k -p \"\" systemctl status cron >/dev/null'"), first=15)
    return m
