"""A world to break: private network, processes, mounts, devices, host name and cgroup. For the recording scripts.

Needs root on Linux with version-1 cgroups. Everything that a script starts lives in the namespaces of its
world and ends with it; every address is on the world's own loopback. The data lies under /srv/shop.
"""

from __future__ import annotations

import gzip
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
HOME = Path("/srv/shop")
LOG = HOME / "log"
STORE = Path("/var/lib/sra-corpus")
CGROUPS = Path("/sys/fs/cgroup")
NAMES = {
    "127.0.0.11": "db.shop.internal",
    "127.0.0.12": "cache.shop.internal",
    "127.0.0.13": "crm-db.shop.internal",
    "127.0.0.14": "queue.shop.internal",
    "127.0.0.15": "sessions.shop.internal",
    "127.0.0.20": "www.shop.internal",
    "127.0.0.21": "edge.shop.internal",
    "127.0.0.30": "app.shop.internal",
    "127.0.0.31": "payment.shop.internal",
    "127.0.0.32": "billing.shop.internal",
}


def _run(*argv: str) -> None:
    subprocess.run(argv, check=True)


class World:
    """The surroundings of one recording. The first call starts the script again inside the namespaces."""

    def __init__(
        self, name: str, *, cpu: float = 0.5, memory_mb: int = 2500, host: str = "shop-1", nice: int = 19
    ) -> None:
        self.name, self.cpu, self.memory, self.host = name, cpu, memory_mb << 20, host
        self.nice = nice
        self.cgroups = [CGROUPS / kind / f"corpus-{name}" for kind in ("cpu", "cpuacct", "memory")]
        if os.environ.get("CORPUS_WORLD") != name:
            sys.exit(self._outside())
        self._inside()
        self.broken_at: float | None = None
        self.ready_at: float | None = None
        self.processes: list[subprocess.Popen[bytes]] = []
        self.threads: list[threading.Thread] = []
        self.stop = threading.Event()
        self.points: list[dict[str, Any]] = []
        self.grown: dict[str, list[tuple[int, int]]] = {}
        threading.Thread(target=self._watch, daemon=True).start()

    # ── entering ─────────────────────────────────────────────────────────────────────────────
    def _outside(self) -> int:
        base = STORE / self.name
        if self.cgroups[0].exists():
            print(f"a world {self.name} is at work already; its files are not to be touched")
            return 1
        shutil.rmtree(base, ignore_errors=True)
        base.mkdir(parents=True)
        STORE.chmod(0o755)
        for group in self.cgroups:
            group.mkdir(exist_ok=True)
        (self.cgroups[0] / "cpu.cfs_quota_us").write_text(str(int(self.cpu * 100_000)))
        (self.cgroups[2] / "memory.limit_in_bytes").write_text(str(self.memory))
        os.nice(self.nice - os.nice(0))

        def join() -> None:
            for group in self.cgroups:
                (group / "cgroup.procs").write_text(str(os.getpid()))

        environment = {
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": "/root",
            "LANG": "C.UTF-8",
            "TZ": "UTC",
            "CORPUS_WORLD": self.name,
            "PYTHONPATH": f"{ROOT}:{ROOT}/sdk",
            "PYTHONDONTWRITEBYTECODE": "1",
            "CORPUS_SET": os.environ.get("CORPUS_SET", "corpus"),
            **{key: value for key, value in os.environ.items() if key in ("CORPUS_SECONDS", "CORPUS_NAME")},
        }
        done = subprocess.run(
            [
                "unshare",
                "--net",
                "--mount",
                "--uts",
                "--ipc",
                "--pid",
                "--fork",
                "--kill-child",
                "--mount-proc",
                sys.executable,
                *sys.argv,
            ],
            env=environment,
            preexec_fn=join,
            check=False,
        )
        for group in self.cgroups:
            for _ in range(50):
                try:
                    group.rmdir()
                    break
                except OSError:
                    time.sleep(0.1)
        if done.returncode == 0 and not os.environ.get("CORPUS_KEEP"):
            shutil.rmtree(base, ignore_errors=True)
        return done.returncode

    def _inside(self) -> None:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
        socket.sethostname(self.host)
        _run("ip", "link", "set", "lo", "up")
        _run("mount", "-t", "tmpfs", "tmpfs", "/mnt")
        for name in ("up", "work", "dev", "host"):
            Path("/mnt", name).mkdir()
        _run(
            "mount",
            "-t",
            "overlay",
            "overlay",
            "-o",
            "lowerdir=/etc,upperdir=/mnt/up,workdir=/mnt/work",
            "/etc",
        )
        Path("/etc/hosts").write_text(
            "127.0.0.1 localhost\n127.0.1.1 "
            + self.host
            + "\n"
            + "".join(f"{address} {name} {name.partition('.')[0]}\n" for address, name in NAMES.items())
        )
        Path("/etc/resolv.conf").write_text("nameserver 127.0.0.53\noptions timeout:1 attempts:1\n")
        Path("/etc/hostname").write_text(self.host + "\n")
        self._devices()
        out = HERE.parent / os.environ["CORPUS_SET"]
        out.mkdir(exist_ok=True)
        _run("mount", "--bind", str(out), "/mnt/host")
        HOME.mkdir(exist_ok=True)
        _run("mount", "--bind", str(STORE / self.name), str(HOME))
        for path in ("/tmp", "/run"):
            _run("mount", "-t", "tmpfs", "-o", "mode=1777" if path == "/tmp" else "mode=755", "tmpfs", path)
        for path in ("/run/sshd", "/run/postgresql", "/run/mysqld", "/run/lock"):
            Path(path).mkdir(mode=0o755, parents=True)
        Path("/run/postgresql").chmod(0o777)
        Path("/run/mysqld").chmod(0o777)
        LOG.mkdir(mode=0o777)
        LOG.chmod(0o777)
        shutil.copytree(HERE / "apps", HOME / "app")
        self.out = Path("/mnt/host") / self.name
        os.chdir(HOME)

    def _devices(self) -> None:
        _run("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", "/mnt/dev")
        for name, major, minor in (
            ("null", 1, 3),
            ("zero", 1, 5),
            ("full", 1, 7),
            ("random", 1, 8),
            ("urandom", 1, 9),
            ("tty", 5, 0),
        ):
            os.mknod(f"/mnt/dev/{name}", 0o20666, os.makedev(major, minor))
            os.chmod(f"/mnt/dev/{name}", 0o666)
        os.mknod("/mnt/dev/loop-control", 0o20660, os.makedev(10, 237))
        for n in range(64):
            os.mknod(f"/mnt/dev/loop{n}", 0o60660, os.makedev(7, n))
        for name in ("pts", "shm"):
            Path("/mnt/dev", name).mkdir()
        _run("mount", "-t", "devpts", "-o", "newinstance,ptmxmode=0666,mode=0620", "devpts", "/mnt/dev/pts")
        _run("mount", "-t", "tmpfs", "-o", "mode=1777", "tmpfs", "/mnt/dev/shm")
        os.symlink("pts/ptmx", "/mnt/dev/ptmx")
        os.symlink("/proc/self/fd", "/mnt/dev/fd")
        for n, name in enumerate(("stdin", "stdout", "stderr")):
            os.symlink(f"/proc/self/fd/{n}", f"/mnt/dev/{name}")
        _run("mount", "--move", "/mnt/dev", "/dev")

    # ── programs ─────────────────────────────────────────────────────────────────────────────
    def spawn(
        self,
        argv: list[str],
        *,
        log: str = "",
        user: str | None = None,
        env: dict[str, str] | None = None,
        cwd: Path = HOME,
        before: Callable[[], None] | None = None,
    ) -> subprocess.Popen[bytes]:
        """Start a program; what it prints is appended to `log`."""
        with open(LOG / log if log else "/dev/null", "ab") as out:
            process = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                cwd=cwd,
                user=user,
                group=user,
                extra_groups=[] if user else None,
                start_new_session=True,
                preexec_fn=before,
                env={
                    "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
                    "HOME": str(HOME),
                    "LANG": "C.UTF-8",
                    "TZ": "UTC",
                    "PYTHONDONTWRITEBYTECODE": "1",
                    **(env or {}),
                },
            )
        self.processes.append(process)
        return process

    def disk(self, path: Path, megabytes: int, user: str | None = None) -> Path:
        """Mount a small ext4 file system of its own at a path."""
        image = HOME / f"disk-{path.name}.img"
        with image.open("wb") as file:
            file.truncate(megabytes << 20)
        _run("mkfs.ext4", "-q", "-m", "0", "-O", "^has_journal", str(image))
        path.mkdir(parents=True, exist_ok=True)
        _run("mount", "-o", "loop", str(image), str(path))
        shutil.rmtree(path / "lost+found")
        if user:
            shutil.chown(path, user, user)
        return path

    # ── load, moments ────────────────────────────────────────────────────────────────────────
    def every(self, seconds: float, work: Callable[[int], None], *, first: float = 0.0) -> None:
        """Do something again and again in a thread of its own, whatever becomes of it."""

        def run() -> None:
            if self.stop.wait(first):
                return
            n = 0
            while True:
                # the load goes on while everything burns
                with suppress(Exception):
                    work(n)
                n += 1
                if self.stop.wait(seconds):
                    return

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        self.threads.append(thread)

    def ready(self) -> None:
        """Say that all has started: from here on the recording counts."""
        self.ready_at = time.time()

    def breaks(self) -> None:
        """Say that the failure begins now."""
        self.broken_at = time.time()
        print(f"{self.name}: breaks", flush=True)

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)

    def _watch(self) -> None:
        """Note how the logs grow, for the lines that carry no time."""
        sizes: dict[str, int] = {}
        while True:
            for path in LOG.iterdir():
                with suppress(OSError):
                    size = path.stat().st_size
                    if size != sizes.get(path.name, 0):
                        sizes[path.name] = size
                        self.grown.setdefault(path.name, []).append((time.time_ns() // 1000, size))
            time.sleep(0.25)

    # ── measuring ────────────────────────────────────────────────────────────────────────────
    def measure(self, seconds: float = 10.0, probes: tuple[dict[str, Any], ...] = ()) -> None:
        """Collect the agent's own measures and probes until the end."""
        from measure import gather

        gather(self, seconds, probes)

    # ── the end ──────────────────────────────────────────────────────────────────────────────
    def finish(self, case: dict[str, Any], sources: dict[str, str]) -> None:
        """Store logs and points. `sources`: file name → service ("" when its lines name it).

        `case["decisive"]` is (source, pattern): the first line from the break on that matches is the sign;
        or ("points", name, service, test): the first such point.
        """
        from keep import keep

        self.stop.set()
        keep(self, case, sources)
        print(f"{self.name}: stored", flush=True)
        for process in self.processes:
            process.poll()
        os._exit(0)


def port_open(address: str, port: int, seconds: float = 30.0) -> None:
    """Wait until somebody listens."""
    end = time.monotonic() + seconds
    while True:
        try:
            socket.create_connection((address, port), 1).close()
            return
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)


def quiet(*argv: str, **more: Any) -> subprocess.CompletedProcess[bytes]:
    """Run a command whose output nobody wants."""
    return subprocess.run(
        argv,
        check=False,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        **more,
    )


__all__ = ["HOME", "LOG", "UTC", "Iterator", "World", "datetime", "gzip", "json", "port_open", "quiet", "re"]
