"""Client: errors that say what a client did, not how a service fares. From burst and novelty; pure.

Scanners ask for files that never were, browsers report what broke in themselves, whoever fuzzes an API sends
what is no request. Software writes much of that as ERROR, at the rate at which strangers choose to ask, so
it is no measure of health. A text is a client's only where it cannot be about a call that the service made
itself: a 404 that another service answered with is ours to worry about.
"""
from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ..domain.record import Record

#: What is said of the client stands near the beginning, or in the frames right after it.
_CHARACTERS, _BEGINNING = 1500, 300
#: The refusals that answer a wrong question. Not among them: 401 and 403, which come to all when a key or a
#: right is lost; 408, 409, 422 and 429, which a slow or overloaded service also gives.
_WRONG = frozenset(("400", "404", "405", "406", "410", "411", "413", "414", "415", "416", "417", "431",
                    "451"))
_STATUS = ("status", "status_code", "statusCode", "http_status")
_PATH = ("path", "request_path", "uri", "request_uri")
_ADDRESS = ("client", "client_ip", "clientIp", "remote_addr", "remoteAddress", "remote_ip", "ip")
#: Named in a record of a call that the service made itself.
_CALLED = ("upstream", "url", "target", "peer")

#: A text in lower case without one of these is no client's doing: the patterns are not tried.
_NEEDLES = (
    "no such file", "is not found", "forbidden", "file does not exist", "unable to stat",
    "denied by server config", "client sent", "client intended", "handshak", "primary script unknown",
    "in request", "request failed", "http request", "method name", "request target", "hostname", "host [",
    "http_host", "csrf", "authenticitytoken", "tokenmismatch", "antiforgery", "no route",
    "no static resource", "request method", "httpexception", "handlerfound", "resourcefound",
    "disallowedhost", "actioncontroller::", "parseerror", "badhttp", "badstatusline", "request from ip=",
    "decode param", "requested url was not found", "resizeobserver", "script error.", "js:", "js?",
    "chunk ", "failed to fetch", "client-side", "browser", "javascript ", "js e", "window.onerror",
    "not found", "bad request", "not allowed", "modsecurity", "404", "405", "400", "41", "431", "451")

#: Only where the line names the client for which it was written.
_FOR_CLIENT = re.compile("|".join((
    r"\bopen\(\) \S+ failed \(2: no such file", r"\" is not found \(2: ",
    r"directory index of .* is forbidden", r"\bforbidden by rule", r"\bfile does not exist: ",
    r"\bscript '.*' not found or unable to stat", r"\bclient denied by server configuration",
    r"\bclient (?:sent|intended to send) ", r"\bprimary script unknown",
    r"\binvalid (?:method|uri|url) in request\b",
    r"\bhostname \S+ (?:provided via sni|default host supplied)",
    r"\brequest failed: (?:uri too long|error reading the headers|malformed)", r"\bmodsecurity: ",
    r"\bwhile ssl handshaking, client: ",
)))
_OF_CLIENTS = re.compile("|".join((
    # what is no request
    r"\btls handshake error from ", r"\berror parsing http request header",
    r"\binvalid character found in (?:method name|the request target|the http protocol)",
    r"\bthe host \[.*\] is not valid", r"\binvalid http request received", r"\binvalid request from ip=",
    r"\bbad(?:httpmessage|statusline): 400, message", r"\bbadhttprequestexception\b",
    r"- - \[[^\]]*\] code 40\d, message ", r"\bfailed to decode param\b",
    # what frameworks raise for a path, a method, a host name or a form that is not theirs
    r"\binvalid http_host header", r"\bdisallowedhost\b", r"\bcsrf (?:token|verification|cookie|check)\b",
    r"\binvalid csrf\b", r"\binvalidauthenticitytoken\b", r"\btokenmismatchexception\b",
    r"\bantiforgery(?:validation)?exception\b", r"\bno route (?:found for|matches|matched)\b",
    r"\bno static resource\b", r"\brequest method '?[a-z]+'? (?:is )?not supported",
    r"\b(?:methodnotallowed|notfound)httpexception\b", r"\bno(?:resource|handler)foundexception\b",
    r"\bactioncontroller::(?:routingerror|badrequest|unknownformat|unknownhttpmethod)\b",
    r"\bparameters::parseerror\b", r"\brequested url was not found on the server\b",
    r"\bnotfounderror: not found\b",
    # browsers that report to their server: scripts by their address, and what only a browser can say
    r"https?://[^\s\"')]+\.m?js(?:\?[^\s:]*)?:\d+:\d+", r"\bresizeobserver loop\b", r"\A\W*script error\.",
    r"\bloading (?:css )?chunk \S+ failed", r"\btypeerror: failed to fetch\b", r"\bwindow\.onerror\b",
    r"\b(?:client-side|browser|javascript|js) (?:error|exception)\b",
)))
_METHOD = r"\b(?:get|head|post|put|patch|delete|options|propfind|trace|connect) /"
_CODE = r"(?:40[0456]|41[013-7]|431|451)\b"
#: A request to this service, by its path alone, that was refused as wrong: "GET /wp-login.php 404".
_REFUSED = re.compile(rf"{_METHOD}\S*(?: http/\S+)?\W{{1,4}}(?:.{{0,30}}\W)?{_CODE}"
                      rf"|\b{_CODE}.{{0,40}}{_METHOD}"
                      r"|\A\W*(?:not found|bad request|method not allowed)(?: \([a-z]+\))?: /\S*\s*\Z")
