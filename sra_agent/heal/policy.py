"""The host's own rules as frozen facts, and their canonical hash. From policy_read; to decide and plan."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Mode = Literal["dry-run", "live"]

#: The catalogue. This version can do the first; the others are answered honestly.
ACTIONS: tuple[str, ...] = (
    "restart_service",
    "scale_replicas",
    "flush_cache",
    "clear_queue",
    "reroute_traffic",
    "rollback_deployment",
    "clear_disk",
)
SUPPORTED: frozenset[str] = frozenset({"restart_service"})
PLATFORMS: tuple[str, ...] = ("systemd", "docker", "command")


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """What shows from outside that a service works: an HTTP GET, a TCP connect, a program."""

    kind: Literal["http", "tcp", "argv"]
    url: str = ""
    host: str = ""
    port: int = 0
    argv: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """Return the words in which people read this check."""
        if self.kind == "http":
            return f"GET {self.url} answers"
        if self.kind == "tcp":
            return f"{self.host}:{self.port} accepts a connection"
        return f"{' '.join(self.argv)} ends with 0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One [[allow]] table: this action, on this service, is this exact target and nothing else."""

    action: str
    service: str
    platform: str
    unit: str = ""
    container: str = ""
    socket: str = "/var/run/docker.sock"
    argv: tuple[str, ...] = ()
    timeout: float = 60.0
    check: Check | None = None
    pidfile: str = ""

    @property
    def target(self) -> str:
        """Return the target in words; it also names what cooldown and circuit are counted for."""
        if self.platform == "systemd":
            return self.unit
        if self.platform == "docker":
            return f"container {self.container}"
        return " ".join(self.argv)

    @property
    def key(self) -> str:
        """Return what tells this target from all others of the host, whatever the service is called."""
        return canonical([self.platform, self.unit, self.container, list(self.argv)])


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How often: one action at a time always; the rest as the file says. Seconds."""

    cooldown: float = 600.0
    per_hour: int = 6
    failures: int = 2
    #: how long after its last failure a target stays closed to further attempts
    circuit: float = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """`settle`: how long a service may take to come up; `window`: how long it must then hold. Seconds."""

    window: float = 30.0
    settle: float = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What may be done on this host. The empty policy allows nothing."""

    mode: Mode = "dry-run"
    limits: Limits = field(default_factory=Limits)
    verify: Verification = field(default_factory=Verification)
    rules: tuple[Rule, ...] = ()

    def rule(self, action: str, service: str) -> Rule | None:
        """Return the rule for exactly this action on exactly this service."""
        for rule in self.rules:
            if rule.action == action and rule.service == service:
                return rule
        return None

    @property
    def hash(self) -> str:
        """Return SHA-256 over what the rules mean, so that comments and order of keys do not matter."""
        return digest(asdict(self))


EMPTY = Policy()


def canonical(value: Any) -> str:
    """Return the one JSON text of a value: sorted keys, no spaces, ASCII."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def digest(value: Any) -> str:
    """Return the SHA-256 of a value's canonical JSON, in hex."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()
