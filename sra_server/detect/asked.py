"""Asked: does a name server miss those of one domain, or whoever answers all that it asks? From signatures.

Who resolves names for others meets domains all day whose own servers refuse, time out or answer nonsense.
That is their owners' trouble. Where the one that is asked about everything (a forwarder) is gone, ever other
domains fail at the same address, and whoever it is inside of a private network is one's own.
"""
from __future__ import annotations

import re

from ..domain.record import MINUTE, Record
from .beside import text_of
from .client import inside
from .memory import Memory

#: Of so many domains within a minute one alone is not to blame.
_DOMAINS, _KNOWN = 3, 8
_TEXT = 500
#: BIND names the address that it asked, Unbound the zone whose servers failed; "." is that of all.
_FAILED = re.compile(r"\bresolving '([^'/\s]{1,255})/\w{1,10}/in'.{0,80}: ([0-9a-f.:]{2,45})#\d"
                     r"|\bservfail <([^\s>]{1,255}) \w{1,10} in>: (?:.{1,120} at zone (\S{1,255}))?")


def of_one_domain(memory: Memory, record: Record) -> bool:
    """Say whether a record tells that the servers of one domain in the world do not answer.

    Memory: asked|service|host → [[address or zone, [[domain, time], …]], …].
    """
    low = text_of(record)[:_TEXT].lower()
    found = _FAILED.search(low) if "resolving '" in low or "servfail <" in low else None
    if found is None:
        return False
    name, address, other, zone = found.groups()
    if (address and inside(address)) or zone == ".":
        return False
    domain, place = ".".join((name or other).rstrip(".").split(".")[-2:]), address or "unbound"
    key = f"asked|{record.service}|{record.host}"
    stored: list[tuple[str, list[tuple[str, int]]]] = memory.get(key) or []
    places = {each: dict(domains) for each, domains in stored}
    domains = {each: at for each, at in places.pop(place, {}).items() if abs(record.at - at) <= MINUTE}
    domains.pop(domain, None)
    domains[domain] = record.at
    places[place] = domains
    memory.put(key, [[each, [list(one) for one in list(known.items())[-_KNOWN:]]]
                     for each, known in list(places.items())[-_KNOWN:]])
    return len(domains) < _DOMAINS
