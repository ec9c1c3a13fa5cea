"""What breaks on the host with units, and a time in which nothing does."""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor

import unit_stack as s
from cases import case, normal
from common import HOME, World

HOST, FILES, J = "node-4", s.FILES, "system.journal"
NORMAL = float(os.environ.get("CORPUS_SECONDS", "1400"))


@normal(HOST, FILES)
def b_normal_units(w: World) -> None:
    """The host with units: timers, cron, rotation, logins, sudo, mistyped passwords, planned restarts, a stop and a start, an upgrade's re-exec."""
    m = s.start(w)
    w.every(230, lambda n: (s.login("anna", "Sommer"), time.sleep(5), s.login("anna", "Summer-and-rain")), first=70)
    w.every(300, lambda n: m.sh("echo Summer | su anna -c 'sudo -S -k -p \"\" true'"), first=150)
    plan = ((100, "systemctl restart intake"), (200, "systemctl daemon-reload"), (280, "systemctl restart archive"), (370, "systemctl reload nginx"),
            (450, "systemctl stop thumbs; sleep 3; systemctl start thumbs"), (540, "systemctl restart redis-server"), (640, "systemctl restart ssh"),
            (740, "useradd -m -d /var/lib/people/carl carl; usermod -aG deploy carl"), (820, "systemctl daemon-reexec"), (900, "systemctl restart intake"),
            (1000, "systemctl restart systemd-journald"), (1080, "systemctl restart nginx"), (1160, "systemctl restart cron"),
            (1240, "systemd-run --unit=once-off /bin/true; systemctl kill -s KILL none.service"), (1320, "systemctl restart archive thumbs"))
    began = time.monotonic()
    for moment, act in plan:
        time.sleep(max(0.0, began + moment * NORMAL / 1400 - time.monotonic()))
        m.sh(act)
    time.sleep(max(0.0, began + NORMAL - time.monotonic()))
    m.keep()


def calm(w: World) -> s.Machine:
    m = s.start(w)
    w.sleep(45)
    w.breaks()
    return m


def after(w: World, m: s.Machine, seconds: float = 75) -> None:
    w.sleep(seconds)
    m.keep()


def release(name: str, kind: str) -> None:
    with (HOME / f"unit/{name}.env").open("a") as out:
        out.write(f"{name.upper()}_RELEASE={kind}\n")


@case(HOST, FILES, J, "service_crash", "intake", (J, "schema version 41|status=1/FAILURE"), effects=("error_burst",))
def b_unit_start_limit(w: World) -> None:
    """A release does not know the store's schema and ends at each start, until systemd gives up."""
    m = calm(w)
    release("intake", "schema")
    m.do("systemctl", "restart", "intake")
    after(w, m)


@case(HOST, FILES, J, "service_crash", "intake", (J, "Watchdog timeout"), also=("deadlock",), why_also="a process that hangs, killed by its watchdog",
      effects=("error_burst",))
def b_unit_watchdog(w: World) -> None:
    """The intake hangs and pings no more; systemd's watchdog kills it, and it hangs again."""
    m = calm(w)
    release("intake", "stuck")
    m.do("systemctl", "restart", "intake")
    after(w, m, 90)


@case(HOST, FILES, J, "service_crash", "intake", (J, "Failed to load environment files"), effects=("error_burst",))
def b_unit_env_missing(w: World) -> None:
    """A clean-up removed the environment file; at the next restart the unit cannot start."""
    m = calm(w)
    (HOME / "unit/intake.env").unlink()
    m.do("systemctl", "restart", "intake")
    after(w, m)


@case(HOST, FILES, J, "service_crash", "intake", (J, "Address already in use"), effects=("error_burst",))
def b_unit_port_in_use(w: World) -> None:
    """Somebody has started a test server on the port of the intake; after a restart the intake cannot bind."""
    m = calm(w)
    m.sh("systemctl stop intake; systemd-run --quiet --unit=try-out python3 -m http.server 8400 --bind 127.0.0.1; sleep 1; systemctl start intake &")
    after(w, m)


@case(HOST, FILES, J, "service_crash", "archive mnt-archive", (J, "Failed to mount|Dependency failed|bad option|unknown filesystem"), also=("disk_full", "error_burst"),
      why_also="no class is for a disk that cannot be mounted: the service that needs it does not start", effects=("error_burst",))
def b_unit_mount_failed(w: World) -> None:
    """The archive is moved to an NFS server, and the package for NFS is missing: its mount fails and the archive cannot start."""
    m = calm(w)
    m.sh("systemctl stop archive mnt-archive.mount")
    mount = HOME / "control/mnt-archive.mount"
    mount.write_text(mount.read_text().replace("What=/srv/tickets/volume", "What=nas.tickets.internal:/archive").replace("Type=none", "Type=nfs").replace(
        "Options=bind", "Options=vers=4.2"))
    m.sh("systemctl daemon-reload; systemctl start archive")
    w.every(15, lambda n: m.sh("systemctl start archive"), first=10)
    after(w, m)


@case(HOST, FILES, J, "service_crash", "export", (J, "mailbox moved|status=2"), also=("error_burst", "external_api_down"),
      why_also="a job is no service; what fails it is the partner")
def b_unit_timer_fails(w: World) -> None:
    """The bank has moved its inbox; each run of the export fails."""
    m = calm(w)
    (HOME / "unit/export.target").write_text("sftp.bank.example/in")
    after(w, m, 110)


@case(HOST, FILES, J, "memory_exhaustion", "thumbs", (J, "oom-kill|MemoryError|status=9/KILL|OOM"), also=("service_crash",),
      why_also="the service is killed, for want of memory", effects=("error_burst",), memory_mb=500)
