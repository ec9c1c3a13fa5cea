"""Levels in a program's own notation behind a usual date: Icinga, Open vSwitch, Envoy, zap, Ceph, others.

From dated; to Parsed. The character at the end of the date decides which few patterns are tried.
"""
from __future__ import annotations

import re
from re import Match
from typing import Any, Optional

from .parsed import Context, Parsed, level_name
from .served import asked

#: Icinga 2 has no level between warning and critical: what it calls critical is what others call an error.
_ICINGA = re.compile(r"\] (debug|notice|information|warning|critical)/([A-Z]\w{1,60}): ", re.A)
#: spdlog as Envoy and its control planes set it: the thread, the level, the logger.
_SPDLOG = re.compile(r"\]\[([0-9]{1,10})\]\[(trace|debug|info|warning|error|critical)\]\[([\w. -]{1,60})\]"
                     r" ?", re.A)
_GLUSTER = re.compile(r"\] ([DITNWECAM]) (?:\[MSGID: ([0-9]{1,9})\] )?\[([\w.-]{1,80}:"
                      r"[0-9]{1,6}:\w{1,100})\] ", re.A)
#: Slurm, and whoever writes as simply; behind any other date an error may be what is spoken of.
_PLAIN = re.compile(r"\] (fatal|error|debug[0-9]?|verbose): ")
#: WebSphere's Liberty, if it is told to write ISO dates.
_WEBSPHERE = re.compile(r"\] ([0-9a-f]{8}) (\S{1,160}) {1,80}([FEWAICDOR123<>]) {1,3}")
_SAMBA = re.compile(r", {1,3}([0-9]{1,2})(?:, [^\]\n]{1,200})?\] (\S{1,200}:[0-9]{1,6}\([\w.]{1,100}\))"
                    r"(?:\n\s{0,8}|\Z)", re.A)
_OVS = re.compile(r"\|([0-9]{5})\|([\w().-]{1,80})\|(EMER|ERR|WARN|INFO|DBG)\|", re.A)
_LIBVIRT = re.compile(r": ([0-9]{1,10}): (debug|info|warning|error) : (?:(\w{1,100}:[0-9]{1,6}) : )?", re.A)
#: zap's console, of many programs in Go, and VictoriaMetrics: the level and the place, parted by tabs.
_TABBED = re.compile(r"\t(debug|info|warn|error|dpanic|panic|fatal)\t(?:([\w./@-]{1,160}\.go:"
                     r"[0-9]{1,6})\t)?", re.A)
_SHORT = re.compile(r" (TRC|DBG|INF|WRN|ERR|FTL|PNC) ")
_CEPH = re.compile(r" ([0-9a-f]{8,16}) {1,2}(-1|[0-9]{1,2}) (?:log_channel\(\w{1,20}\) log \[(DBG|INF|WRN"
                   r"|ERR|SEC)\] : )?",
                   re.A)
_CEPH_CLUSTER = re.compile(r" (\S{1,80}) \(\w{1,10}\.-?[0-9]{1,12}\) [0-9]{1,12} : (?:cluster|audit) \[(DBG"
                           r"|INF|WRN|ERR|SEC)\] ",
                           re.A)
_ESXI = re.compile(r" (verbose|info|warning|error|panic) ([\w-]{1,60})\[([0-9A-Fa-f]{1,12})\] "
                   r"(?=\[Originator@)", re.A)
_VMKERNEL = re.compile(r" (?:\w{1,20}: )?cpu[0-9]{1,4}:[0-9]{1,12}(?: opID=\w{1,40})?\)(WARNING|ALERT): ",
                       re.A)
_GANESHA = re.compile(r" : epoch [0-9a-f]{1,16} : (\S{1,120}) : ([\w.]{1,60})-([0-9]{1,10})\["
                      r"[^\]\n]{1,60}\] (\S{1,80}) "
                      r":[\w /-]{1,40} :(FATAL|MAJ|CRIT|WARN|EVENT|INFO|DEBUG|[MF]_DBG) ?:", re.A)
