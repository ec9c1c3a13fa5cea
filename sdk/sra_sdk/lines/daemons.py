"""Lines of daemons whose date or level stands as nowhere else: CUPS, Suricata, Asterisk, Zabbix, auditd.

From parse; to Parsed.
"""
from __future__ import annotations

import re
from typing import Optional

from .dated import rest
from .parsed import Context, Parsed, level_name
from .stamps import day_month_year, epoch, month_day_hour_year, ymd

_CLOCK = r":([0-9]{2}):([0-9]{2})(?:\.([0-9]{1,9}))?"
_ACCESS = r"([0-9]{2}/[A-Z][a-z]{2}/[0-9]{4}:[0-9]{2})" + _CLOCK + r" ([+-][0-9]{4})"
_CUPS = re.compile(r"([XACEWNIDd]) \[" + _ACCESS + r"\] ")
_LETTERS = {"X": "critical", "A": "critical", "C": "critical", "E": "error", "W": "warning", "N": "info",
            "I": "info", "D": "debug", "d": "debug"}
#: The directory server of Red Hat, and of FreeIPA.
_DIRECTORY = re.compile(r"\[" + _ACCESS + r"\] (?:- (EMERG|ALERT|CRIT|ERR|WARN|NOTICE|INFO|DEBUG) - )?")
#: A letter before the date in brackets is Passenger's.
_PASSENGER = re.compile(r"\[ ([CEWNID])\d? ([0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2})" + _CLOCK + r" "
                        r"[^\]\n]{1,200} \]: ", re.A)
_SURICATA = re.compile(
    r"(?:\[([0-9]{1,10})\] )?([0-9]{1,2})/([0-9]{1,2})/([0-9]{4}) -- ([0-9]{2}):([0-9]{2}):([0-9]{2}) - "
    r"(?:\([^)\n]{1,80}\) )?"
    r"<(Emerg|Alert|Critical|Error|Warning|Notice|Info|Config|Perf|Debug)> (?:\([^)\n]{1,80}\) )?--? ", re.A)
_SURICATA_NEW = re.compile(
    r"\[([0-9]{1,10})(?: - [\w# -]{1,40})?\] ([0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2})" + _CLOCK
    + r" (Emerg|Alert|Critical|Error|Warning|Notice|Info|Config|Perf|Debug): ", re.A)
#: Asterisk, which may be told to write an ISO date as well.
_ASTERISK = re.compile(r"\[([A-Z][a-z]{2} [ 0-3][0-9] [0-9]{2})" + _CLOCK + r"\] "
                       r"(DEBUG|VERBOSE|NOTICE|WARNING|ERROR|SECURITY|DTMF|FAX)\[[0-9]{1,10}\]"
                       r"(?:\[C-[0-9a-f]{1,12}\])?:? ", re.A)
_PLACED = re.compile(r"([\w/]{1,60}\.c)(?::[0-9]{1,6} (?:in )?(\w{1,60}))?: {1,4}(?:-- )?", re.A)
#: Java's Minecraft servers: [10:00:00] [Server thread/WARN]: and [10:00:00 WARN]:
_GAME = re.compile(r"\[([0-9]{2})" + _CLOCK + r"(?:\] \[([^\]\n]{1,100})/| )(TRACE|DEBUG|INFO|WARN|ERROR"
                   r"|FATAL)\]: ", re.A)
_ZABBIX = re.compile(r"([0-9]{1,10}):([0-9]{4})([0-9]{2})([0-9]{2}):([0-9]{2})([0-9]{2})([0-9]{2})\.("
                     r"[0-9]{3}) ", re.A)
_NTPD = re.compile(r"([0-9]{2} [A-Z][a-z]{2} [0-9]{2})" + _CLOCK + r" (ntpd|sntp|ntpdate)\[([0-9]{1,10})\]:"
                   r" ", re.A)
_SLAPD = re.compile(r"([0-9a-f]{8})(?:\.[0-9a-f]{5,8})?(?: 0x[0-9a-f]{4,16})? (?=conn=-?[0-9]|slapd "
                    r"|daemon: |[mb]db_|(?:do_)?syncrepl)")
