"""Give every line a level: its own, or the one that its words mean. From parse; to records.

Detectors read the text of warnings and above only, so a line that hides its weight ("Failed password"
logged as information, an access line with status 500) must not stay information, and a line that only
mentions an error must not become one. An application that says information or debug is believed, but for
the few forms that login programs, supervisors, clusters and those who are asked to stop write so. Plain facts
of failure raise the information of system software, which logs that way; words that merely sound bad count
only in a line without level.
What a line repeats (quotations, URLs, SQL, names of users) is never searched.
"""
from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Optional

from .collector import in_vain
from .haproxy import server_state
from .level import ERROR, INFO, WARNING
from .parsed import level_name
from .quoted import bare, login
from .wording import DIGITS, FACTS, STOPS, TOLD, WORDS, Rule

#: Only so much of a message is searched.
_SEARCHED = 4096
_HTTP = frozenset(("access", "haproxy"))
#: How HAProxy and Envoy say that no server answered, in lines without a status.
_UNANSWERED = frozenset(("SC", "sC", "SQ", "sQ", "RC", "UF", "UH", "UO", "NR", "NC"))
_STATUS = ("status", "status_code", "statusCode", "http_status", "DownstreamStatus", "sc-status")
_REQUEST = ("method", "path", "request", "uri", "url", "request_method", "request_uri", "RequestPath",
            "cs-uri-stem")
#: Events of a node of Kubernetes that are no warnings to it, for the node only says how it is.
_NODE = frozenset(("NodeNotReady", "NodeHasDiskPressure", "NodeHasInsufficientMemory",
                   "NodeHasInsufficientPID"))
#: Clusters report the states of parts by the thousand; only facts of failure count there.
_TERSE = frozenset(("cluster", "ras"))

#: So many texts are remembered, up to so many bytes each.
_REMEMBERED, _LONG = 2048, 300


_OWN_WORD = re.compile(r"(?:^|[\s\[|(<])(?:(TRACE|DEBUG|INFO|NOTICE)|(WARN|WARNING|ERROR|SEVERE|CRITICAL"
                       r"|FATAL|PANIC|EMERG|(?<=\[)ALERT))(?=[\s\]|):>]|$)(?!: (?:task |rcu))")
#: It stands so near the beginning.
_OWN = 200
#: How Node (with the place alone in a line), Python and Ruby begin to show where in their source they failed.
_TRACED = re.compile(r"Traceback \(most recent call last\)|\s*File \""
                     r"|\S{1,300}:\d{1,7}(?::in [^\n]{1,100})?\n")

#: Software that writes its own failures as information.
_SYSTEM = frozenset(("kernel", "redis", "mysql", "rabbitmq", "nginx_error", "apache_error", "asterisk"))
_SYSLOG = frozenset(("syslog3164", "syslog5424"))
#: kern, daemon, auth and authpriv: what applications of their own do not use.
_FACILITIES = frozenset((0, 3, 4, 10, "0", "3", "4", "10"))
_KUBERNETES = re.compile(r"(?:event|eviction_manager|prober|pod_workers|oom\w*|kube\w*|status_manager"
                         r"|generic)\.go:")
_POSTGRES = re.compile(r"(?:could not |received (?:fast|smart) shutdown |out of "
                       r"|archive command failed|invalidating obsolete replication slot"
                       r"|all server processes terminated"
                       r"|[\w ]{1,60} process(?: \S+)? \(pid |database system was "
                       r"|process [0-9]+ (?:detected|still)"
                       r"|(?:password|peer|ident|ldap|pam) authentication failed )", re.I)
_MONGO_LOGIN = frozenset(("Failed to authenticate", "Authentication failed"))
#: What supervisors write as information, and the level that it means.
_ASKED = re.compile(STOPS[1], re.I)
_TOLD = re.compile(TOLD[1], re.I)
_SUPERVISED = re.compile(r"gave up: \S+ entered FATAL state|exited: \S+ \([^)]*; not expected\)"
                         r"|(?:[\w.]{1,80}: )?Task event: [^\n]{1,200}\bExit Code: 137,"
                         r" Exit Message: \\{0,2}\"OOM Killed")
_LOGIN_FAILED: tuple[Rule, ...] = tuple(rule for rule in FACTS if "password" in rule[0])


