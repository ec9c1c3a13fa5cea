"""Give every line a level: its own, or the one that its words mean. From parse; to records.

Detectors read the text of warnings and above only, so a line that hides its weight ("Failed password"
logged as information, an access line with status 500) must not stay information, and a line that only
mentions an error must not become one. An application that says information or debug is believed, but for
the few forms that login programs, supervisors and those who are asked to stop write so. Plain facts of
failure raise the information of system software, which logs that way; words that merely sound bad count only
in a line without level.
What a line repeats (quotations, URLs, SQL, names of users) is never searched.
"""
from __future__ import annotations

import re
from collections.abc import Mapping
from re import Pattern
from typing import Any, Optional

from .level import CRITICAL, ERROR, INFO, WARNING
from .parsed import level_name
from .quoted import bare, login

#: Only so much of a message is searched.
_SEARCHED = 4096
_HTTP = frozenset(("access", "haproxy"))
_STATUS = ("status", "status_code", "statusCode", "http_status")
_REQUEST = ("method", "path", "request", "uri", "url", "request_method", "request_uri")
#: Clusters report the states of parts by the thousand; only facts of failure count there.
_TERSE = frozenset(("cluster", "ras"))

#: What a text must contain for the pattern to be worth a try, as it is and without digits; the pattern, and
#: the level.
Rule = tuple[tuple[str, ...], tuple[str, ...], Pattern[str], str]
_DIGITS = b"0123456789"
#: So many texts are remembered, up to so many bytes each.
_REMEMBERED, _LONG = 2048, 300


def _rule(level: str, needles: str, pattern: str) -> Rule:
    known = tuple(needles.split(","))
    faded = tuple(each.encode().translate(None, _DIGITS).decode() for each in known)
    return known, faded, re.compile(pattern), level


#: No pattern begins with an assertion such as \b: it would have to be tried at each character.
#: That a program was asked to stop: no failure, and yet what people ask for who see its clients complain.
_STOPS = ("sigterm,sigquit,sigwinch,signal,shutdown,stopping ",
          r"\A(?:stopping .{1,160}\.\.\.\Z|received (?:fast|smart) shutdown request|user requested shutdown"
          r"|handling signal: (?:term|hup|quit|int|usr2)\b|sigterm[:,]"
          r"|.{0,60}(?:(?:received|got|caught|due to)(?: signal)?:? (?:sigterm|15\b|terminated)"
          r"|sigterm(?:\)| signal)? received|sigquit\) received|sigwinch, shutting down"
          r"|\): normal shutdown))")
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
    _rule(ERROR, "could not fork,archive command,processes terminated",
          r"could not fork new process|archive command failed|all server processes terminated"),
    _rule(ERROR, "fs error,medium error,disk failure,i/o error, dev",
          r"ext[234]-fs error|sense key : medium error|: disk failure on |i/o error, dev "),
    _rule(WARNING, "fail,invalid,attempt,password,denied",
          r"failed password|authentication fail|failed login|login fail|invalid user |failed publickey"
          r"|maximum authentication attempts|too many authentication failures|incorrect password attempt"
          r"|invalid (?:credentials|password)|bad password|access denied for user"),
    _rule(WARNING, "probe failed,throttled,threshold",
          r"(?:readiness|liveness|startup) probe failed|cpu clock throttled|temperature above threshold"),
    _rule(WARNING, "still waiting,clock wrong,synchronise: no",
          r"\Aprocess [0-9]+ still waiting for |\Asystem clock wrong by "
          r"|\Acan't synchronise: no "),
    _rule(WARNING, *_STOPS),
)

