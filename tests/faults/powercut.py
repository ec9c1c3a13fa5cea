"""What a disk holds after the power went, at any moment of a recorded run. From shim.c; to test_power_cut.

The model: of a file, what was written up to its last completed fsync or fdatasync is there. Of what was
written or truncated later any subset may be there, page by page. Names (created, renamed, unlinked) come in
their order, as in a journalled file system, and a completed sync of any file keeps all that came before it.
What is only in memory (SQLite's -shm) is gone.
"""
from __future__ import annotations

import random
import struct
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

PAGE = 4096
_HEAD = struct.Struct("<Ic3xqII")
_MAGIC = 0x53524131
SOURCE = Path(__file__).with_name("shim.c")


def build(folder: Path) -> Path:
    """Compile the shim."""
    made = folder / "shim.so"
    subprocess.run(["gcc", "-shared", "-fPIC", "-O2", "-o", made, SOURCE, "-ldl", "-lpthread"], check=True,
                   capture_output=True)
    return made


def recording(shim: Path, log: Path, root: Path) -> dict[str, str]:
    """Return the environment in which a program's changes under `root` are recorded."""
    return {"LD_PRELOAD": str(shim), "SRA_SHIM_LOG": str(log), "SRA_SHIM_ROOT": str(root)}


class Event(NamedTuple):
    """W write, T truncate, S sync, C create, R rename, U unlink; A answer or request sent, X program run.

    `place` is where in the file, and of an A the number of the socket.
    """

    kind: str
    place: int
    name: str
    data: bytes


def read(log: Path) -> list[Event]:
    """Return the events in their order."""
    raw, place, events = log.read_bytes(), 0, []
    while place + _HEAD.size <= len(raw):
        magic, kind, where, name, data = _HEAD.unpack_from(raw, place)
        assert magic == _MAGIC, f"the log is broken at {place}"
        place += _HEAD.size
        middle, end = place + name, place + name + data
        events.append(Event(kind.decode(), where, raw[place:middle].decode(), raw[middle:end]))
        place = end
    return events


@dataclass(slots=True)
class File:
    """What of a file is on the disk for sure, and what may be."""

    sure: bytearray = field(default_factory=bytearray)
    later: list[tuple[int, bytes | None]] = field(default_factory=list)  # None truncates

    def sync(self) -> None:
        """Make all of it sure."""
        for place, data in self.later:
            apply(self.sure, place, data)
        self.later.clear()

    def after_cut(self, keep: float, chance: random.Random) -> bytes:
        """Return what is found of it: each later page with the probability `keep`."""
        found = bytearray(self.sure)
        for place, data in self.later:
            if data is None:
                if chance.random() < keep:
                    apply(found, place, None)
                continue
            for begin, piece in pages(place, data):
                if chance.random() < keep:
                    apply(found, begin, piece)
        return bytes(found)


def apply(content: bytearray, place: int, data: bytes | None) -> None:
    """Write or truncate; a gap is zeros."""
    if data is None:
        del content[place:]
    if len(content) < place:
        content.extend(bytes(place - len(content)))
    if data is not None:
        content[place:place + len(data)] = data


def pages(place: int, data: bytes) -> Iterator[tuple[int, bytes]]:
    """Cut a write at the file's pages."""
    at = 0
    while at < len(data):
        size = min(PAGE - (place + at) % PAGE, len(data) - at)
        yield place + at, data[at:at + size]
        at += size


class Disk:
    """Takes events one by one; can be cut at any time, and goes on afterwards."""

    def __init__(self) -> None:
        self._now: dict[str, File] = {}
        self._sure: dict[str, File] = {}
        self._names: list[Event] = []  # not yet sure
        self._made: list[File] = []  # the files of the creations among them, in order

    def take(self, event: Event) -> None:
        """Let one event happen."""
        kind, name = event.kind, event.name
        if name.endswith("-shm"):
            return
        if kind in "CRU":
            if kind == "C":
                self._made.append(self._now.setdefault(name, File()))
            self._names.append(event)
            move(self._now, event, self._now.get(name))
        elif kind in "WT":
            file = self._now.setdefault(name, File())
            file.later.append((event.place, event.data if kind == "W" else None))
        elif kind == "S":
            if name in self._now:
                self._now[name].sync()
            self._sure, self._names, self._made = dict(self._now), [], []

    def held(self, folder: Path, chance: random.Random) -> None:
        """Write into `folder` what the kernel holds right now: all of it."""
        for name, file in self._now.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(file.after_cut(1.0, chance))

    def cut(self, folder: Path, chance: random.Random) -> None:
        """Write into `folder` what is found after a cut right now."""
        keep = chance.choice((0.0, 0.5, 0.9, 1.0))
        found, made = dict(self._sure), iter(self._made)
        for event in self._names[:round(chance.random() * len(self._names))]:
            move(found, event, next(made) if event.kind == "C" else None)
        for name, file in found.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(file.after_cut(keep, chance))


def move(names: dict[str, File], event: Event, made: File | None) -> None:
    """Let one change of names happen."""
    if event.kind == "C" and made is not None:
        names[event.name] = made
    elif event.kind == "U":
        names.pop(event.name, None)
    elif event.kind == "R" and event.name in names:
        names[event.data.decode()] = names.pop(event.name)


def cuts(events: list[Event], n: int, chance: random.Random) -> Iterator[tuple[int, Disk]]:
    """Give n moments of the run, half of them right at a sync, each as how many events were and the disk."""
    syncs = [number for number, event in enumerate(events) if event.kind in "SA"]
    picked = {chance.choice(syncs) + chance.choice((0, 1)) for _ in range(n // 2)}
    while len(picked) < min(n, len(events)):
        picked.add(chance.randrange(len(events) + 1))
    disk = Disk()
    for number in range(len(events) + 1):
        if number in picked:
            yield number, disk
        if number < len(events):
            disk.take(events[number])
