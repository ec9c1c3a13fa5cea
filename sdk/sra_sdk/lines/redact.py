"""Replace secrets in a text by what kind they were. From parse; to spool, prompts and chats.

Known kinds only: a wrong redaction hides evidence, so each pattern is anchored on something that
secrets of its kind have and other text has not. Most lines pass one cheap look and cost nothing more.
"""
from __future__ import annotations

import re
from re import Match, Pattern

from .colours import ESCAPE, plain

_TOKENS: tuple[tuple[str, Pattern[str]], ...] = tuple((kind, re.compile(pattern)) for kind, pattern in (
    ("sra-key", r"\bsra_[A-Za-z0-9]{4,64}(?:_[A-Za-z0-9_-]{16,128}|[A-Za-z0-9_-]{12,128})"),
    ("aws-key-id", r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"),
    ("github-token", r"\b(?:gh[pousr]_[A-Za-z0-9]{20,255}|github_pat_[A-Za-z0-9_]{22,255})\b"),
    ("gitlab-token", r"\bgl(?:pat|ptt|dt|rt|cbt|soat|agent|ft|imt|oas)-[A-Za-z0-9_.-]{20,128}"),
    ("slack-token", r"\bxox[abeoprs]-[A-Za-z0-9-]{10,250}|\bxapp-[0-9]-[A-Za-z0-9-]{10,250}|\bxoxe\.xox"
     r"[bp]-[A-Za-z0-9-]{10,250}"),
    ("slack-webhook", r"hooks\.slack\.com/(?:services|workflows|triggers)/[A-Za-z0-9+/_-]{20,200}"),
    ("discord-webhook", r"discord(?:app)?\.com/api/webhooks/[0-9]{15,21}/[A-Za-z0-9_-]{30,100}"),
    ("stripe-key", r"\b(?:[sr]k|pk)_(?:live|test)_[A-Za-z0-9]{16,247}\b|\bwhsec_[A-Za-z0-9+/=]{20,100}"),
    ("google-key", r"\bAIza[A-Za-z0-9_-]{35}"),
    ("google-token", r"\bya29\.[A-Za-z0-9_-]{20,500}|\bGOCSPX-[A-Za-z0-9_-]{20,60}"),
    ("jwt", r"\beyJ[A-Za-z0-9_-]{8,4096}\.eyJ[A-Za-z0-9_-]{8,16384}\.[A-Za-z0-9_-]{8,4096}"),
    ("openai-key", r"\bsk-(?:proj-|svcacct-|admin-|ant-[a-z0-9]{2,8}-)?[A-Za-z0-9_-]{20,250}"),
    ("npm-token", r"\bnpm_[A-Za-z0-9]{36}\b"),
    ("pypi-token", r"\bpypi-[A-Za-z0-9_-]{32,500}"),
    ("sendgrid-key", r"\bSG\.[A-Za-z0-9_-]{16,64}\.[A-Za-z0-9_-]{16,128}"),
    ("digitalocean-token", r"\bdo[opr]_v1_[a-f0-9]{64}\b"),
    ("huggingface-token", r"\bhf_[A-Za-z0-9]{30,100}\b"),
    ("shopify-token", r"\bshp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}\b"),
    ("square-token", r"\bsq0[a-z]{3}-[A-Za-z0-9_-]{22,60}"),
    ("telegram-token", r"\b[0-9]{8,10}:AA[A-Za-z0-9_-]{33}\b"),
    ("vault-token", r"\bhv[sb]\.[A-Za-z0-9_-]{20,300}"),
    ("grafana-token", r"\bgl(?:c|sa)_[A-Za-z0-9+/=_]{32,400}"),
    ("databricks-token", r"\bdapi[a-f0-9]{32}\b"),
    ("atlassian-token", r"\bATATT3[A-Za-z0-9_=-]{50,300}"),
    ("age-key", r"\bAGE-SECRET-KEY-1[A-Z0-9]{58}\b"),
    ("azure-signature", r"(?<=[?&;]sig=)[A-Za-z0-9%+/=]{20,200}"),
))
_GIT = re.compile(r"gh[pousr]_|github_pat_|gl(?:pat|ptt|dt|rt|cbt|soat|agent|ft|imt|oas)-|gl(?:c|sa)_")
_PEM = re.compile(r"-----BEGIN ([A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?)-----.*?(?:-----END \1-----|\Z)", re.S)
_URL = re.compile(r"\b([A-Za-z][A-Za-z0-9+.-]{1,20}://)([^\s:/?#@\"'\\]{0,200}):([^\s/@\"'\\]{1,500}(?:@"
                  r"[^\s/@\"'\\]{1,200})*)@(?=[\w\[.-])")
_HEADER = re.compile(
    r"((?:proxy-)?authorization\\?[\"']?\s{0,4}[:=]\s{0,4}\\?[\"']?"
    r"(?:(?:bearer|basic|token|digest|negotiate|apikey|aws4-hmac-sha256)\s{1,4})?)"
    r"([^\s\"',;\\{}\[\]]{4,8192})", re.I)
_BEARER = re.compile(r"\b(bearer\s{1,4})(?=[^\s\"',;]*[0-9._-])([A-Za-z0-9._~+/=-]{12,8192})", re.I)
_COOKIE = re.compile(r"((?:set-)?cookie(?:\s{0,4}:\s{0,4}|\\?[\"']\s{0,4}:\s{0,4}\\?[\"']))"
                     r"([^\r\n\"'\\]{4,8192})", re.I)

_QUOTED = r"\"(?:[^\"\\]|\\.){0,4096}"
#: A string inside JSON that is itself a string of JSON.
_NESTED = r"\\\"(?:[^\"\\]|\\\\(?:\\[\"\\]|[^\\\"])|\\[^\"\\]){0,4096}"
_PAIR = re.compile(
    r"((?:pass(?:word|wd|phrase|code)|(?<=[_.\"'-])pass|\bpass(?==)|pwd|secret(?:[_.-]?(?:access[_.-]?)?key)?|token|credentials?"
    r"|(?:api|access|account|private|encryption|master|signing|shared)[_.-]?key)"
    r"\\?[\"']?\s{0,3}(=>|[=:]|%3D)\s{0,3})"
    rf"(\[(?:[^\[\]{{}}\"\\]|{_QUOTED}\"|{_NESTED}\\\"){{1,1000}}\]"
    r"|\$\{[^}\s]{0,200}\}|\$\([^)\s]{0,200}\)"
    rf"|{_NESTED}(?:\\\"|\Z)|{_QUOTED}(?:\"|\Z)|'(?:[^'\\]|\\.){{0,4096}}(?:'|\Z)"
    r"|[^\s,;&\"'<>(){}\[\]\\]{1,4096})", re.I)
_PROSE = frozenset(("", "null", "none", "nil", "true", "false", "yes", "no", "is", "was", "for", "from",
                    "must", "may", "not",
                    "the", "a", "an", "and", "or", "to", "of", "in", "required", "invalid", "incorrect",
                    "expired", "missing",
                    "wrong", "unset", "empty", "undefined", "unexpected", "changed", "failed", "rejected",
                    "accepted", "ok",
                    "error", "mismatch", "unknown", "user", "cannot", "authentication", "login", "rotated",
                    "default"))
#: Secrets on a command line, and in a sentence.
_OPTION = re.compile(
    r"(--(?:[a-z0-9]{1,20}-){0,4}(?:password|passwd|pass|passphrase|token|secret|(?:api|access|secret)-?key)"
    r"\s{1,4}[\"']?)(?!-)([^\s\"'\\]{1,4096})", re.I)
_SPOKEN = re.compile(r"(\b(?:pass(?:word|wd|phrase|code)|pwd)\s{1,3}(?:is|was|set to)\s{0,2}:?\s{1,3})"
                     r"([\"'`]?)([^\s\"'`\\]{3,4096})", re.I)
_CURL = re.compile(r"(\bcurl\b[^\n]{0,300}?\s(?:-u|-U|--user|--proxy-user)[\s=]{0,3}[\"']?"
                   r"[^\s:\"'\\]{1,100}:)([^\s\"'\\]{1,1000})")
_MYSQL = re.compile(r"(\b(?:mysql|mariadb)[a-z-]{0,20}\b[^\n]{0,300}?\s-p[\"']?"
                    r"|\bsshpass\s{1,3}-p\s{0,3}[\"']?)([^\s\"'\\]{1,1000})")
_CARD = re.compile(r"[2-6](?<![\w.+/:-][2-6])(?<![0-9] [2-6])[0-9]{3}([ -]?)(?:[0-9]{4}\1[0-9]{4}\1"
                   r"[0-9]{4}|[0-9]{6}\1[0-9]{5})(?![\w.-]?[0-9])")
#: Whatever is replaced, a card's number apart, contains one of these as written, or in small letters one of
#: ANY_CASE that goes on as its pattern says.
AS_WRITTEN = (
    "sra_", "_live_", "_test_", "whsec_", "npm_", "_v1_", "hf_", "shp", "_pat_", "xox", "xapp-", "sk-",
    "pypi-", "GOCSPX-", "AGE-SECRET", "eyJ", "AKIA", "ASIA", "AIza", "ya29.", "SG.", "sq0", ":AA", "hvs.",
    "hvb.", "dapi", "ATATT3", "hooks.slack", "/webhooks/", "sig=", "github_pat_", "glc_", "glsa_",
    *(f"gh{kind}_" for kind in "pousr"),
    *(f"gl{kind}-" for kind in ("pat", "ptt", "dt", "rt", "cbt", "soat", "agent", "ft", "imt", "oas")),
    "-----BEGIN", "://")
_SIGN = r"\\?[\"']?\s{0,3}(?:[=:]|%3d)"
_GIVEN = r"|--[a-z0-9-]{0,80}"
ANY_CASE: dict[str, Pattern[str]] = {word: re.compile(pattern) for word, pattern in (
    ("authorization", r"authorization\\?[\"']?\s{0,4}[:=]"), ("bearer", r"bearer\s"),
    ("cookie", r"cookie\\?[\"']?\s{0,4}:"), ("pass", "pass"), ("pwd", "pwd"), ("curl", "curl"),
    ("mysql", "mysql"), ("mariadb", "mariadb"),
    ("secret", r"secret(?:[_.-]?(?:access[_.-]?)?key)?" + _SIGN + _GIVEN + r"secret"),
    ("credential", "credentials?" + _SIGN),
    *((word, word + _SIGN + _GIVEN + word) for word in ("token", "key")))}
_CARD_FIRST = re.compile(r"4|5[1-5]|2(?:22[1-9]|2[3-9]|[3-6]|7[01]|720)|3[47]|6011|65|64[4-9]")


def redact(text: str) -> str:
    """Return the text with every secret of a known kind replaced by `[redacted:<kind>]`."""
    if ESCAPE in text:
        text = plain(text)
    if _tokened(text):
        for kind, pattern in _TOKENS:
            text = pattern.sub(f"[redacted:{kind}]", text)
    if "-----BEGIN" in text:
        text = _PEM.sub("[redacted:private-key]", text)
    if "@" in text and "://" in text:
        text = _URL.sub(_url, text)
    low = text.lower()
    if "authorization" in low or "bearer" in low or "cookie" in low:
        text = _HEADER.sub(_header, text)
        text = _BEARER.sub(r"\1[redacted:bearer]", text)
        text = _COOKIE.sub(r"\1[redacted:cookie]", text)
    if ("pass" in low or "secret" in low or "token" in low or "pwd" in low or "key" in low
            or "credential" in low):
        text = _PAIR.sub(_pair, text)
        if "--" in text:
            text = _OPTION.sub(_option, text)
        if "pass" in low or "pwd" in low:
            text = _SPOKEN.sub(_spoken, text)
    if "curl" in low:
        text = _CURL.sub(_option, text)
    if "mysql" in low or "mariadb" in low or "sshpass" in low:
        text = _MYSQL.sub(_option, text)
    return _CARD.sub(_card, text) if _CARD.search(text) is not None else text


def has_card(text: str) -> bool:
    """Return whether some line of the text may hold a payment card's number."""
    return _CARD.search(text) is not None


def _tokened(text: str) -> bool:
    """Say whether a token may be in the text. Written out, because each line pays for this."""
    return (
        ("_" in text and ("sra_" in text or "_live_" in text or "_test_" in text or "whsec_" in text
                          or "npm_" in text
                          or "_v1_" in text or "hf_" in text or "shp" in text or "_pat_" in text))
        or ("-" in text and ("xox" in text or "xapp-" in text or "sk-" in text or "pypi-" in text
                             or "GOCSPX-" in text or "AGE-SECRET" in text))
        or "eyJ" in text or "AKIA" in text or "ASIA" in text or "AIza" in text or "ya29." in text
        or "SG." in text
        or "sq0" in text or ":AA" in text or "hvs." in text or "hvb." in text or "dapi" in text
        or "ATATT3" in text
        or "hooks.slack" in text or "/webhooks/" in text or "sig=" in text
        or (("gh" in text or "gl" in text) and _GIT.search(text) is not None)
    )


def _url(found: Match[str]) -> str:
    if "[redacted:" in found[3]:
        return found[0]
    return f"{found[1]}{found[2]}:[redacted:url-password]@"


def _header(found: Match[str]) -> str:
    if found.string.startswith("[redacted:", found.end() + 1):
        return found[0]
    quote = _missing_quote(found[1])
    return f"{found[1]}{quote}[redacted:authorization]{quote}"


def _pair(found: Match[str]) -> str:
    before, sign, value = found.groups()
    quote, bare = "", value
    for mark in ('\\"', '"', "'"):
        if value.startswith(mark):
            quote, bare = mark, value[len(mark):]
            bare = bare[:-len(mark)] if bare.endswith(mark) else bare
            break
    if bare.startswith(("[redacted:", "***", "${", "$(")) or bare.lower().strip(".:!") in _PROSE:
        return found[0]
    name = before.lower()
    password = "pass" in name or "pwd" in name
    if name.startswith("pass") and not name[4:5].isalpha() and _weak(found, bare):
        return found[0]
    # Of the other names many mean no secret; one has some length and, in what may be prose, a digit.
    if not password and "secret" not in name and (
            len(bare) < 8 or (sign == ":" and not quote and not any(c.isdigit() for c in bare))):
        return found[0]
    quote = quote or _missing_quote(before)
    return f"{before}{quote}[redacted:{'password' if password else 'secret'}]{quote}"


def _weak(found: Match[str], bare: str) -> bool:
    """Say whether `pass` may mean that a test passed, and its value how many did."""
    if found.string[found.start() - 1:found.start()] in ("_", ".", "-", '"', "'"):
        return len(bare) < 4 or (len(bare) < 6 and bare.replace(".", "").isdigit())
    return len(bare) < 6 or bare.isalpha() or not any(c.isalpha() for c in bare)


def _option(found: Match[str]) -> str:
    before, value = found.groups()
    if value.startswith(("[redacted:", "***", "${", "$(")) or value.lower().strip(".:!,") in _PROSE:
        return found[0]
    return f"{before}[redacted:password]"


def _spoken(found: Match[str]) -> str:
    before, quote, value = found.groups()
    # of what a sentence says of a password, most is no password: it has a digit or sign, or stands in quotes
    inner = value.rstrip(".,;:!?)")
    if value.startswith("[redacted:") or inner.lower() in _PROSE or (not quote and (
            inner.isalpha() or inner.replace("-", "").isalpha() or inner.replace("'", "").isalpha())):
        return found[0]
    return f"{before}{quote}[redacted:password]{value[len(inner):]}"


def _card(found: Match[str]) -> str:
    digits = [int(c) for c in found[0] if c.isdigit()]
    first = "".join(map(str, digits[:4]))
    if _CARD_FIRST.match(first) is None or (len(digits) == 15) != (first[0] == "3"):
        return found[0]
    total = sum(digits[-1::-2]) + sum(sum(divmod(d * 2, 10)) for d in digits[-2::-2])
    if total % 10:
        return found[0]
    text, start, end = found.string, found.start(), found.end()
    quote = _missing_quote(text[max(0, start - 8):start])
    if text[max(0, start - 8):start].rstrip()[-1:] in ("[", ",") and text[end:end + 1] in ("]", ","):
        # within a string of JSON the quotes that part its own strings have an odd number of signs before them
        behind = text[:max(0, text.rfind('"', 0, start))]
        quote = '\\"' if (len(behind) - len(behind.rstrip("\\"))) % 2 else '"'
    return f"{quote}[redacted:card]{quote}"


def _missing_quote(before: str) -> str:
    """Return the quote that a bare number after a quoted key needs once it is text: JSON must stay JSON."""
    key = before.rstrip()
    if not key.endswith(":"):
        return ""
    key = key[:-1].rstrip()
    return '\\"' if key.endswith('\\"') else '"' if key.endswith('"') else ""
