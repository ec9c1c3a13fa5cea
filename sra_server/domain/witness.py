"""Witness: who only tells that a page does not answer, and whom that means. From case; pure.

A check that asks for an URL and writes down what came of it is no part of what it asks for.
"""
from __future__ import annotations

import re
from collections.abc import Iterable

from .called import near, text_of
from .place import places_in
from .signal import Signal
from .software import is_store, passes_on

#: How checks begin: with the page that they asked for, or as curl in a script complains.
_CHECK = re.compile(r"\A(?:\[?(?:alert|check|critical|down|error|fail(?:ed)?)\]?:? )?https?://\S{1,300} "
                    r"(?:is )?(?:(?:http(?:/[\d.]{1,3})? )?[45]\d\d\b"
                    r"|(?:unreachable|unavailable|down|failed|timed out)\b)|\Acurl: \(\d", re.I)
#: That it is the server itself, and nobody behind it, with whom something is wrong.
_ITSELF = re.compile(r"\b(?:failed|couldn't|could not|unable) (?:to )?connect\b|connection refused"
                     r"|certificate")
_WEB = frozenset({"80", "443"})


def only_tells(signal: Signal) -> bool:
    """Say whether a sign is what a check of pages says of somebody else."""
    return signal.detector == "signature" and bool(signal.evidence) and all(
        _CHECK.search(each.text[:600]) for each in signal.evidence[:3])


def front_of(effect: Signal, services: Iterable[str]) -> str:
    """Return the only web server or proxy of one's own that a check finds gone or cannot trust, or ""."""
    if not only_tells(effect):
        return ""
    text = text_of(effect)
    places = places_in(text)[:1]
    if _ITSELF.search(text) is None or not places or not near(places[0]) \
            or places[0].rpartition(":")[2] not in _WEB:
        return ""
    fronts = [each for each in services if each != effect.service and passes_on(each)]
    return fronts[0] if len(fronts) == 1 else ""


def gives_up(signal: Signal) -> bool:
    """Say whether a sign is that who guards a shared address (keepalived) gives it up."""
    return signal.fingerprint.startswith("signature|failover_at_fault|")


def guarded(signal: Signal) -> bool:
    """Say whether a sign is the end of what an address is mostly shared for: a proxy, or a store."""
    return signal.cls == "service_crash" and (passes_on(signal.service) or is_store(signal.service))
