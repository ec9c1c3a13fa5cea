"""Log files as text lines: plain, .gz, .bz2, .xz, folders, standard input. From paths; to distil.

What is not text is read all the same where it was named, which is noted, and passed over where a folder
brought it; what is packed in a way that Python cannot read is refused with the command that unpacks it.
Nothing here loses a line: bytes that are no UTF-8 become U+FFFD.
"""
from __future__ import annotations

import bz2
import codecs
import gzip
import importlib
import lzma
import os
import shlex
import stat
import sys
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, BinaryIO, cast

from sra_sdk.errors import BadInput

CHUNK = 1 << 20
#: How packed content begins; names lie.
_PACKED: dict[bytes, Callable[..., object]] = {
    b"\x1f\x8b\x08": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ\x00": lzma.open, b"\x5d\x00\x00": lzma.open}
_BROKEN: tuple[type[Exception], ...] = (OSError, EOFError, zlib.error, lzma.LZMAError)
_ZSTD = b"\x28\xb5\x2f\xfd"
#: How content begins that only other programs unpack: its name, and the command that writes it out.
_STRANGE = {_ZSTD: ("zstd", "zstd -dc"), b"\x04\x22\x4d\x18": ("lz4", "lz4 -dc"),
            b"\x1f\x9d": ("compress", "zcat"), b"PK\x03\x04": ("zip", "unzip -p"),
            b"7z\xbc\xaf\x27\x1c": ("7-Zip", "7z x -so")}
try:
    _zstd = importlib.import_module("compression.zstd")  # since Python 3.14
except ImportError:
    pass
else:
    _PACKED[_ZSTD] = _zstd.open
    _BROKEN = (*_BROKEN, _zstd.ZstdError)
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_KINDS = {stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket", stat.S_IFCHR: "a device",
          stat.S_IFBLK: "a device"}
#: What stands in no text, beside the zeros that a crash leaves. Some logs part their fields with one or two.
_CONTROLS = bytes({*range(1, 32), 127} - set(b"\a\b\t\n\v\f\r\x1b"))
_MANY = 8
#: A line longer than this is cut.
LONGEST = 4 << 20


@dataclass(slots=True, kw_only=True)
class Source:
    """One file to read."""

    path: str
    name: str
    size: int
    modified: int
    problem: str = ""
    note: str = ""
    opened: bool = False
    start: int = 0
    first_line: int = 1
    packed: bool = False
    #: number of each line that was cut → the bytes that it had; whoever numbers the lines takes them out
    cut: dict[int, int] = field(default_factory=dict)
    identity: tuple[int, int] = (0, 0)


@dataclass(slots=True, kw_only=True)
class Found:
    """The files to read, and those passed over with the reason."""

    sources: list[Source] = field(default_factory=list)
    skipped: list[tuple[str, str]] = field(default_factory=list)
    _seen: set[tuple[int, int]] = field(default_factory=set)

    def add(self, source: Source) -> None:
        """Take a source, unless the same file came under another name before."""
        if source.identity not in self._seen:
            self._seen.add(source.identity)
            self.sources.append(source)


def find(paths: list[str], since: int | None = None) -> Found:
    """Return the files behind some paths; raise BadInput for a path that cannot be read at all."""
    found = Found()
    for path in paths:
        if path == "-":
            if paths.count("-") > 1:
                raise BadInput("- names standard input, which can be read only once", hint="give - once")
            found.add(Source(path="-", name="stdin", size=0, modified=0))
        elif os.path.isdir(path):
            for inner in _inside(path, found):
                _consider(str(inner), found, since)
        elif not os.path.exists(path):
            raise _missing(path)
        elif not os.access(path, os.R_OK):
            raise BadInput(f"{path} cannot be read by this user", code="file_unreadable",
                           hint="read it as its owner, for example with sudo")
        else:
            try:
                found.add(_named(path))
            except FileNotFoundError:
                raise _missing(path) from None
    return found


def _missing(path: str) -> BadInput:
    return BadInput(f"there is no file {path}", code="file_missing",
                    hint="name log files, folders, or - for standard input")


def _inside(folder: str, found: Found) -> list[Path]:
    """Return the files of a folder and of those in it; one that cannot be looked into is passed over."""
    paths: list[Path] = []

    def closed(problem: OSError) -> None:
        found.skipped.append((str(problem.filename), _said(problem)))

    for inner, _, names in os.walk(folder, onerror=closed):
        paths += [Path(inner, name) for name in names]
    return sorted(paths)


def _named(path: str) -> Source:
    """Return a file that was named, with a note of what is odd about it."""
    source = _source(path)
    if stat.S_ISREG(os.stat(path).st_mode):
        with open(path, "rb") as file:
            head = file.read(8192)
        _refuse(head[:8], path)
        if not head:
            source.note = "is empty"
        elif _opener(head) is None and not _is_text(head):
            source.note = "looks like no text; it was read all the same"
    return source


def _is_text(head: bytes) -> bool:
    """Say whether content may be lines of text in any encoding that has ASCII in it, or in UTF-16."""
    if head.startswith(_UTF16):
        return True
    odd = len(head) - len(head.translate(None, _CONTROLS))
    kinds = len({*head} & {*_CONTROLS})
    return head.count(b"\0") <= len(head) // 100 and (kinds < _MANY or odd <= len(head) // 50)


def _said(problem: Exception) -> str:
    """Return in words why a file cannot be read."""
    if isinstance(problem, FileNotFoundError):
        return "it went away"
    if isinstance(problem, PermissionError):
        return "this user may not read it"
    return f"{type(problem).__name__}: {problem}"


def _consider(path: str, found: Found, since: int | None) -> None:
    """Take a file that a folder brought, unless it is old, unreadable or no text."""
    try:
        if not os.path.exists(path):
            found.skipped.append((path, "a link to nothing" if os.path.islink(path) else "it went away"))
            return
        mode = os.stat(path).st_mode
        if not stat.S_ISREG(mode):
            found.skipped.append((path, f"{_KINDS.get(stat.S_IFMT(mode), 'something else')}, not a file"))
            return
        source = _source(path)
        if since is not None and source.modified < since:
            return
        with open(path, "rb") as file:
            strange = _strange(file.read(8))
        if strange is not None:
            name, command = strange
            found.skipped.append((path, f"packed with {name}: {command} {shlex.quote(path)} | sra analyze -"))
            return
        with _open(source) as file:
            head = file.read(8192)
    except _BROKEN as problem:
        found.skipped.append((path, _said(problem)))
        return
    if head and not _is_text(head):
        found.skipped.append((path, "not a text file"))
    elif head:
        found.add(source)


def _source(path: str) -> Source:
    status = os.stat(path)
    return Source(path=path, name=path, size=status.st_size, modified=status.st_mtime_ns // 1000,
                  identity=(status.st_dev, status.st_ino))


def _open(source: Source) -> BinaryIO:
    if source.path == "-":
        given: BinaryIO = sys.stdin.buffer
        if hasattr(given, "peek"):
            _refuse(given.peek(8), "-")
            opener = _opener(given.peek(8))
            return cast(BinaryIO, opener(given, "rb")) if opener else given
        return given
    file = open(source.path, "rb")  # noqa: SIM115 - the caller closes it
    opener = _opener(file.peek(8)) if file.seekable() else None
    if opener is None:
        return file
    file.close()
    source.packed = True
    return cast(BinaryIO, opener(source.path, "rb"))


def _refuse(head: bytes, path: str) -> None:
    """Raise BadInput for content that only another program unpacks."""
    strange = _strange(head)
    if strange is not None:
        name, command = strange
        what, which = ("standard input", "FILE") if path == "-" else (path, shlex.quote(path))
        raise BadInput(f"{what} is packed with {name}, which is not read here", code="file_packed",
                       hint=f"{command} {which} | sra analyze -")


def _strange(head: bytes) -> tuple[str, str] | None:
    """Return what packed some content and what unpacks it, if that is not done here."""
    if _opener(head) is not None:
        return None
    return next((how for magic, how in _STRANGE.items() if head.startswith(magic)), None)


def _opener(head: bytes) -> Callable[..., object] | None:
    return next((opener for magic, opener in _PACKED.items() if head.startswith(magic)), None)


def skip_before(source: Source, time_of: Callable[[str], int | None], since: int) -> None:
    """Move the start of a plain file forward to the last place known to lie before `since`.

    A search by halves: it trusts that lines are roughly in order, and stays 64 KiB on the safe side.
    """
    if source.path == "-" or source.size < 4 * CHUNK:
        return
    low, high = 0, source.size
    try:
        file = _open(source)
    except _BROKEN:
        return  # whoever reads its lines notes why it cannot be read
    with file:
        if source.packed:
            return
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


def lines(source: Source, on_bytes: Callable[[int], None] | None = None) -> Iterator[list[str]]:
    """Yield the lines of a source without their ends, those that were read together in one list.

    A reading problem ends it and is noted.
    """
    rest = kept = ""
    over, number = 0, source.first_line
    try:
        file = _open(source)
        source.opened = True
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
                text = decoder.decode(head)
                if over:
                    end = text.find("\n")
                    over += _bytes(text if end < 0 else text[:end])
                    if end >= 0:
                        source.cut[number] = over
                        yield [kept]
                        number, kept, over, text = number + 1, "", 0, text[end + 1:]
                    else:
                        text = ""
                parts = (rest + text).split("\n")
                rest = parts.pop()
                if parts and len(parts[0]) > LONGEST:
                    source.cut[number] = _bytes(parts[0])
                yield parts
                number += len(parts)
                if len(rest) > LONGEST:
                    kept, over, rest = rest[:LONGEST], _bytes(rest), ""
                head = file.read1(CHUNK) if hasattr(file, "read1") else file.read(CHUNK)
            rest += decoder.decode(b"", final=True)
            if over:
                over += _bytes(rest)
    except _BROKEN as problem:
        source.problem = _said(problem)
    if over:
        source.cut[number] = over
        yield [kept]
    elif rest:
        yield [rest]


def _bytes(text: str) -> int:
    return len(text.encode("utf-8", "replace"))


def _done(file: BinaryIO, source: Source, read: int) -> int:
    """Return how many bytes of the file as it lies on the disk were used by this read."""
    inner = getattr(file, "fileobj", None) or getattr(file, "_fp", None)
    return 0 if inner is not None or source.path == "-" else read
