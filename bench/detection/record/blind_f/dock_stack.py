"""A docker host: dockerd with four containers (nginx, a Python API, Redis, a worker), whose logs are those of docker's json-file driver."""

from __future__ import annotations

import shutil
import subprocess
import threading
from pathlib import Path
from typing import Any

from common import (
    HOME,
    LOG,
    TOOLS,
    World,
    ask,
    port_open,
    quiet,
    run,
    strew,
    until,
)

CONTAINERS = ("edge", "api", "cache", "worker")
FILES = {**{f"{name}-json.log": name for name in CONTAINERS}, "dockerd.log": "dockerd", "kern.log": "kernel"}
PROBES = ({"name": "edge", "service": "edge", "http": "http://127.0.0.20:80/health"},
          {"name": "api", "service": "api", "http": "http://127.0.0.21:8000/health"})
EDGE, SOCKET, DATA = "127.0.0.20", "unix:///run/docker.sock", HOME / "docker"
USUAL = {
    "edge": ("-p", f"{EDGE}:80:80", "-v", f"{HOME}/app/dock/nginx.conf:/etc/nginx/nginx.conf:ro"),
    "api": ("-p", "127.0.0.21:8000:8000", "-e", "PRACTICE_NAME=Lindenhof", "-v", f"{HOME}/app/dock:/app:ro",
            "--health-cmd", "wget -q -O /dev/null http://127.0.0.1:8000/health", "--health-interval", "10s", "--health-timeout", "5s"),
    "cache": (),
    "worker": ("-v", f"{HOME}/app/dock:/app:ro", "-v", f"{HOME}/letters:/data"),
}
COMMAND = {"edge": ("/usr/sbin/nginx",), "api": ("/app/api.py",), "worker": ("/app/worker.py",),
           "cache": ("/usr/bin/redis-server", "--protected-mode", "no", "--save", "")}
PROGRAMS = ("usr/bin/python3.11", "usr/bin/redis-server", "usr/sbin/nginx")


def image() -> Path:
    """Pack the image's files once, for all worlds: three programs of Debian with their libraries, and busybox."""
    tar, folder = TOOLS / "image.tar", TOOLS / "image"
    if not tar.exists():
        root = TOOLS / "rootfs"
        shutil.rmtree(folder, ignore_errors=True)
        for name in ("bin", "etc", "tmp", "var/log/nginx", "var/lib/nginx", "usr/share/nginx/modules-available", "usr/lib/python3"):
            (folder / name).mkdir(parents=True)
        told = subprocess.run(["chroot", str(root), "ldd", *(f"/{each}" for each in PROGRAMS)], capture_output=True, text=True, check=True).stdout
        libraries = {word for word in told.split() if word.startswith("/") and not word.endswith(":")}
        libraries |= {f"/lib/x86_64-linux-gnu/{each}" for each in ("libnss_dns.so.2", "libnss_files.so.2", "libresolv.so.2")}
        for each in (*PROGRAMS, *libraries):
            target = folder / each.lstrip("/")
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(root / each.lstrip("/"), target)
        shutil.copytree(root / "usr/lib/python3.11", folder / "usr/lib/python3.11", symlinks=True)
        (folder / "usr/bin/python3").symlink_to("python3.11")
        shutil.copy("/bin/busybox", folder / "bin/busybox")
        for name in ("sh", "wget", "ls", "cat", "sleep"):
            (folder / "bin" / name).symlink_to("busybox")
        (folder / "etc/passwd").write_text("root:x:0:0::/:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n")
        (folder / "etc/group").write_text("root:x:0:\nnogroup:x:65534:\n")
        (folder / "etc/nsswitch.conf").write_text("hosts: files dns\n")
        subprocess.run(["tar", "-C", str(folder), "-cf", str(tar), "."], check=True)
    return tar


def docker(*argv: str, seconds: float = 60) -> str:
    """Tell the daemon something; return what it says."""
    try:
        done = subprocess.run(["docker", "-H", SOCKET, *argv], capture_output=True, text=True, timeout=seconds, check=False)
    except subprocess.TimeoutExpired:
        return ""
    return (done.stdout + done.stderr).strip()


