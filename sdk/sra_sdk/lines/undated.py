"""Lines whose date is short, packed, late or missing: Spark, Hadoop, Redis, klog, clusters, level prefixes.

From parse; to Parsed.
"""
from __future__ import annotations

import re
from typing import Optional

from .jsonlines import trailing
from .nagios import nagios
from .parsed import SYSLOG_LEVELS, Context, Parsed, level_name, name
from .stamps import day_month_year, epoch, packed, short_ymd, ymd
from .tagged import own
from .tongues import HEADING

_UPPER = r"(TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|SEVERE|CRITICAL|FATAL)"
_SPARK = re.compile(r"([0-9]{2}/[0-9]{2}/[0-9]{2} [0-9]{2}):([0-9]{2}):([0-9]{2}) "
                    + _UPPER + r" ([\w.$-]{1,200}): ", re.A)
_HADOOP = re.compile(r"([0-9]{6} [0-9]{2})([0-9]{2})([0-9]{2}) ([0-9]+) " + _UPPER + r" ([\w.$-]{1,200}): ",
                     re.A)
_REDIS = re.compile(r"([0-9]+):([XCSM]) ([0-9]{2} [A-Z][a-z]{2}) ([0-9]{4}) ([0-9]{2}):([0-9]{2}):([0-9]{2})"
                    r"\.([0-9]{3}) ([.*#-]) ")
_OLD_REDIS = re.compile(r"\[([0-9]+)\] ([0-9]{2} [A-Z][a-z]{2} [0-9]{2}):([0-9]{2}):([0-9]{2})\.("
                        r"[0-9]{3}) ([.*#-]) ")
_REDIS_MARKS = {".": "debug", "-": "debug", "*": "info", "#": "warning"}
_REDIS_ROLES = {"X": "sentinel", "C": "child", "S": "replica", "M": "master"}
#: glog may write the year, and CockroachDB does; this writes its node and a number in place of the bracket.
_KLOG = re.compile(r"([IWEF])(?:(?:20)?[0-9]{2})?([01][0-9][0-3][0-9] [0-9]{2}):([0-9]{2}):([0-9]{2})"
                   r"\.([0-9]{1,9}) +([0-9]+) ([^:\s]{1,200}:[0-9]+)"
                   r"(?:\]| \u22ee? ?\[[^\]\s]{0,200}\](?: [0-9]{1,12})?) {1,2}")
_KLOG_LEVELS = {"I": "info", "W": "warning", "E": "error", "F": "critical"}
_RAS = re.compile(r"\S+ ([0-9]{10}) [0-9]{4}\.[0-9]{2}\.[0-9]{2} (\S+) "
                  r"[0-9]{4}-[0-9]{2}-[0-9]{2}-[0-9]{2}\.[0-9]{2}\.[0-9]{2}(?:\.([0-9]{1,9}))? \S+ (\w+) "
                  r"(\w+) ([A-Z]+) ", re.A)
_CLUSTER = re.compile(r"([0-9]+) (\S+) ([\w.-]+) (\S+) (1[0-9]{9}) ([0-9]+) ", re.A)
_EPOCH = re.compile(r"\[?(1[0-9]{9})(?:\.([0-9]{1,9})|([0-9]{3}))?\]?[ \t:]{1,4}")
_RDKAFKA = re.compile(r"%([0-7])\|(1[0-9]{9})\.([0-9]{3})\|(\w{1,40})\|([^|\n]{0,200})\| ", re.A)
_COLONS = re.compile(r"(DEBUG|INFO|WARNING|ERROR|CRITICAL):([\w.-]{1,200}):", re.A)
_LEVELLED = re.compile(
    r"(?:\[ {0,2}(TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|SEVERE|CRITICAL|FATAL"
    r"|trace|debug|info|notice|warn|warning|error|critical|fatal) {0,2}\]:?"
    r"|(TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|SEVERE|CRITICAL|FATAL)(?::|(?=\[[0-9])| - | {1,3}(?=\S))"
    r"|(TRAC|DEBU|ERRO|FATA|PANI)(?=\[[0-9]{4,9}\])"
    r"|(Trace|Debug|Info|Notice|Warn|Warning|Error|Fatal|trace|debug|info|notice|warning|error|fatal"
    r"|" + HEADING + r"):(?= ))[ \t]*")
