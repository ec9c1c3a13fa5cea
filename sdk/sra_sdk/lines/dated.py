"""Lines that begin with a full date: Python, Java, PostgreSQL, MySQL, RabbitMQ, container runtimes, others.

From parse; to Parsed. They share one anchored pattern for the date; what follows it decides, by its
first character, which few patterns are tried. What none fits is "generic": a date, perhaps a level.
"""
from __future__ import annotations

import re
from typing import Any, Optional

from .marks import marked
from .parsed import LEVEL_NAMES, Context, Parsed, level_name, new
from .served import METHODS, served
from .stamps import ymd
from .tongues import ENGLISH, HEADING, POSTGRES, WRONG
from .within import within

_DATE = re.compile(
    # MariaDB pads the hour with a blank
    r"\[?([0-9]{4}[-/.][0-9]{2}[-/.][0-9]{2}(?:[Tt ][0-9]{2}| {2}[0-9])):([0-9]{2}):([0-9]{2})"
    r"(?:[.,]([0-9]{1,9}))?"
    r"(Z| ?[+-][0-9]{2}:?[0-9]{2}(?![0-9-])| [A-Z]{3,4}(?= \[[0-9]|,))?")

_UPPER = r"(TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|SEVERE|CRITICAL|FATAL)"
_PYTHON = re.compile(r" - ([\w.\-/]{1,200}) - (?:\[?)([A-Z]{3,8})\]?(?: -|:) ", re.A)
_LOG4J_DASH = re.compile(r" - ([A-Z]{4,8}) {1,4}\[")
_LEVEL_FIRST = re.compile(r" {1,2}" + _UPPER + r" {1,2}(?:\[([^\]\n]{1,200})\] )?([\w.$/@-]{1,200})(?: -"
                          r"|:) ", re.A)
_EXCEPTION = re.compile(r"(?:Error|Exception)\Z|\Apanic\Z")
_SPRING = re.compile(r" {1,2}" + _UPPER + r" ([0-9]+) --- (?:\[([^\]\n]*)\] ){1,3}(\S{1,200}) *: ")
_THREAD_FIRST = re.compile(r" \[([^\]\n]{1,200})\] {0,4}" + _UPPER + r" {1,4}([\w.$/@:\[\]-]{1,200}) +"
                           r"(?:-|:) ", re.A)
_RABBIT = re.compile(r" \[([a-z]{4,9})\] (<[0-9.]+>) ")
_MYSQL = re.compile(r" ([0-9]+) \[(System|Note|Warning|ERROR|Error)\] (?:\[(MY-[0-9]+)\] )?(?:\[(\w+)\] )?",
                    re.A)
_POSTGRES = re.compile(
    r" \[([0-9]+)(?:-[0-9]+)?\](?: (?:\[?([\w-]*)\]?@\[?([\w-]*)\]?))?(?: [\w.\[\]-]{1,100}){0,2}? "
    r"(LOG|ERROR|FATAL|PANIC|WARNING|NOTICE|INFO|DETAIL|HINT|STATEMENT|CONTEXT|QUERY|DEBUG[1-5]?"
    r"|" + POSTGRES + r"): {1,2}",
    re.A)
#: PostgreSQL's csvlog: user, database, process, ..., severity, SQLSTATE and message.
_CSVLOG = re.compile(
    r',(?:"([^"]*)")?,(?:"([^"]*)")?,([0-9]*),(?:"[^"]*")?,[0-9a-f]{1,20}\.[0-9a-f]{1,20},[0-9]{1,20},(?:"[^"]*")?,'
    r'[^,"]{0,40},[^,"]{0,40},[0-9]*,(DEBUG[1-5]?|INFO|NOTICE|WARNING|ERROR|LOG|FATAL|PANIC),([0-9A-Z]{5}),'
    r'"((?:[^"]|"")*)(?:",|\Z)')
_CRI = re.compile(r" (stdout|stderr) ([FP]) ")
_BRACKET_IN = re.compile(r"\] " + _UPPER + r" in ([\w.]{1,200}): ", re.A)
_BRACKET_PID = re.compile(r"\] \[([0-9]+)\] \[" + _UPPER + r"\] ")
#: Monolog, of PHP: the channel, and the level of syslog.
_MONOLOG = re.compile(r"\] ([\w-]{1,100})\.(DEBUG|INFO|NOTICE|WARNING|ERROR|CRITICAL|ALERT|EMERGENCY): ",
                      re.A)
