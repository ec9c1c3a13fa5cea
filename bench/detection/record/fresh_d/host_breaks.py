"""What breaks on the depot's host, and times in which nothing does."""

from __future__ import annotations

import os
import time
from contextlib import suppress

import host_stack as s
from cases import case, normal
from common import HOME, World

HOST, FILES, J = "depot-7", s.FILES, "system.journal"
NORMAL = float(os.environ.get("CORPUS_SECONDS", "900"))


def days(w: World, m: s.Machine, plan: tuple[tuple[int, str], ...]) -> None:
    began = time.monotonic()
    for moment, act in plan:
        time.sleep(max(0.0, began + moment * NORMAL / 900 - time.monotonic()))
        m.sh(act)
    time.sleep(max(0.0, began + NORMAL - time.monotonic()))
    m.keep()


@normal(HOST, FILES)
def normal_d_host(w: World) -> None:
    """The depot's host: key and password logins, mistyped passwords, timers, planned restarts, a re-exec, new people, a full backup."""
    m = s.start(w)
    w.every(160, lambda n: (s.login("mila", "Harbor-lights"), time.sleep(6), s.login("mila", "Harbour-lights")), first=50)
    w.every(240, lambda n: m.sh("echo Habour | su mila -c 'sudo -S -k -p \"\" true'"), first=130)
    days(w, m, ((60, "systemctl restart gateway"), (120, "systemctl daemon-reload"), (180, "systemctl restart ledger"), (250, "systemctl reload nginx"),
                (310, "systemctl stop courier; sleep 4; systemctl start courier"), (370, "systemctl restart redis-server"), (430, "systemctl restart ssh"),
                (490, "useradd -m -d /var/lib/staff/olaf olaf; usermod -aG sudo olaf; passwd -l olaf"), (550, "systemctl daemon-reexec"),
                (610, "systemctl start backup"), (670, "systemctl restart nginx"), (720, "systemctl restart cron"), (780, "systemd-run --unit=tidy /bin/true"),
                (830, "systemctl restart gauge gateway")))


@normal(HOST, FILES)
def normal_d_host_2(w: World) -> None:
    """The depot's host, other days: a journal's restart, upgrades' restarts of all, logins of people from elsewhere, a user who leaves, a stopped unit."""
    m = s.start(w)
    w.every(110, lambda n: s.login("jonas", "Crane-and-rope", f"127.0.2.{n % 5 + 1}"), first=25)
    w.every(260, lambda n: (s.login("tess", "Northwind"), time.sleep(4), s.login("tess", "Noth-wind"), time.sleep(5), s.login("tess", "North-wind")), first=90)
    days(w, m, ((70, "systemctl restart systemd-journald"), (140, "systemctl restart ledger gateway"), (220, "systemctl disable --now backup.timer; sleep 5; systemctl start backup.timer"),
                (300, "systemctl restart redis-server nginx ssh cron"), (380, "systemctl stop gauge"), (440, "systemctl start gauge"), (500, "userdel jonas; useradd -m -d /var/lib/staff/jonas2 jonas; echo jonas:Crane-and-rope | chpasswd"),
                (580, "systemctl restart courier"), (650, "logger -t deploy 'release 4.2 of the gateway'; systemctl restart gateway"), (720, "systemctl reload ssh"),
                (790, "systemctl restart ledger"), (850, "systemctl restart nginx")))


def calm(w: World) -> s.Machine:
    m = s.start(w)
    w.sleep(45)
    w.breaks()
    return m


def after(w: World, m: s.Machine, seconds: float = 75) -> None:
    w.sleep(seconds)
    m.keep()


def setting(name: str, text: str) -> None:
    with (HOME / f"unit/{name}.env").open("a") as out:
        out.write(text + "\n")


@case(HOST, FILES, J, "service_crash", "ledger", (J, "file is not a database|DatabaseError|Dependency failed"), also=("database_failure",),
      why_also="its store is damaged, and it ends at each start for that", effects=("error_burst",))
def d_unit_dependency_fails(w: World) -> None:
    """After a restart the ledger finds its books damaged and ends; the gateway, which requires it, cannot start."""
    m = calm(w)
    m.sh("systemctl stop gateway ledger")
    (HOME / "books/books.db").write_bytes(b"not a base, but a text\n" * 400)
    m.sh("systemctl start gateway", seconds=30)
    w.every(20, lambda n: m.sh("systemctl start gateway", seconds=15), first=15)
    after(w, m, 85)


@case(HOST, FILES, J, "error_burst", "backup", (J, "tar: |Failed to start|Failed with result"), also=("service_crash", "disk_full"),
      why_also="a job is no service, and fails each time; its target cannot be written to")
