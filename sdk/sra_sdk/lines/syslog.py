"""Lines of syslog (RFC 3164 and 5424), what travels in them (HAProxy, kernel), and dmesg.

From parse; to Parsed. The program's name is the service; what systemd says of a unit is the unit's.
"""
from __future__ import annotations

import re
from typing import Any, Optional

from .haproxy import traffic
from .nagios import nagios
from .parsed import SYSLOG_LEVELS, Context, Parsed, level_name, name
from .stamps import ymd
from .tagged import RATED, Tag, level_behind, member, own, priority
from .undated import klog
from .within import within

_PRI = re.compile(r"<([0-9]{1,3})>")
_BSD = re.compile(r"([A-Z][a-z]{2} [ 0-3]?[0-9] [0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]{1,9}))? (\S+) ")
_ISO = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]{1,9}))?"
                  r"(Z|[+-][0-9]{2}:?[0-9]{2}) (\S+) ")
_TAG = re.compile(r"(?:-- )?([A-Za-z_][\w./@+-]*)(?:\(([^)\s]*)\))?(?: [0-9][\w.-]*)?(?:\[("
                  r"[^\]\s]{1,20})\])?: ?", re.A)
_STRUCTURED = re.compile(r"1 (\S+) (\S+) (\S+) (\S+) (\S+) ")
_ELEMENT = re.compile(r'\[([^ =\]"]{1,64})((?: [^ =\]"]{1,64}="(?:[^"\\]|\\.)*")*)\]')
_PARAMETER = re.compile(r' ([^ =\]"]{1,64})="((?:[^"\\]|\\.)*)"')
_UPTIME = re.compile(r"\[ {0,8}([0-9]{1,10}\.[0-9]{3,9})\] ")
_CONSOLE = re.compile(r"(trce|dbug|info|warn|fail|crit): [\w.`+]{1,200}\[[0-9-]{1,9}\]\s{0,9}\Z", re.A)
_MONITORS = frozenset(("nagios", "icinga", "naemon", "nagios3", "nagios4"))
#: How systemd names the unit that it speaks of.
_UNIT = re.compile(r"(?:(?:starting|started|reloading|reloaded|stopping|stopped|finished|failed to start"
                   r"|timed out (?:starting|stopping)|dependency failed for) ([^\s/]{1,200}?)\.service"
                   r"(?: - |\.|\Z)|([^\s/]{1,200}?)\.service: )", re.I)


def bsd(text: str, context: Context) -> Optional[Parsed]:
    """Jun 14 15:16:01 combo sshd[19939]: message"""
    found = _BSD.match(text)
    if found is None:
        return None
    hour, minute, second, fraction, host = found.groups()
    at = context.stamps.nearest(hour, minute, second, fraction)
    if host[-1] == ":":  # a local sender leaves its own name out: it is the program's
        return _body(text, found.start(5), at, None, None, context, {}, "syslog3164")
    if host[-1] == "]":
        said = own(text, found.start(5))
        if said is not None:
            return _tagged(text, at, said, None, context)
        if host[0] == "[" and level_name(host[1:-1]):  # Tor's
            return Parsed(at, level_name(host[1:-1]), context.service, context.host, text[found.end():], {},
                          "generic")
    if host.isupper() and level_name(host):
        # a program that writes such a date before the level, as slog-term and older tracing of Rust do
        return Parsed(at, level_name(host), context.service, context.host, text[found.end():], {}, "generic")
    if host.isalpha() and host.istitle():
        tag = _TAG.match(text, found.end())
        if tag is None or level_name(tag[1]):
            # a program that puts such a date before its sentence, which begins where a host would stand
            return Parsed(at, None, context.service, context.host, text[found.start(5):], {}, "syslog3164")
    return _body(text, found.end(), at, None, host, context, {}, "syslog3164")


def iso(text: str, context: Context) -> Optional[Parsed]:
    """2024-01-31T10:00:00.123456+00:00 web-1 sshd[19939]: message"""
    found = _ISO.match(text)
    if found is None:
        return None
    hour, minute, second, fraction, zone, host = found.groups()
    tag = _TAG.match(text, found.end())
    if tag is None or level_name(host.strip("[]:")) or level_name(tag[1]) or host[0] in "[<({\"'-" \
            or "'" in host:  # no name of a host: a date and a sentence, as in "Can't synchronise: ..."
        return None
    level = None
    if ")" in host:  # ESXi, which names no host
        level = priority(host)
        if level is None:
            return None
        host = ""
    at = context.stamps.at(ymd, hour, minute, second, fraction, zone)
    return _body(text, found.end(), at, level, host, context, {}, "syslog3164")


def prefixed(text: str, context: Context) -> Optional[Parsed]:
    """Whatever begins with a priority, like <34>."""
    found = _PRI.match(text)
    if found is None or int(found[1]) > 191:
        return None
    start = found.end()
    level = SYSLOG_LEVELS[int(found[1]) & 7]
    metadata: dict[str, Any] = {"facility": int(found[1]) >> 3}
    if text.startswith("1 ", start):
        parsed = _structured(text, start, level, metadata, context)
        if parsed is not None:
            return parsed
    bsd_found = _BSD.match(text, start)
    if bsd_found is not None:
        hour, minute, second, fraction, host = bsd_found.groups()
        at = context.stamps.nearest(hour, minute, second, fraction)
        if host[-1] == ":":
            return _body(text, bsd_found.start(5), at, level, None, context, metadata, "syslog3164")
        return _body(text, bsd_found.end(), at, level, host, context, metadata, "syslog3164")
    iso_found = _ISO.match(text, start)
    if iso_found is not None:
        hour, minute, second, fraction, zone, host = iso_found.groups()
        at = context.stamps.at(ymd, hour, minute, second, fraction, zone)
        return _body(text, iso_found.end(), at, level, host, context, metadata, "syslog3164")
    uptime = _UPTIME.match(text, start)
    if uptime is not None:
        metadata["uptime"] = float(uptime[1])
        return Parsed(None, level, context.service or "kernel", context.host, text[uptime.end():], metadata,
                      "kernel")
    return _body(text, start, None, level, None, context, metadata, "syslog3164")


