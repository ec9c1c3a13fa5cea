"""What a text says itself, without what it only repeats: quotations, URL queries, SQL, user names.

From infer and the signatures; to their patterns. Strangers choose what a program repeats: a search word,
a ticket's title, the name of a user who cannot sign in. None of it is news about the program.
"""
from __future__ import annotations

import re
from re import Match, Pattern

#: A quotation within one line; an apostrophe inside a word begins none. The first group is what leads to it.
_QUOTED = re.compile(r"""(?<![\w"'\\])(?:"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`[^`\n]*`)(?!\w)""")
#: What a program puts before an error that it passes on in quotation marks.
_PASSED_ON = re.compile(
    r"\b(?:by|error|err|exception|caused?|reason|result|failed|failure|because|returned|got|status|message"
    r"|output|peer|resource(?:name)?)[ :=(\\]{1,3}\Z", re.I)
#: The same as the fields of JSON or of Ruby, and as what Python shows an exception to be made of.
_KEYED = re.compile(
    r"""\b(?:reason|error|exception|caused_by|root_cause)\\{0,3}["']\s?(?:=>|:)\s?\\{0,3}\Z""", re.I)
_MADE_OF = re.compile(r"""(?:error|exception)\((?:[0-9]{1,6}|["'][^"'\n]{0,120}["']|, ){0,6}\Z""", re.I)
#: Kubernetes' programs put their own message in quotation marks and fields behind it; no request is one.
_OWN = re.compile(r'\A"(?![a-z]{3,8} /)[^"\n]{1,400}" \w{1,40}=', re.I)
_REQUEST = re.compile(r" (?:(?<=GET )|(?<=get )|(?<=POST )|(?<=post )|(?<=PUT )|(?<=put )|(?<=HEAD )|(?<=head"
                      r" )|(?<=PATCH )|(?<=patch )|(?<=DELETE )|(?<=delete ))(?:/|http)\S*")
_QUERY = re.compile(r"(?<=[\w/])\?[\w.~%-]+=\S*")
_STATEMENT = re.compile(r"\b(?:statement|query|sql|(?:execute|parse|bind) (?:fetch from )?\S{1,80})"
                        r": [^\n]*", re.I)
#: How sshd and PAM begin when they repeat what a stranger sent.
_LOGIN: Pattern[str] = re.compile(
    r"(?:[\w.()\[\]-]{1,60}: )?(?:"
    r"(?:failed|accepted|postponed|partial) (?:password|publickey|none|keyboard-interactive\S*|gssapi\S*"
    r"|hostbased|challenge\S*) for |(?:invalid|illegal) user |input_userauth_request: "
    r"|(?:connection (?:closed|reset) by|disconnect(?:ed|ing) from) (?:authenticating|invalid) user "
    r"|received disconnect from |disconnected from (?=user |[0-9a-f:.]{3,45}(?: port |\Z))|pam_\w+\("
    r"|maximum authentication attempts "
    r"|bad protocol version |message repeated [0-9]+ times: \[ ?failed )", re.I)


def login(text: str) -> str:
    """Return how a line of a login program begins, in lower case; empty for every other text."""
    found = _LOGIN.match(text)
    return found.group().lower() if found is not None else ""


def bare(text: str, *, errors: bool = False) -> str:
    """Return the text without what it repeats; `errors` keeps quotations that pass on an error."""
    if '"' in text or "'" in text or "`" in text:
        own = _OWN.match(text) if text[0] == '"' else None
        begin = text.index('"', 1) + 1 if own is not None else 0
        text = text[:begin] + _QUOTED.sub(_unless_passed_on if errors else _emptied, text[begin:])
    if "?" in text:
        text = _QUERY.sub("?", text)
    if ": " in text:
        text = _STATEMENT.sub("", text)
    if " /" in text or " http" in text:
        text = _REQUEST.sub(" ", text)
    return text


def _emptied(found: Match[str]) -> str:
    mark = found.group()[0]
    return mark + mark


def _unless_passed_on(found: Match[str]) -> str:
    start = found.start()
    text = found.string
    if _PASSED_ON.search(text, max(0, start - 24), start) is not None \
            or _KEYED.search(text, max(0, start - 30), start) is not None \
            or ("(" in text and _MADE_OF.search(text, max(0, start - 200), start) is not None):
        return found.group()
    return _emptied(found)