_PUPPET = re.compile(r" (Puppet|//?\S[^\n]{1,300}?) \((emerg|alert|crit|err|warning|notice|info|debug)\): ")
_GITEA = re.compile(r" ([\w./-]{1,160}:[0-9]{1,6}:[\w.()*-]{1,120}\(\)|HTTPRequest) \[([TDIWECF])\] ", re.A)
#: How Gitea ends a request, which is information to it whatever came of it.
_GITEA_REQUEST = re.compile(r"router: completed ([A-Z]{3,10}) (\S{1,4096}) for (\S{1,60}), ([1-5][0-9]{2}) ")

#: Programs of Go with a letter for the level (frp), and Foreman.
_LETTERED = re.compile(r" \[([TDIWECF])\] (?=\[[\w./-]{1,100}\.go:[0-9]{1,6}\] )", re.A)
_PIPED = re.compile(r" \[([DIWEF])\|(\w{1,40})\|[\w-]{0,60}\] ", re.A)
_STARRED = re.compile(r" \*(TRACE|DEBUG|INFO|WARN|ERROR)\* ")
_JOB = re.compile(r" (\S{1,100}) JobId ([0-9]{1,10}): (?:(Fatal error|Error|Warning): )?")

#: Fly.io: who speaks of which machine, where it stands, and the level.
_FLY = re.compile(r" ([a-z][\w-]{1,30})\[([0-9a-f]{6,20})\] [a-z]{3} \[(debug|info|warn|warning|error)\] ")
#: A letter in a column of its own, behind the name of a program or two.
_COLUMN = re.compile(r" (?:[\w./-]{1,40} {2,12}){1,2}([IWEF]) {2,12}(?=\S)", re.A)

_LETTERS = {"T": "debug", "D": "debug", "I": "info", "N": "info", "W": "warning", "E": "error",
            "C": "critical",
            "A": "critical", "M": "critical", "F": "critical"}
_WORDS = {"TRC": "debug", "DBG": "debug", "INF": "info", "WRN": "warning", "WARN": "warning", "ERR": "error",
          "FTL": "critical", "PNC": "critical", "EMER": "critical", "SEC": "warning", "INFO": "info",
          "MAJ": "error", "CRIT": "error", "EVENT": "info", "FATAL": "critical", "DEBUG": "debug",
          "M_DBG": "debug",
          "F_DBG": "debug", "verbose": "debug"}
#: WebSphere's kinds of events; what a program wrote to a stream is judged by its words.
WEBSPHERE = {"F": "critical", "E": "error", "W": "warning", "A": "info", "I": "info", "C": "info",
             "D": "info",
             "O": None, "R": None, "1": "debug", "2": "debug", "3": "debug", "<": "debug", ">": "debug"}


def marked(text: str, end: int, at: Optional[int], context: Context) -> Optional[Parsed]:
    """Return the line if a notation that is known begins where its date ends."""
    mark = text[end:end + 1]
    if mark == " ":
        return _spaced(text, end, at, context)
    if mark == "]":
        return _bracketed(text, end, at, context)
    if mark == "\t":
        if (found := _TABBED.match(text, end)) is not None:
            return _read(found, text, at, context, found[1], {"logger": found[2]})
    elif mark == "|":
        if (found := _OVS.match(text, end)) is not None:
            return _read(found, text, at, context, found[3], {"logger": found[2]})
    elif mark == ":":
        if (found := _LIBVIRT.match(text, end)) is not None:
            return _read(found, text, at, context, found[2], {"logger": found[3], "thread": found[1]})
    elif mark == "," and (found := _SAMBA.match(text, end)) is not None:
        # the banner is as grave as an error to Samba, so words decide; a date and a place alone say nothing
        read = _read(found, text, at, context, "debug" if int(found[1]) > 3 else None, {"logger": found[2]})
        return read if read.message else read._replace(message=text[end:])
    return None


