"""What is read from one line, and what a format needs to read it.

From parse, which owns the context of a source; to every format module. A tuple, because making one
costs a tenth of a frozen dataclass and a line may cost only a few microseconds in all.
"""
from __future__ import annotations

from typing import Any, Callable, NamedTuple, Optional

from .level import LEVELS
from .stamps import Stamps
from .tongues import ENGLISH

#: The longest name (service, host) that the server accepts.
NAME_CHARACTERS = 200


class Parsed(NamedTuple):
    """A line that was read. `at` is epoch microseconds, `level` one of the five names or None.

    `service` and `host` are what the line says, else what the reader was told, else None.
    """

    at: Optional[int]
    level: Optional[str]
    service: Optional[str]
    host: Optional[str]
    message: str
    metadata: dict[str, Any]
    format: str


#: Makes a Parsed of a tuple, for readers that are called for each line: its own call costs twice as much.
new: Callable[[type[Parsed], Any], Parsed] = tuple.__new__


class Context:
    """The source that a line came from: its defaults and its clock."""

    __slots__ = ("before", "depth", "fields", "host", "lettered", "run", "service", "stamps")

    def __init__(self, service: Optional[str], host: Optional[str], stamps: Stamps) -> None:
        self.service = service
        self.host = host
        self.stamps = stamps
        #: Whether a line had an "I" for its level in a column.
        self.lettered = False
        #: The run of tests or of a build whose lines these are (a runner.Run), or None.
        self.run: Any = None
        #: What .NET's console said in the line before: of which process, and the level of what follows it.
        self.before: Optional[tuple[str, str]] = None
        #: How many wrappers (docker's JSON) surround the line that is being read.
        self.depth = 0
        #: The fields that a file in W3C's extended format said that it has; empty if it did not.
        self.fields: tuple[str, ...] = ()


#: A format: the parsed line, or None if the line is not of this format.
Format = Callable[[str, Context], Optional[Parsed]]

#: Levels as programs write them, so that the common spellings need no lower().
LEVEL_NAMES: dict[str, str] = {
    spelling: level for name, level in (*LEVELS.items(), *(
        ("note", "info"), ("system", "info"), ("context", "info"), ("query", "info"), ("debug1", "debug"),
        ("debug2", "debug"), ("debug3", "debug"), ("debug4", "debug"), ("debug5", "debug"), ("trace1",
                                                                                             "debug"),
        ("errors", "error"), ("exception", "error"), ("off", "info"), ("default", "info"),
        # cut to four letters by RabbitMQ 3.9 and by loggers of Go
        ("erro", "error"), ("eror", "error"), ("noti", "info"), ("debu", "debug"), ("dbug", "debug"),
        # of .NET, of npm and of Serilog
        ("trce", "debug"), ("fail", "error"), ("silly", "debug"), ("trac", "debug"),
        ("fata", "critical"), ("pani", "critical"), ("vrb", "debug"),
        *((foreign.lower(), LEVELS.get(name.lower(), "info")) for foreign, name in ENGLISH.items())))
    for spelling in (name, name.upper(), name.title())
}

#: syslog's eight severities.
SYSLOG_LEVELS = ("critical", "critical", "critical", "error", "warning", "info", "info", "debug")


#: Formats whose loggers are told apart by more than their lines.
_FIELDS = frozenset(("json", "logfmt"))


def level_name(word: str) -> Optional[str]:
    """Return the level that a word names, or None."""
    found = LEVEL_NAMES.get(word)
    return found if found is not None else LEVEL_NAMES.get(word.strip().lower())


def name(value: str) -> Optional[str]:
    """Make a name acceptable to the server: no control characters, bounded; None if nothing is left."""
    if len(value) <= NAME_CHARACTERS and value.isprintable():
        return value or None
    kept = "".join(c for c in value[:NAME_CHARACTERS * 2] if ord(c) >= 32 and ord(c) != 127)
    return kept[:NAME_CHARACTERS] or None


def by_logger(parsed: Parsed) -> Optional[str]:
    """Return the service of a line, or its logger where nothing else, not even a file, has a name for it."""
    logger = parsed.metadata.get("logger") if parsed.service is None and parsed.format in _FIELDS else None
    return name(logger) if logger.__class__ is str else parsed.service
