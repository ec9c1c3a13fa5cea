"""A task of the server as a fact, and what is refused. From serve; to decide, plan and conduct."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sra_sdk.errors import BadInput, OutOfPolicy

_LIMITS = {"id": 64, "token": 128, "remedy_id": 64, "account_id": 64, "action": 64, "service": 200}


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What the server asks. Nothing of it ever becomes part of a command: it only chooses a rule."""

    id: str
    token: str
    remedy_id: str
    account_id: str
    action: str
    service: str
    digest: str | None = None
    dry_run: bool = True
    parameters: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Denied:
    """Why not: a stable code, the reason for people, and what to do about it."""

    code: str
    reason: str
    hint: str = ""

    def error(self) -> OutOfPolicy:
        """Return it as an exception."""
        return OutOfPolicy(self.reason, code=self.code, hint=self.hint or None)

    def body(self) -> dict[str, str]:
        """Return the body of the answer `refused`."""
        return {"code": self.code, "reason": self.reason, "hint": self.hint}


def read_task(value: Any) -> Task:
    """Validate what came over the socket; raise BadInput naming the field."""
    if not isinstance(value, Mapping):
        raise BadInput("task must be an object", code="bad_request")
    texts = {name: _text(value, name, most) for name, most in _LIMITS.items()}
    given = value.get("digest")
    if given is not None and not (isinstance(given, str) and len(given) <= 128):
        raise BadInput("task.digest must be a string of at most 128 characters or null", code="bad_request")
    parameters = value.get("parameters") or {}
    if not isinstance(parameters, Mapping):
        raise BadInput("task.parameters must be an object", code="bad_request")
    # anything but a plain false keeps the act a simulation
    return Task(
        **texts,
        digest=given,
        dry_run=value.get("dry_run") is not False,
        parameters=tuple(sorted(str(name)[:100] for name in parameters))[:20],
    )


def _text(value: Mapping[str, Any], name: str, most: int) -> str:
    text = value.get(name)
    if not isinstance(text, str) or not 1 <= len(text) <= most:
        raise BadInput(f"task.{name} must be a string of 1 to {most} characters", code="bad_request")
    return text
