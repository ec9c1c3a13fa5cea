"""Own: whether a sign says itself what brought it about, and whether one may follow from another. Pure.

From case, relation, vicinity and storm. A mistake in a program's code, and what a user has taught as a
trouble, need nobody beside them as an explanation; a text that speaks of room, memory or a connection may.
"""
from __future__ import annotations

import re
from functools import lru_cache

from .effect import brings
from .signal import Signal
from .software import kind_spoken

#: A mistake in the code, as runtimes of many languages say it.
_FAULT = re.compile(
    r"\bpanic: |\bpanicked at\b|\bhttp: panic serving\b|\bnil pointer\b|\bnull ?pointer"
    r"|\b(?:type|reference|attribute|name|key|index|unboundlocal|zerodivision|assertion|syntax|nomethod"
    r"|notimplemented|recursion|import|modulenotfound)error\b"
    r"|\b(?:nullreference|indexoutofbounds|indexoutofrange|classcast|arithmetic|numberformat|keynotfound"
    r"|dividebyzero|argumentnull|illegalargument|noclassdef|classnotfound|nosuchmethod)(?:exception|error)"
    r"|\bassertion\b.{0,120}\bfailed\b|\bof (?:undefined|null)\b|\bis not (?:a function|defined)\b"
    r"|\bundefined (?:method|property|array key|index|variable|function)\b|\bcall to undefined\b"
    r"|\bcall to a member function\b|\bindex out of (?:bounds|range)\b"
    r"|\bsegfault at\b|\bgeneral protection fault\b|\bsegmentation (?:fault|violation)\b")
#: What a program cannot help: it lacks something, or somebody else does not answer.
_OUTSIDE = re.compile(
    r"\bno space\b|\bdisk (?:is )?full\b|\benospc\b|\bquota\b|\bout of memory\b|\boutofmemory"
    r"|\bmemoryerror\b|\bbad_alloc\b|\bcannot allocate\b|\benomem\b|\boom\b|\bkilled\b|\bsig(?:kill|term)\b"
    r"|\brefused\b|\btim(?:ed?|ing)[ -]?out\b|timeout|\bdeadline|\bunreachable\b|\bunavailable\b"
    r"|econn|\breset by peer\b|\bbroken pipe\b|\bconnect(?:ion|ed|ing)?\b|connectionerror|\bno route\b"
    r"|\beai_again\b|name resolution|\btoo many\b|\bread-only\b|\binput/output error\b|\bi/o error\b"
    r"|\bdeadlock|\block wait\b|\bcertificate\b|\bpermission denied\b|\bunauthorized\b")
#: From here on a text is the frames of a stack, which are not indented in Go.
_FRAMES = re.compile(r"\ngoroutine \d+ \[")
_EVIDENCE, _TEXT = 3, 4000
#: Of these each host and program has its own.
_ITS_OWN = frozenset({"disk_full", "memory_exhaustion", "cpu_overload", "certificate_expired"})
#: What a caller says of whom he asks, whatever is the matter there.
_ASKS = frozenset({"external_api_down", "error_burst", "network_failure", "queue_backlog", "rate_limited",
                   "database_failure", "auth_failures"})


def own(signal: Signal) -> bool:
    """Say whether a sign carries its own cause, so that no other trouble explains it by being near."""
    return signal.taught or (signal.cls in ("service_crash", "error_burst") and _faulty(_texts(signal)))


def follows(cause: Signal, effect: Signal) -> bool:
    """Say whether a sign of who depends on somebody may follow from that one's."""
    if own(effect):
        return False
    if effect.cls in _ITS_OWN:
        # a client repeats what its store lacks
        return brings(cause.cls, effect.cls) and (
            cause.cls != effect.cls or bool(kind_spoken("\n".join(_texts(effect)))))
    return brings(cause.cls, effect.cls) or effect.cls in _ASKS


def kind(signal: Signal) -> str:
    """Return what a sign tells, wherever it tells it: its detector, and of a text its name."""
    return "|".join(signal.fingerprint.split("|")[:2 if signal.detector == "signature" else 1])


def _texts(signal: Signal) -> tuple[str, ...]:
    return tuple(each.text[:_TEXT].lower() for each in signal.evidence[-_EVIDENCE:] if each.kind == "record")


@lru_cache(maxsize=256)  # in a storm each sign is held against every other
def _faulty(texts: tuple[str, ...]) -> bool:
    """Say whether texts tell of a mistake in the code, and of nothing outside of it."""
    said = [_said(each) for each in texts]
    return any(map(_FAULT.search, said)) and not any(map(_OUTSIDE.search, said))


def _said(text: str) -> str:
    """Return a text without the frames of its stack."""
    frames = _FRAMES.search(text)
    lines = (text[:frames.start()] if frames else text).split("\n")
    return "\n".join(each for each in lines if not each.startswith((" ", "\t")))