_AUDIT = re.compile(r"(?:node=(\S{1,200}) )?type=(\w{1,60}) msg=audit\((1[0-9]{9})\.([0-9]{3}):"
                    r"[0-9]{1,12}\): ?", re.A)
#: Ignite's shorter form.
_IGNITE = re.compile(r"\[([0-9]{2})" + _CLOCK.replace("\\.", "[.,]") + r"\]\[(TRACE|DEBUG|INFO|WARNING|WARN"
                     r"|SEVERE|ERROR)\]\[")
_NODE_RED = re.compile(r"([0-9]{2} [A-Z][a-z]{2} [0-9]{2})" + _CLOCK + r" - \[(fatal|error|warn|info|debug"
                       r"|trace)\] ")
_JITSI = re.compile(r"(Jicofo|JVB|Jibri|Jigasi) ([0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2})" + _CLOCK + r" "
                    r"(FINEST|FINER|FINE|CONFIG|INFO|WARNING|SEVERE): (?:\[[0-9]{1,9}\] )?")
_AEROSPIKE = re.compile(r"([A-Z][a-z]{2} [0-3][0-9]) ([0-9]{4}) ([0-9]{2})" + _CLOCK + r" GMT: (CRITICAL"
                        r"|WARNING|INFO|DEBUG|DETAIL|FAILED ASSERTION) \(")
#: SSSD's own files; the number says how grave it is, and most are written on demand.
_SSSD = re.compile(r"\((?:[A-Z][a-z]{2} ([A-Z][a-z]{2}) ([ 0-3][0-9]) ([0-9]{2})" + _CLOCK + r" ([0-9]{4})|"
                   r"([0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2})" + _CLOCK + r")\):? \[([\w.\[\]-]{1,200}?)\] \["
                   r"(\w{1,100})\] \(0x([0-9a-f]{4,6})\): (?:\[RID#[0-9]{1,10}\] )?", re.A)
#: go-ethereum, and other chains made of it.
_CHAIN = re.compile(r"(TRACE|DEBUG|INFO|WARN|ERROR|CRIT) {0,2}\[([0-9]{2})-([0-9]{2})\|([0-9]{2})" + _CLOCK
                    + r"\] ")
_PROSODY = re.compile(r"([A-Z][a-z]{2} [ 0-3][0-9] [0-9]{2})" + _CLOCK + r" ([\w:.-]{1,100})\t(debug|info"
                      r"|warn|error)\t", re.A)
_MATTERMOST = re.compile(r"(debug|info|warn|error|critical|fatal) {1,5}\[([0-9]{4}-[0-9]{2}-[0-9]{2} "
                         r"[0-9]{2})" + _CLOCK
                         + r" (Z|[+-][0-9]{2}:[0-9]{2})\] ")


def cups(text: str, context: Context) -> Optional[Parsed]:
    """E [31/Jan/2024:10:00:00 +0000] message"""
    found = _CUPS.match(text) if text[1:3] == " [" else None
    if found is None:
        return None
    letter, hour, minute, second, fraction, zone = found.groups()
    return Parsed(context.stamps.at(day_month_year, hour, minute, second, fraction, zone), _LETTERS[letter],
                  context.service or "cups", context.host, text[found.end():], {}, "cups")


def directory(text: str, context: Context) -> Optional[Parsed]:
    """[31/Jan/2024:10:00:00.123456789 +0000] - ERR - function - message"""
    found = _DIRECTORY.match(text)
    if found is None:
        return None
    hour, minute, second, fraction, zone, level = found.groups()
    at = context.stamps.at(day_month_year, hour, minute, second, fraction, zone)
    if level is None:
        return rest(text, found.end() - 1, at, context)
    return Parsed(at, level_name(level), context.service, context.host, text[found.end():], {}, "generic")


def passenger(text: str, context: Context) -> Optional[Parsed]:
    """[ E 2024-01-31 10:00:00.1234 12/T1 age/Cor/Main.cpp:12 ]: message"""
    found = _PASSENGER.match(text)
    if found is None:
        return None
    letter, hour, minute, second, fraction = found.groups()
    return Parsed(context.stamps.at(ymd, hour, minute, second, fraction), _LETTERS[letter], context.service,
                  context.host,
                  text[found.end():], {}, "generic")


