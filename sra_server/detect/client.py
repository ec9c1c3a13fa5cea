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

#: Only where the line names the client for which it was written: web servers on files that never were, on
#: what their rules refuse, and on what is no request.
_FOR_CLIENT = (
    " is not found (2: ", "forbidden by rule", "file does not exist: ", "not found or unable to stat",
    "client denied by server configuration", "client sent ", "client intended to send ",
    "primary script unknown", "invalid method in request", "invalid uri in request", "invalid url in request",
    "provided via sni", "request failed: uri too long", "request failed: error reading the headers",
    "request failed: malformed", "modsecurity: ", "while ssl handshaking, client: ",
)
_OF_CLIENTS = (
    # what is no request
    "tls handshake error from ", "error parsing http request header",
    "invalid character found in method name", "invalid character found in the request target",
    "invalid character found in the http protocol", "invalid http request received",
    "invalid request from ip=", "badhttpmessage: 400, message", "badstatusline: 400, message",
    "badhttprequestexception", "failed to decode param",
    # what frameworks raise for a path, a method, a host name or a form that is not theirs
    "invalid http_host header", "disallowedhost", "invalid csrf", "invalidauthenticitytoken",
    "tokenmismatchexception", "antiforgeryvalidationexception", "no route found for", "no route matches",
    "no route matched", "no static resource", "methodnotallowedhttpexception", "notfoundhttpexception",
    "noresourcefoundexception", "nohandlerfoundexception", "actioncontroller::routingerror",
    "actioncontroller::badrequest", "actioncontroller::unknownformat",
    "actioncontroller::unknownhttpmethod", "parameters::parseerror",
    "requested url was not found on the server", "notfounderror: not found",
    # what only a browser can say
    "resizeobserver loop", "typeerror: failed to fetch", "window.onerror", "client-side error",
    "client-side exception", "browser error", "javascript error",
)
#: The same, where a fragment says too little: (fragment, pattern, whether a client must be named).
_PATTERNS = tuple((needle, re.compile(pattern), named) for needle, pattern, named in (
    ("failed (2: ", r"\bopen\(\) \S+ failed \(2: no such file", True),
    ("directory index of ", r"directory index of [^\n]{1,300} is forbidden", True),
    ("csrf ", r"\bcsrf (?:token|cookie|check|verification)\b[^\n]{0,50}\b(?:missing|invalid|incorrect|"
     r"mismatch|failed|expired|not set)", False),
    ("the host [", r"\bthe host \[[^\n]{1,300}\] is not valid", False),
    ("request method ", r"\brequest method '?[a-z]+'? (?:is )?not supported", False),
    ("] code 40", r"- - \[[^\]\n]*\] code 40\d, message ", False),
    ("script error.", r"\A\W*script error\.", False),
    ("loading ", r"\bloading (?:css )?chunk \S+ failed", False),
    # what a name server says of the servers of a domain, for which somebody asked
    ("resolving '", r"\bresolving '[^'/\s]{1,255}/\w{1,10}/in'", False),
    ("servfail <", r"\bservfail <[^\s>]{1,255} \w{1,10} in>: ", False),
    # scripts by their address in a stack
    ("js:", r"https?://[^\s\"')]+\.m?js:\d+:\d+", False),
    ("js?", r"https?://[^\s\"')]+\.m?js\?[^\s:]*:\d+:\d+", False),
))
#: Without one of these no text tells of a refused request.
_REFUSALS = ("40", "41", "431", "451", "not found", "bad request", "not allowed")
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
#: A connection that was hung up, and right beside it whose it was: a client's, or that of a caller, who has
#: no port or a passing one.
_HUNG = ("connection reset", "econnreset", "hang up", "broken pipe")
_WHO = (r"(?:client|peer|remote|(?:request|connection) from)(?: (?:ip|addr(?:ess)?))?[ =:]{0,2}[\"'\[(/]{0,2}"
        r"(\d{1,3}(?:\.\d{1,3}){3}|[0-9a-f]{1,4}(?::[0-9a-f]{0,4}){3,7})(?:\]?:(\d{1,5}))?(?![\w.]|:\w)")
_GONE = r"(?:connection reset(?: by peer)?|econnreset|socket hang up|broken pipe)"
_HUNG_UP = tuple(map(re.compile, (
    rf"\b{_WHO}\W{{1,4}}(?:(?:read|write|recv|send|socket|error|errno|closed|failed|oserror|\w{{1,20}}error"
    rf"|\d{{2,3}})\W{{1,4}}){{0,5}}{_GONE}",
    rf"\b{_GONE}\W{{1,4}}(?:by |from )?{_WHO}",
    r"\b(?:read|write) tcp \S{3,50}:\d{1,5}->\[?([\d.]{7,15}|[0-9a-f:]{3,40})\]?:(\d{1,5}): \w{4,5}: "
    rf"{_GONE}",
)))
#: The same where the line itself says that a client has left, by whatever name, from wherever. `client` alone
#: stands there, or after a mark: an HTTP client, or one of a database, is the service's own.
_LEFT = re.compile(
    r"(?:\A|[\]:;|>,)}-] |\b(?:a|the|remote|websocket|ws|web) )"
    r"(?:client|subscriber|browser|visitor|viewer|player)"
    r"(?:(?: socket| connection)(?: error\b)?|(?: [\w.:@/'\"\[\]()#=-]{1,80}){0,2}? "
    r"(?:has |was |is )?(?:disconnected|closed|hung up|left|gone|went away|dropped)\b)"
    r"(?: (?:the |its )?(?:connection|socket|session|stream))?"
    rf"\W{{1,4}}(?:[\w.]{{1,30}}\W{{1,4}}){{0,6}}{_GONE}")
