"""Real programs that tests need: is it here, and if not, how to get it. From conftest; to test modules.

A missing program makes a test skip with the way to get it. Under `SRA_REQUIRE=all` (continuous
integration) a missing program is a failure, so that nothing is skipped unseen.
"""
from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import pytest


def _program(*names: str) -> bool:
    return all(shutil.which(name) for name in names)


def _root() -> bool:
    return os.geteuid() == 0


def postgresql_bin() -> Path | None:
    """Return the folder that holds initdb and postgres, or None."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if found:
        return found[-1].parent
    initdb = shutil.which("initdb")
    return Path(initdb).resolve().parent if initdb else None


def _citus() -> bool:
    programs = postgresql_bin()
    if programs is None:
        return False
    done = subprocess.run([programs / "pg_config", "--sharedir"], capture_output=True, text=True, timeout=20)
    return (Path(done.stdout.strip()) / "extension" / "citus.control").exists()


def _nspawn() -> bool:
    return _root() and _program("systemd-nspawn", "debootstrap") and rootfs().is_dir()


def _loop_disk() -> bool:
    """Return whether a file system in a file can be mounted, which a container mostly may not."""
    if not (_root() and _program("mkfs.ext4", "mount", "umount")):
        return False
    with tempfile.TemporaryDirectory() as folder:
        image, at = Path(folder) / "image", Path(folder) / "at"
        image.write_bytes(bytes(2**20))
        at.mkdir()
        steps = (["mkfs.ext4", "-q", image], ["mount", "-o", "loop", image, at], ["umount", at])
        return not any(subprocess.run(argv, capture_output=True, timeout=20).returncode for argv in steps)


def _data(name: str) -> bool:
    """Return whether public data lies where the benchmarks look for it."""
    places = (os.environ.get("SRA_BENCH_DATA"), Path(__file__).resolve().parents[2] / "shared" / "data")
    return any(place and (Path(place) / name).exists() for place in places)


def rootfs() -> Path:
    """Return where `.ci/services.sh` keeps the small Debian that systemd tests boot."""
    return Path(os.environ.get("SRA_CI_CACHE", "/var/cache/sra-ci")) / "rootfs"


#: name → (is it here, how to get it)
SERVICES: dict[str, tuple[Callable[[], bool], str]] = {
    "postgresql": (lambda: postgresql_bin() is not None, "apt-get install postgresql"),
    "dockerd": (lambda: _root() and _program("dockerd", "containerd") and Path("/bin/busybox").exists(),
                "as root: apt-get install docker.io busybox-static"),
    "systemd-nspawn": (_nspawn, "as root: bash .ci/services.sh"),
    "curl": (lambda: _program("curl"), "apt-get install curl"),
    "redis-server": (lambda: _program("redis-server"), "apt-get install redis-server"),
    "nginx": (lambda: _program("nginx"), "apt-get install nginx-light"),
    "root": (_root, "run the tests as root"),
    "citus": (_citus, "install Citus 12 beside PostgreSQL: https://docs.citusdata.com/en/stable/installation/"),
    "logrotate": (lambda: _program("logrotate"), "apt-get install logrotate"),
    "loop-disk": (_loop_disk, "as root where loop devices may be mounted: apt-get install e2fsprogs mount"),
    "loghub": (lambda: _data("loghub/BGL"), "set SRA_BENCH_DATA to a folder that holds loghub/<name>/"),
    "nab": (lambda: _data("nab/labels") and _data("nab_score.py") and find_spec("numpy") is not None,
            "pip install numpy, and set SRA_BENCH_DATA to a folder that holds nab/ and nab_score.py"),
    "gcc": (lambda: _program("gcc"), "apt-get install gcc libc6-dev"),
}
#: No package index has Citus, nor the public data, so their tests may skip even where everything is required.
MAY_BE_ABSENT = frozenset({"citus", "loghub", "nab"})


@cache
def _present(name: str) -> bool:
    return SERVICES[name][0]()


def needs(*names: str) -> pytest.MarkDecorator:
    """Return the mark of a test that needs these programs (names of SERVICES)."""
    unknown = [name for name in names if name not in SERVICES]
    if unknown:
        raise LookupError(f"tests/services.py does not know {unknown}")
    return pytest.mark.service(*names)


def missing(names: tuple[str, ...]) -> str | None:
    """Return what is missing and how to get it, or None when all are here."""
    absent = [name for name in names if not _present(name)]
    if not absent:
        return None
    return "; ".join(f"needs {name}: {SERVICES[name][1]}" for name in absent)


def required() -> bool:
    """Return whether a missing program is a failure here."""
    return os.environ.get("SRA_REQUIRE") == "all"


def version(program: str, *arguments: str) -> str:
    """Return the first line that a program prints of its version."""
    argv = [program, *(arguments or ("--version",))]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=20)
    return (done.stdout or done.stderr).splitlines()[0]
