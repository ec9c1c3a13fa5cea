"""Access lines of what stands at the edge: AWS's balancers, CloudFront and IIS. From parse; to Parsed.

They put the status among a dozen numbers, so what is told of the request is its line as web servers write
it, and the rest stands in the metadata. A file in W3C's extended format says itself which fields it has;
where its head was not seen, as behind a restart of the reader, the usual ones are tried.
"""
from __future__ import annotations

import re
from typing import Any, Optional

from .parsed import Context, Parsed
from .stamps import ymd

#: The type (of an application balancer), when, who, whom, three times, both statuses, bytes, the request.
_BALANCED = re.compile(
    r"(?:(?:https?|h2|grpcs?|wss?) )?([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}):([0-9]{2}):([0-9]{2})"
    r"\.([0-9]{3,9})Z (\S{1,200}) ([0-9a-fA-F.:\[\]]{3,45}):[0-9]{1,5} (\S{1,60}) (?:-?[0-9.]{1,20} ){3}"
    r"([1-5][0-9]{2}) ([1-5][0-9]{2}|-|0) [0-9]{1,18} [0-9]{1,18} "
    r"\"([A-Z-]{1,12}) (\S{1,8192}) ([^\"\s]{0,20}) ?\"", re.A)
_HEAD = "#Fields:"
#: What begins a line of IIS with the usual fields: when, its own address, the method and the path.
_IIS_HEAD = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2} [0-9a-f.:%]{3,45} "
                       r"[A-Z]{3,12} /")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z", re.A)
_TIME = re.compile(r"([0-9]{2}):([0-9]{2}):([0-9]{2})\Z", re.A)
_METHOD = re.compile(r"[A-Z]{3,12}\Z")
#: 000 stands where the client left.
_STATUS = re.compile(r"[0-5][0-9]{2}\Z", re.A)
_IIS = ("date", "time", "s-ip", "cs-method", "cs-uri-stem", "cs-uri-query", "s-port", "cs-username", "c-ip",
        "cs(User-Agent)", "cs(Referer)", "sc-status", "sc-substatus", "sc-win32-status", "time-taken")
_CLOUDFRONT = ("date", "time", "x-edge-location", "sc-bytes", "c-ip", "cs-method", "cs(Host)", "cs-uri-stem",
               "sc-status", "cs(Referer)", "cs(User-Agent)", "cs-uri-query", "cs(Cookie)",
               "x-edge-result-type", "x-edge-request-id", "x-host-header")
#: Field → its name in the metadata.
_KEPT = {"c-ip": "client", "cs-username": "user", "cs(User-Agent)": "agent", "cs(Referer)": "referrer",
         "cs-host": "vhost", "x-host-header": "vhost", "sc-substatus": "substatus",
         "sc-win32-status": "win32_status", "x-edge-location": "edge", "x-edge-result-type": "result",
         "x-edge-request-id": "request_id", "time-taken": "taken", "s-reason": "reason"}
#: So many fields are read.
_FIELDS = 64


def balanced(text: str, context: Context) -> Optional[Parsed]:
    """https 2024-01-31T10:00:00.123456Z app/shop/5 10.0.0.9:4 10.0.1.7:80 0 1 0 502 - 34 12 "GET / h" """
    found = _BALANCED.match(text) if '"' in text else None
    if found is None:
        return None
    hour, minute, second, fraction, balancer, client, target, status, answered, method, url, protocol = \
        found.groups()
    metadata: dict[str, Any] = {"client": client, "status": int(status), "method": method, "path": url,
                                "balancer": balancer}
    if target != "-":
        metadata["target"] = target
    if answered not in ("-", "0"):
        metadata["target_status"] = int(answered)
    at = context.stamps.at(ymd, hour, minute, second, fraction, "Z")
    return Parsed(at, None, context.service, context.host, f'"{method} {url} {protocol}" {status}', metadata,
                  "access")


def fields(text: str, context: Context) -> Optional[Parsed]:
    """#Fields: date time cs-method cs-uri-stem sc-status"""
    if not text.startswith(_HEAD):
        return None
    context.fields = tuple(text[len(_HEAD):].split()[:_FIELDS])
    return Parsed(None, "debug", context.service, context.host, text, {}, "extended")


def extended(text: str, context: Context) -> Optional[Parsed]:
    """2024-01-31 10:00:00 10.0.0.7 GET /a - 443 - 10.0.0.9 Mozilla/5.0 - 500 0 0 12"""
    names = context.fields
    if text[10:11] == "\t":
        values, names = text.split("\t"), names or _CLOUDFRONT
    elif names or _IIS_HEAD.match(text) is not None:
        values = text.split(" ")
        names = names or _iis(values)
    else:
        return None
    given = dict(zip(names, values))
    status, method = given.get("sc-status", ""), given.get("cs-method", "")
    day, time = given.get("date", ""), _TIME.match(given.get("time", ""))
    path = given.get("cs-uri-stem") or given.get("cs-uri")
    if not path or time is None or _DAY.match(day) is None or _STATUS.match(status) is None \
            or _METHOD.match(method) is None:
        return None
    query = given.get("cs-uri-query", "-")
    if query != "-":
        path = f"{path}?{query}"
    metadata: dict[str, Any] = {"status": int(status), "method": method, "path": path}
    for field, kept in _KEPT.items():
        value = given.get(field, "-")
        if value != "-":
            metadata[kept] = value
    metadata.setdefault("client", "-")
    protocol = given.get("cs-version") or given.get("cs-protocol-version") or ""
    # the format has its times in UTC
    at = context.stamps.at(ymd, f"{day} {time[1]}", time[2], time[3], None, "Z")
    asked = f"{method} {path} {protocol}" if protocol[:4] == "HTTP" else f"{method} {path}"
    return Parsed(at, None, context.service, context.host, f'"{asked}" {status}', metadata, "access")


def _iis(values: list[str]) -> tuple[str, ...]:
    """Return the usual fields of IIS; its older ones have no referrer."""
    return _IIS if len(values) >= len(_IIS) else tuple(each for each in _IIS if each != "cs(Referer)")
