"""Levels that programs write behind or beside their name in lines of syslog. From syslog, undated; to Parsed.

A file of syslog has no severities; NetworkManager, Unbound, Open vSwitch and ESXi say theirs in the text, and
Pacemaker and Corosync write files that only begin as syslog's do.
"""
from __future__ import annotations

import re
from typing import NamedTuple, Optional

from .parsed import level_name

_LEVEL = re.compile(
    r"<(trace|debug|info|warn|error)> {1,2}(?:\[[0-9]{1,12}\.[0-9]{1,9}\] )?|\[[0-9]{1,10}:[0-9a-f]{1,6}\] "
    r"(fatal error|error|warning"
    r"|notice|info|debug): |ovs\|[0-9]{5}\|[\w().-]{1,80}\|(EMER|ERR|WARN|INFO|DBG)\|"
    r"|cpu[0-9]{1,4}:[0-9]{1,12}(?: opID=\w{1,40})?\)(WARNING|ALERT): ", re.A)
#: What such a text begins with.
RATED = frozenset("<[oc")
_NAMES = {"fatal error": "critical", "EMER": "critical"}
#: A program in the place of the host, as one that writes such a date itself.
_OWN = re.compile(r"([\w-]{1,60})\[([0-9]{1,10})(?::[0-9a-f]{1,6})?\] (fatal error|error|warning|notice"
                  r"|info|debug): ", re.A)
_PACEMAKER = re.compile(r"([\w-]{1,60}) {1,20}\[([0-9]{1,10})\] \([^)\n]{1,120}\) {1,9}(crit|error|warning"
                        r"|notice|info|debug|trace): {1,2}", re.A)
_COROSYNC = re.compile(r"\[([0-9]{1,10})\] (\S{1,100}) (corosync) (emerg|alert|crit|error|warning|notice"
                       r"|info|debug) {1,4}(?=\[)")
_PRIORITY = re.compile(r"(Em|Al|Cr|Er|Wa|No|In|Db)\([0-9]{1,3}\)\Z")
_PRIORITIES = {"Em": "critical", "Al": "critical", "Cr": "critical", "Er": "error", "Wa": "warning",
               "No": "info",
               "In": "info", "Db": "debug"}


class Tag(NamedTuple):
    """What was said of the one who writes, and where his text begins."""

    level: Optional[str]
    end: int
    service: Optional[str] = None
    host: Optional[str] = None
    pid: Optional[str] = None


def level_behind(text: str, start: int) -> Optional[Tag]:
    """Return the level that the text of a program begins with: <warn>  [1700000000.1234] message"""
    found = _LEVEL.match(text, start)
    return None if found is None else Tag(_named(found[found.lastindex or 0]), found.end())


def own(text: str, start: int) -> Optional[Tag]:
    """Return who writes a line without a host: unbound[12:0] error: message, and the files of a cluster."""
    found = _OWN.match(text, start)
    if found is not None:
        return Tag(_named(found[3]), found.end(), found[1], None, found[2])
    found = _COROSYNC.match(text, start)
    return None if found is None else Tag(_named(found[4]), found.end(), found[3], found[2], found[1])


def member(text: str, start: int) -> Optional[Tag]:
    """Return who writes behind a host: pacemakerd          [12] (function)  warning: message"""
    found = _PACEMAKER.match(text, start)
    return None if found is None else Tag(_named(found[3]), found.end(), found[1], None, found[2])


def priority(word: str) -> Optional[str]:
    """Return the level of ESXi's way to write a priority: Wa(180)"""
    found = _PRIORITY.match(word)
    return None if found is None else _PRIORITIES[found[1]]


def _named(word: str) -> Optional[str]:
    return _NAMES.get(word) or level_name(word)
