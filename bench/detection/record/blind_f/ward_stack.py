"""The host of a ward: a booted Debian with a service, timers, cron, sshd, sudo, logrotate, nginx, Redis. Its journal is the log, and what the kernel says of its disk."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import host_stack
from common import HOME, LOG, TOOLS, World, ask, quiet

FILES = {"system.journal": "", "kern.log": "kernel"}
PROBES = ({"name": "nginx", "service": "nginx", "http": "http://127.0.0.1:80/health"},
          {"name": "charts", "service": "charts", "http": "http://127.0.0.1:8600/health"},
          {"name": "redis", "service": "redis-server", "tcp": "127.0.0.1:6379"},
          {"name": "ssh", "service": "ssh", "tcp": "127.0.0.1:22"})
KEY = HOME / "keys/deploy"
PACKAGE = "clinic-agent"
UNITS = {
    "charts.service": """[Unit]
Description=Charts of the ward
StartLimitIntervalSec=0
[Service]
EnvironmentFile=-/srv/clinic/unit/charts.env
ExecStart=/usr/bin/python3 -u /srv/clinic/app/ward/charts.py
Restart=always
RestartSec=2
TimeoutStopSec=8
""",
    "copy.service": """[Unit]
Description=Copy of the charts
[Service]
Type=oneshot
EnvironmentFile=-/srv/clinic/unit/copy.env
TimeoutStartSec=15
ExecStart=/bin/sh -c 'ls /mnt/charts > /srv/clinic/copies/list && echo "copied $(wc -l < /srv/clinic/copies/list) charts" && if [ -n "$COPY_TO" ]; then cat "$COPY_TO" > /dev/null; fi'
""",
    "copy.timer": "[Timer]\nOnActiveSec=4\nOnUnitInactiveSec=20\nAccuracySec=1\n",
    "rotate.service": """[Unit]
Description=Rotation of the ward's logs
[Service]
Type=oneshot
ExecStart=/usr/sbin/logrotate --force --state /run/rotate.state /etc/logrotate-ward.conf
""",
    "rotate.timer": "[Timer]\nOnActiveSec=9\nOnUnitInactiveSec=30\nAccuracySec=1\n",
}
SETUP = """
for who in deploy ines paul; do useradd -m -d /var/lib/staff/$who -s /bin/bash $who; mkdir -p /var/lib/staff/$who/.ssh
cp /srv/clinic/keys/deploy.pub /var/lib/staff/$who/.ssh/authorized_keys; chown -R $who:$who /var/lib/staff/$who; chmod 700 /var/lib/staff/$who/.ssh; done
printf 'ines:Bees-and-thyme\\npaul:Quiet-corridor\\ndeploy:Grey-heron\\n' | chpasswd; usermod -aG sudo ines
sed -i 's/^#*PasswordAuthentication.*/PasswordAuthentication yes/' /etc/ssh/sshd_config
printf 'server { listen 80 default_server; location / { proxy_pass http://127.0.0.1:8600; proxy_read_timeout 6s; } }\\n' > /etc/nginx/sites-enabled/default
printf '*/1 * * * * deploy test -d /srv/clinic && echo counted > /dev/null\\n' > /etc/cron.d/ward
mkdir -p /var/log/ward; for each in one two; do echo line > /var/log/ward/$each.log; done
printf '/var/log/ward/*.log {\\n  rotate 2\\n  missingok\\n  create 0640 root root\\n}\\n' > /etc/logrotate-ward.conf
mkdir -p /run/sshd; ssh-keygen -A >/dev/null
echo '127.0.0.1 localhost ward-4' > /etc/hosts
echo 'error_log syslog:server=unix:/dev/log,nohostname warn;' > /etc/nginx/conf.d/log.conf
systemctl stop rsyslog 2>/dev/null
systemctl restart cron ssh nginx redis-server
systemctl start charts copy.timer rotate.timer
"""


class Machine(host_stack.Machine):
    """The booted host with this ward's units."""

    def __init__(self, w: World) -> None:
        self.leader = 0
        for name in ("control", "unit", "copies", "keys", "packages"):
            (HOME / name).mkdir()
        for name, text in UNITS.items():
            (HOME / "control" / name).write_text(text)
        w.disk(HOME / "charts", 12)
        self.loop = quietly("findmnt", "-no", "SOURCE", str(HOME / "charts")).removeprefix("/dev/")
        kernel(self.loop)
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "deploy", "-f", str(KEY)], check=True)
        groups = [Path("/sys/fs/cgroup", kind, f"corpus-{w.name}") for kind in ("systemd", "unified") if Path("/sys/fs/cgroup", kind).exists()]

        def join() -> None:
            for each in groups:
                (each / "cgroup.procs").write_text(str(os.getpid()))

        for each in groups:
            each.mkdir(exist_ok=True)
        self.process = subprocess.Popen(
            ["systemd-nspawn", "--quiet", "--directory", str(TOOLS / "rootfs"), "--volatile=overlay", "--register=no", "--keep-unit",
             f"--machine={w.name.replace('_', '-')}", f"--hostname={w.host}", "--console=pipe", f"--bind={HOME}:/srv/clinic",
             f"--bind={HOME / 'charts'}:/mnt/charts", f"--bind={HOME / 'control'}:/run/systemd/system.control", "--boot", "systemd.firstboot=no"],
            stdin=subprocess.DEVNULL, stdout=open(HOME / "console", "wb"), stderr=subprocess.STDOUT, preexec_fn=join)
        for _ in range(900):
            if self._booted():
                return
            time.sleep(0.1)
        raise SystemExit((HOME / "console").read_text())


def quietly(*argv: str) -> str:
    return subprocess.run(argv, capture_output=True, text=True, check=False).stdout.strip()


def kernel(loop: str) -> None:
    """Write what the kernel says of this host's disk; of the machine's other disks nothing."""
    quiet("mknod", "/dev/kmsg", "c", "1", "11")
    with (LOG / "kern.log").open("ab") as out:
        reader = subprocess.Popen(["dmesg", "--follow-new", "--time-format", "iso"], stdout=subprocess.PIPE)
        subprocess.Popen(["grep", "--line-buffered", "-E", rf"\b{loop}\b"], stdin=reader.stdout, stdout=out)


def package(version: str, postinst: str) -> None:
    """Build a small package of the clinic's own."""
    folder = HOME / f"packages/{version}"
    (folder / "DEBIAN").mkdir(parents=True)
    (folder / "DEBIAN/control").write_text(f"Package: {PACKAGE}\nVersion: {version}\nArchitecture: all\nMaintainer: Ines <ines@clinic.example>\nDescription: agent of the clinic\n")
    script = folder / "DEBIAN/postinst"
    script.write_text(f"#!/bin/sh\nset -e\n{postinst}\n")
    script.chmod(0o755)
    quiet("dpkg-deb", "--build", str(folder), str(HOME / f"packages/{PACKAGE}_{version}.deb"))


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
    w.sleep(4)
    print(m.sh("systemctl --failed --no-legend; systemctl is-active charts cron ssh nginx redis-server; journalctl -n 5 --no-pager"), flush=True)
    w.ready()
    w.measure(10, PROBES)
    w.every(1.2, lambda n: ask(f"127.0.0.1:80/chart/{n}"))
    w.every(14, lambda n: login("deploy"), first=6)
    w.every(35, lambda n: login("ines", "Bees-and-thyme"), first=11)
    w.every(41, lambda n: m.sh("echo Bees-and-thyme | su ines -c 'sudo -S -k -p \"\" systemctl status cron >/dev/null'"), first=15)
    return m
