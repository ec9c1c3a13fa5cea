"""Give every line a level: its own, or the one that its words mean. From parse; to records.

Detectors read the text of warnings and above only, so a line that hides its weight ("Failed password"
logged as information, an access line with status 500) must not stay information, and a line that only
mentions an error must not become one. Hence two strengths of words: plain facts of failure raise even
a line whose own level is information; words that merely sound bad count only in a line without level.
A line that says debug, warning or worse keeps its word.
"""
from __future__ import annotations

import re
from collections.abc import Mapping
from re import Pattern
from typing import Any, Optional

from .level import CRITICAL, ERROR, INFO, WARNING
from .parsed import level_name

#: Only so much of a message is searched.
_SEARCHED = 4096
_HTTP = frozenset(("access", "haproxy"))
_STATUS = ("status", "status_code", "statusCode", "http_status")
_REQUEST = ("method", "path", "request", "uri", "url", "request_method", "request_uri")
#: Clusters report the states of parts by the thousand; only facts of failure count there.
_TERSE = frozenset(("cluster", "ras"))

#: What a text must contain for the pattern to be worth a try, the pattern, and the level.
Rule = tuple[tuple[str, ...], Pattern[str], str]


def _rule(level: str, needles: str, pattern: str) -> Rule:
    return tuple(needles.split(",")), re.compile(pattern), level


#: No pattern begins with an assertion such as \b: it would have to be tried at each character.
#: Facts of failure, in lower case; the first that is found decides.
_FACTS: tuple[Rule, ...] = (
    _rule(CRITICAL, "out of memory,oom,kernel panic,killed process",
          r"out of memory: kill|oom(?<!\woom)[-_ ]kill|invoked oom-killer|oomkilled"
          r"|memory cgroup out of memory"
          r"|kernel panic|killed process [0-9]+ "),
    _rule(CRITICAL, "read-only,no server", r"remounting filesystem read-only|has no server available"),
    _rule(ERROR, "no space left,enospc,exceeded,full",
          r"no space left on device|enospc|disk quota exceeded|(?:disk|filesystem|file system"
          r"|device) is full"),
    _rule(ERROR, "loopbackoff,back-off,pullbackoff,errimage",
          r"crashloopbackoff|back-off restarting failed|imagepullbackoff|errimagepull"),
    _rule(ERROR, "fault,dump", r"segfault at |segmentation fault|core dumped|\(core dump"
          r"|general protection fault"),
    _rule(ERROR, "exited,failed with result,repeated too,failed state,fatal state,failed to start",
          r"main process exited, code=(?:killed|dumped|exited, status=[1-9])|failed with result '"
          r"|start request repeated too quickly|entered f(?:ailed|atal) state|failed to start "),
    _rule(ERROR, "memory,heap space,bad_alloc", r"outofmemoryerror|cannot allocate memory|java heap space"
          r"|std::bad_alloc"),
    _rule(ERROR, "deadlock,too many open,certificate",
          r"deadlock (?:detected|found)|too many open files|certificate (?:has|is) expired"
          r"|certificate verify failed"),
    _rule(ERROR, "terminated by sig,not expected,properly shut",
          r"terminated by sig(?:nal (?:[46789]|11)\b|segv|abrt|bus|ill\b|kill)|; not expected\)"
          r"|was not properly shut down"),
    _rule(ERROR, " is down", r"\bserver \S+ is down\b"),
    _rule(WARNING, "fail,invalid,attempt,password,denied",
          r"failed password|authentication fail|failed login|login fail|invalid user |failed publickey"
          r"|maximum authentication attempts|too many authentication failures|incorrect password attempt"
          r"|invalid (?:credentials|password)|bad password|access denied for user"),
    _rule(WARNING, "probe failed,throttled,threshold",
          r"(?:readiness|liveness|startup) probe failed|cpu clock throttled|temperature above threshold"),
)

