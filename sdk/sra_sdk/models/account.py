"""Bodies of /auth and /api-keys: people, their sessions and the keys of their programs."""
from __future__ import annotations

import re
from typing import Annotated, Literal, Optional

from pydantic import AfterValidator, Field

from .base import Incoming, Outgoing, Timestamp, storable

Scope = Literal["ingest", "read", "operate", "admin"]

_EMAIL = re.compile(r"[^@\s\x00-\x1f]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,250}[A-Za-z0-9])?")


#: What hides or turns around text when it is shown: control characters and marks of direction.
_HIDDEN = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def _shown(value: str) -> str:
    if _HIDDEN.search(storable(value)) is not None:
        raise ValueError("must not contain control characters or marks of direction")
    return value


def _email(value: str) -> str:
    value = _shown(value.strip())
    if not _EMAIL.fullmatch(value) or ".." in value:
        raise ValueError("must be an e-mail address, like you@example.com")
    return value.lower()


class Registration(Incoming):
    """POST /auth/register."""

    email: Annotated[str, AfterValidator(_email)]
    password: str = Field(min_length=8, max_length=1024)
    name: Optional[Annotated[str, AfterValidator(_shown)]] = Field(default=None, max_length=200)


class Login(Incoming):
    """POST /auth/login. No rule but a bound: what is wrong is told apart by nobody outside."""

    email: str = Field(max_length=320)
    password: str = Field(max_length=1024)


class UserOut(Outgoing):
    """A person, as the owner sees it."""

    id: str
    email: str
    name: Optional[str] = None
    account_id: str
    scopes: list[Scope]
    created_at: Timestamp
    is_active: bool = True


class TokenOut(Outgoing):
    """A session: send `Authorization: Bearer <access_token>`."""

    access_token: str
    token_type: Literal["bearer"] = "bearer"  # noqa: S105 - the name of a scheme, not a secret
    expires_at: Timestamp
    user: UserOut


class KeyRequest(Incoming):
    """POST /api-keys."""

    name: Annotated[str, AfterValidator(_shown)] = Field(min_length=1, max_length=200)
    scopes: Optional[list[Scope]] = Field(default=None, min_length=1)


class KeyOut(Outgoing):
    """A key without its secret; `prefix` names it in DELETE /api-keys/{prefix}."""

    key: str = Field(description="The shown beginning of the key, followed by dots.")
    prefix: str
    name: str
    scopes: list[Scope]
    created_at: Timestamp
    last_used: Optional[Timestamp] = None
    is_active: bool


class KeyCreated(Outgoing):
    """The only answer that ever holds the whole key."""

    key: str
    prefix: str
    name: str
    scopes: list[Scope]
    created_at: Timestamp
    is_active: bool = True


class KeyChanged(Outgoing):
    """DELETE /api-keys/{prefix} (revoked) and /api-keys/{prefix}/delete (deleted)."""

    status: Literal["revoked", "deleted"]
    name: str
    prefix: str
