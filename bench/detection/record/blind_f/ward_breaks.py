"""What breaks on the ward's host, and times in which nothing does."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import ward_stack as s
from cases import case, normal
from common import HOME, Days, World, shell

HOST, FILES, J, K = "ward-4", s.FILES, "system.journal", "kern.log"
ALL = " ".join(FILES)
NORMAL = float(os.environ.get("CORPUS_SECONDS", "780"))
WORKS = {"cpu": 0.7}


@normal(HOST, FILES, **WORKS)
def normal_f_ward(w: World) -> None:
    """The ward's host: logins by key and password, mistyped passwords, timers, rotations, planned restarts, an upgrade of a package, new and leaving people,
    a vacuum of the journal, a renewed certificate of nginx, a transient unit that ends with an error once."""
    m = s.start(w)
    s.package("2.0", "echo set up")
    w.every(170, lambda n: (s.login("paul", "Quiet-coridor"), w.sleep(5), s.login("paul", "Quiet-corridor"), None)[3], first=55)
    w.every(260, lambda n: (m.sh("echo Bees | su ines -c 'sudo -S -k -p \"\" true'"), None)[1], first=135)

    def do(text: str) -> Callable[[], object]:
        return lambda: m.sh(text, seconds=50)

    Days(NORMAL, (
        (50, do("systemctl restart charts")), (110, do("systemctl daemon-reload")), (160, do(f"dpkg -i /srv/clinic/packages/{s.PACKAGE}_2.0.deb")),
        (210, do("systemctl restart redis-server")), (260, do("useradd -m -d /var/lib/staff/nora nora; passwd -l nora")), (310, do("systemctl reload nginx")),
        (360, do("journalctl --rotate; journalctl --vacuum-size=2M")), (410, do("systemctl stop copy.timer; systemctl start copy; systemctl start copy.timer")),
        (460, do("systemctl restart ssh")), (510, do("systemd-run --unit=tidy-up /bin/false")), (560, do("systemctl stop charts; sleep 3; systemctl start charts")),
        (610, do("userdel -r nora")), (650, do("openssl req -x509 -newkey rsa:2048 -nodes -days 90 -subj /CN=ward -keyout /tmp/k -out /tmp/c; systemctl restart nginx")),
        (700, do("systemctl daemon-reexec")), (740, do("systemctl restart cron")))).pass_by()
    m.keep()


def calm(w: World, seconds: float = 32) -> s.Machine:
    m = s.start(w)
    w.sleep(seconds)
    w.breaks()
    return m


def after(w: World, m: Any, seconds: float = 75) -> None:
    w.sleep(seconds)
    m.keep()


def spoil(w: World, *places: int) -> None:
    """Overwrite parts of the disk behind the file system's back, and have it read them anew."""
    image = HOME / "disk-charts.img"
    with image.open("r+b") as file:
        for each in places:
            file.seek(each * 1024)
            file.write(b"\xa5" * 1024)
    shell("sync; echo 3 > /proc/sys/vm/drop_caches")


@case(HOST, FILES, ALL, "error_burst", "charts kernel ward-4", (K, "EXT4-fs error|I/O error"), also=("disk_full", "service_crash"),
      why_also="no class is for a file system that is damaged; writes fail as on a full one", **WORKS)
def f_ward_file_system_damaged(w: World) -> None:
    """A part of the charts' disk is overwritten: the kernel finds directories and bitmaps of its file system damaged."""
    m = calm(w)
    spoil(w, *range(102, 1100))
    w.every(10, lambda n: spoil(w, *range(102, 1100)), first=5)
    w.every(4, lambda n: shell(f"ls -lR {HOME}/charts; echo x > {HOME}/charts/new-{n}; mkdir {HOME}/charts/d{n}"), first=1)
    after(w, m, 85)


@case(HOST, FILES, ALL, "disk_full", "charts ward-4", (J, "No space left"), effects=("error_burst",), **WORKS)
def f_ward_inodes_used_up(w: World) -> None:
    """A release of the charts makes a new small file for each: the disk has room and no inode left."""
    m = calm(w)
    shell(f"i=0; while touch {HOME}/charts/old-$i 2>/dev/null; do i=$((i+1)); done")
    s.setting("charts", "CHARTS_RELEASE=history")
    m.sh("systemctl restart charts")
    after(w, m)


@case(HOST, FILES, ALL, "service_crash", "charts", (J, "core-dump|dumped core|ABRT"), effects=("error_burst", "external_api_down"), **WORKS)
def f_ward_core_dumps(w: World) -> None:
    """A release of the charts aborts at each tenth chart; systemd notes a core and starts it anew, again and again."""
    m = calm(w)
    s.setting("charts", "CHARTS_RELEASE=core")
    m.sh("systemctl restart charts")
    after(w, m, 85)