class _Likely(dict[bytes, tuple[tuple[Rule, ...], tuple[Rule, ...]]]):
    """Which facts and words a text may hold, by what of it is no digit: lines of a program share it.

    What stands in a text, stands without its digits in the text without its digits. So a rule may be named
    too many, and never one too few.
    """

    def __missing__(self, key: bytes) -> tuple[tuple[Rule, ...], tuple[Rule, ...]]:
        # a letter for each byte, for it is faster to search in letters
        text = key.decode("latin-1")
        found = _named(FACTS, text), _named(WORDS, text)
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
                # an unknown method or version of HTTP is the client's
                return INFO if status in (501, 505) else ERROR
            # Other refusals of the client (400, 404 ...) are everyday life of a public server.
            return WARNING if status in (401, 403, 429) else INFO
        ended = metadata.get("termination") if fmt in _HTTP else None
        if ended is not None and not _UNANSWERED.isdisjoint(ended.split(",")):
            return ERROR
        if "reason" in metadata and (  # an event of Kubernetes
                metadata.get("type") == "Warning"
                or ("involvedObject" in metadata and metadata["reason"] in _NODE)):
            return WARNING
        if "ctx" in metadata and message in _MONGO_LOGIN:
            return WARNING
    if clear:
        return INFO
    if "Full" in message and (collected := in_vain(message)) is not None:
        return collected
    if parsed_level is not None and not _believable(message, fmt, metadata):
        if ("ed self b" in message or "ing self b" in message or "low Cons" in message or "[RED]" in message
                or "a leader ()" in message or "ndchild #" in message
                or "hip or modes" in message or "Read-only file s" in message
                or "http: panic serving " in message or " said: " in message
                or "remote mail server" in message or "ackend is o" in message
                or "ount failed to log on" in message
                or 'plication worker" (' in message or message.startswith("Suppressed ")) \
                and _TOLD.search(message, 0, _SEARCHED) is not None:
            return WARNING
        if ("ailed " in message or "nvalid " in message or "pam_" in message or "; not " in message
                or "gave up" in message or "ttempts" in message or "OOM Killed" in message):
            if _SUPERVISED.match(message) is not None:
                return ERROR
            begins = login(message)
            return (_of_login(message, begins) if begins else None) or parsed_level
        if ("ignal" in message or "SIGTERM" in message) and _ASKED.match(message) is not None:
            return WARNING
        if message.startswith(("Server ", "Backup Server ")) and server_state(message) is not None:
            return WARNING
        return parsed_level
    low = (message if len(message) <= _SEARCHED else message[:_SEARCHED]).lower()
    facts, words = _LIKELY[low.encode("utf-8", "replace").translate(None, DIGITS)]
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
                low, words = said, WORDS
                level = _first(FACTS, low)
            if level is not None:
                return level
    if parsed_level is not None:
        return parsed_level
    if fmt in _TERSE:
        return INFO
    if ("ERROR" in message or "WARN" in message or "FATAL" in message or "CRITICAL" in message
            or "SEVERE" in message or "PANIC" in message or "EMERG" in message or "[ALERT]" in message):
        own = _own_word(message)
        if own is not None:
            return level_name(own[1] or own[2]) or INFO
    return INFO if _first(words, low) is None else _of_words(message, low)


def _of_words(message: str, low: str) -> str:
    """Return the level of a line that sounds bad, unless it says itself that it is not."""
    begins = login(message)
    if begins:
        return _of_login(message, begins) or INFO
    return _calm(message) or _first(WORDS, bare(low)) or INFO


def _calm(message: str) -> Optional[str]:
    """Return information or debug if the message says that it is."""
    if "INFO" in message or "DEBUG" in message or "TRACE" in message or "NOTICE" in message:
        own = _own_word(message)
        if own is not None and own[1]:
            return level_name(own[1]) or INFO
    return None


def _own_word(message: str) -> Optional[re.Match[str]]:
    """Return the word by which a message names its own level; below a place in a source stands its text."""
    end = _OWN
    if "\n" in message[:_OWN + 1] and _TRACED.match(message) is not None:
        end = min(end, message.find("\n"))
    return _OWN_WORD.search(message, 0, end)


def _of_login(message: str, begins: str) -> Optional[str]:
    """Return warning for a login that failed; only how the line begins is the program's own."""
    if "accepted " in begins or "disconnected from " in begins or "received disconnect" in begins:
        return None
    if "pam_" in begins:
        begins = message[:len(begins) + 60].lower().partition(";")[0]
    return _first(_LOGIN_FAILED, begins) or _first(WORDS, begins)


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
