"""Tell a host's owner about the policy: a first file, what is wrong with one, what it would allow.

From `sra agent policy init|check|explain`; to people. Reads the same file by the same rules as the executor.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
from collections.abc import Iterable
from dataclasses import dataclass, replace

from sra_sdk.errors import BadInput, Refused

from .decide import Allowed, permitted
from .policy import ACTIONS, SUPPORTED, Policy
from .policy_file import Loaded, load_policy, stop_path, stopped
from .policy_read import UNIT, Finding
from .trust import resolve

_TEMPLATE = """\
# What SRA may do on this host. Only this file decides: a server can propose, never widen.
# Owner: root or the user of the executor; writable by nobody else, nor the folders above it.
# Check it with `sra agent policy check`, read it back with `sra agent policy explain`.
# To stop everything at once: touch {stop}

# "dry-run" plans and shows what would be done; "live" also does what was approved.
mode = "dry-run"

[limits]                # always one action at a time
cooldown = "10m"        # between two actions on the same target
per_hour = 6            # on the whole host
failures = 2            # after so many without success a target is closed ...
circuit = "1h"          # ... for this long

[verify]
settle = "30s"          # how long a service may take to come up
window = "30s"          # how long it must then hold, looked at three times

# Nothing is allowed until an [[allow]] table is uncommented. Names are exact; there are no patterns.
# A check tells whether a repair worked; with none, an outcome can only be "unknown".
"""
_UNIT_TABLE = """
# [[allow]]
# action = "restart_service"
# service = "{service}"            # the name that records and incidents carry
# platform = "systemd"
# unit = "{unit}"
# timeout = "60s"
# check = {{ tcp = "127.0.0.1:{port}" }}
"""
_OTHER_TABLES = """
# [[allow]]
# action = "restart_service"
# service = "web"
# platform = "docker"               # whoever may use docker's socket is root: say it to yourself once
# container = "web"
# check = { http = "http://127.0.0.1:8080/health" }

# [[allow]]
# action = "restart_service"
# service = "inventory"
# platform = "command"              # anything else: a program of yours, with fixed arguments, never a shell
# argv = ["/usr/local/bin/restart-inventory"]
# timeout = "60s"
# pidfile = "/run/inventory.pid"    # optional: this process must not change while a repair is verified
# check = { http = "http://127.0.0.1:8081/health" }
"""
#: ports that units of these names usually listen on, to make the example a likely one
_PORTS = {
    "postgresql": 5432,
    "mysql": 3306,
    "mariadb": 3306,
    "redis-server": 6379,
    "redis": 6379,
    "nginx": 80,
    "apache2": 80,
    "httpd": 80,
    "haproxy": 80,
    "rabbitmq-server": 5672,
    "memcached": 11211,
    "ssh": 22,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One action on one service: what the policy says to it. `code` is None where it is allowed."""

    action: str
    service: str | None
    allowed: bool
    mode: str | None = None
    platform: str | None = None
    target: str | None = None
    code: str | None = None
    reason: str | None = None

    @property
    def text(self) -> str:
        """Return the line for people."""
        on = f" on {self.service}" if self.service else ""
        if self.allowed:
            does = (
                "would be done after approval"
                if self.mode == "live"
                else "would be simulated (mode is dry-run)"
            )
            return f"{self.action}{on}: {self.platform}, {self.target}: {does}"
        return f"{self.action}{on}: not allowed: {self.reason}"


def policy_template(units: Iterable[str] = (), path: str = "/etc/sra/policy.toml") -> str:
    """Return a first policy: dry-run, everything commented out, one table for each systemd unit given."""
    text = _TEMPLATE.format(stop=stop_path(path))
    for unit in sorted({name if "." in name else name + ".service" for name in units})[:50]:
        if UNIT.fullmatch(unit):
            service = unit.rsplit(".", 1)[0].partition("@")[0]
            text += _UNIT_TABLE.format(service=service, unit=unit, port=_PORTS.get(service, 8080))
    return text + _OTHER_TABLES