@case(HOST, FILES, ALL, "service_crash", "charts", (J, "charts.service: (Deactivated|Main process exited|Failed with result|Killing)|connect\\(\\) failed"),
      effects=("error_burst", "external_api_down", "network_failure"), **WORKS)
def f_ward_charts_killed_and_masked(w: World) -> None:
    """During maintenance the charts' unit was masked; then its process is killed, and nothing starts it again."""
    m = calm(w)
    m.sh("systemctl mask --runtime charts; systemctl kill -s KILL charts; sleep 3; rm -f /run/systemd/system.control/charts.service; ln -s /dev/null /run/systemd/system.control/charts.service;"
         " systemctl daemon-reload; systemctl stop charts; systemctl start charts nginx")
    after(w, m)


@case(HOST, FILES, ALL, "error_burst", f"dpkg {s.PACKAGE} apt ward-4 upgrade", (J, "dpkg: error|subprocess returned error|error processing"), also=("service_crash",),
      why_also="an upgrade that fails leaves its package broken; no service of it ends", **WORKS)
def f_ward_upgrade_fails(w: World) -> None:
    """A nightly upgrade runs dpkg; the package's script fails for a user that does not exist, and each next run fails again."""
    s.UNITS["upgrade.service"] = ("[Unit]\nDescription=Upgrade of the clinic's packages\n[Service]\nType=oneshot\n"
                                  "ExecStart=/bin/sh -c '/usr/bin/dpkg -i /srv/clinic/packages/*.deb'\n")
    s.UNITS["upgrade.timer"] = "[Timer]\nOnActiveSec=1\nOnUnitInactiveSec=15\nAccuracySec=1\n"
    m = s.start(w)
    w.sleep(30)
    s.package("2.1", "chown clinicagent:clinicagent /srv")
    w.breaks()
    m.sh("systemctl start upgrade.timer")
    after(w, m, 85)


@case(HOST, FILES, ALL, "error_burst", "rotate logrotate", (J, "insecure permissions|rotate.service: (Main|Failed)"), also=("service_crash",), why_also="a job of a timer that fails each time", **WORKS)
def f_ward_rotation_insecure(w: World) -> None:
    """A deploy made the folder of the logs writable for everybody: logrotate refuses it each time, and nothing is rotated."""
    m = calm(w)
    m.sh("chmod 777 /var/log/ward; chgrp 1000 /var/log/ward")
    after(w, m, 100)


@case(HOST, FILES, ALL, "error_burst", "copy", (J, "copy.service: (start operation timed out|Main process exited|Failed)"), also=("service_crash", "deadlock"),
      why_also="a job of a timer that hangs until its limit, each time", **WORKS)
def f_ward_copy_hangs(w: World) -> None:
    """The copy of the charts reads from a pipe that nobody writes to: each run hangs until systemd ends it."""
    m = calm(w)
    m.sh("mkfifo /run/partner")
    s.setting("copy", "COPY_TO=/run/partner")
    after(w, m, 110)


@case(HOST, FILES, ALL, "error_burst", "copy", (J, "copy.service: (Main process exited|Failed)|cannot create|cannot open"), also=("service_crash",),
      why_also="a job of a timer that fails each time", **WORKS)
def f_ward_copy_target_gone(w: World) -> None:
    """The share that the copies go to was not mounted after maintenance: each run fails."""
    m = calm(w)
    (HOME / "copies").rename(HOME / "copies.away")
    after(w, m, 100)


@case(HOST, FILES, ALL, "error_burst", "systemd-journald journald charts", (J, "Suppressed [0-9]+ messages"), also=("disk_full",),
      why_also="it is lines that are lost, for a service that writes too many", **WORKS)
def f_ward_journal_flooded(w: World) -> None:
    """A release of the charts traces everything; journald suppresses thousands of its lines."""
    m = s.start(w)
    m.sh("mkdir -p /etc/systemd/journald.conf.d; printf '[Journal]\\nRateLimitIntervalSec=10s\\nRateLimitBurst=40\\n' > /etc/systemd/journald.conf.d/limit.conf; systemctl restart systemd-journald")
    w.sleep(32)
    w.breaks()
    s.setting("charts", "CHARTS_RELEASE=chatty")
    m.sh("systemctl restart charts")
    after(w, m, 60)


@case(HOST, FILES, ALL, "service_crash", "charts", (J, "State 'stop-sigterm' timed out|Failed with result 'timeout'"), also=("deadlock", "error_burst"),
      why_also="it does not end when it is asked to and is killed", effects=("external_api_down",), **WORKS)
