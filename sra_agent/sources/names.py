"""What a path says: the service that writes it, and whether it is a rotated or packed file. Pure."""

from __future__ import annotations

import os
import re

PACKED = (".gz", ".xz", ".bz2", ".zst", ".lz4", ".lzma", ".Z", ".zip")
#: Names that say what is in a file, not who wrote it.
_GENERIC = frozenset(
    (
        "access",
        "error",
        "errors",
        "log",
        "logs",
        "output",
        "stdout",
        "stderr",
        "out",
        "console",
        "current",
        "main",
        "debug",
        "info",
        "warn",
        "app",
        "application",
        "server",
        "service",
        "default",
    )
)
_PLACES = frozenset(("", "log", "logs", "var", "tmp", "opt", "srv", "home", "root", "usr", "data", "shared"))
_STAMP = re.compile(r"[-_.]?[0-9]{4}[-_.]?[0-9]{2}[-_.]?[0-9]{2}.*$|[-_.][0-9]+$")


def packed(path: str) -> bool:
    """Return whether the file is compressed, so that its lines cannot be followed."""
    return path.endswith(PACKED)


def service_of(path: str) -> str:
    """Return the service that a file of this name most likely belongs to."""
    folder, base = os.path.split(path)
    stem = _STAMP.sub("", base.split(".log", 1)[0] if ".log" in base else base.partition(".")[0]) or base
    parent = os.path.basename(folder)
    if stem.lower() in _GENERIC and parent.lower() not in _PLACES:
        return parent[:200]
    return re.sub(r"[-_.](access|error|stdout|stderr|out)$", "", stem)[:200] or "unknown"


def unpacked(name: str) -> str:
    """Return the name that a compressed file had before, or the name itself."""
    return next((name[: -len(end)] for end in PACKED if name.endswith(end)), name)


def bases(name: str) -> list[str]:
    """Return every name of which `name` may be a former file."""
    stem, extension = os.path.splitext(name)
    places = [place for place, sign in enumerate(name) if sign in "-._" and place]
    found = dict.fromkeys(
        [name[:p] for p in places] + [stem[:p] + extension for p in places if p < len(stem)]
    )
    return [base for base in found if rotated_from(base, name)]


def rotated_from(base: str, name: str) -> bool:
    """Return whether `name` is how log rotation calls a former `base` in the same directory."""
    if name == base or packed(name):
        return False
    stem, extension = os.path.splitext(base)
    after = name[len(base) :] if name.startswith(base) else None
    if after is not None:
        return re.fullmatch(r"[-._][0-9][-0-9._T:]*|\.old", after) is not None
    if extension and name.startswith(stem) and name.endswith(extension):
        return (
            re.fullmatch(r"[-._][0-9][-0-9._T:]*", name[len(stem) : len(name) - len(extension)]) is not None
        )
    return False