_BRACKET_CELERY = re.compile(r": " + _UPPER + r"/([\w-]{1,100})\] ", re.A)
_ELASTIC = re.compile(r"\]\[" + _UPPER + r" *\]\[([^\]\n]{1,200})\] ?")
#: Envoy's access lines: the status, and why there is no answer of the upstream.
_ENVOY = re.compile(r'\] "([A-Z]{3,12}|-) (\S+) [^"\n]{1,20}" ([0-9]{1,3}) ([A-Z,]{2,40}|-) ')
_ENVOY_CLIENT = re.compile(r' "([0-9a-fA-F.:]{3,45})(?:,[^"]*)?" "')
_GENERIC_LEVEL = re.compile(
    r"\]?[ \t|:;,-]{0,6}(?:\[[^\]\n]{0,100}\][ \t|-]{1,4}|\{[\w-]{0,60}\} "
    r"|[\w.$/-]{1,100}(?: ?[|:-])? {1,4}){0,2}?"
    r"(?:\[ {0,2}(TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|ERR|SEVERE|CRITICAL|CRIT|FATAL|ALERT|EMERG|PANIC"
    r"|trace|debug|info|notice|warn|warning|error|err|critical|crit|fatal|alert|emerg|panic"
    r"|" + WRONG + r") {0,6}\]:?"
    r"|(TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|SEVERE|CRITICAL|FATAL)(?![\w/.=-])[:|]?"
    r"|<(Trace|Debug|Information|Notice|Warning|Error|Critical|Fatal|Info|Warn)>)[ \t|-]{0,12}", re.A)
_CALM = (None, "info")
#: The levels of npm, as winston writes them: only right behind the date, for any text may speak of an error.
_NPM = re.compile(r"\]? {1,3}\[?(silly|verbose|debug|info|warn|error)\]?: ")
#: A level in another language, that heads the text right behind the date.
_HEADED = re.compile(r"\]? {1,3}(" + HEADING + r")(?: ?: {0,3}| {1,3}(?=\S))")
#: Telegraf's levels, and the plugin that speaks.
_TELEGRAF = re.compile(r" ([DIWE])! (?:\[([\w.:-]{1,100})\] )?", re.A)
_STAMP = r"([0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2})"
_PYTHON_LINE = re.compile(
    _STAMP + r",([0-9]{3}) - ([\w.\-/]{1,200}) - (DEBUG|INFO|WARNING|ERROR|CRITICAL) - ", re.A)
_SPRING_LINE = re.compile(_STAMP + r"\.([0-9]{3}) {1,2}(TRACE|DEBUG|INFO|WARN|ERROR) ([0-9]+) --- "
                          r"\[([^\]\n]*)\] ([^\s\[]\S{0,199}) *: ")
#: A process, or the short id of a device, as Syncthing writes it.
_PID = re.compile(r"\[([0-9]{1,7}|[A-Z0-9]{5})\] (?=[0-9]{4}[-/])")
#: MongoDB before 4.4: the level's letter, the component, and the connection or thread.
_MONGO = re.compile(r" ([DIWEF])[1-5]? {1,2}([A-Z]{2,10}|-) +\[([^\]\n]{1,100})\] ")
_LETTERS = {"D": "debug", "I": "info", "W": "warning", "E": "error", "F": "critical"}
_SKIP = re.compile(r"\]?[ \t|:;,-]{0,6}")


def dated(text: str, context: Context) -> Optional[Parsed]:
    """2024-01-31 10:00:00,123 ..., [2024-01-31T10:00:00Z] ..., 2024/01/31 10:00:00 ..."""
    found = _DATE.match(text)
    if found is None:
        return None
    hour, minute, second, fraction, zone = found.groups()
    at = context.stamps.at(ymd, hour, minute, second, fraction, zone.strip() if zone else None)
    end = found.end()
    after = text[end:end + 3]
    parsed: Optional[Parsed]
    if text[0] == "[":
        parsed = _bracketed(text, end, at, context)
    elif after == " - ":
        parsed = _dashed(text, end, at, context)
    elif after[:1] == ",":
        parsed = _csvlog(text, end, at, context)
    elif after[:1] == " ":
        parsed = (_POSTGRES_OR_BRACKET if after[1:2] == "[" else _WORDS)(text, end, at, context)
    else:
        parsed = None
    read = parsed or rest(text, end, at, context)
    if ('" ' in text and read.level in _CALM) or read.message[:4] in METHODS:
        return served(read)
    return read


