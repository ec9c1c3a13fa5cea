"""Log files, followed by polling across rename, truncation and deletion. From the host; to intake.

A path is one source. Its position holds the file that is there now and, under `older`, those that were
renamed away and are not yet finished (or are still matched by a pattern, and must not be read again).
A last line without its end is not shipped while its file is in place, however long it waits; of a file
that was rotated away or deleted it is shipped after PARTIAL_SECONDS without a change.

A deleted file is held while it has a writer, which holds its space too, and not longer. There are three
bounds: WRITER_SECONDS and, where nobody can tell, DELETED_SECONDS without a change; and DELETED files at
once, of which the one goes that was longest without a change. Letting go of one that has a writer is counted.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Iterator, Mapping

from . import Origin, Piece, Position
from .discover import discover, pattern_for, pattern_of
from .follow import Followed, Identity, Register
from .inode import has_writer
from .names import service_of
from .tail import Lines, Tail

SCAN_SECONDS = 1.0
COARSE_NS = 50_000_000  # file times lag behind the clock by up to a tick of the kernel
PARTIAL_SECONDS = 5.0
DELETED_SECONDS = 900.0  # where it cannot be told whether a deleted file has a writer
WRITER_SECONDS = 86_400.0  # a writer that is silent for a day
RENAMED_SECONDS = 3600.0
READS = 4  # of one file before the next has its turn
OLDER = 8
DELETED = 256
FILES = 5_000


class Files:
    """The files that the patterns match, now and later."""

    def __init__(
        self,
        patterns: tuple[str, ...],
        positions: Mapping[str, Position],
        *,
        from_start: bool = False,
        known_patterns: frozenset[str] = frozenset(),
        drop: Callable[[str, int], None] = lambda reason, n: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.patterns = [pattern_of(text) for text in patterns]
        self._clock = clock
        self._saved = dict(positions)
        # What a pattern matches when it is used for the first time is old; what it matches later is news.
        self._first = set() if from_start else {p.glob for p in self.patterns} - known_patterns
        self._followed: dict[str, Followed] = {}
        self._streams: dict[Hashable, tuple[Followed, Tail]] = {}
        self._register = Register(paths=self._followed, drop=drop)
        self._crowded: set[Identity] = set()  # deleted files, to be let go of
        self._next_scan = 0.0
        self._scanned = 0  # when patterns were last looked at, in the clock of file times

    # ── looking ──────────────────────────────────────────────────────────────────────────────

    def look(self) -> None:
        """Notice new, renamed and deleted files; costs one stat for each path."""
        now = self._clock()
        for followed in self._followed.values():
            if followed.moved():
                followed.take_current()
        if now >= self._next_scan:
            began = time.monotonic()
            self._scan()
            self._next_scan = now + max(SCAN_SECONDS, 50 * (time.monotonic() - began))

    def look_for_new(self) -> None:
        """Have the next look search for new files, whenever the last search was."""
        self._next_scan = 0.0

    def _scan(self) -> None:
        began = time.time_ns() - COARSE_NS
        self._register.problems.clear()
        found = discover(self.patterns, self._register.problems)
        # A device number may change at a reboot; content is compared anyway.
        self._register.found = {
            key: item.path for item in found for key in (item.identity, (-1, item.identity[1]))
        }
        for path, position in self._saved.items():
            # Before anything new, so that a file which was renamed meanwhile is known under its new name.
            pattern = pattern_for(self.patterns, path)
            if pattern is not None:
                self._follow(path, pattern.service).restore(position)
        if self._saved:
            # One after the other, so that no path takes for new what another one has read before.
            for followed in self._followed.values():
                followed.recover()
            for followed in self._followed.values():
                followed.settle()
        self._saved.clear()
        for item in found:
            if item.path not in self._followed:
                if len(self._followed) >= FILES:
                    self._register.problems[item.path] = (
                        f"{item.path}: is beyond the {FILES} files that are followed"
                    )
                    continue
                self._follow(item.path, item.service).begin(
                    at_end=item.glob in self._first, since=self._scanned
                )
        self._first.clear()
        self._scanned = began
        for followed in self._followed.values():
            followed.review(self._register.found)

    def _follow(self, path: str, service: str | None) -> Followed:
        self._followed[path] = Followed(
            path, Origin(source=path, service=service, guess=service_of(path)), self._register
        )
        return self._followed[path]

    def pattern(self, path: str) -> str | None:
        """Return the pattern that a path belongs to."""
        found = pattern_for(self.patterns, path)
        return found.glob if found is not None else None

    def watches(self) -> list[str]:
        """Return the paths that are followed."""
        return sorted(followed.path for followed in self._followed.values() if followed.tails)

    def problems(self) -> list[str]:
        """Return what cannot be watched and why."""
        return sorted(self._register.problems.values())

    def services(self) -> list[str]:
        """Return the services that the followed files belong to by configuration or by name."""
        return sorted(
            {followed.origin.service or followed.origin.guess for followed in self._followed.values()}
        )

    # ── reading ──────────────────────────────────────────────────────────────────────────────

    def pieces(self) -> Iterator[Piece]:
        """Yield what can be read now: of each path the oldest file first, a few reads of each."""
        now = self._clock()
        self._crowd_out()
        for followed in list(self._followed.values()):
            for tail in list(followed.tails):
                yield from self._read(followed, tail, now)
                if tail.rotated and not tail.behind():
                    yield from self._finish(followed, tail, now)

    def behind(self) -> bool:
        """Return whether the last round left lines that could be read at once."""
        return any(tail.behind() for followed in self._followed.values() for tail in followed.tails)

    def _read(self, followed: Followed, tail: Tail, now: float) -> Iterator[Piece]:
        for _ in range(READS):
            stream = (tail.identity, tail.truncations)
            self._streams[stream] = followed, tail
            try:
                lines = tail.read() if tail.grown(now) and tail.truncations == stream[1] else None
            except OSError as error:
                self._register.problems[followed.path] = f"{followed.path}: {error.strerror}"
                tail.failed()
                return
            if tail.truncations != stream[1]:
                rest = followed.truncated(tail.former)
                yield self._piece(followed, stream, Lines([], 0, {}), final=True)
                del self._streams[stream]
                self._streams[tail.identity, tail.truncations] = followed, tail
                if rest:
                    return
                continue
            if lines is not None:
                yield self._piece(followed, stream, lines)
            if not tail.behind():
                return

    def _piece(self, followed: Followed, stream: Hashable, lines: Lines, *, final: bool = False) -> Piece:
        return Piece(
            stream=stream,
            origin=followed.origin,
            lines=lines.text(),
            end=lines.end,
            marks=lines.marks,
            cut=lines.cut,
            final=final,
        )

    def _finish(self, followed: Followed, tail: Tail, now: float) -> Iterator[Piece]:
        """Ship the last line of a rotated file; let go of it when nobody can be writing to it any more."""
        gone = self._gone(followed, tail, now - tail.changed_at)
        if gone or (now - tail.changed_at >= PARTIAL_SECONDS and tail.unfinished()):
            stream = (tail.identity, tail.truncations)
            yield self._piece(followed, stream, tail.rest() or Lines([], tail.offset, {}), final=True)
            if gone:
                del self._streams[stream]
                followed.let_go(tail)

    def _gone(self, followed: Followed, tail: Tail, quiet: float) -> bool:
        """Return whether no line of a rotated file is to be waited for."""
        if tail.sealed:
            return True
        if tail.linked:
            named = [other for other in followed.tails if other.linked]
            if len(named) > OLDER and tail is named[0]:
                return True
            return quiet >= RENAMED_SECONDS and (quiet >= WRITER_SECONDS or not has_writer(tail.fd))
        writer = has_writer(tail.fd)
        if writer is False:
            return tail.still()  # else its last words came after our look
        crowded = tail.identity in self._crowded
        if crowded or quiet >= (WRITER_SECONDS if writer else DELETED_SECONDS):
            if writer or crowded:
                self._register.drop("deleted_file_let_go", 1)
            return True
        return False

    def _crowd_out(self) -> None:
        """Choose which deleted files are too many."""
        deleted = [tail for tail in self._register.held.values() if not (tail.linked or tail.sealed)]
        surplus = len(deleted) - DELETED
        self._crowded = (
            {tail.identity for tail in sorted(deleted, key=lambda tail: tail.changed_at)[:surplus]}
            if surplus > 0
            else set()
        )

    def passed(self, stream: Hashable, mark: int) -> tuple[str, Position | None]:
        """Note that all before the mark is finished; return the path and its position."""
        followed, tail = self._streams[stream]
        if stream == (tail.identity, tail.truncations):
            tail.mark = mark
        return followed.path, followed.position()

    def positions(self) -> dict[str, Position]:
        """Return the position of every path."""
        places = {followed.path: followed.position() for followed in self._followed.values()}
        return {path: place for path, place in places.items() if place is not None}

    def close(self) -> None:
        """Let go of every file."""
        for followed in self._followed.values():
            followed.close()
        self._followed.clear()
        self._streams.clear()