#: Words that sound bad, in lower case; they count in lines without a level of their own.
_WORDS: tuple[Rule, ...] = (
    _rule(CRITICAL, "panic,fatal error,lockup,oops,bug: ",
          r"panic: (?<!\wpanic: )|fatal error: |thread '[^']*' panicked|soft lockup|oops: (?<!\woops: )"
          r"|bug: (?<!\wbug: )(?:unable|kernel|soft)"),
    _rule(ERROR, "traceback,exception,uncaught,unhandled,error: ",
          r"traceback \(most recent call last\)|exception in thread|(?:unhandled|uncaught) (?:exception"
          r"|error|promise)"
          r"|\A(?:[\w$]+\.){0,12}\w{0,80}(?:exception|error): "),
    _rule(ERROR, "node.js v", r"\nnode\.js v[0-9]"),
    _rule(WARNING, "pam_", r"\Apam_\w+\("),
    _rule(ERROR, "refused,connect,no route,not known,resolution,timed out,broken pipe",
          r"connection refused|could not connect|unable to connect|failed to connect|no route to host"
          r"|name or service not known|temporary failure in name resolution|connection timed out"
          r"|broken pipe\Z"),
    _rule(ERROR, "i/o error,-fs error,blocked for,hardware error,machine check",
          r"i/o error|ext4-fs error|blocked for more than [0-9]+ seconds|hardware error"
          r"|machine check (?:exception|events logged)"),
    _rule(ERROR, "too many conn,connection slots,max number,command not allowed",
          r"too many connections|remaining connection slots|max number of clients"
          r"|command not allowed when used memory"),
    _rule(ERROR, "error,fatal,err: ,failed ", r"\A(?:\S+: ){0,2}(?:error|fatal|err)(?:: |\[)|\A(?:error"
          r"|fatal|failed) |error: (?<!\werror: )"),
    _rule(WARNING, "abnormally,denied,not permitted,link is down,unhealthy",
          r"abnormally|permission denied|operation not permitted|access denied|link is down"
          r"|unhealthy"),
    _rule(WARNING, "warn,timed out", r"\A(?:\S+: ){0,2}warn(?:ing)?(?:: |\[)|timed out"),
)
#: What a text must contain, in any case, for its words to decide: of every line, and of one without a level.
FACT_WORDS = tuple(dict.fromkeys(needle for rule in _FACTS for needle in rule[0]))
TROUBLE_WORDS = tuple(dict.fromkeys(needle for rule in _WORDS for needle in rule[0]))
OWN_WORDS = ("WARN", "ERROR", "SEVERE", "CRITICAL", "FATAL", "PANIC", "EMERG")
_OWN_WORD = re.compile(r"(?:^|[\s\[|(])(WARN|WARNING|ERROR|SEVERE|CRITICAL|FATAL|PANIC|EMERG)(?=[\s\]|):]|$)")


def level_of(message: str, parsed_level: Optional[str], fmt: str, metadata: Mapping[str, Any], *,
             clear: bool = False) -> str:
    """Return the level of a line, one of the five names; `clear` says that its words decide nothing."""
    if parsed_level is not None and parsed_level != INFO:
        return parsed_level
    if metadata and (fmt in _HTTP or fmt == "json" or fmt == "logfmt"):
        status = _status(fmt, metadata)
        if status is not None:
            if status >= 500:
                return ERROR
            # Other refusals of the client (400, 404 ...) are everyday life of a public server.
            return WARNING if status in (401, 403, 429) else INFO
    if clear:
        return INFO
    low = (message if len(message) <= _SEARCHED else message[:_SEARCHED]).lower()
    # Each rule above contains one of these; most lines contain none and cost only this.
    if ("fail" in low or "kill" in low or "memory" in low or "panic" in low or "full" in low or "back" in low
            or "cannot " in low or "invalid " in low or "denied" in low or "expired" in low or "oom" in low
            or "fault" in low or "dump" in low or "deadlock" in low or "exited" in low or " down" in low
            or "space" in low or "exceeded" in low or "too " in low or "read-only" in low
            or "no server" in low
            or "attempt" in low or "throttled" in low or "threshold" in low or "password" in low
            or "repeated too" in low
            or "fatal state" in low or "certificate" in low or "bad_alloc" in low or "errimage" in low
            or "enospc" in low or "terminated by" in low or "not expected" in low or "properly shut" in low):
        level = _first(_FACTS, low)
        if level is not None:
            return level
    if parsed_level is not None:
        return parsed_level
    if fmt in _TERSE:
        return INFO
    if ("ERROR" in message or "WARN" in message or "FATAL" in message or "CRITICAL" in message
            or "SEVERE" in message or "PANIC" in message or "EMERG" in message):
        own = _OWN_WORD.search(message, 0, 200)
        if own is not None:
            return level_name(own[1]) or INFO
    return _first(_WORDS, low) or INFO


def _first(rules: tuple[Rule, ...], low: str) -> Optional[str]:
    for needles, pattern, level in rules:
        for needle in needles:
            if needle in low:
                if pattern.search(low) is not None:
                    return level
                break
    return None


def _status(fmt: str, metadata: Mapping[str, Any]) -> Optional[int]:
    for key in _STATUS:
        value = metadata.get(key)
        if value is None:
            continue
        if value.__class__ is str and len(value) == 3 and value.isascii() and value.isdigit():
            value = int(value)
        if value.__class__ is int and 100 <= value < 600 and (
                fmt in _HTTP or any(part in metadata for part in _REQUEST)):
            return int(value)
    return None
