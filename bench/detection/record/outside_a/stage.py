"""A stage for failures of databases, caches, queues and proxies: hosts, programs, load, cases. To run.

Families of programs are functions of a world; cases break a family; chores are what everyday life does to it.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from world import HOME, LOG, World, port_open, quiet  # noqa: E402

VENV = "/srv/venv-a/bin"
HOSTS = """127.0.0.1 localhost
127.0.1.1 node-7
127.0.0.41 db1.lan
127.0.0.42 db2.lan
127.0.0.43 pool.lan
127.0.0.44 orders.lan
127.0.0.45 www.lan
127.0.0.51 crmdb1.lan
127.0.0.52 crmdb2.lan
127.0.0.53 crm.lan
127.0.0.54 intranet.lan
127.0.0.61 edge.lan
127.0.0.62 api1.lan
127.0.0.63 api2.lan
127.0.0.64 api3.lan
127.0.0.65 secure.lan
127.0.0.66 vault.lan
127.0.0.67 cdn.lan
127.0.0.68 api5.lan
127.0.0.69 proxy.lan
127.0.0.71 cache1.lan
127.0.0.72 cache2.lan
127.0.0.73 basket.lan
127.0.0.81 mq.lan
127.0.0.82 kv.lan
127.0.0.83 iot.lan
127.0.0.84 jobs.lan
127.0.0.91 ldap.lan
127.0.0.92 portal.lan
127.0.0.93 notes.lan
"""


@dataclass(frozen=True, kw_only=True)
class Case:
    """One failure: which programs, how they are broken, and what an engineer would file it under."""

    family: str
    act: Callable[[World, Any], None]
    cls: str
    culprit: tuple[str, ...]
    decisive: tuple[str, str]
    story: str
    also: tuple[str, ...] = ()
    why_also: str = ""
    effects: tuple[str, ...] = ("error_burst", "external_api_down")
    silent: bool = False
    after: float = 68
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(kw_only=True)
class Family:
    """How to start some programs, which log belongs to which service, and the chores of a normal hour."""

    start: Callable[..., Any]
    sources: dict[str, str]
    chores: list[Callable[[World, Any], None]] = field(default_factory=list)
    memory: int = 2500


FAMILIES: dict[str, Family] = {}
CASES: dict[str, Case] = {}


def family(name: str, sources: dict[str, str], **more: Any) -> Callable[[Any], Any]:
    def keep(start: Any) -> Any:
        FAMILIES[name] = Family(start=start, sources=sources, **more)
        return start

    return keep


def chore(name: str) -> Callable[[Any], Any]:
    def keep(act: Any) -> Any:
        FAMILIES[name].chores.append(act)
        return act

    return keep


def case(name: str, cls: str, culprit: str, decisive: tuple[str, str], **more: Any) -> Callable[[Any], Any]:
    """Register a case; its docstring is the story, culprits by blanks."""

    def keep(act: Any) -> Any:
        CASES["a_" + act.__name__] = Case(
            family=name,
            act=act,
            cls=cls,
            culprit=tuple(culprit.split()),
            decisive=decisive,
            story=" ".join((act.__doc__ or "").split()),
            **more,
        )
        return act

    return keep


def prepare(world: World) -> None:
    """Names, applications and the system logger of this world."""
    Path("/etc/hosts").write_text(HOSTS)
    os.environ.pop("PYTHONPATH", None)
    shutil.rmtree(HOME / "app", ignore_errors=True)
    shutil.copytree(HERE / "apps", HOME / "app")
    # files that a service writes into belong to it; the folder is open as /var/log/<name> is to its owner
    for path in (HOME, LOG):
        path.chmod(0o777)


def mask() -> None:
    """Leave out which kernel the machine has; nothing else is changed, and no length."""
    kernel = os.uname().release.encode()
    for path in LOG.iterdir():
        text = path.read_bytes()
        if kernel in text:
            path.write_bytes(text.replace(kernel, b"(left out)".ljust(len(kernel))))


def touch(*names: str) -> None:
    for name in names:
        (LOG / name).touch()
        (LOG / name).chmod(0o666)


def app(world: World, name: str, address: str, *, log: str = "", **env: str) -> Any:
    """A Flask application behind gunicorn: application's and gunicorn's log together, requests apart."""
    log = log or name
    touch(f"{log}.log", f"{log}_access.log")
    process = world.spawn(
        [
            f"{VENV}/gunicorn", "-w", "2", "--threads", "6", "--timeout", "30", "-b", address,
            "--access-logfile", str(LOG / f"{log}_access.log"), f"{name}:app",
        ],
        log=f"{log}.log",
        user="www-data",
        cwd=HOME / "app",
        env={"NAME": log, "PYTHONUNBUFFERED": "1", **env},
    )
    host, _, port = address.rpartition(":")
    port_open(host, int(port), 40)
    return process


def script(world: World, name: str, *argv: str, log: str = "", user: str = "www-data", **env: str) -> Any:
    touch(f"{log or name}.log")
    return world.spawn(
        [f"{VENV}/python", str(HOME / "app" / f"{name}.py"), *argv],
        log=f"{log or name}.log",
        user=user,
        cwd=HOME / "app",
        env={"PYTHONUNBUFFERED": "1", **env},
    )


def kill(process: Any, number: int = signal.SIGKILL) -> None:
    """Send a signal to a program and all that it started."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)


