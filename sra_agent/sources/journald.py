"""The system's journal, as `journalctl --follow` prints it. From systemd-journald; to intake.

The cursor of an entry is the durable position. journalctl is a process of its own with a fixed argv; when
it ends it is started again from where it was read. A cursor whose entry was vacuumed continues at the
next entry that is left, and one that journalctl does not understand at the time that stands beside it.
"""

from __future__ import annotations

import logging
import os
import select
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from itertools import groupby
from typing import IO, Any

from ..backoff import Backoff
from . import Origin, Piece, Position
from .inbox import Inbox
from .journal_entry import FIELDS, Entry, after, cursor_of, cursor_within, entry_of
from .ledger import Ledger
from .tail import LINE_BYTES

log = logging.getLogger("sra.agent.journald")
NAME = "journald"
READ_BYTES = 256 * 1024
ENTRY_BYTES = 2 * 1024 * 1024  # of JSON; a byte of binary takes up to four
IDLE_SECONDS = 30.0
STEADY_SECONDS = 60.0
SERVICES = 1_000

Place = tuple[str, int]  # a cursor ("" before the first) and its time in µs


class Journald:
    """The entries of the journal, or of some units."""

    def __init__(
        self,
        units: tuple[str, ...],
        position: Position | None,
        *,
        drop: Callable[[str, int], None],
        from_start: bool = False,
        program: tuple[str, ...] = ("journalctl",),
        now: Callable[[], int] = lambda: time.time_ns() // 1000,
        backoff: Backoff | None = None,
    ) -> None:
        self._units, self._program, self._drop = units, program, drop
        position = position or {"cursor": "", "at": 0 if from_start else now()}
        self._place: Place = str(position["cursor"]), int(position["at"])  # up to which was read
        self._skip: dict[str, str] = dict(position.get("ahead", {}))  # streams that had come further
        self._ahead = self._skip.copy()  # the same, until what was taken has come there
        self._ledger: Ledger[tuple[str, str], Place] = Ledger(self._place)
        self._inbox: Inbox[Entry] = Inbox()
        self.wake = self._inbox.wake
        self._backoff = backoff or Backoff()
        self._fed: dict[tuple[str, str], float] = {}
        self._services: set[str] = set()
        self._problem: str | None = None
        self._by_time = not self._place[0]  # the cursor is of no use
        self._checked = False  # whether entries were vacuumed since the position
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sra-journald", daemon=True)

    # ── the thread that listens ──────────────────────────────────────────────────────────────

    def start(self) -> None:
        """Begin to listen."""
        self._thread.start()

    def _argv(self) -> list[str]:
        cursor, at = self._place
        argv = [*self._program, "--follow", "--no-tail", "--all", "--quiet", "--no-pager", "--output=json"]
        argv.append(f"--output-fields={','.join(FIELDS)}")
        if not self._by_time:
            argv.append(f"--after-cursor={cursor}")
        elif at:
            argv.append(f"--since=@{at // 1_000_000}")
        return [*argv, *(f"--unit={unit}" for unit in self._units)]

    def _run(self) -> None:
        while not self._stop.is_set():
            began, place = time.monotonic(), self._place
            try:
                said = self._follow()
            except OSError as error:
                said = f"journalctl cannot be run: {error.strerror}"
            if self._stop.is_set():
                return
            if self._place == place and place[0] and "cursor" in said:
                self._by_time = True
            if time.monotonic() - began > STEADY_SECONDS or self._place != place:
                self._backoff.succeeded()
            self._problem = f"journald: {said}"
            log.warning("%s; it is started again", said, extra={"action": "journald"})
            self._stop.wait(self._backoff.failed())

    def _follow(self) -> str:
        """Read what one run of journalctl prints; return why it ended."""
        with subprocess.Popen(
            self._argv(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "LC_ALL": "C.UTF-8"},
        ) as process:
            assert process.stdout is not None and process.stderr is not None
            try:
                complaint = self._read(process.stdout, process.stderr)
            finally:
                process.terminate()
            code = process.wait()
        return f"journalctl ended ({code}) {complaint}".strip()

    def _read(self, out: IO[bytes], err: IO[bytes]) -> str:
        poll, complaint, lines = select.poll(), b"", Split()
        poll.register(out, select.POLLIN)
        poll.register(err, select.POLLIN)
        while not self._stop.is_set():
            if not self._inbox.wait_for_room(0.5):
                continue
            for fd, _ in poll.poll(500):
                data = os.read(fd, READ_BYTES)
                if fd == err.fileno():
                    complaint = (complaint + data)[-500:]
                    if not data:
                        poll.unregister(fd)
                elif not data:
                    return (complaint + (err.read() or b""))[-500:].decode("utf-8", "replace").strip()
                for line, size in lines.feed(data) if fd == out.fileno() else ():
                    self._line(line, size)
        return ""

    def _line(self, line: bytes, size: int) -> None:
        if size > len(line):
            self._drop("journald_too_long", 1)
            cursor = cursor_within(line)
            found = cursor_of(cursor) if cursor else None
            if cursor and found is not None:
                self._place = cursor, found.at
            return
        entry = entry_of(line)
        if entry is None:
            return
        self._problem = None
        if self._by_time and not self._later(entry):
            return
        if not self._checked:
            self._vacuumed(entry)
        self._by_time, self._place = False, (entry.cursor, entry.at)
        done = self._skip.get(entry.stream)
        if done is not None:
            if not after(entry.cursor, done):
                return
            del self._skip[entry.stream]
        if entry.known.metadata.get("pid") != os.getpid():  # what the agent says would be heard for ever
            self._inbox.put(entry, len(entry.text))

    def _later(self, entry: Entry) -> bool:
        cursor, at = self._place
        return after(entry.cursor, cursor) if cursor_of(cursor) else entry.at > at

    def _vacuumed(self, entry: Entry) -> None:
        """Say how many entries were removed from the journal before they could be read."""
        self._checked = True
        place, first = cursor_of(self._place[0]), cursor_of(entry.cursor)
        if place is None or first is None or self._units or os.geteuid() != 0:
            return  # others may not see every entry, so that a gap says nothing
        if place.series == first.series and first.number > place.number + 1:
            self._drop("journald_vacuumed", first.number - place.number - 1)

    # ── the thread that takes ────────────────────────────────────────────────────────────────

    def look(self) -> None:
        """Nothing to do: journalctl tells."""

    def behind(self) -> bool:
        """Return whether entries wait."""
        return len(self._inbox) > 0

    def pieces(self) -> Iterator[Piece]:
        """Yield the entries that wait, those of one process together while no other interrupts."""
        now = time.monotonic()
        for (key, service), run in groupby(self._inbox.take(), lambda entry: (entry.stream, entry.service)):
            entries, stream = list(run), (NAME, key)
            numbers = [self._ledger.add(stream, (entry.cursor, entry.at)) for entry in entries]
            self._fed[stream] = now
            if len(self._services) < SERVICES:
                self._services.add(service)
            yield Piece(
                stream=stream,
                origin=Origin(source=NAME, service=service, guess=service),
                lines=[entry.text for entry in entries],
                end=numbers[-1] + 1,
                marks=lambda n, numbers=numbers: numbers[-n:],  # type: ignore[misc]
                cut={n: entry.size for n, entry in enumerate(entries) if entry.size > LINE_BYTES},
                known=[entry.known for entry in entries],
            )
        for stream, fed in list(self._fed.items()):
            if now - fed > IDLE_SECONDS:
                del self._fed[stream]
                origin = Origin(source=NAME, service=None, guess=NAME)
                yield Piece(stream=stream, origin=origin, lines=[], end=0, marks=lambda n: [], final=True)

    def passed(self, stream: Any, mark: int) -> tuple[str, Position | None]:
        """Note what is finished; return the cursor before which everything is."""
        self._ledger.passed(stream, mark)
        return NAME, self._position()

    def _position(self) -> Position:
        cursor, at = self._ledger.place or ("", 0)
        position: Position = {"kind": NAME, "cursor": cursor, "at": at}
        # A stream that was ahead when we began stays so until what is finished has come there.
        self._ahead = {key: done for key, done in self._ahead.items() if cursor and after(done, cursor)}
        ahead = {**self._ahead, **{key: place[0] for (_, key), place in self._ledger.ahead().items()}}
        return {**position, "ahead": ahead} if ahead else position

    def positions(self) -> dict[str, Position]:
        """Return where the journal is taken up."""
        return {NAME: self._position()}

    def services(self) -> list[str]:
        """Return the services that were seen."""
        return sorted(self._services)

    def watches(self) -> list[str]:
        """Return what is watched."""
        return [f"{NAME}: {unit}" for unit in self._units] or [NAME]

    def problems(self) -> list[str]:
        """Return why nothing comes, if so."""
        return [self._problem] if self._problem else []

    def close(self) -> None:
        """End journalctl."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(10)
        self._inbox.close()


class Split:
    """Splits what a program prints into lines; of one that is too long only the beginning is kept."""

    def __init__(self, most: int = ENTRY_BYTES) -> None:
        self._most, self._rest, self._lost = most, b"", 0

    def feed(self, data: bytes) -> Iterator[tuple[bytes, int]]:
        """Yield the whole lines, each with its true size."""
        *lines, rest = data.split(b"\n")
        for line in lines:
            whole = self._rest + line[: self._most - len(self._rest)]
            yield whole, len(self._rest) + self._lost + len(line)
            self._rest, self._lost = b"", 0
        kept = rest[: self._most - len(self._rest)]
        self._rest, self._lost = self._rest + kept, self._lost + len(rest) - len(kept)
