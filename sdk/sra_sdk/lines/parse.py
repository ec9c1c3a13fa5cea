"""Turn one line (or one joined event) into a Parsed. From multiline; to redact, then spool or fold.

The first character of a line leaves few formats to try, each one anchored pattern or a family that
shares its date; the format that fitted a source last is tried first. A line that fits none is kept
as "plain". Reading never raises, and what it returns can be stored: no NUL, no lone surrogate, bounded.
"""
from __future__ import annotations

import re
import time
from datetime import tzinfo
from typing import Any, Callable, Optional

from .civil import compact, dotted, exported, hyphened, job, jul, slashed, weekday
from .colours import ESCAPE, plain
from .console import clock, dotnet, hours, nest, tornado
from .daemons import (
    aerospike,
    asterisk,
    audit,
    chain,
    cups,
    directory,
    game,
    ignite,
    jitsi,
    mattermost,
    node_red,
    ntpd,
    passenger,
    prosody,
    slapd,
    sssd,
    suricata,
    zabbix,
)
from .dated import dated, numbered, python_line, spring_line
from .edge import balanced, extended, fields
from .haproxy import haproxy
from .jsonlines import docker, json_line
from .logfmt import logfmt
from .multiline import BYTES, cut
from .parsed import Context, Format, Parsed, name
from .runner import OPENINGS, told_by_runner
from .served import brief, fiber, gin, rails, ruby, runserver, uwsgi
from .stamps import Stamps
from .suites import db2, weblogic, websphere
from .syslog import bsd, dmesg, iso, prefixed
from .undated import cluster, counted, hadoop, hanami, klog, levelled, ras, rdkafka, redis, spark
from .web import access, apache_error, common, nginx_error

__all__ = ["LineReader", "Parsed"]

_DIGITS: tuple[Format, ...] = (common, nginx_error, extended, balanced, iso, dated, access, spark, hadoop,
                               redis, cluster, counted, clock, hours, fiber, hyphened, slashed,
                               job, dotted, compact, suricata, zabbix, db2, ntpd, node_red,
                               haproxy, slapd, ras)
#: Of these, what "2024-01-31 10" can begin.
_SPACED: tuple[Format, ...] = (python_line, spring_line,
                               *(form for form in _DIGITS
                                 if form not in (common, nginx_error, balanced, iso)))
_LETTERS: tuple[Format, ...] = (bsd, klog, dotnet, levelled, jul, weekday, logfmt, access, haproxy, ras)
_BY_FIRST: dict[str, tuple[Format, ...]] = {
    "{": (json_line,), "<": (prefixed, weblogic),
    "[": (dated, apache_error, dmesg, redis, runserver, rails, uwsgi, hanami, levelled, counted, hours,
          tornado, hyphened, weekday, slashed, numbered, gin, asterisk, websphere, suricata, directory,
          game, passenger, ignite, dotted, compact, nest),
    "-": (ras, access), ":": (access, haproxy), "_": (logfmt, access), "@": (logfmt,), "%": (rdkafka,),
    "(": (sssd,),
    "#": (fields, weblogic),
    **{digit: _DIGITS for digit in "0123456789"},
    **{letter: _LETTERS for letter in "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"},
    # of the levels of Ruby's Logger, of Rails, and of a request's methods
    **{letter: (ruby, *_LETTERS) for letter in "DIWEFAU"}, "C": (*_LETTERS, rails),
    **{letter: (brief, ruby, *_LETTERS) for letter in "GPDHO"},
    # of the types of a balancer's connections: http, grpcs, wss
    **{letter: (balanced, *_LETTERS) for letter in "hgw"},
}
#: What begins with few letters, and is looked at before all that any letter may begin.
for _letters, _form in (
        ("XACEWNIDd", cups), ("TDIWEC", chain), ("JFMASOND", prosody), ("JFMASOND", aerospike), ("J", jitsi),
        ("diwecf", mattermost), ("tn", audit), ("abcdef", slapd), ("IWECVA", exported)):
    for _letter in _letters:
        _BY_FIRST[_letter] = (_form, *_BY_FIRST[_letter])
#: Formats so strict that a line which fits one fits no other: only these are tried before their turn.
_STICKY = frozenset((common, python_line, spring_line, bsd, spark, hadoop, redis, klog, apache_error,
                     nginx_error, ras, cluster, ruby, balanced, extended))
#: How `docker compose logs` begins each line: the container, which is named by its service and a number.
_COMPOSE = re.compile(r"([a-z0-9][a-z0-9_.-]{0,80}?)(?:[-_][0-9]{1,3})? {1,40}\| ", re.A)
#: And what it tells itself of a container that has ended; so programs tell of their own processes, too.
_ENDED = re.compile(r"(?!(?:worker|child|process|proc|thread|fork|job|task|cluster|runner)[-_][0-9])"
                    r"([a-z0-9][a-z0-9_.-]{0,80}?)[-_][0-9]{1,3} exited with code [0-9]{1,3}"
                    r"(?: \(restarting\))?\Z", re.A)
