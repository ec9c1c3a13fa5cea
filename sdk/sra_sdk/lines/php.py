"""What PHP writes itself: its log of errors, and the server that it has for trying out.

From civil, web; to Parsed.
It writes the date as `dmesg -T` does, so its own words tell that it is not the kernel that speaks.
"""
from __future__ import annotations

import re
from typing import Optional

from .parsed import Context, Parsed
from .served import asked

_SAID = re.compile(r"PHP ((?:Recoverable f|F)atal error|Parse error|Warning|Notice|Deprecated"
                   r"|Strict Standards): {1,2}")
_LEVELS = {"Warning": "warning", "Notice": "info", "Deprecated": "info", "Strict Standards": "info"}
#: Its own server: the client with its port, then the status and the request, or how the connection is.
_SERVER = re.compile(r"(\[?[0-9a-fA-F.:]{3,45}\]?):[0-9]{1,5} "
                     r"(?:\[([1-5][0-9]{2})\]: ([A-Z]{3,10}) (\S{1,8192})"
                     r"|(Accepted|Closing|Closed without sending a request))")


def php(text: str, start: int, at: Optional[int], context: Context) -> Optional[Parsed]:
    """PHP Fatal error:  message, 10.0.0.9:4411 [200]: GET /a, 10.0.0.9:4411 Accepted"""
    said = _SAID.match(text, start)
    if said is not None:
        # without "PHP Fatal error: " it would not be known whose words these are
        return Parsed(at, _LEVELS.get(said[1], "error"), context.service, context.host, text[start:], {},
                      "php")
    if text.startswith("PHP ", start):  # the stack of what went wrong
        return Parsed(at, None, context.service, context.host, text[start:], {}, "php")
    served = _SERVER.match(text, start)
    if served is None:
        return None
    client, status, method, path, _ = served.groups()
    if status is None:
        return Parsed(at, None, context.service, context.host, text[start:], {}, "php")
    return Parsed(at, None, context.service, context.host, text[start:], asked(method, path, status, client),
                  "access")
