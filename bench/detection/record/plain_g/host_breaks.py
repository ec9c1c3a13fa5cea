"""What breaks on the lecturers' host, and hours in which nothing does."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import host_stack as s
from cases import case, normal
from common import HOME, World, certificate, days, shell

HOST, FILES, J = "node-3", s.FILES, "system.journal"
ALL = " ".join(FILES)
SECONDS = float(os.environ.get("CORPUS_SECONDS", "915"))
CPU = {"cpu": 0.7}


@normal(HOST, FILES, **CPU)
def normal_g_host_1(w: World) -> None:
    """A quarter of an hour of the lecturers' host: logins, mistyped passwords, timers, cron, planned restarts of the services, a reload of nginx, a new and a leaving person,
    rotated logs, a renewed certificate, a file that was not there once."""
    m = s.start(w)
    w.every(190, lambda n: (s.login("emil", "Long-coridor"), w.sleep(5), s.login("emil", "Long-corridor"), None)[3], first=55)

    def do(text: str) -> Callable[[], object]:
        return lambda: m.sh(text, seconds=50)

    days(SECONDS, (60, do("systemctl restart notes")), (120, do("systemctl daemon-reload")), (180, do("useradd -m -d /var/lib/staff/nora nora; passwd -l nora")), (240, do("systemctl reload nginx")),
         (300, do("journalctl --rotate; journalctl --vacuum-size=4M")), (360, do("systemctl restart ssh")), (420, do("systemctl restart thumbs")), (480, lambda: (certificate("notes", "notes.campus.example"), m.sh("systemctl reload nginx"))),
         (540, do("systemctl stop dump.timer; systemctl start dump; systemctl start dump.timer")), (600, do("cat /srv/campus/unit/none; logger -t admin 'will look again tomorrow'")), (660, do("userdel -r nora")),
         (720, do("systemctl restart nginx")), (780, do("systemctl restart cron")), (840, do("systemctl restart notes")))
    m.keep()


@normal(HOST, FILES, **CPU)
def normal_g_host_2(w: World) -> None:
    """Another quarter of an hour of the lecturers' host: somebody knocks at sshd a few times, a one-off job fails, a reexec of systemd, a big backup that is removed again,
    a service stopped for maintenance, a changed password, planned restarts."""
    m = s.start(w)
    w.every(230, lambda n: s.login("admin", "admin"), first=90)
    w.every(280, lambda n: (m.sh("echo Ink | su rosa -c 'sudo -S -k -p \"\" true'"), None)[1], first=140)

    def do(text: str) -> Callable[[], object]:
        return lambda: m.sh(text, seconds=50)

    days(SECONDS, (60, do("systemd-run --unit=tidy-up /bin/sh -c 'echo nothing to tidy up; exit 3'")), (130, do("systemctl daemon-reexec")), (200, lambda: shell(f"dd if=/dev/zero of={HOME}/dumps/year.tar bs=1M count=5; sleep 15; rm {HOME}/dumps/year.tar")),
         (270, do("echo 'emil:Short-corridor' | chpasswd")), (330, do("systemctl stop thumbs; sleep 20; systemctl start thumbs")), (400, do("systemctl restart notes")), (470, do("logger -p user.warning 'disk check postponed'")),
         (540, do("nginx -t; systemctl reload nginx")), (610, do("systemctl reload ssh")), (680, do("systemctl restart notes nginx")), (760, do("sqlite3 /mnt/data/notes.db 'delete from note where id > 100'")), (830, do("systemctl restart thumbs")))
    m.keep()


def calm(w: World, seconds: float = 14) -> s.Machine:
    m = s.start(w)
    w.sleep(seconds)
    w.breaks()
    return m


def after(w: World, m: Any, seconds: float = 60) -> None:
    w.sleep(seconds)
    m.keep()


@case(HOST, FILES, ALL, "service_crash", "notes", (J, "KeyError: 'NOTES_FOLDER'|Main process exited"), effects=("error_burst", "external_api_down", "network_failure"), **CPU)
def g_host_variable_missing(w: World) -> None:
    """A deploy lost a variable of the notes' environment; the service ends at each start until systemd gives up."""
    m = calm(w)
    (HOME / "unit/notes.env").write_text("NOTES_DIR=/mnt/data\n")
    m.sh("systemctl restart notes")
    after(w, m)


