"""Turn pieces of raw lines into records and spool them with their positions. From sources; to spool.

An event of several lines is held until the line after it shows that it is finished, or until no line
came for HOLD_SECONDS; the position kept never passes a line that is still held.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sra_sdk.lines.infer import level_of
from sra_sdk.lines.level import INFO
from sra_sdk.lines.multiline import Joiner
from sra_sdk.lines.parse import LineReader
from sra_sdk.lines.redact import redact

from .sources import Known, Origin, Piece, Position, Source
from .spool import Spool

HOLD_SECONDS = 0.5
CHUNK_ITEMS = 1_000
CHUNK_BYTES = 1024 * 1024
MESSAGE_BYTES = 256 * 1024
NAME_CHARACTERS = 200
#: Times outside these are mistakes of the writer; the server takes none of them.
EARLIEST, LATEST = 315_532_800_000_000, 7_258_032_000_000_000


@dataclass(slots=True)
class Stream:
    """What is known of lines that follow each other."""

    reader: LineReader
    origin: Origin
    joiner: Joiner = field(default_factory=Joiner)
    held: list[int] = field(default_factory=list)  # the mark before each line that the joiner holds
    end: int = 0
    sizes: list[int] = field(default_factory=list)  # true sizes of cut lines that are not yet in an event
    fed_at: float = 0.0
    known: deque[Known] = field(default_factory=deque)  # of the lines that are not yet in an event


class Intake:
    """Gathers the records of one round and spools them. Used by one thread."""

    def __init__(
        self,
        source: Source,
        spool: Spool,
        *,
        host: str,
        now: Callable[[], int],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._source, self._spool, self._host = source, spool, host
        self._now, self._clock = now, clock
        self._streams: dict[Hashable, Stream] = {}
        self._logs: list[dict[str, Any]] = []
        self._ends: dict[str, Position] = {}
        self._bytes = 0
        self._once = 0  # gathered records that no source can give again
        self.lines = 0

    def round(self) -> bool:
        """Read what there is once; False when the spool had no room, and then nothing more is read."""
        self._source.look()
        if not self.spool():
            return False
        for piece in self._source.pieces():
            self.take(piece)
            if (len(self._logs) >= CHUNK_ITEMS or self._bytes >= CHUNK_BYTES) and not self.spool():
                return False
        self._release()
        return self.spool()

    def take(self, piece: Piece) -> None:
        """Join, read and redact the lines of a piece."""
        stream = self._streams.get(piece.stream)
        if stream is None:
            reader = LineReader(service=piece.origin.service or "", host="", now=self._now)
            stream = self._streams[piece.stream] = Stream(reader, piece.origin)
        stream.fed_at = self._clock()
        self.lines += len(piece.lines)
        feed, cut = stream.joiner.feed, piece.cut
        stream.known.extend(piece.known)
        for number, line in enumerate(piece.lines):
            if number in cut:
                stream.sizes.append(cut[number])
            for text, n in feed(line):
                self._keep(text, stream, n, whole=number not in cut)
        stream.end = piece.end
        if piece.final:
            for text, n in stream.joiner.flush():
                self._keep(text, stream, n, whole=True)
        pending = stream.joiner.pending_lines
        fresh = min(pending, len(piece.lines))
        stream.held = (stream.held[len(stream.held) - (pending - fresh) :] if pending > fresh else []) + (
            piece.marks(fresh) if fresh else []
        )
        self._pass(piece.stream, stream)
        if piece.final:
            del self._streams[piece.stream]

    def _release(self) -> None:
        """Finish the events that no line has continued for a while."""
        now = self._clock()
        for key, stream in self._streams.items():
            if stream.held and now - stream.fed_at >= HOLD_SECONDS:
                for text, n in stream.joiner.flush():
                    self._keep(text, stream, n, whole=True)
                stream.held = []
                self._pass(key, stream)

    def _pass(self, key: Hashable, stream: Stream) -> None:
        name, position = self._source.passed(key, stream.held[0] if stream.held else stream.end)
        if position is not None:
            self._ends[name] = position

    def _keep(self, text: str, stream: Stream, lines: int, *, whole: bool) -> None:
        known = stream.known[0] if stream.known else None
        for _ in range(min(lines, len(stream.known))):
            stream.known.popleft()
        if not text or text.isspace():
            return
        origin, text = stream.origin, redact(text)
        at, level, service, host, message, metadata, form = stream.reader.read(text)
        if known is not None:
            at = at if known.at is None else known.at
            level = level if known.level in (None, INFO) and level is not None else known.level
            metadata = {**known.metadata, **metadata}
        level = level_of(message, level, form, metadata)
        if len(message) * 4 > MESSAGE_BYTES:
            message, metadata = shortened(message, metadata)
        # A cut line is the first of its event or starts the event that is still held.
        if stream.sizes and (whole or len(stream.sizes) > 1):
            metadata = {**metadata, "cut_from_bytes": stream.sizes.pop(0)}
        if at is None or not EARLIEST <= at < LATEST:
            at = self._now()
        if host and host != self._host:
            metadata = {**metadata, "logged_host": host}
        record: dict[str, Any] = {
            "message": message,
            "level": level,
            "service": origin.service or service or origin.guess,
            "timestamp": datetime.fromtimestamp(at / 1e6, UTC),
            "source": origin.source[-NAME_CHARACTERS:],
        }
        if metadata:
            record["metadata"] = metadata
            trace = metadata.get("trace_id")
            if isinstance(trace, str) and 0 < len(trace) <= NAME_CHARACTERS and trace.isprintable():
                record["trace_id"] = trace
        self._logs.append(record)
        self._once += not origin.again
        self._bytes += len(message)

    def holds(self) -> bool:
        """Return whether an event waits to be finished."""
        return any(stream.held for stream in self._streams.values())

    def spool(self) -> bool:
        """Write down what was gathered; it stays gathered when there is no room."""
        if not self._logs and not self._ends:
            return True
        if not self._spool.append(self._logs, (), self._ends):
            return False
        self._logs, self._ends, self._bytes, self._once = [], {}, 0, 0
        return True

    def unkept(self) -> int:
        """Return how many lines would be lost for ever if nothing more could be spooled."""
        return self._once + sum(
            len(stream.held) for stream in self._streams.values() if not stream.origin.again
        )


def shortened(message: str, metadata: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return a message that the server takes, and its former size beside it."""
    raw = message.encode("utf-8", "replace")
    if len(raw) <= MESSAGE_BYTES:
        return message, metadata
    return raw[:MESSAGE_BYTES].decode("utf-8", "ignore"), {**metadata, "cut_from_bytes": len(raw)}