#: Words that sound bad, in lower case; they count in lines without a level of their own.
_WORDS: tuple[Rule, ...] = (
    _rule(CRITICAL, "panic,fatal error,lockup,oops,bug: ,kernel bug,memory for the java,hardware error]",
          r"panic: (?<!\wpanic: )|fatal error: |thread '[^']*'(?: \([0-9]+\))? panicked|(?:soft|hard) lockup"
          r"|oops: (?<!\woops: )"
          r"|bug: (?<!\wbug: )(?:unable|kernel|soft)|kernel bug at |fatal error has been detected by the java"
          r"|insufficient memory for the java|hardware error\]: (?:.{0,60}uncorrect|cpu [0-9]+: machine)"),
    _rule(ERROR, "terminate called,memory allocation of,java-level,stalls on,detected stall",
          r"terminate called |memory allocation of [0-9]+ bytes failed|found one java-level deadlock"
          r"|detected stalls? on"),
    _rule(ERROR, "traceback,exception,uncaught,unhandled,error: ",
          r"traceback \(most recent call last\)|exception in thread|(?:unhandled|uncaught) (?:exception"
          r"|error|promise)"
          r"|\A(?:[\w$]+\.){0,12}\w{0,80}(?:exception|error): "),
    _rule(ERROR, ".errors.,.error.,.exceptions.", r"\A(?:\w{1,80}\.){1,8}(?:errors?|exceptions)\.\w{1,80}: "),
    _rule(ERROR, "node.js v", r"\nnode\.js v[0-9]"),
    _rule(WARNING, "pam_", r"\Apam_\w+\("),
    _rule(ERROR, "refused,connect,no route,not known,resolution,timed out,broken pipe",
          r"connection refused|could not connect|unable to connect|failed to connect|no route to host"
          r"|name or service not known|temporary failure in name resolution|connection timed out"
          r"|broken pipe\Z"),
    _rule(ERROR, "i/o error,output error,-fs error,blocked for,hardware error,machine check,corruption"
          ",filesystem,ncorrect",
          r"i/o error|input/output error|-fs error|blocked for more than [0-9]+ seconds|hardware error"
          r"|machine check (?:exception|events logged)|xfs \([^)]*\): .{0,80}corruption"
          r"|shutting down filesystem"
          r"|uncorrect(?:ed|able) (?:\w+ )?error"),
    _rule(ERROR, "pids controller,while loading,table full, ue memory,not responding,cannot open shared",
          r"rejected by pids controller|error while loading shared|table full, dropping"
          r"| [1-9][0-9]* ue memory"
          r"|server \S+ not responding"),
    _rule(ERROR, "too many conn,connection slots,max number,command not allowed",
          r"too many connections|remaining connection slots|max number of clients"
          r"|command not allowed when used memory"),
    _rule(ERROR, "error,fatal,err: ,failed ", r"\A(?:\S+: ){0,2}(?:error|fatal|err)(?:: |\[)|\A(?:error"
          r"|fatal|failed) |error: (?<!\werror: )"),
    _rule(WARNING, "abnormally,denied,not permitted,link is down,unhealthy",
          r"abnormally|permission denied|operation not permitted|access denied|link is down"
          r"|unhealthy"),
    _rule(WARNING, "syn flooding,netdev watchdog,offline device",
          r"possible syn flooding|netdev watchdog|to offline device"),
    _rule(WARNING, "low on resource,nodes are available,mountvolume.,nodenotready,concurrent dns",
          r"the node was low on resource: |0/[0-9]+ nodes are available: "
          r"|mountvolume\.\w+ failed for volume|nodenotready|maximum number of concurrent dns queries"),
    _rule(CRITICAL, "[emerg],crit: ", r"\A\w+: \[emerg\] |\Acrit: [\w.]+\["),
    _rule(ERROR, "fail: ,dependency failed,at step,watchdog timeout,failed to start.,memory pressure",
          r"\Afail: [\w.]+\[|dependency failed for |failed at step \w+ spawning |watchdog timeout \(limit"
          r"|failed to start\.|killed \S+ due to memory pressure"),
    _rule(ERROR, "hostbyte=,emask,timeout, aborting,definitely down,is unreachable",
          r"failed result: hostbyte=|: exception emask |nvme\w*: i/o [0-9]+ .{0,40}timeout, aborting"
          r"|link status definitely down|network is unreachable"),
    _rule(WARNING, "low memory!,auth failed,fail login,failed su,not authori",
          r"low memory! at or below|\(auth failed, [0-9]+ attempt|fail login: client|failed su \(to "
          r"|disconnected[,:] not authori[sz]ed"),
    _rule(ERROR, "got signal,got exception,unreadable,failed smart,ldap server",
          r"(?:mysqld|mariadbd) got (?:signal|exception) |currently unreadable \(pending\)|failed smart "
          r"|contact ldap server"),
    _rule(WARNING, "warn,timed out", r"\A(?:\S+: ){0,2}warn(?:ing)?(?:: |\[)|timed out"),
)
#: What a text must contain, in any case, for its words to decide: of every line, and of one without a level.
FACT_WORDS = (*dict.fromkeys(needle for rule in _FACTS for needle in rule[0]),
              "ailed ", "nvalid ", "pam_", "; not ", "gave up", "ttempts")
