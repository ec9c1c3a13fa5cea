"""The errors of SRA, one tree.

    SraError
    ├── BadInput            what the caller gave cannot be used; says which field and what to do
    │   └── NotFound        nothing of that name belongs to the caller
    ├── Refused             understood, and not allowed
    │   ├── NotSignedIn     no valid key or token
    │   ├── IllegalMove     not a legal step from the present state
    │   └── OutOfPolicy     the host's own policy does not allow it
    ├── Unavailable         try again later; `retry_after` seconds where known
    └── ServerAnswered      an HTTP answer that is an error, with its problem document

Each carries a stable `code` for programs and a message for people.
"""
from __future__ import annotations

from typing import Any, Optional


class SraError(Exception):
    """Something went wrong that SRA can explain."""

    code = "error"
    http_status = 500

    def __init__(self, message: str, *, code: Optional[str] = None, hint: Optional[str] = None,
                 errors: Optional[list[dict[str, str]]] = None, http_status: Optional[int] = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.errors = errors or []
        if code is not None:
            self.code = code
        if http_status is not None:
            self.http_status = http_status


class BadInput(SraError):
    """What the caller gave cannot be used as it is."""

    code = "bad_input"
    http_status = 422


class NotFound(BadInput):
    """Nothing of that name belongs to the caller."""

    code = "not_found"
    http_status = 404


class Refused(SraError):
    """Understood, and not allowed."""

    code = "refused"
    http_status = 403


class NotSignedIn(Refused):
    """No valid key or token came with the request."""

    code = "not_signed_in"
    http_status = 401


class IllegalMove(Refused):
    """It cannot take that step from its present state."""

    code = "illegal_move"
    http_status = 409


class OutOfPolicy(Refused):
    """The host's own policy does not allow it."""

    code = "out_of_policy"


class Unavailable(SraError):
    """Cannot be done now; trying again later may work."""

    code = "unavailable"
    http_status = 503

    def __init__(self, message: str, *, retry_after: Optional[float] = None, **more: Any) -> None:
        super().__init__(message, **more)
        self.retry_after = retry_after


class ServerAnswered(SraError):
    """The server answered with an error; `problem` is its document."""

    code = "server_answered"

    def __init__(self, message: str, *, status: int, problem: dict[str, Any],
                 retry_after: Optional[float] = None) -> None:
        super().__init__(message, code=str(problem.get("code", "server_answered")), hint=problem.get("hint"),
                         errors=problem.get("errors"), http_status=status)
        self.status = status
        self.problem = problem
        self.retry_after = retry_after
