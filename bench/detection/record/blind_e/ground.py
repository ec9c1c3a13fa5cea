"""The ground for failures of metering, keys, mail, names, clusters of databases and stores of files. To the families.

Worlds come from ../world.py; cases, programs and load from the stage of ../outside_a; hosts, applications and cases are others.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "outside_a"), str(HERE.parent)]

from stage import Case, Family, aside, get, kill, mask, rsyslog, sh, stop, touch  # noqa: E402
from world import HOME, LOG, World, port_open  # noqa: E402

OWN = Path("/opt/e")
PYTHON = str(OWN / "venv/bin/python")
FAMILIES: dict[str, Family] = {}
CASES: dict[str, Case] = {}
HOST = {"gauge": "meter-2", "keys": "keyring-4", "post": "mx-2", "names": "spire-6", "trio": "nest-1", "vault": "store-9"}
NAMES = {
    "127.0.3.11": "influx.grid.example", "127.0.3.12": "prom.grid.example", "127.0.3.13": "alerts.grid.example",
    "127.0.3.14": "pager.grid.example", "127.0.3.15": "node.grid.example", "127.0.3.16": "board.grid.example",
    "127.0.3.21": "keys-a.grid.example", "127.0.3.22": "keys-b.grid.example", "127.0.3.23": "keys-c.grid.example",
    "127.0.3.31": "mail.grid.example", "127.0.3.32": "imap.grid.example", "127.0.3.33": "spam.grid.example",
    "127.0.3.41": "kdc.grid.example", "127.0.3.42": "radius.grid.example", "127.0.3.43": "ns1.grid.example", "127.0.3.44": "ntp.grid.example",
    "127.0.3.51": "maria-1.grid.example", "127.0.3.52": "maria-2.grid.example", "127.0.3.53": "maria-3.grid.example", "127.0.3.54": "sql.grid.example",
    "127.0.3.61": "files.grid.example",
}


def family(name: str, sources: dict[str, str]) -> Callable[[Any], Any]:
    def keep(start: Any) -> Any:
        FAMILIES[name] = Family(start=start, sources=sources)
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
        more.setdefault("after", 60)
        CASES["e_" + act.__name__] = Case(
            family=name, act=act, cls=cls, culprit=tuple(culprit.split()), decisive=decisive,
            story=" ".join((act.__doc__ or "").split()), **more,
        )
        return act

    return keep


def prepare(world: World) -> None:
    """Names and applications of this world."""
    Path("/etc/hosts").write_text(
        f"127.0.0.1 localhost\n127.0.1.1 {world.host}\n" + "".join(f"{address} {name}\n" for address, name in NAMES.items()))
    os.environ.pop("PYTHONPATH", None)
    shutil.rmtree(HOME / "app", ignore_errors=True)
    shutil.copytree(HERE / "apps", HOME / "app")
    (HOME / "app/node_modules").mkdir()
    subprocess.run(["mount", "--bind", str(OWN / "node/node_modules"), str(HOME / "app/node_modules")], check=True)
    for path in (HOME, LOG):
        path.chmod(0o777)


def folder(name: str, user: str, world: World, megabytes: int = 0) -> Path:
    """A folder of a service's data under /srv, on a disk of its own if `megabytes`."""
    path = HOME / name
    if megabytes:
        world.disk(path, megabytes)
    path.mkdir(parents=True, exist_ok=True)
    shutil.chown(path, user, user)
    path.chmod(0o755)
    return path


def python(world: World, name: str, *argv: str, log: str = "", **env: str) -> Any:
    """One of our applications in Python."""
    touch(f"{log or name}.log")
    return world.spawn([PYTHON, "-u", str(HOME / f"app/{name}.py"), *argv], log=f"{log or name}.log", user="www-data", cwd=HOME / "app", env=env)


def node(world: World, name: str, *argv: str, log: str = "", **env: str) -> Any:
    """One of our applications in JavaScript."""
    touch(f"{log or name}.log")
    return world.spawn(["node", str(HOME / f"app/{name}.js"), *argv], log=f"{log or name}.log", user="www-data", cwd=HOME / "app", env=env)


def quietly(*steps: Callable[[], Any]) -> None:
    """Do these one after the other, whatever becomes of one."""
    for each in steps:
        try:
            each()
        except Exception as error:  # noqa: BLE001  # what an operator tries may fail; the day goes on
            print(f"{each}: {error!r}", flush=True)


__all__ = [
    "CASES", "FAMILIES", "HERE", "HOME", "HOST", "LOG", "OWN", "PYTHON", "Any", "Path", "World", "aside", "case", "chore", "family",
    "folder", "get", "kill", "mask", "node", "port_open", "prepare", "python", "quietly", "rsyslog", "sh", "shutil", "stop", "touch",
]
