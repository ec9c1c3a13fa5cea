"""Log files as text lines: plain, .gz, .bz2, .xz, folders, standard input. From paths; to distil.

What is not text is read all the same where it was named, and passed over where a folder brought it.
Nothing here loses a line: bytes that are no UTF-8 become U+FFFD.
"""
from __future__ import annotations

import bz2
import codecs
import gzip
import lzma
import os
import re
import sys
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, BinaryIO, cast

from sra_sdk.errors import BadInput

CHUNK = 1 << 20
_ENDINGS = re.compile(r"(?:\.(?:log|out|err|txt|json|gz|bz2|xz|\d{1,8}|\d{4}-?\d\d-?\d\d))+$|-\d{8}$")
_PACKED: dict[str, Callable[..., object]] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
_BROKEN = (OSError, EOFError, zlib.error, lzma.LZMAError)
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
#: A line longer than this goes on as another one.
LONGEST = 4 << 20


@dataclass(slots=True, kw_only=True)
class Source:
    """One file to read. `service` is its name without what rotation and packing added."""

    path: str
    name: str
    size: int
    modified: int
    service: str
    problem: str = ""
    start: int = 0
    first_line: int = 1


@dataclass(slots=True, kw_only=True)
class Found:
    """The files to read, and those passed over with the reason."""

    sources: list[Source] = field(default_factory=list)
    skipped: list[tuple[str, str]] = field(default_factory=list)


def find(paths: list[str], since: int | None = None) -> Found:
    """Return the files behind some paths; raise BadInput for a path that cannot be read at all."""
    found = Found()
    for path in paths:
        if path == "-":
            found.sources.append(Source(path="-", name="stdin", size=0, modified=0, service=""))
        elif os.path.isdir(path):
            for inner in sorted(each for each in Path(path).rglob("*") if each.is_file()):
                _consider(str(inner), found, since)
        elif not os.path.exists(path):
            raise BadInput(f"there is no file {path}", code="file_missing",
                           hint="name log files, folders, or - for standard input")
        elif not os.access(path, os.R_OK):
            raise BadInput(f"{path} cannot be read by this user", code="file_unreadable",
                           hint="read it as its owner, for example with sudo")
        else:
            found.sources.append(_source(path))
    return found


def _consider(path: str, found: Found, since: int | None) -> None:
    """Take a file that a folder brought, unless it is old, unreadable or no text."""
    try:
        source = _source(path)
        if since is not None and source.modified < since:
            return
        with _open(source) as file:
            head = file.read(8192)
    except _BROKEN as problem:
        found.skipped.append((path, str(problem)))
        return
    if head.count(b"\0") > len(head) // 100 and not head.startswith(_UTF16):
        found.skipped.append((path, "not a text file"))
    elif head:
        found.sources.append(source)


def _source(path: str) -> Source:
    status = os.stat(path)
    base = os.path.basename(path)
    service = _ENDINGS.sub("", base) or base
    return Source(path=path, name=path, size=status.st_size, modified=status.st_mtime_ns // 1000,
                  service=service)


def _open(source: Source) -> BinaryIO:
    if source.path == "-":
        return sys.stdin.buffer
    opener = _PACKED.get(os.path.splitext(source.path)[1])
    return cast(BinaryIO, opener(source.path, "rb")) if opener else open(source.path, "rb")


def skip_before(source: Source, time_of: Callable[[str], int | None], since: int) -> None:
    """Move the start of a plain file forward to the last place known to lie before `since`.

    A search by halves: it trusts that lines are roughly in order, and stays 64 KiB on the safe side.
    """
    if source.path == "-" or os.path.splitext(source.path)[1] in _PACKED or source.size < 4 * CHUNK:
        return
    low, high = 0, source.size
    with open(source.path, "rb") as file:
        while high - low > CHUNK // 4:
            middle = (low + high) // 2
            file.seek(middle)
            lines = file.read(65536).decode("utf-8", "replace").split("\n")[1:-1]
            at = next((at for at in map(time_of, lines) if at is not None), None)
            if at is None or at >= since:
                high = middle
            else:
                low = middle
        if low <= 65536:
            return
        file.seek(low - 65536)
        start = low - 65536 + len(file.readline())
        source.start, source.first_line = start, 1 + _newlines(file, start)


def _newlines(file: IO[bytes], end: int) -> int:
    file.seek(0)
    count = 0
    while end > 0:
        block = file.read(min(CHUNK, end))
        if not block:
            break
        count += block.count(b"\n")
        end -= len(block)
    return count


def lines(source: Source, on_bytes: Callable[[int], None] | None = None) -> Iterator[str]:
    """Yield the lines of a source without their ends; a reading problem ends it and is noted."""
    rest = ""
    try:
        file = _open(source)
        with file:
            if source.start:
                file.seek(source.start)
            head = file.read1(CHUNK) if hasattr(file, "read1") else file.read(CHUNK)
            encoding = "utf-16" if head.startswith(_UTF16) else "utf-8"
            decoder = codecs.getincrementaldecoder(encoding)("replace")
            if encoding == "utf-8" and head.startswith(codecs.BOM_UTF8):
                head = head[3:]
            while head:
                if on_bytes is not None:
                    on_bytes(_done(file, source, len(head)))
                text = rest + decoder.decode(head)
                parts = text.split("\n")
                rest = parts.pop()
                yield from parts
                while len(rest) > LONGEST:
                    yield rest[:LONGEST]
                    rest = rest[LONGEST:]
                head = file.read1(CHUNK) if hasattr(file, "read1") else file.read(CHUNK)
            rest += decoder.decode(b"", final=True)
    except _BROKEN as problem:
        source.problem = f"{type(problem).__name__}: {problem}"
    if rest:
        yield rest


def _done(file: BinaryIO, source: Source, read: int) -> int:
    """Return how many bytes of the file as it lies on the disk were used by this read."""
    inner = getattr(file, "fileobj", None) or getattr(file, "_fp", None)
    return 0 if inner is not None or source.path == "-" else read