_SURROGATE = re.compile("[\ud800-\udfff]")
_WRAPPERS = 2
#: What a runner's line may begin with, beside words: a number, a step, what is indented.
_MARKS = frozenset(" #")


def _now() -> int:
    return time.time_ns() // 1000


class LineReader:
    """Reads the lines of one source.

    `service` and `host` serve the lines that name none. `now` (epoch microseconds) decides the year
    of stamps without one; `tz` the zone of stamps without one, None meaning that of this machine.
    """

    def __init__(self, *, service: str = "", host: str = "", now: Callable[[], int] = _now,
                 tz: Optional[tzinfo] = None) -> None:
        self._context = Context(name(service), name(host), Stamps(now, tz))
        self._last: Optional[Format] = None

    def read(self, text: str) -> Parsed:
        """Read a line. Never raises; a line of no known format is "plain", its time None."""
        if "\x00" in text:
            text = text.replace("\x00", "\ufffd")
        if not text.isascii():
            text = _SURROGATE.sub("\ufffd", text)
        if ESCAPE in text:
            text = plain(text)
        if text[-1:] in "\r\n":
            text = text.rstrip("\r\n")
        if len(text) * 4 > BYTES:
            text = cut(text)[0]
        last, context = self._last, self._context
        try:
            parsed = last(text, context) if last is not None else None
            if parsed is None:
                parsed = self._read(text, context)
            head = parsed.message[:4]
            if head in OPENINGS or head[:1] in _MARKS or context.run is not None:
                return parsed if context.depth else told_by_runner(parsed, context)
            return parsed
        except Exception:  # noqa: BLE001 - whatever a stranger wrote, the line itself must be kept
            return Parsed(None, None, context.service, context.host, text, {}, "plain")

    def _read(self, text: str, context: Context) -> Parsed:
        first = text[:1]
        if first == " " or first == "\t":
            # Indentation before a whole line is rare, but it must not hide its level.
            text_read = text.lstrip()
            first = text_read[:1]
        else:
            text_read = text
        if first == "{":
            return self._json(text, text_read, context)
        forms = _BY_FIRST.get(first, ())
        if forms is _DIGITS and text_read[10:11] == " " and text_read[4:5] == "-":
            forms = _SPACED
        for form in forms:
            parsed = form(text_read, context)
            if parsed is not None:
                self._last = form if form in _STICKY else None
                return parsed
        if " | " in text and context.depth < _WRAPPERS:
            composed = self._composed(text, context)
            if composed is not None:
                return composed
        ended = _ENDED.match(text) if " exited with code " in text else None
        service = name(ended[1]) if ended is not None else context.service
        return Parsed(None, None, service, context.host, text, {}, "plain")

    def _composed(self, text: str, context: Context) -> Optional[Parsed]:
        """Read what stands behind the name of a container, if it is of a known format."""
        found = _COMPOSE.match(text)
        if found is None:
            return None
        context.depth += 1
        given, context.service = context.service, name(found[1])
        try:
            inner = self.read(text[found.end():])
        finally:
            context.depth -= 1
            context.service = given
        return None if inner.format == "plain" else inner

    def _json(self, text: str, text_read: str, context: Context) -> Parsed:
        if text_read.startswith('{"log":') and context.depth < _WRAPPERS:
            wrapped = docker(text_read, context)
            if wrapped is not None:
                context.depth += 1
                try:
                    inner = self.read(wrapped[0])
                finally:
                    context.depth -= 1
                at = inner.at if inner.at is not None else context.stamps.text(wrapped[2])
                return inner._replace(at=at, metadata={**inner.metadata, "stream": wrapped[1]},
                                      format="docker" if inner.format == "plain" else inner.format)
        parsed = json_line(text_read, context)
        if parsed is None:
            return Parsed(None, None, context.service, context.host, text, {}, "plain")
        # Escapes can bring in what a line itself could not: NUL, halves of characters, and colours.
        return _cleaned(parsed) if "\\u" in text_read else parsed


def _cleaned(parsed: Parsed) -> Parsed:
    return Parsed(parsed.at, parsed.level, parsed.service and name(_clean(parsed.service)),
                  parsed.host and name(_clean(parsed.host)), _clean(parsed.message), _clean(parsed.metadata),
                  parsed.format)


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return _SURROGATE.sub("\ufffd", plain(value).replace("\x00", "\ufffd"))
    if isinstance(value, dict):
        return {_clean(key): _clean(inner) for key, inner in value.items()}
    return [_clean(inner) for inner in value] if isinstance(value, list) else value
