"""Disks and descriptors of a Python service; a disk that fills slowly."""

from __future__ import annotations

import os
import resource
import shutil
import time

import programs as p
from breaking import fill
from scenario import scenario
from world import HOME, World, quiet


@scenario(
    "disk_full",
    "uploads",
    ("uploads.log", "No space left"),
    "uploads.log",
    effects=("error_burst",),
    extra={"uploads.log": "uploads"},
)
def uploads_disk_full(w: World) -> None:
    """A Python service writes uploads until its file system is full."""
    w.disk(HOME / "uploads", 40, "www-data")
    p.touch("uploads.log")
    w.spawn([p.PYTHON, "uploads.py"], cwd=HOME / "app", log="uploads.log", user="www-data")
    w.ready()
    w.measure(10)
    w.sleep(20)
    w.breaks()
    fill(HOME / "uploads")
    w.sleep(45)


@scenario(
    "error_burst",
    "uploads",
    ("uploads.log", "Read-only file system"),
    "uploads.log",
    also=("disk_full", "service_crash"),
    why_also="no class is for a disk that takes no writes; its effect is that of a full one",
    extra={"uploads.log": "uploads"},
)
def uploads_read_only(w: World) -> None:
    """The file system of the uploads is remounted read-only, as the kernel does after an I/O error."""
    w.disk(HOME / "uploads", 40, "www-data")
    p.touch("uploads.log")
    w.spawn([p.PYTHON, "uploads.py"], cwd=HOME / "app", log="uploads.log", user="www-data")
    w.ready()
    w.measure(10)
    w.sleep(20)
    w.breaks()
    for _ in range(40):
        if quiet("mount", "-o", "remount,ro", str(HOME / "uploads")).returncode == 0:
            break
        time.sleep(0.05)
    w.sleep(45)


@scenario(
    "disk_full",
    "shop-1",
    (
        "points",
        "system.disk_percent",
        "",
        lambda one: one["v"] >= 95 and one.get("g", {}).get("mount", "").endswith("archive"),
    ),
    "uploads.log",
    kind="metrics",
    extra={"uploads.log": "uploads"},
)
def disk_fills_slowly(w: World) -> None:
    """An archive's file system fills within two minutes; nothing fails yet, only the metric tells."""
    w.disk(HOME / "uploads", 40, "www-data")
    disk = w.disk(HOME / "archive", 100)
    p.touch("uploads.log")
    w.spawn([p.PYTHON, "uploads.py"], cwd=HOME / "app", log="uploads.log", user="www-data")
    w.ready()
    w.measure(10)
    w.sleep(20)
    w.breaks()
    with (disk / "archive.tar").open("wb") as file:
        for _ in range(96):
            if shutil.disk_usage(disk).used / shutil.disk_usage(disk).total > 0.965:
                break
            file.write(os.urandom(1 << 20))
            file.flush()
            w.sleep(0.9)
    w.sleep(75)


@scenario(
    "error_burst",
    "uploads",
    ("uploads.log", "Too many open files"),
    "uploads.log",
    also=("service_crash", "disk_full"),
    why_also="no class is for file descriptors: the service cannot work, for want of a resource",
    extra={"uploads.log": "uploads"},
)
def descriptors_exhausted(w: World) -> None:
    """The uploads service leaks a file descriptor with each upload until it may open no more."""
    w.disk(HOME / "uploads", 40, "www-data")
    p.touch("uploads.log")
    w.spawn(
        [p.PYTHON, "uploads.py"],
        cwd=HOME / "app",
        log="uploads.log",
        user="www-data",
        env={"LEAK_AFTER": "18"},
        before=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40)),
    )
    w.ready()
    w.measure(10)
    w.sleep(17)
    w.breaks()
    w.sleep(45)