#: Django's own example writes the level before the date, and Cassandra the level and the thread.
_DATE = re.compile(r"(?:\[([^\]\n]{1,200})\] )?([0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}):([0-9]{2}):([0-9]{2})"
                   r"(?:[.,]([0-9]{1,9}))?(?:Z|(?= )) ?")
#: Hanami writes the program and the level before the date, each in brackets.
_HANAMI = re.compile(
    r"\[([\w.-]{1,60})\] \[(TRACE|DEBUG|INFO|WARN|ERROR|FATAL)\] \[([0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2})"
    r":([0-9]{2}):([0-9]{2})(?:\.([0-9]{1,9}))? ([+-][0-9]{4}|UTC)\] ", re.A)
_UVICORN = re.compile(r'(\S+) - "([A-Z]{3,10}) (\S+) HTTP/[0-9.]+" ([0-9]{3})')


def spark(text: str, context: Context) -> Optional[Parsed]:
    """17/06/09 20:11:08 INFO storage.BlockManager: message"""
    found = _SPARK.match(text)
    if found is None:
        return None
    hour, minute, second, level, logger = found.groups()
    return Parsed(context.stamps.at(short_ymd, hour, minute, second), level_name(level), context.service,
                  context.host, text[found.end():], {"logger": logger}, "java")


def hadoop(text: str, context: Context) -> Optional[Parsed]:
    """081111 040246 19412 INFO dfs.DataNode: message"""
    found = _HADOOP.match(text)
    if found is None:
        return None
    hour, minute, second, thread, level, logger = found.groups()
    return Parsed(context.stamps.at(packed, hour, minute, second), level_name(level), context.service,
                  context.host, text[found.end():], {"logger": logger, "thread": thread}, "java")


def redis(text: str, context: Context) -> Optional[Parsed]:
    """1234:M 31 Jan 2024 10:00:00.123 # message"""
    found = _REDIS.match(text)
    if found is not None:
        pid, role, day, year, hour, minute, second, fraction, mark = found.groups()
        at = context.stamps.at(day_month_year, f"{day} {year} {hour}", minute, second, fraction)
        metadata = {"pid": pid, "role": _REDIS_ROLES[role]}
    else:
        found = _OLD_REDIS.match(text)
        if found is None:
            return None
        pid, hour, minute, second, fraction, mark = found.groups()
        at = context.stamps.nearest(hour, minute, second, fraction)
        metadata = {"pid": pid}
    return Parsed(at, _REDIS_MARKS[mark], context.service or "redis", context.host, text[found.end():],
                  metadata,
                  "redis")


def klog(text: str, context: Context) -> Optional[Parsed]:
    """E0131 10:00:00.123456    1234 controller.go:114] message"""
    found = _KLOG.match(text)
    if found is None:
        return None
    letter, hour, minute, second, fraction, thread, place = found.groups()
    return Parsed(context.stamps.nearest(hour, minute, second, fraction), _KLOG_LEVELS[letter],
                  context.service,
                  context.host, text[found.end():], {"logger": place, "thread": thread}, "klog")


def ras(text: str, context: Context) -> Optional[Parsed]:
    """A cluster's event: category, epoch, date, node, time, node, kind, part, level, message."""
    found = _RAS.match(text)
    if found is None:
        return None
    seconds, node, fraction, kind, part, level = found.groups()
    at = epoch(int(seconds))
    if at is not None and fraction:
        at += int(fraction[:6].ljust(6, "0"))
    return Parsed(at, level_name(level), context.service, name(node), text[found.end():],
                  {"component": part, "kind": kind}, "ras")