def write_policy(path: str, text: str, *, force: bool = False) -> None:
    """Write a first policy, mode 0644, owned by the caller; an existing file only with `force`."""
    path = os.path.abspath(path)
    folder = os.path.dirname(path)
    made = f"{path}.new-{os.getpid()}"
    try:
        before = os.umask(0o022)  # a folder that its group may write would make the policy unusable
        try:
            with contextlib.suppress(FileExistsError):
                os.makedirs(folder)
        finally:
            os.umask(before)
        descriptor = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
                os.fchmod(file.fileno(), 0o644)
                os.fsync(file.fileno())
            if force:
                os.replace(made, path)
            else:
                os.link(made, path)
        finally:
            if os.path.lexists(made):
                os.unlink(made)
    except FileExistsError:
        raise Refused(
            f"{path} exists and is kept",
            code="policy_exists",
            http_status=409,
            hint="edit it, or replace it with --force",
        ) from None
    except OSError as problem:
        raise BadInput(
            f"{path} cannot be written: {problem.strerror}",
            code="policy_unwritable",
            hint="run as root, or name another file with --policy",
        ) from None


def check_policy(path: str) -> list[Finding]:
    """Return everything worth knowing about a policy file; errors first, empty when all is well."""
    loaded = load_policy(path)
    if loaded.code is not None and loaded.code != "policy_invalid":
        return [Finding(where=loaded.path, message=f"{loaded.code}: {loaded.message}")]
    found = list(loaded.findings) + _about_host(loaded)
    return sorted(found, key=lambda finding: finding.severity)


def _about_host(loaded: Loaded) -> list[Finding]:
    """Compare the rules with this host."""
    found = []
    if loaded.code is None and not loaded.policy.rules:
        found.append(_warning(loaded.path, "no [[allow]] table: no action is allowed"))
    if stopped(loaded.path):
        found.append(_warning(stop_path(loaded.path), "the kill switch is on: every action is refused"))
    for number, rule in enumerate(loaded.policy.rules, 1):
        where = f"[[allow]] number {number}"
        if rule.platform == "systemd" and shutil.which("systemctl") is None:
            found.append(_warning(where, "this host has no systemctl"))
        if rule.platform == "docker" and not _is_socket(rule.socket):
            found.append(
                _warning(where, f"{rule.socket} is no socket: dockerd does not run here, or elsewhere")
            )
        for program in filter(None, (rule.argv[:1], rule.check.argv[:1] if rule.check else ())):
            found += _program(where, program[0])
    return found


def _program(where: str, path: str) -> list[Finding]:
    try:
        real, problem = resolve(path)
    except OSError as error:
        return [_warning(where, f"{path}: {error.strerror}")]
    if not os.access(real, os.X_OK):
        return [_warning(where, f"{path} may not be executed; chmod +x {path}")]
    if problem is None:
        return []
    message = f"what would run could be changed by others: {problem}"
    return [_warning(where, message) if problem.by_group else Finding(where=where, message=message)]


def explain_policy(path: str, services: Iterable[str] = ()) -> list[Line]:
    """Return, for each action and each service known here, what would be allowed and why not."""
    loaded = load_policy(path)
    known = sorted({rule.service for rule in loaded.policy.rules} | set(services))
    lines = []
    for action in ACTIONS:
        for service in known if known and action in SUPPORTED else [None]:
            lines.append(_line(loaded, action, service))
    return lines


def _line(loaded: Loaded, action: str, service: str | None) -> Line:
    policy: Policy = loaded.policy
    verdict = permitted(policy, loaded.problem, action, service or "")
    if isinstance(verdict, Allowed):
        allowed = Line(
            action=action,
            service=service,
            allowed=True,
            mode=policy.mode,
            platform=verdict.rule.platform,
            target=verdict.rule.target,
        )
        if stopped(loaded.path):
            return replace(allowed, allowed=False, code="stopped", reason=f"{stop_path(loaded.path)} exists")
        return allowed
    reason = verdict.reason
    if service is None and verdict.code == "out_of_policy":
        reason = "this host's policy allows it on no service"
    return Line(action=action, service=service, allowed=False, code=verdict.code, reason=reason)


def _warning(where: str, message: str) -> Finding:
    return Finding(where=where, message=message, severity="warning")


def _is_socket(path: str) -> bool:
    try:
        return stat.S_ISSOCK(os.stat(path).st_mode)
    except OSError:
        return False
