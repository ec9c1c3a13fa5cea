"""What every wire body shares: strictness, times in UTC, and the problem document.

From the HTTP border; to all other modules of this package.
"""
from __future__ import annotations

from datetime import datetime, timezone
from typing import Annotated, Any, Optional

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

#: Times outside this span are mistakes (a unit mixed up), and no database of ours stores them.
EARLIEST = datetime(1980, 1, 1, tzinfo=timezone.utc)
LATEST = datetime(2200, 1, 1, tzinfo=timezone.utc)


def _in_utc(value: datetime) -> datetime:
    """Read a naive time as UTC (as sra-sdk 0.1.1 sends it) and refuse what cannot be meant."""
    aware = value.replace(tzinfo=timezone.utc) if value.tzinfo is None else value.astimezone(timezone.utc)
    if not EARLIEST <= aware <= LATEST:
        raise ValueError("timestamp must lie between 1980 and 2200")
    return aware


#: An instant; serialised as RFC 3339 in UTC.
Timestamp = Annotated[datetime, AfterValidator(_in_utc)]


class Incoming(BaseModel):
    """A request body. Unknown fields are ignored, so that old and new clients can talk."""

    model_config = ConfigDict(extra="ignore", str_strip_whitespace=False)


class Outgoing(BaseModel):
    """A response body. A client ignores fields that it does not know."""

    model_config = ConfigDict(extra="ignore", populate_by_name=True)


class FieldProblem(Outgoing):
    """One thing wrong with one field of a request."""

    field: str
    message: str


class Problem(Outgoing):
    """An error over HTTP (RFC 9457, `application/problem+json`).

    `code` is stable and meant for programs; `detail` says what was wrong, `hint` what to do.
    """

    type: str = "about:blank"
    title: str
    status: int
    code: str
    detail: str
    hint: Optional[str] = None
    errors: list[FieldProblem] = Field(default_factory=list)


class Done(Outgoing):
    """The answer of a request that only changes a state."""

    status: str
    message: Optional[str] = None


JsonObject = dict[str, Any]