def suricata(text: str, context: Context) -> Optional[Parsed]:
    """31/1/2024 -- 10:00:00 - <Error> - message; [12 - Suricata-Main] 2024-01-31 10:00:00 Error: message"""
    found = _SURICATA.match(text)
    if found is not None:
        pid, day, month, year, hour, minute, second, level = found.groups()
        at = context.stamps.at(ymd, f"{year}-{int(month):02}-{int(day):02} {hour}", minute, second)
    else:
        found = _SURICATA_NEW.match(text)
        if found is None:
            return None
        pid, hour, minute, second, fraction, level = found.groups()
        at = context.stamps.at(ymd, hour, minute, second, fraction)
    return Parsed(at, "info" if level == "Perf" else level_name(level), context.service or "suricata",
                  context.host,
                  text[found.end():], {"pid": pid} if pid else {}, "suricata")


def asterisk(text: str, context: Context) -> Optional[Parsed]:
    """[Jan 31 10:00:00] ERROR[1234][C-00000001]: message"""
    found = _ASTERISK.match(text)
    if found is None:
        return None
    hour, minute, second, fraction, level = found.groups()
    end, metadata = found.end(), {}
    placed = _PLACED.match(text, end)
    if placed is not None:
        metadata, end = {"logger": placed[1]}, placed.end()
    # what it tells at length is what an operator reads: that an endpoint cannot be reached is among it
    return Parsed(context.stamps.nearest(hour, minute, second, fraction),
                  "info" if level == "VERBOSE" else level_name(level) or "info",
                  context.service or "asterisk", context.host, text[end:], metadata, "asterisk")


def game(text: str, context: Context) -> Optional[Parsed]:
    """[10:00:00] [Server thread/WARN]: message"""
    found = _GAME.match(text)
    if found is None:
        return None
    hour, minute, second, fraction, thread, level = found.groups()
    return Parsed(context.stamps.today(hour, minute, second, fraction), level_name(level), context.service,
                  context.host,
                  text[found.end():], {"thread": thread} if thread else {}, "java")


def zabbix(text: str, context: Context) -> Optional[Parsed]:
    """1234:20240131:100000.123 message; it says no level"""
    found = _ZABBIX.match(text)
    if found is None:
        return None
    pid, year, month, day, hour, minute, second, fraction = found.groups()
    return Parsed(context.stamps.at(ymd, f"{year}-{month}-{day} {hour}", minute, second, fraction), None,
                  context.service or "zabbix", context.host, text[found.end():], {"pid": pid}, "zabbix")


def ntpd(text: str, context: Context) -> Optional[Parsed]:
    """31 Jan 10:00:00 ntpd[12]: message"""
    found = _NTPD.match(text)
    if found is None:
        return None
    hour, minute, second, fraction, program, pid = found.groups()
    return Parsed(context.stamps.nearest(hour, minute, second, fraction), None, program, context.host,
                  text[found.end():],
                  {"pid": pid}, "generic")


def slapd(text: str, context: Context) -> Optional[Parsed]:
    """65ba0a20 conn=12 fd=3 ACCEPT ..., the epoch in hexadecimal"""
    found = _SLAPD.match(text)
    if found is None:
        return None
    return Parsed(epoch(int(found[1], 16)), None, context.service or "slapd", context.host,
                  text[found.end():], {}, "generic")


def audit(text: str, context: Context) -> Optional[Parsed]:
    """type=AVC msg=audit(1706695200.123:456): message"""
    found = _AUDIT.match(text)
    if found is None:
        return None
    node, kind, seconds, fraction = found.groups()
    at = epoch(int(seconds))
    return Parsed(None if at is None else at + int(fraction) * 1000, None, context.service or "auditd",
                  node or context.host,
                  text[found.end():], {"kind": kind}, "audit")