@case(HOST, FILES, ALL, "memory_exhaustion", "thumbs node-3 kernel", ("kern.log", "Killed process"), also=("service_crash",), why_also="it is killed at its limit of memory, again and again", **CPU)
def g_host_memory_limit(w: World) -> None:
    """A release of the thumbnails caches without end; the kernel kills it at the limit of its cgroup, systemd starts it again, it is killed again."""
    m = calm(w)
    s.limit(w, "thumbs", 70)
    s.setting("thumbs", "THUMBS_RELEASE=cache")
    m.sh("systemctl restart thumbs")
    after(w, m)


@case(HOST, FILES, ALL, "disk_full", "notes node-3", (J, "disk is full|No space left"), effects=("error_burst", "database_failure"), **CPU)
def g_host_data_full(w: World) -> None:
    """A forgotten archive fills the data disk; SQLite cannot write any more."""
    m = calm(w)
    shell(f"dd if=/dev/zero of={HOME}/data/archive.tar bs=4k")
    after(w, m)


@case(HOST, FILES, ALL, "disk_full", "notes node-3", (J, "No space left|unable to open database|disk is full"), effects=("error_burst", "database_failure"), **CPU)
def g_host_inodes_used_up(w: World) -> None:
    """Small attachments use up the inodes of the data disk, which has room otherwise."""
    m = calm(w)
    shell(f"i=0; while touch {HOME}/data/old-$i 2>/dev/null; do i=$((i+1)); done")
    after(w, m)


@case(HOST, FILES, ALL, "database_failure", "notes", (J, "OperationalError: database is locked|error: database is locked"), also=("deadlock", "error_burst"), why_also="a lock that somebody holds too long", effects=("external_api_down",), **CPU)
def g_host_sqlite_locked(w: World) -> None:
    """Somebody left a transaction open in SQLite's shell, which keeps everybody out."""
    m = calm(w)
    m.sh("systemd-run --unit=shell-of-rosa /bin/sh -c '(echo \".timeout 9000\"; echo \"begin exclusive;\"; sleep 300) | sqlite3 /mnt/data/notes.db'")
    after(w, m)


@case(HOST, FILES, ALL, "database_failure", "notes", (J, "malformed|not a database"), also=("error_burst",), why_also="the service goes on and each request fails", effects=("external_api_down", "service_crash"), **CPU)
def g_host_sqlite_damaged(w: World) -> None:
    """A broken copy was put in the place of the notes' database: SQLite finds it damaged."""
    m = calm(w)
    m.sh("for n in 1 2 3; do dd if=/dev/urandom of=/mnt/data/notes.db bs=512 count=12 seek=$((n * 9)) conv=notrunc; done; dd if=/dev/urandom of=/mnt/data/notes.db bs=100 count=1 conv=notrunc")
    after(w, m)


@case(HOST, FILES, ALL, "auth_failures", "ssh sshd node-3", (J, "Failed password|authentication failure"), **CPU)
def g_host_ssh_guessed(w: World) -> None:
    """Somebody guesses passwords of many names at sshd, two a second."""
    m = calm(w)
    names = ("admin", "oracle", "test", "rosa", "ubuntu", "emil", "postgres", "git", "pi", "root")
    for each in range(3):
        w.every(1.4, lambda n, each=each: s.login(names[(n + each) % len(names)], f"summer{n}"), first=each * 0.4)
    after(w, m)


@case(HOST, FILES, ALL, "auth_failures", "ssh sshd node-3", (J, "expired"), **CPU)
def g_host_account_expired(w: World) -> None:
    """The account of the deployments has expired: its logins, which robots make every few seconds, are refused by PAM."""
    m = calm(w)
    m.sh("chage -E 2020-01-01 deploy")
    w.every(4, lambda n: s.login("deploy"))
    after(w, m)


