"""Turn pieces of raw lines into records and spool them with their positions. From sources; to spool.

An event of several lines is held until the line after it shows that it is finished, or until no line
came for HOLD_SECONDS; the position kept never passes a line that is still held.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field

from sra_sdk.lines.multiline import Joiner
from sra_sdk.lines.outline import UNKNOWN, Outlines
from sra_sdk.lines.parse import LineReader

from .records import Record, Records
from .sources import Known, Origin, Piece, Position, Source
from .spool import Spool

HOLD_SECONDS = 0.5
CHUNK_ITEMS = 1_000
CHUNK_BYTES = 1024 * 1024


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
        self._source, self._spool = source, spool
        self._now, self._clock = now, clock
        self._streams: dict[Hashable, Stream] = {}
        self._records, self._outlines = Records(host, now), Outlines()
        self._logs: list[Record] = []
        self._ends: dict[str, Position] = {}
        self._bytes = 0
        self._once = 0  # gathered records that no source can give again
        self.lines = 0

    def follow(self, source: Source) -> None:
        """Read from another source from now on; what is held of its streams goes on."""
        self._source = source

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
        if piece.cut or stream.sizes or piece.known or stream.known:
            self._take_singly(piece, stream)
        else:
            self._take_whole(piece.lines, stream)
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

    def _take_whole(self, lines: list[str], stream: Stream) -> None:
        doubts, cards = self._outlines.doubts(lines)
        for texts, number in stream.joiner.feed_all(lines):
            if number < 0:
                for text in texts:
                    self._keep(text, stream, 0, whole=True)
            else:
                events = zip(texts, doubts[number : number + len(texts)], strict=True)
                made = self._records.make(events, stream.reader, stream.origin, cards=cards)
                self._add(made, stream.origin)

    def _take_singly(self, piece: Piece, stream: Stream) -> None:
        """Take lines of which more is known than their text."""
        stream.known.extend(piece.known)
        for number, line in enumerate(piece.lines):
            if number in piece.cut:
                stream.sizes.append(piece.cut[number])
            for text, n in stream.joiner.feed(line):
                self._keep(text, stream, n, whole=number not in piece.cut)

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
        # A cut line is the first of its event or starts the event that is still held.
        cut = stream.sizes.pop(0) if stream.sizes and (whole or len(stream.sizes) > 1) else None
        made = self._records.make([(text, UNKNOWN)], stream.reader, stream.origin, cut_from=cut, known=known)
        self._add(made, stream.origin)

    def _add(self, records: list[Record], origin: Origin) -> None:
        self._logs += records
        self._once += 0 if origin.again else len(records)
        self._bytes += sum([len(record["message"]) for record in records])

    def holds(self) -> bool:
        """Return whether an event waits to be finished."""
        return any(stream.held for stream in self._streams.values())

    def spool(self) -> bool:
        """Write down what was gathered; it stays gathered when there is no room."""
        if not self._logs and not self._ends:
            return True
        if not self._spool.append(self._logs, (), self._ends, once=self._once):
            return False
        self._logs, self._ends, self._bytes, self._once = [], {}, 0, 0
        return True

    def unkept(self) -> int:
        """Return how many lines would be lost for ever if nothing more could be spooled."""
        return self._once + sum(
            len(stream.held) for stream in self._streams.values() if not stream.origin.again
        )
