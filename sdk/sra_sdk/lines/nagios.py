"""What Nagios, Icinga 1 and Naemon write of the hosts that they check: a state, as hard as it is.

From undated and syslog; to Parsed. A soft state is tried again, a notification repeats what an alert said,
and at each start and rotation all states are told anew: of all these only a hard state is news. It is about
the host that was checked, and not about the one that checks.
"""
from __future__ import annotations

import re
from typing import Optional

from .parsed import Context, Parsed, name

_ALERT = re.compile(r"(SERVICE|HOST) ALERT: ([^;\n]{1,200});(?:([^;\n]{1,200});)?"
                    r"(OK|UP|WARNING|CRITICAL|UNKNOWN|DOWN|UNREACHABLE|PENDING);(SOFT|HARD);[0-9]{1,6};")
_TOLD = re.compile(r"(?:(?:CURRENT|INITIAL) (?:SERVICE|HOST) STATE|(?:SERVICE|HOST) (?:NOTIFICATION(?:"
                   r" SUPPRESSED)?"
                   r"|FLAPPING ALERT|DOWNTIME ALERT|EVENT HANDLER|NOTIFICATION|ACKNOWLEDGE\w{0,4} ALERT)"
                   r"|GLOBAL (?:SERVICE|HOST) EVENT HANDLER|EXTERNAL COMMAND|PASSIVE (?:SERVICE|HOST) CHECK"
                   r"|LOG (?:ROTATION|VERSION)|wproc|Auto-save): ")
_LEVELS = {"WARNING": "warning", "UNKNOWN": "warning", "CRITICAL": "error", "DOWN": "error",
           "UNREACHABLE": "warning"}


def nagios(text: str, start: int, at: Optional[int], context: Context) -> Optional[Parsed]:
    """SERVICE ALERT: web1;HTTP;CRITICAL;HARD;3;output of the check, behind a date"""
    found = _ALERT.match(text, start)
    if found is not None:
        kind, host, check, state, hard = found.groups()
        if (kind == "SERVICE") != (check is not None):
            return None
        level = _LEVELS.get(state, "info") if hard == "HARD" else "info"
        return Parsed(at, level, name(check or "") or context.service or "nagios", name(host) or context.host,
                      text[start:], {"state": state, "state_type": hard}, "nagios")
    if _TOLD.match(text, start) is None:
        return None
    return Parsed(at, "info", context.service or "nagios", context.host, text[start:], {}, "nagios")