def dmesg(text: str, context: Context) -> Optional[Parsed]:
    """[12345.678901] message"""
    found = _UPTIME.match(text)
    if found is None:
        return None
    return Parsed(None, None, context.service or "kernel", context.host, text[found.end():],
                  {"uptime": float(found[1])}, "kernel")


def _body(text: str, start: int, at: Optional[int], level: Optional[str], host: Optional[str],
          context: Context, metadata: dict[str, Any], form: str) -> Parsed:
    tag = _TAG.match(text, start)
    host = name(host) if host else context.host
    if tag is None:
        said = member(text, start) if " [" in text else None
        if said is not None:
            return _tagged(text, at, said, host, context)
        return Parsed(at, level, context.service, host, text[start:], metadata, form)
    program, module, pid = tag.groups()
    if pid:
        metadata["pid"] = pid
    if "/" in program and not program.startswith("docker/"):
        # postfix/smtpd is a part of Postfix, which is what is run, missed and started again
        program, _, module = program.partition("/")
    if module:
        metadata["module"] = module
    start = tag.end()
    if program == "kernel":
        uptime = _UPTIME.match(text, start)
        if uptime is not None:
            metadata["uptime"] = float(uptime[1])
            start = uptime.end()
    elif program == "haproxy":
        request = traffic(text, start)
        if request is not None:
            metadata.update(request)
            form = "haproxy"
    elif program in _MONITORS:
        checked = nagios(text, start, at, context)
        if checked is not None:
            return checked._replace(host=checked.host if "state" in checked.metadata else host)
    elif program == "systemd" and (not pid or pid == "1"):
        program = _unit(text, start) or program
    elif text[start:start + 1] in "EFIW":  # Kubernetes writes lines of its own within
        inner = klog(text[start:], context)
        if inner is not None:
            return inner._replace(at=at or inner.at, service=name(program), host=host,
                                  metadata={**metadata, **inner.metadata})
    if level is not None and level != "info":
        return Parsed(at, level, name(program), host, text[start:], metadata, form)
    rated = level_behind(text, start) if text[start:start + 1] in RATED else None
    if rated is not None:
        return Parsed(at, rated.level, name(program), host, text[rated.end:], metadata, form)
    if context.before is not None or text[start + 4:start + 6] == ": ":
        console = _dotnet(text, start, f"{program}[{pid}]", context)
        if console is not None:
            return Parsed(at, console, name(program), host, text[start:].lstrip(), metadata, form)
    return within(Parsed(at, level, name(program), host, text[start:], metadata, form), context)


def _dotnet(text: str, start: int, process: str, context: Context) -> Optional[str]:
    """Return the level of .NET's console, which writes it before a category, and the text below it."""
    head = _CONSOLE.match(text, start) if text[start + 4:start + 6] == ": " else None
    if head is not None:
        level = level_name(head[1])
        context.before = None if level is None else (process, level)
        return level
    if context.before is None:
        return None
    if context.before[0] == process and text.startswith("     ", start):
        return context.before[1]
    if context.before[0] == process:
        context.before = None
    return None


def _tagged(text: str, at: Optional[int], said: Tag, host: Optional[str], context: Context) -> Parsed:
    return Parsed(at, said.level, name(said.service or "") or context.service,
                  name(said.host or "") or host or context.host, text[said.end:],
                  {"pid": said.pid} if said.pid else {}, "syslog3164")


def _unit(text: str, start: int) -> Optional[str]:
    """Return the service of which systemd speaks, as the journal has it; None if it is of no service."""
    found = _UNIT.match(text, start)
    unit = (found[1] or found[2]) if found is not None else None
    return None if unit is None or unit.startswith("user@") else unit


def _structured(text: str, start: int, level: str, metadata: dict[str, Any],
                context: Context) -> Optional[Parsed]:
    found = _STRUCTURED.match(text, start)
    if found is None:
        return None
    stamp, host, app, pid, message_id = found.groups()
    at = None if stamp == "-" else context.stamps.text(stamp)
    if stamp != "-" and at is None and stamp[:1] not in "0123456789":
        return None
    start = found.end()
    if text.startswith("-", start):
        start += 1
    else:
        element = _ELEMENT.match(text, start)
        if element is None:
            return None
        while element is not None:
            for key, value in _PARAMETER.findall(element[2]):
                if len(metadata) < 64:
                    metadata[key] = value.replace('\\"', '"').replace("\\]", "]").replace("\\\\", "\\")
            start = element.end()
            element = _ELEMENT.match(text, start)
    if pid != "-":
        metadata["pid"] = pid
    if message_id != "-":
        metadata["message_id"] = message_id
    message = text[start:].lstrip(" ").lstrip("\ufeff")
    if app == "systemd" and pid == "1":
        app = _unit(message, 0) or app
    said = traffic(message, 0) if app == "haproxy" else None
    if said is not None:
        metadata.update(said)
    read = Parsed(at, level, context.service if app == "-" else name(app),
                  context.host if host == "-" else name(host), message, metadata,
                  "syslog5424" if said is None else "haproxy")
    return within(read, context) if level == "info" and said is None else read