def f_ward_stop_times_out(w: World) -> None:
    """A release of the charts does not end when it is asked to; each restart by its deploy kills it after eight seconds, with requests in its hands."""
    m = s.start(w)
    s.setting("charts", "CHARTS_RELEASE=stubborn")
    m.sh("systemctl restart charts")
    w.sleep(32)
    w.breaks()
    for _ in range(4):
        m.sh("systemctl restart charts")
        w.sleep(9)
    after(w, m, 10)


@case(HOST, FILES, ALL, "service_crash", "nginx", (J, "nginx.*emerg|Failed with result"), also=("error_burst",), why_also="it refuses its settings", effects=("external_api_down", "network_failure"), **WORKS)
def f_ward_nginx_certificate_missing(w: World) -> None:
    """A renewal of certificates left an empty file behind: nginx does not come up after its restart."""
    m = calm(w)
    m.sh("mkdir -p /etc/nginx/tls; : > /etc/nginx/tls/ward.pem; : > /etc/nginx/tls/ward.key;"
         " printf 'server { listen 443 ssl; ssl_certificate /etc/nginx/tls/ward.pem; ssl_certificate_key /etc/nginx/tls/ward.key; }\\n' > /etc/nginx/sites-enabled/tls;"
         " systemctl restart nginx")
    w.every(20, lambda n: m.sh("systemctl restart nginx"), first=18)
    after(w, m)


@case(HOST, FILES, ALL, "service_crash", "charts", (J, "NAMESPACE|mount namespacing"), effects=("error_burst", "external_api_down", "network_failure"), **WORKS)
def f_ward_hardening_namespace(w: World) -> None:
    """A hardening of the charts' unit names a folder that is not there: systemd cannot set up its name space, and the service cannot be started."""
    m = calm(w)
    (HOME / "control/charts.service.d").mkdir()
    (HOME / "control/charts.service.d/hardening.conf").write_text("[Service]\nProtectSystem=strict\nReadWritePaths=/mnt/charts /var/lib/charts\n")
    m.sh("systemctl daemon-reload; systemctl restart charts")
    after(w, m)


@case(HOST, FILES, ALL, "auth_failures", "ssh sshd", (J, "not allowed because|Permission denied|Access denied|Connection closed by authenticating"), **WORKS)
def f_ward_deploys_denied(w: World) -> None:
    """A hardening lets only the group of the administrators log in: every deploy and every person is refused."""
    m = calm(w)
    m.sh("printf 'AllowGroups admins\\n' > /etc/ssh/sshd_config.d/hard.conf; systemctl restart ssh")
    w.every(4, lambda n: s.login(("deploy", "ines")[n % 2], ("", "Bees-and-thyme")[n % 2]), first=2)
    after(w, m)


@case(HOST, FILES, ALL, "auth_failures", "sudo", (J, "NOT in sudoers|command not allowed|incorrect password"), **WORKS)
def f_ward_sudo_rights_lost(w: World) -> None:
    """A tidying script took the administrators out of their group: each of their uses of sudo is refused."""
    m = calm(w)
    m.sh("gpasswd -d ines sudo")
    w.every(5, lambda n: (m.sh("echo Bees-and-thyme | su ines -c 'sudo -S -k -p \"\" systemctl restart charts'"), None)[1], first=2)
    after(w, m)


@case(HOST, FILES, ALL, "service_crash", "redis-server redis", (J, "redis-server.service: (Main process exited|Failed)|Can't (open|handle)|Fatal|Failed with result"),
      also=("database_failure",), why_also="Redis is a store", effects=("error_burst",), **WORKS)
def f_ward_redis_dump_damaged(w: World) -> None:
    """Redis' dump was damaged by a copy that broke off: after a restart it reads it and ends, again and again."""
    m = s.start(w)
    m.sh("redis-cli set ward 4; for i in $(seq 500); do redis-cli set k$i $(head -c 40 /dev/urandom | md5sum | cut -c1-30); done >/dev/null; redis-cli save")
    w.sleep(25)
    w.breaks()
    m.sh("systemctl stop redis-server; truncate -s -600 /var/lib/redis/dump.rdb; systemctl start redis-server")
    after(w, m, 80)


@case(HOST, FILES, ALL, "cpu_overload", "ward-4 charts", ("points", "system.cpu_percent", "", lambda p: p["v"] > 93), also=("error_burst",), kind="metrics",
      why_also="people see only that it is slow", effects=("external_api_down",), cpu=0.3)
def f_ward_compression_all_day(w: World) -> None:
    """Somebody compresses the whole history by hand with four processes, and the host has no processor left for anything else."""
    m = s.start(w)
    w.sleep(60)
    w.breaks()
    for _ in range(4):
        subprocess.Popen(["nsenter", "--target", str(m.leader), "--mount", "--pid", "--", "/bin/sh", "-c", "nice -n 0 gzip -9 < /dev/urandom > /dev/null"])
    with suppress(OSError):
        after(w, m, 110)
