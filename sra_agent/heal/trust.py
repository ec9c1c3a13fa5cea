"""Read a file only where nobody else could have written it. From policy_file and the platforms.

Every folder from the root down is opened without following links and checked on its descriptor,
then the file is opened once in the last of them: what was checked is what is read.
"""

from __future__ import annotations

import os
import stat

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class Untrusted(Exception):
    """A file or a folder above it could be changed by somebody else. `kind` is stable.

    `by_group` says that only members of its group could: common where every user has a group alone.
    """

    def __init__(self, kind: str, message: str, *, by_group: bool = False) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.by_group = by_group


def trusted_uids() -> frozenset[int]:
    """Return whose files are believed: root's and those of the user this process runs as."""
    return frozenset({0, os.geteuid()})


def why_untrusted(
    path: str, found: os.stat_result, *, folder: bool, last: bool, uids: frozenset[int]
) -> Untrusted | None:
    """Judge one step of a path by what stat says of it; None when it is to be believed."""
    noun = "folder" if folder else "file"
    if found.st_uid not in uids:
        return Untrusted(
            "owner",
            f"the {noun} {path} belongs to user {found.st_uid}; it must belong to root or to "
            f"the user of the executor: chown root {path}",
        )
    writable = found.st_mode & 0o022
    # /tmp and its like: with the sticky bit others cannot replace what they do not own
    sticky = folder and not last and found.st_mode & stat.S_ISVTX
    if writable and not sticky:
        return Untrusted(
            "writable_by_others",
            f"the {noun} {path} can be written by its group or by everybody; do: chmod go-w {path}",
            by_group=not found.st_mode & 0o002,
        )
    return None


def open_trusted(path: str, *, folder: bool = False) -> int:
    """Open a file (or folder) after checking it and every folder above it; raise Untrusted or OSError."""
    if not path.startswith("/") or "\x00" in path:
        raise Untrusted("invalid", f"{path!r} is not an absolute path")
    parts = [part for part in path.split("/") if part and part != "."]
    if not parts or ".." in parts:
        raise Untrusted("invalid", f"{path!r} must name a file without '..'")
    uids = trusted_uids()
    current = os.open("/", _FOLDER)
    try:
        for depth, part in enumerate(parts):
            here = "/" + "/".join(parts[: depth + 1])
            last = depth == len(parts) - 1
            is_folder = folder or not last
            _judge_parent(current, "/" + "/".join(parts[:depth]), last and not folder, uids)
            opened = _step(current, part, here, is_folder)
            os.close(current)
            current = opened
        found = os.fstat(current)
        if not folder and not stat.S_ISREG(found.st_mode):
            raise Untrusted("invalid", f"{path} is not a regular file")
        problem = why_untrusted(path, found, folder=folder, last=True, uids=uids)
        if problem is not None:
            raise problem
        return current
    except BaseException:
        os.close(current)
        raise


def _judge_parent(descriptor: int, path: str, last: bool, uids: frozenset[int]) -> None:
    problem = why_untrusted(path, os.fstat(descriptor), folder=True, last=last, uids=uids)
    if problem is not None:
        raise problem


def _step(parent: int, part: str, path: str, is_folder: bool) -> int:
    try:
        return os.open(part, _FOLDER if is_folder else _FILE, dir_fd=parent)
    except OSError:
        try:
            link = stat.S_ISLNK(os.stat(part, dir_fd=parent, follow_symlinks=False).st_mode)
        except OSError:
            link = False
        if link:
            raise Untrusted(
                "symlink", f"{path} is a symbolic link; name the real path, {os.path.realpath(path)}"
            ) from None
        raise


def read_trusted(path: str, limit: int) -> bytes:
    """Return the bytes of a trusted file of at most `limit` bytes; raise Untrusted or OSError."""
    descriptor = open_trusted(path)
    with os.fdopen(descriptor, "rb") as file:
        content = file.read(limit + 1)
    if len(content) > limit:
        raise Untrusted("invalid", f"{path} is larger than {limit} bytes")
    return content


def resolve(path: str) -> tuple[str, Untrusted | None]:
    """Follow a program's links one by one; return the real path and the worst thing not to be believed.

    Unlike a policy, a program may be reached through links (/bin is one on many systems).
    """
    uids = trusted_uids()
    rest = [part for part in path.split("/") if part][::-1]
    here, problem, links = "", None, 0
    while rest:
        part = rest.pop()
        if part in (".", ".."):
            here = here.rsplit("/", 1)[0] if part == ".." else here
            continue
        step = f"{here}/{part}"
        found = os.lstat(step)
        if stat.S_ISLNK(found.st_mode):
            links += 1
            if links > 40:
                raise OSError(40, "too many levels of symbolic links", path)
            if found.st_uid not in uids:
                stranger = Untrusted("owner", f"the link {step} belongs to user {found.st_uid}")
                problem = _worse(problem, stranger)
            target = os.readlink(step)
            here = "" if target.startswith("/") else here
            rest.extend(part for part in reversed(target.split("/")) if part)
            continue
        problem = _worse(problem, why_untrusted(step, found, folder=bool(rest), last=not rest, uids=uids))
        here = step
    return here, problem


def _worse(one: Untrusted | None, other: Untrusted | None) -> Untrusted | None:
    """Return the problem that weighs more: the first, but what a group could do less than all else."""
    if one is None or (one.by_group and other is not None and not other.by_group):
        return other
    return one