TROUBLE_WORDS = tuple(dict.fromkeys(needle for rule in _WORDS for needle in rule[0]))
OWN_WORDS = ("WARN", "ERROR", "SEVERE", "CRITICAL", "FATAL", "PANIC", "EMERG", "ALERT", "INFO", "DEBUG",
             "TRACE", "NOTICE")
_OWN_WORD = re.compile(r"(?:^|[\s\[|(<])(?:(TRACE|DEBUG|INFO|NOTICE)|(WARN|WARNING|ERROR|SEVERE|CRITICAL"
                       r"|FATAL|PANIC|EMERG|(?<=\[)ALERT))(?=[\s\]|):>]|$)(?!: (?:task |rcu))")

#: Software that writes its own failures as information.
_SYSTEM = frozenset(("kernel", "redis", "mysql", "rabbitmq", "nginx_error", "apache_error"))
_SYSLOG = frozenset(("syslog3164", "syslog5424"))
#: kern, daemon, auth and authpriv: what applications of their own do not use.
_FACILITIES = frozenset((0, 3, 4, 10, "0", "3", "4", "10"))
_KUBERNETES = re.compile(r"(?:event|prober|pod_workers|oom\w*|kube\w*|status_manager|generic)\.go:")
_POSTGRES = re.compile(r"(?:could not |received (?:fast|smart) shutdown |out of "
                       r"|archive command failed|all server processes terminated"
                       r"|[\w ]{1,60} process(?: \S+)? \(pid |database system was "
                       r"|process [0-9]+ (?:detected|still)"
                       r"|(?:password|peer|ident|ldap|pam) authentication failed )", re.I)
_MONGO_LOGIN = frozenset(("Failed to authenticate", "Authentication failed"))
#: What supervisors write as information, and the level that it means.
_ASKED = re.compile(_STOPS[1], re.I)
_SUPERVISED = re.compile(r"gave up: \S+ entered FATAL state|exited: \S+ \([^)]*; not expected\)")
_LOGIN_FAILED: tuple[Rule, ...] = tuple(rule for rule in _FACTS if "password" in rule[0])


class _Likely(dict[bytes, tuple[tuple[Rule, ...], tuple[Rule, ...]]]):
    """Which facts and words a text may hold, by what of it is no digit: lines of a program share it.

    What stands in a text, stands without its digits in the text without its digits. So a rule may be named
    too many, and never one too few.
    """

    def __missing__(self, key: bytes) -> tuple[tuple[Rule, ...], tuple[Rule, ...]]:
        # a letter for each byte, for it is faster to search in letters
        text = key.decode("latin-1")
        found = _named(_FACTS, text), _named(_WORDS, text)
        if len(key) <= _LONG:
            if len(self) >= _REMEMBERED:
                self.clear()
            self[key] = found
        return found


