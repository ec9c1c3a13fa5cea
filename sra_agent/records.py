"""Make the records of events: redacted, read, rated, shaped as the server takes them. From intake; to spool.

Most events are one line that can hold no secret and no word of trouble, which its outline tells; only of
the others the text itself is searched. Both ways make the same record.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

from sra_sdk.lines.infer import level_of
from sra_sdk.lines.level import INFO
from sra_sdk.lines.outline import CLEAR, UNKNOWN, Doubt
from sra_sdk.lines.parse import LineReader
from sra_sdk.lines.redact import has_card, redact

from .sources import Known, Origin

MESSAGE_BYTES = 256 * 1024
NAME_CHARACTERS = 200
SECOND = 1_000_000
#: Times outside these are mistakes of the writer; the server takes none of them.
EARLIEST, LATEST = 315_532_800_000_000, 7_258_032_000_000_000
#: Formats whose message need not stand in the line as it is.
REWRITTEN = frozenset(("json", "logfmt", "docker"))
_RATED_BY_FIELDS = frozenset(("access", "haproxy", "json", "logfmt"))

Record = dict[str, Any]


class Fractions(dict[int, str]):
    """What stands behind the second of an instant; most programs write thousandths."""

    def __missing__(self, rest: int) -> str:
        text = f".{rest:06d}+00:00" if rest else "+00:00"
        if rest % 1000 == 0:
            self[rest] = text
        return text


FRACTIONS = Fractions()


class Records:
    """Makes the records of one host. Used by one thread."""

    def __init__(self, host: str, now: Callable[[], int]) -> None:
        self._host, self._now = host, now
        self._second, self._prefix = -1, ""  # the latest second and its text

    def make(
        self,
        events: Iterable[tuple[str, Doubt]],
        reader: LineReader,
        origin: Origin,
        *,
        cards: bool = True,
        cut_from: int | None = None,
        known: Known | None = None,
    ) -> list[Record]:
        """Return the records of some events of one stream, in order.

        `cut_from` and `known`, what the source itself says, belong to the first.
        """
        made: list[Record] = []
        read, keep, instant = reader.read, made.append, self.instant
        pinned, guess, source = origin.service, origin.guess, origin.source[-NAME_CHARACTERS:]
        for line, verdict in events:
            text, doubt = line, verdict
            if not text or text.isspace():
                continue
            if (doubt is not CLEAR and doubt.secret(text)) or (cards and has_card(text)):
                text, doubt = redact(text), UNKNOWN
            at, level, service, host, message, metadata, form = read(text)
            if known is not None:
                at = at if known.at is None else known.at
                level = level if known.level in (None, INFO) and level is not None else known.level
                metadata, known = {**known.metadata, **metadata}, None
            if level is None or level == "info":
                clear = doubt is CLEAR or not doubt.loud(text, rated=level is not None)
                if clear and form in REWRITTEN and message not in text:
                    clear = False
                if not clear or (metadata and form in _RATED_BY_FIELDS):
                    level = level_of(message, level, form, metadata, clear=clear)
                else:
                    level = "info"
            if len(message) * 4 > MESSAGE_BYTES:
                message, metadata = shortened(message, metadata)
            if cut_from is not None:
                metadata, cut_from = {**metadata, "cut_from_bytes": cut_from}, None
            if at is None or not EARLIEST <= at < LATEST:
                at = self._now()
            if host and host != self._host:
                metadata = {**metadata, "logged_host": host}
            record: Record = {
                "message": message,
                "level": level,
                "service": pinned or service or guess,
                "timestamp": instant(at),
                "source": source,
            }
            if metadata:
                record["metadata"] = metadata
                if "trace_id" in metadata:
                    trace = metadata["trace_id"]
                    if isinstance(trace, str) and 0 < len(trace) <= NAME_CHARACTERS and trace.isprintable():
                        record["trace_id"] = trace
            keep(record)
        return made

    def instant(self, at: int) -> str:
        """Return RFC 3339 of epoch microseconds; the date and the second are made once for each second."""
        second, rest = divmod(at, SECOND)
        if second != self._second:
            self._prefix = datetime.fromtimestamp(second, UTC).isoformat()[:-6]
            self._second = second
        return self._prefix + FRACTIONS[rest]


def shortened(message: str, metadata: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return a message that the server takes, and its former size beside it."""
    raw = message.encode("utf-8", "replace")
    if len(raw) <= MESSAGE_BYTES:
        return message, metadata
    return raw[:MESSAGE_BYTES].decode("utf-8", "ignore"), {**metadata, "cut_from_bytes": len(raw)}
