"""Read a request's body and query within bounds and as valid models. From route; to handlers.

aiohttp's own decompression is off (see app): the body is bounded here twice, as sent and unpacked.
"""
from __future__ import annotations

import asyncio
import zlib
from typing import TypeVar

from aiohttp import web
from pydantic import BaseModel, ValidationError
from pydantic_core import from_json

from sra_sdk.errors import BadInput
from sra_sdk.models.base import storable

Model = TypeVar("Model", bound=BaseModel)

SENT_LIMIT = 8 * 1024 * 1024
UNPACKED_LIMIT = 32 * 1024 * 1024
READ_SECONDS = 30.0
#: Bodies above this are unpacked in a thread, so that other requests go on.
_IN_THREAD = 128 * 1024
#: How many wrong fields one answer names.
_ERRORS_SHOWN = 20
#: Kinds of wrong values that have a code of their own, by a part of the model's message.
_KINDS = (("NUL character", "nul_character", 422), ("must not be longer than", "message_too_large", 413),
          ("timestamp must", "bad_timestamp", 422), ("lone surrogates", "bad_character", 422),
          ("finite numbers only", "not_finite", 422))
_GENERAL = ("validation_failed", 422)


def expect_json(request: web.Request, *, or_text: bool = False) -> None:
    """Raise BadInput for a body that does not say that it is JSON, or where that is allowed, text."""
    kind = request.content_type if "Content-Type" in request.headers else ""
    if not request.body_exists or kind == "application/json" or (or_text and kind.startswith("text/")) \
            or (kind.startswith("application/") and kind.endswith("+json")):
        return
    wanted = "Content-Type: application/json" + (", or text/plain with one line each" if or_text else "")
    raise BadInput(f"the body is of type {kind[:100]!r}, not JSON" if kind else "the body says no type",
                   code="unsupported_media_type", http_status=415, hint=f"send {wanted}")


async def read(request: web.Request, *, limit: int) -> bytes:
    """Return the body, unpacked, or raise BadInput saying what is too large, late or unreadable."""
    return (await read_both(request, limit=limit))[1]


async def read_both(request: web.Request, *, limit: int) -> tuple[bytes, bytes]:
    """Return the body as it was sent and as it is unpacked; the same bytes if it was not packed."""
    encoding = request.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding not in ("identity", "gzip", "x-gzip", "deflate"):
        raise BadInput(f"Content-Encoding {encoding!r} is not understood", code="unsupported_encoding",
                       http_status=415, hint="send gzip, deflate or no encoding")
    sent = await _receive(request, min(SENT_LIMIT, limit))
    if encoding == "identity":
        return sent, sent
    if len(sent) > _IN_THREAD:
        return sent, await asyncio.to_thread(unpack, sent, encoding, limit)
    return sent, unpack(sent, encoding, limit)


def announced(request: web.Request) -> int:
    """Return how many bytes are to come, as far as is said; raise BadInput for more than is ever taken."""
    length = request.content_length or 0
    if length > SENT_LIMIT:
        raise too_large(SENT_LIMIT)
    return length


async def _receive(request: web.Request, limit: int) -> bytes:
    if announced(request) > limit:
        raise too_large(limit)
    chunks, size = [], 0
    try:
        async with asyncio.timeout(READ_SECONDS):
            async for chunk in request.content.iter_any():
                size += len(chunk)
                if size > limit:
                    raise too_large(limit)
                chunks.append(chunk)
    except TimeoutError:
        raise BadInput(f"the body did not arrive within {READ_SECONDS:.0f} s", code="request_timeout",
                       http_status=408) from None
    return b"".join(chunks)


