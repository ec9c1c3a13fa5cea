"""Reply: what a failing health check means, if its service says something itself. From case; pure.

A check tells no cause. Who says why he is ill is believed, and who still writes that requests fail is not
down: he answers, with errors.
"""
from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache

from .record import SECOND
from .signal import Signal
from .software import is_store, kind_spoken

#: A service that says itself that it has one of these says why its check fails.
_TELLING = frozenset({"cpu_overload", "queue_backlog", "rate_limited", "error_burst"})
#: As long as it goes on saying so: what came first and is no longer told explains nothing.
_STILL_TOLD = 60 * SECOND
#: What its supervisor says of how it ended is no cause. Of a mistake in its code a program may end, too: only
#: where requests fail of it does it go on.
_OF_ITS_END = ("signature|stop_too_long|", "signature|code_fails|")
#: How frameworks say that a request failed: whoever writes so takes requests.
_REQUEST = re.compile(
    r"\bphp (?:fatal|parse|recoverable fatal) error:|\buncaught php exception\b|\bphp message: php"
    r"|\bservlet\.service\(\) for servlet\b|\bhandler dispatch failed\b"
    r"|\bexception processing \S{0,40}request"
    r"|\bhttp: panic serving\b|\[recovery\] [^\n]{0,40}panic recovered\b|\[panic recover\]"
    r"|\bexception in asgi application\b|\binternal server error: /|\bexception on /\S{0,200} \["
    r"|\berror handling request\b|\bexception calling application\b"
    r"|\blayer\.handle \[as handle|\blayer\.handlerequest\b|\[exceptionshandler\]"
    r"|\bactiondispatch/|\bactioncontroller::|\bsinatra/base\.rb\b|\brack app error\b"
    r"|\bunhandled exception has occurred while executing the request\b"
    r"|\bunhandled exception was thrown by the application\b"
    r"|\bresponse failed classification=status code: 500\b"
    r'|" 500 (?:\d{1,12}|-)(?: |$)')
#: The agent's own check in a log of requests, and that it was answered, if badly.
_CHECK = re.compile(
    r'"get (\S{1,300}) http/[\d.]{1,3}" (?:500|501|505|4\d\d) (?:\d{1,12}|-)'
    r' "[^"]{0,300}" "sra-agent')
_TARGET = re.compile(r" at https?://[^/\s]{1,200}(/\S{0,300})?")
_EVIDENCE, _TEXT = 5, 2000


def explained(probe: Signal, signals: Iterable[Signal]) -> bool:
    """Say whether the service of a failing check says itself, and still does, what ails it."""
    return any(each.detector == "signature" and each.service == probe.service and not each.unanswered
               and _still(each, probe) and (each.cls in _TELLING or _refused(each))
               and not each.fingerprint.startswith(_OF_ITS_END) for each in signals)


def answers(probe: Signal, signals: Iterable[Signal]) -> bool:
    """Say whether the service of a failing check goes on answering, as its own words or its proxy's tell."""
    near = [each for each in signals if each.detector != "probe" and _still(each, probe)]
    if any(each.cls == "service_crash" and each.service == probe.service for each in near):
        return False
    return any(_of_request(tuple(_texts(each))) for each in near if each.service == probe.service) \
        or _answered(probe, near)


@lru_cache(maxsize=256)  # a case is looked at whenever a sign of it goes on
def _of_request(texts: tuple[str, ...]) -> bool:
    return any(map(_REQUEST.search, texts))


def _answered(probe: Signal, signals: Iterable[Signal]) -> bool:
    target = _TARGET.search(next(_texts(probe), ""))
    path = (target[1] or "/") if target else ""
    return bool(path) and any(found[1] == path for each in signals for text in _texts(each)
                              if (found := _CHECK.search(text)) is not None)


def _refused(signal: Signal) -> bool:
    """Say whether a service is refused by its store; who guesses its visitors' passwords is no cause."""
    return signal.cls == "auth_failures" and not is_store(signal.service) and any(
        map(kind_spoken, _texts(signal)))


def _still(signal: Signal, probe: Signal) -> bool:
    return signal.last_at >= probe.last_at - _STILL_TOLD


def _texts(signal: Signal) -> Iterator[str]:
    return (each.text[:_TEXT].lower() for each in signal.evidence[:_EVIDENCE])
