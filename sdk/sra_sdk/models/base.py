"""What every wire body shares: strictness, times in UTC, and the problem document.

From the HTTP border; to all other modules of this package.
"""
from __future__ import annotations

import re
from datetime import datetime, timezone
from typing import Annotated, Any, Optional

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator

#: Times outside this span are mistakes (a unit mixed up), and no database of ours stores them.
EARLIEST = datetime(1980, 1, 1, tzinfo=timezone.utc)
LATEST = datetime(2200, 1, 1, tzinfo=timezone.utc)


def _in_utc(value: datetime) -> datetime:
    """Read a naive time as UTC (as sra-sdk 0.1.1 sends it) and refuse what cannot be meant."""
    try:
        aware = value.replace(tzinfo=timezone.utc) if value.tzinfo is None else value.astimezone(timezone.utc)
        if EARLIEST <= aware <= LATEST:
            return aware
    except OverflowError:  # its instant in UTC lies beyond the calendar
        pass
    raise ValueError("timestamp must lie between 1980 and 2200")


#: An instant; serialised as RFC 3339 in UTC.
Timestamp = Annotated[datetime, AfterValidator(_in_utc)]


_SURROGATE = re.compile("[\ud800-\udfff]")


def storable(text: str) -> str:
    """Refuse what no database stores: NUL, and halves of characters."""
    if "\x00" in text:
        raise ValueError("must not contain NUL characters")
    if _SURROGATE.search(text) is not None:
        raise ValueError("must not contain lone surrogates: it is not Unicode")
    return text


def _kept(value: Any) -> None:
    """Go through a value as JSON has it; in free objects a NUL is refused by nobody, for JSON escapes it."""
    inner: list[Any] = [value]
    while inner:
        one = inner.pop()
        if isinstance(one, float) and one - one != 0:
            raise ValueError("must hold finite numbers only, not NaN or Infinity")
        if isinstance(one, dict):
            inner.extend(one.values())
        elif isinstance(one, (list, tuple)):
            inner.extend(one)


class Incoming(BaseModel):
    """A request body. Unknown fields are ignored, so that old and new clients can talk."""

    model_config = ConfigDict(extra="ignore", str_strip_whitespace=False)

    @field_validator("*")
    @classmethod
    def _storable(cls, value: Any) -> Any:
        if isinstance(value, str):
            return storable(value)
        if isinstance(value, list):
            for one in value:
                if isinstance(one, str):
                    storable(one)
        elif isinstance(value, (float, dict)):
            _kept(value)
        return value


def _mended(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("\x00", "\ufffd")
    if isinstance(value, float):
        return value if value - value == 0 else str(value)
    if isinstance(value, dict):
        return {_mended(key): _mended(inner) for key, inner in value.items()}
    return [_mended(inner) for inner in value] if isinstance(value, list) else value


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
#: What must get through whatever it holds: NUL becomes U+FFFD, and a number that is none its name.
MendedObject = Annotated[JsonObject, AfterValidator(_mended)]
