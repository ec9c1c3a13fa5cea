"""What breaks at the older services, and a time in which nothing does."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import old_stack as s
from cases import case, normal
from common import HOME, LOG, World, end, get, quiet

HOST, FILES = "old-1", s.FILES
FRONT = "nginx-access.log nginx-error.log "
DATA = HOME / "data"
NORMAL = float(os.environ.get("CORPUS_SECONDS", "1400"))


@normal(HOST, FILES)
def b_normal_old(w: World) -> None:
    """The older services: deploys, planned restarts, reloads, rotation, a backup, scanners, clients that hang up, a bulk import."""
    up = s.start(w)
    w.every(200, lambda n: [get(f"127.0.0.20/{p}") for p in ("wp-login.php", "wiki/../../etc/passwd", "admin.php", "cgi-bin/test", "legacy/none")], first=60)
    w.every(140, lambda n: get("127.0.0.20/members/9", timeout=0.001), first=80)

    def again(name: str, anew) -> None:
        if name == "php":
            # a reloaded FPM is not of the group that was started
            tell_php(signal.SIGTERM)
        end(up[name])
        up[name] = anew(w)

    def rotate() -> None:
        for name in ("nginx-access.log", "nginx-error.log"):
            os.rename(LOG / name, LOG / f"{name}.1")
        quiet("nginx", "-c", str(HOME / "nginx/nginx.conf"), "-s", "reopen")

    def load() -> None:
        for n in range(250):
            get(f"127.0.0.20/legacy/order/{n + 10000}")

    def backup() -> None:
        quiet("tar", "-czf", str(HOME / "backup.tar.gz"), "-C", str(HOME), "data")
        quiet("redis-cli", "-h", "127.0.0.12", "bgsave")

    def tell_php(what: signal.Signals) -> None:
        masters = subprocess.run(["pgrep", "-f", "php-fpm: master"], capture_output=True, text=True, check=False).stdout.split()
        for each in masters:
            os.kill(int(each), what)

    plan = ((110, lambda: again("members", s.members)), (210, lambda: again("legacy", s.legacy)), (310, rotate), (400, load),
            (500, lambda: again("sidekiq", s.sidekiq)), (600, backup), (700, lambda: tell_php(signal.SIGUSR2)), (800, lambda: again("redis", s.redis_here)),
            (900, lambda: again("members", s.members)), (1000, lambda: quiet("nginx", "-c", str(HOME / "nginx/nginx.conf"), "-s", "reload")),
            (1100, load), (1200, lambda: again("legacy", s.legacy)), (1300, lambda: again("php", s.php)))
    began = time.monotonic()
    for moment, act in plan:
        time.sleep(max(0.0, began + moment * NORMAL / 1400 - time.monotonic()))
        act()
    time.sleep(max(0.0, began + NORMAL - time.monotonic()))


def calm(w: World, **more: int) -> dict:
    up = s.start(w, **more)
    w.sleep(45)
    w.breaks()
    return up


def change(path: str, old: str, new: str) -> None:
    file = HOME / "app" / path
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))


@case(HOST, FILES, FRONT + "php-fpm.log", "error_burst", "php-fpm", ("php-fpm.log", "PHP Fatal error"), effects=("external_api_down",))
def b_php_fatal(w: World) -> None:
    """A release calls a method of null on two of three pages: fatal errors, answered with 500."""
    calm(w)
    change("wiki/index.php", "usleep(20000);", "usleep(20000);\n    if ($n % 3) {\n        $user = null;\n        $user->name();\n    }")
    w.sleep(70)


@case(HOST, FILES, FRONT + "php-fpm.log", "memory_exhaustion", "php-fpm", ("php-fpm.log", "Allowed memory size"), effects=("error_burst", "external_api_down"))
def b_php_memory(w: World) -> None:
    """A release reads all pages into memory; the limit of PHP ends the requests."""
    calm(w)
    change("wiki/index.php", "$i < 200", "$i < 2000000")
    w.sleep(70)


@case(HOST, FILES, FRONT + "php-fpm.log", "cpu_overload", "php-fpm", ("php-fpm.log", "reached pm.max_children"), also=("error_burst", "external_api_down"),
      why_also="all workers wait for something slow; that they are too few is what the log says", effects=("service_crash",))
def b_php_max_children(w: World) -> None:
    """What the pages need takes twelve seconds; all workers of PHP-FPM are busy and nginx gives up."""
    calm(w)
    change("wiki/index.php", "usleep(20000)", "usleep(12000000)")
    w.every(1.0, lambda n: get(f"127.0.0.20/wiki/?page={n % 100 + 1}"), first=0.1)
    w.every(1.0, lambda n: get(f"127.0.0.20/wiki/?page={n % 100 + 201}"), first=0.3)
    w.every(1.0, lambda n: get(f"127.0.0.20/wiki/?page={n % 100 + 301}"), first=0.6)
    w.sleep(75)


@case(HOST, FILES, FRONT + "php-fpm.log", "service_crash", "php-fpm", ("php-fpm.log", "SIGSEGV"), effects=("error_burst", "external_api_down"))
def b_php_segfault(w: World) -> None:
    """Each fourth page kills the PHP process that shows it, as a broken extension would."""
    calm(w)
    change("wiki/index.php", "usleep(20000);", "usleep(20000);\n    if ($n % 4 == 0) {\n        posix_kill(getmypid(), 11);\n    }")
    w.sleep(70)


@case(HOST, FILES, FRONT + "members.log", "error_burst", "members", ("members.log", "NoMethodError"), effects=("external_api_down",))
def b_ruby_no_method(w: World) -> None:
    """A release calls a method that numbers do not have; each member's page fails."""
    up = calm(w)
    change("members/config.ru", '"card of #{id}".upcase', 'id.upcase')
    end(up["members"])
    s.members(w)
    w.sleep(70)


