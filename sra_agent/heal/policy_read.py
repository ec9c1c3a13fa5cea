"""Turn the TOML document into a Policy, or into findings that say what to change. From policy_file; pure.

Unknown keys are errors: a misspelt limit must not silently be no limit. One error refuses the file.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlsplit

from .policy import ACTIONS, PLATFORMS, SUPPORTED, Check, Limits, Mode, Policy, Rule, Verification

_SERVICE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:@\-]{0,199}")
UNIT = re.compile(
    r"[A-Za-z0-9:_.@][A-Za-z0-9:_.@\-]{0,200}\."
    r"(?:service|socket|timer|path|target|mount|automount|slice|scope|swap)"
)
_CONTAINER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.\-]{0,127}")
_DURATION = re.compile(r"([0-9]{1,6})(ms|s|m|h)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_SHELLS = frozenset({"sh", "bash", "dash", "zsh", "ksh", "ash", "busybox"})
_MAX_RULES = 1000
_KEYS = {
    "systemd": {"unit"},
    "docker": {"container", "socket"},
    "command": {"argv", "pidfile"},
}
_SHARED = {"action", "service", "platform", "timeout", "check"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing to know about a policy file: where, what, and what to write instead."""

    where: str
    message: str
    severity: Literal["error", "warning"] = "error"

    def __str__(self) -> str:
        return f"{self.where}: {self.message}"


class _Reader:
    """Collects findings while values are taken out of one table."""

    def __init__(self, findings: list[Finding], where: str, table: Mapping[str, Any]) -> None:
        self.findings, self.where, self.table = findings, where, table

    def error(self, message: str) -> None:
        self.findings.append(Finding(where=self.where, message=message))

    def warn(self, message: str) -> None:
        self.findings.append(Finding(where=self.where, message=message, severity="warning"))

    def only(self, allowed: set[str]) -> None:
        for key in sorted(set(self.table) - allowed):
            self.error(f"{_shown(key)} is not a key of this table; it may have {', '.join(sorted(allowed))}")

    def text(self, key: str, fits: Callable[[str], bool], what: str, default: str | None = None) -> str:
        value = self.table.get(key, default)
        if isinstance(value, str) and (value == default or fits(value)):
            return value
        self.error(f"{key} must be {what}" + ("" if value is None else f"; it is {_shown(value)}"))
        return ""

    def duration(self, key: str, default: float, low: float, high: float) -> float:
        if key not in self.table:
            return default
        value = self.table[key]
        match = _DURATION.fullmatch(value) if isinstance(value, str) else None
        seconds = int(match[1]) * _SECONDS[match[2]] if match else -1.0
        if not low <= seconds <= high:
            self.error(
                f'{key} must be a time from {low:g}s to {high:g}s, like "90s" or "10m"; it is {_shown(value)}'
            )
        return seconds

    def number(self, key: str, default: int, low: int, high: int) -> int:
        value = self.table.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            self.error(f"{key} must be a whole number from {low} to {high}; it is {_shown(value)}")
            return default
        return value

    def argv(self, key: str) -> tuple[str, ...]:
        value = self.table.get(key)
        if (
            not isinstance(value, list)
            or not 1 <= len(value) <= 64
            or not all(isinstance(part, str) and _printable(part) for part in value)
        ):
            self.error(
                f"{key} must be a list of 1 to 64 strings without control characters, like "
                f'["/usr/local/bin/restart-it"]; it is {_shown(value)}'
            )
            return ()
        if not _absolute(value[0]):
            self.error(
                f"{key}[0] must be the absolute path of a program without '..'; it is {_shown(value[0])}"
            )
        return tuple(value)


def read_policy(document: Mapping[str, Any]) -> tuple[Policy | None, tuple[Finding, ...]]:
    """Return the policy and warnings, or None and at least one error."""
    findings: list[Finding] = []
    top = _Reader(findings, "top of the file", document)
    top.only({"mode", "limits", "verify", "allow"})
    mode: Mode = "live" if document.get("mode") == "live" else "dry-run"
    if document.get("mode", "dry-run") not in ("dry-run", "live"):
        top.error(f'mode must be "dry-run" or "live"; it is {_shown(document["mode"])}')
    limits = _limits(_Reader(findings, "[limits]", _table(top, document, "limits")))
    verify = _verify(_Reader(findings, "[verify]", _table(top, document, "verify")))
    rules: list[Rule] = []
    listed = document.get("allow", [])
    if not isinstance(listed, list) or len(listed) > _MAX_RULES:
        top.error(f"allow must be at most {_MAX_RULES} tables, each begun by [[allow]]")
        listed = []
    for number, table in enumerate(listed, 1):
        if not isinstance(table, dict):
            top.error(f"allow number {number} must be a table begun by [[allow]]")
            continue
        reader = _Reader(findings, f"[[allow]] number {number}", table)
        rule = _rule(reader)
        if any((rule.action, rule.service) == (other.action, other.service) for other in rules):
            reader.error(f"{rule.action} on {_shown(rule.service)} is allowed twice; name one target")
        rules.append(rule)
    if any(finding.severity == "error" for finding in findings):
        return None, tuple(findings)
    return Policy(mode=mode, limits=limits, verify=verify, rules=tuple(rules)), tuple(findings)


