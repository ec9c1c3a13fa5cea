"""Which files the patterns match now. From the configuration and the directories; to files."""

from __future__ import annotations

import fnmatch
import glob
import os
import re
import stat
from collections.abc import Iterable
from dataclasses import dataclass

from .names import packed

_PINNED = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]{0,199})=(.+)", re.S)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """A path or glob, and the service that it pins."""

    glob: str
    service: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A regular file that a pattern matches."""

    path: str
    glob: str
    service: str | None
    identity: tuple[int, int]


def pattern_of(text: str) -> Pattern:
    """Read "path" or "service=path"; a path that contains "=" itself can be written as ./a=b."""
    match = _PINNED.fullmatch(text)
    service, path = (match[1], match[2]) if match else (None, text)
    return Pattern(glob=os.path.abspath(os.path.expanduser(path)), service=service)


def pattern_for(patterns: Iterable[Pattern], path: str) -> Pattern | None:
    """Return the first pattern that matches the path, whether or not a file is there."""
    return next((p for p in patterns if p.glob == path or fnmatch.fnmatch(path, p.glob)), None)


def discover(patterns: Iterable[Pattern], problems: dict[str, str]) -> list[Found]:
    """Return the files, each once; say of each pattern that finds none why it does not."""
    found: dict[str, Found] = {}
    for pattern in patterns:
        paths = (
            sorted(glob.glob(pattern.glob, recursive=True))
            if glob.has_magic(pattern.glob)
            else [pattern.glob]
        )
        usable = 0
        for path in paths:
            if packed(path):
                continue
            try:
                there = os.stat(path)
            except OSError as error:
                problems[path] = f"{path}: {error.strerror}"
                continue
            if not stat.S_ISREG(there.st_mode):
                if not glob.has_magic(pattern.glob):
                    problems[path] = f"{path}: is not a regular file"
                continue
            usable += 1
            found.setdefault(
                path,
                Found(
                    path=path,
                    glob=pattern.glob,
                    service=pattern.service,
                    identity=(there.st_dev, there.st_ino),
                ),
            )
        if not usable and pattern.glob not in problems:
            problems[pattern.glob] = f"{pattern.glob}: no such file yet"
    return list(found.values())
