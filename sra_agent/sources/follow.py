"""One followed path: the file that is there, and those that were renamed away from it. From files; to tail.

When the path names another file than before, every file that was there in between is found in the
directory: it has a name that rotation gives, and was written after the last one that is known. A file whose
content went elsewhere (copied and truncated, or compressed while the agent was stopped) is found by that
content, and the rest of it is read there. What is found nowhere is counted, once for each file.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass, field

from . import Origin, Position
from .inode import has_writer
from .names import bases, packed, rotated_from, unpacked
from .packed import PackedTail, open_packed, reaches
from .tail import Tail, copied_short, line_start, same_content, same_file

DONE = 256
LAG_NS = 2_000_000_000
CATCH_UPS = 10
FLAGS = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY

Identity = tuple[int, int]


@dataclass(slots=True)
class Register:
    """What all paths share: the files that are held, those that are finished, and what is wrong."""

    held: dict[Identity, Tail] = field(default_factory=dict)
    done: dict[Identity, Position] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)
    found: dict[Identity, str] = field(default_factory=dict)  # what the patterns matched at the last look
    paths: dict[str, Followed] = field(default_factory=dict)
    drop: Callable[[str, int], None] = lambda reason, n: None


class Followed:
    """The files of one path, oldest first; the last is the present one unless it is `rotated`."""

    def __init__(self, path: str, origin: Origin, register: Register) -> None:
        self.path, self.origin = path, origin
        self.tails: list[Tail] = []
        self._register = register
        self._done: list[Identity] = []
        self._mtime = 0  # of the latest file that was known here
        self._tried: Identity | None = None  # found at the path, and not to be opened
        self._lost: list[Position] = []  # no longer where a former process read them
        self._finished: list[Position] = []  # the same, but read to their end

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
        """Take up again what a former process left, where it still is under some name."""
        self._mtime = int(position.get("mtime", 0))
        names = self._register.found | self._names(packed_too=True)
        for old in [*position.get("older", []), position]:
            identity = (int(old["device"]), int(old["inode"]))
            path = names.get(identity) or names.get((-1, identity[1]))
            if old.get("done"):
                if path is not None and packed(path) == bool(old.get("packed")):
                    self._remember(identity, old)
                else:
                    self._finished.append(old)
            elif path is None or not self._resume(path, old):
                self._lost.append(old)

    def recover(self) -> None:
        """After every path is restored: find the rest of what is gone."""
        for old in self._lost:
            offset = int(old["offset"])
            if not (offset and self._recover(old, newest=False)):
                beyond_us = [path for path in self._since(old) if packed(path) and not reaches(path, offset)]
                if beyond_us or old.get("size", 0) > offset:
                    self._register.drop("file_gone_while_stopped", 1)

    def settle(self) -> None:
        """After every path has recovered its own: follow all that came meanwhile, and may have gone again."""
        unsure = not self.tails or self.tails[-1].rotated or not self.tails[-1].offset
        if self._lost or unsure or self.moved():
            folder, name = os.path.split(self.path)
            formers = [base for base in bases(name) if os.path.join(folder, base) in self._register.paths]
            self._between(packed_too=not formers)  # they are those of the path that rotation began with
            self._catch_up()
            self.tails.sort(key=lambda tail: (not tail.rotated, tail.mtime))
        self._lost.clear()
        self._finished.clear()

    def truncated(self, former: Position) -> bool:
        """Find what was not read before a truncation; return whether there is some to read first."""
        held = len(self.tails)
        found = former["offset"] and self._recover(former, newest=True)
        if not found and former["size"] > former["offset"]:
            self._register.drop("file_truncated", 1)
        # And what was copied between two looks: later copies, or all of them if nothing had been read.
        self._mtime = max(self._mtime, int(former["mtime"]) - LAG_NS)
        self._order()
        self._between()
        self._order()
        return len(self.tails) > held

    def _recover(self, lost: Position, *, newest: bool) -> bool:
        """Find a file with the content that was read up to a position, and read on there."""
        paths = self._since(lost)
        return any(self._resume(path, lost, copy=True) for path in (reversed(paths) if newest else paths))

    def _since(self, position: Position) -> list[str]:
        """Return the former files that were written since, oldest first."""
        since = int(position.get("mtime", 0)) - LAG_NS
        return [path for at, path in self._former(packed_too=True) if at >= since]

    def _resume(self, path: str, position: Position, *, copy: bool = False) -> bool:
        """Hold a file from the position on if it is the same one, or a copy of it with the same content."""
        try:
            fd = os.open(path, FLAGS)
        except OSError as error:
            self._register.problems[path] = f"{path}: {error.strerror}"
            return False
        there = os.fstat(fd)
        identity, offset = (there.st_dev, there.st_ino), int(position["offset"])
        held = identity in self._register.held
        if packed(path):
            known = offset or position.get("packed")  # else it only has the inode of what was there
            unpacked_tail = open_packed(fd, path, position) if known and not held else None
            if unpacked_tail is not None:
                self._hold(unpacked_tail)
                return True
            os.close(fd)
            return False
        short = copy and there.st_size < offset and copied_short(fd, position)
        same = short or (same_content(fd, position) if copy else same_file(fd, position))
        if same and not held:
            tail = Tail(fd, path, min(offset, there.st_size))
            if not copy or there.st_size > offset:
                tail.rotated = path != self.path
                tail.truncations = 0 if copy else int(position.get("truncated", 0))
                self._hold(tail)
                return True
            self._remember(identity, {**tail.position(), "done": True})
        if short and position["size"] > offset:
            self._register.drop("file_truncated", 1)  # seen, and written after the copy was made
        os.close(fd)
        return same

    def _hold(self, tail: Tail) -> None:
        self._register.held[tail.identity] = tail
        self._register.done.pop(tail.identity, None)
        self.tails.append(tail)

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

    def _names(self, *, packed_too: bool = False) -> dict[Identity, str]:
        """Return the path of each file here that this path may once have named."""
        folder, base = os.path.split(self.path)
        names: dict[Identity, str] = {}
        with suppress(OSError):
            for name in sorted(os.listdir(folder), reverse=True):
                plain = unpacked(name)
                if (plain == base or rotated_from(base, plain)) and (plain == name or packed_too):
                    path = os.path.join(folder, name)
                    with suppress(OSError):
                        there = os.stat(path)
                        # A device number may change at a reboot; content is compared anyway.
                        names[(there.st_dev, there.st_ino)] = names[(-1, there.st_ino)] = path
        return names

    def _former(self, *, packed_too: bool) -> list[tuple[int, str]]:
        """Return when the former files were last written, and their paths, oldest first."""
        found = []
        for identity, path in self._names(packed_too=packed_too).items():
            if identity[0] != -1 and path != self.path:
                with suppress(OSError):
                    found.append((os.stat(path).st_mtime_ns, path))
        return sorted(found)

    def _between(self, *, packed_too: bool = False) -> None:
        if not self._mtime:
            return
        for at, path in self._former(packed_too=packed_too):
            if packed(path):
                if at > self._mtime:
                    self._open_packed(path)
                continue
            if at < self._mtime:
                continue
            tail = self._open(path)
            if tail is not None:
                tail.rotated = True

    def _open(self, path: str) -> Tail | None:
        """Hold the file unless it is held, finished, or the copy of one that is held."""
        self._tried = None
        try:
            fd = os.open(path, FLAGS)
        except OSError as error:
            self._register.problems[path] = f"{path}: {error.strerror}"
            self._note(path)
            return None
        there = os.fstat(fd)
        identity = (there.st_dev, there.st_ino)
        done = self._register.done.get(identity)
        if done is not None and not same_file(fd, done):
            done = None
        offset = int(done["offset"]) if done is not None else 0
        finished = done is not None and there.st_size == offset
        if identity in self._register.held or finished or (done is None and self._is_copy(fd, path)):
            os.close(fd)
            self._note(path)
            return None
        tail = Tail(fd, path, offset)
        self._hold(tail)
        return tail

    def _is_copy(self, fd: int, path: str) -> bool:
        """Return whether the file is what `copytruncate` makes, or is making, of a file that is in place.

        What of it was not read is read from that file, or from here once that one is truncated.
        """
        folder, name = os.path.split(path)
        for base in bases(name):
            original = self._register.paths.get(os.path.join(folder, base))
            present = [tail for tail in original.tails if not tail.rotated] if original else []
            with suppress(OSError):
                if present and os.path.samestat(
                    os.stat(os.path.join(folder, base)), os.fstat(present[-1].fd)
                ):
                    return present[-1].copied_in(fd)
        return False

    def _open_packed(self, path: str) -> None:
        """Read a file that came, and was compressed, while nobody looked."""
        with suppress(OSError):
            fd = os.open(path, FLAGS)
            there = os.fstat(fd)
            identity = (there.st_dev, there.st_ino)
            tail = None
            if identity not in self._register.held and identity not in self._register.done:
                known = (open_packed(fd, path, old) for old in self._finished if int(old["offset"]))
                tail = next(filter(None, known), None) or open_packed(fd, path, None)
            if tail is None:
                os.close(fd)
            else:
                self._hold(tail)

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

    def let_go(self, tail: Tail) -> None:
        """Close a file that is finished; remember it, as it could be taken for a new one: see `review`."""
        if isinstance(tail, PackedTail) and tail.unpacked.broken:
            self._register.drop("packed_file_harmed", 1)
        if tail.linked:
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

    def review(self, matched: Collection[Identity]) -> None:
        """Forget finished files that are gone; look again for what could not be opened, or came and went."""
        self._tried = None
        if not self.tails or self.tails[-1].rotated:
            self._catch_up()
        for identity in set(self._done).difference(matched):
            if self._register.done.get(identity, {}).get("mtime", 0) < self._mtime:
                self._done.remove(identity)
                self._register.done.pop(identity, None)

    def close(self) -> None:
        """Let go of every file."""
        for tail in self.tails:
            if unkept := tail.unkept():
                self._register.drop("deleted_file_unread", unkept)
            if not (tail.linked or tail.sealed) and has_writer(tail.fd):
                self._register.drop("deleted_file_let_go", 1)
            self._register.held.pop(tail.identity, None)
            tail.close()
        self.tails.clear()