def d_unit_backup_fails(w: World) -> None:
    """The folder of the backups is gone: each run of the backup fails."""
    m = calm(w)
    (HOME / "backup").rename(HOME / "backup-old")
    after(w, m, 110)


@case(HOST, FILES, J, "service_crash", "ledger", (J, "CHDIR|No such file or directory"), effects=("error_burst",))
def d_unit_folder_missing(w: World) -> None:
    """A deploy moved the folder that the ledger's unit works in; the unit cannot be started any more."""
    m = calm(w)
    (HOME / "books").rename(HOME / "books-2026")
    m.sh("systemctl restart ledger gateway")
    after(w, m)


@case(HOST, FILES, J, "service_crash", "gauge", (J, "Assertion|ABRT"), effects=("error_burst",))
def d_unit_assertion(w: World) -> None:
    """After a new setting the gauge's assertion fails; it aborts again and again."""
    m = calm(w)
    setting("gauge", "GAUGE_OFFSET=70")
    m.sh("systemctl restart gauge")
    after(w, m)


@case(HOST, FILES, J, "service_crash", "ledger", (J, "start operation timed out"), effects=("error_burst",), also=("deadlock",), why_also="its start hangs")
def d_unit_start_times_out(w: World) -> None:
    """A release of the ledger never says that it is ready; systemd ends it after nine seconds, again and again."""
    m = calm(w)
    setting("ledger", "LEDGER_RELEASE=silent")
    m.sh("systemctl restart --no-block ledger gateway")
    after(w, m, 95)


@case(HOST, FILES, J, "service_crash", "gateway", (J, "gateway.service: Scheduled restart job|connect\\(\\) failed"), effects=("error_burst", "network_failure", "external_api_down"))
def d_unit_ends_with_success(w: World) -> None:
    """A release of the gateway ends at once and with success; systemd starts it again each two seconds."""
    m = calm(w)
    setting("gateway", "GATEWAY_RELEASE=once")
    m.sh("systemctl restart gateway")
    after(w, m, 85)


@case(HOST, FILES, J, "service_crash", "ledger", (J, "Cannot assign requested address"), effects=("error_burst",), also=("network_failure",),
      why_also="its address is gone from the host")
def d_unit_address_gone(w: World) -> None:
    """The ledger is told to listen on an address that the host has lost; it ends at each start."""
    m = calm(w)
    setting("ledger", "LEDGER_ADDRESS=10.4.7.20")
    m.sh("systemctl restart --no-block ledger gateway")
    after(w, m)


@case(HOST, FILES, J, "error_burst", "gateway", (J, "KeyError|cannot serve"), effects=("external_api_down",))
def d_unit_gateway_all_fail(w: World) -> None:
    """A release of the gateway fails for each plate of a car that it does not know, which is each."""
    m = calm(w)
    setting("gateway", "GATEWAY_RELEASE=plates")
    m.sh("systemctl restart gateway")
    after(w, m)


@case(HOST, FILES, J, "service_crash", "ledger", (J, "Connection refused|cannot serve"), effects=("error_burst", "external_api_down", "network_failure"))
def d_unit_ledger_stopped(w: World) -> None:
    """The ledger is killed and its automatic restart is masked; the gateway finds nobody."""
    m = calm(w)
    unit = HOME / "control/ledger.service"
    unit.write_text(unit.read_text().replace("Restart=on-failure", "Restart=no"))
    gateway = HOME / "control/gateway.service"
    gateway.write_text(gateway.read_text().replace("Requires=ledger.service\n", ""))
    m.sh("systemctl daemon-reload; systemctl kill -s KILL ledger")
    after(w, m)


@case(HOST, FILES, J, "memory_exhaustion", "courier", (J, "Out of memory"), also=("service_crash",), why_also="it ends for want of memory, again and again",
      effects=("error_burst",))
def d_unit_perl_memory(w: World) -> None:
    """A release of the courier keeps what it wrote; Perl runs out of the memory that its unit allows."""
    m = calm(w)
    setting("courier", "COURIER_RELEASE=archive")
    m.sh("systemctl restart courier")
    after(w, m, 110)


@case(HOST, FILES, J, "disk_full", "courier depot-7", (J, "No space left on device"), effects=("error_burst",))
def d_unit_spool_full(w: World) -> None:
    """The disk of the spool is full; the courier can write no letter."""
    m = calm(w)
    with suppress(OSError), (HOME / "spool/mailing.bin").open("wb") as out:
        while True:
            out.write(bytes(1 << 16))
    after(w, m)


@case(HOST, FILES, J, "error_burst", "courier depot-7", (J, "Read-only file system"), also=("disk_full",), effects=("disk_full",),
      why_also="the disk cannot be written to any more")