def b_unit_oom(w: World) -> None:
    """A release of the thumbnails grows until the container's memory is used up and the kernel kills it, again and again."""
    m = calm(w)
    release("thumbs", "memory")
    m.do("systemctl", "restart", "thumbs")
    after(w, m, 110)


@case(HOST, FILES, J, "error_burst", "thumbs", (J, "Too many open files"), also=("service_crash", "disk_full"),
      why_also="no class is for file descriptors: the service cannot work, for want of a resource")
def b_unit_open_files(w: World) -> None:
    """A release of the thumbnails leaks files; at its limit each thumbnail fails."""
    m = calm(w)
    release("thumbs", "files")
    m.do("systemctl", "restart", "thumbs")
    after(w, m, 90)


@case(HOST, FILES, J, "error_burst", "cron CRON backup", (J, "cannot stat|exit status|grandchild|backup: ERROR"), also=("service_crash",),
      why_also="a job is no service, and fails each minute")
def b_cron_job_fails(w: World) -> None:
    """The nightly backup, here each minute, has lost its target and says so to the journal; cron tells the exit status."""
    m = calm(w)
    m.sh("printf '*/1 * * * * root /usr/bin/logger -t backup -p daemon.info begins; cp /var/backups/none /nowhere/ 2>&1 | logger -t backup -p daemon.err;"
         " logger -t backup -p daemon.err \"backup: ERROR copy failed, exit status 1\"; exit 1\\n' > /etc/cron.d/backup; sed -i 's/^#*EXTRA_OPTS=.*//' /etc/default/cron;"
         " echo 'EXTRA_OPTS=\"-L 15\"' >> /etc/default/cron; systemctl restart cron")
    after(w, m, 150)


@case(HOST, FILES, J, "error_burst", "rotate logrotate", (J, "error:|status=1/FAILURE"), also=("service_crash",), why_also="a job is no service, and fails each time")
def b_logrotate_fails(w: World) -> None:
    """The logs' folder is writable by everybody; logrotate refuses it at each run."""
    m = calm(w)
    m.sh("chmod 777 /var/log/office")
    after(w, m, 110)


@case(HOST, FILES, J, "auth_failures", "sshd ssh", (J, "Failed password|Invalid user|authentication failure"))
def b_ssh_guessing(w: World) -> None:
    """Somebody guesses names and passwords over SSH, three at a time."""
    m = calm(w)
    names = ("root", "admin", "oracle", "anna", "test", "ubuntu", "git", "postgres")
    with ThreadPoolExecutor(3) as pool:
        for n in range(75):
            pool.submit(s.login, names[n % 8], f"guess{n}")
    after(w, m, 10)


@case(HOST, FILES, J, "auth_failures", "sudo", (J, "incorrect password attempts|authentication failure"), also=(), why_also="")
def b_sudo_guessing(w: World) -> None:
    """Somebody has anna's session and guesses her password at sudo."""
    m = calm(w)
    w.every(4, lambda n: m.sh(f"printf 'guess{n}\\nagain{n}\\nonce{n}\\n' | su anna -c 'sudo -S -k -p \"\" cat /etc/shadow'"))
    after(w, m, 80)


@case(HOST, FILES, J, "auth_failures", "sshd ssh pam_faillock", (J, "pam_faillock|authentication failure|Failed password"))
def b_pam_lockout(w: World) -> None:
    """A job logs in with an old password until the account is locked (pam_faillock); then its right logins fail as well."""
    m = s.start(w)
    m.sh("sed -i '1i auth required pam_faillock.so preauth deny=4 unlock_time=600\\nauth [success=1 default=ignore] pam_unix.so\\nauth [default=die] pam_faillock.so authfail deny=4 unlock_time=600'"
         " /etc/pam.d/common-auth; sed -i '1i account required pam_faillock.so' /etc/pam.d/common-account")
    w.sleep(45)
    w.breaks()
    w.every(3, lambda n: s.login("bert", "Spring-wind"))
    after(w, m, 85)


@case(HOST, FILES, J, "service_crash", "redis-server", (J, "status=9/KILL|Failed with result"), effects=("error_burst", "database_failure"), also=("database_failure", "memory_exhaustion"),
      why_also="Redis is a store; a kill by SIGKILL is also what a memory guard does")
def b_unit_redis_killed(w: World) -> None:
    """Redis is killed with SIGKILL each few seconds; systemd starts it again until its limit."""
    m = calm(w)
    w.every(6, lambda n: m.do("systemctl", "kill", "-s", "KILL", "redis-server"))
    after(w, m)


@case(HOST, FILES, J, "service_crash", "nginx", (J, r"unknown directive|test failed|\[emerg\]"), effects=("error_burst",))
def b_unit_nginx_config(w: World) -> None:
    """A mistyped directive is deployed and nginx restarted; it does not come up again."""
    m = calm(w)
    m.sh("echo 'proxi_pass http://127.0.0.1;' > /etc/nginx/conf.d/new.conf; systemctl restart nginx")
    after(w, m)


@case(HOST, FILES, J, "error_burst", "thumbs", (J, "Resource temporarily unavailable"), also=("service_crash", "memory_exhaustion"),
      why_also="no class is for the number of processes: the service cannot work, for want of a resource")
def b_unit_pids_limit(w: World) -> None:
    """A release of the thumbnails leaves a process with each picture; the limit of processes of its user is reached."""
    m = calm(w)
    release("thumbs", "fork")
    unit = HOME / "control/thumbs.service"
    unit.write_text(unit.read_text().replace("[Service]", "[Service]\nUser=bert\nLimitNPROC=30"))
    m.sh("systemctl daemon-reload; systemctl restart thumbs")
    after(w, m, 80)