def python_line(text: str, context: Context) -> Optional[Parsed]:
    """2024-01-31 10:00:00,123 - shop.db - INFO - ..., the commonest of its family, in one look."""
    found = _PYTHON_LINE.match(text)
    if found is None:
        return None
    stamp, fraction, logger, level = found.groups()
    at = context.stamps.second(ymd, 13, stamp)
    parsed = new(Parsed, (at + int(fraction) * 1000 if at >= 0 else None, LEVEL_NAMES[level], context.service,
                          context.host, text[found.end():], {"logger": logger}, "python"))
    return served(parsed) if level == "INFO" and " HTTP/" in text else parsed


def spring_line(text: str, context: Context) -> Optional[Parsed]:
    """2024-01-31 10:00:00.123  INFO 12 --- [main] o.e.App : ..., in one look."""
    found = _SPRING_LINE.match(text)
    if found is None:
        return None
    stamp, fraction, level, pid, thread, logger = found.groups()
    at = context.stamps.second(ymd, 13, stamp)
    return new(Parsed, (at + int(fraction) * 1000 if at >= 0 else None, LEVEL_NAMES[level], context.service,
                        context.host, text[found.end():],
                        {"pid": pid, "thread": thread.strip(), "logger": logger}, "java"))


def numbered(text: str, context: Context) -> Optional[Parsed]:
    """[7] 2024/01/31 10:00:00.123456 [ERR] message, as NATS writes it"""
    found = _PID.match(text)
    inner = dated(text[found.end():], context) if found is not None else None
    if found is None or inner is None:
        return None
    return inner._replace(metadata={**inner.metadata, "pid" if found[1].isdigit() else "device": found[1]})


def _dashed(text: str, end: int, at: Optional[int], context: Context) -> Optional[Parsed]:
    found = _LOG4J_DASH.match(text, end)
    if found is not None:
        level = level_name(found[1])
        close = text.find("] - ", found.end(), found.end() + 400)
        if level is not None and close > 0:
            return Parsed(at, level, context.service, context.host, text[close + 4:],
                          {"thread": text[found.end():close]}, "java")
    found = _PYTHON.match(text, end)
    if found is not None:
        level = level_name(found[2])
        if level is not None:
            return Parsed(at, level, context.service, context.host, text[found.end():], {"logger": found[1]},
                          "python")
    return None


def _bracket(text: str, end: int, at: Optional[int], context: Context) -> Optional[Parsed]:
    found = _POSTGRES.match(text, end)
    if found is not None:
        pid, user, database, level = found.groups()
        metadata: dict[str, Any] = {"pid": pid}
        if user:
            metadata["user"] = user
        if database:
            metadata["database"] = database
        level = ENGLISH.get(level, level)
        if level in ("DETAIL", "HINT", "STATEMENT", "CONTEXT", "QUERY"):
            metadata["part"] = level.lower()
        return Parsed(at, level_name(level), context.service or "postgresql", context.host,
                      text[found.end():],
                      metadata, "postgresql")
    found = _THREAD_FIRST.match(text, end)
    if found is not None:
        return Parsed(at, level_name(found[2]), context.service, context.host, text[found.end():],
                      {"thread": found[1], "logger": found[3]}, "java")
    found = _RABBIT.match(text, end)
    if found is not None:
        return Parsed(at, level_name(found[1]), context.service or "rabbitmq", context.host,
                      text[found.end():],
                      {"process": found[2]}, "rabbitmq")
    return None


def _csvlog(text: str, end: int, at: Optional[int], context: Context) -> Optional[Parsed]:
    found = _CSVLOG.match(text, end)
    if found is None:
        return None
    user, database, pid, level, code, message = found.groups()
    given = {"user": user, "database": database, "pid": pid, "code": code}
    metadata = {key: value for key, value in given.items() if value}
    return Parsed(at, level_name(level), context.service or "postgresql", context.host,
                  message.replace('""', '"'), metadata, "postgresql")