#: The same of a socket, which is a client's.
_SOCKET = re.compile(
    r"(?:\A|[\]:;|>,)}(-] ?|\b(?:a|the|on|of|from|for|remote|websocket|ws|web) )client(?:'s)?[ -]"
    rf"(?:web)?socket\b[^\n]{{0,60}}\b{_GONE}"
    rf"|\b{_GONE}\W{{1,4}}(?:on |from |for |of |by )?(?:a |the )?(?:remote )?client(?:'s)?[ -](?:web)?socket"
    r"\b")
#: A request that Node got, and whose sender left before its end; of one that it sent, the stack tells.
_ABORTED = re.compile(
    r"\A(?:\w{0,20}error: )?(?:client |incoming |http )?request (?:was |has been )?"
    r"(?:aborted|errored\b.{0,20}\n.{0,40}\baborted)\b(?! (?:by|to|from|while|after|due)\b)", re.S)
_SENT = ("_http_client", "axios", "undici")
_OWN_PORT = re.compile(r" tcp \S{3,50}:(\d{1,5})->")
#: From here on a system gives out the ports of who calls.
_PASSING = 32_768
#: A text with one of these tells of a call that the service made, whoever asked for that.
_CALLING = re.compile(r"://|\bupstream|\bbackend|\bdial |\bcalling |\brequest to |\bconnect(?:ing|ion)? to ")
#: Of so many clients the errors are counted in a minute; who has more than a ninth of them is among these.
_CLIENTS = 8


def asked_wrong(record: Record) -> bool:
    """Say whether a record tells that its client asked for something wrong, or broke by itself."""
    low = record.message[:_CHARACTERS].lower()
    named = "client" in record.metadata
    if record.metadata and _answered_wrong(record.metadata):
        return not _ours(low)
    for said in _OF_CLIENTS:
        if said in low:
            return True
    if (named and any(said in low for said in _FOR_CLIENT)) or any(
            needle in low and (named or not needs) and pattern.search(low) is not None
            for needle, pattern, needs in _PATTERNS):
        sent = _REFERRED.search(low) if named else None
        return sent is None or sent[1] != sent[2]
    if hung_up(low):
        return True
    begin = low[:_BEGINNING]
    return any(said in begin for said in _REFUSALS) and _REFUSED.search(begin) is not None and not _ours(low)


def hung_up(low: str) -> bool:
    """Say whether a text, in lower case, tells that a client somewhere in the world hung up.

    Networks of phones do that all day. Who is called has a port of its own, or an address inside.
    """
    begin = low[:_BEGINNING]
    if not any(said in begin for said in _HUNG) or _CALLING.search(begin) is not None:
        return False
    if _LEFT.search(begin) is not None or _SOCKET.search(begin) is not None:
        return True
    if _ABORTED.search(begin) is not None and not any(said in low for said in _SENT):
        return True
    found = next((found for each in _HUNG_UP if (found := each.search(begin)) is not None), None)
    if found is None or inside(found[1]):
        return False
    own = _OWN_PORT.search(begin)
    if own is not None and int(own[1]) >= _PASSING:
        return False
    return found[2] is None or int(found[2]) >= _PASSING


def _ours(low: str) -> bool:
    """Say whether a text may be about a call that the service made itself."""
    return _OURS.search(low, 0, _BEGINNING) is not None


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


def inside(place: str) -> bool:
    """Say whether an address is one of a private network or of the host itself."""
    return _INSIDE.match(place) is not None


def counted(clients: Mapping[str, int], who: str, more: int = 1) -> dict[str, int]:
    """Count errors of a client; where there is no room, all of them lose as many, so that only many stay."""
    found = {**clients, who: clients.get(who, 0) + more}
    if len(found) <= _CLIENTS:
        return found
    least = min(found.values())
    return {each: n - least for each, n in found.items() if n > least}


def others(errors: int, clients: Mapping[str, int]) -> int:
    """Return how many errors are not of the client that has most.

    While no other client is named, as many again that name nobody are taken for its own: what a server's
    access log tells, the application behind it often tells once more.
    """
    most = max(clients.values(), default=0)
    return max(0, errors - (2 * most if len(clients) == 1 else most))