@case(HOST, FILES, ALL, "error_burst", "import cron CRON", (J, "import failed"), also=("service_crash",), why_also="a job that fails each time", **CPU)
def g_host_cron_job_fails(w: World) -> None:
    """The file that cron's import reads is delivered under another name since today: each import fails."""
    m = s.start(w)
    w.sleep(50)
    w.breaks()
    (HOME / "unit/lectures.csv").rename(HOME / "unit/lectures-2026.csv")
    after(w, m, 100)


@case(HOST, FILES, ALL, "error_burst", "dump", (J, "dump.service: (Main|Failed)|Error:"), also=("service_crash", "auth_failures"), why_also="a job of a timer that fails each time, for a folder that it may not write to", **CPU)
def g_host_backup_fails(w: World) -> None:
    """The folder of the backups belongs to root since a restore: the backup of the notes fails each time."""
    m = calm(w)
    m.sh("rm -f /mnt/dumps/notes.db; chown root /mnt/dumps; chmod 755 /mnt/dumps")
    after(w, m, 80)


@case(HOST, FILES, ALL, "service_crash", "nginx", (J, "emerg|nginx.service: (Control|Failed)"), effects=("external_api_down", "network_failure"), **CPU)
def g_host_nginx_does_not_start(w: World) -> None:
    """A typo in nginx' settings is found when the host's nginx is restarted: it does not come up."""
    m = calm(w)
    m.sh("sed -i 's/proxy_read_timeout/proxy_read_timout/' /etc/nginx/sites-enabled/default; systemctl restart nginx")
    w.every(20, lambda n: m.sh("systemctl start nginx"), first=15)
    after(w, m)


@case(HOST, FILES, ALL, "service_crash", "notes", (J, "Address already in use"), also=("network_failure",), why_also="what it cannot have is an address", effects=("error_burst", "external_api_down"), **CPU)
def g_host_port_taken(w: World) -> None:
    """While the notes are restarted a test server takes their port; they end at each start."""
    m = calm(w)
    m.sh("systemctl stop notes; systemd-run --unit=try-out /usr/bin/python3 -m http.server --bind 127.0.0.1 8470 --directory /mnt; sleep 2; systemctl start notes")
    after(w, m)


@case(HOST, FILES, ALL, "error_burst", "notes", (J, "readonly database|Permission denied|unable to open"), also=("auth_failures", "database_failure"), why_also="files that it may not write to, of its database", effects=("external_api_down", "service_crash"), **CPU)
def g_host_owner_wrong(w: World) -> None:
    """A restore by root changed the owner of the notes' files: the service may not write to them."""
    m = calm(w)
    m.sh("chown -R root:root /mnt/data; chmod 644 /mnt/data/notes.db; chmod 755 /mnt/data")
    after(w, m)


@case(HOST, FILES, ALL, "memory_exhaustion", "node-3 notes python3", ("points", "system.memory_percent", "", lambda p: p["v"] > 90), kind="metrics", memory_mb=740, **CPU)
def g_host_memory_leaks(w: World) -> None:
    """A release of the notes keeps five megabytes of each page that it shows: the host's memory is nearly used up."""
    m = calm(w)
    s.setting("notes", "NOTES_RELEASE=drafts")
    m.sh("systemctl restart notes")
    after(w, m, 200)


@case(HOST, FILES, ALL, "certificate_expired", "nginx notes check", (J, "certificate has expired"), also=("external_api_down",), why_also="what the check says of the address as a whole", effects=("error_burst", "service_crash"), **CPU)
def g_host_certificate_expired(w: World) -> None:
    """The certificate of the host's nginx was not renewed and has ended; the check by curl says so each time."""
    m = calm(w)
    certificate("notes", "notes.campus.example", days=(-92, -1))
    m.sh("systemctl reload nginx")
    after(w, m, 70)


@case(HOST, FILES, ALL, "service_crash", "notes", (J, "timed out|Connection timed out"), also=("deadlock", "external_api_down", "error_burst"), why_also="a process that hangs: who waits for it sees only that it does not answer",
      effects=("network_failure",), silent=True, **CPU)
def g_host_notes_hang(w: World) -> None:
    """A release of the notes takes a lock twice: its threads wait for ever, nothing is logged any more by it, and nginx gives up."""
    m = calm(w)
    s.setting("notes", "NOTES_RELEASE=lock")
    m.sh("systemctl restart notes")
    after(w, m, 70)