def _named(rules: tuple[Rule, ...], text: str) -> tuple[Rule, ...]:
    found = []
    for rule in rules:
        for needle in rule[1]:
            if needle in text:
                found.append(rule)
                break
    return tuple(found)


_LIKELY = _Likely()


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
        if metadata.get("type") == "Warning" and "reason" in metadata:  # an event of Kubernetes
            return WARNING
        if "ctx" in metadata and message in _MONGO_LOGIN:
            return WARNING
    if clear:
        return INFO
    if parsed_level is not None and not _believable(message, fmt, metadata):
        if ("ailed " in message or "nvalid " in message or "pam_" in message or "; not " in message
                or "gave up" in message or "ttempts" in message):
            if _SUPERVISED.match(message) is not None:
                return ERROR
            begins = login(message)
            return (_of_login(message, begins) if begins else None) or parsed_level
        if ("ignal" in message or "SIGTERM" in message) and _ASKED.match(message) is not None:
            return WARNING
        return parsed_level
    low = (message if len(message) <= _SEARCHED else message[:_SEARCHED]).lower()
    facts, words = _LIKELY[low.encode("utf-8", "replace").translate(None, _DIGITS)]
    if facts:
        level = _first(facts, low)
        if level is not None:
            begins = login(message)
            if begins:
                return _of_login(message, begins) or parsed_level or INFO
            calm = _calm(message)
            if calm is not None:
                return calm
            said = bare(low)
            if said != low:
                low, words = said, _WORDS
                level = _first(_FACTS, low)
            if level is not None:
                return level
    if parsed_level is not None:
        return parsed_level
    if fmt in _TERSE:
        return INFO
    if ("ERROR" in message or "WARN" in message or "FATAL" in message or "CRITICAL" in message
            or "SEVERE" in message or "PANIC" in message or "EMERG" in message or "[ALERT]" in message):
        own = _OWN_WORD.search(message, 0, 200)
        if own is not None:
            return level_name(own[1] or own[2]) or INFO
    return INFO if _first(words, low) is None else _of_words(message, low)


def _of_words(message: str, low: str) -> str:
    """Return the level of a line that sounds bad, unless it says itself that it is not."""
    begins = login(message)
    if begins:
        return _of_login(message, begins) or INFO
    return _calm(message) or _first(_WORDS, bare(low)) or INFO


def _calm(message: str) -> Optional[str]:
    """Return information or debug if the message says that it is."""
    if "INFO" in message or "DEBUG" in message or "TRACE" in message or "NOTICE" in message:
        own = _OWN_WORD.search(message, 0, 200)
        if own is not None and own[1]:
            return level_name(own[1]) or INFO
    return None


def _of_login(message: str, begins: str) -> Optional[str]:
    """Return warning for a login that failed; only how the line begins is the program's own."""
    if "accepted " in begins or "disconnected from " in begins or "received disconnect" in begins:
        return None
    if "pam_" in begins:
        begins = message[:len(begins) + 60].lower().partition(";")[0]
    return _first(_LOGIN_FAILED, begins) or _first(_WORDS, begins)


def _believable(message: str, fmt: str, metadata: Mapping[str, Any]) -> bool:
    """Say whether failures hide in this information: system software wrote it, in its own words."""
    if fmt in _SYSTEM:
        return True
    if fmt in _SYSLOG:
        return metadata.get("facility") in _FACILITIES
    if fmt == "postgresql":
        return "part" not in metadata and _POSTGRES.match(message) is not None
    if fmt == "klog":
        return _KUBERNETES.match(str(metadata.get("logger", ""))) is not None
    # What the journal keeps of a service's standard output has no level of the service's own.
    return fmt == "json" and (metadata.get("_TRANSPORT") in ("stdout", "kernel")
                              or metadata.get("SYSLOG_FACILITY") in _FACILITIES)


def _first(rules: tuple[Rule, ...], low: str) -> Optional[str]:
    for needles, _, pattern, level in rules:
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