#: Who called whom: a text with one of these may be about a call that the service made itself.
_OURS = re.compile(r"\bupstream\b|\bbackend\b|\bcall(?:ing|ed)? |\brequest to\b|\bresponse\b|\bfor url\b"
                   r"|\bfetch|\bclient error\b|\bfrom [a-z]|\bby [a-z]|\bapi\b.*\banswer|https?://")
#: Sent there by a page of this very site, whose own link is broken then.
_REFERRED = re.compile(r"host: \"?([^\s\",]+)\"?.*referrer: \"https?://([^/\s\"]+)")
#: Addresses behind which everybody stands: proxies, balancers, containers.
_INSIDE = re.compile(r"10\.|127\.|192\.168\.|172\.(?:1[6-9]|2\d|3[01])\.|169\.254\.|0\."
                     r"|::1\Z|f[cd][0-9a-f]{2}:|fe80:|100\.(?:6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.", re.I)
_V4 = re.compile(r"(?:::ffff:)?(\d{1,3}(?:\.\d{1,3}){3})(?::\d+)?\Z", re.I)
_V6 = re.compile(r"\[?([0-9a-f]{0,4}(?::[0-9a-f]{0,4}){2,7})(?:%\w+)?(?:\]?:\d+|\])?\Z", re.I)
#: Of so many clients the errors are counted in a minute; who has more than a ninth of them is among these.
_CLIENTS = 8


def asked_wrong(record: Record) -> bool:
    """Say whether a record tells that its client asked for something wrong, or broke by itself."""
    low = record.message[:_CHARACTERS].lower()
    if record.metadata and _answered_wrong(record.metadata):
        return _OURS.search(low) is None
    for needle in _NEEDLES:
        if needle in low:
            break
    else:
        return False
    if _OF_CLIENTS.search(low) is not None:
        return True
    if "client" in record.metadata and _FOR_CLIENT.search(low) is not None:
        sent = _REFERRED.search(low)
        return sent is None or sent[1] != sent[2]
    return _REFUSED.search(low, 0, _BEGINNING) is not None and _OURS.search(low) is None


def _answered_wrong(metadata: Mapping[str, Any]) -> bool:
    """Say whether the fields tell of a request to this service, by its path, that was refused as wrong."""
    asked, answer = metadata.get("req"), metadata.get("res")
    if isinstance(asked, dict) and isinstance(answer, dict):
        status, path = answer.get("statusCode"), asked.get("url")
    elif any(key in metadata for key in _CALLED):
        return False
    else:
        status = next((metadata[key] for key in _STATUS if key in metadata), None)
        path = next((metadata[key] for key in _PATH if key in metadata), None)
    if not isinstance(path, str) or not path.startswith("/"):
        return False
    return str(status) in _WRONG


def address(record: Record) -> str:
    """Return the public address of the client that a record names, or ""."""
    for key in _ADDRESS:
        value = record.metadata.get(key)
        if isinstance(value, str):
            found = _V4.match(value) or _V6.match(value)
            if found is not None:
                return "" if _INSIDE.match(found[1]) else found[1].lower()
    return ""


def counted(clients: Mapping[str, int], who: str) -> dict[str, int]:
    """Count one error of a client; where there is no room, all of them lose one, so that only many stay."""
    if who in clients or len(clients) < _CLIENTS:
        return {**clients, who: clients.get(who, 0) + 1}
    return {each: n - 1 for each, n in clients.items() if n > 1}


def others(errors: int, clients: Mapping[str, int]) -> int:
    """Return how many errors are not of the client that has most.

    While no other client is named, as many again that name nobody are taken for its own: what a server's
    access log tells, the application behind it often tells once more.
    """
    most = max(clients.values(), default=0)
    return max(0, errors - (2 * most if len(clients) == 1 else most))