def cluster(text: str, context: Context) -> Optional[Parsed]:
    """134681 node-246 unix.hw state_change.unavailable 1077804742 1 message"""
    found = _CLUSTER.match(text)
    if found is None:
        return None
    number, node, part, state, seconds, flag = found.groups()
    return Parsed(epoch(int(seconds)), None, context.service, name(node), text[found.end():],
                  {"component": part, "state": state, "number": number, "flag": flag}, "cluster")


def counted(text: str, context: Context) -> Optional[Parsed]:
    """1700000000.123 message"""
    found = _EPOCH.match(text)
    if found is None:
        return None
    at = epoch(int(found[1]))
    digits = found[2] or found[3]
    if at is not None and digits:
        at += int(digits[:6].ljust(6, "0"))
    checked = nagios(text, found.end(), at, context) if text[0] == "[" else None
    if checked is not None:
        return checked
    said = own(text, found.end()) if text[0] == "[" else None
    if said is not None:
        return Parsed(at, said.level, said.service, context.host, text[said.end:], {"pid": said.pid},
                      "generic")
    level, end = _level(text, found.end())
    return Parsed(at, level, context.service, context.host, text[end:], {}, "generic")


def rdkafka(text: str, context: Context) -> Optional[Parsed]:
    """%3|1709632800.123|FAIL|rdkafka#producer-1| message"""
    found = _RDKAFKA.match(text)
    if found is None:
        return None
    level, seconds, fraction, kind, client = found.groups()
    at = epoch(int(seconds))
    if at is not None:
        at += int(fraction) * 1000
    return Parsed(at, SYSLOG_LEVELS[int(level)], context.service, context.host, text[found.end():],
                  {"kind": kind, "client_name": client}, "rdkafka")


def levelled(text: str, context: Context) -> Optional[Parsed]:
    """ERROR:app.db:message, [error] message, ERROR: message, ERROR message"""
    found = _COLONS.match(text)
    if found is not None:
        return Parsed(None, level_name(found[1]), context.service, context.host, text[found.end():],
                      {"logger": found[2]}, "python")
    level, end = _level(text, 0)
    if level is None:
        return None
    if text[end:end + 2] == "20" or text[end:end + 1] == "[":
        behind = _DATE.match(text, end)
        if behind is not None:
            thread, hour, minute, second, fraction = behind.groups()
            return Parsed(context.stamps.at(ymd, hour, minute, second, fraction), level, context.service,
                          context.host, text[behind.end():], {"thread": thread} if thread else {}, "levelled")
    served = _UVICORN.match(text, end) if '" ' in text else None
    if served is not None:
        client, method, path, status = served.groups()
        return Parsed(None, level, context.service, context.host, text[end:],
                      {"client": client, "method": method, "path": path, "status": int(status)}, "access")
    behind_it = trailing(text, end, context) if text[-1] == "}" else None
    if behind_it is not None:
        return Parsed(behind_it.at, level, context.service, context.host, behind_it.message,
                      behind_it.metadata, "levelled")
    return Parsed(None, level, context.service, context.host, text[end:], {}, "levelled")


def hanami(text: str, context: Context) -> Optional[Parsed]:
    """[app] [ERROR] [2024-01-31 10:00:00 +0000] message"""
    found = _HANAMI.match(text)
    if found is None:
        return None
    program, level, hour, minute, second, fraction, zone = found.groups()
    return Parsed(context.stamps.at(ymd, hour, minute, second, fraction, zone), level_name(level),
                  context.service or name(program), context.host, text[found.end():], {"logger": program},
                  "levelled")


def _level(text: str, start: int) -> tuple[Optional[str], int]:
    found = _LEVELLED.match(text, start)
    if found is None:
        return None, start
    return level_name(found[found.lastindex or 0]), found.end()
