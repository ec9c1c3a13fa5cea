"""Start: does a service that is heard for the first time only come up? From signatures; pure.

Who begins before what it depends on does not find it, and a moment later all is well. Many say that they
wait; others say what they would say of an outage. Where only this one is new, these are given some seconds as
well; who installs SRA in the middle of an outage is told at once.
"""
from __future__ import annotations

import re

from ..domain.record import MINUTE, SECOND, Record
from .memory import Memory
from .traffic import heard_since, watched_since

#: So long after its first line who says that it waits only starts; and who says nothing of that.
_COMES_UP, _RACES = 45 * SECOND, 20 * SECOND
#: An account that is watched for so long was well before somebody new came.
_WATCHED = 10 * MINUTE
#: So much of a text is searched.
_SEARCHED = 2000
_WAITS = re.compile(r"\bnot (?:yet |be )?(?:ready|available|up)\b"
                    r"|(?<!timed out )(?<!timeout )\bwaiting for\b|\bretrying\b|\bwill (?:be )?retr"
                    r"|\btry(?:ing)? again\b|\bretry in\b|\battempt[ #]{1,2}\d")


def comes_up(memory: Memory, records: list[Record]) -> bool:
    """Say whether records that somebody does not answer are those of a service that has only begun."""
    since = heard_since(memory, records[0].service, records[0].host)
    if not since or any(not 0 <= each.at - since < _COMES_UP for each in records):
        return False
    if since - watched_since(memory) >= _WATCHED and all(each.at - since < _RACES for each in records):
        return True
    return all(_WAITS.search(each.message[:_SEARCHED].lower()) is not None for each in records)