def d_unit_spool_read_only(w: World) -> None:
    """The disk of the spool was mounted read-only after a check; the courier can write no letter."""
    m = calm(w)
    m.sh("mount -o remount,ro,bind /mnt/spool")
    after(w, m)


@case(HOST, FILES, J, "service_crash", "redis-server redis", (J, "FATAL CONFIG|Failed with result|status=1"), effects=("error_burst", "database_failure"), also=("database_failure",),
      why_also="Redis is a store")
def d_unit_redis_config(w: World) -> None:
    """A mistyped line in Redis' settings; after a restart it does not come up."""
    m = calm(w)
    m.sh("echo 'maxmemory-polici allkeys-lru' >> /etc/redis/redis.conf; systemctl restart redis-server")
    after(w, m)


@case(HOST, FILES, J, "service_crash", "ssh sshd", (J, "Bad configuration option|Failed with result"), effects=("error_burst",))
def d_unit_sshd_config(w: World) -> None:
    """A hardening script wrote an option into sshd's settings that it does not know; it does not come up again."""
    m = calm(w)
    m.sh("echo 'PermitRootLogins no' >> /etc/ssh/sshd_config; systemctl restart ssh")
    after(w, m)


@case(HOST, FILES, J, "auth_failures", "cron CRON deploy", (J, "account .* expired|Authentication failure|Authentication token"), also=("error_burst", "service_crash"),
      why_also="what fails for it is a job of cron")
def d_cron_account_expired(w: World) -> None:
    """The account that the jobs run under has expired: cron refuses its job each minute, sshd its logins."""
    m = calm(w)
    m.sh("chage -E 2020-01-01 deploy")
    after(w, m, 150)


@case(HOST, FILES, J, "auth_failures", "ssh sshd", (J, "bad ownership or modes|Connection closed by authenticating user"))
def d_ssh_key_modes(w: World) -> None:
    """A restored backup left the deploy user's keys writable for all; sshd refuses them, and each deploy's login fails."""
    m = calm(w)
    m.sh("chmod 777 /var/lib/staff/deploy /var/lib/staff/deploy/.ssh; chmod 666 /var/lib/staff/deploy/.ssh/authorized_keys")
    w.every(4, lambda n: s.login("deploy"), first=2)
    after(w, m, 85)


@case(HOST, FILES, J, "auth_failures", "ssh sshd", (J, "Failed password|authentication failure"))
def d_ssh_spraying(w: World) -> None:
    """Somebody tries common passwords for the people of the host, each time from another address."""
    m = calm(w)
    words = ("Summer2026", "Welcome1", "Password1", "depot", "changeme")
    for part in range(3):
        w.every(2.5, lambda n, part=part: s.login(("mila", "jonas", "tess", "deploy", "root")[n % 5], words[n // 5 % 5], f"127.0.{part + 3}.{n % 200 + 1}"), first=part * 0.8)
    after(w, m, 85)


@case(HOST, FILES, J, "auth_failures", "su", (J, "FAILED SU|authentication failure"))
def d_su_guessing(w: World) -> None:
    """Somebody has jonas' session and guesses root's password at su."""
    m = calm(w)
    w.every(3, lambda n: m.sh(f"echo guess{n} | su jonas -c 'su root -c id'"))
    after(w, m, 85)


@case(HOST, FILES, J, "auth_failures", "ssh sshd sudo su", (J, "pam_oath|unable to dlopen|faulty module"), also=("error_burst",), why_also="nobody can log in, for a module that is missing")
def d_pam_module_missing(w: World) -> None:
    """Second factors are switched on and their PAM module is not installed: every login by password, su and sudo fail."""
    m = calm(w)
    m.sh("sed -i '1i auth required pam_oath.so usersfile=/etc/users.oath' /etc/pam.d/common-auth")
    w.every(5, lambda n: s.login(("mila", "tess")[n % 2], ("Harbour-lights", "North-wind")[n % 2]), first=2)
    after(w, m, 85)


@case(HOST, FILES, J, "auth_failures", "sudo", (J, "sudoers|syntax error|no valid sudoers|problem with defaults"), also=("error_burst",), why_also="nobody may do anything, for a file that is wrong")
def d_sudoers_broken(w: World) -> None:
    """A deploy wrote sudoers anew with a mistyped rule and the deploy user as its owner: sudo reads no rules and refuses everybody."""
    m = calm(w)
    m.sh("chmod 640 /etc/sudoers; printf '%%sudo ALL=(ALL:ALL ALL\\nmila = = ALL\\n' > /etc/sudoers; chown 1000 /etc/sudoers")
    w.every(6, lambda n: m.sh("echo Harbour-lights | su mila -c 'sudo -S -k -p \"\" systemctl restart gauge'"), first=2)
    after(w, m, 85)
