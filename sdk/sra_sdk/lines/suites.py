"""Lines of large servers of applications and data that write a form of their own: WebLogic, WebSphere, Db2.

From parse; to Parsed.
"""
from __future__ import annotations

import re
from typing import Optional

from .marks import WEBSPHERE
from .parsed import Context, Parsed, level_name, name
from .stamps import day_month_year, epoch, month_day_hour_year, ymd

_MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
_SEVERITY = r"(Trace|Debug|Info|Notice|Warning|Error|Critical|Alert|Emergency)"
#: WebLogic's date is that of the machine's language; the file of the server has the epoch, too.
_WEBLOGIC = re.compile(
    r"(?:####)?<(?:(" + _MONTH + r" [0-9]{1,2}), ([0-9]{4}),? ([0-9]{1,2}):([0-9]{2}):([0-9]{2})(?:,("
    r"[0-9]{3}))? ([AP])M"
    r"(?: ([A-Z]{1,4})(?=>))?|([0-9]{2}-" + _MONTH + r"-[0-9]{4} [0-9]{2}):([0-9]{2}):([0-9]{2}) o'clock(?:"
    r" ([A-Z]{3,4})(?=>))?)?"
    r"[^<>\n]{0,80}> <" + _SEVERITY + r"> <([^<>\n]{0,80})> ", re.A)
_WEBLOGIC_FILE = re.compile(r"<([^<>\n]{0,120})> <([^<>\n]{0,120})> <(.{0,200}?)> <<?[^<>\n]{0,120}>?> <"
                            r"[^<>\n]{0,120}> <[^<>\n]{0,200}> "
                            r"<([0-9]{13})> (?:<\[severity-value: [^<>\n]{0,200}> )?")
_WEBLOGIC_CODE = re.compile(r"<([A-Z]{2,10}-[0-9]{4,7})> <")
_WEBSPHERE = re.compile(
    r"\[([0-9]{1,2})/([0-9]{1,2})/([0-9]{2,4}),? ([0-9]{1,2}):([0-9]{2}):([0-9]{2}):([0-9]{3}) ("
    r"[A-Z]{2,5})\] "
    r"([0-9a-f]{8}) (\S{1,160}) {1,80}([FEWAICDOR123<>]) {1,3}", re.A)
_DB2 = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})-([0-9]{2})\.([0-9]{2})\.([0-9]{2})\.([0-9]{6})([+-])("
                  r"[0-9]{3}) [A-Z]\w{1,20} {1,20}"
                  r"LEVEL: (Severe|Critical|Error|Warning|Event|Info)\b", re.A)


def weblogic(text: str, context: Context) -> Optional[Parsed]:
    """####<Jan 31, 2024 10:00:00 AM UTC> <Error> <HTTP> <host> <server> ... <BEA-101017> <message>"""
    found = _WEBLOGIC.match(text)
    if found is None:
        return None
    day, year, hour, minute, second, fraction, half, zone = found.groups()[:8]
    date, minutes, seconds, dates_zone, level, part = found.groups()[8:]
    at: Optional[int] = None
    if day:
        month, _, number = day.partition(" ")
        hours = f"{int(hour) % 12 + (12 if half == 'P' else 0):02}"
        at = context.stamps.at(month_day_hour_year, f"{month} {number.zfill(2)} {hours} {year}", minute,
                               second, fraction, zone)
    elif date:
        at = context.stamps.at(day_month_year, date, minutes, seconds, None, dates_zone)
    end, host, metadata = found.end(), context.host, {"component": part}
    filed = _WEBLOGIC_FILE.match(text, end)
    if filed is not None:
        at, end = epoch(int(filed[4])) or at, filed.end()
        host = name(filed[1]) or host
        metadata["server"], metadata["thread"] = filed[2], filed[3]
    coded = _WEBLOGIC_CODE.match(text, end)
    if coded is not None:
        metadata["code"], end = coded[1], coded.end()
    message = text[end:].rstrip()
    return Parsed(at, level_name(level), context.service or "weblogic", host,
                  message[:-1] if message[-1:] == ">" else message,
                  metadata, "weblogic")


def websphere(text: str, context: Context) -> Optional[Parsed]:
    """[1/31/24 10:00:00:123 UTC] 0000001a ServletWrappe E   SRVE0068E: message"""
    found = _WEBSPHERE.match(text)
    if found is None:
        return None
    month, day, year, hour, minute, second, fraction, zone, thread, logger, kind = found.groups()
    if int(month) > 12:
        month, day = day, month
    stamp = f"{year if len(year) == 4 else '20' + year}-{int(month):02}-{int(day):02} {hour.zfill(2)}"
    at = context.stamps.at(ymd, stamp, minute, second, fraction, zone)
    return Parsed(at, WEBSPHERE[kind], context.service or "websphere", context.host, text[found.end():],
                  {"thread": thread, "logger": logger}, "websphere")


def db2(text: str, context: Context) -> Optional[Parsed]:
    """2024-01-31-10.00.00.123456+060 E1234E567   LEVEL: Error; the message stands in the next lines"""
    found = _DB2.match(text)
    if found is None:
        return None
    day, hour, minute, second, fraction, sign, minutes, level = found.groups()
    east = int(minutes)
    at = context.stamps.at(ymd, f"{day} {hour}", minute, second, fraction,
                           f"{sign}{east // 60:02}{east % 60:02}")
    return Parsed(at, "info" if level == "Event" else level_name(level), context.service or "db2",
                  context.host, text, {}, "db2")
