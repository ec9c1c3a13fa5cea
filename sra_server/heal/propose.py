"""Make remedies: from an analysis's offered recommendations or a person's wish. Pure. To store.remedies."""
from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from typing import Any

from ..domain.incident import Change
from ..domain.remedy import FINAL, Remedy

#: An analysis that recommends more than this does not know what it wants.
AT_ONCE = 5


def token() -> str:
    """Return a single-use task token."""
    return secrets.token_urlsafe(24)


def remedy_id() -> str:
    """Return a new remedy's id."""
    return f"rem_{secrets.token_hex(6)}"


def remedy(*, action: str, service: str, host: str, at: int, dry_run: bool, reason: str | None,
           incident_id: str | None = None, parameters: dict[str, Any] | None = None,
           preapproved_by: str | None = None) -> Remedy:
    """Return a proposed remedy whose host is to be asked for its plan."""
    return Remedy(id=remedy_id(), action=action, service=service, host=host, status="proposed",
                  created_at=at, updated_at=at, incident_id=incident_id, parameters=parameters or {},
                  dry_run=dry_run, reason=reason, preapproved_by=preapproved_by, task_token=token())


def of_change(change: Change, present: Sequence[Remedy], *, dry_run: bool,
              make: Callable[..., Remedy] = remedy) -> list[Remedy]:
    """Return the remedies that a change's analysis asks for and that are not there yet.

    A new or returned trouble is offered anew what has ended; a trouble that goes on is not, for
    somebody or something has already answered.
    """
    if change.analysis is None or change.kind == "resolved":
        return []
    anew = change.kind in ("opened", "reopened", "unsilenced")
    taken = {(r.action, r.service, r.host) for r in present if not (anew and r.status in FINAL)}
    found: list[Remedy] = []
    for wish in change.analysis.recommendations:
        key = (wish.action, wish.service, wish.host)
        if not wish.offered or key in taken or len(found) >= AT_ONCE:
            continue
        taken.add(key)
        found.append(make(action=wish.action, service=wish.service, host=wish.host, at=change.at,
                          dry_run=dry_run, reason=wish.reason, incident_id=change.incident.id))
    return found