@case(HOST, FILES, FRONT + "members.log", "service_crash", "members", ("members.log", "LoadError|cannot load such file"), effects=("error_burst", "external_api_down"))
def b_ruby_load_error(w: World) -> None:
    """A release requires a gem that is not installed; Puma ends at each start."""
    up = calm(w)
    change("members/config.ru", "require 'json'", "require 'json'\nrequire 'stripe_cards'")
    end(up["members"])
    s.members(w)
    w.sleep(70)


@case(HOST, FILES, FRONT + "members.log sidekiq.log redis.log", "service_crash", "redis", ("members.log", "CannotConnectError"), also=("database_failure",),
      why_also="Redis is a store, and gone: both names fit", effects=("error_burst", "external_api_down", "network_failure"))
def b_redis_gone_ruby(w: World) -> None:
    """Redis is killed: no store for the members, no queue for Sidekiq."""
    up = calm(w)
    end(up["redis"], signal.SIGKILL)
    w.sleep(70)


@case(HOST, FILES, FRONT + "members.log sidekiq.log", "error_burst", "sidekiq", ("sidekiq.log", "NameError|undefined local variable"), also=("queue_backlog",),
      why_also="all jobs fail and are put off to later")
def b_sidekiq_jobs_fail(w: World) -> None:
    """A release of the jobs has a mistyped name; each job fails and is tried again later."""
    up = calm(w)
    change("members/jobs.rb", "sleep 0.03", "sleep letter_delay")
    end(up["sidekiq"])
    s.sidekiq(w)
    w.sleep(70)


@case(HOST, FILES, FRONT + "legacy.log", "error_burst", "legacy", ("legacy.log", "Permission denied"), also=("service_crash",),
      why_also="a part of the application does not work any more", effects=("external_api_down",))
def b_perl_permission(w: World) -> None:
    """Somebody restores the data as root: the old application may not write any order."""
    calm(w)
    DATA.chmod(0o755)
    for each in DATA.glob("order-*"):
        os.chown(each, 0, 0)
        each.chmod(0o600)
    w.sleep(70)


def fill(keep_bytes: int = 0) -> None:
    with open(DATA / "debug.log", "wb") as out:
        block = b"DEBUG everything is written down here\n" * 2000
        try:
            while os.statvfs(DATA).f_bavail * 4096 > keep_bytes + len(block):
                out.write(block)
                out.flush()
        except OSError:
            pass
    if not keep_bytes:
        try:
            with open(DATA / "debug.log", "ab", buffering=0) as out:
                while True:
                    out.write(b"x" * 512)
        except OSError:
            pass


@case(HOST, FILES, FRONT + "legacy.log members.log sidekiq.log redis.log", "disk_full", "legacy members redis old-1",
      ("legacy.log", "No space left on device"), effects=("error_burst", "external_api_down", "database_failure", "memory_exhaustion"))
def b_disk_full_debug_log(w: World) -> None:
    """A debug log fills the disk that three services share."""
    calm(w)
    fill()
    w.sleep(80)


@case(HOST, FILES, FRONT + "legacy.log members.log sidekiq.log redis.log", "disk_full", "legacy members redis old-1",
      ("members.log", "ENOSPC|No space left"), effects=("error_burst", "external_api_down", "database_failure", "memory_exhaustion"))
def b_inodes_exhausted(w: World) -> None:
    """A job leaves thousands of empty files: the disk has bytes and no inodes."""
    calm(w, megabytes=24)
    folder = DATA / "sessions"
    folder.mkdir()
    try:
        for n in range(100_000):
            Path(folder, f"sess_{n:08d}").touch()
    except OSError:
        pass
    # each member's card and each order of a new number need an inode
    w.sleep(80)


@case(HOST, FILES, FRONT + "legacy.log members.log sidekiq.log redis.log", "error_burst", "legacy members redis old-1", ("legacy.log", "Read-only file system"),
      also=("disk_full", "service_crash"), why_also="no class is for a disk that takes no writes; its effect is that of a full one",
      effects=("external_api_down", "database_failure"))
def b_disk_read_only(w: World) -> None:
    """The kernel has remounted the shared disk read-only, as after an error of it."""
    calm(w)
    subprocess.run(["mount", "-o", "remount,ro", str(DATA)], check=False)
    w.sleep(80)


@case(HOST, FILES, FRONT + "legacy.log", "service_crash", "legacy", ("nginx-error.log", "Connection refused"), also=("external_api_down",), silent=True,
      why_also="nginx is refused by its upstream", effects=("error_burst", "network_failure"))
def b_starman_killed(w: World) -> None:
    """Starman is killed and nobody starts it again."""
    up = calm(w)
    end(up["legacy"], signal.SIGKILL)
    w.sleep(70)


@case(HOST, FILES, FRONT + "members.log", "service_crash", "members", ("nginx-error.log", "upstream timed out"), also=("external_api_down", "deadlock"), silent=True,
      why_also="a process that hangs: who waits for it sees only that it does not answer", effects=("error_burst", "network_failure"))
def b_puma_hangs(w: World) -> None:
    """Puma is stopped in its tracks; its health check and nginx wait in vain."""
    up = calm(w)
    os.killpg(up["members"].pid, signal.SIGSTOP)
    w.sleep(80)
