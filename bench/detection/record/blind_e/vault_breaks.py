"""Failures of a store of files and of backups."""

from __future__ import annotations

import os
import subprocess
import time

from ground import HOME, Any, Path, World, case, kill, sh, stop
from vault import ftp_conf, ftp_login, ftp_user, proftpd, rsync_conf, secret

ERRORS = ("error_burst", "external_api_down")


@case("vault", "disk_full", "rsyncd mirror", ("rsyncd.log", "(?i)no space"), options={"depot": 12}, effects=(*ERRORS, "service_crash"))
def rsync_disk_full(world: World, run: Any) -> None:
    """The disk of the depot is filled by an archive; what the mirror pushes finds no room."""
    sh("dd if=/dev/zero of=/srv/shop/depot/archive.zip bs=64k")


@case("vault", "auth_failures", "rsyncd mirror", ("rsyncd.log", "(?i)auth failed"), effects=ERRORS)
def rsync_secret_rotated(world: World, run: Any) -> None:
    """The secret of the depot is rotated and not where the mirror has it."""
    secret("paper-boat")


@case("vault", "error_burst", "rsyncd mirror", ("rsyncd.log", "(?i)chdir|no such file"), effects=ERRORS, also=("disk_full", "external_api_down"),
      why_also="a folder that is not there after a deploy; no word of the vocabulary means that")
def rsync_path_missing(world: World, run: Any) -> None:
    """A deploy names a folder for the depot that is not mounted."""
    rsync_conf("/srv/shop/depot-2")


@case("vault", "service_crash", "rsyncd", ("mirror.log", "(?i)refused"), silent=True, also=("external_api_down",), why_also="told by the mirror")
def rsync_killed(world: World, run: Any) -> None:
    """The rsync daemon is killed and does not come back."""
    kill(run["rsyncd"])


@case("vault", "error_burst", "restic", ("restic.log", "(?i)unable to create lock|already locked|exclusive"), after=80)
def restic_locked(world: World, run: Any) -> None:
    """A clean-up that was killed left an exclusive lock in the repository; each backup gives up."""
    env = {**os.environ, "RESTIC_PASSWORD_FILE": "/srv/shop/restic.pass", "RESTIC_REPOSITORY": "/srv/shop/vault/restic", "RESTIC_CACHE_DIR": "/srv/shop/cache/restic"}
    locks = HOME / "vault/restic/locks"

    def whole() -> list[Path]:
        """The locks that are written to their end."""
        return [each for each in locks.iterdir() if len(each.name) == 64]

    for _ in range(25):
        while whole():
            time.sleep(0.02)
        prune = subprocess.Popen(["restic", "-q", "prune"], env=env)
        while prune.poll() is None and not whole():
            time.sleep(0.001)
        prune.kill()
        prune.wait()
        left = [subprocess.run(["restic", "-q", "--no-lock", "cat", "lock", each.name], env=env, capture_output=True, text=True, check=False).stdout for each in whole()]
        # a backup of the job may have come in between, whose lock is a shared one and goes away
        if any('"exclusive": true' in each for each in left):
            return


@case("vault", "error_burst", "restic", ("restic.log", "ERROR restic check failed"), also=("disk_full", "database_failure"), after=90,
      why_also="damaged data: no word of the vocabulary means that")
def restic_packs_damaged(world: World, run: Any) -> None:
    """A disk returns wrong bytes: packs of the repository are damaged, and its check finds it."""
    sh("find /srv/shop/vault/restic/data -type f | head -n 40 | while read f; do chmod u+w $f; printf 'rust-and-dust' | dd of=$f bs=1 seek=200 conv=notrunc; done")


@case("vault", "auth_failures", "restic", ("restic.log", "(?i)wrong password|no key found"), also=("error_burst",), why_also="a password that is wrong after a deploy, of a file and not of a login", after=70)
def restic_wrong_password(world: World, run: Any) -> None:
    """A deploy brings the password of another repository; restic cannot open this one."""
    sh("echo chalk-and-board > /srv/shop/restic.pass")


@case("vault", "disk_full", "restic borg", ("restic.log", "(?i)no space"), options={"vault": 40}, effects=(*ERRORS, "service_crash"), after=80)
def vault_disk_full(world: World, run: Any) -> None:
    """The disk of the backups is full of an export; neither restic nor borg can write."""
    sh("dd if=/dev/zero of=/srv/shop/vault/export.img bs=64k")


@case("vault", "error_burst", "borg", ("borg.log", "(?i)failed to create/acquire the lock|lock"), after=80)
def borg_locked(world: World, run: Any) -> None:
    """Somebody looks after the repository and keeps it locked; each backup gives up after its wait."""
    world.spawn(["borg", "with-lock", "/srv/shop/vault/borg", "sleep", "300"], env={"BORG_BASE_DIR": "/srv/shop/cache", "BORG_PASSPHRASE": "salt-and-iron"})


@case("vault", "error_burst", "borg", ("borg.log", "(?i)integrity|checksum|corrupt|does not exist|error"), also=("database_failure", "disk_full"), after=90,
      why_also="damaged data: no word of the vocabulary means that")
def borg_repository_damaged(world: World, run: Any) -> None:
    """Segments of the repository are lost by a disk; borg finds what is missing and ends."""
    sh("find /srv/shop/vault/borg/data -type f | head -n 30 | while read f; do printf 'rust-and-dust' | dd of=$f bs=1 seek=60 conv=notrunc; done")


@case("vault", "auth_failures", "proftpd scans", ("proftpd.log", "(?i)incorrect password|login failed"), effects=ERRORS)
def ftp_password_rotated(world: World, run: Any) -> None:
    """The scanner's password is rotated on the FTP server and not at the scanner."""
    ftp_user("lamp-and-lens")


@case("vault", "auth_failures", "proftpd", ("proftpd.log", "(?i)no such user|incorrect password"))
def ftp_guessing(world: World, run: Any) -> None:
    """Somebody from outside tries passwords of many names at the FTP server."""
    for n in range(70):
        ftp_login(("admin", "root", "scanner", "www", "test")[n % 5], f"winter{2000 + n}")


@case("vault", "error_burst", "proftpd scans", ("scans.log", "550"), effects=ERRORS, also=("disk_full",), silent=True,
      why_also="rights of a folder are wrong: no word of the vocabulary means that")
def ftp_wrong_owner(world: World, run: Any) -> None:
    """A restored backup leaves the pages to root; the scanner may not store any more."""
    sh("chown -R root:root /srv/shop/pages; chmod -R go-w /srv/shop/pages")


@case("vault", "service_crash", "proftpd", ("scans.log", "(?i)refused"), silent=True, effects=ERRORS, also=("external_api_down", "error_burst"),
      why_also="ProFTPD does not start with its new configuration and says so where nobody reads")
def ftp_config_broken(world: World, run: Any) -> None:
    """A deploy brings a directive that ProFTPD does not know; restarted, it does not come up."""
    ftp_conf("PassivePorts 50000 50100\nTransferRates 200\n")
    stop(run["proftpd"])
    try:
        run["proftpd"] = proftpd(world)
    except OSError:
        return


@case("vault", "disk_full", "proftpd scans", ("scans.log", "(?i)552|no space|451|452"), options={"pages": 8}, effects=ERRORS, silent=True)
def ftp_disk_full(world: World, run: Any) -> None:
    """The disk of the pages is full; the FTP server can store no page."""
    sh("dd if=/dev/zero of=/srv/shop/pages/big.tif bs=4k")