def chain(text: str, context: Context) -> Optional[Parsed]:
    """WARN [01-31|10:00:00.123] message"""
    found = _CHAIN.match(text)
    if found is None:
        return None
    level, month, day, hour, minute, second, fraction = found.groups()
    return Parsed(context.stamps.nearest(f"{month}{day} {hour}", minute, second, fraction),
                  level_name(level), context.service,
                  context.host, text[found.end():], {}, "generic")


def prosody(text: str, context: Context) -> Optional[Parsed]:
    """Jan 31 10:00:00 general<tab>error<tab>message"""
    found = _PROSODY.match(text) if "\t" in text else None
    if found is None:
        return None
    hour, minute, second, fraction, logger, level = found.groups()
    return Parsed(context.stamps.nearest(hour, minute, second, fraction), level_name(level),
                  context.service, context.host,
                  text[found.end():], {"logger": logger}, "generic")


def mattermost(text: str, context: Context) -> Optional[Parsed]:
    """error [2024-01-31 10:00:00.123 Z] message"""
    found = _MATTERMOST.match(text)
    if found is None:
        return None
    level, hour, minute, second, fraction, zone = found.groups()
    return Parsed(context.stamps.at(ymd, hour, minute, second, fraction, zone), level_name(level),
                  context.service, context.host,
                  text[found.end():], {}, "generic")


def sssd(text: str, context: Context) -> Optional[Parsed]:
    """(2024-01-31 10:00:00): [be[example.com]] [sdap_connect_done] (0x0020): message"""
    found = _SSSD.match(text)
    if found is None:
        return None
    month, day, hour, minute, second, fraction, year = found.groups()[:7]
    date, minutes, seconds, split, part, place, weight = found.groups()[7:]
    if date:
        at = context.stamps.at(ymd, date, minutes, seconds, split)
    else:
        at = context.stamps.at(month_day_hour_year, f"{month} {day} {hour} {year}", minute, second, fraction)
    grave = int(weight, 16)
    level = ("critical" if grave <= 0x10 else "error" if grave <= 0x40 else "warning" if grave <= 0x80
             else "info" if grave <= 0x200 else "debug")
    return Parsed(at, level, context.service or "sssd", context.host, text[found.end():],
                  {"logger": place, "component": part}, "generic")


def ignite(text: str, context: Context) -> Optional[Parsed]:
    """[10:00:00,123][SEVERE][main][TcpDiscoverySpi] message"""
    found = _IGNITE.match(text)
    if found is None:
        return None
    hour, minute, second, fraction, level = found.groups()
    return Parsed(context.stamps.today(hour, minute, second, fraction), level_name(level), context.service,
                  context.host, text[found.end() - 1:], {}, "java")


def node_red(text: str, context: Context) -> Optional[Parsed]:
    """31 Jan 10:00:00 - [error] message"""
    found = _NODE_RED.match(text)
    if found is None:
        return None
    hour, minute, second, fraction, level = found.groups()
    return Parsed(context.stamps.nearest(hour, minute, second, fraction), level_name(level), context.service,
                  context.host, text[found.end():], {}, "generic")


def jitsi(text: str, context: Context) -> Optional[Parsed]:
    """JVB 2024-01-31 10:00:00.123 SEVERE: [12] message"""
    found = _JITSI.match(text)
    if found is None:
        return None
    part, hour, minute, second, fraction, level = found.groups()
    return Parsed(context.stamps.at(ymd, hour, minute, second, fraction), level_name(level),
                  context.service or part.lower(), context.host, text[found.end():], {}, "java")


def aerospike(text: str, context: Context) -> Optional[Parsed]:
    """Jan 31 2024 10:00:00 GMT: WARNING (as): message"""
    found = _AEROSPIKE.match(text)
    if found is None:
        return None
    day, year, hour, minute, second, fraction, level = found.groups()
    at = context.stamps.at(month_day_hour_year, f"{day} {hour} {year}", minute, second, fraction, "GMT")
    named = {"DETAIL": "debug", "FAILED ASSERTION": "critical"}.get(level) or level_name(level)
    return Parsed(at, named, context.service or "aerospike", context.host, text[found.end() - 1:], {},
                  "generic")