def _words(text: str, end: int, at: Optional[int], context: Context) -> Optional[Parsed]:
    if text[end + 1:end + 2] in "0123456789":
        found = _MYSQL.match(text, end)
        if found is None:
            return None
        metadata: dict[str, Any] = {"thread": found[1]}
        if found[3]:
            metadata["code"] = found[3]
        if found[4]:
            metadata["subsystem"] = found[4]
        return Parsed(at, level_name(found[2]), context.service or "mysql", context.host, text[found.end():],
                      metadata, "mysql")
    found = _SPRING.match(text, end)
    if found is not None:
        return Parsed(at, level_name(found[1]), context.service, context.host, text[found.end():],
                      {"pid": found[2], "thread": found[3].strip(), "logger": found[4]}, "java")
    found = _LEVEL_FIRST.match(text, end)
    if found is not None:
        # an exception has a name as a logger has, and is the text itself
        exception = _EXCEPTION.search(found[3]) is not None
        metadata = {} if exception else {"logger": found[3]}
        if found[2]:
            metadata["thread"] = found[2]
        return Parsed(at, level_name(found[1]), context.service, context.host,
                      text[found.start(3) if exception else found.end():], metadata, "java")
    found = _MONGO.match(text, end) if text[end + 1:end + 2] in "DIWEF" else None
    if found is not None:
        return Parsed(at, _LETTERS[found[1]], context.service or "mongodb", context.host,
                      text[found.end():], {"component": found[2], "ctx": found[3]}, "mongodb")
    found = _CRI.match(text, end)
    if found is not None:
        return within(Parsed(at, None, context.service, context.host, text[found.end():],
                             {"stream": found[1]}, "cri"), context)
    return None


_POSTGRES_OR_BRACKET, _WORDS = _bracket, _words


def _bracketed(text: str, end: int, at: Optional[int], context: Context) -> Optional[Parsed]:
    if text.startswith('] "', end):
        served = _envoy(text, end, at, context)
        if served is not None:
            return served
    for pattern in (_BRACKET_IN, _BRACKET_PID, _BRACKET_CELERY, _ELASTIC, _MONOLOG):
        found = pattern.match(text, end)
        if found is None:
            continue
        if pattern is _MONOLOG:
            return Parsed(at, level_name(found[2]), context.service, context.host, text[found.end():],
                          {"logger": found[1]}, "monolog")
        if pattern is _BRACKET_PID:
            level, metadata = found[2], {"pid": found[1]}
        else:
            level, metadata = found[1], {"process" if pattern is _BRACKET_CELERY
                                         else "logger": found[2].strip()}
        return Parsed(at, level_name(level), context.service, context.host, text[found.end():], metadata,
                      "java" if pattern is _ELASTIC else "python")
    return rest(text, end, at, context)


def _envoy(text: str, end: int, at: Optional[int], context: Context) -> Optional[Parsed]:
    found = _ENVOY.match(text, end)
    if found is None:
        return None
    client = _ENVOY_CLIENT.search(text, found.end())
    metadata: dict[str, Any] = {"client": client[1] if client is not None else "-", "method": found[1],
                                "path": found[2], "status": int(found[3])}
    if found[4] != "-":
        metadata["termination"] = found[4]
    return Parsed(at, None, context.service, context.host, text, metadata, "access")


def rest(text: str, end: int, at: Optional[int], context: Context) -> Parsed:
    """Return what stands behind a date that ends at `end`: perhaps a level, and the message."""
    found = _TELEGRAF.match(text, end) if text[end + 2:end + 3] == "!" else None
    if found is not None:
        return Parsed(at, _LETTERS[found[1]], context.service, context.host, text[found.end():],
                      {"logger": found[2]} if found[2] else {}, "generic")
    own = marked(text, end, at, context)
    if own is not None:
        return own
    found = _GENERIC_LEVEL.match(text, end) or _NPM.match(text, end) or _HEADED.match(text, end)
    if found is None:
        start = _SKIP.match(text, end).end()  # type: ignore[union-attr]
        return within(Parsed(at, None, context.service, context.host, text[start:], {}, "generic"), context)
    word = found[found.lastindex or 0]
    # What stands between the date and the level (a thread, a logger) is kept in the message's place.
    between = text[end:found.start(found.lastindex or 0)].strip("[]<> \t|:;,-")
    return Parsed(at, level_name(word), context.service, context.host, text[found.end():],
                  {"logger": between} if between else {}, "generic")
