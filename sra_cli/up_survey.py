"""What `sra up` can watch on this host, and what it cannot, unasked. From the file system; to up."""
from __future__ import annotations

import glob
import os
import re
import shutil
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

#: A log that nobody wrote for so long is not worth a watch.
FRESH = 3 * 86400
MOST_FILES = 200
MOST_LOOKED_AT = 5000
#: What rotation leaves behind; the agent follows the name that is written to.
_ROTATED = re.compile(r"\.(?:gz|xz|bz2|zst|zip|old|\d{1,4})$|-\d{8}(?:-\d+)?$")
_JOURNAL = "journal"
#: What a syslog daemon writes; on a host with systemd the journal has all of it.
_FROM_JOURNAL = frozenset((
    "auth.log", "cron", "cron.log", "daemon.log", "debug", "kern.log", "mail.err", "mail.log", "maillog",
    "messages", "secure", "syslog", "user.log"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """The files to watch, and each thing that stays unseen with its reason."""

    files: tuple[str, ...]
    cannot: tuple[str, ...]
    journald: bool = False
    docker: str = ""  # the socket
    journalled: tuple[str, ...] = ()  # files that say what the journal says as well


def _looks_like_text(path: Path) -> bool:
    with path.open("rb") as file:
        return b"\0" not in file.read(4096)


def _candidates(folder: Path) -> Iterator[Path]:
    """The folder's files and those one level below, the system's journal left out."""
    try:
        entries = sorted(folder.iterdir())
    except OSError:
        return
    for entry in entries:
        if entry.is_dir() and not entry.is_symlink():
            if entry.name != _JOURNAL:
                try:
                    yield from sorted(each for each in entry.iterdir() if not each.is_dir())
                except OSError:
                    yield entry
        else:
            yield entry


def survey(given: list[str], *, now: float, logs: Path = Path("/var/log"), root: Path = Path("/")) -> Survey:
    """Look around. `given` is what the user named; it is watched whether it is there yet or not."""
    files: list[tuple[float, str]] = []
    unreadable: list[str] = []
    for number, path in enumerate(_candidates(logs)):
        if number >= MOST_LOOKED_AT:
            unreadable.append(f"{logs}: only the first {MOST_LOOKED_AT} files were looked at")
            break
        try:
            found = path.stat()
            if not stat.S_ISREG(found.st_mode) and not stat.S_ISDIR(found.st_mode):
                continue
            if now - found.st_mtime > FRESH or _ROTATED.search(path.name):
                continue
            if stat.S_ISREG(found.st_mode) and _looks_like_text(path):
                files.append((found.st_mtime, str(path)))
            elif stat.S_ISDIR(found.st_mode):
                unreadable.append(f"{path}: this user may not read it")
        except PermissionError:
            unreadable.append(f"{path}: this user may not read it")
        except OSError:
            continue
    files.sort(reverse=True)
    if len(files) > MOST_FILES:
        unreadable.append(f"{len(files) - MOST_FILES} older files of {logs}: "
                          f"at most {MOST_FILES} are watched")
    named = {name.rpartition("=")[2] for name in given}
    chosen = sorted(path for _, path in files[:MOST_FILES] if path not in named)
    unreadable += [f"{name}: {why}" for name in sorted(named) if (why := _why_not(name))]
    around: list[str] = []
    journald = _journald(root, around)
    twice = tuple(path for path in chosen if journald
                  and os.path.dirname(path) == str(logs) and os.path.basename(path) in _FROM_JOURNAL)
    return Survey(files=(*given, *(path for path in chosen if path not in twice)), journalled=twice,
                  journald=journald, docker=_docker(root, around), cannot=(*around, *unreadable))


def _why_not(name: str) -> str:
    """Return why nothing comes from what the user named, or ""."""
    path = Path(name)
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            return f"a folder; name its files, such as --file '{path}/*.log'"
        if not stat.S_ISREG(mode):
            return "a pipe, a socket or a device, not a file"
        return "" if _looks_like_text(path) else "it looks like no text; its lines are taken all the same"
    except FileNotFoundError:
        if glob.has_magic(name):
            found = any(True for _ in glob.iglob(name, recursive=True))
            return "" if found else "nothing has such a name yet; what gets it is watched"
        return "it is not there yet; it is watched once it is"
    except OSError as problem:
        denied = isinstance(problem, PermissionError)
        return "this user may not read it" if denied else problem.strerror or str(problem)


def _journald(root: Path, cannot: list[str]) -> bool:
    """Whether the system's journal is to be watched; why not is added to `cannot`."""
    if not (root / "run/systemd/system").is_dir():
        cannot.append("systemd: not running here, so there is no journal and there are no units")
    elif shutil.which("journalctl") is None:
        cannot.append("journald: journalctl is not installed; programs that log only there stay unseen")
    elif not any(os.access(path, os.R_OK) for folder in ("var/log/journal", "run/log/journal")
                 for path in (root / folder).glob("*/system.journal")):
        cannot.append("journald: this user may not read it; add the user to the group systemd-journal")
    else:
        return True
    return False


def _docker(root: Path, cannot: list[str]) -> str:
    """The socket of the dockerd whose containers are to be watched, or nothing."""
    found = [path for name in ("var/run/docker.sock", "run/docker.sock") if (path := root / name).exists()]
    if not found:
        cannot.append("docker: not running here, so there are no containers")
    elif not os.access(found[0], os.R_OK | os.W_OK):
        cannot.append("docker: this user may not use its socket; add the user to the group docker, "
                      "which makes it as mighty as root")
    else:
        return str(found[0])
    return ""