def unpack(raw: bytes, encoding: str, limit: int) -> bytes:
    """Return the decompressed bytes; never hold more than `limit` of them."""
    engine = zlib.decompressobj(wbits=15 if encoding == "deflate" else 31)
    try:
        out = engine.decompress(raw, limit + 1)
    except zlib.error:
        raise BadInput(f"the body is not valid {encoding}", code="bad_encoding", http_status=400) from None
    if len(out) > limit:
        raise too_large(limit)
    if not engine.eof:
        raise BadInput(f"the {encoding} body ends too early", code="bad_encoding", http_status=400)
    if engine.unused_data:
        raise BadInput(f"something follows the {encoding} body", code="bad_encoding", http_status=400)
    return out


def too_large(limit: int) -> BadInput:
    """Return the error for a body above `limit` bytes."""
    return BadInput(f"the body is larger than {limit} bytes", code="body_too_large", http_status=413,
                    hint="send it in several requests")


def decode(raw: bytes) -> str:
    """Return the text of a body, or raise BadInput naming where it is not UTF-8."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadInput(f"the body is not UTF-8: byte {error.start} is 0x{raw[error.start]:02x}",
                       code="invalid_utf8", http_status=400) from None


def model(raw: bytes, kind: type[Model], *, optional: bool = False) -> Model:
    """Return the body as a model, or raise BadInput naming each wrong field."""
    if optional and not raw.strip():
        raw = b"{}"
    try:
        return kind.model_validate_json(raw)
    except ValidationError as error:
        decode(raw)
        raise explain(error) from None


def parsed(raw: bytes) -> object:
    """Return a body of any JSON, or raise BadInput."""
    try:
        return from_json(raw)
    except ValueError as error:
        decode(raw)
        raise _not_json(str(error)) from None


def _not_json(said: str) -> BadInput:
    return BadInput(f"the body is not JSON: {said}", code="malformed_json", http_status=400)


def checked(value: object, kind: type[Model]) -> Model:
    """Return a value that was put together here as a model, with the same errors as a body."""
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        raise explain(error) from None


def query(request: web.Request, kind: type[Model]) -> Model:
    """Return the query string as a model; the first value of a repeated name counts."""
    values = {name: value for name, value in reversed(list(request.query.items()))}
    for name, text in values.items():
        refuse_unstorable("query", name)
        refuse_unstorable(name, text)
    try:
        return kind.model_validate_strings(values)
    except ValidationError as error:
        raise explain(error) from None


def refuse_unstorable(place: str, text: str) -> None:
    """Raise BadInput for text that holds NUL or half a character, wherever in a request it stands."""
    try:
        storable(text)
    except ValueError as error:
        message = str(error)
        raise BadInput(f"{place}: {message}", code=_kind("value_error", (), message)[0],
                       errors=[{"field": place, "message": message}]) from None


def explain(error: ValidationError) -> BadInput:
    """Return the error for a body that does not fit its model, with the fields that do not."""
    details = error.errors(include_url=False, include_context=False, include_input=False)
    if details[0]["type"] == "json_invalid":
        return _not_json(details[0]["msg"].removeprefix("Invalid JSON: "))
    problems = [{"field": place(detail["loc"]), "message": said(detail["msg"])} for detail in details]
    kinds = {_kind(detail["type"], detail["loc"], detail["msg"]) for detail in details}
    code, status = kinds.pop() if len(kinds) == 1 else _GENERAL
    first = problems[0]
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    return BadInput(f"{first['field'] or 'body'}: {first['message']}{more}", code=code, http_status=status,
                    errors=problems[:_ERRORS_SHOWN])


def _kind(name: str, loc: tuple[int | str, ...], message: str) -> tuple[str, int]:
    """Return code and status of one wrong field."""
    if name.startswith("datetime"):
        return "bad_timestamp", 422
    if loc and loc[-1] == "level" and name in ("literal_error", "value_error"):
        return "unknown_level", 422
    return next(((code, status) for part, code, status in _KINDS if part in message), _GENERAL)


def said(message: str) -> str:
    """Return pydantic's message without its prefix for raised errors."""
    return message.removeprefix("Value error, ")


def place(loc: tuple[int | str, ...]) -> str:
    """Return `logs[3].level` for ("logs", 3, "level")."""
    text = ""
    for part in loc:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text