def create(name: str, *more: str, tag: str = "5.0", usual: bool = True, command: tuple[str, ...] = ()) -> None:
    """Run a container; its log is linked to where the world's logs are."""
    network = () if "--network" in more else ("--network", "clinic")
    print(docker("run", "-d", "--restart", "always", "--name", name, *network, *(USUAL[name] if usual else ()), *more, f"clinic:{tag}",
                 *(command or COMMAND[name])), flush=True)
    link(name)


def link(name: str) -> None:
    """Show the newest log of a container among the world's."""
    path = docker("inspect", "--format", "{{.LogPath}}", name)
    if path.startswith("/"):
        (LOG / f"{name}-json.log").unlink(missing_ok=True)
        (LOG / f"{name}-json.log").symlink_to(path)


def remove(name: str, seconds: int = 3) -> None:
    """Stop and remove a container; its log is kept as a rotated one."""
    docker("stop", "-t", str(seconds), name)
    older = len(list(LOG.glob(f"{name}-json.log.*")))
    log = LOG / f"{name}-json.log"
    shutil.copy(log, LOG / f"{name}-json.log.{90 - older}")
    docker("rm", "-f", name)
    log.unlink()


def deploy(name: str, *more: str, **given: Any) -> None:
    """Replace a container by one of a newer release."""
    remove(name)
    create(name, *more, **given)


def kernel() -> None:
    """Write what the kernel says of this host's programs; of the machine's other programs nothing."""
    # the world's devices have none for it
    quiet("mknod", "/dev/kmsg", "c", "1", "11")
    with (LOG / "kern.log").open("ab") as out:
        reader = subprocess.Popen(["dmesg", "--follow-new", "--time-format", "iso"], stdout=subprocess.PIPE)
        subprocess.Popen(["grep", "--line-buffered", "-E", r"Killed process [0-9]+ \((api|worker)\.py\)|(api|worker)\.py(\[|\s).*(invoked oom|segfault)"],
                         stdin=reader.stdout, stdout=out)


def daemon(w: World) -> None:
    """Start dockerd on a disk of its own."""
    run(w, "dockerd.log", "dockerd", "--data-root", str(DATA), "--exec-root", "/run/docker", "--pidfile", "/run/docker.pid", "-H", SOCKET,
        "--cgroup-parent", f"/corpus-{w.name}", user=None, cwd=HOME, again=False)
    for _ in range(100):
        if "Server Version" in docker("info"):
            return
        w.sleep(0.3)
    raise SystemExit("dockerd does not start")


def start(w: World, disk_mb: int = 260) -> None:
    tar = image()
    w.disk(DATA, disk_mb)
    w.disk(HOME / "letters", 6)
    for each in (HOME / "app/dock").glob("*.py"):
        each.chmod(0o755)
    kernel()
    daemon(w)
    docker("import", str(tar), "clinic:5.0")
    docker("network", "create", "clinic")
    for name in ("cache", "api", "worker", "edge"):
        create(name)
    port_open(EDGE, 80)
    until(f"{EDGE}/appointment/7")
    w.sleep(3)
    w.ready()
    w.measure(10, PROBES)
    strew(w, 1.0, f"{EDGE}/appointment/#")
    strew(w, 2.7, f"{EDGE}/appointment/#", first=0.5)
    strew(w, 29, f"{EDGE}/favicon.ico", f"{EDGE}/.env", first=12)


def crowd(w: World, people: int, seconds: float = 1.0) -> None:
    """More people who ask for appointments."""
    for each in range(people):
        w.every(seconds, lambda n: ask(f"{EDGE}/appointment/{n * 13 % 900 + 1}", timeout=20), first=each * 0.15)


def thread(*argv: str) -> None:
    """Tell the daemon something that takes long."""
    threading.Thread(target=docker, args=argv, daemon=True).start()