def _bracketed(text: str, end: int, at: Optional[int], context: Context) -> Optional[Parsed]:
    if (found := _SPDLOG.match(text, end)) is not None:
        return _read(found, text, at, context, found[2], {"thread": found[1], "logger": found[3]})
    if (found := _ICINGA.match(text, end)) is not None:
        level = "error" if found[1] == "critical" else found[1]
        return _read(found, text, at, context, level, {"logger": found[2]}, "icinga2")
    if (found := _GLUSTER.match(text, end)) is not None:
        return _read(found, text, at, context, found[1], {"code": found[2], "logger": found[3]})
    if (found := _PLAIN.match(text, end)) is not None:
        return _read(found, text, at, context, found[1].rstrip("0123456789"), {})
    if (found := _WEBSPHERE.match(text, end)) is not None:
        return _read(found, text, at, context, WEBSPHERE[found[3]], {"thread": found[1], "logger": found[2]})
    return None


def _spaced(text: str, end: int, at: Optional[int], context: Context) -> Optional[Parsed]:
    after = text[end + 1:end + 5]
    if after[3:] == " " and (found := _SHORT.match(text, end)) is not None:
        return _read(found, text, at, context, found[1], {})
    if after[:1] in "0123456789abcdef" and (found := _CEPH.match(text, end)) is not None:
        return _ceph(found, text, at, context)
    if after[:1] == "*" and (found := _STARRED.match(text, end)) is not None:
        return _read(found, text, at, context, found[1], {})
    if after == ": ep" and (found := _GANESHA.match(text, end)) is not None:
        return _read(found, text, at, context, found[5], {"logger": found[4], "pid": found[3]})
    if " JobId " in text and (found := _JOB.match(text, end)) is not None:
        level = "critical" if found[3] == "Fatal error" else found[3]
        return _read(found, text, at, context, level, {"logger": found[1], "job": found[2]})
    if "] " in text:
        if after[:1] == "[" and (found := _LETTERED.match(text, end) or _PIPED.match(text, end)) is not None:
            return _read(found, text, at, context, found[1], {})
        if " [Originator@" in text and (found := _ESXI.match(text, end)) is not None:
            return _read(found, text, at, context, found[1], {"pid": found[3]}, found[2])
        if (found := _FLY.match(text, end)) is not None:
            # to Fly all is information that a program prints
            level = None if found[3] == "info" else found[3]
            return _read(found, text, at, context, level, {"logger": found[1], "instance": found[2]})
        if (found := _CEPH_CLUSTER.match(text, end)) is not None:
            return _read(found, text, at, context, found[2], {"node": found[1]}, "ceph")
        if (found := _GITEA.match(text, end)) is not None:
            request = _GITEA_REQUEST.match(text, found.end())
            if request is None:
                return _read(found, text, at, context, found[2], {"logger": found[1]})
            method, path, client, status = request.groups()
            return Parsed(at, None, context.service, context.host, text[found.end():],
                          asked(method, path, status, client.rpartition(":")[0]), "access")
    if "  " in text and (found := _COLUMN.match(text, end)) is not None:
        # one letter may be anything, a drive for one: the file must have said by it that all is well
        context.lettered = context.lettered or found[1] == "I"
        if context.lettered:
            return _read(found, text, at, context, found[1], {})
    if ")" in text:
        if (found := _VMKERNEL.match(text, end)) is not None:
            return _read(found, text, at, context, found[1], {}, "vmkernel")
        if (found := _PUPPET.match(text, end)) is not None:
            return _read(found, text, at, context, found[2], {"logger": found[1]})
    return None


def _ceph(found: Match[str], text: str, at: Optional[int], context: Context) -> Parsed:
    level = found[3]
    if level is None:
        # what Ceph writes whatever it is told to write are its errors, and that it was asked to stop
        said = text[found.end():found.end() + 60]
        asked_to_stop = "WARNING" in said or "received" in said
        level = None if found[2] != "-1" else "warning" if asked_to_stop else "error"
    return _read(found, text, at, context, level, {"thread": found[1]})


def _read(found: Match[str], text: str, at: Optional[int], context: Context, level: Optional[str],
          metadata: dict[str, Any], service: str = "") -> Parsed:
    named = None if level is None else _LETTERS.get(level) or _WORDS.get(level) or level_name(level)
    return Parsed(at, named, context.service or service or None, context.host, text[found.end():],
                  {key: value for key, value in metadata.items() if value}, "generic")
