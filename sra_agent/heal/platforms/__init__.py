"""How each platform is looked at and acted upon; a platform is one file here and one line below.

From plan and verify; to systemd, docker or the host's own commands.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

from ..policy import Rule
from ..run import Runner, Step


@dataclass(frozen=True, slots=True, kw_only=True)
class Predicate:
    """Something that must hold before the act; the text is part of what is approved."""

    text: str
    holds: bool
    otherwise: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What a look at a target showed.

    `facts` are what it resolved to, and part of what is approved; `estimates` only inform.
    `identity` is what must not change while a repair is verified; None where it cannot be known.
    `alive` is the platform's own word on the target, `alive_text` what it means.
    """

    facts: dict[str, Any] = field(default_factory=dict)
    preconditions: tuple[Predicate, ...] = ()
    estimates: dict[str, Any] = field(default_factory=dict)
    identity: dict[str, Any] | None = None
    alive: bool | None = None
    alive_text: str = ""
    warnings: tuple[str, ...] = ()


class Platform(Protocol):
    """Two questions; only the answer to the second is ever run by conduct."""

    async def look(self, rule: Rule, runner: Runner) -> Seen:
        """Look at the rule's target without changing anything."""

    def restart(self, rule: Rule, seen: Seen) -> tuple[Step, ...]:
        """Return the exact steps that restart it."""


def platform(name: str) -> Platform:
    """Return the platform of a rule."""
    from .command import Command
    from .docker import Docker
    from .systemd import Systemd

    found: dict[str, Platform] = {"systemd": Systemd(), "docker": Docker(), "command": Command()}
    return found[name]