def _table(top: _Reader, document: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = document.get(key, {})
    if isinstance(value, dict):
        return value
    top.error(f"{key} must be a table, begun by [{key}]")
    return {}


def _limits(reader: _Reader) -> Limits:
    reader.only({"cooldown", "per_hour", "failures", "circuit"})
    return Limits(
        cooldown=reader.duration("cooldown", 600.0, 0.0, 86_400.0),
        per_hour=reader.number("per_hour", 6, 0, 1000),
        failures=reader.number("failures", 2, 1, 100),
        circuit=reader.duration("circuit", 3600.0, 1.0, 604_800.0),
    )


def _verify(reader: _Reader) -> Verification:
    reader.only({"window", "settle"})
    window = reader.duration("window", 30.0, 0.1, 3600.0)
    return Verification(window=window, settle=reader.duration("settle", max(window, 0.1), 0.1, 3600.0))


def _rule(reader: _Reader) -> Rule:
    action = reader.text("action", ACTIONS.__contains__, "one of " + ", ".join(ACTIONS))
    service = reader.text(
        "service",
        lambda value: bool(_SERVICE.fullmatch(value)),
        "an exact name of letters, digits and _ . : @ - (no patterns)",
    )
    if action and action not in SUPPORTED:
        reader.warn(f"{action} is unsupported in this version; the table is kept and allows nothing")
        platform = reader.table.get("platform")
        return Rule(action=action, service=service, platform=platform if isinstance(platform, str) else "")
    platform = reader.text("platform", PLATFORMS.__contains__, "one of " + ", ".join(PLATFORMS))
    if not platform:
        return Rule(action=action, service=service, platform="")
    reader.only(_SHARED | _KEYS[platform])
    unit = container = pidfile = ""
    socket = "/var/run/docker.sock"
    argv: tuple[str, ...] = ()
    if platform == "systemd":
        unit = reader.text(
            "unit",
            lambda value: bool(UNIT.fullmatch(value)),
            'an exact unit name, like "nginx.service" (no patterns, no leading -)',
        )
    elif platform == "docker":
        container = reader.text(
            "container",
            lambda value: bool(_CONTAINER.fullmatch(value)),
            "an exact container name of letters, digits and _ . -",
        )
        socket = reader.text("socket", _absolute, "an absolute path", socket)
    else:
        argv = reader.argv("argv")
        pidfile = reader.text("pidfile", _absolute, "an absolute path", "")
        if argv and argv[0].rsplit("/", 1)[-1] in _SHELLS and "-c" in argv:
            reader.warn("argv runs a shell; a program of its own would be safer to reason about")
    check = _check(reader)
    if check is None and platform == "command":
        reader.warn(
            "has no check, so no repair can be verified and every outcome will be unknown; add "
            'check = { http = "http://127.0.0.1:8081/health" }'
        )
    return Rule(
        action=action,
        service=service,
        platform=platform,
        unit=unit,
        container=container,
        socket=socket,
        argv=argv,
        timeout=reader.duration("timeout", 60.0, 0.1, 3600.0),
        check=check,
        pidfile=pidfile,
    )


def _check(outer: _Reader) -> Check | None:
    if "check" not in outer.table:
        return None
    value = outer.table["check"]
    if not isinstance(value, dict) or len(value) != 1 or not set(value) <= {"http", "tcp", "argv"}:
        outer.error('check must name one of http, tcp and argv, like { tcp = "127.0.0.1:5432" }')
        return None
    reader = _Reader(outer.findings, outer.where + ", check", value)
    if "argv" in value:
        return Check(kind="argv", argv=reader.argv("argv"))
    if "http" in value:
        return Check(
            kind="http", url=reader.text("http", _is_url, 'a URL, like "http://127.0.0.1:8081/health"')
        )
    host, port = _address(
        reader.text("tcp", lambda text: bool(_address(text)[1]), 'a host and a port, like "127.0.0.1:5432"')
    )
    return Check(kind="tcp", host=host, port=port)


def _is_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return False
    return (
        parts.scheme in ("http", "https")
        and bool(parts.hostname)
        and port != 0
        and "@" not in parts.netloc
        and text.isascii()
        and _printable(text)
        and " " not in text
        and len(text) <= 2000
    )


def _address(text: str) -> tuple[str, int]:
    """Split host:port or [v6]:port; port 0 says that it is neither."""
    match = re.fullmatch(r"(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9_.\-]+)):([0-9]{1,5})", text)
    if not match or not 1 <= int(match[3]) <= 65_535:
        return "", 0
    return match[1] or match[2], int(match[3])


def _absolute(text: str) -> bool:
    return (
        text.startswith("/")
        and not text.endswith("/")
        and ".." not in text.split("/")
        and _printable(text)
        and len(text) <= 4000
    )


def _printable(text: str) -> bool:
    return (
        not any(ord(c) < 32 or ord(c) == 127 or 0xD800 <= ord(c) <= 0xDFFF for c in text)
        and len(text) <= 4000
    )


def _shown(value: object) -> str:
    """Return a value as it may safely be shown: escaped and short."""
    text = ascii(value)
    return text if len(text) <= 80 else text[:77] + "..."