def stop(process: Any, number: int = signal.SIGTERM, seconds: float = 20) -> None:
    """Stop a program as a service manager does."""
    process.send_signal(number)
    with suppress(subprocess.TimeoutExpired):
        process.wait(seconds)


def sh(command: str, user: str | None = None, seconds: float = 60) -> str:
    """Run what an operator types."""
    with suppress(subprocess.TimeoutExpired):
        done = subprocess.run(
            ["/bin/sh", "-c", command], capture_output=True, text=True, user=user, group=user,
            extra_groups=[] if user else None, timeout=seconds, check=False, cwd="/",
        )
        if os.environ.get("CORPUS_SET") == "trial" and done.returncode:
            print(command[:200], done.returncode, done.stdout[-500:], done.stderr[-500:], flush=True)
        return done.stdout
    return ""


def aside(work: Callable[[], None]) -> None:
    threading.Thread(target=work, daemon=True).start()


def rsyslog(world: World, **rules: str) -> None:
    """The system logger on /dev/log and UDP 514; each rule is a file and its selector."""
    touch(*(f"{name}.log" for name in rules))
    Path("/etc/rsyslog.conf").write_text(
        'module(load="imuxsock")\nmodule(load="imudp")\ninput(type="imudp" port="514" address="127.0.0.1")\n'
        "$ActionFileDefaultTemplate RSYSLOG_TraditionalFileFormat\n$FileCreateMode 0666\n$umask 0000\n"
        + "".join(f"{selector} {LOG}/{name}.log\n" for name, selector in rules.items())
    )
    world.spawn(["rsyslogd", "-n", "-i", "/run/rsyslogd.pid"], log="rsyslog.out")
    for _ in range(50):
        if Path("/dev/log").exists():
            return
        threading.Event().wait(0.1)


def get(url: str, method: str = "GET", seconds: float = 8, **more: Any) -> Any:
    import requests

    return requests.request(method, url, timeout=seconds, headers={"User-Agent": "Mozilla/5.0 (X11; Linux x86_64)"}, **more)


def load(world: World, *urls: tuple[str, str], seconds: float = 1.0) -> None:
    """Two visitors for each address; `{n}` is a running number. What they get is their affair."""
    for place, (method, url) in enumerate(urls):
        for each in range(2):

            def visit(n: int, method: str = method, url: str = url, each: int = each) -> None:
                number = str((n * 37 + each * 11) % 5000)
                body = {"json": {"customer": int(number), "note": f"visit {n}"}} if method == "POST" else {}
                get(url.replace("{n}", number), method, **body)

            world.every(seconds, visit, first=0.3 * place + 0.5 * seconds * each)


def scanner(host: str) -> None:
    """Somebody looks for holes, as on every host."""
    for path in ("/wp-login.php", "/.env", "/phpmyadmin/", "/admin.php", "/.git/config", "/xmlrpc.php", "/cgi-bin/luci"):
        with suppress(Exception):
            get(f"http://{host}{path}", seconds=5)


def hang_up(host: str, port: int, path: str) -> None:
    """A client that leaves before it has its answer."""
    import socket

    with suppress(OSError):
        one = socket.create_connection((host, port), 3)
        one.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        one.close()


__all__ = [
    "CASES",
    "FAMILIES",
    "HERE",
    "HOME",
    "LOG",
    "VENV",
    "Any",
    "Path",
    "World",
    "app",
    "aside",
    "case",
    "chore",
    "family",
    "get",
    "hang_up",
    "kill",
    "load",
    "port_open",
    "prepare",
    "quiet",
    "rsyslog",
    "scanner",
    "script",
    "sh",
    "shutil",
    "signal",
    "stop",
    "suppress",
    "touch",
]
