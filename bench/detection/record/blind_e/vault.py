"""A store of files: an rsync daemon, ProFTPD, and backups by restic and borg, with those who use them."""

from __future__ import annotations

import time

from ground import HOME, LOG, Any, World, chore, family, folder, port_open, python, quietly, sh, stop, touch

SOURCES = {"rsyncd.log": "rsyncd", "mirror.log": "mirror", "proftpd.log": "proftpd", "scans.log": "scans", "restic.log": "restic", "borg.log": "borg"}


def rsync_conf(path: str = "/srv/shop/depot", more: str = "") -> None:
    (HOME / "rsyncd.conf").write_text(
        f"address = 127.0.3.61\nport = 873\nlog file = {LOG}/rsyncd.log\nuse chroot = no\nmax connections = 4\nlock file = /run/rsyncd.lock\nreverse lookup = no\n"
        f"uid = root\ngid = root\n[depot]\n path = {path}\n read only = no\n auth users = mirror\n secrets file = /srv/shop/rsyncd.secrets\n{more}")


def secret(word: str) -> None:
    path = HOME / "rsyncd.secrets"
    path.write_text(f"mirror:{word}\n")
    path.chmod(0o600)


def rsyncd(world: World) -> Any:
    one = world.spawn(["rsync", "--daemon", "--no-detach", f"--config={HOME}/rsyncd.conf"], log="rsyncd.out")
    port_open("127.0.3.61", 873)
    return one


def ftp_conf(more: str = "") -> None:
    (HOME / "proftpd.conf").write_text(
        f"ServerName \"files\"\nServerType standalone\nDefaultAddress 127.0.3.61\nSocketBindTight on\nPort 2121\nUser proftpd\nGroup nogroup\nUseIPv6 off\nSystemLog {LOG}/proftpd.log\n"
        "WtmpLog off\nUseReverseDNS off\nAuthPAM off\nAuthOrder mod_auth_file.c\nAuthUserFile /srv/shop/ftp/users\nRequireValidShell off\nDefaultRoot ~\nMaxInstances 20\n"
        f"PidFile /run/proftpd.pid\nScoreboardFile /run/proftpd.score\nDelayEngine off\nAllowOverwrite on\nSyslogLevel info\n{more}")


def ftp_user(word: str) -> None:
    sh(f"mkdir -p {HOME}/ftp; rm -f {HOME}/ftp/users; echo {word} | ftpasswd --passwd --stdin --file={HOME}/ftp/users --name=scanner --uid=8 --gid=8 --home=/srv/shop/pages --shell=/bin/false; chmod 600 {HOME}/ftp/users")


def proftpd(world: World) -> Any:
    one = world.spawn(["proftpd", "-n", "-q", "-c", str(HOME / "proftpd.conf")], log="proftpd.out")
    port_open("127.0.3.61", 2121)
    return one


def job(world: World, name: str, *argv: str, log: str = "", **env: str) -> Any:
    touch(f"{log or name}.log")
    return world.spawn(["/bin/bash", str(HOME / f"app/{name}.sh"), *argv], log=f"{log or name}.log", env=env)


@family("vault", SOURCES)
def start(world: World, depot: int = 0, pages: int = 0, vault: int = 0) -> dict[str, Any]:
    touch(*SOURCES)
    # ProFTPD trusts no folder into which everybody may write
    LOG.chmod(0o755)
    for name, size in (("depot", depot), ("vault", vault)):
        folder(name, "root", world, size)
    folder("pages", "mail", world, pages)
    for name in ("drawings", "books", "cache"):
        folder(name, "root", world)
    rsync_conf()
    secret("paper-crane")
    ftp_conf()
    ftp_user("glass-plate")
    (HOME / "restic.pass").write_text("chalk-and-slate\n")
    sh("RESTIC_PASSWORD_FILE=/srv/shop/restic.pass restic -q -r /srv/shop/vault/restic init; BORG_BASE_DIR=/srv/shop/cache BORG_PASSPHRASE=salt-and-iron borg init -e repokey /srv/shop/vault/borg")
    run: dict[str, Any] = {"rsyncd": rsyncd(world), "proftpd": proftpd(world)}
    run["mirror"] = job(world, "mirror")
    run["scans"] = python(world, "scans")
    for kind in ("restic", "borg"):
        run[kind] = job(world, "nightly", kind, log=kind)
    return run


def ftp_login(who: str, word: str) -> None:
    """Somebody logs in by hand."""
    sh(f"curl -s -m 6 -u '{who}:{word}' ftp://127.0.3.61:2121/")


# ── everyday life ────────────────────────────────────────────────────────────────────────────
@chore("vault")
def person(world: World, run: Any) -> None:
    """a person mistypes the passwords of FTP twice and of rsync once"""
    for word in ("glassplate", "Glass-plate"):
        ftp_login("scanner", word)
    sh("RSYNC_PASSWORD=papercrane rsync rsync://mirror@files.grid.example/depot/; rsync rsync://files.grid.example/depott/")


@chore("vault")
def deploys(world: World, run: Any) -> None:
    """the scanner is switched off and on again; the mirror's job is started anew"""
    stop(run["scans"])
    time.sleep(3)
    run["scans"] = python(world, "scans")
    stop(run["mirror"])
    run["mirror"] = job(world, "mirror")


@chore("vault")
def ftp_restart(world: World, run: Any) -> None:
    """ProFTPD is upgraded: away for three seconds"""
    stop(run["proftpd"])
    time.sleep(3)
    run["proftpd"] = proftpd(world)


@chore("vault")
def visitors(world: World, run: Any) -> None:
    """a scanner of ports knocks, and somebody breaks an upload off"""
    quietly(lambda: port_open("127.0.3.61", 873), lambda: port_open("127.0.3.61", 2121))
    sh("printf 'GET / HTTP/1.0\\r\\n\\r\\n' | timeout 3 bash -c 'exec 3<>/dev/tcp/127.0.3.61/2121; cat >&3; cat <&3'; curl -s -m 0.05 -T /srv/shop/drawings/sheet-1.dat -u scanner:glass-plate ftp://127.0.3.61:2121/x.dat")


@chore("vault")
def import_files(world: World, run: Any) -> None:
    """four hundred small drawings are imported at once"""
    sh("for n in $(seq 400); do head -c 900 /dev/urandom > /srv/shop/drawings/old-$n.dat; done")


@chore("vault")
def rsync_restart(world: World, run: Any) -> None:
    """the rsync daemon is restarted as one plans it"""
    stop(run["rsyncd"])
    time.sleep(1)
    run["rsyncd"] = rsyncd(world)


@chore("vault")
def second_backup(world: World, run: Any) -> None:
    """an operator makes a backup by hand, at the same time as the job does"""
    sh("RESTIC_PASSWORD_FILE=/srv/shop/restic.pass restic -q -r /srv/shop/vault/restic backup /srv/shop/drawings; RESTIC_PASSWORD_FILE=/srv/shop/restic.pass restic -q -r /srv/shop/vault/restic snapshots")


@chore("vault")
def rotation(world: World, run: Any) -> None:
    """logs are rotated by copying"""
    for name in ("rsyncd", "proftpd"):
        sh(f"cp {LOG}/{name}.log {LOG}/{name}.log.1; : > {LOG}/{name}.log")
