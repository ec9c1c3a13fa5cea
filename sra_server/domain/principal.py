"""Principal: on whose behalf a request is made, and what it may do. From api.middleware; to handlers."""
from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sra_sdk.errors import Refused

SCOPES = ("ingest", "read", "operate", "admin")


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """An account, and the user or key that speaks for it. Every query is bound to `account_id`."""

    account_id: str
    kind: Literal["user", "key", "admin_key"]
    name: str
    scopes: frozenset[str]
    user_id: str | None = None
    key_id: str | None = None

    def require(self, scope: str) -> None:
        """Raise Refused unless this principal holds the scope (admin holds all)."""
        if scope not in self.scopes and "admin" not in self.scopes:
            held = ", ".join(sorted(self.scopes))
            raise Refused(f"this needs the scope '{scope}', and {self.name} has {held}",
                          code="scope_missing", hint="use a key or a member that has the scope")
