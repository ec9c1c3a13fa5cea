"""One followed path: the file that is there, and those that were renamed away from it. From files; to tail.

When the path names another file than before, every file that was there in between is found in the
directory: it has a name that rotation gives, and was written after the last one that is known.
"""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass, field

from . import Origin, Position
from .names import rotated_from
from .tail import Tail, line_start, matches

DONE = 256
LAG_NS = 2_000_000_000
CATCH_UPS = 10

Identity = tuple[int, int]


@dataclass(slots=True)
class Register:
    """What all paths share: the files that are held, those that are finished, and what is wrong."""

    held: dict[Identity, Tail] = field(default_factory=dict)
    done: dict[Identity, Position] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)


class Followed:
    """The files of one path, oldest first; the last is the present one unless it is `rotated`."""

    def __init__(self, path: str, origin: Origin, register: Register) -> None:
        self.path, self.origin = path, origin
        self.tails: list[Tail] = []
        self._register = register
        self._done: list[Identity] = []
        self._mtime = 0  # of the latest file that was known here
        self._tried: Identity | None = None  # found at the path, and not to be opened

    def moved(self) -> bool:
        """Return whether the path names another file than the present one."""
        current = self.tails[-1] if self.tails and not self.tails[-1].rotated else None
        try:
            there = os.stat(self.path)
        except OSError:
            return current is not None
        identity = (there.st_dev, there.st_ino)
        return identity != self._tried if current is None else identity != current.identity

    def begin(self, *, at_end: bool, since: int) -> None:
        """Follow the file that is there: an old one from its end, a new one from its beginning.

        `since` is when the path was last seen absent (ns): what was rotated away since is new too.
        """
        if not at_end:
            self._mtime = since
            self._catch_up()
            if not since and self.tails:
                self._mtime = self.tails[-1].mtime
            return
        tail = self._open(self.path)
        if tail is not None:
            tail.skip_to(line_start(tail.fd))
            self._mtime = tail.mtime

    def take_current(self) -> None:
        """Follow what has taken the path, after all that was there in between."""
        if self.tails and not self.tails[-1].rotated:
            # As of our last look: its writer may have gone on while others came and went. And somewhat
            # before, because a file renamed during a listing can be missed; known ones do no harm.
            self._mtime = max(self._mtime, self.tails[-1].mtime - LAG_NS)
        self._catch_up()

    def restore(self, position: Position) -> None:
        """Take up again what a former process left."""
        self._mtime = int(position.get("mtime", 0))
        names = self._names()
        for old in [*position.get("older", []), position]:
            identity = (int(old["device"]), int(old["inode"]))
            path = names.get(identity) or names.get((-1, identity[1]))
            if path is None:
                continue  # deleted meanwhile, and what it still held with it
            if old.get("done"):
                self._remember(identity, old)
                continue
            tail = self._open(path, position=old)
            if tail is not None:
                tail.rotated = path != self.path
        if self.moved():
            self._catch_up()

    def _catch_up(self) -> None:
        for _ in range(CATCH_UPS):
            # Files move on while we look, so look until there is nothing that is not held.
            held = len(self.tails)
            self._between()
            if os.path.exists(self.path):
                self._open(self.path)
            if len(self.tails) == held:
                break
        self._order()

    def _order(self) -> None:
        """Put the file that is at the path last."""
        present: Identity | None = None
        with suppress(OSError):
            there = os.stat(self.path)
            present = there.st_dev, there.st_ino
        for tail in self.tails:
            tail.rotated = tail.identity != present
        self.tails.sort(key=lambda tail: not tail.rotated)

    def _names(self) -> dict[Identity, str]:
        """Return the path of each file here that this path may once have named."""
        folder, base = os.path.split(self.path)
        names: dict[Identity, str] = {}
        with suppress(OSError):
            for name in sorted(os.listdir(folder), reverse=True):
                if name == base or rotated_from(base, name):
                    path = os.path.join(folder, name)
                    with suppress(OSError):
                        there = os.stat(path)
                        # A device number may change at a reboot; content is compared anyway.
                        names[(there.st_dev, there.st_ino)] = names[(-1, there.st_ino)] = path
        return names

    def _between(self) -> None:
        if not self._mtime:
            return
        found = []
        for identity, path in self._names().items():
            if identity[0] != -1 and path != self.path:
                with suppress(OSError):
                    there = os.stat(path)
                    if there.st_mtime_ns >= self._mtime:
                        found.append((there.st_mtime_ns, path))
        for _, path in sorted(found):
            tail = self._open(path, between=True)
            if tail is not None:
                tail.rotated = True

    def _open(self, path: str, *, position: Position | None = None, between: bool = False) -> Tail | None:
        """Hold the file unless it is held or finished; from the position only if it is the same file."""
        self._tried = None
        try:
            fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
        except OSError as error:
            self._register.problems[path] = f"{path}: {error.strerror}"
            self._note(path)
            return None
        there = os.fstat(fd)
        identity = (there.st_dev, there.st_ino)
        done = self._register.done.get(identity)
        if done is not None and matches(fd, done):
            position = done
        same = position is not None and matches(fd, position)
        stale = position is not None and not same and path != self.path
        finished = done is not None and same and there.st_size == done["offset"]
        copy = between and any(tail.offset and matches(fd, tail.position()) for tail in self.tails)
        if identity in self._register.held or stale or finished or copy:
            os.close(fd)
            self._note(path)
            return None
        tail = Tail(fd, path, int(position["offset"]) if position is not None and same else 0)
        self._register.held[identity] = tail
        self._register.done.pop(identity, None)
        self.tails.append(tail)
        return tail

    def _note(self, path: str) -> None:
        if path == self.path:
            with suppress(OSError):
                there = os.stat(path)
                self._tried = there.st_dev, there.st_ino

    def position(self) -> Position | None:
        """Return the position of the present file, and of the others that matter."""
        done = [self._register.done[identity] for identity in self._done if identity in self._register.done]
        places = [*done, *(tail.position() for tail in self.tails)]
        if not places:
            return None
        return {**places[-1], "older": places[:-1]} if len(places) > 1 else places[-1]

    def let_go(self, tail: Tail, *, matched: bool) -> None:
        """Close a file that is finished; remember it while it could be taken for a new one."""
        if tail.linked and (matched or tail.mtime >= self._mtime):
            self._remember(tail.identity, {**tail.position(), "done": True})
        self.tails.remove(tail)
        self._register.held.pop(tail.identity, None)
        tail.close()

    def _remember(self, identity: Identity, position: Position) -> None:
        self._register.done[identity] = position
        self._done.append(identity)
        for old in self._done[:-DONE]:
            self._register.done.pop(old, None)
        self._done = self._done[-DONE:]

    def review(self, matched: set[Identity]) -> None:
        """Forget finished files that are gone; look again for what could not be opened, or came and went."""
        self._tried = None
        if not self.tails or self.tails[-1].rotated:
            self._catch_up()
        for identity in set(self._done) - matched:
            if self._register.done.get(identity, {}).get("mtime", 0) < self._mtime:
                self._done.remove(identity)
                self._register.done.pop(identity, None)

    def close(self) -> None:
        """Let go of every file."""
        for tail in self.tails:
            self._register.held.pop(tail.identity, None)
            tail.close()
        self.tails.clear()
